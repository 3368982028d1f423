// Messages of DNS as strangers send them: the reader of answers, the zone that is asked, and both over a stream.
//
// The input: one byte says which question was asked and how the stream is cut, the rest is what arrives.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

#include "app/dns_client.h"
#include "app/dns_server.h"
#include "tests/app/dns_messages.h"

namespace {

using namespace myriad;
using namespace myriad::app;

void require(bool holds) {
  if (!holds) std::abort();
}

const std::vector<DnsQuery>& queries() {
  static const std::vector<DnsQuery> all = [] {
    std::vector<DnsQuery> out;
    for (const DnsType type : {DnsType::kA, DnsType::kAaaa, DnsType::kMx, DnsType::kSrv, DnsType::kTxt, DnsType::kPtr,
                               DnsType::kCname, DnsType::kNs}) {
      DnsQuery query;
      query.name = DnsName::parse("www.example.test").value();
      query.type = type;
      out.push_back(query);
      query.expect.answers.emplace();
      out.push_back(query);
    }
    return out;
  }();
  return all;
}

// Whatever we say is well-formed.
void read_whole(Bytes message) {
  const auto header = DnsHeader::read(message);
  require(header.has_value());
  DnsReader reader{message};
  for (int i = 0; i < header->questions; ++i) require(reader.question().has_value());
  for (int i = 0; i < header->answers + header->authorities + header->additionals; ++i) {
    const auto record = reader.record();
    require(record.has_value() && dns_canonical(message, *record).has_value());
  }
}

void ask(Bytes message) {
  std::vector<std::uint8_t> out(kDnsMaxBytes);
  for (const bool over_tcp : {false, true}) {
    const std::size_t size = example_zone().answer(message, over_tcp, out);
    require(size <= (over_tcp ? out.size() : DnsZone::kMostByUdp));
    if (size == 0) continue;
    read_whole(Bytes{out}.first(size));
    std::array<std::uint8_t, 512> again;
    require(example_zone().answer(Bytes{out}.first(size), over_tcp, again) == 0);
  }
}

// The answers of a stream do not depend on how it is cut.
void ask_by_stream(Bytes stream, std::size_t cut) {
  DnsServer whole;
  DnsServer pieces;
  const auto all = whole.take(stream, example_zone(), 64 * 1024);
  DnsServer::Step sum;
  for (std::size_t at = 0; at < stream.size() && !sum.overflow; at += cut) {
    const auto step = pieces.take(stream.subspan(at, std::min(cut, stream.size() - at)), example_zone(), 64 * 1024);
    sum.grown += step.grown;
    sum.overflow = step.overflow;
  }
  require(all.grown == sum.grown && all.overflow == sum.overflow);
  std::vector<std::uint8_t> a(all.grown);
  std::vector<std::uint8_t> b(all.grown);
  whole.read(0, a);
  pieces.read(0, b);
  require(a == b);
}

void answer_dialogue(Bytes data, const DnsQuery& query, DnsTransport transport, std::size_t cut) {
  DnsQuestions questions;
  questions.queries.push_back(query);
  questions.per_session = 2;
  questions.transport = transport;
  DnsDialogue dialogue{questions, 0, 7};
  Step step = dialogue.begin(Instant{});
  std::vector<std::uint8_t> stream(step.grown);
  dialogue.read(0, stream);
  for (std::size_t at = 0; at < data.size() && step.progress == Progress::kMore; at += cut) {
    std::vector<std::uint8_t> piece(data.begin() + static_cast<std::ptrdiff_t>(at),
                                    data.begin() + static_cast<std::ptrdiff_t>(std::min(at + cut, data.size())));
    // The identifier is known to who answers.
    const std::size_t id_at = transport == DnsTransport::kTcp ? 2 : 0;
    const Bytes asked = transport == DnsTransport::kTcp ? Bytes{stream} : step.datagram;
    if (at == 0 && piece.size() >= id_at + 2 && asked.size() >= id_at + 2) {
      std::copy_n(asked.begin() + static_cast<std::ptrdiff_t>(id_at), 2,
                  piece.begin() + static_cast<std::ptrdiff_t>(id_at));
    }
    step = dialogue.take(piece, Instant{});
  }
  (void)dialogue.peer_closed(Instant{});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::vector<std::uint8_t> exact(data + 1, data + size);
  const DnsQuery& query = queries()[data[0] % queries().size()];
  const std::size_t cut = std::size_t{1} + data[0] / queries().size();
  (void)judge_dns(exact, query);
  ask(exact);
  ask_by_stream(exact, cut);
  answer_dialogue(exact, query, DnsTransport::kUdp, exact.size());
  answer_dialogue(exact, query, DnsTransport::kTcp, cut);
  return 0;
}
