// What the fields of a packet are given.
#include <algorithm>

#include "templates/plan/keys_flows.h"
#include "templates/plan/read_packet.h"

namespace myriad::plan {
namespace {

using craft::FieldDefinition;
using craft::FieldType;
using craft::FieldValue;
using craft::Number;

constexpr std::size_t kMostListed = 100'000;

Number largest(std::size_t width) { return width >= 128 ? ~Number{0} : (Number{1} << width) - 1; }

Number number_of(const Ipv6Address& address) { return Number{address.high()} << 64 | address.low(); }

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 16;
}

// Decimal, or hexadecimal behind 0x; below 2^128.
std::optional<Number> parse_number_text(std::string_view text) {
  const bool is_hex = text.starts_with("0x") || text.starts_with("0X");
  const unsigned base = is_hex ? 16 : 10;
  if (is_hex) text.remove_prefix(2);
  if (text.empty()) return std::nullopt;
  Number value = 0;
  for (const char c : text) {
    const auto d = static_cast<unsigned>(digit(c));
    if (d >= base || value > (~Number{0} - d) / base) return std::nullopt;
    value = value * base + d;
  }
  return value;
}

std::optional<Number> parse_address(std::string_view text, FieldType type) {
  if (type == FieldType::kMac) {
    const auto mac = MacAddress::parse(text);
    return mac ? std::optional{Number{mac->number()}} : std::nullopt;
  }
  if (type == FieldType::kIpv4) {
    const auto address = Ipv4Address::parse(text);
    return address ? std::optional{Number{address->value}} : std::nullopt;
  }
  if (type == FieldType::kIpv6) {
    const auto address = Ipv6Address::parse(text);
    return address ? std::optional{number_of(*address)} : std::nullopt;
  }
  return std::nullopt;
}

std::string expected(const FieldDefinition& field) {
  switch (field.type) {
    case FieldType::kMac:
      return "a MAC address, as in 02:4d:00:00:00:01";
    case FieldType::kIpv4:
      return "an IPv4 address, as in 10.0.0.1";
    case FieldType::kIpv6:
      return "an IPv6 address, as in fd00::1";
    case FieldType::kNumber:
    case FieldType::kFlags:
      break;
  }
  return fmt::format("a number from 0 to {}, or 0x…", craft::text_of(largest(field.width), FieldType::kNumber));
}

std::optional<Number> number_of_text(Reading& reading, const Node& node, const std::string& text,
                                     const FieldDefinition& field) {
  std::vector<std::string_view> words;
  for (const craft::Word& word : field.words) {
    if (word.name == text) return word.value;
    words.push_back(word.name);
  }
  auto value = parse_address(text, field.type);
  if (!value) value = parse_number_text(text);
  if (!value) {
    const bool is_near = !nearest(text, words).empty() || field.type == FieldType::kFlags;
    reading.wrong(node.at, fmt::format("{} cannot be {}", field.name, quoted(text)),
                  is_near ? did_you_mean(text, words) : expected(field));
    return std::nullopt;
  }
  if (*value <= largest(field.width)) return value;
  reading.wrong(node.at,
                fmt::format("{} is out of range: {} has {} bit{}", quoted(text), field.name, field.width,
                            field.width == 1 ? "" : "s"),
                fmt::format("from 0 to {}", craft::text_of(largest(field.width), FieldType::kNumber)));
  return std::nullopt;
}

std::optional<FieldValue> read_counting(Reading& reading, const Node& node, const FieldDefinition& field, bool down,
                                        Place at) {
  Fields fields(reading, node, kCountingTable, down ? "'decrement'" : "'increment'", at);
  craft::Counting counting;
  counting.down = down;
  const Node* const start = fields.find("start");
  const Node* const step = fields.find("step");
  const Node* const count = fields.find("count");
  if (start != nullptr) counting.start = read_field_number(reading, *start, field).value_or(0);
  if (step != nullptr) counting.step = read_field_number(reading, *step, field).value_or(1);
  if (count != nullptr) counting.count = reading.integer(*count, 1, std::uint64_t{1} << 62).value_or(1);
  return counting;
}

std::optional<FieldValue> read_random(Reading& reading, const Node& node, const FieldDefinition& field, Place at) {
  Fields fields(reading, node, kRandomTable, "'random'", at);
  craft::RandomBetween random{0, largest(field.width)};
  const Node* const least = fields.find("min");
  const Node* const most = fields.find("max");
  const Node* const prefix = fields.find("prefix");
  if (least != nullptr) random.least = read_field_number(reading, *least, field).value_or(0);
  if (most != nullptr) random.most = read_field_number(reading, *most, field).value_or(random.most);
  if (prefix != nullptr) {
    const auto text = reading.text(*prefix);
    if (!text) return std::nullopt;
    std::optional<Number> first;
    std::size_t host_bits = 0;
    if (field.type == FieldType::kIpv4) {
      if (const auto parsed = Ipv4Prefix::parse(*text)) {
        first = parsed->address.value & parsed->mask();
        host_bits = 32U - parsed->length;
      }
    } else if (field.type == FieldType::kIpv6) {
      if (const auto parsed = Ipv6Prefix::parse(*text)) {
        host_bits = 128U - parsed->length;
        first = number_of(parsed->address) & ~largest(host_bits);
      }
    }
    if (!first) {
      reading.wrong(prefix->at, fmt::format("{} is not a prefix of what {} can be", quoted(*text), field.name),
                    field.type == FieldType::kIpv6 ? "as in fd00::/64" : "as in 10.0.0.0/8; of addresses only");
      return std::nullopt;
    }
    if (least != nullptr || most != nullptr) {
      reading.wrong(prefix->at, "'random' has both a prefix and bounds", "keep one of them");
      return std::nullopt;
    }
    return craft::RandomBetween{*first, *first | largest(host_bits)};
  }
  if (random.least > random.most) {
    reading.wrong(most != nullptr ? most->at : least->at, "min is larger than max", "exchange them");
    return std::nullopt;
  }
  return random;
}

std::optional<FieldValue> read_values(Reading& reading, const Node& node, const FieldDefinition& field) {
  if (!node.is_list() || node.items.empty() || node.items.size() > kMostListed) {
    reading.wrong(node.at,
                  !node.is_list()      ? fmt::format("'values' is a list, not {}", node.kind_name())
                  : node.items.empty() ? std::string("an empty list of values")
                                       : fmt::format("more than {} values", kMostListed),
                  "as in {values: [1, 2, 3]}; long lists belong into a data file");
    return std::nullopt;
  }
  craft::Values values;
  for (const NodePtr& item : node.items) {
    if (reading.problems.full()) return std::nullopt;
    const auto value = read_field_number(reading, *item, field);
    if (value) values.list.push_back(*value);
  }
  if (values.list.size() != node.items.size()) return std::nullopt;
  return values;
}

}  // namespace

