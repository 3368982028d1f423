// Short forms for tests of crafted frames: packets in a few words, and frames made one by one in memory that is exactly
// as long as they may be.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "craft/compile.h"

namespace myriad::craft {

using Frame = std::vector<std::uint8_t>;

inline GivenField given(LayerKind kind, std::string_view name, FieldValue value) {
  const FieldDefinition* const field = find_field(definition_of(kind), name);
  if (field == nullptr) throw std::invalid_argument(std::string(name));
  return {*field, std::move(value)};
}

inline Layer layer(LayerKind kind, std::vector<std::pair<std::string_view, FieldValue>> fields = {}, Frame body = {}) {
  Layer made;
  made.kind = kind;
  for (auto& [name, value] : fields) made.fields.push_back(given(kind, name, std::move(value)));
  made.body = std::move(body);
  return made;
}

inline constexpr std::uint64_t kNear = 0x02000000000a;
inline constexpr std::uint64_t kFar = 0x02000000000b;

inline Layer ethernet() { return layer(LayerKind::kEthernet, {{"dst", Constant{kFar}}, {"src", Constant{kNear}}}); }
inline Layer ipv4(std::vector<std::pair<std::string_view, FieldValue>> fields = {}, Frame options = {}) {
  fields.emplace_back("src", Constant{0x0a000001});
  fields.emplace_back("dst", Constant{0x0a000002});
  return layer(LayerKind::kIpv4, std::move(fields), std::move(options));
}
inline Number v6(std::string_view text) {
  const auto address = Ipv6Address::parse(text).value();
  return Number{address.high()} << 64 | address.low();
}
inline Layer ipv6(std::vector<std::pair<std::string_view, FieldValue>> fields = {}) {
  fields.emplace_back("src", Constant{v6("fd00::1")});
  fields.emplace_back("dst", Constant{v6("fd00::2")});
  return layer(LayerKind::kIpv6, std::move(fields));
}
inline Layer udp() { return layer(LayerKind::kUdp, {{"src", Constant{1024}}, {"dst", Constant{53}}}); }
inline Layer tcp(Frame options = {}) {
  return layer(LayerKind::kTcp, {{"src", Constant{1024}}, {"dst", Constant{80}}}, std::move(options));
}
inline Payload text(std::string_view bytes) {
  Payload payload;
  payload.kind = PayloadKind::kBytes;
  payload.bytes.assign(bytes.begin(), bytes.end());
  return payload;
}
inline Payload of_kind(PayloadKind kind) {
  Payload payload;
  payload.kind = kind;
  return payload;
}

inline Program program_of(const Packet& packet, const CompileOptions& options = {}) {
  auto program = compile(packet, options);
  if (program) return std::move(*program);
  ADD_FAILURE() << program.error().what << "; " << program.error().suggestion;
  return {};
}
inline CompileError refusal_of(const Packet& packet, const CompileOptions& options = {}) {
  auto program = compile(packet, options);
  if (!program) return program.error();
  ADD_FAILURE() << "accepted";
  return {};
}
inline CompileOptions sized(FieldValue size) {
  CompileOptions options;
  options.size = std::move(size);
  return options;
}

// Memory of frames, each alone on the heap so that a sanitizer sees the first byte behind it.
class Chunks {
 public:
  Chunks(const Program& program, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      owned_.push_back(std::make_unique<std::uint8_t[]>(program.max_length()));
      std::memset(owned_.back().get(), 0xa5, program.max_length());
      frames_.push_back(owned_.back().get());
    }
  }
  [[nodiscard]] std::span<std::uint8_t* const> frames() const { return frames_; }

 private:
  std::vector<std::unique_ptr<std::uint8_t[]>> owned_;
  std::vector<std::uint8_t*> frames_;
};

struct Made {
  std::vector<Frame> frames;
  std::vector<std::uint32_t> hosts;
};

// Frames `first`, `first` + `stride`, …, made at once. `chunks` keeps what frames hold from one call to the next.
inline Made make(const Program& program, std::size_t count, Batch batch = {}, Chunks* chunks = nullptr) {
  Chunks own(program, chunks == nullptr ? count : 0);
  batch.frames = (chunks == nullptr ? own : *chunks).frames().first(count);
  if (chunks == nullptr) {
    for (std::uint8_t* const frame : batch.frames) program.fill(frame);
  }
  Made made;
  if (program.has_hosts()) {
    made.hosts.resize(count);
    program.hosts(batch.first, batch.stride, made.hosts);
    batch.hosts = made.hosts;
  }
  std::vector<std::uint32_t> lengths(count);
  program.patch(batch, lengths);
  program.mutate(batch, lengths);
  for (std::size_t i = 0; i < count; ++i) {
    EXPECT_LE(lengths[i], program.max_length());
    EXPECT_GE(lengths[i], program.min_length());
    made.frames.emplace_back(batch.frames[i], batch.frames[i] + lengths[i]);
  }
  return made;
}
inline Frame make_one(const Program& program, const Batch& batch = {}) { return make(program, 1, batch).frames[0]; }

// Bits of a frame as a number.
inline Number bits(const Frame& frame, std::size_t first, std::size_t width) {
  Number value = 0;
  for (std::size_t bit = first; bit < first + width; ++bit) value = value << 1 | (frame[bit / 8] >> (7 - bit % 8) & 1);
  return value;
}

}  // namespace myriad::craft
