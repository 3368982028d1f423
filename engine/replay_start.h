// When a replay begins whose two sides leave by two ports, and so from two shards: both at the same instant, soon after
// both have read what they need. From then on either keeps its own times, which are made of the same records, by the
// same clock: they cannot drift apart.
//
// Belongs to the run; the shards of both sides call it.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace myriad::engine {

class ReplayStart {
 public:
  // From the moment when the second side is ready: long enough for the first one to look again.
  static constexpr Duration kNotice = std::chrono::milliseconds{1};

  // A side could begin now; each says so once.
  void ready(Instant now) {
    if (waited_for_.fetch_sub(1, std::memory_order_acq_rel) == 1)
      begun_ns_.store((now + kNotice).ns, std::memory_order_release);
  }
  // nullopt: the other side is not ready.
  [[nodiscard]] std::optional<Instant> begun() const {
    const std::int64_t ns = begun_ns_.load(std::memory_order_acquire);
    return ns == kNotYet ? std::nullopt : std::optional{Instant{ns}};
  }

 private:
  static constexpr std::int64_t kNotYet = INT64_MIN;

  std::atomic<int> waited_for_{2};
  std::atomic<std::int64_t> begun_ns_{kNotYet};
};

}  // namespace myriad::engine
