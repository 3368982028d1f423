// What a shard sends and hears without conversation: flows, the ears for them, and replays. Between the sessions and
// the port in each turn of the crank.
#pragma once

#include <algorithm>

#include "engine/flow_ears.h"
#include "engine/flows.h"
#include "engine/replays.h"

namespace myriad::engine {

class Traffic {
 public:
  Traffic(const Placement& placement, stack::Stack& stack, const FlowsOptions& options)
      : flows_(placement, stack, options),
        replays_(placement.replays, options.shard, options.shards),
        ears_(placement, options.run) {}

  // A frame that came in. True: it was signed and is counted; the stack is not to hear it.
  bool hear(Bytes frame, Instant now) { return ears_.hear(frame, now); }
  // Sends what is due of flows; leaves `keep` frames of room, and half of the rest to replays that are due as well.
  void emit(Instant now, TxBatch& out, std::uint32_t keep) {
    now_ = now;
    if (replays_.next_deadline() <= now && out.room() > keep) keep += (out.room() - keep) / 2;
    flows_.emit(now, out, keep);
  }
  // The same for replays, whose frames leave by the wire whoever they are for: both sides of a capture may be hosts of
  // ours, and it is to be seen on the wire.
  void replay(Instant now, TxBatch& out, std::uint32_t keep) { replays_.emit(now, out, keep); }
  [[nodiscard]] Instant next_deadline() const { return std::min(flows_.next_deadline(), replays_.next_deadline()); }
  [[nodiscard]] bool finished() const { return flows_.finished(now_) && replays_.finished(); }
  void stop() {
    flows_.stop(now_);
    replays_.stop();
  }
  void write_counters(ShardCounters& out) const {
    ears_.write_counters(out.flows, out.strangers);
    flows_.write_counters(now_, out.flows);
    replays_.write_counters(out.replays);
  }

 private:
  Instant now_;
  Flows flows_;
  Replays replays_;
  FlowEars ears_;
};

}  // namespace myriad::engine
