// Where layers lie, what announces them, and how long frames are.
#include <fmt/format.h>

#include <algorithm>

#include "craft/compiler.h"
#include "craft/signature.h"

namespace myriad::craft {
namespace {

constexpr std::uint16_t kServiceVlan = 0x88a8;
constexpr std::uint16_t kExperimentalEtherType = 0x88b5;  // IEEE 802: local experimental EtherType 1
constexpr std::uint8_t kExperimentalProtocol = 253;       // RFC 3692
constexpr std::uint8_t kNoNextHeader = 59;                // RFC 8200

bool is_extension(LayerKind kind) { return kind >= LayerKind::kHopByHop && kind <= LayerKind::kFragment; }

std::size_t rounded_up(std::size_t bytes, std::size_t unit) { return (bytes + unit - 1) / unit * unit; }

// Options that end before their header does are followed by what means "nothing".
void pad_body(const LayerDefinition& definition, std::vector<std::uint8_t>& body) {
  const std::size_t wanted = rounded_up(definition.bytes + body.size(), definition.unit) - definition.bytes;
  const bool of_ipv6 = definition.kind == LayerKind::kHopByHop || definition.kind == LayerKind::kDestination;
  const std::size_t missing = wanted - body.size();
  if (of_ipv6 && missing > 1) {  // PadN; a single byte is Pad1, which is zero
    body.push_back(1);
    body.push_back(static_cast<std::uint8_t>(missing - 2));
  }
  body.resize(wanted, 0);  // the end of IPv4 and TCP options is zero
}

GivenField constant_field(LayerKind kind, std::string_view name, std::uint64_t value) {
  return {*find_field(definition_of(kind), name), Constant{value}};
}

bool is_given(const Layer& layer, Fallback fallback) {
  return std::ranges::any_of(layer.fields, [&](const GivenField& g) { return g.field.fallback == fallback; });
}

}  // namespace

// Hosts on VLANs speak in their VLAN, unless the packet brings tags of its own.
bool Compiler::add_vlans() {
  for (std::size_t i = 0; i < packet_.layers.size(); ++i) layers_.push_back({packet_.layers[i], i, 0, 0});
  const bool tagged = layers_.size() > 1 && layers_[1].layer.kind == LayerKind::kVlan;
  if (!options_.hosts || options_.hosts->vlan.depth() == 0 || tagged || layers_[0].layer.kind != LayerKind::kEthernet) {
    return true;
  }
  if (is_given(layers_[0].layer, Fallback::kNext)) return true;
  const VlanTags& tags = options_.hosts->vlan;
  Placed inner;
  inner.layer.kind = LayerKind::kVlan;
  inner.layer.fields.push_back({*find_field(definition_of(LayerKind::kVlan), "id"), OfHost{HostField::kVlan}});
  layers_.insert(layers_.begin() + 1, std::move(inner));
  if (tags.depth() == 1) return true;
  Placed outer;
  outer.layer.kind = LayerKind::kVlan;
  outer.layer.fields.push_back(constant_field(LayerKind::kVlan, "id", tags.outer));
  layers_.insert(layers_.begin() + 1, std::move(outer));
  return true;
}

bool Compiler::lay_out() {
  std::size_t at = 0;
  bool in_front = true;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    Placed& placed = layers_[i];
    at_layer(placed);
    const LayerDefinition& definition = placed.definition();
    if (placed.layer.body.size() > definition.most_body) {
      return refuse(fmt::format("{} of {} bytes", definition.body, placed.layer.body.size()),
                    fmt::format("at most {} bytes", definition.most_body));
    }
    if (!definition.body.empty()) pad_body(definition, placed.layer.body);
    placed.at = at;
    placed.bytes = definition.bytes + placed.layer.body.size();
    at += placed.bytes;
    if (at > kMostFrameBytes) {
      return refuse(fmt::format("the packet is longer than {} bytes", kMostFrameBytes), "shorten it");
    }
    const bool is_l2 = definition.kind == (i == 0 ? LayerKind::kEthernet : LayerKind::kVlan);
    in_front = in_front && is_l2;
    if (in_front) l2_bytes_ = at;
    if (!check_order(i)) return false;
  }
  parts_.payload_at = at;
  return announce(layers_.size() - 1);
}

bool Compiler::check_order(std::size_t index) {
  const LayerDefinition& definition = layers_[index].definition();
  if (index == 0) {
    if (definition.kind == LayerKind::kEthernet || definition.kind == LayerKind::kRaw) return true;
    return refuse(fmt::format("a frame cannot begin with {}", definition.name),
                  "begin with ethernet, or with raw bytes");
  }
  return announce(index - 1);
}

