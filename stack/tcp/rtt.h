// Round-trip time and retransmission timeout: RFC 6298.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"
#include "stack/tcp/personality.h"

namespace myriad::tcp {

// Microseconds: the estimator fits in eight bytes of a connection.
class RttEstimator {
 public:
  // A measurement of a segment that was sent once (Karn), or one by timestamps. Ends any back-off.
  void sample(std::uint32_t us) {
    const std::uint32_t r = std::clamp(us, 1U, 60'000'000U);
    if (srtt_us_ == 0) {  // (2.2)
      srtt_us_ = r;
      rttvar_us_ = (r / 2) & kVarianceMask;
    } else {  // (2.3), alpha = 1/8, beta = 1/4
      const std::uint32_t delta = srtt_us_ > r ? srtt_us_ - r : r - srtt_us_;
      rttvar_us_ = (rttvar_us_ - rttvar_us_ / 4 + delta / 4) & kVarianceMask;
      srtt_us_ = srtt_us_ - srtt_us_ / 8 + r / 8;
      if (srtt_us_ == 0) srtt_us_ = 1;
    }
    backoff_ = 0;
  }
  // (5.5): the timer expired; doubles the timeout.
  void back_off() {
    if (backoff_ < 31) backoff_ = (backoff_ + 1U) & 31;
  }
  void reset_backoff() { backoff_ = 0; }
  [[nodiscard]] bool known() const { return srtt_us_ != 0; }
  [[nodiscard]] std::uint32_t srtt_us() const { return srtt_us_; }

  [[nodiscard]] Duration rto(const Personality& personality) const {
    Duration base = personality.rto_initial;
    if (srtt_us_ != 0) {
      // (2.3) with G = 1 ms, the granularity of the timestamps.
      const std::uint32_t spread = std::max<std::uint32_t>(1000, 4 * rttvar_us_);
      base = std::max<Duration>(personality.rto_min, std::chrono::microseconds{srtt_us_ + spread});
    }
    for (std::uint8_t i = 0; i < backoff_ && base < personality.rto_max; ++i) base *= 2;
    return std::min(base, personality.rto_max);
  }

 private:
  static constexpr std::uint32_t kVarianceMask = (1U << 27) - 1;
  std::uint32_t srtt_us_ = 0;         // 0 = no sample yet
  std::uint32_t rttvar_us_ : 27 = 0;  // at most 60 s
  std::uint32_t backoff_ : 5 = 0;
};

}  // namespace myriad::tcp
