#include "engine/running.h"

namespace myriad::engine {
namespace {

bool test_and_set(std::vector<std::uint64_t>& bits, std::uint32_t at) {
  std::uint64_t& word = bits[at / 64];
  const std::uint64_t bit = std::uint64_t{1} << (at % 64);
  const bool was = (word & bit) != 0;
  word |= bit;
  return was;
}

bool test(const std::vector<std::uint64_t>& bits, std::uint32_t at) { return (bits[at / 64] >> (at % 64) & 1) != 0; }

}  // namespace

Running::Running(const WorkloadPlace& where, LoadSlice part, std::uint32_t shard, Instant start)
    : place(where),
      slice(part),
      load(where.load, part, where.after ? Instant::never() : start + where.start),
      turns(part.own(), load.per_host()),
      rng(Rng{where.seed}.fork(shard)),
      host_succeeded((part.own() + 63) / 64),
      host_failed((part.own() + 63) / 64) {
  static_assert(static_cast<std::size_t>(Wait::kBackOff) == kWaits - 1);
  for (const Duration wait : {where.load.timeout, where.load.hold, where.load.think, kRetryAfter, kAwaitFin, kFinish}) {
    lines.emplace_back(wait);
  }
  for (std::uint32_t i = 0; i <= kMostDoublings; ++i) lines.emplace_back(where.load.back_off * (1 << i));
}

void Running::count_success(std::uint32_t host) {
  ++counters.sessions_succeeded;
  if (test_and_set(host_succeeded, host)) return;
  ++counters.hosts_succeeded;
  if (test(host_failed, host)) --counters.hosts_failed;
}

void Running::count_failure(std::uint32_t host, Failure why) {
  ++counters.sessions_failed;
  ++counters.failures[static_cast<std::size_t>(why)];
  if (test_and_set(host_failed, host) || test(host_succeeded, host)) return;
  ++counters.hosts_failed;
}

}  // namespace myriad::engine
