// Fields: their constants go into the bytes that all frames share, what varies becomes an operation.
#include <fmt/format.h>

#include <algorithm>

#include "craft/compiler.h"

namespace myriad::craft {
namespace {

constexpr std::uint64_t kWithoutEnd = std::uint64_t{1} << 62;  // more frames than anybody sends
constexpr std::size_t kMostTable = 1 << 20;                    // values of all lists together

Number largest(std::size_t width) { return width >= 128 ? ~Number{0} : (Number{1} << width) - 1; }
std::uint64_t low(Number n) { return static_cast<std::uint64_t>(n); }
std::uint64_t high(Number n) { return static_cast<std::uint64_t>(n >> 64); }

Number number_of(const Ipv6Address& address) { return Number{address.high()} << 64 | address.low(); }

std::size_t length_of_header(LayerKind kind, std::size_t bytes) {
  return kind == LayerKind::kIpv4 || kind == LayerKind::kTcp ? bytes / 4 : bytes / 8 - 1;
}

bool overlap(const FieldDefinition& a, const FieldDefinition& b) {
  return a.bit < b.bit + b.width && b.bit < a.bit + a.width;
}

std::string_view name_of(HostField host) {
  constexpr std::string_view kNames[] = {"mac", "ipv4", "ipv6", "index", "vlan"};
  return kNames[static_cast<std::size_t>(host)];
}

}  // namespace

std::string text_of(Number value, FieldType type) {
  switch (type) {
    case FieldType::kMac:
      return MacAddress::from_number(low(value)).text();
    case FieldType::kIpv4:
      return Ipv4Address{static_cast<std::uint32_t>(value)}.text();
    case FieldType::kIpv6: {
      Ipv6Address address;
      store_be64(address.octets.data(), high(value));
      store_be64(address.octets.data() + 8, low(value));
      return address.text();
    }
    case FieldType::kNumber:
    case FieldType::kFlags:
      break;
  }
  return high(value) == 0 ? std::to_string(low(value)) : fmt::format("0x{:x}{:016x}", high(value), low(value));
}

bool Compiler::check_value(const FieldDefinition& field, Number value) {
  if (value <= largest(field.width)) return true;
  return refuse(fmt::format("{} does not fit: {} has {} bit{}", text_of(value, FieldType::kNumber), field.name,
                            field.width, field.width == 1 ? "" : "s"),
                fmt::format("from 0 to {}", text_of(largest(field.width), FieldType::kNumber)));
}

bool Compiler::write_fields(Placed& placed) {
  const LayerDefinition& definition = placed.definition();
  at_layer(placed);
  std::ranges::copy(placed.layer.body,
                    parts_.bytes.begin() + static_cast<std::ptrdiff_t>(placed.at + definition.bytes));
  const auto& given = placed.layer.fields;
  for (const FieldDefinition& field : definition.fields) {
    const bool said = std::ranges::any_of(given, [&](const GivenField& g) { return overlap(g.field, field); });
    // Default of what is only in part given, too: what overlaps is written over it.
    const bool exactly = std::ranges::any_of(
        given, [&](const GivenField& g) { return g.field.bit == field.bit && g.field.width == field.width; });
    if (exactly || (said && field.fallback != Fallback::kConstant)) continue;
    if (!write_default(placed, field)) return false;
  }
  for (std::size_t i = 0; i < given.size(); ++i) {
    at_field(placed, i);
    for (std::size_t j = 0; j < i; ++j) {
      if (overlap(given[i].field, given[j].field)) {
        const bool same = given[i].field.name == given[j].field.name;
        return refuse(same ? fmt::format("{} is given twice", given[i].field.name)
                           : fmt::format("{} and {} are the same bits", given[i].field.name, given[j].field.name),
                      "keep one of them");
      }
    }
    if (!write_given(placed, given[i])) return false;
  }
  return true;
}

bool Compiler::write_default(Placed& placed, const FieldDefinition& field) {
  const LayerDefinition& definition = placed.definition();
  const auto needed = [&] {
    return refuse(fmt::format("{} needs {}", definition.name, field.name),
                  options_.hosts ? fmt::format("say what {} is", field.name)
                                 : fmt::format("say what {} is: the flow has no hosts to take it from", field.name));
  };
  switch (field.fallback) {
    case Fallback::kConstant:
      write_bits(placed, field, field.constant);
      return true;
    case Fallback::kRequired:
      return needed();
    case Fallback::kPart:
    case Fallback::kNext:  // raw bytes follow what says nothing, and announce() has seen to the rest
      return true;
    case Fallback::kHeaderWords:
      write_bits(placed, field, length_of_header(placed.layer.kind, placed.bytes));
      return true;
    case Fallback::kLength: {
      const std::size_t before = placed.at + (placed.layer.kind == LayerKind::kIpv6 ? placed.bytes : 0);
      if (!parts_.varies_in_length) {
        write_bits(placed, field, parts_.bytes.size() - before);
        return true;
      }
      Operation op;
      op.make = Make::kLength;
      op.start = before;
      return vary(placed, field, op);
    }
    case Fallback::kChecksum:
      return add_checksum(placed, field, false);
    case Fallback::kDestination:
      return write_destination(placed);
    case Fallback::kHostMac:
      return options_.hosts ? write_host_field(placed, field, HostField::kMac) : needed();
    case Fallback::kHostIpv4:
      return options_.hosts ? write_host_field(placed, field, HostField::kIpv4) : needed();
    case Fallback::kHostIpv6:
      return options_.hosts ? write_host_field(placed, field, HostField::kIpv6) : needed();
    case Fallback::kHostVlan:
      if (options_.hosts && options_.hosts->vlan.depth() != 0) return write_host_field(placed, field, HostField::kVlan);
      write_bits(placed, field, field.constant);
      return true;
  }
  return true;
}

// Ethernet without dst: to the next hop of IP, to everybody for ARP.
bool Compiler::write_destination(Placed& ethernet) {
  const FieldDefinition& field = *find_field(ethernet.definition(), "dst");
  const auto behind = std::ranges::find_if(
      layers_, [&](const Placed& p) { return p.at > ethernet.at && p.layer.kind != LayerKind::kVlan; });
  const bool is_ip =
      behind != layers_.end() && (behind->layer.kind == LayerKind::kIpv4 || behind->layer.kind == LayerKind::kIpv6);
  if (behind != layers_.end() && behind->layer.kind == LayerKind::kArp) {
    write_bits(ethernet, field, 0xffffffffffffU);
    return true;
  }
  const bool can_resolve = options_.hosts && options_.can_resolve;
  if (!is_ip || ethernet.at != 0 || !can_resolve) {
    return refuse("ethernet needs dst", !can_resolve ? "say what dst is: without hosts nobody resolves it"
                                                     : "say what dst is: there is no IP destination to resolve");
  }
  parts_.resolve.needed = true;
  parts_.resolve.v6 = behind->layer.kind == LayerKind::kIpv6;
  parts_.resolve.destination_at = static_cast<std::uint16_t>(behind->at + (parts_.resolve.v6 ? 24 : 16));
  return true;
}

bool Compiler::write_given(Placed& placed, const GivenField& given) {
  const FieldDefinition& field = given.field;
  if (field.width == 0 || (field.width > 64 && field.width != 128) ||
      std::size_t{field.bit} + field.width > placed.bytes * 8) {
    return refuse(fmt::format("{} bits at bit {} are not within {}", field.width, field.bit, placed.definition().name),
                  fmt::format("the layer has {} bits; a field 1 to 64", placed.bytes * 8));
  }
  if (std::holds_alternative<Resolved>(given.value)) {
    if (field.fallback == Fallback::kDestination) return write_destination(placed);
    return refuse("only ethernet dst can be resolved", "give a value");
  }
  if (std::holds_alternative<WrongChecksum>(given.value)) {
    if (field.fallback == Fallback::kChecksum) return add_checksum(placed, field, true);
    return refuse(fmt::format("{} is no checksum", field.name), "give a value");
  }
  if (const auto* const constant = std::get_if<Constant>(&given.value)) {
    if (!check_value(field, constant->value)) return false;
    write_bits(placed, field, constant->value);
    return true;
  }
  if (const auto* const host = std::get_if<OfHost>(&given.value)) return write_host_field(placed, field, host->field);
  auto op = maker(field, given.value);
  return op && vary(placed, field, *op);
}

bool Compiler::write_host_field(const Placed& placed, const FieldDefinition& field, HostField host) {
  const auto op = host_maker(field, host);
  if (!op) return false;
  // The only host, or all in one VLAN: nothing varies.
  const bool same = options_.hosts->count == 1 || (host == HostField::kVlan && options_.hosts->hosts_per_vlan == 0);
  if (!same) return vary(placed, field, *op);
  write_bits(placed, field, Number{op->start_high} << 64 | op->start);
  return true;
}

std::optional<Operation> Compiler::host_maker(const FieldDefinition& field, HostField host) {
  const auto refused = [&](std::string what, std::string suggestion) {
    refuse(std::move(what), std::move(suggestion));
    return std::nullopt;
  };
  if (!options_.hosts) return refused("{host: …} in a flow without hosts", "say from: GROUP");
  const HostRange& hosts = *options_.hosts;
  Number first = 0;
  std::size_t width = 0;
  switch (host) {
    case HostField::kMac:
      first = hosts.mac.number();
      width = 48;
      break;
    case HostField::kIpv4:
      if (!hosts.ipv4) return refused("the hosts have no ipv4", "give the group ipv4, or the field a value");
      first = hosts.ipv4->value;
      width = 32;
      break;
    case HostField::kIpv6:
      if (!hosts.ipv6) return refused("the hosts have no ipv6", "give the group ipv6, or the field a value");
      first = number_of(*hosts.ipv6);
      width = 128;
      break;
    case HostField::kIndex:
      while (width < 32 && (std::uint64_t{hosts.count} - 1) >> width != 0) ++width;
      break;
    case HostField::kVlan:
      if (hosts.vlan.depth() == 0)
        return refused("the hosts are on no VLAN", "give the group vlan, or the field a value");
      first = hosts.vlan.inner != 0 ? hosts.vlan.inner : hosts.vlan.outer;
      width = 12;
      break;
  }
  if (width > field.width) {
    return refused(fmt::format("{{host: {}}} needs {} bits; {} has {}", name_of(host), width, field.name, field.width),
                   "choose another field, or fewer hosts");
  }
  Operation op;
  op.make = host == HostField::kVlan ? Make::kHostVlan : field.width > 64 ? Make::kHostWide : Make::kHost;
  op.start = low(first);
  op.start_high = high(first);
  op.mask = low(largest(std::min<std::size_t>(field.width, 64)));
  const std::uint64_t per = hosts.hosts_per_vlan;
  if (host == HostField::kVlan) op.step = per == 0 ? 0 : ((std::uint64_t{1} << 48) + per - 1) / per;
  return op;
}

Operation Compiler::table_maker(const std::vector<Number>& list, bool wide) {
  Operation op;
  op.make = wide ? Make::kTableWide : Make::kTable;
  op.index = static_cast<std::uint32_t>(parts_.table.size());
  op.count = list.size();
  for (const Number value : list) {
    if (wide) parts_.table.push_back(high(value));
    parts_.table.push_back(low(value));
  }
  return op;
}

std::optional<Operation> Compiler::maker(const FieldDefinition& field, const FieldValue& value) {
  const bool wide = field.width > 64;
  const auto refused = [&](std::string what, std::string suggestion) {
    refuse(std::move(what), std::move(suggestion));
    return std::nullopt;
  };
  Operation op;
  op.mask = low(largest(std::min<std::size_t>(field.width, 64)));
  if (const auto* const constant = std::get_if<Constant>(&value)) {
    if (!check_value(field, constant->value)) return std::nullopt;
    op.start = low(constant->value);
    op.count = 1;
    return op;
  }
  if (const auto* const values = std::get_if<Values>(&value)) {
    if (values->list.empty()) return refused("an empty list of values", "give at least one");
    if (values->list.size() > kMostTable - std::min(kMostTable, parts_.table.size() / 2)) {
      return refused("too many values", fmt::format("at most {} in one flow", kMostTable));
    }
    for (const Number one : values->list) {
      if (!check_value(field, one)) return std::nullopt;
    }
    return table_maker(values->list, wide);
  }
  if (const auto* const counting = std::get_if<Counting>(&value)) {
    if (!check_value(field, counting->start) || !check_value(field, counting->step)) return std::nullopt;
    if (counting->count && (*counting->count == 0 || *counting->count > kWithoutEnd)) {
      return refused(fmt::format("a count of {}", *counting->count), "at least 1; none: without end");
    }
    const Number step = counting->down ? ~counting->step + 1 : counting->step;
    op.make = wide ? Make::kCountWide : Make::kCount;
    op.start = low(counting->start);
    op.start_high = high(counting->start);
    op.step = low(step);
    op.step_high = high(step);
    op.count = counting->count.value_or(kWithoutEnd);
    return op;
  }
  if (const auto* const random = std::get_if<RandomBetween>(&value)) {
    if (!check_value(field, random->least) || !check_value(field, random->most)) return std::nullopt;
    if (random->least > random->most) return refused("min is larger than max", "exchange them");
    const Number count = random->most - random->least + 1;
    op.make = wide ? Make::kRandomWide : Make::kRandom;
    op.start = low(random->least);
    op.start_high = high(random->least);
    op.count = low(count);
    op.count_high = wide ? high(count) : 0;
    op.seed = next_seed();
    return op;
  }
  if (const auto* const of_column = std::get_if<OfColumn>(&value)) {
    constexpr ColumnType kTypes[] = {ColumnType::kNumber, ColumnType::kMac, ColumnType::kIpv4, ColumnType::kIpv6,
                                     ColumnType::kNumber};
    const ColumnType type = wide ? ColumnType::kIpv6 : kTypes[static_cast<std::size_t>(field.type)];
    const auto index = column({of_column->name, type, type == ColumnType::kNumber ? op.mask : UINT64_MAX});
    if (!index) return std::nullopt;
    op.make = wide ? Make::kColumnWide : Make::kColumn;
    op.index = *index;
    return op;
  }
  return refused(fmt::format("{} cannot be given that", field.name), "give a number, values, increment or random");
}

std::optional<std::uint32_t> Compiler::column(ColumnUse use) {
  const auto known = std::ranges::find(columns_, use);
  if (known != columns_.end()) return static_cast<std::uint32_t>(known - columns_.begin());
  columns_.push_back(std::move(use));
  return static_cast<std::uint32_t>(columns_.size() - 1);
}

// How a field is written: whole bytes at once where it has them, else some bits of the smallest word around it that
// lies within every frame.
bool Compiler::choose_put(const Placed& placed, const FieldDefinition& field, Operation& op) {
  const std::size_t first = placed.at * 8 + field.bit;
  const std::size_t end = first + field.width;
  op.at = static_cast<std::uint16_t>(first / 8);
  const auto whole = [&](Put put) {
    op.put = put;
    return true;
  };
  if (first % 8 == 0) {
    if (field.width == 8) return whole(Put::k8);
    if (field.width == 16) return whole(Put::k16);
    if (field.width == 32) return whole(Put::k32);
    if (field.width == 48) return whole(Put::k48);
    if (field.width == 64) return whole(Put::k64);
    if (field.width == 128) return whole(Put::k128);
  }
  constexpr std::pair<std::size_t, Put> kWords[] = {
      {1, Put::kBits8}, {2, Put::kBits16}, {4, Put::kBits32}, {8, Put::kBits64}};
  for (const auto& [bytes, put] : kWords) {
    const std::size_t at = std::min(first / 8, parts_.payload_at - std::min(parts_.payload_at, bytes));
    if (end > (at + bytes) * 8) continue;
    op.at = static_cast<std::uint16_t>(at);
    op.shift = static_cast<std::uint8_t>((at + bytes) * 8 - end);
    op.mask = low(largest(field.width));
    return whole(put);
  }
  return refuse(fmt::format("{} spans nine bytes", field.name), "make it shorter, or begin at a whole byte");
}

bool Compiler::vary(const Placed& placed, const FieldDefinition& field, Operation op) {
  if (!choose_put(placed, field, op)) return false;
  op.narrow = field.width <= 32;
  end_bits_.resize(parts_.operations.size());
  end_bits_.push_back(placed.at * 8 + field.bit + field.width);
  write_bits(placed, field, 0);
  return add(op);
}

void Compiler::write_bits(const Placed& placed, const FieldDefinition& field, Number value) {
  for (std::size_t i = 0; i < field.width; ++i) {
    const std::size_t bit = placed.at * 8 + field.bit + field.width - 1 - i;
    const auto mask = static_cast<std::uint8_t>(0x80U >> (bit % 8));
    std::uint8_t& byte = parts_.bytes[bit / 8];
    byte = static_cast<std::uint8_t>((value >> i & 1) != 0 ? byte | mask : byte & ~mask);
  }
}

}  // namespace myriad::craft
