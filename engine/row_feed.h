// Rows of a data file on their way to a shard: a thread of its own reads the file and makes blocks of rows, the shard
// takes them one at a time and gives them back. The crank never waits for the disk: when no block is ready, the flow is
// late.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "craft/rows.h"

namespace myriad::engine {

class RowFeed {
 public:
  // Starts the thread. The columns outlive the feed.
  RowFeed(std::string path, std::span<const craft::ColumnUse> columns);
  RowFeed(const RowFeed&) = delete;
  RowFeed& operator=(const RowFeed&) = delete;
  ~RowFeed();

  // The block that is to be used now; nullptr when there is none, yet or any more: see ended(). Shard only, as next().
  [[nodiscard]] const craft::RowBlock* front() const {
    const std::uint32_t tail = tail_.load(std::memory_order_relaxed);
    return tail == head_.load(std::memory_order_acquire) ? nullptr : &blocks_[tail % kBlocks];
  }
  // The block has been used up.
  void next();
  // No further block comes: asked before front(), this is certain.
  [[nodiscard]] bool ended() const { return ended_.load(std::memory_order_acquire); }
  // Why the file ended before its end; empty when it did not. After ended().
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  static constexpr std::uint32_t kBlocks = 16;

  void read();
  craft::RowBlock* empty_block();  // waits for one; nullptr when nobody wants it any more

  std::string path_;
  std::span<const craft::ColumnUse> columns_;
  std::array<craft::RowBlock, kBlocks> blocks_;
  std::string error_;
  std::atomic<bool> ended_{false};
  std::atomic<bool> unwanted_{false};
  alignas(64) std::atomic<std::uint32_t> head_{0};
  alignas(64) std::atomic<std::uint32_t> tail_{0};
  std::thread thread_;
};

}  // namespace myriad::engine
