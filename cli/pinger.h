// Pings many addresses at once from this network namespace's kernel, by raw ICMP sockets: every address gets a request,
// those that have not answered after a while get another, three times at most.
#pragma once

#include <cstdint>

#include "base/addr.h"
#include "base/result.h"
#include "base/time.h"

namespace myriad::cli {

struct PingTargets {
  IpAddress first;  // then +1 each
  std::uint32_t count = 0;
};

struct PingOutcome {
  std::uint32_t answered = 0;  // addresses that did
  std::uint32_t requests = 0;  // sent, repetitions included
};

// Blocks, for `rounds` x `patience` at most. Needs CAP_NET_RAW. A reply counts when its source is the address asked and
// its data is what was sent.
[[nodiscard]] Result<PingOutcome> ping_all(const PingTargets& targets, std::uint32_t rounds, Duration patience);

}  // namespace myriad::cli
