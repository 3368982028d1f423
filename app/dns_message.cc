#include "app/dns_message.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cctype>
#include <charconv>
#include <utility>
#include <vector>

#include "base/addr.h"

namespace myriad::app {
namespace {

constexpr std::pair<std::string_view, DnsType> kTypes[] = {
    {"A", DnsType::kA},   {"AAAA", DnsType::kAaaa}, {"CNAME", DnsType::kCname}, {"MX", DnsType::kMx},
    {"NS", DnsType::kNs}, {"PTR", DnsType::kPtr},   {"SRV", DnsType::kSrv},     {"TXT", DnsType::kTxt},
};
constexpr std::string_view kRcodes[] = {"noerror", "formerr", "servfail", "nxdomain", "notimp", "refused"};

bool same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

std::string as_string(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

void append_be16(std::string& out, std::uint64_t value) {
  out += static_cast<char>(value >> 8 & 0xff);
  out += static_cast<char>(value & 0xff);
}

// How many bytes of numbers stand before the name in data of that type; nullopt: it has no name.
std::optional<std::size_t> name_offset(DnsType type) {
  switch (type) {
    case DnsType::kNs:
    case DnsType::kCname:
    case DnsType::kPtr:
      return 0;
    case DnsType::kMx:
      return 2;
    case DnsType::kSrv:
      return 6;
    default:
      return std::nullopt;
  }
}

bool is_strings(Bytes data) {
  if (data.empty()) return false;
  std::size_t at = 0;
  while (at < data.size()) at += std::size_t{1} + data[at];
  return at == data.size();
}

// ---- what a person wrote

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = text.find_first_not_of(" \t", at);
    if (begin == text.npos) break;
    at = std::min(text.find_first_of(" \t", begin), text.size());
    out.push_back(text.substr(begin, at - begin));
  }
  return out;
}

std::optional<DnsName> name_below(std::string_view text, const DnsName& origin) {
  const auto name = DnsName::parse(text);
  if (!name || text.ends_with('.')) return name;
  return name->under(origin);
}

// Numbers, then a name.
std::optional<std::string> numbers_and_name(std::size_t numbers, std::string_view text, const DnsName& origin) {
  const auto parts = words(text);
  if (parts.size() != numbers + 1) return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < numbers; ++i) {
    std::uint16_t value = 0;
    const auto [end, error] = std::from_chars(parts[i].data(), parts[i].data() + parts[i].size(), value);
    if (error != std::errc{} || end != parts[i].data() + parts[i].size()) return std::nullopt;
    append_be16(out, value);
  }
  const auto name = name_below(parts[numbers], origin);
  if (!name) return std::nullopt;
  return out + as_string(name->lowered().wire());
}

bool append_string(std::string& out, std::string_view part) {
  if (part.size() > 255) return false;
  out += static_cast<char>(part.size());
  out += part;
  return true;
}

// Several strings in quotes, or one text, cut where it is longer than a string may be.
std::optional<std::string> strings(std::string_view text) {
  std::string out;
  if (!text.starts_with('"')) {
    do {
      append_string(out, text.substr(0, 255));
      text.remove_prefix(std::min<std::size_t>(text.size(), 255));
    } while (!text.empty());
    return out;
  }
  while (!text.empty()) {
    if (!text.starts_with('"')) return std::nullopt;
    const std::size_t end = text.find('"', 1);
    if (end == text.npos || !append_string(out, text.substr(1, end - 1))) return std::nullopt;
    text.remove_prefix(end + 1);
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  }
  return out;
}

}  // namespace

std::optional<DnsType> dns_type(std::string_view name) {
  for (const auto& [known, type] : kTypes) {
    if (same(name, known)) return type;
  }
  return std::nullopt;
}

std::string_view dns_type_name(DnsType type) {
  for (const auto& [name, known] : kTypes) {
    if (known == type) return name;
  }
  return "?";
}

std::optional<DnsRcode> dns_rcode(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kRcodes); ++i) {
    if (same(name, kRcodes[i])) return static_cast<DnsRcode>(i);
  }
  return std::nullopt;
}

std::string dns_rcode_name(DnsRcode rcode) {
  const auto number = static_cast<std::size_t>(rcode);
  return number < std::size(kRcodes) ? std::string{kRcodes[number]} : "rcode " + std::to_string(number);
}

std::optional<DnsHeader> DnsHeader::read(Bytes message) {
  if (message.size() < kDnsHeaderBytes) return std::nullopt;
  const std::uint8_t* const at = message.data();
  return DnsHeader{load_be16(at),     load_be16(at + 2), load_be16(at + 4),
                   load_be16(at + 6), load_be16(at + 8), load_be16(at + 10)};
}

