#include "app/dns_client.h"

#include <algorithm>
#include <cassert>

#include "base/rng.h"

namespace myriad::app {
namespace {

constexpr std::uint32_t kMostAliases = 16;  // of a chain of CNAME records
constexpr std::size_t kLengthBytes = 2;     // RFC 1035 section 4.2.2: before a message over TCP

DnsReply failed(Failure why) { return {DnsReply::Kind::kFailed, why}; }

Failure failure_of(DnsRcode rcode) {
  switch (rcode) {
    case DnsRcode::kFormErr:
      return Failure::kDnsFormErr;
    case DnsRcode::kServFail:
      return Failure::kDnsServFail;
    case DnsRcode::kNxDomain:
      return Failure::kDnsNxDomain;
    case DnsRcode::kNotImp:
      return Failure::kDnsNotImp;
    case DnsRcode::kRefused:
      return Failure::kDnsRefused;
    default:
      return Failure::kDnsRcode;
  }
}

// The answer section of a message that is read to its end once, as often as it has to be.
class Answers {
 public:
  // False: the message is not well-formed.
  [[nodiscard]] static std::optional<Answers> read(Bytes message, const DnsHeader& header, const DnsReader& answers) {
    Answers out{message, header.answers, answers};
    DnsReader reader = answers;
    const std::uint32_t records = std::uint32_t{header.answers} + header.authorities + header.additionals;
    for (std::uint32_t i = 0; i < records; ++i) {
      const auto record = reader.record();
      if (!record) return std::nullopt;
      // RFC 6891 section 6.1.3: the upper bits of the code are in the first byte of what is a TTL elsewhere.
      if (record->type == static_cast<std::uint16_t>(DnsType::kOpt) && i >= header.answers + header.authorities) {
        out.extended_rcode_ = record->ttl >> 24;
      }
    }
    return out;
  }

  [[nodiscard]] std::uint32_t extended_rcode() const { return extended_rcode_; }

  // Calls visit(record) for those of that name and type until it returns false; false then.
  template <class Visit>
  bool each(const DnsName& owner, DnsType type, Visit&& visit) const {
    DnsReader reader = first_;
    for (std::uint32_t i = 0; i < count_; ++i) {
      const auto record = reader.record();
      if (record->type == static_cast<std::uint16_t>(type) && record->klass == 1 && record->owner == owner &&
          !visit(*record)) {
        return false;
      }
    }
    return true;
  }

  // Where the aliases of that name lead. nullopt: nowhere, in a circle or too far.
  [[nodiscard]] std::optional<DnsName> follow(DnsName name) const {
    for (std::uint32_t steps = 0; steps <= kMostAliases; ++steps) {
      std::optional<DnsName> next;
      bool good = true;
      each(name, DnsType::kCname, [&](const DnsRecord& record) {
        std::size_t at = record.data_at;
        next = DnsName::read(message_.first(record.data_at + record.data_length), at);
        good = next.has_value();
        return false;
      });
      if (!good) return std::nullopt;
      if (!next) return name;
      name = *next;
    }
    return std::nullopt;
  }

 private:
  Answers(Bytes message, std::uint32_t count, const DnsReader& first)
      : message_(message), count_(count), first_(first) {}

