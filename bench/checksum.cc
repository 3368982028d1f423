// The Internet checksum at the lengths that matter: an IPv4 header, a small segment, a full one.
#include "base/checksum.h"

#include <benchmark/benchmark.h>

#include <vector>

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

}  // namespace
}  // namespace myriad
