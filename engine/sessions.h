// The application of one shard: what its hosts say (clients.h) and what they answer (services.h). Models
// stack::Application. One object per shard, used by the shard's thread only.
//
// In a turn: the stack's on_frame() and on_time() call on_event() and read(); the shard calls on_time() and
// start_due().
#pragma once

#include <cassert>
#include <cstdint>

#include "base/frame.h"
#include "base/time.h"
#include "engine/clients.h"
#include "engine/counters.h"
#include "engine/milestones.h"
#include "engine/place.h"
#include "engine/services.h"
#include "stack/stack.h"

namespace myriad::engine {

struct SessionsOptions {
  std::uint32_t shard = 0;
  std::uint32_t shards = 1;
  Instant start;                     // when load begins to count; the same for all shards of a run
  Milestones* milestones = nullptr;  // of the run; may be missing when no workload comes after another one
};

class Sessions {
 public:
  // Opens the listeners of the placement's services. Everything passed by reference outlives this; `batch` is the one
  // that the shard gives to the stack in every turn.
  Sessions(const Placement& placement, stack::Stack& stack, TxBatch& batch, const SessionsOptions& options);
  Sessions(const Sessions&) = delete;
  Sessions& operator=(const Sessions&) = delete;

  // stack::Application.
  void on_event(const stack::Event& event, Instant now);
  std::uint64_t read(stack::Cookie cookie, std::uint64_t offset, MutableBytes out);

  // Timeouts, think times, ends of holds, ping intervals.
  void on_time(Instant now, [[maybe_unused]] TxBatch& out) {
    assert(&out == &batch_);
    now_ = now;
    clients_.on_time(now);
  }
  // New sessions, as many as the load allows and one turn can bear.
  void start_due(Instant now, [[maybe_unused]] TxBatch& out) {
    assert(&out == &batch_);
    now_ = now;
    clients_.start_due(now);
  }
  // When on_time() or start_due() has something to do at the latest; in the past when it has already.
  [[nodiscard]] Instant next_deadline() const { return clients_.next_deadline(now_); }

  // Every workload of this shard is over. Services never are; without workloads this is true from the start.
  [[nodiscard]] bool finished() const { return clients_.finished(now_); }
  // The duration is over: no new sessions. Those that are open go on until they end or abort_all().
  void stop_starting() { clients_.stop_starting(now_); }
  // Resets every connection; the resets go out with the next turns of the stack. Sessions that were in the middle of
  // something stay counted as open.
  void abort_all() {
    clients_.abort_all();
    services_.abort_all();
  }

  // A copy of everything that is counted here and by the stack for workloads, services and host groups, by the indices
  // of the plan. At the end of a turn, for the snapshot; `out` may hold an older copy.
  void write_counters(ShardCounters& out) const;

  [[nodiscard]] const Clients& clients() const { return clients_; }
  [[nodiscard]] const Services& services() const { return services_; }

 private:
  // Cookies say what they belong to: sessions of clients count from 0.
  static constexpr stack::Cookie kServerSession = 0x40000000;
  static constexpr stack::Cookie kListener = 0x80000000;

  const Placement& placement_;
  stack::Stack& stack_;
  TxBatch& batch_;
  Instant now_;
  Clients clients_;
  Services services_;
};

static_assert(stack::Application<Sessions>);

}  // namespace myriad::engine
