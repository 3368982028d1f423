// One workload in one shard: its load, whose turn it is, what it counts, and the lines in which its sessions wait.
#pragma once

#include <array>
#include <cassert>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/time.h"
#include "engine/counters.h"
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
  kNone,
};
inline constexpr std::size_t kWaits = 6;

// After a success without hold the server closes first, so that TIME-WAIT is on its side; but not for ever.
inline constexpr Duration kAwaitFin = std::chrono::seconds{1};
// An orderly close that does not come to its end in this time is cut short.
inline constexpr Duration kFinish = std::chrono::seconds{5};
// Between a failure and the next try, so that a target that refuses is not stormed; and between sessions that cannot
// even begin (no way there, no port), so that a closed loop does not spin.
inline constexpr Duration kRetryAfter = std::chrono::milliseconds{100};

struct Running {
  // `where` outlives this.
  Running(const WorkloadPlace& where, LoadSlice part, Instant start);

  const WorkloadPlace& place;
  LoadSlice slice;
  LoadControl load;
  HostTurns turns;
  WorkloadCounters counters;
  std::array<WaitingLine, kWaits> lines;      // by Wait
  std::vector<std::uint64_t> host_succeeded;  // a bit each
  std::vector<std::uint64_t> host_failed;
  std::uint64_t open = 0;  // sessions, without those that think

  [[nodiscard]] stack::HostId host_id(std::uint32_t host) const {
    return stack::HostId{place.first_host + slice.host(host)};
  }
  [[nodiscard]] WaitingLine& line(Wait what) {
    assert(what != Wait::kNone);
    return lines[static_cast<std::size_t>(what)];
  }
  void count_success(std::uint32_t host);
  void count_failure(std::uint32_t host, Failure why);
};

}  // namespace myriad::engine
