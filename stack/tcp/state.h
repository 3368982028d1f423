// The states of RFC 9293 section 3.3.2, and what may be configured about a TCP.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace myriad::tcp {

enum class State : std::uint8_t {
  kFree,  // the slot holds no connection
  kSynSent,
  kSynReceived,
  kEstablished,
  kFinWait1,
  kFinWait2,
  kCloseWait,
  kClosing,
  kLastAck,
  kTimeWait,
  kAborting,  // only a RST is still to be sent
};

[[nodiscard]] constexpr bool is_synchronized(State s) { return s >= State::kEstablished && s <= State::kTimeWait; }
// States in which the peer may still send us data.
[[nodiscard]] constexpr bool may_receive(State s) {
  return s == State::kEstablished || s == State::kFinWait1 || s == State::kFinWait2;
}
// States in which we may still send new data.
[[nodiscard]] constexpr bool may_send(State s) { return s == State::kEstablished || s == State::kCloseWait; }

struct Options {
  // Receive window, bytes: enough for 1 Gbit/s at 2 ms. Data is consumed at once, so this also bounds reassembly.
  std::uint32_t receive_window = 256 * 1024;
  // RFC 6298 (2.4) asks for 1 s; RFC 8961 section 4 allows less with reason. 200 ms is what Linux and Windows servers
  // under test use themselves, and a tester that waits five times longer than real clients would hide their behaviour.
  Duration rto_min = std::chrono::milliseconds{200};
  Duration rto_initial = std::chrono::seconds{1};  // RFC 6298 (2.1)
  Duration rto_max = std::chrono::seconds{60};     // RFC 6298 (2.5)
  // RFC 9293 3.8.6.3 allows 500 ms; 40 ms keeps request/response dialogues lively, as Linux does.
  Duration delayed_ack = std::chrono::milliseconds{40};
  Duration time_wait = std::chrono::seconds{60};  // 2 MSL with the MSL of common practice, not the 2 min of 1981
  // A peer that has vanished after our FIN must not hold a slot for ever; longer than any peer's retransmission takes.
  Duration fin_wait2 = std::chrono::seconds{300};
  std::uint8_t syn_retries =
      6;  // 127 s in all with doubling from 1 s (RFC 9293 MUST-23: >= 3 min is R2 for SYN; sessions time out before)
  std::uint8_t syn_ack_retries = 3;  // 15 s: half-open connections are what a SYN flood fills the shard with
  std::uint8_t retries = 12;         // then the connection is aborted (R2 of RFC 9293 3.8.3: > 100 s)
  std::uint8_t window_scale = 3;     // RFC 7323: 64 KiB << 3 covers receive_window with room
  bool nagle = true;                 // RFC 9293 MUST-17
  bool timestamps = true;
  bool sack = true;
  std::uint32_t half_open_limit = 16 * 1024;  // connections in SYN-RECEIVED per shard; a SYN beyond it is dropped
  std::uint32_t time_wait_limit = 64 * 1024;  // per shard; beyond it the oldest ends early
  std::uint32_t connection_limit = 2 * 1024 * 1024;  // per shard
  std::uint32_t reassembly_blocks = 16 * 1024;       // of 2 KiB, per shard: 32 MiB at most, taken as needed
};

// What happened, per workload or service. The report's `tcp` block.
struct Counters {
  std::uint64_t segments_tx = 0;
  std::uint64_t segments_rx = 0;
  std::uint64_t retransmits = 0;  // segments sent again, for whatever reason
  std::uint64_t rto = 0;          // expiries of the retransmission timer
  std::uint64_t fast_retransmits = 0;
  std::uint64_t resets_rx = 0;
  std::uint64_t resets_tx = 0;
  std::uint64_t out_of_order_rx = 0;  // segments with data beyond the next expected byte
  std::uint64_t duplicate_rx = 0;     // segments with only data that had been received before
  std::uint64_t bad_checksum_rx = 0;
  std::uint64_t zero_window_probes_tx = 0;

  void add(const Counters& o) {
    segments_tx += o.segments_tx;
    segments_rx += o.segments_rx;
    retransmits += o.retransmits;
    rto += o.rto;
    fast_retransmits += o.fast_retransmits;
    resets_rx += o.resets_rx;
    resets_tx += o.resets_tx;
    out_of_order_rx += o.out_of_order_rx;
    duplicate_rx += o.duplicate_rx;
    bad_checksum_rx += o.bad_checksum_rx;
    zero_window_probes_tx += o.zero_window_probes_tx;
  }
};

}  // namespace myriad::tcp
