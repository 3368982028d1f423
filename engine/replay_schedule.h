// When the frames of a replay are due, in nanoseconds after the first one.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>

#include "templates/plan/plan_replays.h"

namespace myriad::engine {

class ReplaySchedule {
 public:
  explicit ReplaySchedule(const plan::ReplaySpeed& speed) : speed_(speed) {}

  // A record was read that was captured then; nullopt: with the one before it. A clock that went back makes no gap.
  void captured(std::optional<std::int64_t> unix_ns) {
    if (!unix_ns) return;
    if (last_ && *unix_ns > *last_) {
      const std::uint64_t gap = static_cast<std::uint64_t>(*unix_ns) - static_cast<std::uint64_t>(*last_);
      elapsed_ns_ = std::min(kLongest, elapsed_ns_ + std::min(gap, kLongest));
    }
    last_ = unix_ns;
  }
  // The capture begins again, at once.
  void again() { last_.reset(); }

  // When the next frame is due, which has that many bytes. A steady rate is exact over any time.
  std::int64_t next(std::uint32_t bytes) {
    double ns = 0;
    switch (speed_.kind) {
      case plan::ReplaySpeedKind::kMax:
        return 0;
      case plan::ReplaySpeedKind::kCaptured:
        if (speed_.multiplier == 1) return static_cast<std::int64_t>(elapsed_ns_);
        ns = static_cast<double>(elapsed_ns_) / speed_.multiplier;
        break;
      case plan::ReplaySpeedKind::kFrames:
        ns = static_cast<double>(frames_++) / speed_.per_second * 1e9;
        break;
      case plan::ReplaySpeedKind::kBits:
        ns = static_cast<double>(bits_) / speed_.per_second * 1e9;
        bits_ += 8 * (std::uint64_t{bytes} + speed_.overhead_bytes);
        break;
    }
    return static_cast<std::int64_t>(std::min(ns, static_cast<double>(kLongest)));
  }

 private:
  static constexpr std::uint64_t kLongest = std::uint64_t{1} << 62;  // 146 years

  plan::ReplaySpeed speed_;
  std::optional<std::int64_t> last_;
  std::uint64_t elapsed_ns_ = 0;
  std::uint64_t frames_ = 0;
  std::uint64_t bits_ = 0;
};

}  // namespace myriad::engine
