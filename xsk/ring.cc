#include "xsk/ring.h"

#include <unistd.h>

namespace myriad::xsk {

// Ringer: rung_ = true, then looks at asleep_. Sleeper: asleep_ = true, then looks at rung_. All sequentially
// consistent, so that at least one of the two sees the other.
void Doorbell::ring() {
  if (rung_.exchange(true)) return;
  if (!asleep_.load()) return;
  const std::uint64_t one = 1;
  // It fails only when 2^64 - 2 rings are unread, and then the descriptor is readable anyway.
  [[maybe_unused]] const auto written = ::write(event_.get(), &one, sizeof one);
}

bool Doorbell::begin_sleep() {
  asleep_.store(true);
  return !rung_.exchange(false);
}

void Doorbell::end_sleep(bool event_seen) {
  asleep_.store(false);
  if (event_seen) {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto taken = ::read(event_.get(), &count, sizeof count);
  }
  rung_.exchange(false);
}

}  // namespace myriad::xsk
