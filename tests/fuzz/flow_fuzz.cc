// A packet from anybody: the bytes are its layers, fields, payload and size. It compiles or is refused with a reason;
// what compiles makes frames within their bounds, and a frame that is patched is the same as a fresh one.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "craft/compile.h"
#include "craft/signature.h"

namespace myriad::craft {
namespace {

constexpr std::size_t kFrames = 19;  // a block of the program, and some

// Reads the program; zeros behind its end.
class Source {
 public:
  Source(const std::uint8_t* at, std::size_t left) : at_(at), left_(left) {}
  std::uint8_t byte() {
    if (left_ == 0) return 0;
    --left_;
    return *at_++;
  }
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned i = byte() % 9; i > 0; --i) value = value << 8 | byte();
    return value;
  }
  std::vector<std::uint8_t> bytes(std::size_t most) {
    std::vector<std::uint8_t> made(byte() % (most + 1));
    for (std::uint8_t& one : made) one = byte();
    return made;
  }
  [[nodiscard]] bool ended() const { return left_ == 0; }

 private:
  const std::uint8_t* at_;
  std::size_t left_;
};

Number wide(Source& source) {
  const Number high = source.number();
  return high << (source.byte() % 65) | source.number();
}

// Mostly of the field's width: what does not fit is refused, and that is soon seen.
FieldValue value_of(Source& source, std::size_t width) {
  const Number mask = width >= 128 || source.byte() % 16 == 0 ? ~Number{0} : (Number{1} << width) - 1;
  switch (source.byte() % 10) {
    case 0:
      return Constant{wide(source) & mask};
    case 1: {
      Values values;
      for (unsigned i = source.byte() % 6; i > 0; --i) values.list.push_back(wide(source) & mask);
      return values;
    }
    case 2:
    case 3: {
      Counting counting{wide(source) & mask, wide(source) & mask, std::nullopt, source.byte() % 2 == 0};
      if (source.byte() % 2 == 0) counting.count = source.number();
      return counting;
    }
    case 4:
    case 5: {
      const Number one = wide(source) & mask;
      const Number other = wide(source) & mask;
      return RandomBetween{std::min(one, other), source.byte() % 16 == 0 ? one : std::max(one, other)};
    }
    case 6:
      return OfHost{static_cast<HostField>(source.byte() % 5)};
    case 7:
      return OfColumn{std::string(1, static_cast<char>('a' + source.byte() % 3))};
    case 8:
      return Resolved{};
    default:
      return WrongChecksum{};
  }
}

Layer layer_of(Source& source, bool first) {
  const auto all = layer_definitions();
  const LayerDefinition& definition = first && source.byte() % 8 != 0 ? all[0] : all[source.byte() % all.size()];
  Layer layer;
  layer.kind = definition.kind;
  for (unsigned i = source.byte() % 8; i > 0; --i) {
    FieldDefinition field;
    if (definition.fields.empty()) {
      field.name = "field";
      field.bit = static_cast<std::uint16_t>(source.number());
      field.width = source.byte();
    } else {
      field = definition.fields[source.byte() % definition.fields.size()];
    }
    layer.fields.push_back({field, value_of(source, field.width)});
  }
  // What has no default, and what has it from hosts.
  for (const FieldDefinition& field : definition.fields) {
    const bool needed = field.fallback == Fallback::kRequired || field.fallback >= Fallback::kDestination;
    const bool given = std::ranges::any_of(layer.fields, [&](const GivenField& g) { return g.field.bit == field.bit; });
    if (needed && !given && source.byte() % 8 != 0) layer.fields.push_back({field, value_of(source, field.width)});
  }
  layer.body = source.bytes(definition.most_body < 60 ? definition.most_body : 60);
  if (definition.kind == LayerKind::kRouting && source.byte() % 2 == 0) layer.final_destination = Ipv6Address{};
  return layer;
}

Payload payload_of(Source& source) {
  Payload payload;
  payload.kind = static_cast<PayloadKind>(source.byte() % 5);
  payload.bytes = source.bytes(50);
  payload.random_bytes = static_cast<std::size_t>(source.number() % 5000);
  payload.column = std::string(1, static_cast<char>('a' + source.byte() % 3));
  payload.column_is_hex = source.byte() % 2 == 0;
  payload.fill = source.bytes(5);
  return payload;
}

