// Lines of those that wait equally long: order, leaving from anywhere, the grain of time, and clocks that wrap.
#include "engine/waiting.h"

#include <gtest/gtest.h>

#include <vector>

namespace myriad::engine {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct Waiter {
  WaitingPlace place;
};
constexpr Duration kTick = stack::TimerWheel::kTick;
constexpr Instant kStart{1'000'000'000};

// Takes everybody out who is due, in order.
std::vector<std::uint32_t> take_due(WaitingLine& line, std::vector<Waiter>& all, Instant now) {
  std::vector<std::uint32_t> due;
  for (auto index = line.due(all, now); index != WaitingLine::kNobody; index = line.due(all, now)) {
    line.leave(all, index);
    due.push_back(index);
  }
  return due;
}

TEST(WaitingLine, NobodyIsDueInAnEmptyLine) {
  std::vector<Waiter> all(1);
  const WaitingLine line{seconds{1}};
  EXPECT_TRUE(line.empty());
  EXPECT_EQ(line.due(all, Instant{INT64_MAX / 2}), WaitingLine::kNobody);
  EXPECT_TRUE(line.next_due(all, kStart).is_never());
}

TEST(WaitingLine, WhoeverJoinsFirstIsDueFirst) {
  std::vector<Waiter> all(5);
  WaitingLine line{seconds{1}};
  for (const std::uint32_t index : {3U, 0U, 4U, 1U, 2U}) line.join(all, index, kStart);
  EXPECT_EQ(take_due(line, all, kStart + milliseconds{999}), std::vector<std::uint32_t>{});
  EXPECT_EQ(take_due(line, all, kStart + seconds{1} + kTick), (std::vector<std::uint32_t>{3, 0, 4, 1, 2}));
  EXPECT_TRUE(line.empty());
}

TEST(WaitingLine, OnlyThoseWhoseTimeHasComeAreDue) {
  std::vector<Waiter> all(3);
  WaitingLine line{seconds{10}};
  for (std::uint32_t index = 0; index < 3; ++index) line.join(all, index, kStart + index * seconds{1});
  EXPECT_EQ(take_due(line, all, kStart + seconds{11} + kTick), (std::vector<std::uint32_t>{0, 1}));
  const Instant next = line.next_due(all, kStart + seconds{11});
  EXPECT_GE(next, kStart + seconds{12});
  EXPECT_LE(next, kStart + seconds{12} + kTick);
  EXPECT_EQ(line.due(all, next - Duration{1}), WaitingLine::kNobody);
  EXPECT_EQ(line.due(all, next), 2U);
}

TEST(WaitingLine, LeavesFromEveryPlace) {
  for (std::uint32_t gone = 0; gone < 4; ++gone) {
    std::vector<Waiter> all(5);
    WaitingLine line{seconds{1}};
    std::vector<std::uint32_t> left;
    for (std::uint32_t index = 0; index < 4; ++index) {
      line.join(all, index, kStart);
      if (index != gone) left.push_back(index);
    }
    line.leave(all, gone);
    line.join(all, 4, kStart);
    left.push_back(4);
    EXPECT_EQ(take_due(line, all, kStart + seconds{2}), left) << "without " << gone;
  }
}

TEST(WaitingLine, TheLastOneLeavesItEmpty) {
  std::vector<Waiter> all(1);
  WaitingLine line{seconds{1}};
  for (int round = 0; round < 3; ++round) {
    line.join(all, 0, kStart);
    EXPECT_FALSE(line.empty());
    line.leave(all, 0);
    EXPECT_TRUE(line.empty());
  }
}

// Never early, at most a tick late; wherever the 32 bits of a tick wrap.
TEST(WaitingLine, KeepsItsTimeForEveryWaitAndWhereverTicksWrap) {
  const Duration waits[] = {Duration{0}, Duration{1}, milliseconds{100}, seconds{60},
                            hours{19},   hours{20},   hours{24 * 365}};
  const std::int64_t wrap = std::int64_t{1} << 48;  // ns: 2^32 ticks
  for (const Duration wait : waits) {
    std::int64_t tick = kTick.count();
    while (wait.count() / tick >= std::int64_t{1} << 30) tick *= 2;
    for (const std::int64_t start :
         {std::int64_t{0}, kStart.ns, wrap - 1, wrap, wrap + 12'345, wrap - wait.count() + 5}) {
      if (start < 0) continue;
      std::vector<Waiter> all(1);
      WaitingLine line{wait};
      line.join(all, 0, Instant{start});
      const Instant due = line.next_due(all, Instant{start});
      EXPECT_GE(due.ns, start + wait.count()) << wait.count() << " from " << start;
      EXPECT_LT(due.ns, start + wait.count() + tick) << wait.count() << " from " << start;
      if (due.ns > start) {
        EXPECT_EQ(line.due(all, due - Duration{1}), WaitingLine::kNobody) << wait.count() << " from " << start;
      }
      EXPECT_EQ(line.due(all, due), 0U) << wait.count() << " from " << start;
      EXPECT_EQ(line.due(all, due + hours{18}), 0U) << "late is still due";
      EXPECT_EQ(line.next_due(all, due + seconds{5}), due) << "and in the past";
    }
  }
}

}  // namespace
}  // namespace myriad::engine
