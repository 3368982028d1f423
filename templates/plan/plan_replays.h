// Replays of the Plan: captures that are sent again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"

namespace myriad::plan {

enum class ReplaySpeedKind : std::uint8_t { kCaptured, kFrames, kBits, kMax };

struct ReplaySpeed {
  ReplaySpeedKind kind = ReplaySpeedKind::kCaptured;
  double multiplier = 1;  // of kCaptured: twice as fast is 2
  double per_second = 0;  // frames or bits
  // Of kBits: what each frame counts besides its bytes. Layer 2: 4 of FCS; layer 1: also 8 of preamble and 12 of gap.
  std::uint32_t overhead_bytes = 4;
};

struct ReplayPlan {
  std::string name;
  std::size_t port = 0;  // index into Plan::ports
  // Who answers in the capture sends by this port, all others by `port`; nullopt: all by one.
  std::optional<std::size_t> answers_port;
  std::string pcap;  // path
  ReplaySpeed speed;
  std::optional<std::uint64_t> loops = 1;  // nullopt: until the run ends
  std::optional<std::size_t> clients;      // index into Plan::groups, whose hosts become those who ask
  std::optional<std::size_t> servers;      // and those who answer; without it, `clients` are all that speak
  // Ends with whichever comes first, with the capture's last loop, or with the run.
  std::optional<std::uint64_t> limit;  // frames
  std::optional<Duration> duration;
};

}  // namespace myriad::plan
