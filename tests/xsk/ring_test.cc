// The rings without a kernel: a producer and a consumer over the same plain memory are each other's other side.
#include "xsk/ring.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace myriad::xsk {
namespace {

template <class Entry>
class Loop {
 public:
  Loop(std::uint32_t entries, std::uint32_t start) : memory_(entries), producer_index_(start), consumer_index_(start) {
    xsk_ring_prod producer{};
    producer.cached_prod = start;
    producer.cached_cons = start + entries;
    xsk_ring_cons consumer{};
    consumer.cached_prod = start;
    consumer.cached_cons = start;
    const auto place = [&](auto& ring) {
      ring.mask = entries - 1;
      ring.size = entries;
      ring.producer = &producer_index_;
      ring.consumer = &consumer_index_;
      ring.ring = memory_.data();
      ring.flags = &flags_;
    };
    place(producer);
    place(consumer);
    in = ProducerRing<Entry>{producer};
    out = ConsumerRing<Entry>{consumer};
  }

  void set_flags(std::uint32_t flags) { flags_ = flags; }

  ProducerRing<Entry> in;
  ConsumerRing<Entry> out;

 private:
  std::vector<Entry> memory_;
  alignas(64) std::uint32_t producer_index_;
  alignas(64) std::uint32_t consumer_index_;
  std::uint32_t flags_ = 0;
};

TEST(Ring, EntriesComeOutInOrderAcrossTheWrapOfTheIndices) {
  Loop<std::uint64_t> loop{8, UINT32_MAX - 20};
  std::uint64_t next_in = 0;
  std::uint64_t next_out = 0;
  for (std::uint32_t round = 0; round < 50; ++round) {
    const std::uint32_t count = round % 8 + 1;
    ASSERT_GE(loop.in.room(count), count);
    loop.in.produce(count, [&](std::uint64_t& entry, std::uint32_t) { entry = next_in++; });
    EXPECT_EQ(loop.in.pending(), count);
    EXPECT_FALSE(loop.out.is_empty());
    EXPECT_EQ(loop.out.consume(100, [&](std::uint64_t entry) { EXPECT_EQ(entry, next_out++); }), count);
    EXPECT_TRUE(loop.out.is_empty());
    EXPECT_EQ(loop.in.pending(), 0U);
  }
  EXPECT_EQ(next_in, next_out);
}

TEST(Ring, FullAndEmptyAreTold) {
  Loop<std::uint64_t> loop{4, 0};
  EXPECT_EQ(loop.out.consume(4, [](std::uint64_t) { FAIL() << "nothing was produced"; }), 0U);
  EXPECT_EQ(loop.in.room(4), 4U);
  loop.in.produce(4, [](std::uint64_t& entry, std::uint32_t i) { entry = i; });
  EXPECT_EQ(loop.in.room(1), 0U);
  EXPECT_EQ(loop.out.consume(3, [](std::uint64_t) {}), 3U) << "no more than asked for";
  EXPECT_EQ(loop.in.room(4), 3U);
  EXPECT_EQ(loop.in.pending(), 1U);
}

TEST(Ring, DescriptorsKeepAddressAndLength) {
  Loop<xdp_desc> loop{4, 3};
  loop.in.produce(2, [](xdp_desc& entry, std::uint32_t i) { entry = {std::uint64_t{4096} * i + 256, 60 + i, 0}; });
  std::vector<xdp_desc> seen;
  loop.out.consume(4, [&](const xdp_desc& entry) { seen.push_back(entry); });
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[1].addr, 4352U);
  EXPECT_EQ(seen[1].len, 61U);
}

TEST(Ring, NeedsWakeupIsTheFlagOfTheOtherSide) {
  Loop<std::uint64_t> loop{4, 0};
  EXPECT_FALSE(loop.in.needs_wakeup());
  loop.set_flags(XDP_RING_NEED_WAKEUP);
  EXPECT_TRUE(loop.in.needs_wakeup());
}

TEST(Ring, CarriesEverythingBetweenTwoThreads) {
  constexpr std::uint64_t kEntries = 200'000;
  Loop<std::uint64_t> loop{64, UINT32_MAX - 1000};
  std::thread producer{[&] {
    for (std::uint64_t next = 0; next < kEntries;) {
      const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(loop.in.room(16), kEntries - next));
      if (count == 0) {
        std::this_thread::yield();
        continue;
      }
      loop.in.produce(count, [&](std::uint64_t& entry, std::uint32_t) { entry = next++; });
    }
  }};
  std::uint64_t expected = 0;
  std::uint64_t wrong = 0;
  while (expected < kEntries) {
    const auto count = loop.out.consume(32, [&](std::uint64_t entry) { wrong += entry != expected++; });
    if (count == 0) std::this_thread::yield();
  }
  producer.join();
  EXPECT_EQ(wrong, 0U);
}

TEST(FrameLengths, AreKeptPerFrame) {
  FrameLengths lengths{3};
  lengths.set(FrameIndex{0}, 60);
  lengths.set(FrameIndex{2}, 1514);
  EXPECT_EQ(lengths.of(FrameIndex{0}), 60U);
  EXPECT_EQ(lengths.of(FrameIndex{1}), 0U);
  EXPECT_EQ(lengths.of(FrameIndex{2}), 1514U);
}

class DoorbellTest : public testing::Test {
 protected:
  bool event_is_readable() {
    pollfd event{bell.fd(), POLLIN, 0};
    return ::poll(&event, 1, 0) == 1;
  }
  Doorbell bell{FileDescriptor{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)}};
};

TEST_F(DoorbellTest, RungWhileAwakeItCostsNoSystemCallAndPreventsTheNextSleep) {
  bell.ring();
  EXPECT_FALSE(event_is_readable());
  EXPECT_FALSE(bell.begin_sleep());
  bell.end_sleep(false);
  EXPECT_TRUE(bell.begin_sleep()) << "one ring ends one sleep";
  bell.end_sleep(false);
}

TEST_F(DoorbellTest, RungDuringTheSleepItMakesTheDescriptorReadableOnce) {
  ASSERT_TRUE(bell.begin_sleep());
  bell.ring();
  bell.ring();
  EXPECT_TRUE(event_is_readable());
  bell.end_sleep(true);
  EXPECT_FALSE(event_is_readable());
  EXPECT_TRUE(bell.begin_sleep());
  bell.end_sleep(false);
}

// The sleeper sleeps without a limit of time: a lost ring would hang the test, which ctest ends.
TEST_F(DoorbellTest, NoRingIsLostBetweenThreads) {
  constexpr int kRounds = 20'000;
  std::atomic<int> told{0};
  std::atomic<int> seen{0};
  std::thread ringer{[&] {
    for (int round = 1; round <= kRounds; ++round) {
      told.store(round, std::memory_order_relaxed);
      bell.ring();
      while (seen.load() < round) std::this_thread::yield();
    }
  }};
  for (int round = 1; round <= kRounds;) {
    bool event_seen = false;
    if (bell.begin_sleep()) {
      pollfd event{bell.fd(), POLLIN, 0};
      event_seen = ::poll(&event, 1, -1) == 1;
    }
    bell.end_sleep(event_seen);
    // An event may be left over from a ring that was seen already: awake for nothing is allowed.
    if (told.load(std::memory_order_relaxed) != round) continue;
    seen.store(round++);
  }
  ringer.join();
  EXPECT_EQ(seen.load(), kRounds);
}

}  // namespace
}  // namespace myriad::xsk