std::optional<Number> read_field_number(Reading& reading, const Node& node, const FieldDefinition& field) {
  if (node.is_list() && field.type == FieldType::kFlags) {
    Number flags = 0;
    for (const NodePtr& item : node.items) {
      const auto text = reading.text(*item);
      const auto value = text ? number_of_text(reading, *item, *text, field) : std::nullopt;
      if (!value) return std::nullopt;
      flags |= *value;
    }
    return flags;
  }
  if (node.is_list()) {
    reading.wrong(node.at, fmt::format("{} is a single value", field.name), "write {values: […]} for several in turn");
    return std::nullopt;
  }
  const auto text = reading.text(node);
  return text ? number_of_text(reading, node, *text, field) : std::nullopt;
}

std::optional<FieldValue> read_field_value(Reading& reading, const Node& node, const FieldDefinition& field) {
  if (node.is_scalar() && node.text == "resolve" && field.fallback == craft::Fallback::kDestination)
    return craft::Resolved{};
  if (node.is_scalar() && node.text == "bad" && field.fallback == craft::Fallback::kChecksum)
    return craft::WrongChecksum{};
  if (!node.is_map()) {
    const auto value = read_field_number(reading, node, field);
    return value ? std::optional<FieldValue>{craft::Constant{*value}} : std::nullopt;
  }
  Fields fields(reading, node, kFieldValueTable, quoted(field.name), node.at);
  static constexpr std::string_view kKinds[] = {"values", "increment", "decrement", "random", "host", "column"};
  const auto kind = fields.one_of(kKinds);
  if (!kind) return std::nullopt;
  const Node& value = *fields.find(*kind);
  const Place at = fields.place_of(*kind);
  if (*kind == "values") return read_values(reading, value, field);
  if (*kind == "increment") return read_counting(reading, value, field, false, at);
  if (*kind == "decrement") return read_counting(reading, value, field, true, at);
  if (*kind == "random") return read_random(reading, value, field, at);
  if (*kind == "host") {
    using craft::HostField;
    const auto host = reading.choice<HostField>(value, {{"mac", HostField::kMac},
                                                        {"ipv4", HostField::kIpv4},
                                                        {"ipv6", HostField::kIpv6},
                                                        {"index", HostField::kIndex},
                                                        {"vlan", HostField::kVlan}});
    return host ? std::optional<FieldValue>{craft::OfHost{*host}} : std::nullopt;
  }
  const auto name = reading.text(value);
  return name ? std::optional<FieldValue>{craft::OfColumn{*name}} : std::nullopt;
}

std::optional<std::vector<std::uint8_t>> read_hex(Reading& reading, const Node& node, std::size_t most) {
  const auto text = reading.text(node);
  if (!text) return std::nullopt;
  std::vector<std::uint8_t> bytes;
  int high = -1;
  for (const char c : *text) {
    if (high < 0 && (c == ' ' || c == ':' || c == '\n')) continue;
    const int d = digit(c);
    if (d == 16) {
      reading.wrong(node.at, fmt::format("{} are not hexadecimal bytes", quoted(*text)),
                    "two digits a byte, as in \"dead beef\"");
      return std::nullopt;
    }
    if (high < 0) {
      high = d;
    } else {
      bytes.push_back(static_cast<std::uint8_t>(high << 4 | d));
      high = -1;
    }
  }
  if (high >= 0) {
    reading.wrong(node.at, fmt::format("{} ends in half a byte", quoted(*text)),
                  "two digits a byte, as in \"dead beef\"");
    return std::nullopt;
  }
  if (bytes.size() <= most) return bytes;
  reading.wrong(node.at, fmt::format("{} bytes", bytes.size()), fmt::format("at most {} bytes", most));
  return std::nullopt;
}

}  // namespace myriad::plan
