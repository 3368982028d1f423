// When the frames of a flow are due. Frame n of a flow at a steady rate is due n / rate after its start, so the rate is
// exact over any time; a shard that has a part of the flow asks for the numbers of its part. When the port falls behind
// by more than kMostBehind, the schedule moves on without what was missed: nothing is stretched silently, and what is
// caught up with in a burst is bounded.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

#include "base/time.h"
#include "templates/plan/plan_flows.h"

namespace myriad::engine {

class FlowSchedule {
 public:
  static constexpr Duration kMostBehind = std::chrono::milliseconds{100};
  // For so long after its end a flow still sends what was due before.
  static constexpr Duration kMostLate = std::chrono::milliseconds{10};

  // `share`: the part of the flow's frames that this schedule is for. `frame_bytes`: of a frame without FCS, at most.
  FlowSchedule(const plan::FlowPlan& plan, double share, std::size_t frame_bytes)
      : rate_(plan.rate),
        share_(share),
        burst_(plan.bursts ? plan.bursts->packets : 0),
        gap_ns_(plan.bursts ? static_cast<double>(plan.bursts->gap.count()) : 0),
        seconds_(plan.seconds),
        frame_bits_(bits(frame_bytes)) {
    if (plan.packets) end_ = *plan.packets;
    if (plan.bursts && plan.bursts->count) end_ = std::min(end_, *plan.bursts->count * burst_);
  }

  void begin(Instant start) { begun_ = start_ = start; }

  // Numbers below this are due, as far as the rate counts frames.
  [[nodiscard]] std::uint64_t due_below(std::uint64_t next, Instant now) {
    now = before_end(now);
    if (now < start_) return next;
    if (rate_.kind != plan::FlowRateKind::kFrames && burst_ == 0) return end_;
    std::uint64_t due = count_at(since(now));
    const std::uint64_t behind = count_at(static_cast<double>(kMostBehind.count()));
    if (due > next && due - next > std::max<std::uint64_t>(behind, kLeastBehind)) {
      // What cannot be made good any more is left out of the schedule.
      const double late = since(now) - ns_of(next) - static_cast<double>(kMostBehind.count());
      if (late > 0) {
        start_ = start_ + Duration{static_cast<std::int64_t>(late)};
        slipped_ += Duration{static_cast<std::int64_t>(late)};
        due = count_at(since(now));
      }
    }
    return std::min(std::max(due, next), end_);
  }
  // How many frames may go now, as far as the rate counts bits.
  [[nodiscard]] std::uint32_t frames_due(Instant now, std::uint32_t most) {
    if (rate_.kind != plan::FlowRateKind::kBits || now < start_) return now < start_ ? 0 : most;
    const double due_bits = since(now) * 1e-9 * rate_.per_second * share_;
    double behind = due_bits - sent_bits_;
    const double bound = std::max(to_seconds(kMostBehind) * rate_.per_second * share_, 64 * frame_bits_);
    if (behind > bound) {
      slipped_ += Duration{static_cast<std::int64_t>((behind - bound) / (rate_.per_second * share_) * 1e9)};
      sent_bits_ += behind - bound;
      behind = bound;
    }
    if (behind < 0) return 0;
    return static_cast<std::uint32_t>(std::min(static_cast<double>(most), behind / frame_bits_ + 1));
  }
  void sent(std::uint64_t next, std::uint32_t frames, std::uint64_t bytes, Instant now) {
    sent_bits_ += static_cast<double>(bytes * 8 + std::uint64_t{frames} * rate_.overhead_bytes * 8);
    // Bursts as fast as possible: the gap begins when the last frame has gone.
    if (rate_.kind == plan::FlowRateKind::kMax && burst_ != 0 && next % burst_ == 0) {
      const double late = since(now) - ns_of(next - 1);
      if (late > 0) start_ = start_ + Duration{static_cast<std::int64_t>(late)};
    }
  }

