// Which workloads of a run are over in all shards of all ports, so that others can come after them: each shard says
// once that its part is over. The one thing that shards of different ports share.
#pragma once

#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace myriad::engine {

class Milestones {
 public:
  // parts[i]: how many shards have a part of workload i of the plan.
  explicit Milestones(const std::vector<std::uint32_t>& parts) : left_(parts.size()) {
    for (std::size_t i = 0; i < parts.size(); ++i) left_[i].store(parts[i], std::memory_order_relaxed);
  }

  void part_is_over(std::size_t workload) {
    [[maybe_unused]] const std::uint32_t left = left_[workload].fetch_sub(1, std::memory_order_acq_rel);
    assert(left > 0);
  }
  [[nodiscard]] bool is_over(std::size_t workload) const {
    return left_[workload].load(std::memory_order_acquire) == 0;
  }

 private:
  std::vector<std::atomic<std::uint32_t>> left_;
};

}  // namespace myriad::engine
