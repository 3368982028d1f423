// TCP between two stacks over a simulated wire: whatever the wire does, no byte is wrong, nothing leaks, nothing hangs,
// and a seed replays bit for bit.
#include <gtest/gtest.h>

#include "tests/sim/pair.h"

namespace myriad::sim {
namespace {

using namespace std::chrono_literals;
using stack::FailReason;
using stack::HostId;

class TcpFamilies : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(BothFamilies, TcpFamilies, testing::Bool(),
                         [](const auto& p) { return p.param ? "v6" : "v4"; });

TEST_P(TcpFamilies, ExchangesDataBothWaysAndCloses) {
  Pair pair(1, {});
  pair.open(0, 100'000, 300'000, GetParam());
  EXPECT_TRUE(pair.network.run(10min));
  ASSERT_EQ(pair.server.ends.size(), 1U);
  Pair::expect_complete(pair.client);
  Pair::expect_complete(pair.server);
  pair.expect_nothing_left();
  EXPECT_EQ(pair.left.stack().tcp_counters(0).retransmits, 0U);
  EXPECT_EQ(pair.right.stack().tcp_counters(0).retransmits, 0U);
}

TEST_P(TcpFamilies, SegmentsAreNeverLargerThanThePeerAllows) {
  WireOptions wire;
  Network network(3, wire);
  auto small = group("left", 1, 1);
  small.mtu = 1280;
  auto& left = network.add({small});
  auto& right = network.add({group("right", 2, 1)});
  Transfer client(left.stack());
  Transfer server(right.stack());
  left.attach(client);
  right.attach(server);
  right.stack().listen_tcp(0, Port{80}, 0, 0);
  server.serve_send = server.serve_receive = 50'000;
  client.open(HostId{0}, address(right.hosts(), 0, GetParam()), Port{80}, 50'000, 50'000, network.now());
  std::size_t largest = 0;
  network.filter = [&](Bytes frame, Instant) {
    largest = std::max(largest, frame.size());
    return true;
  };
  network.run(10min);
  Pair::expect_complete(client);
  EXPECT_EQ(largest, 14U + 1280U);
}

TEST(TcpSimulation, EveryLossRateEndsWithEveryByteRight) {
  for (const double loss : {0.001, 0.01, 0.05, 0.1, 0.2, 0.3}) {
    WireOptions wire;
    wire.loss = loss;
    wire.delay = 5ms;
    Pair pair(static_cast<std::uint64_t>(loss * 1000) + 7, wire);
    pair.open(0, 60'000, 120'000);
    SCOPED_TRACE(loss);
    EXPECT_TRUE(pair.network.run(24h));
    Pair::expect_complete(pair.client);
    Pair::expect_complete(pair.server);
    pair.expect_nothing_left();
    if (loss >= 0.05) {
      EXPECT_GT(pair.right.stack().tcp_counters(0).retransmits, 0U);
    }
  }
}

// The whole misery at once, for many seeds and hosts.
TEST(TcpSimulation, HundredsOfSeedsWithEverythingThatAWireCanDo) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    WireOptions wire;
    wire.delay = 1ms;
    wire.jitter = 3ms;
    wire.loss = 0.02;
    wire.duplicate = 0.02;
    wire.corrupt = 0.02;
    wire.cut = 0.01;
    stack::StackOptions options;
    options.accept_pending_checksums = false;  // on this wire bits flip, and a checksum must be one
    Pair pair(seed, wire, 10, options);
    for (std::uint32_t host = 0; host < 10; ++host) pair.open(host, 3'000, 9'000, host % 2 == 1);
    ASSERT_TRUE(pair.network.run(24h)) << seed;
    for (const Transfer* side : {&pair.client, &pair.server}) {
      for (const End& end : side->ends) {
        ASSERT_EQ(end.wrong, 0U) << seed;
        // A neighbour may not answer three questions in a row, and a reset may be lost; nothing else may fail.
        if (end.failed == FailReason::kNone) {
          ASSERT_EQ(end.received, end.to_receive) << seed;
        } else {
          ASSERT_TRUE(end.failed == FailReason::kNeighbourTimeout) << seed << " " << static_cast<int>(end.failed);
        }
      }
    }
    pair.expect_nothing_left();
    ASSERT_FALSE(testing::Test::HasFailure()) << seed;
  }
}

