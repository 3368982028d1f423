#include "app/dns_zone.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <optional>

namespace myriad::app {
namespace {

constexpr std::uint16_t kFormErr = 1;
constexpr std::uint16_t kNxDomain = 3;
constexpr std::uint16_t kNotImp = 4;
constexpr std::uint16_t kRefused = 5;
constexpr std::uint32_t kBadVersion = 16;  // RFC 6891 section 9
constexpr std::uint16_t kFirstMetaType = 128;
constexpr int kMostAliases = 8;
constexpr std::size_t kOptBytes = 11;

std::string_view key_of(const DnsName& lowered) {
  return {reinterpret_cast<const char*>(lowered.wire().data()), lowered.wire().size()};
}

// What a query says besides its question.
struct Asked {
  DnsHeader header;
  std::optional<DnsQuestion> question;
  bool edns = false;
  std::uint8_t edns_version = 0;
  std::size_t payload_bytes = kDnsPlainBytes;
  bool malformed = false;
};

Asked read_query(Bytes message, const DnsHeader& header) {
  Asked asked;
  asked.header = header;
  DnsReader reader{message};
  if (header.questions == 1) asked.question = reader.question();
  asked.malformed = !asked.question;
  const std::uint32_t records = std::uint32_t{header.answers} + header.authorities + header.additionals;
  for (std::uint32_t i = 0; i < records && !asked.malformed; ++i) {
    const auto record = reader.record();
    if (!record) {
      asked.malformed = true;
    } else if (record->type == static_cast<std::uint16_t>(DnsType::kOpt)) {
      asked.malformed = asked.edns;  // RFC 6891 section 6.1.1: one at most
      asked.edns = true;
      asked.edns_version = static_cast<std::uint8_t>(record->ttl >> 16);
      asked.payload_bytes = std::max<std::size_t>(kDnsPlainBytes, record->klass);
    }
  }
  return asked;
}

}  // namespace

// Puts records behind one another; a name that is the question's is a pointer to it.
class DnsZone::Writer {
 public:
  Writer(MutableBytes out, std::size_t limit) : out_(out), limit_(std::min(limit, out.size())) {}