CompileOptions options_of(Source& source) {
  CompileOptions options;
  if (source.byte() % 2 == 0) {
    HostRange& hosts = options.hosts.emplace();
    hosts.count = 1 + static_cast<std::uint32_t>(source.number() % (1U << 24));
    if (source.byte() % 4 != 0) hosts.ipv4 = Ipv4Address{static_cast<std::uint32_t>(source.number())};
    if (source.byte() % 4 != 0) hosts.ipv6 = Ipv6Address{};
    if (source.byte() % 2 == 0) hosts.vlan = {static_cast<std::uint16_t>(source.byte()), source.byte()};
    hosts.hosts_per_vlan = source.byte();
    options.order = source.byte() % 2 == 0 ? HostOrder::kInOrder : HostOrder::kRandom;
    options.can_resolve = source.byte() % 4 != 0;
  }
  if (source.byte() % 2 == 0) options.size = value_of(source, 11);
  if (source.byte() % 4 == 0) options.mtu = static_cast<std::uint32_t>(source.number());
  if (source.byte() % 8 == 0) options.mutation = Mutation{(source.byte() + 1) / 256.0, source.number()};
  options.seed = source.number();
  return options;
}

RowBlock rows_of(const Program& program, Source& source) {
  RowBlock rows;
  rows.count = kFrames;
  for (const ColumnUse& use : program.columns()) {
    RowColumn& column = rows.columns.emplace_back();
    column.begins.push_back(0);
    for (std::size_t i = 0; i < kFrames; ++i) {
      column.low.push_back(source.number());
      column.high.push_back(source.number());
      if (use.type == ColumnType::kNumber) column.low.back() = std::min(column.low.back(), use.most);
      const auto some = source.bytes(std::min<std::uint64_t>(use.most, 40));
      column.bytes.insert(column.bytes.end(), some.begin(), some.end());
      column.begins.push_back(static_cast<std::uint32_t>(column.bytes.size()));
    }
  }
  return rows;
}

void require(bool holds) {
  if (!holds) std::abort();
}

struct Frames {
  explicit Frames(const Program& program) {
    for (std::size_t i = 0; i < kFrames; ++i) {
      owned.push_back(std::make_unique<std::uint8_t[]>(program.max_length()));
      program.fill(owned.back().get());
      pointers.push_back(owned.back().get());
    }
  }
  std::vector<std::unique_ptr<std::uint8_t[]>> owned;
  std::vector<std::uint8_t*> pointers;
  std::vector<std::uint32_t> lengths = std::vector<std::uint32_t>(kFrames);
};

void craft_frames(const Program& program, Source& source) {
  const RowBlock rows = rows_of(program, source);
  Frames fresh(program);
  Frames patched(program);
  std::vector<std::uint32_t> hosts(kFrames);
  Batch batch;
  batch.rows = &rows;
  batch.first = source.number() >> 2;  // a run of 2^62 frames is longer than any
  batch.stride = 1 + source.byte();
  const auto make = [&](Frames& frames) {
    if (program.has_hosts()) {
      program.hosts(batch.first, batch.stride, hosts);
      batch.hosts = hosts;
    }
    batch.frames = frames.pointers;
    program.patch(batch, frames.lengths);
  };
  make(fresh);
  const std::uint64_t first = batch.first;
  batch.first = source.number() >> 2;
  make(patched);
  batch.first = first;
  make(patched);
  for (std::size_t i = 0; i < kFrames; ++i) {
    const std::uint32_t length = fresh.lengths[i];
    require(length == patched.lengths[i] && length >= program.min_length() && length <= program.max_length());
    require(std::memcmp(fresh.pointers[i], patched.pointers[i], length) == 0);
    if (program.resolves()) {
      require(!program.common_destination() || program.destination(fresh.pointers[i]) == *program.common_destination());
      Program::set_next_hop(fresh.pointers[i], MacAddress::broadcast());
    }
    std::size_t likely = program.signature_at();
    if (program.has_sequence()) {
      const auto found = Signature::find({fresh.pointers[i], length}, likely);
      require(found.has_value());
    }
  }
  batch.frames = fresh.pointers;
  program.mutate(batch, fresh.lengths);
}

}  // namespace
}  // namespace myriad::craft

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace myriad::craft;
  Source source(data, size);
  const CompileOptions options = options_of(source);
  Packet packet;
  packet.payload = payload_of(source);
  for (unsigned i = source.byte() % 12; i > 0 && !source.ended(); --i)
    packet.layers.push_back(layer_of(source, packet.layers.empty()));
  const auto program = compile(packet, options);
  if (program) {
    craft_frames(*program, source);
  } else {
    require(!program.error().what.empty() && !program.error().suggestion.empty());
  }
  return 0;
}
