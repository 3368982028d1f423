// Those who all wait equally long stand in a line: whoever joins last is due last, so no timer has to be sorted in
// anywhere. Joining, leaving from any place and finding who is due cost the same whatever the number, and nothing is
// allocated: the line runs through the waiting objects themselves, 12 bytes in each.
//
// Time is cut into ticks of 2^16 ns as in the timer wheel, longer ones for waits of more than 19 hours. Nobody is due
// before its time, and everybody when its time is a tick or more ago.
//
// Whoever waits is known by its index in `all`, where all[index].place is its WaitingPlace. The line owns the places of
// those that stand in it.
#pragma once

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstdint>

#include "base/time.h"
#include "stack/timer_wheel.h"

namespace myriad::engine {

struct WaitingPlace {
  std::uint32_t previous = 0xffffffff;
  std::uint32_t next = 0xffffffff;
  std::uint32_t due = 0;  // the tick, which wraps
};

class WaitingLine {
 public:
  static constexpr std::uint32_t kNobody = 0xffffffff;

  // `wait` is not negative.
  explicit WaitingLine(Duration wait)
      : wait_(wait),
        tick_bits_(
            std::max(stack::TimerWheel::kTickBits,
                     static_cast<int>(std::bit_width(static_cast<std::uint64_t>(wait.count()))) - kMostWaitBits)) {
    assert(wait.count() >= 0);
  }

  [[nodiscard]] bool empty() const { return first_ == kNobody; }

  // To the end of the line. `now` is not before that of any earlier call.
  template <class All>
  void join(All& all, std::uint32_t index, Instant now) {
    const Instant due = now + (wait_ + Duration{(std::int64_t{1} << tick_bits_) - 1});
    all[index].place = {last_, kNobody, tick(due)};
    (last_ == kNobody ? first_ : all[last_].place.next) = index;
    last_ = index;
  }
  // Precondition: it stands in this line.
  template <class All>
  void leave(All& all, std::uint32_t index) {
    const WaitingPlace place = all[index].place;
    (place.previous == kNobody ? first_ : all[place.previous].place.next) = place.next;
    (place.next == kNobody ? last_ : all[place.next].place.previous) = place.previous;
  }

  // The first in the line if it has waited enough, otherwise kNobody.
  template <class All>
  [[nodiscard]] std::uint32_t due(const All& all, Instant now) const {
    return !empty() && ahead(all, now) <= 0 ? first_ : kNobody;
  }
  // When due() names somebody; never when the line is empty.
  template <class All>
  [[nodiscard]] Instant next_due(const All& all, Instant now) const {
    if (empty()) return Instant::never();
    return Instant{((now.ns >> tick_bits_) + ahead(all, now)) << tick_bits_};
  }

 private:
  // A wait has less than 2^30 ticks, so that it can be told from being late by as many.
  static constexpr int kMostWaitBits = 30;

  [[nodiscard]] std::uint32_t tick(Instant at) const { return static_cast<std::uint32_t>(at.ns >> tick_bits_); }
  // Ticks until the first is due. Precondition: there is one.
  template <class All>
  [[nodiscard]] std::int32_t ahead(const All& all, Instant now) const {
    return static_cast<std::int32_t>(all[first_].place.due - tick(now));
  }

  Duration wait_;
  int tick_bits_;
  std::uint32_t first_ = kNobody;
  std::uint32_t last_ = kNobody;
};

}  // namespace myriad::engine