// The field of a layer that says what follows it.
bool Compiler::announce(std::size_t index) {
  Placed& placed = layers_[index];
  const LayerDefinition& definition = placed.definition();
  if (definition.next == NextSpace::kAnything || definition.kind == LayerKind::kRaw) return true;
  if (is_given(placed.layer, Fallback::kNext)) return true;
  const bool is_last = index + 1 == layers_.size();
  const bool raw = is_last || layers_[index + 1].layer.kind == LayerKind::kRaw;
  if (definition.next == NextSpace::kNone) {
    if (raw) return true;
    at_layer(layers_[index + 1]);
    return refuse(fmt::format("nothing follows {}", definition.name), "end the packet there, or go on with raw bytes");
  }
  const auto next_field = std::ranges::find(definition.fields, Fallback::kNext, &FieldDefinition::fallback);
  std::uint64_t value = 0;
  if (definition.next == NextSpace::kEtherType) {
    value = raw ? kExperimentalEtherType : layers_[index + 1].definition().ether_type;
    // Of several tags the last is a customer's, those before it are service tags (IEEE 802.1ad).
    const bool service = !is_last && index + 2 < layers_.size() && layers_[index + 1].layer.kind == LayerKind::kVlan &&
                         layers_[index + 2].layer.kind == LayerKind::kVlan;
    if (service) value = kServiceVlan;
    if (value == 0) return announced_in(placed, index + 1);
  } else {
    if (!raw && !announced_in(placed, index + 1)) return false;
    const bool v6 = definition.kind == LayerKind::kIpv6 || is_extension(definition.kind);
    const bool nothing = is_last && packet_.payload.kind == PayloadKind::kNone && !options_.size;
    value = !raw            ? static_cast<std::uint64_t>(layers_[index + 1].definition().protocol)
            : v6 && nothing ? kNoNextHeader
                            : kExperimentalProtocol;
  }
  placed.layer.fields.push_back({*next_field, Constant{value}});
  return true;
}

// Whether `index` may follow without the scenario saying how it is announced.
bool Compiler::announced_in(const Placed& layer, std::size_t index) {
  const LayerDefinition& before = layer.definition();
  const LayerDefinition& definition = layers_[index].definition();
  at_layer(layers_[index]);
  const auto next_field = std::ranges::find(before.fields, Fallback::kNext, &FieldDefinition::fallback);
  const std::string otherwise = fmt::format("or give {} its {}", before.name, next_field->name);
  if (before.next == NextSpace::kEtherType) {
    return refuse(fmt::format("{} cannot follow {}", definition.name, before.name),
                  fmt::format("put ipv4 or ipv6 before it, {}", otherwise));
  }
  if (definition.protocol < 0) {
    return refuse(fmt::format("{} cannot follow {}: no protocol number means it", definition.name, before.name),
                  otherwise.substr(3));
  }
  const bool v6 = before.kind == LayerKind::kIpv6 || is_extension(before.kind);
  if (v6 && definition.kind == LayerKind::kIcmp) return refuse("over ipv6 there is icmp6", "write icmp6, " + otherwise);
  if (!v6 && definition.kind == LayerKind::kIcmp6) return refuse("over ipv4 there is icmp", "write icmp, " + otherwise);
  if (!v6 && is_extension(definition.kind)) {
    return refuse(fmt::format("{} is an extension header of ipv6", definition.name),
                  "put ipv6 before it, " + otherwise);
  }
  return true;
}

