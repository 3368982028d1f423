// What arrives, and what time does: RFC 9293 section 3.10.7 in its order. What is sent is in connection_send.cc.
#include "stack/tcp/connection.h"

namespace myriad::tcp {

using stack::Drop;
using wire::kTcpAck;
using wire::kTcpFin;
using wire::kTcpRst;
using wire::kTcpSyn;

namespace {

// RFC 7323 section 5.2: timestamps are compared like sequence numbers.
bool timestamp_before(std::uint32_t a, std::uint32_t b) { return static_cast<std::int32_t>(a - b) < 0; }

}  // namespace

void Connection::open(const Surroundings& around, SeqNum iss, std::uint32_t ts_offset, std::uint16_t mss) {
  state_ = State::kSynSent;
  una_ = next_ = max_ = iss;
  ts_offset_ = ts_offset;
  link_mss_ = mss;
  syn_due_ = true;
  negotiated_.receive_scale = around.personality.window_scale.value_or(0);
}

void Connection::accept(const Surroundings& around, const wire::TcpView& syn, SeqNum iss, std::uint32_t ts_offset,
                        std::uint16_t mss) {
  state_ = State::kSynReceived;
  passive = true;
  una_ = next_ = max_ = iss;
  ts_offset_ = ts_offset;
  link_mss_ = mss;
  receive_next_ = last_ack_sent_ = syn.seq() + 1;
  receive_edge_ = receive_next_ + std::min<std::uint32_t>(around.personality.receive_window, 65535);
  negotiated_ = negotiate(around.personality, syn.options(), mss, remote.is_v6());
  ts_recent_ = syn.options().ts_value;
  window_ = max_window_ = syn.window();
  window_seq_ = syn.seq();
  window_ack_ = iss;
  syn_due_ = true;
  ++around.counters.segments_rx;
}

void Connection::challenge(const wire::TcpView& segment, Instant now) {
  if (segment.sequence_length() == 0) {
    if (now < quiet_until_) return;
    quiet_until_ = now + std::chrono::milliseconds{100};  // window probes of kernels come 200 ms apart and more
  }
  ack_due_ = true;
}

Outcome Connection::on_segment(const Surroundings& around, const wire::TcpView& segment, Instant now) {
  ++around.counters.segments_rx;
  if (state_ == State::kSynSent) return on_segment_syn_sent(around, segment, now);

  Outcome outcome;
  const std::uint8_t flags = segment.flags();
  const auto& options = segment.options();
  // RFC 7323 section 5.3 R1: an old duplicate by its timestamp.
  if (negotiated_.timestamps && options.has_timestamps && (flags & (kTcpRst | kTcpSyn)) == 0 &&
      timestamp_before(options.ts_value, ts_recent_)) {
    ++around.drops[Drop::kTcpUnacceptable];
    challenge(segment, now);
    return outcome;
  }
  // A SYN may open a new incarnation, or be our peer's first one again.
  if ((flags & (kTcpSyn | kTcpRst | kTcpAck)) == kTcpSyn && in_place_of_syn(around, segment, outcome)) return outcome;

  // Simultaneous open: the peer's SYN-ACK repeats the SYN we have, and its acknowledgement completes the handshake (RFC
  // 9293 section 3.5, figure 8). By its number alone it would be old.
  const bool crossed = state_ == State::kSynReceived &&
                       (flags & (kTcpSyn | kTcpRst | kTcpAck)) == (kTcpSyn | kTcpAck) &&
                       segment.seq() + 1 == receive_next_;
  if (crossed) ack_due_ = true;
  if (!crossed && !acceptable(segment)) {
    ++around.drops[Drop::kTcpUnacceptable];
    if (segment.payload().size() > 0) ++around.counters.duplicate_rx;
    if ((flags & kTcpRst) == 0) challenge(segment, now);
    if (state_ == State::kTimeWait && (flags & kTcpFin) != 0) retransmit_at_ = now + around.personality.time_wait;
    return outcome;
  }
  if ((flags & kTcpRst) != 0) {
    on_reset(around, segment, now, outcome);
    return outcome;
  }
  if ((flags & kTcpSyn) != 0 && state_ != State::kSynReceived) {  // RFC 5961 section 4: challenge
    ++around.drops[Drop::kTcpBadFlags];
    challenge(segment, now);
    return outcome;
  }
  if ((flags & kTcpAck) == 0) {
    ++around.drops[Drop::kTcpBadFlags];
    return outcome;
  }
  if (negotiated_.timestamps && options.has_timestamps && !segment.seq().after(last_ack_sent_)) {
    ts_recent_ = options.ts_value;  // RFC 7323 section 4.3 (2)
  }
  if (!on_ack(around, segment, now, outcome)) return outcome;
  if (state_ == State::kFinWait2) retransmit_at_ = now + around.personality.fin_wait2;  // it is alive
  if (may_receive(state_)) on_text(around, segment, now, outcome);
  return outcome;
}

Outcome Connection::on_segment_syn_sent(const Surroundings& around, const wire::TcpView& segment, Instant now) {
  Outcome outcome;
  const std::uint8_t flags = segment.flags();
  const bool has_ack = (flags & kTcpAck) != 0;
  const bool ack_good = has_ack && segment.ack() == max_ && max_ != una_;
  if (has_ack && !ack_good) {
    ++around.drops[Drop::kTcpUnacceptable];
    outcome.reset_reply = (flags & kTcpRst) == 0;
    return outcome;
  }
  if ((flags & kTcpRst) != 0) {
    if (ack_good) {
      ++around.counters.resets_rx;
      outcome.failed = FailReason::kRefused;
    } else {
      ++around.drops[Drop::kTcpUnacceptable];
    }
    return outcome;
  }
  if ((flags & kTcpSyn) == 0) {
    ++around.drops[Drop::kTcpBadFlags];
    return outcome;
  }
  receive_next_ = last_ack_sent_ = segment.seq() + 1;
  receive_edge_ = receive_next_ + std::min<std::uint32_t>(around.personality.receive_window, 65535);
  negotiated_ = negotiate(around.personality, segment.options(), link_mss_, remote.is_v6());
  ts_recent_ = segment.options().ts_value;
  window_ = max_window_ = segment.window();  // never scaled in a SYN: RFC 7323 section 2.2
  window_seq_ = segment.seq();
  window_ack_ = has_ack ? segment.ack() : una_;
  if (!has_ack) {  // simultaneous open, RFC 9293 section 3.5 figure 8
    state_ = State::kSynReceived;
    next_ = una_;
    syn_due_ = true;
    retransmit_at_ = Instant::never();
    return outcome;
  }
  take_rtt(segment, segment.ack(), now);
  una_ = next_ = segment.ack();
  syn_due_ = false;
  retransmit_at_ = Instant::never();
  attempts_ = 0;
  state_ = State::kEstablished;
  congestion_.start(negotiated_.send_mss);
  outcome.connected = true;
  ack_due_ = true;
  // RFC 9293 3.10.7.3: controls and text that came with the SYN are processed as in the established state.
  if (segment.payload().size() > 0 || (flags & kTcpFin) != 0) on_text(around, segment, now, outcome);
  return outcome;
}

// A SYN without ACK: true if it has been dealt with.
bool Connection::in_place_of_syn(const Surroundings& around, const wire::TcpView& segment, Outcome& outcome) {
  if (state_ == State::kSynReceived && segment.seq() + 1 == receive_next_) {  // the peer has not seen our SYN-ACK
    ++around.counters.duplicate_rx;
    next_ = una_;
    syn_due_ = true;
    return true;
  }
  // RFC 9293 MAY-2 and RFC 6191: a new incarnation whose numbers lie beyond the old one's.
  const auto& options = segment.options();
  const bool newer = segment.seq().after(receive_next_) || (negotiated_.timestamps && options.has_timestamps &&
                                                            timestamp_before(ts_recent_, options.ts_value));
  if (state_ == State::kTimeWait && newer) {
    outcome.restart = true;
    return true;
  }
  return false;
}

// RFC 9293 section 3.10.7.4, first check.
bool Connection::acceptable(const wire::TcpView& segment) const {
  const std::uint32_t length = segment.sequence_length();
  const std::uint32_t window = receive_edge_.since(receive_next_);
  const SeqNum seq = segment.seq();
  if (window == 0) {
    // Nothing new may come, but acknowledgements and resets at the edge are heard.
    return seq == receive_next_;
  }
  if (length == 0) return seq.within(receive_next_, window);
  return seq.within(receive_next_, window) || (seq + (length - 1)).within(receive_next_, window);
}

void Connection::on_reset(const Surroundings& around, const wire::TcpView& segment, Instant now, Outcome& outcome) {
  if (segment.seq() != receive_next_) {  // RFC 5961 section 3: in the window but not exact
    ++around.drops[Drop::kTcpUnacceptable];
    challenge(segment, now);
    return;
  }
  ++around.counters.resets_rx;
  switch (state_) {
    case State::kSynReceived:
      // A passive open goes back to LISTEN: the application never heard of it.
      outcome.failed = FailReason::kRefused;
      break;
    case State::kClosing:
    case State::kLastAck:
    case State::kTimeWait:
      outcome.closed = true;
      state_ = State::kFree;
      break;
    default:
      outcome.failed = received_ > 0 ? FailReason::kResetAfterData : FailReason::kReset;
  }
}

bool Connection::on_ack(const Surroundings& around, const wire::TcpView& segment, Instant now, Outcome& outcome) {
  const SeqNum ack = segment.ack();
  if (state_ == State::kSynReceived) {
    if (!(ack.after(una_) && !ack.after(max_))) {
      ++around.drops[Drop::kTcpUnacceptable];
      outcome.reset_reply = true;
      return false;
    }
    take_rtt(segment, ack, now);
    una_ = una_ + 1;  // the SYN is acknowledged; the stream starts
    if (next_.before(una_)) next_ = una_;
    retransmit_at_ = Instant::never();
    attempts_ = 0;
    syn_due_ = false;
    state_ = State::kEstablished;
    congestion_.start(negotiated_.send_mss);
    // Never scaled in a SYN: RFC 7323 section 2.2.
    window_ = max_window_ = std::uint32_t{segment.window()} << (segment.has(kTcpSyn) ? 0 : negotiated_.send_scale);
    window_seq_ = segment.seq();
    window_ack_ = ack;
    outcome.connected = true;
    return true;
  }
  if (ack.after(max_)) {
    ++around.drops[Drop::kTcpUnacceptable];
    challenge(segment, now);
    return false;
  }
  if (ack.before(una_)) {
    // RFC 5961 section 5: an acknowledgement older than the largest window is not the peer's.
    if (una_.since(ack) > max_window_) {
      ++around.drops[Drop::kTcpUnacceptable];
      challenge(segment, now);
      return false;
    }
    return true;
  }
  const std::uint32_t window = std::uint32_t{segment.window()} << negotiated_.send_scale;
  const bool duplicate = ack == una_ && max_ != una_ && segment.payload().empty() && (segment.flags() & kTcpFin) == 0 &&
                         window == window_ && window != 0;
  if (ack.after(una_) || window == 0 || flight() == 0) attempts_ = 0;  // progress, or an answered window probe
  set_window(segment);
  if (ack.after(una_)) {
    on_new_data_acked(around, segment, now, outcome);
  } else if (duplicate) {
    on_duplicate_ack(around);
  }
  if (window_ > 0 && flight() == 0 && unsent() > 0 && may_send(state_)) {
    retransmit_at_ = Instant::never();  // whatever persist timer there was, the window is open
    probe_due_ = false;
  }
  return true;
}

void Connection::set_window(const wire::TcpView& segment) {
  // RFC 9293: SND.WL1 < SEG.SEQ, or equal and SND.WL2 =< SEG.ACK.
  if (window_seq_.before(segment.seq()) || (window_seq_ == segment.seq() && !window_ack_.after(segment.ack()))) {
    window_ = std::uint32_t{segment.window()} << negotiated_.send_scale;
    max_window_ = std::max(max_window_, window_);
    window_seq_ = segment.seq();
    window_ack_ = segment.ack();
  }
}

void Connection::take_rtt(const wire::TcpView& segment, SeqNum ack, Instant now) {
  if (negotiated_.timestamps && segment.options().has_timestamps && segment.options().ts_echo != 0) {
    const std::uint32_t elapsed_ms = timestamp(now) - segment.options().ts_echo;
    if (elapsed_ms < 3'600'000) rtt_.sample(std::chrono::milliseconds{elapsed_ms});
    timing_ = false;
  } else if (timing_ && !ack.before(timed_seq_)) {
    rtt_.sample(now - timed_at_);
    timing_ = false;
  }
}

void Connection::on_new_data_acked(const Surroundings& around, const wire::TcpView& segment, Instant now,
                                   Outcome& outcome) {
  const SeqNum ack = segment.ack();
  const bool fin_acked = fin_was_sent_ && ack == fin_seq_ + 1;
  const std::uint32_t bytes = ack.since(una_) - (fin_acked ? 1U : 0U);
  take_rtt(segment, ack, now);
  una_ = ack;
  una_offset_ += bytes;
  if (next_.before(una_)) next_ = una_;
  retransmit_due_ = false;

  const std::uint32_t mss = negotiated_.send_mss;
  switch (recovery_.on_new_ack(ack)) {
    case Recovery::Verdict::kPartial:
      congestion_.on_partial_ack(bytes, mss);
      retransmit_due_ = true;
      break;
    case Recovery::Verdict::kRecovered:
      congestion_.on_recovered(max_.since(una_), mss);
      break;
    default:
      congestion_.on_ack(bytes, mss);
  }
  if (next_ == una_) {
    retransmit_at_ = Instant::never();  // RFC 6298 (5.2); next() starts it again with what it sends
  } else {
    arm_retransmit(around, now);  // (5.3)
  }
  if (una_offset_ == stream_end_ && !send_done_told_) {
    send_done_told_ = true;
    outcome.send_done = true;
  }
  if (fin_acked) on_fin_acked(around, now, outcome);
}

void Connection::on_duplicate_ack(const Surroundings& around) {
  const std::uint32_t mss = negotiated_.send_mss;
  switch (recovery_.on_duplicate(una_, max_)) {
    case Recovery::Verdict::kEnter:
      congestion_.on_fast_retransmit(max_.since(una_), mss);
      retransmit_due_ = true;
      timing_ = false;  // Karn
      ++around.counters.fast_retransmits;
      break;
    case Recovery::Verdict::kInflate:
      congestion_.on_duplicate_in_recovery(mss);
      break;
    default:
      break;
  }
}

void Connection::on_fin_acked(const Surroundings& around, Instant now, Outcome& outcome) {
  switch (state_) {
    case State::kFinWait1:
      state_ = State::kFinWait2;
      retransmit_at_ = now + around.personality.fin_wait2;
      break;
    case State::kClosing:
      enter_time_wait(around, now, outcome);
      break;
    case State::kLastAck:
      state_ = State::kFree;
      outcome.closed = true;
      break;
    default:
      break;
  }
}

void Connection::on_text(const Surroundings& around, const wire::TcpView& segment, Instant now, Outcome& outcome) {
  SeqNum seq = segment.seq() + ((segment.flags() & kTcpSyn) != 0 ? 1U : 0U);
  Bytes data = segment.payload();
  bool fin = (segment.flags() & kTcpFin) != 0;
  const bool had_data = !data.empty();
  if (seq.before(receive_next_)) {
    const std::size_t known = std::min<std::size_t>(receive_next_.since(seq), data.size());
    data = data.subspan(known);
    seq += static_cast<std::uint32_t>(known);
  }
  const std::uint32_t room = seq.before(receive_edge_) ? receive_edge_.since(seq) : 0;
  if (data.size() > room) {
    data = data.first(room);
    fin = false;  // it lies beyond the window
    ack_due_ = true;
  }
  if (fin) {
    peer_fin_seq_ = seq + static_cast<std::uint32_t>(data.size());
    peer_fin_known_ = true;
  }
  if (data.empty()) {
    if (had_data) {
      ++around.counters.duplicate_rx;
      ack_due_ = true;
    }
  } else if (seq == receive_next_) {
    outcome.data = data;
    receive_next_ += static_cast<std::uint32_t>(data.size());
    received_ += data.size();
    outcome.more_data = !reassembly_.empty();
    // RFC 5681 section 4.2: at once when a gap is filled, else each second segment, else within the delay.
    if (outcome.more_data || ++unacked_segments_ >= 2) {
      ack_due_ = true;
    } else if (ack_at_.is_never()) {
      ack_at_ = now + around.personality.delayed_ack;
    }
  } else {
    ++around.counters.out_of_order_rx;
    ack_due_ = true;
    switch (reassembly_.insert(around.pool, seq, data)) {
      case Reassembly::Insert::kDuplicate:
        ++around.counters.duplicate_rx;
        break;
      case Reassembly::Insert::kNoRoom:
        ++around.drops[Drop::kTcpNoRoom];
        break;
      case Reassembly::Insert::kStored:
        break;
    }
  }
  if (fin && seq.after(receive_next_)) ack_due_ = true;
  if (peer_fin_known_ && !outcome.more_data && receive_next_ == peer_fin_seq_) on_fin(around, now, outcome);
}

Bytes Connection::take_reassembled(const Surroundings& around, Instant now, Outcome& outcome) {
  Bytes data;
  if (reassembly_.pop(around.pool, receive_next_, data)) {
    receive_next_ += static_cast<std::uint32_t>(data.size());
    received_ += data.size();
    return data;
  }
  outcome.more_data = false;
  if (peer_fin_known_ && receive_next_ == peer_fin_seq_ && may_receive(state_)) on_fin(around, now, outcome);
  return {};
}

void Connection::on_fin(const Surroundings& around, Instant now, Outcome& outcome) {
  receive_next_ += 1;
  ack_due_ = true;
  outcome.peer_closed = true;
  switch (state_) {
    case State::kEstablished:
      state_ = State::kCloseWait;
      break;
    case State::kFinWait1:
      state_ = State::kClosing;
      break;
    case State::kFinWait2:
      enter_time_wait(around, now, outcome);
      break;
    default:
      break;
  }
}

void Connection::enter_time_wait(const Surroundings& around, Instant now, Outcome& outcome) {
  state_ = State::kTimeWait;
  retransmit_at_ = now + around.personality.time_wait;
  outcome.time_wait = true;
}

Outcome Connection::on_timer(const Surroundings& around, Instant now) {
  Outcome outcome;
  if (ack_at_ <= now) {
    ack_at_ = Instant::never();
    ack_due_ = true;
  }
  if (retransmit_at_ > now) return outcome;
  retransmit_at_ = Instant::never();

  const bool handshake = state_ == State::kSynSent || state_ == State::kSynReceived;
  if (state_ == State::kTimeWait || state_ == State::kFinWait2) {
    state_ = State::kFree;
    outcome.closed = true;
    return outcome;
  }
  ++attempts_;
  const std::uint8_t handshake_retries = passive ? around.personality.syn_ack_retries : around.personality.syn_retries;
  if (attempts_ > (handshake ? handshake_retries : around.personality.retries)) {
    if (handshake) {
      outcome.failed = unreachable_seen_ ? FailReason::kUnreachable : FailReason::kConnectTimeout;
    } else {
      outcome.failed = FailReason::kTransmitTimeout;
    }
    return outcome;
  }
  rtt_.back_off();
  timing_ = false;  // Karn: what is sent again is not timed
  if (handshake) {
    ++around.counters.rto;
    next_ = una_;
    syn_due_ = true;
  } else if (flight() > 0) {  // RFC 6298 (5.4) to (5.6)
    ++around.counters.rto;
    congestion_.on_timeout(max_.since(una_), negotiated_.send_mss, attempts_ == 1);
    recovery_.on_timeout(max_);
    next_ = una_;       // everything after the hole is sent again as the window allows
    probe_due_ = true;  // and if it is closed, at least one byte
  } else {
    probe_due_ = true;  // the window is closed: RFC 9293 section 3.8.6.1
  }
  return outcome;
}

Outcome Connection::on_unreachable(SeqNum seq, bool hard) {
  Outcome outcome;
  if (!seq.within(una_, std::max<std::uint32_t>(max_.since(una_), 1))) return outcome;  // RFC 5927 section 4.1
  unreachable_seen_ = true;
  // RFC 5927 section 5.2: an established connection does not believe it.
  if (hard && state_ == State::kSynSent) outcome.failed = FailReason::kUnreachable;
  return outcome;
}

void Connection::on_path_mtu(SeqNum seq, std::uint16_t mss) {
  if (!is_synchronized(state_) || !seq.within(una_, max_.since(una_))) return;
  const std::uint16_t floor = remote.is_v6() ? kDefaultMssV6 : kDefaultMssV4;
  std::uint16_t effective = std::max(mss, floor);
  if (negotiated_.timestamps) effective = static_cast<std::uint16_t>(effective - kTimestampBytes);
  if (effective >= negotiated_.send_mss) return;
  negotiated_.send_mss = effective;
  next_ = una_;  // RFC 1191 section 6.4: send again at once, without calling it congestion
  timing_ = false;
}

void Connection::hold_receive(const Personality& options, std::uint32_t unread_bytes) {
  const bool consumed = unread_bytes < held_;
  held_ = std::min(unread_bytes, options.receive_window);
  if (!consumed) return;  // no more room than before
  const std::uint32_t open = std::min(options.receive_window - held_, 65535U << negotiated_.receive_scale);
  const std::uint32_t told = receive_edge_.since(receive_next_);
  // RFC 9293 section 3.8.6.2.2: tell of more room only when it is worth it.
  if (open > told && open - told >= std::min<std::uint32_t>(options.receive_window / 2, 2U * link_mss_))
    ack_due_ = true;
}

void Connection::release(ReassemblyPool& pool) {
  reassembly_.clear(pool);
  state_ = State::kFree;
}

}  // namespace myriad::tcp
