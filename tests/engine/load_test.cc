// Load shape: slices, turns, profiles, pacing, load control. All on a virtual clock.
#include "engine/load.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <vector>

#include "base/rng.h"

namespace myriad::engine {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant at(double s) { return Instant{static_cast<std::int64_t>(s * 1e9)}; }

// A LoadPlan, key by key.
struct Keys {
  std::optional<std::uint64_t> concurrent = {};
  std::optional<double> rate = {};
  std::optional<std::uint64_t> total = {};
  std::uint32_t per_host = 1;
  std::vector<plan::LoadStage> stages = {};
  plan::LoadStageOf stages_of = plan::LoadStageOf::kConcurrent;
};

plan::LoadPlan load_plan(const Keys& keys) {
  plan::LoadPlan load;
  load.concurrent = keys.concurrent;
  load.rate = keys.rate;
  load.total = keys.total;
  load.per_host = keys.per_host;
  load.stages = keys.stages;
  load.stages_of = keys.stages_of;
  return load;
}

LoadSlice whole(std::uint32_t hosts) { return LoadSlice::of_group(0, hosts, 0, 1); }

TEST(LoadSlice, PartsAddUpGrowAndNameTheOwnersOfTheHosts) {
  for (const std::uint32_t shards : {1U, 2U, 3U, 4U, 7U}) {
    for (const std::uint32_t count : {1U, 2U, 3U, 5U, 16U, 1000U}) {
      for (const std::uint32_t first : {0U, 1U, 5U, 1003U}) {
        std::vector<LoadSlice> parts;
        for (std::uint32_t s = 0; s < shards; ++s) parts.push_back(LoadSlice::of_group(first, count, s, shards));
        std::vector<std::uint64_t> before(shards, 0);
        for (std::uint64_t n = 1; n <= 2 * count + 3; ++n) {
          // The n-th session (from 1) is the turn of host (n - 1) % count, and of nobody but its owner.
          const std::uint32_t owner = static_cast<std::uint32_t>(first + (n - 1) % count) % shards;
          for (std::uint32_t s = 0; s < shards; ++s) {
            const std::uint64_t share = parts[s].share(n);
            ASSERT_EQ(share, before[s] + (s == owner ? 1 : 0)) << n;
            if (s == owner) {
              ASSERT_EQ(parts[s].ordinal(before[s]), n - 1);
            }
            before[s] = share;
          }
        }
        for (std::uint32_t s = 0; s < shards; ++s) {
          ASSERT_EQ(parts[s].own(), parts[s].share(count));
          for (std::uint32_t j = 0; j < parts[s].own(); ++j) {
            ASSERT_EQ((first + parts[s].host(j)) % shards, s);
            ASSERT_LT(parts[s].host(j), count);
            ASSERT_EQ(parts[s].index_of(parts[s].host(j)), j);
          }
        }
      }
    }
  }
}

TEST(LoadSlice, AGroupWithoutHostsHasNoPart) {
  EXPECT_EQ(LoadSlice::of_group(0, 0, 0, 2).own(), 0U);
  EXPECT_EQ(LoadSlice::of_group(0, 0, 0, 2).share(100), 0U);
}

TEST(HostTurns, EveryHostInTurnAndBusyOnesPassedOver) {
  HostTurns turns{3, 1};
  EXPECT_EQ(turns.take(), 0U);
  EXPECT_EQ(turns.take(), 1U);
  EXPECT_EQ(turns.take(), 2U);
  EXPECT_EQ(turns.take(), std::nullopt);
  turns.give_back(1);
  EXPECT_EQ(turns.take(), 1U);
  turns.give_back(0);
  turns.give_back(2);
  EXPECT_EQ(turns.take(), 2U);  // after host 1 comes host 2
  EXPECT_EQ(turns.take(), 0U);
  EXPECT_EQ(HostTurns(0, 1).take(), std::nullopt);
}

// Against the obvious implementation, for sizes around the words and levels of the tree.
TEST(HostTurns, AgreesWithAScan) {
  for (const std::uint32_t count : {1U, 63U, 64U, 65U, 4095U, 4096U, 4097U, 300'000U}) {
    for (const std::uint32_t per_host : {1U, 3U}) {
      HostTurns turns{count, per_host};
      std::vector<std::uint32_t> held(count, 0);
      std::vector<std::uint32_t> out;
      std::uint32_t next = 0;
      Rng rng{count};
      for (int round = 0; round < 3000; ++round) {
        if (count > 1000 && round == 0) {  // make nearly all of them busy
          while (out.size() < std::size_t{count} * per_host - 5) {
            out.push_back(*turns.take());
            ++held[out.back()];
            next = (out.back() + 1) % count;
          }
        }
        if (rng.below(2) == 0) {
          std::optional<std::uint32_t> expected;
          if (out.size() < std::size_t{count} * per_host) {
            expected = next;
            while (held[*expected] == per_host) expected = (*expected + 1) % count;
          }
          const auto got = turns.take();
          ASSERT_EQ(got, expected);
          if (!got) continue;
          next = (*got + 1) % count;
          ++held[*got];
          out.push_back(*got);
        } else if (!out.empty()) {
          const std::size_t i = rng.below(out.size());
          turns.give_back(out[i]);
          --held[out[i]];
          out[i] = out.back();
          out.pop_back();
        }
      }
    }
  }
}

TEST(Profile, StagesAreStraightLinesBetweenTargets) {
  const Profile profile{{{seconds{10}, 100}, {seconds{5}, 100}, {seconds{0}, 20}, {seconds{10}, 0}}};
  EXPECT_DOUBLE_EQ(profile.end(), 25);
  EXPECT_DOUBLE_EQ(profile.value(-1), 0);
  EXPECT_DOUBLE_EQ(profile.value(0), 0);
  EXPECT_DOUBLE_EQ(profile.value(5), 50);
  EXPECT_DOUBLE_EQ(profile.value(12), 100);
  EXPECT_DOUBLE_EQ(profile.value(15), 20);
  EXPECT_DOUBLE_EQ(profile.value(20), 10);
  EXPECT_DOUBLE_EQ(profile.value(25), 0);
  EXPECT_DOUBLE_EQ(profile.integral(10), 500);
  EXPECT_DOUBLE_EQ(profile.integral(15), 1000);
  EXPECT_DOUBLE_EQ(profile.integral(100), 1100);
  EXPECT_DOUBLE_EQ(profile.when_value(50, 0), 5);
  EXPECT_DOUBLE_EQ(profile.when_value(50, 11), 11);
  EXPECT_EQ(profile.when_value(50, 16), Profile::kNever);
  EXPECT_EQ(profile.when_value(101, 0), Profile::kNever);
}

TEST(Profile, IntegralAndItsInverseAgree) {
  const Profile profile{{{seconds{3}, 7}, {seconds{2}, 0}, {seconds{4}, 0}, {seconds{1}, 1e6}, {seconds{1}, 1e6}}};
  for (double amount = 0; amount < profile.integral(100); amount = amount * 1.3 + 0.7) {
    const double t = profile.when_integral(amount);
    ASSERT_NEAR(profile.integral(t), amount, 1e-6 * (1 + amount)) << amount;
  }
  EXPECT_DOUBLE_EQ(profile.when_integral(17.5), 9) << "nothing is due while the rate is 0";
  EXPECT_EQ(profile.when_integral(profile.integral(100)), Profile::kNever);
}

TEST(Pacer, ExactlyTheRateOverAnyTime) {
  for (const double rate : {0.1, 1.0, 3.0, 333.0, 1e6}) {
    const Pacer pacer{Profile{rate}};
    EXPECT_EQ(pacer.quota(0), 1U);
    for (const std::uint64_t n : {1ULL, 2ULL, 10ULL, 12'345ULL, 1'000'000'007ULL}) {
      const double due = pacer.when(n);
      EXPECT_NEAR(due * rate, static_cast<double>(n), 1e-6 * static_cast<double>(n));
      EXPECT_EQ(pacer.quota(due), n + 1);
      EXPECT_EQ(pacer.quota(due - 0.5 / rate), n);
    }
  }
}

TEST(Pacer, StagesHaveTheirWholeNumber) {
  const Pacer pacer{Profile{{{seconds{10}, 100}, {seconds{10}, 100}}}};
  EXPECT_EQ(pacer.quota(0), 0U);
  EXPECT_EQ(pacer.quota(20), 1500U);
  EXPECT_EQ(pacer.quota(1000), 1500U);
  EXPECT_EQ(pacer.when(1500), Profile::kNever);
  EXPECT_EQ(Pacer{Profile{0.0}}.quota(100), 0U);
}

// Runs shards of one load in lock step with sessions that last `lasts`; jumps from event to event.
class Rehearsal {
 public:
  Rehearsal(const plan::LoadPlan& load, std::uint32_t hosts, std::uint32_t shards, Duration lasts) : lasts_(lasts) {
    for (std::uint32_t s = 0; s < shards; ++s) {
      const LoadSlice slice = LoadSlice::of_group(3, hosts, s, shards);
      parts_.push_back({LoadControl{load, slice, Instant{}}, {}});
    }
  }
  // Until everything is over, or `until`.
  void go(Instant until) {
    for (int turns = 0; now_ <= until; ++turns) {
      ASSERT_LT(turns, 2'000'000) << "spins";
      bool all_finished = true;
      Instant next = Instant::never();
      for (Part& part : parts_) {
        while (!part.ends.empty() && part.ends.front() <= now_) {
          part.ends.pop_front();
          part.load.ended();
        }
        const std::uint32_t due = part.load.due(now_);
        ASSERT_LE(due, LoadControl::kStartsPerTurn);
        largest_burst = std::max(largest_burst, due);
        for (std::uint32_t i = 0; i < due; ++i) {
          ASSERT_TRUE(ordinals.insert(part.load.started()).second);
          starts.push_back(now_);
          part.ends.push_back(now_ + lasts_);
        }
        all_finished = all_finished && part.load.finished(now_);
        if (!part.ends.empty()) next = std::min(next, part.ends.front());
        next = std::min(next, part.load.next_due(now_));
      }
      std::uint64_t active = 0;
      for (const Part& part : parts_) active += part.load.active();
      most_active = std::max(most_active, active);
      if (all_finished) {
        finished = true;
        return;
      }
      ASSERT_FALSE(next.is_never()) << "asleep for ever at " << to_seconds(now_ - Instant{});
      now_ = std::max(next, now_ + Duration{1});
    }
  }
  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] std::uint64_t active() const {
    std::uint64_t active = 0;
    for (const Part& part : parts_) active += part.load.active();
    return active;
  }
  [[nodiscard]] std::size_t started_before(Instant t) const {
    return static_cast<std::size_t>(std::count_if(starts.begin(), starts.end(), [t](Instant s) { return s < t; }));
  }
  [[nodiscard]] std::uint64_t missed() const {
    std::uint64_t missed = 0;
    for (const Part& part : parts_) missed += part.load.missed();
    return missed;
  }

  std::vector<Instant> starts;
  std::set<std::uint64_t> ordinals;
  std::uint64_t most_active = 0;
  std::uint32_t largest_burst = 0;
  bool finished = false;

 private:
  struct Part {
    LoadControl load;
    std::deque<Instant> ends;
  };
  std::vector<Part> parts_;
  Duration lasts_;
  Instant now_;
};

class Load : public testing::TestWithParam<std::uint32_t> {
 protected:
  [[nodiscard]] Rehearsal run(const Keys& keys, std::uint32_t hosts, Duration lasts = milliseconds{10}) const {
    return Rehearsal{load_plan(keys), hosts, GetParam(), lasts};
  }
};

TEST_P(Load, ByDefaultOneSessionPerHostAllAtOnce) {
  Rehearsal r = run({}, 1000);
  r.go(at(100));
  EXPECT_TRUE(r.finished);
  EXPECT_EQ(r.starts.size(), 1000U);
  EXPECT_EQ(r.most_active, 1000U);
  EXPECT_EQ(*r.ordinals.rbegin(), 999U);
  EXPECT_LT(r.starts.back(), at(0.001));
}

TEST_P(Load, PerHostAlone) {
  Rehearsal r = run({.per_host = 3}, 10);
  r.go(at(100));
  EXPECT_TRUE(r.finished);
  EXPECT_EQ(r.starts.size(), 30U);
  EXPECT_EQ(r.most_active, 30U);
}

TEST_P(Load, TotalAloneIsBoundedByTheHosts) {
  Rehearsal r = run({.total = 95}, 10);
  r.go(at(100));
  EXPECT_TRUE(r.finished);
  EXPECT_EQ(r.starts.size(), 95U);
  EXPECT_EQ(*r.ordinals.rbegin(), 94U);
  EXPECT_LE(r.most_active, 10U);
}

TEST_P(Load, ConcurrentIsKeptUntilTotal) {
  Rehearsal r = run({.concurrent = 7, .total = 1000}, 100);
  r.go(at(100));
  EXPECT_TRUE(r.finished);
  EXPECT_EQ(r.starts.size(), 1000U);
  EXPECT_EQ(*r.ordinals.rbegin(), 999U);
  EXPECT_EQ(r.most_active, 7U);
  // Sessions belong to hosts and hosts to shards: where 7 cannot be divided evenly one shard may take twice as long.
  EXPECT_GE(to_seconds(r.now() - Instant{}), 1000.0 / 7 * 0.010 - 0.001);
  EXPECT_LE(to_seconds(r.now() - Instant{}), 1000.0 / 7 * 0.010 * (GetParam() == 1 ? 1.01 : 2));
}

TEST_P(Load, OneAtATimeWhateverTheShards) {
  Rehearsal r = run({.concurrent = 1, .total = 50}, 100);
  r.go(at(100));
  EXPECT_TRUE(r.finished);
  EXPECT_EQ(r.starts.size(), 50U);
  EXPECT_EQ(r.most_active, 1U);
}

TEST_P(Load, ConcurrentAloneGoesOnUntilStopped) {
  Rehearsal r = run({.concurrent = 5}, 100);
  r.go(at(1));
  EXPECT_FALSE(r.finished);
  EXPECT_EQ(r.active(), 5U);
  EXPECT_NEAR(static_cast<double>(r.starts.size()), 505, 10);
}

TEST_P(Load, RateIsExact) {
  Rehearsal r = run({.rate = 333}, 1000);
  r.go(at(30));
  EXPECT_EQ(r.started_before(at(30)), 333U * 30);
  EXPECT_EQ(r.started_before(at(1)), 333U);
  EXPECT_EQ(r.missed(), 0U);
  EXPECT_LE(r.largest_burst, 2U);
  // In order, one every 3 ms.
  for (std::size_t i = 1; i < r.starts.size(); ++i) {
    ASSERT_NEAR(to_seconds(r.starts[i] - r.starts[i - 1]), 1 / 333.0, 1e-6);
  }
}

TEST_P(Load, RateWithTotalEnds) {
  Rehearsal r = run({.rate = 1000, .total = 250}, 1000);
  r.go(at(30));
  EXPECT_TRUE(r.finished);
  EXPECT_EQ(r.starts.size(), 250U);
  EXPECT_NEAR(to_seconds(r.starts.back() - Instant{}), 0.249, 1e-6);
}

TEST_P(Load, ARateThatHostsCannotHoldIsMissedNotHoarded) {
  // 10 hosts, sessions of 1 s: 10 a second is all there can be.
  Rehearsal r = run({.rate = 1000}, 10, seconds{1});
  r.go(at(10));
  EXPECT_LE(r.most_active, 10U);
  EXPECT_NEAR(static_cast<double>(r.starts.size()), 100, 11);
  EXPECT_NEAR(static_cast<double>(r.missed()), 10'000 - 100, 300);
}

TEST_P(Load, RateStages) {
  Rehearsal r = run(
      {.stages = {{seconds{2}, 100}, {seconds{2}, 100}, {seconds{2}, 0}}, .stages_of = plan::LoadStageOf::kRate}, 1000);
  r.go(at(100));
  EXPECT_TRUE(r.finished);
  EXPECT_EQ(r.starts.size(), 400U);
  EXPECT_EQ(r.started_before(at(2)), 100U);
  EXPECT_EQ(r.started_before(at(4)), 300U);
  EXPECT_EQ(r.missed(), 0U);
}

TEST_P(Load, ConcurrentStagesRampUpAndDown) {
  Rehearsal r = run({.stages = {{seconds{1}, 100}, {seconds{1}, 100}, {seconds{1}, 10}, {seconds{1}, 10}}}, 1000);
  r.go(at(0.5));
  EXPECT_NEAR(static_cast<double>(r.active()), 50, 1);
  r.go(at(1.5));
  EXPECT_EQ(r.active(), 100U);
  r.go(at(2.5));
  EXPECT_NEAR(static_cast<double>(r.active()), 55, 2);
  r.go(at(3.5));
  EXPECT_EQ(r.active(), 10U);
  r.go(at(5));
  EXPECT_TRUE(r.finished);
  EXPECT_EQ(r.most_active, 100U);
}

TEST_P(Load, AFallingRampEndsNothing) {
  Rehearsal r = run({.stages = {{Duration{0}, 100}, {seconds{1}, 0}}}, 1000, seconds{10});
  r.go(at(0.9));
  EXPECT_EQ(r.active(), 100U);
  EXPECT_EQ(r.starts.size(), 100U);
  r.go(at(20));
  EXPECT_TRUE(r.finished);
  EXPECT_EQ(r.starts.size(), 100U);
}

TEST_P(Load, StagesWithTotalEndAtTheFirstOfBoth) {
  Rehearsal r = run({.total = 20, .stages = {{seconds{1}, 100}}}, 1000);
  r.go(at(20));
  EXPECT_TRUE(r.finished);
  EXPECT_EQ(r.starts.size(), 20U);
  EXPECT_LT(r.now(), at(1));
}

TEST_P(Load, MoreConcurrentThanHostsCanHoldIsWhatTheyCanHold) {
  Rehearsal r = run({.concurrent = 1000, .total = 100, .per_host = 2}, 5);
  r.go(at(20));
  EXPECT_TRUE(r.finished);
  EXPECT_EQ(r.starts.size(), 100U);
  EXPECT_EQ(r.most_active, 10U);
}

INSTANTIATE_TEST_SUITE_P(Shards, Load, testing::Values(1, 2, 3, 4, 16));

TEST(LoadControl, StopEndsItWhenTheLastSessionDoes) {
  LoadControl load{load_plan({.concurrent = 2}), whole(10), Instant{}};
  ASSERT_EQ(load.due(at(0)), 2U);
  load.started();
  load.stop();
  EXPECT_EQ(load.due(at(1)), 0U);
  EXPECT_FALSE(load.goes_on(at(1)));
  EXPECT_FALSE(load.may_retry());
  EXPECT_FALSE(load.finished(at(1)));
  load.ended();
  EXPECT_TRUE(load.finished(at(1)));
  EXPECT_TRUE(load.next_due(at(1)).is_never());
}

TEST(LoadControl, NothingBeforeTheStart) {
  LoadControl load{load_plan({}), whole(10), at(5)};
  EXPECT_EQ(load.due(at(4.9)), 0U);
  EXPECT_EQ(load.next_due(at(4.9)), at(5));
  EXPECT_FALSE(load.finished(at(4.9)));
  EXPECT_EQ(load.due(at(5)), 10U);
}

TEST(LoadControl, AMillionHostsDoNotStopTheCrank) {
  LoadControl load{load_plan({}), whole(1'000'000), Instant{}};
  EXPECT_EQ(load.due(at(0)), LoadControl::kStartsPerTurn);
}

TEST(LoadControl, AShardWithoutHostsIsFinishedFromTheStart) {
  LoadControl load{load_plan({.rate = 10}), LoadSlice::of_group(0, 1, 1, 2), Instant{}};
  EXPECT_TRUE(load.finished(at(0)));
  EXPECT_EQ(load.due(at(1)), 0U);
  EXPECT_TRUE(load.next_due(at(0)).is_never());
}

TEST(LoadControl, AStallIsCaughtUpWithOnlySoFar) {
  LoadControl load{load_plan({.rate = 10'000}), whole(1'000'000), Instant{}};
  // Ten seconds without a turn: 100,000 sessions were asked for; a tenth of a second's worth may follow.
  std::uint64_t started = 0;
  for (std::uint32_t due = load.due(at(10)); due > 0; due = load.due(at(10))) {
    for (; due > 0; --due, ++started) load.started();
  }
  EXPECT_EQ(started, 1000U);
  EXPECT_EQ(load.missed(), 100'001U - 1000U);
}

}  // namespace
}  // namespace myriad::engine
