// The layers of a packet and its payload.
#include "templates/plan/read_packet.h"

#include <algorithm>
#include <cstdio>
#include <memory>

#include "base/bytes.h"
#include "craft/signature.h"
#include "templates/plan/keys_flows.h"

namespace myriad::plan {
namespace {

using craft::LayerDefinition;
using craft::LayerKind;
using craft::PayloadKind;

constexpr std::size_t kMostLayers = 64;
constexpr std::size_t kMostAddresses = 100;

std::vector<std::string_view> layer_names() {
  std::vector<std::string_view> names;
  for (const LayerDefinition& definition : craft::layer_definitions()) names.push_back(definition.name);
  names.emplace_back("payload");
  return names;
}

const LayerDefinition* find_layer(std::string_view name) {
  const auto all = craft::layer_definitions();
  const auto found = std::ranges::find(all, name, &LayerDefinition::name);
  return found == all.end() ? nullptr : &*found;
}

// Segments of a routing header (RFC 8200 section 4.4): four bytes of nothing, then addresses.
void read_addresses(Reading& reading, const Node& node, craft::Layer& layer) {
  if (!node.is_list() || node.items.empty() || node.items.size() > kMostAddresses) {
    return reading.wrong(node.at, fmt::format("'addresses' are a list of IPv6 addresses, up to {}", kMostAddresses),
                         "as in [fd00::1, fd00::2]");
  }
  layer.body.assign(4, 0);
  for (const NodePtr& item : node.items) {
    const auto text = reading.text(*item);
    const auto address = text ? Ipv6Address::parse(*text) : std::nullopt;
    if (!address) {
      if (text) reading.wrong(item->at, fmt::format("{} is not an IPv6 address", quoted(*text)), "as in fd00::1");
      return;
    }
    layer.body.insert(layer.body.end(), address->octets.begin(), address->octets.end());
    layer.final_destination = *address;
  }
}

// What a checksum covers in place of the destination: the last address, as long as there is one to be visited.
void settle_routing(craft::Layer& layer) {
  const auto left =
      std::ranges::find_if(layer.fields, [](const auto& given) { return given.field.name == "segments_left"; });
  const auto* const constant = left == layer.fields.end() ? nullptr : std::get_if<craft::Constant>(&left->value);
  if (left == layer.fields.end() || (constant != nullptr && constant->value == 0)) layer.final_destination.reset();
}

void read_raw_fields(Reading& reading, const Node& node, craft::Layer& layer, LayerPlaces& places) {
  if (!node.is_list())
    return reading.wrong(node.at, fmt::format("'fields' is a list, not {}", node.kind_name()),
                         "as in [{bit: 0, width: 8, value: {random: {}}}]");
  for (const NodePtr& item : node.items) {
    if (reading.problems.full()) return;
    Fields fields(reading, *item, kRawFieldTable, "a field", item->at);
    craft::FieldDefinition field;
    field.name = "field";
    const Node* const bit = fields.require("bit");
    const Node* const width = fields.require("width");
    const Node* const value = fields.require("value");
    if (bit != nullptr)
      field.bit = static_cast<std::uint16_t>(reading.integer(*bit, 0, craft::kMostFrameBytes * 8 - 1).value_or(0));
    if (width != nullptr) field.width = static_cast<std::uint16_t>(reading.integer(*width, 1, 64).value_or(1));
    if (bit == nullptr || width == nullptr || value == nullptr) continue;
    const auto given = read_field_value(reading, *value, field);
    if (!given) continue;
    layer.fields.push_back({field, *given});
    places.fields.push_back(value->at);
  }
}

void read_body(Reading& reading, const Node& node, const LayerDefinition& definition, craft::Layer& layer) {
  if (definition.kind == LayerKind::kTcp && node.is_list()) {
    layer.body = read_tcp_options(reading, node);
  } else {
    layer.body = read_hex(reading, node, definition.most_body).value_or(std::vector<std::uint8_t>{});
  }
}

void read_layer(Reading& reading, const LayerDefinition& definition, const Node& node, Place at, FlowDraft& draft) {
  craft::Layer layer;
  layer.kind = definition.kind;
  LayerPlaces places;
  places.at = at;
  const bool bytes_alone = node.is_scalar() && definition.kind == LayerKind::kRaw;
  if (bytes_alone) read_body(reading, node, definition, layer);
  if (!bytes_alone && !node.is_map() && !node.is_null()) {
    reading.wrong(node.at, fmt::format("{} is a mapping of its fields, not {}", definition.name, node.kind_name()),
                  fmt::format("write '{}: {{FIELD: VALUE}}'", definition.name));
  }
  const KeyTable& table = layer_tables()[static_cast<std::size_t>(definition.kind)];
  std::vector<std::string_view> known;
  for (const Key& key : table.keys) known.push_back(key.name);
  for (const craft::FieldDefinition& field : definition.fields) {
    if (!field.alias.empty()) known.push_back(field.alias);
  }
  for (const Entry& entry : node.entries) {
    if (reading.problems.full()) return;
    if (const craft::FieldDefinition* const field = craft::find_field(definition, entry.key)) {
      const auto value = read_field_value(reading, *entry.value, *field);
      if (!value) continue;
      layer.fields.push_back({*field, *value});
      places.fields.push_back(entry.value->at);
    } else if (entry.key == definition.body) {
      read_body(reading, *entry.value, definition, layer);
    } else if (entry.key == "addresses" && definition.kind == LayerKind::kRouting) {
      read_addresses(reading, *entry.value, layer);
    } else if (entry.key == "fields" && definition.kind == LayerKind::kRaw) {
      read_raw_fields(reading, *entry.value, layer, places);
    } else {
      reading.wrong(entry.at, fmt::format("{} has no field {}", definition.name, quoted(entry.key)),
                    did_you_mean(entry.key, known));
    }
  }
  if (definition.kind == LayerKind::kRouting) settle_routing(layer);
  draft.packet.layers.push_back(std::move(layer));
  draft.layers.push_back(std::move(places));
}

// The content of a file, of which a frame may hold only so much.
std::vector<std::uint8_t> read_payload_file(Reading& reading, const Node& node) {
  const auto path = reading.text(node);
  if (!path) return {};
  const std::string full = reading.beside(*path);
  errno = 0;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(full.c_str(), "rb"), &std::fclose);
  std::vector<std::uint8_t> bytes(craft::kMostFrameBytes + 1);
  if (file) bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file.get()));
  if (!file || std::ferror(file.get()) != 0) {
    reading.wrong(node.at, fmt::format("cannot read {}: {}", quoted(full), std::generic_category().message(errno)),
                  "relative paths are relative to the scenario");
    return {};
  }
  if (bytes.size() > craft::kMostFrameBytes) {
    reading.wrong(node.at, fmt::format("{} does not fit into a frame", quoted(full)),
                  fmt::format("at most {} bytes", craft::kMostFrameBytes));
    return {};
  }
  return bytes;
}

