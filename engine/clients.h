// The sessions that hosts of this shard open: http, dialogues, icmp_echo. Starts them as the load says, hears what
// becomes of them, times them out, tries again, and counts.
//
//   begin ─▶ kConnecting ─▶ kTalking ─▶ (kHolding) ─▶ kLeaving, kAwaitingFin ─▶ kFinishing ─▶ gone ─▶ (kThinking) ─▶
//   free
//      ▲          │             │            │              the session has succeeded; what comes now cannot fail it
//      └ kRetrying ◀─ failure ──┴────────────┘
//
// A session is 36 bytes. What it needs only until everything has come is lent to it (Talk), so that a connection that
// is merely held costs no more than that: the longest part of a life is the cheapest.
//
// Owns its sessions, timers and counters. The stack, the placement, the batch and the milestones outlive it.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "app/dialogue.h"
#include "app/http_client.h"
#include "app/sha256.h"
#include "base/frame.h"
#include "base/histogram.h"
#include "base/lending.h"
#include "base/time.h"
#include "engine/counters.h"
#include "engine/milestones.h"
#include "engine/ping_run.h"
#include "engine/place.h"
#include "engine/running.h"
#include "engine/slab.h"
#include "engine/waiting.h"
#include "stack/stack.h"
#include "stack/timer_wheel.h"

namespace myriad::engine {

class Clients {
 public:
  // Timers that fire in one turn, of pings and of all others; the rest has its turn at once.
  static constexpr std::size_t kTimersPerTurn = 1024;
  // How often a workload that comes after another one looks whether that is over.
  static constexpr Duration kLookAgain = std::chrono::milliseconds{1};
  // When the batch had no room for an echo request.
  static constexpr Duration kRoomAgain = std::chrono::milliseconds{1};

  Clients(const Placement& placement, stack::Stack& stack, TxBatch& batch, std::uint32_t shard, std::uint32_t shards,
          Instant start, Milestones* milestones);

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
  // What became of the sessions of the n-th workload of the placement, by host of this shard.
  [[nodiscard]] const HostTallies& hosts_of(std::size_t workload) const { return workloads_[workload]->hosts; }
  // Sessions that are lent more than they themselves are.
  [[nodiscard]] std::uint32_t talking() const { return talks_.live(); }

 private:
  enum class State : std::uint8_t {
    kFree,
    kResolving,  // pings and datagrams: the next hop is being asked for
    kConnecting,
    kTalking,
    kHolding,
    kLeaving,  // a dialogue says goodbye
    kAwaitingFin,
    kFinishing,  // our FIN is on its way
    kThinking,
    kRetrying,
  };

  // What a session needs only while it connects and talks.
  struct Talk {
    Instant started;              // this try
    Instant asked;                // of a plain GET: when the connection stood
    std::uint64_t sent = 0;       // bytes handed out by read(), without repetition
    std::uint64_t announced = 0;  // by a dialogue: the length of its stream so far
    std::variant<app::HttpResponse, PingRun, std::unique_ptr<app::Dialogue>> run;
    std::unique_ptr<app::Sha256> digest;  // of the body, once a session has verified by it; the next one uses it again
    std::unique_ptr<app::Step> delayed;   // with a datagram that could not be sent yet
    stack::TimerId timer;                 // of pings and dialogues: what they wait for is not equally long for all
    stack::ConversationId conversation = stack::kNoConversation;  // of a dialogue by datagrams
    std::uint32_t next = 0;                                       // of those that are not lent
    std::uint32_t openings = 0;                                   // of conversations, in this try
    bool heard = false;                                           // the first byte has come
    bool peer_closed = false;
    bool finished = false;      // a dialogue has closed its side
    std::uint64_t took_ns = 0;  // see took_ns_of()

    std::uint32_t& next_free() { return next; }
  };

  struct Session {
    std::uint32_t took_high : 10 = 0;
    std::uint32_t tries : 10 = 0;  // that have failed
    State state : 4 = State::kFree;
    Wait wait : 3 = Wait::kNone;  // the line of its workload in which it stands
    bool verified : 1 = false;
    bool warm_up : 1 = false;  // begun before the statistics
    bool talks : 1 = false;    // it is lent a Talk
    // While it talks, the Talk; afterwards, with took_high, how long it took.
    std::uint32_t talk_or_took_low = 0;
    WaitingPlace place;
    stack::ConnectionId connection = stack::kNoConnection;
    std::uint32_t host = 0;    // place among the hosts that this shard owns
    std::uint32_t number = 0;  // within the workload, over all shards; low bits
    std::uint16_t workload = 0;
    std::uint16_t sequence = 1;  // of the next echo request of whoever uses this slot: late replies are not mistaken

