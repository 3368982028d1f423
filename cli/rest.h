// When a run comes to rest: after much traffic there is hardly any. That is when memory that the worst moment needed,
// and that lies in crumbs between what is still used, can be given back to the system (malloc_trim): it holds up
// whoever allocates meanwhile, so it is not for a shard with work to do, and once in a rest is enough.
#pragma once

#include <algorithm>
#include <cstdint>

namespace myriad::cli {

class Rest {
 public:
  // Less traffic than this, in frames of one interval, leaves nothing behind that is worth the trouble.
  static constexpr std::uint64_t kMuch = 10'000;

  // Told of each interval, always equally long, how many frames came and went in it. True when a rest has begun: less
  // than a hundredth of the most since the last rest, and that was much.
  [[nodiscard]] bool begins(std::uint64_t frames) {
    most_ = std::max(most_, frames);
    if (most_ < kMuch || frames > most_ / 100) return false;
    most_ = 0;
    return true;
  }

 private:
  std::uint64_t most_ = 0;
};

}  // namespace myriad::cli
