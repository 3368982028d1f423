// Replays of one shard: captures sent again, frame by frame when it is time. A replay runs on one shard of its port, so
// that the order of the capture is kept; several are shared out by their number.
//
// Owns the feeds, the threads that read the captures, and its counters. The placement and the batch outlive it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/frame.h"
#include "base/time.h"
#include "engine/counters.h"
#include "engine/replay_feed.h"
#include "engine/replay_source.h"

namespace myriad::engine {

class Replays {
 public:
  // How often it is looked whether the reader has something, when it is behind.
  static constexpr Duration kLookAgain = std::chrono::microseconds{50};
  // A frame that leaves so much after its time was not on time because of us.
  static constexpr Duration kLate = std::chrono::milliseconds{10};

  Replays(std::span<const ReplayPlace> places, std::uint32_t shard, std::uint32_t shards);
  Replays(const Replays&) = delete;
  Replays& operator=(const Replays&) = delete;

  // Sends what is due; leaves `keep` frames of room.
  void emit(Instant now, TxBatch& out, std::uint32_t keep);
  // When emit() has something to do at the latest.
  [[nodiscard]] Instant next_deadline() const;
  [[nodiscard]] bool finished() const;
  // No further frames.
  void stop();
  // Indices are those of the plan; others stay as they are.
  void write_counters(std::vector<ReplayCounters>& out) const;

 private:
  struct Replay {
    const ReplayPlace* place;
    std::unique_ptr<ReplayFeed> feed;
    std::size_t at = 0;  // in the front block
    bool front_counted = false;
    bool ready = false;  // and has said so, where there is another side
    bool over = false;
    std::optional<Instant> begun = std::nullopt;
    Instant next = {};  // when there is something to do
    ReplayCounters counters = {};
  };

  void send(Replay& replay, Instant now, TxBatch& out, std::uint32_t keep);
  // The next frame, with the block it is in; nullptr: not ready, or over.
  const ReplayBlock::Frame* front(Replay& replay, const ReplayBlock*& block, Instant now);
  bool begin(Replay& replay, Instant now);  // false: not yet
  void count(Replay& replay, const ReplayBlock& block);
  void end(Replay& replay);

  std::vector<Replay> replays_;
  std::size_t first_ = 0;  // whose turn it is
  Instant now_;
};

}  // namespace myriad::engine
