#include "engine/load.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace myriad::engine {
namespace {

// Sessions over all shards as an integer; a ramp passes through fractions.
std::uint64_t whole(double value) { return value <= 0 ? 0 : static_cast<std::uint64_t>(value + 1e-6); }

// The most sessions over all shards that `load` ever wants open at a time.
std::uint64_t most_concurrent(const plan::LoadPlan& load) {
  std::uint64_t most = load.concurrent.value_or(UINT64_MAX);
  if (load.stages.empty() || load.stages_of != plan::LoadStageOf::kConcurrent) return most;
  double highest = 0;
  for (const plan::LoadStage& stage : load.stages) highest = std::max(highest, stage.target);
  return std::min(most, whole(highest));
}

}  // namespace

LoadControl::LoadControl(const plan::LoadPlan& load, LoadSlice slice, Instant start)
    : slice_(slice),
      lap_(std::max<std::uint64_t>(1, slice.count)),
      start_(start),
      warm_up_(load.warm_up),
      per_host_(std::clamp(load.per_host, 1U, HostTurns::kMaxPerHost)),
      total_(UINT64_MAX),
      capacity_(std::uint64_t{slice.own()} * per_host_) {
  // Normally sessions are dealt out as the hosts are, so that every host has its turn. Not to shards that may hold
  // none.
  const std::uint64_t most = most_concurrent(load);
  if (most < std::min(slice.shards, slice.count)) lap_ = std::max<std::uint64_t>(1, most);
  const bool idle = slice.share(lap_) == 0;
  const bool open_ended = load.concurrent || load.rate || !load.stages.empty();
  if (idle) {
    total_ = 0;
  } else if (load.total) {
    total_ = share(*load.total);
  } else if (!open_ended) {
    total_ = capacity_;
  }
  if (load.concurrent) concurrent_ = slice.share(*load.concurrent);
  if (load.rate) pacer_.emplace(Profile{*load.rate});
  if (load.stages.empty()) return;
  Profile stages{load.stages};
  end_ = stages.end();
  if (load.stages_of == plan::LoadStageOf::kRate) {
    pacer_.emplace(std::move(stages));
    due_by_end_ = share(pacer_->quota(end_));
  } else {
    concurrent_stages_.emplace(std::move(stages));
  }
}

std::uint64_t LoadControl::share(std::uint64_t sessions) const {
  return sessions / lap_ * slice_.share(lap_) + slice_.share(sessions % lap_);
}

std::uint64_t LoadControl::ordinal(std::uint64_t k) const {
  const std::uint64_t own = slice_.share(lap_);
  return k / own * lap_ + slice_.ordinal(k % own);
}

std::uint64_t LoadControl::concurrent(double t) const {
  std::uint64_t most = capacity_;
  if (concurrent_) most = std::min(most, *concurrent_);
  if (concurrent_stages_) most = std::min(most, slice_.share(whole(concurrent_stages_->value(t))));
  return most;
}

std::uint64_t LoadControl::room(double t) const {
  const std::uint64_t most = concurrent(t);
  return std::min(most > active_ ? most - active_ : 0, total_ - started_);
}

std::uint32_t LoadControl::due(Instant now) {
  const double t = seconds(now);
  if (t < 0 || !goes_on(now)) return 0;
  std::uint64_t due = room(t);
  if (pacer_) {
    const std::uint64_t asked = share(pacer_->quota(t));
    const std::uint64_t answered = started_ + missed_;
    std::uint64_t behind = asked > answered ? asked - answered : 0;
    // One session may always wait; beyond that, as many as the rate asks for in kMaxLag.
    const double lag = to_seconds(kMaxLag);
    const std::uint64_t before = t > lag ? share(pacer_->quota(t - lag)) : 0;
    const std::uint64_t most = std::max<std::uint64_t>(asked - before, 1);
    if (behind > most) {
      missed_ += behind - most;
      behind = most;
    }
    due = std::min(due, behind);
  }
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(due, kStartsPerTurn));
}

std::uint64_t LoadControl::started() {
  assert(started_ < total_);
  ++active_;
  return ordinal(started_++);
}

void LoadControl::ended() {
  assert(active_ > 0);
  --active_;
}

Instant LoadControl::next_due(Instant now) const {
  if (!has_begun() || !goes_on(now)) return Instant::never();
  const double t = std::max(0.0, seconds(now));
  double at = t;
  if (room(t) == 0) {
    const bool only_the_ramp = concurrent_stages_ && active_ < std::min(capacity_, concurrent_.value_or(UINT64_MAX));
    if (!only_the_ramp) return Instant::never();
    at = concurrent_stages_->when_value(static_cast<double>(slice_.ordinal(active_) + 1), t);
  }
  if (pacer_) at = std::max(at, pacer_->when(ordinal(started_ + missed_)));
  if (at >= end_) {
    // Nothing more can start; ask at the end once, so that the workload can be seen to be over.
    return end_ == Profile::kNever ? Instant::never()
                                   : start_ + Duration{static_cast<std::int64_t>(std::ceil(end_ * 1e9))};
  }
  if (at > 1e9) return Instant::never();  // decades
  return start_ + Duration{static_cast<std::int64_t>(std::ceil(at * 1e9))};
}

}  // namespace myriad::engine
