// Congestion control: how much may be on its way. NewReno (RFC 5681, RFC 6582) with appropriate byte counting (RFC
// 3465, L = 2), and CUBIC (RFC 9438). Knows neither sequence numbers nor timers: the scoreboard says what was lost and
// what has arrived. The congestion window itself is the connection's, which keeps it while nothing else is worth
// keeping.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "base/time.h"
#include "stack/tcp/personality.h"

namespace myriad::tcp {

// RFC 6928 section 2, for 10 segments; in proportion for others.
[[nodiscard]] inline std::uint32_t initial_window(std::uint8_t segments, std::uint32_t mss) {
  return std::min(segments * mss, std::max(2 * mss, segments * 1460U));
}

class CongestionControl {
 public:
  [[nodiscard]] std::uint32_t threshold() const { return ssthresh_; }
  // There was a loss: what is known of it outlives the moment.
  [[nodiscard]] bool worth_keeping() const { return ssthresh_ != UINT32_MAX; }

  // New data acknowledged outside of fast recovery, by a sender whom the window held back. `after_timeout`: what was on
  // its way when the timer expired is still being repaired (RFC 3465 section 2.3: L = 1 then).
  void on_ack(Congestion kind, std::uint32_t& cwnd, std::uint32_t bytes, std::uint32_t mss, bool after_timeout,
              Instant now, Duration srtt) {
    if (cwnd < ssthresh_) {
      grow(cwnd, std::min(bytes, after_timeout ? mss : 2 * mss));
    } else if (kind == Congestion::kNewReno) {
      // One MSS per window of data: RFC 5681 equation (3), at least one byte.
      const std::uint64_t part = std::uint64_t{mss} * std::min(bytes, 2 * mss) / cwnd;
      grow(cwnd, std::max(1U, static_cast<std::uint32_t>(part)));
    } else {
      cubic_.grow(cwnd, bytes, mss, now, srtt);
    }
  }
  // The application, or the peer's window, held the sender back: time does not count for CUBIC (RFC 9438 section 5.8).
  void on_limited() { cubic_.pause(); }
  // Loss seen by acknowledgements, once an episode: RFC 5681 equation (4), RFC 9438 section 4.6.
  void on_loss(Congestion kind, std::uint32_t& cwnd, std::uint32_t flight, std::uint32_t mss) {
    if (kind == Congestion::kCubic) cubic_.reduce(cwnd, mss);
    ssthresh_ = std::max(reduced(kind, flight), 2 * mss);
    cwnd = ssthresh_;
  }
  // RFC 5681 section 3.1: the timer expired. `first` = not a repeated expiry for the same data.
  void on_timeout(Congestion kind, std::uint32_t& cwnd, std::uint32_t flight, std::uint32_t mss, bool first) {
    if (first) {
      if (kind == Congestion::kCubic) cubic_.reduce(cwnd, mss);
      ssthresh_ = std::max(reduced(kind, flight), 2 * mss);
    }
    cwnd = mss;
  }

 private:
  class Cubic {
   public:
    void reduce(std::uint32_t cwnd, std::uint32_t mss) {
      const double window = double(cwnd) / mss;
      most_ = window < most_ ? window * (1 + kBeta) / 2 : window;  // section 4.7, fast convergence
      prior_ = window;
      began_ = Instant::never();
    }
    void pause() { began_ = Instant::never(); }
    void grow(std::uint32_t& cwnd, std::uint32_t bytes, std::uint32_t mss, Instant now, Duration srtt) {
      const double window = double(cwnd) / mss;
      const double acknowledged = double(bytes) / mss;
      if (began_.is_never()) {  // section 4.8 as well: after a timeout or an idle time, from here
        began_ = now;
        most_ = std::max(most_, window);
        k_ = std::cbrt((most_ - window) / kC);
        reno_ = window;
      }
      // Section 4.3: what Reno would have; it is what CUBIC has at least.
      constexpr double kAlpha = 3 * (1 - kBeta) / (1 + kBeta);
      reno_ += (reno_ < prior_ ? kAlpha : 1.0) * acknowledged / window;
      const double t = to_seconds(now - began_);
      double next = reno_;
      if (at(t) >= reno_) {  // sections 4.4 and 4.5
        const double target = std::clamp(at(t + to_seconds(srtt)), window, 1.5 * window);
        next = window + (target - window) / window * acknowledged;
      }
      const double most = double(UINT32_MAX / 2) / mss;
      cwnd = std::max(cwnd, static_cast<std::uint32_t>(std::min(next, most) * mss));
    }

   private:
    static constexpr double kBeta = 0.7;
    static constexpr double kC = 0.4;
    // Section 4.2, W_cubic(t), segments.
    [[nodiscard]] double at(double t) const { return kC * (t - k_) * (t - k_) * (t - k_) + most_; }

    double most_ = 0;   // W_max
    double prior_ = 0;  // cwnd_prior
    double k_ = 0;      // seconds
    double reno_ = 0;   // W_est
    Instant began_ = Instant::never();
  };

  [[nodiscard]] static std::uint32_t reduced(Congestion kind, std::uint32_t flight) {
    return kind == Congestion::kCubic ? static_cast<std::uint32_t>(std::uint64_t{flight} * 7 / 10) : flight / 2;
  }
  static void grow(std::uint32_t& cwnd, std::uint32_t bytes) {
    if (cwnd <= UINT32_MAX / 2 - bytes) cwnd += bytes;
  }

  std::uint32_t ssthresh_ = UINT32_MAX;
  Cubic cubic_;
};

}  // namespace myriad::tcp
