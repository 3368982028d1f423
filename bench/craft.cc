// What it costs to make a frame: packets of several kinds, in batches over a ring of 4,096 chunks of 2,048 bytes, as a
// port has them, with the result of each frame handed over as the engine does. No device. The argument is the batch;
// `whole` counts the copying of what frames have in common, `patched` finds it there.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <vector>

#include "base/frame.h"
#include "craft/compile.h"

namespace myriad::craft {
namespace {

constexpr std::size_t kChunks = 4096;
constexpr std::size_t kChunkBytes = 2048;

GivenField given(LayerKind kind, std::string_view name, FieldValue value) {
  return {*find_field(definition_of(kind), name), std::move(value)};
}

Layer ethernet() {
  return {LayerKind::kEthernet,
          {given(LayerKind::kEthernet, "dst", Constant{0x020000000001}),
           given(LayerKind::kEthernet, "src", Constant{0x020000000002})},
          {},
          {}};
}

// Source and destination, of IPv4 and UDP.
Packet udp(FieldValue source, FieldValue destination, FieldValue from_port, FieldValue to_port) {
  Packet packet;
  packet.layers.push_back(ethernet());
  packet.layers.push_back(
      {LayerKind::kIpv4,
       {given(LayerKind::kIpv4, "src", std::move(source)), given(LayerKind::kIpv4, "dst", std::move(destination))},
       {},
       {}});
  packet.layers.push_back(
      {LayerKind::kUdp,
       {given(LayerKind::kUdp, "src", std::move(from_port)), given(LayerKind::kUdp, "dst", std::move(to_port))},
       {},
       {}});
  return packet;
}
Packet constant_udp() { return udp(Constant{0x0a000001}, Constant{0x0a000002}, Constant{1024}, Constant{9}); }
Packet varying_udp() {
  return udp(Counting{0x0a000001, 1, 1000, false}, RandomBetween{0x0a010000, 0x0a01ffff}, RandomBetween{1024, 65535},
             Values{{53, 80, 123, 443, 5000}});
}

Program program_of(const Packet& packet, std::uint64_t size) {
  CompileOptions options;
  options.size = Constant{size};
  auto program = compile(packet, options);
  if (!program) std::abort();
  return std::move(*program);
}

// The area of a port, and the frames handed over.
struct Ring {
  std::unique_ptr<std::uint8_t[]> area = std::make_unique<std::uint8_t[]>(kChunks * kChunkBytes);
  std::vector<TxFrame> sent{kChunks};
};

void make_frames(benchmark::State& state, const Program& program, bool whole) {
  Ring ring;
  const auto count = static_cast<std::size_t>(state.range(0));
  std::vector<std::uint8_t*> frames(count);
  std::vector<std::uint32_t> lengths(count);
  for (std::size_t i = 0; i < kChunks; ++i) program.fill(ring.area.get() + i * kChunkBytes);
  std::uint64_t number = 0;
  Batch batch;
  batch.frames = frames;
  for (auto _ : state) {
    const std::size_t begin = number % kChunks;
    for (std::size_t i = 0; i < count; ++i) {
      frames[i] = ring.area.get() + (begin + i) * kChunkBytes;
      if (whole) program.fill(frames[i]);
    }
    batch.first = number;
    batch.now_ns = static_cast<std::int64_t>(number);
    program.patch(batch, lengths);
    for (std::size_t i = 0; i < count; ++i) {
      ring.sent[begin + i] = {FrameIndex{static_cast<std::uint32_t>(begin + i)}, lengths[i]};
    }
    benchmark::ClobberMemory();
    number += count;
  }
  const auto made = static_cast<double>(state.iterations()) * static_cast<double>(count);
  state.counters["frame"] = benchmark::Counter(made, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void varying_60(benchmark::State& state, bool whole) { make_frames(state, program_of(varying_udp(), 64), whole); }
void constant_60(benchmark::State& state, bool whole) { make_frames(state, program_of(constant_udp(), 64), whole); }
void varying_1514(benchmark::State& state, bool whole) { make_frames(state, program_of(varying_udp(), 1518), whole); }
void random_payload_1514(benchmark::State& state) {
  Packet packet = constant_udp();
  packet.payload.kind = PayloadKind::kRandom;
  make_frames(state, program_of(packet, 1518), false);
}
void sequence_100(benchmark::State& state) {
  Packet packet = constant_udp();
  packet.payload.kind = PayloadKind::kSequence;
  make_frames(state, program_of(packet, 104), false);
}

BENCHMARK_CAPTURE(varying_60, patched, false)->Arg(64)->Arg(256);
BENCHMARK_CAPTURE(varying_60, whole, true)->Arg(64)->Arg(256);
BENCHMARK_CAPTURE(constant_60, patched, false)->Arg(64)->Arg(256);
BENCHMARK_CAPTURE(constant_60, whole, true)->Arg(64)->Arg(256);
BENCHMARK_CAPTURE(varying_1514, patched, false)->Arg(64)->Arg(256);
BENCHMARK_CAPTURE(varying_1514, whole, true)->Arg(64);
BENCHMARK(random_payload_1514)->Arg(64);
BENCHMARK(sequence_100)->Arg(64)->Arg(256);

}  // namespace
}  // namespace myriad::craft