void DnsHeader::write(std::uint8_t* out) const {
  store_be16(out, id);
  store_be16(out + 2, flags);
  store_be16(out + 4, questions);
  store_be16(out + 6, answers);
  store_be16(out + 8, authorities);
  store_be16(out + 10, additionals);
}

std::optional<DnsQuestion> DnsReader::question() {
  const auto name = DnsName::read(message_, at_);
  if (!name || message_.size() - at_ < 4) return std::nullopt;
  const std::uint8_t* const at = message_.data() + at_;
  at_ += 4;
  return DnsQuestion{*name, load_be16(at), load_be16(at + 2)};
}

std::optional<DnsRecord> DnsReader::record() {
  const auto owner = DnsName::read(message_, at_);
  if (!owner || message_.size() - at_ < 10) return std::nullopt;
  const std::uint8_t* const at = message_.data() + at_;
  DnsRecord record{*owner, load_be16(at), load_be16(at + 2), load_be32(at + 4), at_ + 10, load_be16(at + 8)};
  if (message_.size() - record.data_at < record.data_length) return std::nullopt;
  at_ = record.data_at + record.data_length;
  return record;
}

std::optional<std::string> dns_canonical(Bytes message, const DnsRecord& record) {
  const Bytes data = message.subspan(record.data_at, record.data_length);
  const auto type = static_cast<DnsType>(record.type);
  if (type == DnsType::kA && data.size() != 4) return std::nullopt;
  if (type == DnsType::kAaaa && data.size() != 16) return std::nullopt;
  if (type == DnsType::kTxt && !is_strings(data)) return std::nullopt;
  const auto offset = name_offset(type);
  if (!offset) return as_string(data);
  if (data.size() <= *offset) return std::nullopt;
  // The name may point to anywhere before it, but it ends where the data do.
  std::size_t at = record.data_at + *offset;
  const auto name = DnsName::read(message.first(record.data_at + record.data_length), at);
  if (!name || at != record.data_at + record.data_length) return std::nullopt;
  return as_string(data.first(*offset)) + as_string(name->lowered().wire());
}

std::optional<std::string> dns_data(DnsType type, std::string_view text, const DnsName& origin) {
  switch (type) {
    case DnsType::kA: {
      const auto address = Ipv4Address::parse(text);
      if (!address) return std::nullopt;
      std::array<std::uint8_t, 4> octets{};
      address->store(octets.data());
      return as_string(octets);
    }
    case DnsType::kAaaa: {
      const auto address = Ipv6Address::parse(text);
      return address ? std::optional{as_string(address->octets)} : std::nullopt;
    }
    case DnsType::kTxt:
      return strings(text);
    default:
      break;
  }
  const auto offset = name_offset(type);
  return offset ? numbers_and_name(*offset / 2, text, origin) : std::nullopt;
}

std::string_view dns_data_example(DnsType type) {
  switch (type) {
    case DnsType::kA:
      return "10.0.255.1";
    case DnsType::kAaaa:
      return "fd00::1";
    case DnsType::kMx:
      return "10 mail.example.test.";
    case DnsType::kSrv:
      return "0 5 5060 sip.example.test.";
    case DnsType::kTxt:
      return "v=spf1 -all";
    default:
      return "www.example.test.";
  }
}

std::size_t write_dns_query(std::uint16_t id, const DnsName& name, std::uint16_t type, std::uint16_t payload_bytes,
                            MutableBytes out) {
  assert(out.size() >= kDnsMaxQuery);
  DnsHeader header;
  header.id = id;
  header.flags = DnsHeader::kRecursionDesired;
  header.questions = 1;
  header.additionals = payload_bytes > 0 ? 1 : 0;
  header.write(out.data());
  std::size_t at = kDnsHeaderBytes;
  const Bytes wire = name.wire();
  std::copy(wire.begin(), wire.end(), out.begin() + static_cast<std::ptrdiff_t>(at));
  at += wire.size();
  store_be16(out.data() + at, type);
  store_be16(out.data() + at + 2, 1);
  at += 4;
  if (payload_bytes == 0) return at;
  // RFC 6891 section 6.1.2: the root's name, type, what we take, extended code, version and flags, no data.
  out[at] = 0;
  store_be16(out.data() + at + 1, static_cast<std::uint16_t>(DnsType::kOpt));
  store_be16(out.data() + at + 3, payload_bytes);
  store_be32(out.data() + at + 5, 0);
  store_be16(out.data() + at + 9, 0);
  return at + 11;
}

}  // namespace myriad::app
