// One host's part in one conversation: what it says, what it makes of the answers, and when it speaks unasked. The base
// of all that is more than one question and its answer. Pure: bytes and times come in, steps go out.
//
// The owner of the session carries the steps out. Over a stream (TCP) a dialogue announces how many bytes its stream
// has become longer; read() supplies them, possibly several times, until acknowledged() says that the peer has them.
// Over datagrams (UDP) each step brings at most one datagram.
//
//   begin ─▶ take, on_time … ─▶ kComplete ─▶ (held: take, on_time …) ─▶ leave ─▶ take … ─▶ kOver
//
// Virtual: what is behind is chosen per workload, and a call handles a segment's worth of messages or more.
#pragma once

#include <cstdint>
#include <memory>

#include "app/counts.h"
#include "app/failure.h"
#include "base/addr.h"
#include "base/bytes.h"
#include "base/time.h"

namespace myriad::app {

enum class Transport : std::uint8_t { kStream, kDatagrams };

enum class Progress : std::uint8_t {
  kMore,       // goes on
  kComplete,   // everything that was asked for has come: the session counts as done, and may be held
  kOver,       // the goodbye is said; the connection is to be closed
  kReconnect,  // the connection is to be closed and another one opened, over transport(), with begin()
  kFailed,     // see `failure`
};

struct Step {
  Progress progress = Progress::kMore;
  Failure failure = Failure::kCount;  // with kFailed
  bool verified = false;              // with kComplete: the content was to be checked, and is right
  bool finish = false;                // FIN after everything that was announced
  bool reset = false;                 // with kOver: by RST
  std::uint64_t grown = 0;            // bytes that the stream which this side sends has become longer
  Bytes datagram;                     // to be sent, if not empty; valid until the next call

  [[nodiscard]] static Step failed(Failure why) {
    Step step;
    step.progress = Progress::kFailed;
    step.failure = why;
    return step;
  }
};

class Dialogue {
 public:
  Dialogue() = default;
  Dialogue(const Dialogue&) = delete;
  Dialogue& operator=(const Dialogue&) = delete;
  virtual ~Dialogue() = default;

  [[nodiscard]] virtual Transport transport() const { return Transport::kStream; }
  // The connection stands; offsets of the stream count from 0. Of datagrams: the session begins.
  virtual Step begin(Instant now) = 0;
  // What arrived: bytes in order, or one datagram.
  virtual Step take(Bytes data, Instant now) = 0;
  // The peer will send no more.
  virtual Step peer_closed(Instant now) = 0;
  // What is due at wake_at(), which may have been put off meanwhile.
  virtual Step on_time([[maybe_unused]] Instant now) { return {}; }
  [[nodiscard]] virtual Instant wake_at() const { return Instant::never(); }
  // After kComplete and the time to hold: says goodbye. Until kOver the owner's patience is short.
  virtual Step leave([[maybe_unused]] Instant now) {
    Step step;
    step.progress = Progress::kOver;
    return step;
  }
  // The peer has everything before stream offset `upto`, which read() is not asked for again.
  virtual Step acknowledged([[maybe_unused]] std::uint64_t upto, [[maybe_unused]] Instant now) { return {}; }
  // Bytes [offset, offset + out.size()) of the stream; all of them have been announced and are not acknowledged.
  virtual void read([[maybe_unused]] std::uint64_t offset, [[maybe_unused]] MutableBytes out) const {}
  // After kComplete: it has nothing more to say or to hear, the peer has all it said, and its goodbye is a FIN. So it
  // may be forgotten, and a connection that is merely held costs no more for it.
  [[nodiscard]] virtual bool rests() const { return false; }
  // Why it takes so long, when the owner's patience is at its end.
  [[nodiscard]] virtual Failure impatience() const { return Failure::kResponseTimeout; }
};

// What tells one session from another.
struct SessionFacts {
  std::uint32_t host = 0;     // index in its group
  std::uint64_t session = 0;  // number within the workload, over all shards
  IpAddress own;
  IpAddress target;
  Port port;
  std::uint64_t seed = 0;    // of this session's luck
  Counts* counts = nullptr;  // of its workload on its shard; outlives the session. nullptr: nobody counts
};

// What all sessions of a workload have in common. Made once from the plan, shared by all shards, never changed.
class Role {
 public:
  Role() = default;
  Role(const Role&) = delete;
  Role& operator=(const Role&) = delete;
  virtual ~Role() = default;

  // This outlives the dialogue.
  [[nodiscard]] virtual std::unique_ptr<Dialogue> make(const SessionFacts& facts) const = 0;
};

}  // namespace myriad::app
