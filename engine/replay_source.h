// Reads a capture, as often as a replay wants it, and makes blocks of frames of it. One thread at a time; what it reads
// may be larger than memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "capture/reader.h"
#include "craft/rewrite.h"
#include "engine/replay_block.h"
#include "engine/replay_schedule.h"
#include "engine/replay_start.h"
#include "templates/plan/plan_replays.h"

namespace myriad::engine {

// What a replay is, worked out for its port.
struct ReplayPlace {
  std::size_t index = 0;  // in the plan, and of its counters
  plan::ReplayPlan plan;
  craft::RewriterOptions rewriting;
  std::optional<craft::Role> only;  // frames of these alone: the others leave by another port
  ReplayStart* together = nullptr;  // with those, when they do; outlives the replay
};

class ReplaySource {
 public:
  explicit ReplaySource(const ReplayPlace& place)
      : place_(place), rewriter_(place.rewriting), schedule_(place.plan.speed) {}

  // The next frames, as many as fit; after the block that is the last one, nothing more. `Unwanted` says true when
  // nobody wants them any more: the block may then be anything.
  template <class Unwanted>
  void fill(ReplayBlock& block, Unwanted&& unwanted) {
    block.clear();
    block.bytes.resize(ReplayBlock::kBytes + place_.rewriting.most_frame_bytes + craft::Rewriter::kSlackBytes);
    if (!reader_ && !open(block)) return;
    if (rewriter_.must_meet() && !met_) {
      for (std::uint64_t batch = 0; meet_some(); ++batch) {
        if (unwanted()) return;
      }
      if (!begin_again(block)) return;
      met_ = true;
    }
    block.sources = rewriter_.endpoints().speakers();
    while (read_some(block)) {
      if (unwanted()) return;
    }
  }

 private:
  // How many records are read before somebody asks whether they are still wanted.
  static constexpr std::uint32_t kSome = 4096;

  bool open(ReplayBlock& block);
  bool meet_some();                    // false: everybody has been met
  bool read_some(ReplayBlock& block);  // false: the block is ready
  void add(ReplayBlock& block, const capture::Record& record);
  bool begin_again(ReplayBlock& block);
  void end(ReplayBlock& block, std::string trouble = {});

  const ReplayPlace& place_;
  craft::Rewriter rewriter_;
  ReplaySchedule schedule_;
  std::optional<capture::Reader> reader_;
  bool met_ = false;
  std::uint64_t loops_ = 0;
  std::uint64_t frames_ = 0;         // made so far
  std::uint64_t frames_before_ = 0;  // this loop
  std::uint64_t frames_met_ = 0;
};

}  // namespace myriad::engine
