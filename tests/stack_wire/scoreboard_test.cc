// What no dialogue of reasonable length can show of the scoreboard.
#include "stack/tcp/scoreboard.h"

#include <gtest/gtest.h>

namespace myriad::tcp {
namespace {

// Sequence numbers come again after 4 GiB: a block that was told then says nothing of the one that stands there now.
TEST(Scoreboard, ABlockOfTheLastTimeRoundIsNotTakenForOneThatWasToldAlready) {
  constexpr std::uint32_t kLength = 1U << 20;
  const AckTime time;
  Scoreboard board;
  const SeqNum start{0};
  board.restart(start);
  board.sent(start + kLength, 0);
  board.sent(start + 2 * kLength, 0);
  AckNews first;
  board.acknowledge_selectively(start + kLength, start + 2 * kLength, time, first);
  ASSERT_TRUE(first.selective);
  AckNews again;
  board.acknowledge_selectively(start + kLength, start + 2 * kLength, time, again);
  ASSERT_FALSE(again.selective) << "it has been told";

  // Once around, always with something on its way, to where both segments had been.
  SeqNum una = start;
  SeqNum next = start + 2 * kLength;
  do {
    next += kLength;
    board.sent(next, 0);
    una += kLength;
    AckNews news;
    board.acknowledge(una, time, news);
  } while (una != start);
  ASSERT_EQ(next, start + 2 * kLength);
  ASSERT_EQ(board.sacked_bytes(), 0U);

  AckNews now;
  board.acknowledge_selectively(start + kLength, start + 2 * kLength, time, now);
  EXPECT_TRUE(now.selective);
  EXPECT_EQ(board.sacked_bytes(), kLength);
}

}  // namespace
}  // namespace myriad::tcp
