// The states of RFC 9293 section 3.3.2, and what is counted of a TCP.
#pragma once

#include <cstdint>

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
  std::uint64_t tail_loss_probes_tx = 0;  // RFC 8985 section 7
  std::uint64_t keep_alives_tx = 0;
  std::uint64_t dsacks_rx = 0;          // the peer has had something twice: RFC 2883
  std::uint64_t challenge_acks_tx = 0;  // RFC 5961

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
    tail_loss_probes_tx += o.tail_loss_probes_tx;
    keep_alives_tx += o.keep_alives_tx;
    dsacks_rx += o.dsacks_rx;
    challenge_acks_tx += o.challenge_acks_tx;
  }
};

}  // namespace myriad::tcp
