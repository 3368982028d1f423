// The Internet checksum at the lengths that matter: an IPv4 header, a small segment, a full one.
#include "base/checksum.h"

#include <benchmark/benchmark.h>

#include <cstring>
#include <vector>

#include "app/pattern.h"
#include "app/summed_bytes.h"

namespace myriad {
namespace {

void checksum_of(benchmark::State& state) {
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(state.range(0)), 0x5a);
  for (auto _ : state) {
    benchmark::DoNotOptimize(bytes.data());
    benchmark::DoNotOptimize(checksum_fold(checksum_add(0, bytes)));
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(checksum_of)->Arg(20)->Arg(64)->Arg(536)->Arg(1480)->Arg(8960);

// What a segment's payload costs to write, with its share of the checksum: copied and added up, copied with sums that
// were kept, and made on the spot.
constexpr std::size_t kSegment = 1460;
const app::Pattern kPattern{1};

std::vector<std::uint8_t> body() {
  std::vector<std::uint8_t> bytes(64 * kSegment);
  kPattern.fill(0, bytes);
  return bytes;
}

template <class Write>
void payload(benchmark::State& state, Write write) {
  std::vector<std::uint8_t> segment(kSegment);
  std::size_t n = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(write((n++ % 64) * kSegment, segment));
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(kSegment));
}
void payload_copied_and_added(benchmark::State& state) {
  payload(state, [bytes = body()](std::size_t offset, MutableBytes out) {
    std::memcpy(out.data(), bytes.data() + offset, out.size());
    return checksum_add(0, out);
  });
}
void payload_copied_with_kept_sums(benchmark::State& state) {
  payload(state,
          [bytes = app::SummedBytes{body()}](std::size_t offset, MutableBytes out) { return bytes.copy(offset, out); });
}
void payload_made_and_added(benchmark::State& state) {
  payload(state, [](std::size_t offset, MutableBytes out) { return kPattern.fill(offset, out); });
}
BENCHMARK(payload_copied_and_added);
BENCHMARK(payload_copied_with_kept_sums);
BENCHMARK(payload_made_and_added);

}  // namespace
}  // namespace myriad