TEST(TcpSimulation, ASeedReplaysBitForBit) {
  std::uint64_t digest[2];
  for (auto& d : digest) {
    WireOptions wire;
    wire.loss = 0.05;
    wire.jitter = 2ms;
    Pair pair(99, wire, 20);
    for (std::uint32_t host = 0; host < 20; ++host) pair.open(host, 5'000, 5'000);
    pair.network.run(1h);
    d = pair.network.digest();
  }
  EXPECT_EQ(digest[0], digest[1]);
}

TEST(TcpSimulation, SurvivesALinkThatGoesDownAndUp) {
  Pair pair(5, {});
  pair.open(0, 0, 5'000'000);
  const Instant down = pair.network.now() + 5ms;
  pair.network.filter = [&](Bytes, Instant now) { return now < down || now > down + 10s; };
  EXPECT_TRUE(pair.network.run(1h));
  Pair::expect_complete(pair.client);
  EXPECT_GT(pair.right.stack().tcp_counters(0).rto, 0U);
  pair.expect_nothing_left();
}

TEST(TcpSimulation, FastRetransmitRepairsOneLossWithoutATimeout) {
  WireOptions wire;
  wire.delay = 1ms;
  Pair pair(6, wire);
  pair.open(0, 0, 200'000);
  int data_frames = 0;
  pair.network.filter = [&](Bytes frame, Instant) { return frame.size() < 1000 || ++data_frames != 20; };
  pair.network.run(1h);
  Pair::expect_complete(pair.client);
  EXPECT_EQ(pair.right.stack().tcp_counters(0).fast_retransmits, 1U);
  EXPECT_EQ(pair.right.stack().tcp_counters(0).rto, 0U);
  EXPECT_GT(pair.left.stack().tcp_counters(0).out_of_order_rx, 2U);
}

TEST(TcpSimulation, ALostFinIsSentAgain) {
  for (int victim = 1; victim <= 2; ++victim) {
    Pair pair(8, {});
    pair.open(0, 100, 100);
    int fins = 0;
    pair.network.filter = [&](Bytes frame, Instant) {
      const bool fin = frame.size() > 47 && frame[12] == 8 && frame[13] == 0 && frame[23] == 6 && (frame[47] & 1) != 0;
      return !fin || ++fins != victim;
    };
    EXPECT_TRUE(pair.network.run(1h));
    Pair::expect_complete(pair.client);
    Pair::expect_complete(pair.server);
    pair.expect_nothing_left();
  }
}

TEST(TcpSimulation, ZeroWindowIsProbedUntilItOpens) {
  Pair pair(9, {});
  pair.client.close_when_sent = false;
  const auto cookie = pair.open(0, 0, 1'000'000);
  pair.network.run_until([&] { return pair.client.ends[cookie].connected; }, 1min);
  pair.left.stack().hold_receive(pair.client.ends[cookie].id, 256 * 1024);
  EXPECT_FALSE(pair.network.run(10min)) << "a closed window is probed for ever";
  const std::uint64_t stuck_at = pair.client.ends[cookie].received;
  EXPECT_LT(stuck_at, 1'000'000U);
  EXPECT_GT(pair.right.stack().tcp_counters(0).zero_window_probes_tx, 5U);
  EXPECT_EQ(pair.client.ends[cookie].failed, FailReason::kNone);
  pair.left.stack().hold_receive(pair.client.ends[cookie].id, 0);
  EXPECT_TRUE(pair.network.run(10min));
  EXPECT_EQ(pair.client.ends[cookie].received, 1'000'000U);
  EXPECT_EQ(pair.client.ends[cookie].wrong, 0U);
  pair.expect_nothing_left();
}

TEST(TcpSimulation, ClosedPortRefusesAndSilenceTimesOut) {
  Pair pair(10, {});
  const auto refused =
      pair.client.open(HostId{0}, address(pair.right.hosts(), 0, false), Port{81}, 0, 0, pair.network.now());
  pair.network.run(1min);
  EXPECT_EQ(pair.client.ends[refused].failed, FailReason::kRefused);

  const auto nobody = pair.client.open(HostId{0}, *Ipv4Address::parse("10.0.9.9"), Port{80}, 0, 0, pair.network.now());
  EXPECT_TRUE(pair.network.run(1min));
  EXPECT_EQ(pair.client.ends[nobody].failed, FailReason::kNeighbourTimeout);

  const auto foreign =
      pair.client.open(HostId{0}, *Ipv4Address::parse("192.0.2.1"), Port{80}, 0, 0, pair.network.now());
  EXPECT_EQ(pair.client.ends[foreign].failed, FailReason::kUnreachable) << "no gateway";

  pair.network.filter = [](Bytes frame, Instant) { return frame[12] == 8 && frame[13] == 6; };  // ARP only
  const auto silent =
      pair.client.open(HostId{0}, address(pair.right.hosts(), 0, false), Port{80}, 0, 0, pair.network.now());
  EXPECT_TRUE(pair.network.run(10min));
  EXPECT_EQ(pair.client.ends[silent].failed, FailReason::kConnectTimeout);
  pair.expect_nothing_left();
}

TEST(TcpSimulation, APeerThatVanishesEndsInATransmitTimeout) {
  Pair pair(11, {});
  const auto cookie = pair.open(0, 1'000'000, 0);
  pair.network.run_until([&] { return pair.server.ends.size() == 1 && pair.server.ends[0].received > 10'000; }, 1min);
  pair.network.filter = [](Bytes, Instant) { return false; };
  EXPECT_TRUE(pair.network.run(24h));
  EXPECT_EQ(pair.client.ends[cookie].failed, FailReason::kTransmitTimeout);
  EXPECT_EQ(pair.left.stack().connections(), 0U);
}

TEST(TcpSimulation, AbortResetsThePeer) {
  Pair pair(12, {});
  pair.client.close_when_sent = pair.server.close_when_sent = false;
  const auto cookie = pair.open(0, 1000, 1000);
  pair.network.run_until([&] { return pair.client.ends[cookie].received == 1000; }, 1min);
  pair.left.stack().abort(pair.client.ends[cookie].id);
  EXPECT_TRUE(pair.network.run(1min));
  EXPECT_EQ(pair.server.ends[0].failed, FailReason::kResetAfterData);
  EXPECT_EQ(pair.right.stack().tcp_counters(0).resets_rx, 1U);
  EXPECT_FALSE(pair.client.ends[cookie].closed) << "no event after abort()";
  pair.expect_nothing_left();
}

// What the application says while it hears of a segment goes out with the answer to it: nothing is left for later, so
// that nobody has to look at the connection a second time.
TEST(TcpSimulation, AnAnswerLeavesNothingToBeSaid) {
  Pair pair(15, {});
  const auto hear = pair.right.on_frame;
  std::uint32_t answers = 0;
  pair.right.on_frame = [&](Bytes frame, Instant now) {
    const std::uint32_t written = pair.right.batch().committed_count();
    hear(frame, now);
    answers += pair.right.batch().committed_count() - written;
    EXPECT_FALSE(pair.right.stack().has_output());
  };
  pair.open(0, 5000, 5000);
  EXPECT_TRUE(pair.network.run(10min));
  Pair::expect_complete(pair.server);
  EXPECT_GE(answers, 6U) << "SYN-ACK, data, FIN, and acknowledgements";
  pair.expect_nothing_left();
}

TEST(TcpSimulation, BothCloseAtOnce) {
  WireOptions wire;
  wire.delay = 10ms;
  Pair pair(13, wire);
  pair.open(0, 500, 500);
  EXPECT_TRUE(pair.network.run(10min));
  Pair::expect_complete(pair.client);
  Pair::expect_complete(pair.server);
  pair.expect_nothing_left();
}

TEST(TcpSimulation, TheSamePairCanTalkAgainWhileTheOldConnectionWaits) {
  Pair pair(14, {});
  for (int i = 0; i < 200; ++i) pair.open(0, 10, 10);
  EXPECT_FALSE(pair.network.run(5s)) << "TIME-WAIT lasts longer than that";
  EXPECT_GT(pair.left.stack().connections_in_time_wait() + pair.right.stack().connections_in_time_wait(), 0U);
  for (int i = 0; i < 200; ++i) pair.open(0, 10, 10);
  EXPECT_TRUE(pair.network.run(10min));
  EXPECT_EQ(pair.client.ends.size(), 400U);
  Pair::expect_complete(pair.client);
  pair.expect_nothing_left();
}

}  // namespace
}  // namespace myriad::sim
