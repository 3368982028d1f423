#include "engine/ping_run.h"

#include <gtest/gtest.h>

namespace myriad::engine {
namespace {

using std::chrono::milliseconds;

constexpr Duration kInterval = milliseconds{10};
constexpr Duration kTimeout = milliseconds{100};
constexpr Instant at(int ms) { return Instant{} + milliseconds{ms}; }

TEST(PingRun, SendsAtTheIntervalAndEndsWithTheLastAnswer) {
  PingRun run{3, 65535};  // sequence numbers wrap
  ASSERT_TRUE(run.is_due(at(5), kInterval));
  EXPECT_EQ(run.next_sequence(), 65535);
  run.sent(at(5), kInterval);
  EXPECT_FALSE(run.is_due(at(14), kInterval));
  EXPECT_EQ(run.next_at(kInterval, kTimeout), at(15));
  ASSERT_TRUE(run.is_due(at(16), kInterval));
  EXPECT_EQ(run.next_sequence(), 0);
  run.sent(at(16), kInterval);
  EXPECT_EQ(run.next_at(kInterval, kTimeout), at(25)) << "a late one does not put off the next";
  EXPECT_TRUE(run.answered(0, at(50), kInterval));
  EXPECT_TRUE(run.answered(65535, at(50), kInterval));
  run.sent(at(25), kInterval);
  EXPECT_FALSE(run.is_due(at(99), kInterval));
  EXPECT_FALSE(run.done());
  EXPECT_TRUE(run.answered(1, at(50), kInterval));
  EXPECT_TRUE(run.done());
}

TEST(PingRun, AnswersCountOnceAndOnlyToWhatWasSent) {
  PingRun run{5, 100};
  EXPECT_FALSE(run.answered(100, at(50), kInterval));
  run.sent(at(0), kInterval);
  run.sent(at(10), kInterval);
  EXPECT_FALSE(run.answered(102, at(50), kInterval));
  EXPECT_FALSE(run.answered(99, at(50), kInterval));
  EXPECT_TRUE(run.answered(101, at(50), kInterval));
  EXPECT_FALSE(run.answered(101, at(50), kInterval));
  EXPECT_TRUE(run.answered(100, at(50), kInterval));
  EXPECT_FALSE(run.answered(100, at(50), kInterval));
  EXPECT_EQ(run.answers(), 2U);
}

TEST(PingRun, EachRequestHasItsOwnTimeout) {
  PingRun run{2, 1};
  run.sent(at(0), kInterval);
  run.sent(at(10), kInterval);
  EXPECT_EQ(run.next_at(kInterval, kTimeout), at(100));
  EXPECT_FALSE(run.overdue(at(99), kInterval, kTimeout));
  EXPECT_TRUE(run.overdue(at(100), kInterval, kTimeout));
  EXPECT_TRUE(run.answered(1, at(50), kInterval));
  EXPECT_FALSE(run.overdue(at(109), kInterval, kTimeout));
  EXPECT_TRUE(run.overdue(at(110), kInterval, kTimeout));
}

TEST(PingRun, ALongHoldUpMovesTheSchedule) {
  PingRun run{3, 1};
  run.sent(at(0), kInterval);
  run.sent(at(1000), kInterval);  // the next hop had to be asked for again
  EXPECT_FALSE(run.is_due(at(1009), kInterval));
  EXPECT_TRUE(run.is_due(at(1010), kInterval));
}

TEST(PingRun, ManyRequestsAnsweredInAnyOrder) {
  constexpr std::uint32_t kCount = 200'000;  // sequence numbers go round three times
  PingRun run{kCount, 7};
  std::uint32_t sent = 0;
  for (std::uint32_t block = 0; block < kCount / 1000; ++block) {
    const std::uint16_t first = run.next_sequence();
    for (int i = 0; i < 1000; ++i, ++sent) {
      ASSERT_TRUE(run.is_due(at(10 * static_cast<int>(sent)), kInterval));
      run.sent(at(10 * static_cast<int>(sent)), kInterval);
    }
    for (int i = 0; i < 1000; ++i) {
      ASSERT_TRUE(run.answered(static_cast<std::uint16_t>(first + (i * 7 + 3) % 1000), at(50), kInterval));
    }
    ASSERT_FALSE(run.answered(first, at(50), kInterval));
  }
  EXPECT_TRUE(run.done());
}

TEST(PingRun, TooManyWithoutAnswerWait) {
  PingRun run{100'000, 0};
  std::uint32_t sent = 0;
  for (; run.is_due(at(0), Duration{0}); ++sent) run.sent(at(0), Duration{0});
  EXPECT_EQ(sent, PingRun::kMaxWindow);
  EXPECT_EQ(run.next_at(Duration{0}, kTimeout), at(100));
  EXPECT_TRUE(run.answered(0, at(50), kInterval));
  EXPECT_TRUE(run.is_due(at(0), Duration{0}));
}

TEST(PingRun, IsSmall) { EXPECT_LE(sizeof(PingRun), 64U); }

TEST(PingRun, WhatIsGivenUpIsLostAndTheRestGoesOn) {
  PingRun run{3, 100};
  run.sent(at(0), kInterval);
  run.sent(at(10), kInterval);
  EXPECT_EQ(run.give_up(at(99), kInterval, kTimeout), 0U);
  EXPECT_TRUE(run.answered(101, at(99), kInterval));
  EXPECT_EQ(run.give_up(at(100), kInterval, kTimeout), 1U);
  EXPECT_FALSE(run.answered(100, at(101), kInterval)) << "too late";
  EXPECT_FALSE(run.done());
  ASSERT_TRUE(run.is_due(at(101), kInterval));
  run.sent(at(101), kInterval);
  EXPECT_FALSE(run.done());
  EXPECT_EQ(run.give_up(at(1000), kInterval, kTimeout), 1U);
  EXPECT_TRUE(run.done());
  EXPECT_EQ(run.lost(), 2U);
  EXPECT_EQ(run.answers(), 1U);
}

TEST(PingRun, TellsHowLongAnAnswerTook) {
  PingRun run{2, 1};
  run.sent(at(0), kInterval);
  run.sent(at(13), kInterval);  // late by 3
  EXPECT_EQ(run.answered(2, at(15), kInterval), milliseconds{2}) << "of the last one since it was really sent";
  EXPECT_EQ(run.answered(1, at(15), kInterval), milliseconds{15});
}

}  // namespace
}  // namespace myriad::engine
