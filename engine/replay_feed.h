// A capture on its way to a shard: a thread of its own reads it and makes frames, the shard takes them block by block
// and gives the blocks back. The crank never waits for the disk: when no block is ready, the replay is late.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <thread>

#include "engine/replay_block.h"
#include "engine/replay_source.h"

namespace myriad::engine {

class ReplayFeed {
 public:
  // Starts the thread. `place` outlives the feed.
  explicit ReplayFeed(const ReplayPlace& place);
  ReplayFeed(const ReplayFeed&) = delete;
  ReplayFeed& operator=(const ReplayFeed&) = delete;
  ~ReplayFeed();

  // The block that is to be used now; nullptr when none is ready. Behind the one that is the last none comes. Shard
  // only, as the other calls.
  [[nodiscard]] const ReplayBlock* front() const {
    const std::uint32_t tail = tail_.load(std::memory_order_relaxed);
    return tail == head_.load(std::memory_order_acquire) ? nullptr : &blocks_[tail % kBlocks];
  }
  // The block has been used up.
  void next();
  // Nobody wants any more; front() is of no use then.
  void stop();

 private:
  static constexpr std::uint32_t kBlocks = 8;

  void work();

  ReplaySource source_;
  std::array<ReplayBlock, kBlocks> blocks_;
  std::atomic<bool> unwanted_{false};
  alignas(64) std::atomic<std::uint32_t> head_{0};
  alignas(64) std::atomic<std::uint32_t> tail_{0};
  std::atomic<std::uint32_t> rung_{0};  // so often has the reader been told to look again
  std::thread thread_;
};

}  // namespace myriad::engine
