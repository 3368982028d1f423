// Congestion control: how much may be in flight. NewReno (RFC 5681, RFC 6582) with appropriate byte counting
// (RFC 3465, L = 2) and the initial window of RFC 6928. Knows neither sequence numbers nor timers: recovery.h says what
// was lost and what was acknowledged.
#pragma once

#include <algorithm>
#include <cstdint>

namespace myriad::tcp {

class NewReno {
 public:
  void start(std::uint32_t mss) {
    cwnd_ = std::min(10 * mss, std::max(2 * mss, 14600U));  // RFC 6928 section 2
    ssthresh_ = UINT32_MAX;
  }
  [[nodiscard]] std::uint32_t window() const { return cwnd_; }
  [[nodiscard]] std::uint32_t threshold() const { return ssthresh_; }

  // New data acknowledged outside of recovery.
  void on_ack(std::uint32_t bytes, std::uint32_t mss) {
    if (cwnd_ < ssthresh_) {
      grow(std::min(bytes, 2 * mss));
      return;
    }
    // One MSS per window of data: RFC 5681 equation (3), at least one byte.
    grow(std::max<std::uint32_t>(1, static_cast<std::uint32_t>(std::uint64_t{mss} * std::min(bytes, mss) / cwnd_)));
  }
  // Third duplicate acknowledgement: RFC 5681 section 3.2 steps 2 and 3.
  void on_fast_retransmit(std::uint32_t flight, std::uint32_t mss) {
    ssthresh_ = std::max(flight / 2, 2 * mss);
    cwnd_ = ssthresh_ + 3 * mss;
  }
  // Each further duplicate acknowledgement: a segment has left the network (step 4).
  void on_duplicate_in_recovery(std::uint32_t mss) { grow(mss); }
  // RFC 6582 section 3.2 step 3, partial acknowledgement.
  void on_partial_ack(std::uint32_t bytes, std::uint32_t mss) {
    cwnd_ = cwnd_ > bytes ? cwnd_ - bytes : 0;
    cwnd_ = std::max(cwnd_ + (bytes >= mss ? mss : 0), mss);
  }
  // RFC 6582 section 3.2 step 3, full acknowledgement, first option: no burst.
  void on_recovered(std::uint32_t flight, std::uint32_t mss) {
    cwnd_ = std::min(ssthresh_, std::max(flight, mss) + mss);
  }
  // RFC 5681 section 3.1: the timer expired. `first` = not a repeated expiry for the same data.
  void on_timeout(std::uint32_t flight, std::uint32_t mss, bool first) {
    if (first) ssthresh_ = std::max(flight / 2, 2 * mss);
    cwnd_ = mss;
  }

 private:
  void grow(std::uint32_t bytes) { cwnd_ = cwnd_ > UINT32_MAX / 2 - bytes ? cwnd_ : cwnd_ + bytes; }

  std::uint32_t cwnd_ = 0;
  std::uint32_t ssthresh_ = UINT32_MAX;
};

}  // namespace myriad::tcp
