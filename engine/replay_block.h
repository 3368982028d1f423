// Frames of a replay on their way from who reads the capture to the shard that sends them: ready to go, each with its
// time, and what was counted on the way.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "craft/rewrite.h"

namespace myriad::engine {

struct ReplayBlock {
  struct Frame {
    std::int64_t due_ns = 0;  // after the first frame; 0 where frames go as fast as they can
    std::uint32_t at = 0;
    std::uint32_t length = 0;
  };

  // Of a block, but for the last frame, which may go beyond.
  static constexpr std::size_t kFrames = 512;
  static constexpr std::size_t kBytes = std::size_t{128} << 10;

  std::vector<Frame> frames;
  std::vector<std::uint8_t> bytes;  // of which the first `used` are frames
  std::size_t used = 0;
  std::uint64_t records = 0;  // that were read for this block
  std::array<std::uint64_t, static_cast<std::size_t>(craft::Skip::kCount)> skipped{};
  std::uint64_t loops = 0;    // of the capture that ended in this block
  std::uint64_t sources = 0;  // in the whole capture, where they were counted
  bool last = false;
  std::string trouble;  // of the last block: why the capture ended before its end

  void clear() {
    frames.clear();
    used = 0;
    records = loops = 0;
    skipped.fill(0);
    last = false;
    trouble.clear();
  }
};

}  // namespace myriad::engine
