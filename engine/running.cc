#include "engine/running.h"

namespace myriad::engine {

Running::Running(const WorkloadPlace& where, LoadSlice part, std::uint32_t shard, Instant start)
    : place(where),
      slice(part),
      load(where.load, part, where.after ? Instant::never() : start + where.start),
      turns(part.own(), load.per_host()),
      rng(Rng{where.seed}.fork(shard)),
      hosts(part.own(), where.host_details) {
  static_assert(static_cast<std::size_t>(Wait::kBackOff) == kWaits - 1);
  for (const Duration wait : {where.load.timeout, where.load.hold, where.load.think, kRetryAfter, kAwaitFin, kFinish}) {
    lines.emplace_back(wait);
  }
  for (std::uint32_t i = 0; i <= kMostDoublings; ++i) lines.emplace_back(where.load.back_off * (1 << i));
}

void Running::count_start(std::uint32_t host) {
  ++counters.sessions_started;
  hosts.start(host);
}

void Running::count_connect(std::uint32_t host, std::uint64_t after_ns) {
  counters.connect.record(after_ns);
  hosts.connected(host, after_ns);
}

void Running::count_first_byte(std::uint32_t host, std::uint64_t after_ns) {
  counters.first_byte.record(after_ns);
  hosts.first_byte(host, after_ns);
}

void Running::count_success(std::uint32_t host, std::uint64_t took_ns) {
  ++counters.sessions_succeeded;
  counters.session.record(took_ns);
  if (!hosts.succeed(host, took_ns)) return;
  ++counters.hosts_succeeded;
  if (hosts.has_failed(host)) --counters.hosts_failed;
}

void Running::count_failure(std::uint32_t host, Failure why) {
  ++counters.sessions_failed;
  ++counters.failures[static_cast<std::size_t>(why)];
  if (hosts.fail(host, why) && !hosts.has_succeeded(host)) ++counters.hosts_failed;
}

}  // namespace myriad::engine