  Bytes message_;
  std::uint32_t count_;
  DnsReader first_;
  std::uint32_t extended_rcode_ = 0;
};

DnsReply judge_answers(Bytes message, const Answers& answers, DnsRcode rcode, const DnsQuery& query) {
  const auto name = query.type == DnsType::kCname ? std::optional{query.name} : answers.follow(query.name);
  if (!name) return failed(Failure::kDnsMalformed);
  std::vector<std::string> found;
  const bool good = answers.each(*name, query.type, [&](const DnsRecord& record) {
    auto data = dns_canonical(message, record);
    if (data) found.push_back(std::move(*data));
    return data.has_value();
  });
  if (!good) return failed(Failure::kDnsMalformed);
  if (query.expect.answers) {
    std::ranges::sort(found);
    if (found != *query.expect.answers) return failed(Failure::kVerifyMismatch);
  } else if (rcode == DnsRcode::kNoError && found.empty() && !query.expect.rcode) {
    return failed(Failure::kDnsNoData);
  }
  return {DnsReply::Kind::kAnswered, Failure::kCount};
}

}  // namespace

DnsReply judge_dns(Bytes message, const DnsQuery& query) {
  const auto header = DnsHeader::read(message);
  if (!header || !header->is(DnsHeader::kResponse) || header->is(DnsHeader::kOpcode)) {
    return failed(Failure::kDnsMalformed);
  }
  auto rcode = static_cast<DnsRcode>(header->flags & 0x000f);
  DnsReader reader{message};
  // A server that could not read the question need not repeat it.
  if (header->questions == 0 && rcode != DnsRcode::kNoError) return failed(failure_of(rcode));
  if (header->questions != 1) return failed(Failure::kDnsMalformed);
  const auto question = reader.question();
  if (!question) return failed(Failure::kDnsMalformed);
  if (question->name != query.name || question->type != static_cast<std::uint16_t>(query.type) ||
      question->klass != 1) {
    return {};
  }
  if (header->is(DnsHeader::kTruncated)) return {DnsReply::Kind::kTruncated, Failure::kCount};
  const auto answers = Answers::read(message, *header, reader);
  if (!answers) return failed(Failure::kDnsMalformed);
  rcode = static_cast<DnsRcode>(static_cast<std::uint32_t>(rcode) | answers->extended_rcode() << 4);
  const DnsRcode expected = query.expect.rcode.value_or(DnsRcode::kNoError);
  if (rcode != expected) {
    return failed(rcode == DnsRcode::kNoError ? Failure::kVerifyMismatch : failure_of(rcode));
  }
  return judge_answers(message, *answers, rcode, query);
}

std::unique_ptr<Dialogue> DnsRole::make(const SessionFacts& facts) const {
  return std::make_unique<DnsDialogue>(questions_, facts.session, facts.seed);
}

DnsDialogue::DnsDialogue(const DnsQuestions& questions, std::uint64_t session, std::uint64_t seed)
    : questions_(questions),
      first_(session * questions.per_session),
      seed_(mix64(seed)),
      transport_(questions.transport == DnsTransport::kTcp ? Transport::kStream : Transport::kDatagrams) {}

const DnsQuery& DnsDialogue::query(std::uint32_t number) const {
  const std::uint64_t place = questions_.at_random ? mix64(seed_ ^ number) >> 16 : first_ + number;
  return questions_.queries[place % questions_.queries.size()];
}

std::uint16_t DnsDialogue::id(std::uint32_t number, std::uint32_t a_try) const {
  return static_cast<std::uint16_t>(mix64(seed_ + (std::uint64_t{number} << 8 | a_try)) >> 40);
}

bool DnsDialogue::is_ours(std::uint16_t seen) const {
  for (std::uint32_t a_try = 0; a_try < tries_; ++a_try) {
    if (id(asked_, a_try) == seen) return true;
  }
  return false;
}

std::size_t DnsDialogue::write(std::uint32_t number, std::uint32_t a_try, MutableBytes out) const {
  const DnsQuery& asked = query(number);
  return write_dns_query(id(number, a_try), asked.name, static_cast<std::uint16_t>(asked.type),
                         questions_.payload_bytes, out);
}

Step DnsDialogue::begin(Instant now) {
  stream_begun_ = asked_;
  tries_ = 0;
  received_.clear();
  return ask(now);
}

Step DnsDialogue::ask(Instant now) {
  Step step;
  const std::size_t length = write(asked_, tries_, datagram_);
  if (transport_ == Transport::kStream) {
    step.grown = kLengthBytes + length;
    wake_at_ = Instant::never();
  } else {
    step.datagram = Bytes{datagram_}.first(length);
    wake_at_ = now + questions_.retry * (std::int64_t{1} << tries_);
  }
  ++tries_;
  return step;
}

Step DnsDialogue::on_time(Instant now) {
  if (now < wake_at_) return {};
  if (tries_ < questions_.tries) return ask(now);
  wake_at_ = Instant::never();
  return Step::failed(Failure::kResponseTimeout);
}

Step DnsDialogue::take(Bytes data, Instant now) {
  if (asked_ >= questions_.per_session) return {};  // all answered; what comes now was not asked for
  if (transport_ == Transport::kDatagrams) return hear(data, now);
  Step all;
  while (!data.empty()) {
    const std::size_t wanted =
        received_.size() < kLengthBytes ? kLengthBytes : kLengthBytes + load_be16(received_.data());
    const std::size_t piece = std::min(wanted - received_.size(), data.size());
    received_.insert(received_.end(), data.begin(), data.begin() + static_cast<std::ptrdiff_t>(piece));
    data = data.subspan(piece);
    if (received_.size() < kLengthBytes || received_.size() < kLengthBytes + load_be16(received_.data())) continue;
    const Step step = hear(Bytes{received_}.subspan(kLengthBytes), now);
    received_.clear();
    all.grown += step.grown;
    if (step.progress == Progress::kMore) continue;
    const std::uint64_t grown = all.grown;
    all = step;
    all.grown = grown;
    return all;
  }
  return all;
}

Step DnsDialogue::hear(Bytes message, Instant now) {
  const auto header = DnsHeader::read(message);
  if (!header) return Step::failed(Failure::kDnsMalformed);
  if (!is_ours(header->id)) return {};
  const DnsReply reply = judge_dns(message, query(asked_));
  switch (reply.kind) {
    case DnsReply::Kind::kForeign:
      return {};
    case DnsReply::Kind::kAnswered:
      return go_on(now);
    case DnsReply::Kind::kFailed:
      return Step::failed(reply.failure);
    case DnsReply::Kind::kTruncated:
      break;
  }
  if (transport_ == Transport::kStream) return Step::failed(Failure::kDnsMalformed);  // there it cannot be too long
  if (questions_.transport == DnsTransport::kUdp) return Step::failed(Failure::kDnsTruncated);
  transport_ = Transport::kStream;
  wake_at_ = Instant::never();
  Step step;
  step.progress = Progress::kReconnect;
  return step;
}

Step DnsDialogue::go_on(Instant now) {
  verified_ = verified_ && query(asked_).expect.any();
  ++asked_;
  tries_ = 0;
  Step step;
  if (asked_ == questions_.per_session) {
    wake_at_ = Instant::never();
    step.progress = Progress::kComplete;
    step.verified = verified_;
    return step;
  }
  if (transport_ == Transport::kStream && questions_.transport == DnsTransport::kAuto) {
    transport_ = Transport::kDatagrams;
    step.progress = Progress::kReconnect;
    return step;
  }
  return ask(now);
}

Step DnsDialogue::peer_closed([[maybe_unused]] Instant now) {
  // RFC 7766 section 6.2.4: a server may close between one answer and the next question.
  if (asked_ > stream_begun_ && received_.empty()) {
    Step step;
    step.progress = Progress::kReconnect;
    return step;
  }
  return Step::failed(Failure::kClosedEarly);
}

void DnsDialogue::read(std::uint64_t offset, MutableBytes out) const {
  std::uint64_t begin = 0;
  for (std::uint32_t number = stream_begun_; !out.empty(); ++number) {
    assert(number <= asked_ && "only what was announced is read");
    std::array<std::uint8_t, kLengthBytes + kDnsMaxQuery> message;
    const std::size_t length = write(number, 0, MutableBytes{message}.subspan(kLengthBytes));
    store_be16(message.data(), static_cast<std::uint16_t>(length));
    const std::uint64_t end = begin + kLengthBytes + length;
    if (offset < end) {
      const auto from = static_cast<std::size_t>(offset - begin);
      const std::size_t piece = std::min(out.size(), kLengthBytes + length - from);
      std::copy_n(message.begin() + static_cast<std::ptrdiff_t>(from), piece, out.begin());
      out = out.subspan(piece);
      offset += piece;
    }
    begin = end;
  }
}

}  // namespace myriad::app