// text and hex: the bytes themselves, or the column that they come from.
void read_payload_bytes(Reading& reading, const Node& node, Place at, bool is_hex, craft::Payload& payload) {
  payload.kind = PayloadKind::kBytes;
  if (node.is_map()) {
    Fields fields(reading, node, kPayloadColumnTable, is_hex ? "'hex'" : "'text'", at);
    const Node* const column = fields.require("column");
    const auto name = column == nullptr ? std::nullopt : reading.text(*column);
    if (!name) return;
    payload.kind = PayloadKind::kColumn;
    payload.column = *name;
    payload.column_is_hex = is_hex;
  } else if (is_hex) {
    payload.bytes = read_hex(reading, node, craft::kMostFrameBytes).value_or(std::vector<std::uint8_t>{});
  } else if (const auto text = reading.text(node)) {
    payload.bytes.assign(text->begin(), text->end());
  }
}

bool is_true(Reading& reading, const Node& node) {
  if (node.is_null() || (node.is_map() && node.entries.empty())) return true;
  const auto said = reading.boolean(node);
  if (said && !*said) reading.wrong(node.at, "a payload of nothing", "leave the key out");
  return said.value_or(false);
}

void read_payload(Reading& reading, const Node& node, Place at, FlowDraft& draft) {
  craft::Payload& payload = draft.packet.payload;
  draft.payload_at = at;
  Fields fields(reading, node, kPayloadTable, "'payload'", at);
  if (const Node* const fill = fields.find("fill")) {
    payload.fill = read_hex(reading, *fill, craft::kMostFrameBytes).value_or(std::vector<std::uint8_t>{});
    payload.kind = PayloadKind::kBytes;
    if (node.entries.size() == 1) return;
  }
  static constexpr std::string_view kKinds[] = {"text", "hex", "random", "file", "sequence"};
  const auto kind = fields.one_of(kKinds);
  if (!kind) return;
  const Node& value = *fields.find(*kind);
  if (*kind == "text" || *kind == "hex") {
    read_payload_bytes(reading, value, fields.place_of(*kind), *kind == "hex", payload);
  } else if (*kind == "file") {
    payload.kind = PayloadKind::kBytes;
    payload.bytes = read_payload_file(reading, value);
  } else if (*kind == "sequence") {
    if (is_true(reading, value)) payload.kind = PayloadKind::kSequence;
  } else {
    payload.kind = PayloadKind::kRandom;
    if (value.is_scalar() && value.text != "true") {
      payload.random_bytes = static_cast<std::size_t>(reading.bytes(value, 1, craft::kMostFrameBytes).value_or(1));
    } else {
      is_true(reading, value);
    }
  }
}

}  // namespace