  bool question(const DnsQuestion& question) {
    asked_ = question.name;
    return name(question.name) && be16(question.type) && be16(question.klass);
  }
  bool record(const DnsName& owner, const DnsZoneRecord& record) {
    const bool pointer = owner == asked_;
    return (pointer ? be16(0xc000 | kDnsHeaderBytes) : name(owner)) && be16(static_cast<std::uint16_t>(record.type)) &&
           be16(1) && be32(record.ttl) && be16(static_cast<std::uint16_t>(record.data.size())) &&
           bytes({reinterpret_cast<const std::uint8_t*>(record.data.data()), record.data.size()});
  }
  // RFC 6891 section 6.1.2.
  bool edns(std::uint32_t extended_rcode) {
    return bytes(Bytes{kRoot}) && be16(static_cast<std::uint16_t>(DnsType::kOpt)) &&
           be16(static_cast<std::uint16_t>(kMostByUdp)) && be32(extended_rcode << 24) && be16(0);
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  void rewind(std::size_t size) { size_ = size; }
  void keep_room(std::size_t bytes) { limit_ -= std::min(limit_, bytes); }
  void use_room(std::size_t bytes) { limit_ += bytes; }

 private:
  static constexpr std::uint8_t kRoot[] = {0};

  bool bytes(Bytes data) {
    if (size_ + data.size() > limit_) return false;
    std::copy(data.begin(), data.end(), out_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ += data.size();
    return true;
  }
  bool name(const DnsName& name) { return bytes(name.wire()); }
  bool be16(std::uint16_t value) {
    std::uint8_t raw[2];
    store_be16(raw, value);
    return bytes(raw);
  }
  bool be32(std::uint32_t value) {
    std::uint8_t raw[4];
    store_be32(raw, value);
    return bytes(raw);
  }

  MutableBytes out_;
  std::size_t limit_;
  std::size_t size_ = kDnsHeaderBytes;
  DnsName asked_;
};

DnsZone::DnsZone(const DnsName& origin, std::uint32_t ttl, std::vector<DnsZoneRecord> records)
    : origin_(origin.lowered()) {
  for (DnsZoneRecord& record : records) {
    record.owner = record.owner.lowered();
    assert(record.owner.is_within(origin_));
    // Names between it and the zone's own are there as well, without records (RFC 4592 section 2.2.2).
    for (DnsName above = record.owner; above != origin_;) {
      above = above.parent();
      nodes_.try_emplace(std::string{key_of(above)});
    }
    nodes_[std::string{key_of(record.owner)}].records.push_back(std::move(record));
  }
  nodes_.try_emplace(std::string{key_of(origin_)});
  // Who serves it, whom to ask, serial, refresh, retry, expire, how long "no" may be remembered (RFC 2308 section 4).
  const auto server = DnsName::parse("ns")->under(origin_).value_or(origin_);
  const auto person = DnsName::parse("hostmaster")->under(origin_).value_or(origin_);
  soa_ = {origin_, DnsType::kSoa, ttl, std::string{key_of(server)} + std::string{key_of(person)}};
  for (const std::uint32_t number : {1U, 3600U, 600U, 86'400U, ttl}) {
    std::uint8_t raw[4];
    store_be32(raw, number);
    soa_.data.append(reinterpret_cast<const char*>(raw), sizeof raw);
  }
}

const DnsZone::Node* DnsZone::node(std::string_view key) const {
  const auto found = nodes_.find(key);
  return found == nodes_.end() ? nullptr : &found->second;
}

const DnsZone::Node* DnsZone::closest(const DnsName& name) const {
  const DnsName lowered = name.lowered();
  std::string_view above = key_of(lowered);
  if (const Node* const exact = node(above)) return exact;
  do {
    above.remove_prefix(std::size_t{1} + static_cast<std::uint8_t>(above[0]));  // what remains is a name again
  } while (node(above) == nullptr);                                             // the zone's own name is there
  std::array<char, 2 + DnsName::kMaxBytes> wildcard{1, '*'};
  std::copy(above.begin(), above.end(), wildcard.begin() + 2);
  return node({wildcard.data(), 2 + above.size()});
}

bool DnsZone::resolve(const DnsQuestion& question, DnsHeader& header, Writer& writer) const {
  DnsName name = question.name;
  const auto wanted = static_cast<DnsType>(question.type);
  const auto add = [&](const DnsZoneRecord& record) {
    ++header.answers;
    return writer.record(name, record);
  };
  for (int aliases = 0; aliases <= kMostAliases && name.is_within(origin_); ++aliases) {
    const Node* const here = closest(name);
    const DnsZoneRecord* alias = nullptr;
    const std::uint16_t before = header.answers;
    if (here != nullptr) {
      for (const DnsZoneRecord& record : here->records) {
        if ((record.type == wanted || wanted == DnsType::kAny) && !add(record)) return false;
        if (record.type == DnsType::kCname) alias = &record;
      }
    }
    const bool soa = (wanted == DnsType::kSoa || wanted == DnsType::kAny) && name == origin_;
    if (soa && !add(soa_)) return false;
    if (header.answers > before) return true;
    if (alias == nullptr) {
      if (here == nullptr) header.flags |= kNxDomain;
      ++header.authorities;
      return writer.record(origin_, soa_);
    }
    if (!add(*alias)) return false;
    std::size_t at = 0;
    const Bytes data{reinterpret_cast<const std::uint8_t*>(alias->data.data()), alias->data.size()};
    name = DnsName::read(data, at).value_or(DnsName{});
  }
  return true;
}

std::size_t DnsZone::answer(Bytes query, bool over_tcp, MutableBytes out) const {
  const auto header = DnsHeader::read(query);
  if (!header || header->is(DnsHeader::kResponse) || out.size() < kDnsPlainBytes) return 0;
  DnsHeader reply;
  reply.id = header->id;
  reply.flags = static_cast<std::uint16_t>(DnsHeader::kResponse |
                                           (header->flags & (DnsHeader::kOpcode | DnsHeader::kRecursionDesired)));
  if (header->is(DnsHeader::kOpcode)) {
    reply.flags |= kNotImp;
    reply.write(out.data());
    return kDnsHeaderBytes;
  }
  const Asked asked = read_query(query, *header);
  if (asked.malformed) {
    reply.flags |= kFormErr;
    reply.write(out.data());
    return kDnsHeaderBytes;
  }
  Writer writer{out, over_tcp ? kDnsMaxBytes : std::min(asked.payload_bytes, kMostByUdp)};
  if (asked.edns) writer.keep_room(kOptBytes);
  reply.questions = 1;
  [[maybe_unused]] const bool fits = writer.question(*asked.question);
  assert(fits && "a name, a type and a class");
  const std::size_t behind_question = writer.size();
  const DnsQuestion& question = *asked.question;
  std::uint32_t extended = 0;
  if (asked.edns_version != 0) {
    extended = kBadVersion >> 4;
  } else if (question.type >= kFirstMetaType && question.type != static_cast<std::uint16_t>(DnsType::kAny)) {
    reply.flags |= kNotImp;
  } else if (question.klass != 1 || !question.name.is_within(origin_)) {
    reply.flags |= kRefused;
  } else {
    reply.flags |= DnsHeader::kAuthoritative;
    if (!resolve(question, reply, writer)) {
      writer.rewind(behind_question);
      reply.flags |= DnsHeader::kTruncated;
      reply.answers = reply.authorities = 0;
    }
  }
  if (asked.edns) {
    writer.use_room(kOptBytes);
    reply.additionals = 1;
    [[maybe_unused]] const bool room = writer.edns(extended);
    assert(room && "it was kept");
  }
  reply.write(out.data());
  return writer.size();
}

}  // namespace myriad::app
