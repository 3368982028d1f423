// How many sessions of one workload may start now, in one shard. Pure: told what time it is and what has started and
// ended, it answers how many may start and when to ask again. It knows no session.
//
// `concurrent`, `rate`, `total`, `per_host` and `stages` are all bounds; what may start is the smallest of them. The
// numbers of the plan are for all shards; the slice says which part is this shard's (host_turns.h), so that the parts
// add up exactly at every moment.
//
// Shards do not talk to each other: with `concurrent` below the number of shards, those without a part in it stay idle,
// and the hosts of the others have all the sessions.
//
// Without any of concurrent, rate, total, stages: `per_host` sessions per host, all at once, then no more.
// With concurrent, rate or stages and no total: new ones follow until stop() or the end of the stages.
// A falling ramp of `concurrent` ends nothing: it starts nothing until enough have ended.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "engine/host_turns.h"
#include "engine/pacer.h"
#include "templates/plan/plan.h"

namespace myriad::engine {

class LoadControl {
 public:
  // Starts of one workload in one turn: "all at once" for a million hosts must not stop the crank. 64 SYNs fit in a
  // batch.
  static constexpr std::uint32_t kStartsPerTurn = 64;
  // How far a rate may lag behind and still be caught up with; what is beyond is missed(). Bounds the burst after a
  // stall.
  static constexpr Duration kMaxLag = std::chrono::milliseconds{100};

  // Time counts from `start`; never(): from what begin() says, and nothing is due before.
  LoadControl(const plan::LoadPlan& load, LoadSlice slice, Instant start);

  void begin(Instant start) { start_ = start; }
  [[nodiscard]] bool has_begun() const { return !start_.is_never(); }
  // A session that begins now belongs into the statistics.
  [[nodiscard]] bool counts(Instant now) const { return now - start_ >= warm_up_; }

  // How many sessions may start at `now`, at most kStartsPerTurn. `now` never goes back.
  [[nodiscard]] std::uint32_t due(Instant now);
  // A session has begun, as due() allowed; returns its number over all shards.
  std::uint64_t started();
  // A session, with its think time and its retries, is over.
  void ended();
  // Whether a session that fails may be tried again.
  [[nodiscard]] bool may_retry() const { return !stopped_; }
  // No session will start any more.
  void stop() { stopped_ = true; }

  // Whether a session that ends will be followed by another one.
  [[nodiscard]] bool goes_on(Instant now) const {
    const bool over = seconds(now) >= end_ && started_ + missed_ >= due_by_end_;
    return !stopped_ && started_ < total_ && !over;
  }
  [[nodiscard]] bool finished(Instant now) const { return active_ == 0 && !goes_on(now); }
  // When due() may become positive by itself; never() when only ended() can make it so.
  [[nodiscard]] Instant next_due(Instant now) const;

  [[nodiscard]] std::uint64_t active() const { return active_; }
  // Sessions that the rate asked for and that have been given up, since they could not start within kMaxLag.
  [[nodiscard]] std::uint64_t missed() const { return missed_; }
  [[nodiscard]] std::uint32_t per_host() const { return per_host_; }

 private:
  [[nodiscard]] double seconds(Instant now) const { return to_seconds(now - start_); }
  [[nodiscard]] std::uint64_t room(double t) const;  // by everything but the rate
  [[nodiscard]] std::uint64_t concurrent(double t) const;
  // This shard's part of the first `sessions`, and the number over all shards of its k-th one.
  [[nodiscard]] std::uint64_t share(std::uint64_t sessions) const;
  [[nodiscard]] std::uint64_t ordinal(std::uint64_t k) const;

  LoadSlice slice_;
  std::uint64_t lap_;  // sessions after which it is the first shard's turn again
  Instant start_;
  Duration warm_up_;
  std::uint32_t per_host_;
  std::uint64_t total_;                       // of this shard; UINT64_MAX: no bound
  std::uint64_t capacity_;                    // sessions that its hosts can hold
  double end_ = Profile::kNever;              // of the stages, seconds
  std::uint64_t due_by_end_ = 0;              // of stages of rate: the last ones may start a turn late
  std::optional<std::uint64_t> concurrent_;   // of this shard
  std::optional<Profile> concurrent_stages_;  // of all shards
  std::optional<Pacer> pacer_;                // of all shards
  std::uint64_t started_ = 0;
  std::uint64_t active_ = 0;
  std::uint64_t missed_ = 0;
  bool stopped_ = false;
};

}  // namespace myriad::engine
