// A deadline of a connection in four bytes: ticks of the timer wheel, which wrap after 78 hours. Good for times up to
// half of that away from now, which is longer than anything a connection waits for.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "stack/timer_wheel.h"

namespace myriad::tcp {

class Deadline {
 public:
  constexpr Deadline() = default;  // never
  // Rounded up to the next tick.
  static Deadline at(Instant when) {
    Deadline d;
    d.tick_ =
        static_cast<std::uint32_t>((when.ns + stack::TimerWheel::kTick.count() - 1) >> stack::TimerWheel::kTickBits);
    if (d.tick_ == 0) d.tick_ = 1;
    return d;
  }
  [[nodiscard]] bool is_set() const { return tick_ != 0; }
  [[nodiscard]] bool passed(Instant now) const {
    return is_set() && static_cast<std::int32_t>(tick_ - tick_of(now)) <= 0;
  }
  // Whether a timer that fires at `tick` (of the wheel) or later would come too late. Never, when not set.
  [[nodiscard]] bool is_before(std::uint64_t tick) const {
    return is_set() && static_cast<std::int32_t>(tick_ - static_cast<std::uint32_t>(tick)) < 0;
  }
  [[nodiscard]] Instant instant(Instant now) const {
    if (!is_set()) return Instant::never();
    const std::int64_t ahead = static_cast<std::int32_t>(tick_ - tick_of(now));
    return Instant{((now.ns >> stack::TimerWheel::kTickBits) + ahead) << stack::TimerWheel::kTickBits};
  }

 private:
  static std::uint32_t tick_of(Instant now) {
    return static_cast<std::uint32_t>(now.ns >> stack::TimerWheel::kTickBits);
  }
  std::uint32_t tick_ = 0;
};

}  // namespace myriad::tcp
