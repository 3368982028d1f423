// One workload in one shard: its load, whose turn it is, what it counts, and the lines in which its sessions wait.
#pragma once

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/rng.h"
#include "base/time.h"
#include "engine/counters.h"
#include "engine/host_tallies.h"
#include "engine/host_turns.h"
#include "engine/load.h"
#include "engine/place.h"
#include "engine/waiting.h"
#include "stack/events.h"

namespace myriad::engine {

// What sessions wait for; all sessions of a workload equally long.
enum class Wait : std::uint8_t {
  kTimeout,   // the end of its patience
  kHold,      // the time to end a connection that is held
  kThink,     // its host's next session
  kRest,      // kRetryAfter
  kAwaitFin,  // kAwaitFin
  kFinish,    // kFinish
  kBackOff,   // the next try
  kNone,
};
inline constexpr std::size_t kWaits = 7;
// The pause before another try doubles this many times at most.
inline constexpr std::uint32_t kMostDoublings = 7;
inline constexpr std::size_t kLines = kWaits + kMostDoublings;

// After a success without hold the server closes first, so that TIME-WAIT is on its side; but not for ever.
inline constexpr Duration kAwaitFin = std::chrono::seconds{1};
// An orderly close that does not come to its end in this time is cut short.
inline constexpr Duration kFinish = std::chrono::seconds{5};
// Between sessions that cannot even begin (no way there, no port), so that a closed loop does not spin.
inline constexpr Duration kRetryAfter = std::chrono::milliseconds{100};

struct Running {
  // `where` outlives this.
  Running(const WorkloadPlace& where, LoadSlice part, std::uint32_t shard, Instant start);

  const WorkloadPlace& place;
  LoadSlice slice;
  LoadControl load;
  HostTurns turns;
  Rng rng;  // of the turns
  WorkloadCounters counters;
  std::vector<WaitingLine> lines;  // kLines: by Wait; behind them those of longer and longer kBackOff
  HostTallies hosts;
  std::uint64_t open = 0;     // sessions, without those that think
  bool told_its_end = false;  // to those that come after it

  [[nodiscard]] stack::HostId host_id(std::uint32_t host) const {
    return stack::HostId{place.first_host + slice.host(host)};
  }
  // `tries`: how many have failed.
  [[nodiscard]] WaitingLine& line(Wait what, std::uint32_t tries) {
    assert(what != Wait::kNone);
    const std::uint32_t doublings = what == Wait::kBackOff ? std::min(tries - 1, kMostDoublings) : 0;
    return lines[static_cast<std::size_t>(what) + doublings];
  }
  // The host whose turn it is.
  [[nodiscard]] std::optional<std::uint32_t> next_host() {
    return place.load.at_random ? turns.take_from(rng.next()) : turns.take();
  }
  void count_start(std::uint32_t host);
  void count_connect(std::uint32_t host, std::uint64_t after_ns);
  void count_first_byte(std::uint32_t host, std::uint64_t after_ns);
  void count_success(std::uint32_t host, std::uint64_t took_ns);
  void count_failure(std::uint32_t host, Failure why);
};

}  // namespace myriad::engine