    std::uint32_t& next_free() { return place.next; }
  };
  static_assert(sizeof(Session) == 36, "what a connection that is held costs here");
  static_assert((std::uint64_t{1} << 42) - 1 == Histogram::kMaxNs);

  Running& running(const Session& session) { return *workloads_[session.workload]; }
  [[nodiscard]] Talk& talk_of(const Session& session) {
    assert(session.talks);
    return talks_[session.talk_or_took_low];
  }
  // How long it was until everything had come, as a histogram can tell it apart. Kept by what the session is lent, if
  // it still is, or else by itself: it has not got room for both.
  [[nodiscard]] std::uint64_t took_ns_of(const Session& session) const {
    if (session.talks) return talks_[session.talk_or_took_low].took_ns;
    return std::uint64_t{session.took_high} << 32 | session.talk_or_took_low;
  }
  // Gives back what was lent for talking, if it still is.
  void end_talk(Session& session);
  // From now on `session` waits in that line and no other.
  void wait(std::uint32_t index, Wait what, Instant now);
  void stop_waiting(std::uint32_t index);
  void ring(std::uint32_t index, Instant at);  // on_alarm() at that time

  void begin(std::uint16_t workload, std::uint32_t host, Instant now);
  void attempt(std::uint32_t index, Instant now);
  void connect(std::uint32_t index, Instant now);
  void ping(std::uint32_t index, Instant now);
  [[nodiscard]] IpAddress target_of(const Session& session);

  // nullptr for sessions without one.
  [[nodiscard]] app::Dialogue* dialogue_of(const Session& session) {
    if (!session.talks) return nullptr;
    auto* const dialogue = std::get_if<std::unique_ptr<app::Dialogue>>(&talk_of(session).run);
    return dialogue == nullptr ? nullptr : dialogue->get();
  }
  [[nodiscard]] std::uint64_t seed_of(const Session& session);
  void make_dialogue(Session& session);
  void hear_dialogue(std::uint32_t index, Bytes data, Instant now);
  void carry_out(std::uint32_t index, const app::Step& step, Instant now);
  void set_alarm(const Session& session, std::uint32_t index);
  void leave(std::uint32_t index, Instant now);
  void reconnect(std::uint32_t index, Instant now);

  void open_datagrams(std::uint32_t index, Instant now);
  void close_datagrams(Talk& talk);
  // False: not yet; the step is carried out later.
  [[nodiscard]] bool say(std::uint32_t index, const app::Step& step, Instant now);
  void say_delayed(std::uint32_t index, Instant now);
  void on_datagram(std::uint32_t index, const stack::Event& event, Instant now);
  [[nodiscard]] Failure silence_of(const Session& session, Failure why);

  void on_connected(std::uint32_t index, Instant now);
  void on_received(std::uint32_t index, Bytes data, Instant now);
  void on_peer_closed(std::uint32_t index, Instant now);
  void on_gone(std::uint32_t index, stack::FailReason reason, Instant now);
  void on_timer(std::uint32_t index, Instant now);
  void on_alarm(std::uint32_t index, Instant now);
  void on_echo(const stack::Event& event, Instant now);
  void after_fetch(std::uint32_t index, app::HttpResponse::Outcome outcome, Instant now);

  void first_answer(const Session& session, Duration after);
  void count_completion(Session& session, bool verified, Instant now);
  void complete(std::uint32_t index, bool verified, Instant now);  // everything that was asked for has come
  void succeed(const Session& session);
  void close(std::uint32_t index, Instant now);
  void fail(std::uint32_t index, Failure why, Instant now, bool rest = false);
  void fail_to_begin(std::uint32_t index, Failure why, Instant now) { fail(index, why, now, true); }
  // Nothing is left of it in the stack; its host rests for its think time, and with `rest` for kRetryAfter at least.
  void over(std::uint32_t index, Instant now, bool rest = false);
  void release(std::uint32_t index);
  [[nodiscard]] Failure timeout_of(const Session& session);
  [[nodiscard]] static Failure failure_of(stack::FailReason reason);

  stack::Stack& stack_;
  TxBatch& batch_;
  Milestones* milestones_;
  stack::TimerWheel wheel_;  // of pings and dialogues
  std::vector<std::unique_ptr<Running>> workloads_;
  std::size_t next_line_ = 0;  // the line that is looked at first, of all lines of all workloads
  Slab<Session> sessions_;
  Lending<Talk> talks_;
};

}  // namespace myriad::engine
