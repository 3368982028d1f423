// An open port on a veth pair, driven from one thread: frames go where they should, and none is lost or made.
#include "engine/frame_port.h"
#include "port_fixture.h"

namespace myriad::xsk::test {
namespace {

static_assert(engine::FramePort<ShardPort>);

struct Shape {
  std::uint32_t queues;
  std::uint32_t shards;
  bool generic = false;
};

void PrintTo(const Shape& shape, std::ostream* out) {
  *out << shape.queues << " queues, " << shape.shards << " shards" << (shape.generic ? ", generic" : "");
}

class MatrixTest : public PortTest, public testing::WithParamInterface<Shape> {
 protected:
  void open_shape() {
    PortOptions options = near_options(GetParam().shards);
    options.generic = GetParam().generic;
    open(options);
  }
};

TEST_P(MatrixTest, EveryFrameReachesItsShardWhicheverQueueItCameOn) {
  const std::uint32_t queues = GetParam().queues;
  const std::uint32_t shards = GetParam().shards;
  MYRIAD_MAKE_WORLD(queues);
  ASSERT_NO_FATAL_FAILURE(open_shape());
  constexpr std::uint32_t kFrames = 4000;
  constexpr std::uint32_t kBurst = 40;  // far below every ring on the way
  std::vector<int> times_seen(kFrames);
  std::vector<std::uint32_t> on_queue(queues);
  std::uint64_t bytes = 0;
  std::uint32_t received = 0;
  const auto on_frame = [&](std::uint32_t shard, MutableBytes frame) {
    ASSERT_GE(frame.size(), 64U);
    const std::uint32_t number = number_of(frame);
    ASSERT_LT(number, kFrames);
    const std::uint8_t queue = frame[Steering::kQueueByte];
    ASSERT_LT(queue, queues);
    auto sent = numbered_frame(host_mac(static_cast<std::uint8_t>(number)), number, 64 + number % 1400);
    sent[Steering::kQueueByte] = queue;
    EXPECT_TRUE(std::equal(frame.begin(), frame.end(), sent.begin(), sent.end())) << "frame " << number;
    EXPECT_EQ(frame[5] % shards, shard);
    ++times_seen[number];
    ++on_queue[queue];
    bytes += frame.size();
    ++received;
  };
  for (std::uint32_t number = 0; number < kFrames; number += kBurst) {
    for (std::uint32_t i = number; i < number + kBurst; ++i) {
      ASSERT_EQ(peer->send(numbered_frame(host_mac(static_cast<std::uint8_t>(i)), i, 64 + i % 1400)), 0);
    }
    ASSERT_TRUE(eventually([&] {
      crank->turn(on_frame);
      return received >= number + kBurst;
    })) << received;
  }
  EXPECT_THAT(times_seen, testing::Each(1));
  // veth tells a generic program queue 0 for every frame.
  const std::uint32_t used = GetParam().generic ? 1 : queues;
  on_queue.resize(used);
  EXPECT_THAT(on_queue, testing::Each(testing::Gt(0U))) << "a queue that nothing came on proves nothing";
  EXPECT_EQ(crank->totals().frames_rx, kFrames);
  EXPECT_EQ(crank->totals().bytes_rx, bytes);
  const XdpStatistics statistics = crank->statistics();
  EXPECT_EQ(statistics.rx_dropped + statistics.rx_ring_full + statistics.rx_fill_ring_empty_descs, 0U);
  EXPECT_TRUE(crank->conserved());
}

TEST_P(MatrixTest, EveryShardSendsAndEveryFrameComesBack) {
  MYRIAD_MAKE_WORLD(GetParam().queues);
  ASSERT_NO_FATAL_FAILURE(open_shape());
  const std::uint32_t shards = GetParam().shards;
  constexpr std::uint32_t kEach = 1000;
  std::uint64_t bytes = 0;
  for (std::uint32_t number = 0; number < kEach * shards; ++number) {
    const auto frame = numbered_frame(host_mac(1), number, 64 + number % 1400);
    bytes += frame.size();
    ASSERT_TRUE(eventually([&] {
      if (crank->send(number % shards, frame)) return true;
      crank->turn();
      return false;
    }));
    if (number % 32 == 31) crank->turn();
  }
  ASSERT_TRUE(all_completed(kEach * shards));
  EXPECT_EQ(crank->totals().frames_tx, kEach * shards);
  EXPECT_EQ(crank->totals().bytes_tx, bytes);
  EXPECT_EQ(crank->totals().tx_errors, 0U);
  EXPECT_EQ(crank->statistics().tx_invalid_descs, 0U);
  EXPECT_TRUE(crank->conserved());

  std::uint32_t arrived = 0;
  while (const auto frame = peer->receive()) {
    const std::uint32_t number = number_of(*frame);
    EXPECT_EQ(*frame, numbered_frame(host_mac(1), number, 64 + number % 1400));
    ++arrived;
  }
  EXPECT_EQ(arrived + crank->totals().ebusy_lost, kEach * shards);
  EXPECT_GT(arrived, 0U);
}

INSTANTIATE_TEST_SUITE_P(Shapes, MatrixTest,
                         testing::Values(Shape{1, 1}, Shape{1, 2}, Shape{1, 4}, Shape{2, 1}, Shape{2, 2}, Shape{2, 4},
                                         Shape{4, 1}, Shape{4, 2}, Shape{4, 4}, Shape{2, 3}, Shape{3, 2},
                                         Shape{1, 1, true}, Shape{2, 2, true}, Shape{2, 4, true}));

TEST_F(PortTest, AHundredThousandFramesAreAllCompleted) {
  MYRIAD_MAKE_WORLD();
  ASSERT_NO_FATAL_FAILURE(open(near_options()));
  constexpr std::uint32_t kFrames = 100'000;
  const auto frame = numbered_frame(host_mac(1), 7);
  std::uint32_t sent = 0;
  ASSERT_TRUE(eventually([&] {
    for (int i = 0; i < 64 && sent < kFrames && crank->send(0, frame); ++i) ++sent;
    crank->turn();
    return sent == kFrames;
  })) << sent;
  ASSERT_TRUE(all_completed(kFrames));
  EXPECT_EQ(crank->totals().frames_tx, kFrames);
  EXPECT_EQ(crank->totals().bytes_tx, std::uint64_t{kFrames} * frame.size());
  EXPECT_EQ(peer->offered() + crank->totals().ebusy_lost, kFrames) << "each frame arrived or is known to be lost";
  EXPECT_TRUE(crank->conserved());
}

TEST_F(PortTest, AFewFramesGoAroundForever) {
  MYRIAD_MAKE_WORLD(2);
  PortOptions options = near_options(3);
  options.frames_per_shard = 64;
  ASSERT_NO_FATAL_FAILURE(open(options));
  std::uint32_t received = 0;
  std::uint32_t answered = 0;
  for (std::uint32_t number = 0; number < 3000; ++number) {
    ASSERT_EQ(peer->send(numbered_frame(host_mac(static_cast<std::uint8_t>(number)), number)), 0);
    ASSERT_TRUE(eventually([&] {
      crank->turn([&](std::uint32_t shard, MutableBytes bytes) {
        ++received;
        answered += crank->send(shard, bytes) ? 1 : 0;
      });
      return received > number;
    })) << number;
  }
  ASSERT_TRUE(all_completed(answered));
  EXPECT_EQ(received, 3000U);
  EXPECT_EQ(answered, 3000U) << "refill keeps a reserve for sending";
  EXPECT_TRUE(crank->conserved());
}

TEST_F(PortTest, FramesWithoutAPlaceAreCountedByReasonOnce) {
  MYRIAD_MAKE_WORLD();
  PortOptions options = near_options(3);
  options.frames_per_shard = 64;
  ASSERT_NO_FATAL_FAILURE(open(options));
  constexpr std::uint32_t kInFill = 48;  // a quarter of 64 is kept for sending
  for (std::uint32_t number = 0; number < kInFill + 10; ++number) {
    ASSERT_EQ(peer->send(numbered_frame(host_mac(static_cast<std::uint8_t>(number)), number)), 0);
  }
  ASSERT_TRUE(eventually([&] { return crank->statistics().rx_dropped == 10; }));
  EXPECT_EQ(crank->statistics().rx_fill_ring_empty_descs, 10U) << "though three sockets share the FILL ring";
  EXPECT_EQ(crank->statistics().rx_ring_full, 0U);
  crank->turn();
  EXPECT_EQ(crank->totals().frames_rx, kInFill);
  EXPECT_TRUE(crank->conserved());
}

TEST_F(PortTest, FillRingIsKeptFullAndThePoolKeepsItsReserve) {
  MYRIAD_MAKE_WORLD();
  PortOptions options = near_options();
  options.frames_per_shard = 1024;
  ASSERT_NO_FATAL_FAILURE(open(options));
  EXPECT_EQ(crank->pool(0).size(), ShardPort::kSendReserve);
  EXPECT_EQ(port->frames_in_kernel(), 1024 - ShardPort::kSendReserve);
}

TEST_F(PortTest, EveryQueueCanReceiveFromTheMomentItIsBound) {
  MYRIAD_MAKE_WORLD(3);
  PortOptions options = near_options(2);  // shard 0 owns queues 0 and 2, shard 1 owns queue 1
  options.frames_per_shard = 512;
  auto opened = Port::open(options);
  ASSERT_TRUE(opened) << opened.error().message();
  EXPECT_EQ((*opened)->shard(0).kernel_balance(), 2 * ((512 - 128) / 2)) << "a quarter is kept for sending";
  EXPECT_EQ((*opened)->shard(1).kernel_balance(), 512 - 128);
  Crank fresh{**opened};
  fresh.turn();
  EXPECT_TRUE(fresh.conserved()) << "what FILL held from the start has left the pools";
  EXPECT_EQ(fresh.pool(0).size(), 128U);
  EXPECT_EQ(fresh.pool(1).size(), 128U);
}

TEST_F(PortTest, ModeAndItsReasonAreSaid) {
  MYRIAD_MAKE_WORLD();
  ASSERT_NO_FATAL_FAILURE(open(near_options()));
  EXPECT_EQ(port->mode(), BindMode::kCopy) << "veth has no zero-copy";
  EXPECT_THAT(port->why_copy(), testing::HasSubstr("zero-copy"));
  EXPECT_THAT(port->why_copy(), testing::HasSubstr("near"));
  EXPECT_EQ(port->device().driver, "veth");
  EXPECT_THAT(port->tx_budget(), testing::AnyOf(32U, 256U));
  close();
  PortOptions options = near_options();
  options.mode = BindRequest::kCopy;
  ASSERT_NO_FATAL_FAILURE(open(options));
  EXPECT_EQ(port->why_copy(), "") << "it was asked for";
}

TEST_F(PortTest, WithoutNeedWakeupFramesFlowAsWell) {
  MYRIAD_MAKE_WORLD();
  PortOptions options = near_options();
  options.need_wakeup = false;
  ASSERT_NO_FATAL_FAILURE(open(options));
  for (std::uint32_t number = 0; number < 100; ++number) {
    ASSERT_TRUE(crank->send(0, numbered_frame(host_mac(1), number)));
  }
  EXPECT_TRUE(all_completed(100));
}

TEST_F(PortTest, WakeupsWithASmallBudgetSendEverythingInTheEnd) {
  MYRIAD_MAKE_WORLD();
  PortOptions options = near_options();
  options.tx_budget = 0;  // the least the kernel takes
  ASSERT_NO_FATAL_FAILURE(open(options));
  EXPECT_EQ(port->tx_budget(), 32U);
  for (std::uint32_t number = 0; number < 500; ++number) {
    ASSERT_TRUE(crank->send(0, numbered_frame(host_mac(1), number)));
  }
  EXPECT_TRUE(all_completed(500)) << "nothing new was submitted; every turn kicks what is left";
  EXPECT_GE(crank->totals().eagain, 500U / 32 - 1);
}

TEST_F(PortTest, LargeFramesTravelInLargeChunks) {
  MYRIAD_MAKE_WORLD(1, 3400);
  PortOptions options = near_options();
  ASSERT_NO_FATAL_FAILURE(open(options));
  EXPECT_EQ(port->area().chunk_bytes, 4096U);
  const auto frame = numbered_frame(host_mac(0), 1, 3414);
  ASSERT_EQ(peer->send(frame), 0);
  std::vector<std::uint8_t> received;
  ASSERT_TRUE(eventually([&] {
    crank->turn([&](std::uint32_t, MutableBytes bytes) { received.assign(bytes.begin(), bytes.end()); });
    return !received.empty();
  }));
  received[Steering::kQueueByte] = frame[Steering::kQueueByte];
  EXPECT_EQ(received, frame);
  ASSERT_TRUE(crank->send(0, frame));
  ASSERT_TRUE(all_completed(1));
  EXPECT_EQ(peer->receive(), frame);
}

TEST_F(PortTest, PromiscuousMembershipEndsWithThePort) {
  MYRIAD_MAKE_WORLD();
  const auto promiscuity = [] { return VethWorld::ip_output("-d link show near"); };
  ASSERT_THAT(promiscuity(), testing::HasSubstr("promiscuity 0"));
  ASSERT_NO_FATAL_FAILURE(open(near_options()));
  EXPECT_THAT(promiscuity(), testing::HasSubstr("promiscuity 1"));
  close();
  EXPECT_THAT(promiscuity(), testing::HasSubstr("promiscuity 0"));
  PortOptions options = near_options();
  options.promiscuous = false;
  ASSERT_NO_FATAL_FAILURE(open(options));
  EXPECT_THAT(promiscuity(), testing::HasSubstr("promiscuity 0"));
}

}  // namespace
}  // namespace myriad::xsk::test
