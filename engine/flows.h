// The flows of a shard: frames without conversation. Each turn sends what is due of each flow, in batches that a
// compiled program makes; a frame that comes round again with its bytes is only patched.
//
// A flow is shared by the shards of its port by the numbers of its frames. Where next hops have to be asked for by
// hosts of different VLANs or by each host for itself, the owner of a host sends its frames. A flow that reads a file,
// or has fewer hosts than there are shards and needs to ask, runs on one shard alone.
//
// Owns its flows and counters. The stack, the placement and the batch outlive it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/frame.h"
#include "base/time.h"
#include "engine/counters.h"
#include "engine/flow_schedule.h"
#include "engine/place.h"
#include "engine/row_feed.h"
#include "stack/stack.h"

namespace myriad::engine {

struct FlowsOptions {
  std::uint32_t shard = 0;
  std::uint32_t shards = 1;
  Instant start;          // of the run
  std::uint16_t run = 0;  // of signatures
};

class Flows {
 public:
  // Frames that are made at once.
  static constexpr std::uint32_t kChunk = 64;
  // After its last frame, a flow whose frames are heard again is listened for so long.
  static constexpr Duration kLinger = std::chrono::milliseconds{200};

  Flows(const Placement& placement, stack::Stack& stack, const FlowsOptions& options);
  Flows(const Flows&) = delete;
  Flows& operator=(const Flows&) = delete;

  // Sends what is due; leaves `keep` frames of room.
  void emit(Instant now, TxBatch& out, std::uint32_t keep);
  // When emit() has something to do at the latest.
  [[nodiscard]] Instant next_deadline() const;
  // Every flow has ended, and what it sent has had time to arrive.
  [[nodiscard]] bool finished(Instant now) const;
  // No further frames.
  void stop(Instant now);
  void write_counters(Instant now, std::vector<FlowCounters>& out) const;

 private:
  struct Flow {
    const FlowPlace* place;
    FlowSchedule schedule;
    std::uint64_t next = 0;    // number of the next frame that may be this shard's
    std::uint64_t stride = 1;  // to the one after it
    bool by_owner = false;     // only frames whose host is this shard's
    bool begun = false;
    bool over = false;
    Instant asked{};   // when its next hops were first asked for
    Instant looked{};  // and last
    Instant ended{};
    std::unique_ptr<RowFeed> rows{};
    std::size_t row = 0;  // in the front block
    // The next hop that was found last.
    MacAddress hop{};
    Instant hop_known{};
    FlowCounters counters{};
  };
  // Frames that are to be made at once: numbers first, first + stride, …
  struct Chunk {
    std::uint64_t first = 0;
    std::uint64_t stride = 1;
    std::uint32_t count = 0;
  };

  [[nodiscard]] bool may_begin(Flow& flow, Instant now);
  [[nodiscard]] bool know_first_hops(Flow& flow, Instant now);
  void send(Flow& flow, Instant now, TxBatch& out, std::uint32_t room);
  [[nodiscard]] Chunk next_chunk(Flow& flow, std::uint64_t due_below, std::uint32_t most);
  void make(Flow& flow, const Chunk& chunk, Instant now, TxBatch& out);
  void find_next_hops(Flow& flow, std::uint32_t count, std::span<std::uint8_t* const> frames,
                      std::span<std::uint32_t> lengths, Instant now);
  [[nodiscard]] bool find_next_hop(Flow& flow, std::uint32_t host, const IpAddress& destination, Instant now);
  [[nodiscard]] std::uint32_t asker(const Flow& flow, std::uint32_t host) const;
  void end(Flow& flow, Instant now);

  stack::Stack& stack_;
  FlowsOptions options_;
  std::vector<Flow> flows_;
  std::size_t first_ = 0;  // whose turn it is
  std::uint32_t hosts_[kChunk];
};

}  // namespace myriad::engine
