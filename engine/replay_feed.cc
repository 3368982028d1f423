#include "engine/replay_feed.h"

namespace myriad::engine {

ReplayFeed::ReplayFeed(const ReplayPlace& place) : source_(place), thread_([this] { work(); }) {}

ReplayFeed::~ReplayFeed() {
  stop();
  thread_.join();
}

void ReplayFeed::next() {
  tail_.store(tail_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  rung_.fetch_add(1, std::memory_order_release);
  rung_.notify_one();
}

void ReplayFeed::stop() {
  unwanted_.store(true, std::memory_order_release);
  rung_.fetch_add(1, std::memory_order_release);
  rung_.notify_one();
}

void ReplayFeed::work() {
  const auto unwanted = [this] { return unwanted_.load(std::memory_order_acquire); };
  for (std::uint32_t head = 0; !unwanted();) {
    const std::uint32_t rung = rung_.load(std::memory_order_acquire);
    if (head - tail_.load(std::memory_order_acquire) == kBlocks) {
      if (!unwanted()) rung_.wait(rung, std::memory_order_acquire);
      continue;
    }
    ReplayBlock& block = blocks_[head % kBlocks];
    source_.fill(block, unwanted);
    const bool last = block.last;
    head_.store(++head, std::memory_order_release);
    if (last) return;
  }
}

}  // namespace myriad::engine