bool Compiler::choose_lengths() {
  const Payload& payload = packet_.payload;
  std::size_t content = parts_.payload_at;
  if (payload.kind == PayloadKind::kBytes) content += payload.bytes.size();
  if (payload.kind == PayloadKind::kRandom) content += payload.random_bytes;
  if (payload.kind == PayloadKind::kSequence) content += kSignatureBytes;
  const FieldDefinition of_size{"size", "", FieldType::kNumber, 0, 16, Fallback::kConstant, 0, ""};
  error_.part = CompileError::Part::kSize;
  if (options_.size) {
    auto length = maker(of_size, *options_.size);
    if (!length) return false;
    std::uint64_t least = length->start;
    std::uint64_t most = length->start;
    if (const auto* const values = std::get_if<Values>(&*options_.size)) {
      const auto [low, high] = std::ranges::minmax(values->list);
      least = static_cast<std::uint64_t>(low);
      most = static_cast<std::uint64_t>(high);
    } else if (const auto* const random = std::get_if<RandomBetween>(&*options_.size)) {
      most = static_cast<std::uint64_t>(random->most);
    } else if (const auto* const counting = std::get_if<Counting>(&*options_.size)) {
      const Uint128 span = (counting->count ? *counting->count - 1 : Uint128{UINT16_MAX}) * counting->step;
      if (span > UINT16_MAX || (counting->down && span > least)) {
        return refuse("sizes that go on without end", "give count, so that all sizes fit a frame");
      }
      (counting->down ? least : most) = static_cast<std::uint64_t>(counting->down ? least - span : most + span);
    }
    if (least < content + kFcsBytes) {
      return refuse(fmt::format("a frame of {} bytes is too small for this packet", least),
                    fmt::format("at least {} bytes: {} and {} of FCS", content + kFcsBytes, content, kFcsBytes));
    }
    if (!check_lengths(least - kFcsBytes, most - kFcsBytes)) return false;
    parts_.varies_in_length = least != most;
    if (least == most) return true;
    // Sizes count the FCS, lengths do not.
    if (length->make == Make::kTable) {
      for (std::size_t i = 0; i < length->count; ++i) parts_.table[length->index + i] -= kFcsBytes;
    } else {
      length->start -= kFcsBytes;
    }
    length->put = Put::kLength;
    return add(*length);
  }
  error_.part = CompileError::Part::kPayload;
  if (payload.kind != PayloadKind::kColumn) return check_lengths(content, content);
  const std::size_t room = std::min(l2_bytes_ + std::min<std::size_t>(options_.mtu, 1500), kMostFrameBytes);
  parts_.varies_in_length = parts_.grows_by_row = true;
  return check_lengths(content, std::max(room, content));
}

bool Compiler::check_lengths(std::uint64_t least, std::uint64_t most) {
  if (least < kLeastFrameBytes) {
    return refuse(fmt::format("a frame of {} bytes", least),
                  fmt::format("at least {} bytes: two addresses and an EtherType", kLeastFrameBytes));
  }
  if (most > kMostFrameBytes) {
    return refuse(fmt::format("a frame of {} bytes", most + kFcsBytes),
                  fmt::format("at most {} bytes with FCS", kMostFrameBytes + kFcsBytes));
  }
  if (most - std::min<std::uint64_t>(most, l2_bytes_) > options_.mtu) {
    return refuse(fmt::format("a frame of {} bytes carries a packet of {}; the MTU is {}", most + kFcsBytes,
                              most - l2_bytes_, options_.mtu),
                  fmt::format("at most {} bytes with FCS, or a larger mtu", options_.mtu + l2_bytes_ + kFcsBytes));
  }
  parts_.least = static_cast<std::size_t>(least);
  parts_.bytes.resize(static_cast<std::size_t>(most));
  return true;
}

void Compiler::write_payload() {
  const Payload& payload = packet_.payload;
  parts_.copied = parts_.bytes.size();
  std::size_t at = parts_.payload_at;
  const auto put = [&](const std::vector<std::uint8_t>& bytes) {
    std::ranges::copy(bytes, parts_.bytes.begin() + static_cast<std::ptrdiff_t>(at));
    at += bytes.size();
  };
  Operation op;
  op.at = static_cast<std::uint16_t>(parts_.payload_at);
  switch (payload.kind) {
    case PayloadKind::kNone:
      break;
    case PayloadKind::kBytes:
      put(payload.bytes);
      break;
    case PayloadKind::kRandom:
      op.make = Make::kRandomBytes;
      op.seed = next_seed();
      break;
    case PayloadKind::kColumn:
      op.make = Make::kColumnBytes;
      parts_.fill = payload.fill;
      break;
    case PayloadKind::kSequence:
      op.make = Make::kSignature;
      store_be16(parts_.bytes.data() + at, kSignatureMagic);
      store_be16(parts_.bytes.data() + at + 2, options_.flow);
      at += kSignatureBytes;
      parts_.has_signature = true;
      parts_.signature_at = op.at;
      parts_.flow = options_.flow;
      break;
  }
  if (payload.kind == PayloadKind::kRandom || payload.kind == PayloadKind::kColumn) {
    parts_.copied = parts_.payload_at;
  } else if (!payload.fill.empty()) {
    for (std::size_t i = 0; at < parts_.bytes.size(); ++at, ++i)
      parts_.bytes[at] = payload.fill[i % payload.fill.size()];
  }
  if (payload.kind == PayloadKind::kColumn) {
    const auto index = column({payload.column, payload.column_is_hex ? ColumnType::kHex : ColumnType::kText,
                               (parts_.grows_by_row ? parts_.bytes.size() : parts_.least) - parts_.payload_at});
    op.index = *index;
    parts_.length_column = *index;
  }
  if (payload.kind != PayloadKind::kNone && payload.kind != PayloadKind::kBytes) add(op);  // the first: there is room
}

}  // namespace myriad::craft
