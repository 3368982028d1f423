// Time as an argument. Nothing below engine/ reads a clock: an Instant comes in, a deadline goes out.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace myriad {

using Duration = std::chrono::nanoseconds;

// A point on a monotonic clock whose zero means nothing.
struct Instant {
  std::int64_t ns = 0;

  static constexpr Instant never() { return Instant{INT64_MAX}; }
  [[nodiscard]] constexpr bool is_never() const { return ns == INT64_MAX; }
  friend constexpr auto operator<=>(Instant, Instant) = default;
  friend constexpr Instant operator+(Instant at, Duration by) { return Instant{at.ns + by.count()}; }
  friend constexpr Instant operator-(Instant at, Duration by) { return Instant{at.ns - by.count()}; }
  friend constexpr Duration operator-(Instant a, Instant b) { return Duration{a.ns - b.ns}; }
};

[[nodiscard]] constexpr double to_seconds(Duration d) { return static_cast<double>(d.count()) * 1e-9; }

}  // namespace myriad
