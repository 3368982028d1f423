// What is sent, and when: handshake, data within the windows, retransmissions, probes, FIN, acknowledgements.
#include <algorithm>

#include "stack/tcp/connection.h"

namespace myriad::tcp {

using wire::kTcpAck;
using wire::kTcpFin;
using wire::kTcpPsh;
using wire::kTcpRst;
using wire::kTcpSyn;

std::optional<Segment> Connection::next(const Surroundings& around, Instant now) {
  switch (state_) {
    case State::kFree:
      return std::nullopt;
    case State::kAborting: {
      state_ = State::kFree;
      ++around.counters.resets_tx;
      return bare_segment(around, kTcpRst | kTcpAck, now);
    }
    case State::kSynSent:
      return next_handshake(around, now);
    case State::kSynReceived:
      if (auto segment = next_handshake(around, now)) return segment;
      if (ack_due_) return bare_segment(around, kTcpAck, now);
      return std::nullopt;
    default:
      break;
  }
  if (auto segment = next_data(around, now)) return segment;
  if (ack_due_) return bare_segment(around, kTcpAck, now);
  return std::nullopt;
}

bool Connection::has_more(const Surroundings& around) const {
  if (state_ == State::kFree) return false;
  if (state_ == State::kSynSent) return syn_due_;
  if (state_ == State::kSynReceived) return syn_due_ || ack_due_;
  return ack_due_ || retransmit_due_ || probe_due_ || state_ == State::kAborting || sendable(around) > 0 ||
         (finish_asked_ && unsent() == 0 && !past_fin() && fin_may_go(0));
}

std::optional<Segment> Connection::next_handshake(const Surroundings& around, Instant now) {
  if (!syn_due_) return std::nullopt;
  syn_due_ = false;
  const bool answer = state_ == State::kSynReceived;
  Segment segment;
  segment.seq = una_;
  segment.flags = kTcpSyn;
  segment.window =
      static_cast<std::uint16_t>(std::min<std::uint32_t>(around.personality.receive_window - held_, 65535));
  segment.options = syn_options(around.personality, link_mss_, answer ? &negotiated_ : nullptr);
  if (segment.options.has_timestamps) {
    segment.options.ts_value = timestamp(now);
    segment.options.ts_echo = answer ? ts_recent_ : 0;
  }
  if (answer) {
    segment.flags |= kTcpAck;
    segment.ack = receive_next_;
    last_ack_sent_ = receive_next_;
    ack_due_ = false;
  }
  const bool again = max_ != una_;
  next_ = max_ = una_ + 1;
  if (again) {
    ++around.counters.retransmits;
  } else {
    timing_ = true;
    timed_seq_ = next_;
    timed_at_ = now;
  }
  arm_retransmit(around, now);
  ++around.counters.segments_tx;
  return segment;
}

// How many bytes of new data may go out in the next segment: window, congestion window, Nagle and silly window
// avoidance (RFC 9293 sections 3.8.6.2.1 and 3.7.4).
std::uint32_t Connection::sendable(const Surroundings& around) const {
  const std::uint64_t waiting = unsent();
  if (waiting == 0) return 0;
  const std::uint32_t mss = negotiated_.send_mss;
  const std::uint32_t allowed = std::min(window_, congestion_.window() + recovery_.extra_segments() * mss);
  const std::uint32_t out = flight();
  if (allowed <= out) return 0;
  const auto length = static_cast<std::uint32_t>(std::min<std::uint64_t>({allowed - out, waiting, mss}));
  if (length == mss) return length;
  if (length == waiting) {
    const bool again = next_.before(max_);  // it went out before: Nagle is about new data
    const bool may_go = out == 0 || again || !around.personality.nagle || no_delay_ || finish_asked_;
    return may_go ? length : 0;
  }
  // Cut by a window: worth sending only if it is a good part of what the peer ever offered.
  return out == 0 && length >= max_window_ / 2 ? length : 0;
}

// The FIN takes a place in the peer's window, but with nothing in flight it may serve as the probe.
bool Connection::fin_may_go(std::uint32_t length) const {
  return flight() + length < window_ || flight() + length == 0;
}

std::optional<Segment> Connection::next_data(const Surroundings& around, Instant now) {
  if (retransmit_due_) {
    retransmit_due_ = false;
    const std::uint64_t left = stream_end_ - una_offset_;
    const std::uint32_t sent = max_.since(una_) - (fin_was_sent_ && max_ == fin_seq_ + 1 ? 1U : 0U);
    const auto length = static_cast<std::uint32_t>(std::min<std::uint64_t>({left, sent, negotiated_.send_mss}));
    const bool fin = fin_was_sent_ && una_ + length == fin_seq_;
    if (length > 0 || fin) {
      Segment segment = data_segment(around, una_, length, fin, now);
      arm_retransmit(around, now);
      return segment;
    }
  }
  std::uint32_t length = sendable(around);
  if (probe_due_) {
    probe_due_ = false;
    if (length == 0 && unsent() > 0) {
      length = std::clamp<std::uint32_t>(window_, 1, negotiated_.send_mss);
      length = static_cast<std::uint32_t>(std::min<std::uint64_t>(length, unsent()));
      ++around.counters.zero_window_probes_tx;
      Segment segment = data_segment(around, next_, length, false, now);
      // The probe may be taken or not: next_ stays, the acknowledgement decides.
      max_ = later_of(max_, next_ + length);
      retransmit_at_ = now + rtt_.rto(around.personality);
      return segment;
    }
  }
  const bool last = unsent() == length;
  const bool fin = finish_asked_ && last && !past_fin() && fin_may_go(length);
  if (length == 0 && !fin) {
    // Something waits and nothing is in flight that could open the window: probe it in time.
    if (unsent() > 0 && flight() == 0 && retransmit_at_.is_never()) arm_retransmit(around, now);
    return std::nullopt;
  }
  Segment segment = data_segment(around, next_, length, fin, now);
  next_ += length + (fin ? 1U : 0U);
  max_ = later_of(max_, next_);
  if (retransmit_at_.is_never()) arm_retransmit(around, now);  // RFC 6298 (5.1)
  return segment;
}

Segment Connection::data_segment(const Surroundings& around, SeqNum seq, std::uint32_t length, bool fin, Instant now) {
  Segment segment;
  segment.seq = seq;
  segment.length = length;
  segment.offset = offset_of(seq);
  segment.flags = kTcpAck;
  if (length > 0 && segment.offset + length == stream_end_) segment.flags |= kTcpPsh;  // RFC 9293 MUST-60
  const bool again = seq.before(max_);
  if (again) {
    ++around.counters.retransmits;
    timing_ = false;
  } else if (!timing_) {
    timing_ = true;
    timed_seq_ = seq + length + (fin ? 1U : 0U);
    timed_at_ = now;
  }
  if (fin) {
    segment.flags |= kTcpFin;
    if (!fin_was_sent_) {
      fin_was_sent_ = true;
      fin_seq_ = seq + length;
      state_ = state_ == State::kCloseWait ? State::kLastAck : State::kFinWait1;
    }
  }
  acknowledge(around, segment, now);
  return segment;
}

// Without data. Its number is the highest that the peer can take: SND.NXT as it was before any timeout moved it back
// (else the peer, who may have got more, would find it old and not look at the acknowledgement), within its window.
Segment Connection::bare_segment(const Surroundings& around, std::uint8_t flags, Instant now) {
  Segment segment;
  segment.seq = una_ + std::min(max_.since(una_), window_);
  if (past_fin()) segment.seq = later_of(segment.seq, next_);
  segment.flags = flags;
  acknowledge(around, segment, now);
  if (negotiated_.sack && !reassembly_.empty() && (flags & kTcpRst) == 0) {
    const std::uint32_t room = segment.options.has_timestamps ? 3 : 4;  // in 40 bytes of options
    reassembly_.ranges(around.pool, room, [&](SeqNum left, SeqNum right) {
      segment.options.sack[segment.options.sack_count++] = {left, right};
    });
  }
  return segment;
}

// Fills in what every segment after the handshake carries.
void Connection::acknowledge(const Surroundings& around, Segment& segment, Instant now) {
  segment.ack = receive_next_;
  segment.window = window_field(around);
  if (negotiated_.timestamps) {
    segment.options.has_timestamps = true;
    segment.options.ts_value = timestamp(now);
    segment.options.ts_echo = ts_recent_;
  }
  last_ack_sent_ = receive_next_;
  ack_due_ = false;
  ack_at_ = Instant::never();
  unacked_segments_ = 0;
  ++around.counters.segments_tx;
}

// The window to advertise. The right edge never moves left (RFC 9293 section 3.8.6), and it moves right only by
// worthwhile steps (section 3.8.6.2.2).
std::uint16_t Connection::window_field(const Surroundings& around) {
  const std::uint32_t open = around.personality.receive_window - held_;
  const std::uint32_t told = receive_edge_.since(receive_next_);
  const std::uint32_t step = std::min<std::uint32_t>(around.personality.receive_window / 2, link_mss_);
  std::uint32_t window = open >= told + step ? open : told;
  const std::uint32_t unit = 1U << negotiated_.receive_scale;
  window = std::min((window + unit - 1) / unit, 65535U);
  receive_edge_ = later_of(receive_edge_, receive_next_ + window * unit);
  return static_cast<std::uint16_t>(window);
}

void Connection::arm_retransmit(const Surroundings& around, Instant now) {
  retransmit_at_ = now + rtt_.rto(around.personality);
}

}  // namespace myriad::tcp
