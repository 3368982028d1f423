#include "stack/timer_wheel.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace myriad::stack {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

using Fired = std::vector<std::pair<int, std::uint32_t>>;  // kind, subject

Fired advance(TimerWheel& wheel, Instant now) {
  Fired fired;
  wheel.advance(now, [&](std::uint8_t kind, std::uint32_t subject) { fired.emplace_back(kind, subject); });
  return fired;
}

constexpr Instant kStart{123'456'789};

TEST(TimerWheel, FiresNeitherEarlyNorMoreThanATickLate) {
  for (const Duration after : {Duration{1}, Duration{65'536}, Duration{1'000'000}, Duration{milliseconds{200}},
                               Duration{seconds{3}}, Duration{hours{2}}, Duration{hours{24 * 400}}}) {
    TimerWheel wheel{kStart};
    wheel.arm(kStart + after, 3, 77);
    EXPECT_EQ(advance(wheel, kStart + after - Duration{1}), Fired{});
    EXPECT_EQ(wheel.armed(), 1U);
    EXPECT_EQ(advance(wheel, kStart + after + TimerWheel::kTick), (Fired{{3, 77}})) << after.count();
    EXPECT_EQ(wheel.armed(), 0U);
    EXPECT_TRUE(wheel.next_deadline().is_never());
  }
}

TEST(TimerWheel, WakingAtNextDeadlineConverges) {
  TimerWheel wheel{kStart};
  const Instant deadline = kStart + hours{5};
  wheel.arm(deadline, 0, 1);
  Fired fired;
  int wakes = 0;
  Instant now = kStart;
  while (fired.empty()) {
    ASSERT_LE(++wakes, 9);
    ASSERT_GT(wheel.next_deadline(), now);
    now = wheel.next_deadline();
    fired = advance(wheel, now);
  }
  EXPECT_GE(now, deadline);
  EXPECT_LT(now, deadline + TimerWheel::kTick);
}

TEST(TimerWheel, FiresAPastDeadlineAtTheNextAdvance) {
  TimerWheel wheel{kStart};
  advance(wheel, kStart + seconds{1});
  wheel.arm(kStart, 1, 1);
  wheel.arm(Instant{-5}, 1, 2);
  EXPECT_LE(wheel.next_deadline(), kStart + seconds{1});
  EXPECT_EQ(advance(wheel, kStart + seconds{1}), (Fired{{1, 1}, {1, 2}}));
}

TEST(TimerWheel, NeverIsNoTimer) {
  TimerWheel wheel{kStart};
  TimerId id = wheel.arm(Instant::never(), 1, 1);
  EXPECT_FALSE(wheel.is_armed(id));
  EXPECT_EQ(wheel.armed(), 0U);
  id = wheel.arm(kStart + seconds{1}, 1, 1);
  wheel.rearm(id, Instant::never(), 1, 1);
  EXPECT_EQ(wheel.armed(), 0U);
  EXPECT_TRUE(wheel.next_deadline().is_never());
}

TEST(TimerWheel, ACancelledTimerDoesNotFireAndItsNameIsDead) {
  TimerWheel wheel{kStart};
  TimerId first = wheel.arm(kStart + seconds{1}, 1, 1);
  const TimerId copy = first;
  wheel.cancel(first);
  EXPECT_EQ(first, TimerId{});
  wheel.cancel(first);
  const TimerId second = wheel.arm(kStart + seconds{1}, 1, 2);  // takes the same node
  EXPECT_EQ(second.node, copy.node);
  TimerId stale = copy;
  wheel.cancel(stale);
  EXPECT_TRUE(wheel.is_armed(second));
  EXPECT_EQ(advance(wheel, kStart + seconds{2}), (Fired{{1, 2}}));
  EXPECT_FALSE(wheel.is_armed(second));
}

TEST(TimerWheel, AStormLeavesNoMemoryAndNoNames) {
  TimerWheel wheel{kStart};
  const std::size_t room = wheel.room();
  std::vector<TimerId> storm(100'000);
  for (std::uint32_t i = 0; i < storm.size(); ++i) storm[i] = wheel.arm(kStart + seconds{1 + i % 7}, 0, i);
  EXPECT_GE(wheel.room(), storm.size());
  const std::vector<TimerId> dead = storm;
  for (std::uint32_t i = 0; i < storm.size(); i += 2) wheel.cancel(storm[i]);
  EXPECT_EQ(advance(wheel, kStart + seconds{10}).size(), storm.size() / 2);
  EXPECT_EQ(wheel.armed(), 0U);
  EXPECT_LT(wheel.room(), room + storm.size() / 10);
  for (const TimerId id : dead) ASSERT_FALSE(wheel.is_armed(id));
  for (std::uint32_t i = 0; i < storm.size(); ++i) storm[i] = wheel.arm(kStart + seconds{20}, 0, i);
  for (TimerId id : dead) {
    ASSERT_FALSE(wheel.is_armed(id)) << "its memory has another timer now";
    wheel.cancel(id);
  }
  EXPECT_EQ(wheel.armed(), storm.size());
}

TEST(TimerWheel, PutsDeadlinesOffAndForward) {
  TimerWheel wheel{kStart};
  TimerId id = wheel.arm(kStart + seconds{1}, 1, 1);
  for (int i = 1; i < 10; ++i) wheel.rearm(id, kStart + seconds{1 + i}, 1, 1);
  EXPECT_LE(wheel.next_deadline(), kStart + seconds{10});
  EXPECT_EQ(advance(wheel, kStart + milliseconds{9'999}), Fired{});
  wheel.rearm(id, kStart + milliseconds{9'999}, 2, 5);
  EXPECT_EQ(advance(wheel, kStart + milliseconds{10'001}), (Fired{{2, 5}}));
  id = wheel.arm(kStart + hours{1}, 1, 1);
  wheel.rearm(id, kStart + seconds{11}, 1, 1);
  EXPECT_EQ(advance(wheel, kStart + seconds{12}), (Fired{{1, 1}}));
  wheel.rearm(id, kStart + seconds{13}, 1, 9);  // has fired: armed anew
  EXPECT_EQ(advance(wheel, kStart + seconds{14}), (Fired{{1, 9}}));
}

TEST(TimerWheel, FiresInTheOrderOfTicks) {
  TimerWheel wheel{kStart};
  for (const std::uint32_t ms : {700U, 3U, 90'000U, 3'600'000U, 8U, 4U}) {
    wheel.arm(kStart + milliseconds{ms}, 0, ms);
  }
  EXPECT_EQ(advance(wheel, kStart + hours{2}), (Fired{{0, 3}, {0, 4}, {0, 8}, {0, 700}, {0, 90'000}, {0, 3'600'000}}));
}

TEST(TimerWheel, TimersMayChangeTimersWhileFiring) {
  TimerWheel wheel{kStart};
  const Instant at = kStart + seconds{1};
  std::vector<TimerId> ids;
  for (std::uint32_t i = 0; i < 4; ++i) ids.push_back(wheel.arm(at, 0, i));
  Fired fired;
  wheel.advance(at + seconds{1}, [&](std::uint8_t kind, std::uint32_t subject) {
    fired.emplace_back(kind, subject);
    if (subject == 0) {
      wheel.cancel(ids[1]);
      wheel.rearm(ids[2], at + hours{1}, 0, 2);
      wheel.arm(Instant{0}, 9, 9);              // past: waits for the next call
      wheel.arm(at + milliseconds{500}, 8, 8);  // still within this call
    }
  });
  EXPECT_EQ(fired, (Fired{{0, 0}, {0, 3}, {8, 8}}));
  EXPECT_EQ(advance(wheel, at + seconds{1}), (Fired{{9, 9}}));
  EXPECT_EQ(wheel.armed(), 1U);
  EXPECT_EQ(advance(wheel, at + hours{2}), (Fired{{0, 2}}));
}

// A timer that is always armed at once does not keep advance() from coming back.
TEST(TimerWheel, APerpetualTimerDoesNotHoldTheCall) {
  TimerWheel wheel{kStart};
  wheel.arm(kStart, 0, 0);
  int fired = 0;
  for (int i = 0; i < 3; ++i) {
    wheel.advance(kStart + seconds{1}, [&](std::uint8_t kind, std::uint32_t subject) {
      ++fired;
      wheel.arm(kStart, kind, subject);
    });
  }
  EXPECT_EQ(fired, 3);
}

TEST(TimerWheel, ABoundedCallLeavesTheRestDue) {
  TimerWheel wheel{kStart};
  for (std::uint32_t i = 0; i < 10; ++i) wheel.arm(kStart + seconds{1}, 0, i);
  wheel.arm(kStart + hours{1}, 0, 99);
  const Instant now = kStart + seconds{2};
  std::size_t fired = 0;
  int calls = 0;
  while (wheel.next_deadline() <= now) {
    ASSERT_LT(++calls, 20);
    fired += wheel.advance(
        now, [](std::uint8_t, std::uint32_t) {}, 3);
  }
  EXPECT_EQ(fired, 10U);
  EXPECT_EQ(wheel.armed(), 1U);
}

TEST(TimerWheel, TimeDoesNotGoBack) {
  TimerWheel wheel{kStart};
  advance(wheel, kStart + seconds{5});
  wheel.arm(kStart + seconds{6}, 0, 1);
  EXPECT_EQ(advance(wheel, kStart), Fired{});
  EXPECT_EQ(advance(wheel, kStart + seconds{7}), (Fired{{0, 1}}));
}

TEST(TimerWheel, HoldsTheLastInstantThereIs) {
  TimerWheel wheel{kStart};
  wheel.arm(Instant{INT64_MAX - 1}, 0, 1);
  EXPECT_GT(wheel.next_deadline(), kStart);
  EXPECT_EQ(advance(wheel, Instant{INT64_MAX - 1}), (Fired{{0, 1}}));
}

}  // namespace
}  // namespace myriad::stack