  // When frame `next` is due.
  [[nodiscard]] Instant when(std::uint64_t next) const {
    if (next >= end_) return Instant::never();
    double ns = ns_of(next);
    if (rate_.kind == plan::FlowRateKind::kBits) ns = std::max(ns, sent_bits_ / (rate_.per_second * share_) * 1e9);
    return start_ + Duration{static_cast<std::int64_t>(std::ceil(ns))};
  }
  [[nodiscard]] bool over(std::uint64_t next, Instant now) const {
    if (next >= end_) return true;
    if (!seconds_) return false;
    // What is due before the end is sent, be it a little late; but a flow that has no times ends when its time does.
    const bool timed = rate_.kind == plan::FlowRateKind::kFrames || burst_ != 0;
    return timed ? when(next) >= begun_ + *seconds_ || now >= begun_ + *seconds_ + kMostLate
                 : now >= begun_ + *seconds_;
  }
  // Until when the frames up to `next` take their time: the end of what they make a rate over.
  [[nodiscard]] Instant span_end(std::uint64_t next, Instant now) const {
    if (seconds_ && now >= begun_ + *seconds_) return slipped_ > Duration::zero() ? now : begun_ + *seconds_;
    if (next < end_) return now;
    if (rate_.kind == plan::FlowRateKind::kMax) return now;
    return std::max(now, start_ + Duration{static_cast<std::int64_t>(std::ceil(ns_of(next)))});
  }
  [[nodiscard]] Instant begun() const { return begun_; }
  // What the port could not keep up with.
  [[nodiscard]] Duration slipped() const { return slipped_; }

  // Frames or bits a second over bursts and gaps; 0 when the flow goes as fast as it can.
  [[nodiscard]] static double target(const plan::FlowPlan& plan) {
    if (plan.rate.kind == plan::FlowRateKind::kMax) return 0;
    if (!plan.bursts || plan.rate.kind == plan::FlowRateKind::kBits) return plan.rate.per_second;
    const auto packets = static_cast<double>(plan.bursts->packets);
    return packets / ((packets - 1) / plan.rate.per_second + to_seconds(plan.bursts->gap));
  }

 private:
  static constexpr std::uint64_t kLeastBehind = 64;  // frames: a slow flow is never too late

  [[nodiscard]] Instant before_end(Instant now) const {
    return seconds_ ? std::min(now, begun_ + *seconds_ - Duration{1}) : now;
  }
  [[nodiscard]] double bits(std::size_t bytes) const { return static_cast<double>((bytes + rate_.overhead_bytes) * 8); }
  [[nodiscard]] double since(Instant now) const { return static_cast<double>((now - start_).count()); }
  [[nodiscard]] double spacing_ns() const {
    return rate_.kind == plan::FlowRateKind::kFrames ? 1e9 / rate_.per_second : 0;
  }
  [[nodiscard]] double burst_ns() const { return static_cast<double>(burst_ - 1) * spacing_ns() + gap_ns_; }
  [[nodiscard]] double ns_of(std::uint64_t number) const {
    if (burst_ == 0) return static_cast<double>(number) * spacing_ns();
    return static_cast<double>(number / burst_) * burst_ns() + static_cast<double>(number % burst_) * spacing_ns();
  }
  // How many frames are due `ns` after the start.
  [[nodiscard]] std::uint64_t count_at(double ns) const {
    constexpr double kRounding = 1e-6;  // a time in nanoseconds is not exactly n / rate
    if (burst_ == 0) return static_cast<std::uint64_t>(ns / spacing_ns() + kRounding) + 1;
    const double length = burst_ns();
    if (length <= 0) return end_;
    const auto bursts = static_cast<std::uint64_t>(ns / length + kRounding);
    const double inside = std::max(0.0, ns - static_cast<double>(bursts) * length);
    const double spacing = spacing_ns();
    const std::uint64_t begun =
        spacing <= 0 ? burst_ : std::min(burst_, static_cast<std::uint64_t>(inside / spacing + kRounding) + 1);
    return bursts * burst_ + begun;
  }

  plan::FlowRate rate_;
  double share_;
  std::uint64_t burst_;
  double gap_ns_;
  std::optional<Duration> seconds_;
  double frame_bits_;
  std::uint64_t end_ = std::numeric_limits<std::uint64_t>::max();
  Instant begun_;
  Instant start_;  // later, once it has slipped
  Duration slipped_{};
  double sent_bits_ = 0;
};

}  // namespace myriad::engine
