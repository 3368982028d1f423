// Counters, their merge, and the snapshot handshake between two threads.
#include "engine/counters.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <bit>
#include <set>
#include <thread>

#include "engine/snapshot.h"

namespace myriad::engine {
namespace {

TEST(Counters, EveryFailureHasItsOwnName) {
  std::set<std::string_view> names(kFailureNames.begin(), kFailureNames.end());
  EXPECT_EQ(names.size(), static_cast<std::size_t>(Failure::kCount));
  EXPECT_EQ(kFailureNames[static_cast<std::size_t>(Failure::kVerifyMismatch)], "verify_mismatch");
}

// A counter that add() forgets would be lost between shards.
TEST(Counters, EveryCounterOfTcpIsAdded) {
  using Numbers = std::array<std::uint64_t, sizeof(tcp::Counters) / sizeof(std::uint64_t)>;
  Numbers numbers;
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = 10 * i + 1;
  const auto one = std::bit_cast<tcp::Counters>(numbers);
  tcp::Counters sum = one;
  sum.add(one);
  for (std::uint64_t& number : numbers) number *= 2;
  EXPECT_EQ(std::bit_cast<Numbers>(sum), numbers);
}

TEST(Counters, MergeIsTheSumOfBoth) {
  ShardCounters a;
  a.workloads.resize(1);
  a.services.resize(2);
  ShardCounters b;
  b.workloads.resize(2);
  b.groups.resize(1);
  a.workloads[0].sessions_started = 5;
  a.workloads[0].failures[1] = 2;
  a.workloads[0].session.record(1000);
  a.services[1].bytes_rx = 7;
  b.workloads[0].sessions_started = 6;
  b.workloads[0].sessions_succeeded = 3;
  b.workloads[0].sessions_failed = 2;
  b.workloads[0].failures[1] = 1;
  b.workloads[0].session.record(3000);
  b.workloads[0].tcp.segments_tx = 9;
  b.workloads[0].target_answered = true;
  b.workloads[1].hosts_failed = 4;
  b.groups[0].arp_replies_tx = 8;
  a.merge(b);
  ASSERT_EQ(a.workloads.size(), 2U);
  EXPECT_EQ(a.workloads[0].sessions_started, 11U);
  EXPECT_EQ(a.workloads[0].sessions_open(), 6U);
  EXPECT_EQ(a.workloads[0].failures[1], 3U);
  EXPECT_EQ(a.workloads[0].session.count(), 2U);
  EXPECT_EQ(a.workloads[0].session.max(), 3000U);
  EXPECT_EQ(a.workloads[0].tcp.segments_tx, 9U);
  EXPECT_TRUE(a.workloads[0].target_answered);
  EXPECT_EQ(a.workloads[1].hosts_failed, 4U);
  EXPECT_EQ(a.services[1].bytes_rx, 7U);
  ASSERT_EQ(a.groups.size(), 1U);
  EXPECT_EQ(a.groups[0].arp_replies_tx, 8U);
}

TEST(Snapshot, NothingWithoutAsking) {
  Snapshot<int> snapshot;
  EXPECT_FALSE(snapshot.asked());
  EXPECT_EQ(snapshot.ready(), nullptr);
  snapshot.ask();
  EXPECT_TRUE(snapshot.asked());
  EXPECT_EQ(snapshot.ready(), nullptr);
  snapshot.answer([](int& value) { value = 5; });
  EXPECT_FALSE(snapshot.asked());
  ASSERT_NE(snapshot.ready(), nullptr);
  EXPECT_EQ(*snapshot.ready(), 5);
  snapshot.ask();
  EXPECT_EQ(snapshot.ready(), nullptr);
}

// Under ThreadSanitizer this proves that the copy is handed over; without, that it is never torn.
TEST(Snapshot, CopiesAreConsistentBetweenThreads) {
  struct Pair {
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    std::vector<std::uint64_t> more;
  };
  Snapshot<Pair> snapshot;
  std::atomic<bool> stop{false};
  std::thread shard{[&] {
    Pair own;
    while (!stop.load(std::memory_order_relaxed)) {
      ++own.a;
      own.more.assign(own.a % 50, own.a);
      own.b = own.a;
      if (snapshot.asked()) snapshot.answer([&own](Pair& out) { out = own; });
    }
  }};
  std::uint64_t last = 0;
  for (int i = 0; i < 200; ++i) {
    snapshot.ask();
    const Pair* copy = nullptr;
    while ((copy = snapshot.ready()) == nullptr) std::this_thread::yield();
    EXPECT_EQ(copy->a, copy->b);
    EXPECT_GE(copy->a, last);
    ASSERT_EQ(copy->more.size(), copy->a % 50);
    for (const std::uint64_t value : copy->more) ASSERT_EQ(value, copy->a);
    last = copy->a;
  }
  stop = true;
  shard.join();
}

}  // namespace
}  // namespace myriad::engine
