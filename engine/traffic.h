// What a shard sends and hears without conversation: flows, and the ears for them. Between the sessions and the port in
// each turn of the crank.
#pragma once

#include "engine/flow_ears.h"
#include "engine/flows.h"

namespace myriad::engine {

class Traffic {
 public:
  Traffic(const Placement& placement, stack::Stack& stack, const FlowsOptions& options)
      : flows_(placement, stack, options), ears_(placement, options.run) {}

  // A frame that came in. True: it was signed and is counted; the stack is not to hear it.
  bool hear(Bytes frame, Instant now) { return ears_.hear(frame, now); }
  // Sends what is due; leaves `keep` frames of room.
  void emit(Instant now, TxBatch& out, std::uint32_t keep) {
    now_ = now;
    flows_.emit(now, out, keep);
  }
  [[nodiscard]] Instant next_deadline() const { return flows_.next_deadline(); }
  [[nodiscard]] bool finished() const { return flows_.finished(now_); }
  void stop() { flows_.stop(now_); }
  void write_counters(ShardCounters& out) const {
    ears_.write_counters(out.flows, out.strangers);
    flows_.write_counters(now_, out.flows);
  }

 private:
  Instant now_;
  Flows flows_;
  FlowEars ears_;
};

}  // namespace myriad::engine
