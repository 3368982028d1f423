// One thread per shard, as the engine has it: every frame is echoed, frames travel home between the threads, none is
// lost. For ThreadSanitizer above all.
#include <atomic>
#include <mutex>
#include <thread>

#include "port_fixture.h"

namespace myriad::xsk::test {
namespace {

// Frames on their way home. A lock is enough here; the engine has a ring.
class Mailbox {
 public:
  void post(FrameIndex frame) {
    const std::lock_guard lock{mutex_};
    frames_.push_back(frame);
  }
  void collect(FramePool& pool) {
    const std::lock_guard lock{mutex_};
    for (const FrameIndex frame : frames_) pool.give(frame);
    frames_.clear();
  }

 private:
  std::mutex mutex_;
  std::vector<FrameIndex> frames_;
};

class EchoingShard {
 public:
  EchoingShard(Port& port, std::uint32_t index, FramePool& pool, std::vector<Mailbox>& mailboxes,
               const std::atomic<bool>& stop)
      : port_(port), plug_(port.shard(index)), index_(index), pool_(pool), mailboxes_(mailboxes), stop_(stop) {}

  void run() {
    while (!stop_.load()) {
      if (!turn()) plug_.wait(std::chrono::milliseconds{100});
    }
    // What is under way comes back, and goes home.
    const Deadline deadline;
    while (unanswered_ && !deadline.passed()) turn();
  }
  [[nodiscard]] std::uint32_t misplaced() const { return misplaced_; }

 private:
  bool turn() {
    mailboxes_[index_].collect(pool_);
    const std::uint32_t reaped = plug_.reap([&](FrameIndex frame) { send_home(frame); });
    plug_.refill(pool_);
    RxFrame batch[32];
    const std::uint32_t received = unanswered_ ? 0 : plug_.receive(batch);
    for (std::uint32_t i = 0; i < received; ++i) waiting_.push_back(batch[i]);
    answer();
    plug_.kick();
    return reaped + received != 0;
  }
  void answer() {
    unanswered_ = false;
    while (!waiting_.empty()) {
      const RxFrame& question = waiting_.back();
      const auto frame = pool_.take();
      if (!frame) {
        unanswered_ = true;
        return;
      }
      misplaced_ += question.bytes[5] % port_.shard_count() != index_ ? 1 : 0;
      std::copy(question.bytes.begin(), question.bytes.end(), port_.area().chunk(*frame).begin());
      const TxFrame ready{*frame, static_cast<std::uint32_t>(question.bytes.size())};
      if (plug_.submit({&ready, 1}) == 0) {
        pool_.give(*frame);
        unanswered_ = true;
        return;
      }
      send_home(question.frame);
      waiting_.pop_back();
    }
  }
  void send_home(FrameIndex frame) {
    const std::uint32_t home = port_.area().home(frame);
    if (home == index_) {
      pool_.give(frame);
      return;
    }
    mailboxes_[home].post(frame);
    port_.shard(home).interrupt();
  }

  Port& port_;
  ShardPort& plug_;
  std::uint32_t index_;
  FramePool& pool_;
  std::vector<Mailbox>& mailboxes_;
  const std::atomic<bool>& stop_;
  std::vector<RxFrame> waiting_;
  bool unanswered_ = false;
  std::uint32_t misplaced_ = 0;
};

struct Shape {
  std::uint32_t queues;
  std::uint32_t shards;
  std::uint32_t frames_per_shard;
};

class ThreadsTest : public PortTest, public testing::WithParamInterface<Shape> {};

TEST_P(ThreadsTest, EveryFrameIsEchoedAndEveryFrameIsHomeInTheEnd) {
  const std::uint32_t shards = GetParam().shards;
  MYRIAD_MAKE_WORLD(GetParam().queues);
  PortOptions options = near_options(shards);
  options.frames_per_shard = GetParam().frames_per_shard;
  ASSERT_NO_FATAL_FAILURE(open(options));

  constexpr std::uint32_t kFrames = 6000;
  std::atomic<bool> stop{false};
  std::vector<Mailbox> mailboxes(shards);
  std::vector<std::unique_ptr<EchoingShard>> echoing;
  std::vector<std::thread> threads;
  for (std::uint32_t shard = 0; shard < shards; ++shard) {
    echoing.push_back(std::make_unique<EchoingShard>(*port, shard, crank->pool(shard), mailboxes, stop));
  }
  for (auto& one : echoing) threads.emplace_back([&one] { one->run(); });

  std::vector<int> times_seen(kFrames);
  std::uint64_t sent = 0;
  std::uint64_t echoed = 0;
  std::uint64_t lost = 0;
  const bool all_back = eventually([&] {
    constexpr std::uint64_t kWindow = 24;  // under way at a time
    while (sent < kFrames && sent - echoed - lost < kWindow) {
      const auto number = static_cast<std::uint32_t>(sent);
      if (peer->send(numbered_frame(host_mac(static_cast<std::uint8_t>(number)), number)) != 0) break;
      ++sent;
    }
    while (const auto frame = peer->receive()) {
      const std::uint32_t number = number_of(*frame);
      if (number < kFrames) ++times_seen[number];
      ++echoed;
    }
    // A shard that the scheduler keeps away for long enough leaves FILL empty; such frames are lost, and counted.
    const XdpStatistics statistics = crank->statistics();
    lost = statistics.rx_dropped + statistics.rx_ring_full;
    return echoed + lost >= kFrames;
  });
  stop.store(true);
  for (std::uint32_t shard = 0; shard < shards; ++shard) port->shard(shard).interrupt();
  for (auto& thread : threads) thread.join();

  EXPECT_TRUE(all_back) << sent << " sent, " << echoed << " echoed, " << lost << " lost";
  EXPECT_EQ(echoed + lost + crank->totals().ebusy_lost, kFrames);
  EXPECT_THAT(times_seen, testing::Each(testing::Le(1)));
  for (const auto& one : echoing) EXPECT_EQ(one->misplaced(), 0U);
  for (std::uint32_t shard = 0; shard < shards; ++shard) mailboxes[shard].collect(crank->pool(shard));
  EXPECT_TRUE(all_completed(echoed));
  EXPECT_TRUE(crank->conserved());
}

INSTANTIATE_TEST_SUITE_P(Shapes, ThreadsTest,
                         testing::Values(Shape{1, 1, 0}, Shape{2, 2, 0}, Shape{2, 4, 0}, Shape{1, 3, 0}, Shape{4, 2, 0},
                                         Shape{1, 4, 64}, Shape{2, 3, 64}),
                         [](const auto& row) {
                           return std::to_string(row.param.queues) + "queues" + std::to_string(row.param.shards) +
                                  "shards" + (row.param.frames_per_shard == 0 ? "" : "few_frames");
                         });

}  // namespace
}  // namespace myriad::xsk::test