void read_packet(Reading& reading, const Node& node, FlowDraft& draft) {
  draft.packet_at = node.at;
  if (!node.is_list() || node.items.empty() || node.items.size() > kMostLayers) {
    return reading.wrong(node.at,
                         fmt::format("a packet is a list of layers, not {}", !node.is_list()      ? node.kind_name()
                                                                             : node.items.empty() ? "an empty one"
                                                                                                  : "so many"),
                         "as in [ethernet: {dst: resolve}, ipv4: {dst: 10.0.0.1}, udp: {dst: 9}]");
  }
  bool ended = false;
  for (const NodePtr& item : node.items) {
    if (reading.problems.full()) return;
    if (ended) return reading.wrong(item->at, "nothing follows the payload", "move it to the end");
    static const Node nothing;
    const bool alone = item->is_scalar();
    if (!alone && (!item->is_map() || item->entries.size() != 1)) {
      reading.wrong(item->at, "a layer is one name and its fields",
                    "as in 'udp: {dst: 9}', each layer an item of the list");
      continue;
    }
    const std::string& name = alone ? item->text : item->entries[0].key;
    const Node& value = alone ? nothing : *item->entries[0].value;
    const Place at = alone ? item->at : item->entries[0].at;
    if (name == "payload") {
      read_payload(reading, value, at, draft);
      ended = true;
    } else if (const LayerDefinition* const definition = find_layer(name)) {
      read_layer(reading, *definition, value, at, draft);
    } else {
      reading.wrong(at, fmt::format("there is no layer {}", quoted(name)), did_you_mean(name, layer_names()));
    }
  }
  if (draft.packet.layers.empty() && reading.problems.none()) {
    reading.wrong(node.at, "a packet without layers", "begin with ethernet");
  }
}

std::vector<std::uint8_t> read_tcp_options(Reading& reading, const Node& node) {
  std::vector<std::uint8_t> bytes;
  const auto put = [&](std::uint64_t value, std::size_t count) {
    while (count-- > 0) bytes.push_back(static_cast<std::uint8_t>(value >> (8 * count)));
  };
  for (const NodePtr& item : node.items) {
    if (reading.problems.full()) break;
    static const Node nothing;
    if (item->is_scalar()) {
      static constexpr std::string_view kAlone[] = {"nop", "sack_permitted"};
      if (item->text == "nop") {
        put(1, 1);
      } else if (item->text == "sack_permitted") {
        put(0x0402, 2);
      } else {
        reading.wrong(item->at, fmt::format("{} is not an option", quoted(item->text)),
                      did_you_mean(item->text, kAlone));
      }
      continue;
    }
    Fields fields(reading, *item, kTcpOptionTable, "an option", item->at);
    static constexpr std::string_view kKinds[] = {"mss", "window_scale", "sack_permitted", "timestamps", "nop", "hex"};
    const auto kind = fields.one_of(kKinds);
    if (!kind) continue;
    const Node& value = *fields.find(*kind);
    if (*kind == "mss") {
      put(0x02040000 | reading.integer(value, 0, UINT16_MAX).value_or(0), 4);
    } else if (*kind == "window_scale") {
      put(0x030300 | reading.integer(value, 0, UINT8_MAX).value_or(0), 3);
    } else if (*kind == "timestamps") {
      Fields stamps(reading, value, kTimestampsTable, "'timestamps'", fields.place_of(*kind));
      const Node* const now = stamps.find("value");
      const Node* const echo = stamps.find("echo");
      put(0x080a, 2);
      put(now == nullptr ? 0 : reading.integer(*now, 0, UINT32_MAX).value_or(0), 4);
      put(echo == nullptr ? 0 : reading.integer(*echo, 0, UINT32_MAX).value_or(0), 4);
    } else if (*kind == "hex") {
      const auto some = read_hex(reading, value, 40);
      if (some) bytes.insert(bytes.end(), some->begin(), some->end());
    } else {
      put(*kind == "nop" ? 1 : 0x0402, *kind == "nop" ? 1 : 2);
    }
  }
  return bytes;
}

}  // namespace myriad::plan
