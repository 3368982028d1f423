// Flows of the Plan: frames without conversation. What a flow sends is compiled already: see craft/program.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/time.h"
#include "craft/program.h"

namespace myriad::plan {

enum class FlowRateKind { kMax, kFrames, kBits };

struct FlowRate {
  FlowRateKind kind = FlowRateKind::kFrames;
  double per_second = 1000;  // frames or bits
  // Of kBits: what each frame counts besides its bytes. Layer 2: 4 of FCS; layer 1: also 8 of preamble and 12 of gap.
  std::uint32_t overhead_bytes = 4;
};

struct Bursts {
  std::uint64_t packets = 1;  // of each burst; at the rate of the flow
  Duration gap{};             // from the last frame of a burst to the first of the next
  std::optional<std::uint64_t> count;
};

struct FlowPlan {
  std::string name;
  std::optional<std::size_t> group;  // index into Plan::groups, whose hosts the frames are from; nobody's: nullopt
  std::size_t port = 0;              // index into Plan::ports
  std::shared_ptr<const craft::Program> program;
  FlowRate rate;
  // The flow ends with whichever comes first, with the data, or with the run.
  std::optional<Duration> seconds;
  std::optional<std::uint64_t> packets;
  std::optional<Bursts> bursts;
  std::string data;     // path of the CSV file whose rows the frames are made from, one each; empty: none
  std::string summary;  // one line for people: what is sent, how large
};

}  // namespace myriad::plan
