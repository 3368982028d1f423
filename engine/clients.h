// The sessions that hosts of this shard open: http, tcp scripts, icmp_echo. Starts them as the load says, hears what
// becomes of them, times them out, tries again, and counts.
//
//   begin ─▶ kConnecting ─▶ kTalking ─▶ (kHolding) ─▶ kAwaitingFin ─▶ kFinishing ─▶ gone ─▶ (kThinking) ─▶ free
//      ▲          │             │            │              the session has succeeded; what comes now cannot fail it
//      └ kRetrying ◀─ failure ──┴────────────┘
//
// Owns its sessions, timers and counters. The stack, the placement and the batch outlive it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "app/http_client.h"
#include "app/script.h"
#include "app/sha256.h"
#include "base/frame.h"
#include "base/time.h"
#include "engine/counters.h"
#include "engine/host_turns.h"
#include "engine/load.h"
#include "engine/ping_run.h"
#include "engine/place.h"
#include "engine/slab.h"
#include "stack/stack.h"
#include "stack/timer_wheel.h"

namespace myriad::engine {

class Clients {
 public:
  // After a success without hold the server closes first, so that TIME-WAIT is on its side; but not for ever.
  static constexpr Duration kAwaitFin = std::chrono::seconds{1};
  // An orderly close that does not come to its end in this time is cut short.
  static constexpr Duration kFinish = std::chrono::seconds{5};
  // Between a failure and the next try, so that a target that refuses is not stormed; and between sessions that cannot
  // even begin (no way there, no port), so that a closed loop does not spin.
  static constexpr Duration kRetryAfter = std::chrono::milliseconds{100};
  // Timers that fire in one turn; the rest has its turn at once.
  static constexpr std::size_t kTimersPerTurn = 1024;
  // When the batch had no room for an echo request.
  static constexpr Duration kRoomAgain = std::chrono::milliseconds{1};

  Clients(const Placement& placement, stack::Stack& stack, TxBatch& batch, std::uint32_t shard, std::uint32_t shards,
          Instant start);

  void start_due(Instant now);
  void on_time(Instant now);
  // For events whose cookie is a session's, and for kEchoReply and kUnreachable.
  void on_event(const stack::Event& event, Instant now);
  void read(std::uint32_t index, std::uint64_t offset, MutableBytes out);

  [[nodiscard]] Instant next_deadline(Instant now) const;
  // Every workload has started all it should and every session has ended.
  [[nodiscard]] bool finished(Instant now) const;
  // No new sessions; those that are open go on. One that waits for another try has it now, and no further one.
  void stop_starting(Instant now);
  // Ends everything at once. Sessions in the middle of something stay counted as open; one that only held its
  // connection has succeeded.
  void abort_all();
  void write_counters(ShardCounters& out) const;

 private:
  enum class State : std::uint8_t {
    kFree,
    kResolving,  // ping: the next hop is being asked for
    kConnecting,
    kTalking,
    kHolding,
    kAwaitingFin,
    kFinishing,  // our FIN is on its way
    kThinking,
    kRetrying,
  };

  struct FetchRun {
    app::HttpResponse response;
    std::unique_ptr<app::Sha256> digest;  // only when the workload verifies by it
  };

  struct Session {
    Instant started;         // of this try; once everything has come, how long that took, counted from zero
    std::uint64_t sent = 0;  // bytes handed out by read(), without repetition
    stack::TimerId timer;
    stack::ConnectionId connection = stack::kNoConnection;
    std::uint32_t host = 0;   // place among the hosts that this shard owns
    std::uint32_t to = 0;     // place among the addresses of the destination
    std::uint32_t tries = 0;  // that have failed
    std::uint16_t workload = 0;
    std::uint16_t sequence = 1;  // of the next echo request of whoever uses this slot: late replies are not mistaken
    State state = State::kFree;
    bool heard = false;  // the first byte has come
    bool peer_closed = false;
    bool script_done = false;
    bool verified = false;
    std::variant<std::monostate, FetchRun, app::ScriptRun, PingRun> run;
  };
  static_assert(sizeof(Session) <= 128, "an HTTP client session without digest fits in two cache lines");

  // One workload in this shard.
  struct Running {
    Running(const WorkloadPlace& where, LoadSlice part, Instant start)
        : place(where),
          slice(part),
          load(where.load, part, start),
          turns(part.own(), load.per_host()),
          host_succeeded((part.own() + 63) / 64),
          host_failed((part.own() + 63) / 64) {}

    const WorkloadPlace& place;
    LoadSlice slice;
    LoadControl load;
    HostTurns turns;
    WorkloadCounters counters;
    std::vector<std::uint64_t> host_succeeded;  // a bit each
    std::vector<std::uint64_t> host_failed;
    std::uint64_t open = 0;  // sessions, without those that think

    [[nodiscard]] stack::HostId host_id(std::uint32_t host) const {
      return stack::HostId{place.first_host + slice.host(host)};
    }
    void count_success(std::uint32_t host);
    void count_failure(std::uint32_t host, Failure why);
  };

  Running& running(const Session& session) { return *workloads_[session.workload]; }
  void arm(std::uint32_t index, Instant at);

  void begin(std::uint16_t workload, std::uint32_t host, Instant now);
  void attempt(std::uint32_t index, Instant now);
  void connect(std::uint32_t index, Instant now);
  void ping(std::uint32_t index, Instant now);

  void on_connected(std::uint32_t index, Instant now);
  void on_received(std::uint32_t index, Bytes data, Instant now);
  void on_peer_closed(std::uint32_t index, Instant now);
  void on_gone(std::uint32_t index, stack::FailReason reason, Instant now);
  void on_timer(std::uint32_t index, Instant now);
  void on_echo(const stack::Event& event, Instant now);
  void go_on(std::uint32_t index, Bytes data, Instant now);  // with the script
  void check_script_end(std::uint32_t index, Instant now);
  void after_fetch(std::uint32_t index, app::HttpResponse::Outcome outcome, Instant now);

  void first_answer(Session& session, Duration after);
  void complete(std::uint32_t index, bool verified, Instant now);  // everything that was asked for has come
  void succeed(const Session& session);
  void close(std::uint32_t index, Instant now);
  void fail(std::uint32_t index, Failure why, Instant now, Duration rest = {});
  void fail_to_begin(std::uint32_t index, Failure why, Instant now) { fail(index, why, now, kRetryAfter); }
  // Nothing is left of it in the stack; its host rests for its think time, and at least for `rest`.
  void over(std::uint32_t index, Instant now, Duration rest = {});
  void release(std::uint32_t index);
  [[nodiscard]] Failure timeout_of(const Session& session);
  static Failure failure_of(stack::FailReason reason);

  stack::Stack& stack_;
  TxBatch& batch_;
  stack::TimerWheel wheel_;
  std::vector<std::unique_ptr<Running>> workloads_;
  Slab<Session> sessions_;
};

}  // namespace myriad::engine
