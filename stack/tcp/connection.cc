// What arrives: RFC 9293 section 3.10.7 in its order. What acknowledgements say is in connection_ack.cc.
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

// Units of 2^20 ns, never 0.
std::uint16_t coarse(Instant now) { return static_cast<std::uint16_t>((now.ns >> 20) | 1); }
constexpr std::uint16_t kChallengeEvery = 94;  // just under 100 ms: window probes of kernels come 200 ms apart and more

}  // namespace

Busy& Connection::busy(const Surroundings& around) {
  if (busy_ == BusyPool::kNone) {
    busy_ = around.busy.take();
    around.busy[busy_].board.restart(next_);
    around.busy[busy_].board.set_min_rtt(rtt_.srtt_us());
  }
  return around.busy[busy_];
}

void Connection::give_back(const Surroundings& around) {
  around.busy.give_back(busy_);
  busy_ = BusyPool::kNone;
}

void Connection::release(const Surroundings& around) {
  state_ = State::kFree;
  if (busy_ == BusyPool::kNone) return;
  around.busy[busy_].reassembly.clear(around.pool);
  give_back(around);
}

std::uint32_t Connection::window_offered(const Surroundings& around) const {
  const Busy* const lent_part = lent(around);
  const std::uint32_t held = lent_part == nullptr ? 0 : lent_part->held;
  return around.personality.receive_window - std::min(held, around.personality.receive_window);
}

void Connection::open(const Surroundings& around, SeqNum iss) {
  state_ = State::kSynSent;
  una_ = next_ = iss;
  syn_due_ = true;
  receive_scale_ = around.personality.window_scale.value_or(0) & 15;
}

void Connection::accept(const Surroundings& around, const wire::TcpView& syn, SeqNum iss) {
  state_ = State::kSynReceived;
  passive = true;
  una_ = next_ = iss;
  negotiate(around, syn);
  syn_due_ = true;
  ++around.counters.segments_rx;
}

// Takes in the peer's SYN or SYN-ACK.
void Connection::negotiate(const Surroundings& around, const wire::TcpView& syn) {
  const Negotiated agreed = tcp::negotiate(around.personality, syn.options(), around.link_mss, remote.is_v6());
  send_mss_ = agreed.send_mss;
  send_scale_ = agreed.send_scale & 15;
  receive_scale_ = agreed.receive_scale & 15;
  scaling_ = agreed.extensions.window_scaling;
  timestamps_ = agreed.extensions.timestamps;
  sack_ = agreed.extensions.sack;
  ts_recent_ = syn.options().ts_value;
  receive_next_ = last_ack_sent_ = syn.seq() + 1;
  receive_edge_ = receive_next_ + std::min<std::uint32_t>(around.personality.receive_window, 65535);
  window_ = max_window_ = syn.window();  // never scaled in a SYN: RFC 7323 section 2.2
  window_seq_ = syn.seq();
}

void Connection::challenge(const Surroundings& around, const wire::TcpView& segment, Instant now) {
  if (segment.sequence_length() == 0 || segment.has(kTcpSyn)) {
    const std::uint16_t at = coarse(now);
    if (challenged_ != 0 && static_cast<std::uint16_t>(at - challenged_) < kChallengeEvery) return;
    challenged_ = at;
    ++around.counters.challenge_acks_tx;
  }
  fin_stays_ = segment.has(kTcpSyn) || segment.has(kTcpRst);
  ack_due_ = true;
}

void Connection::on_segment(const Surroundings& around, const wire::TcpView& segment, Instant now, Outcome& outcome) {
  ++around.counters.segments_rx;
  if (state_ == State::kSynSent) return on_segment_syn_sent(around, segment, now, outcome);

  const std::uint8_t flags = segment.flags();
  const auto& options = segment.options();
  // RFC 7323 section 5.3 R1: an old duplicate by its timestamp.
  if (timestamps_ && options.has_timestamps && (flags & (kTcpRst | kTcpSyn)) == 0 &&
      timestamp_before(options.ts_value, ts_recent_)) {
    ++around.drops[Drop::kTcpUnacceptable];
    if (!segment.payload().empty()) ++around.counters.duplicate_rx;
    challenge(around, segment, now);
    return;
  }
  // A SYN may open a new incarnation, or be our peer's first one again.
  if ((flags & (kTcpSyn | kTcpRst | kTcpAck)) == kTcpSyn && in_place_of_syn(around, segment, outcome)) return;

  // Simultaneous open: the peer's SYN-ACK repeats the SYN we have, and its acknowledgement completes the handshake (RFC
  // 9293 section 3.5, figure 8). By its number alone it would be old.
  const bool crossed = state_ == State::kSynReceived &&
                       (flags & (kTcpSyn | kTcpRst | kTcpAck)) == (kTcpSyn | kTcpAck) &&
                       segment.seq() + 1 == receive_next_;
  if (crossed) ack_due_ = true;
  if (!crossed && !acceptable(segment)) {
    on_unacceptable(around, segment, now);
    return;
  }
  if ((flags & kTcpRst) != 0) {
    on_reset(around, segment, now, outcome);
    return;
  }
  if ((flags & kTcpSyn) != 0 && !crossed) {  // RFC 5961 section 4: challenge
    ++around.drops[Drop::kTcpBadFlags];
    challenge(around, segment, now);
    return;
  }
  if ((flags & kTcpAck) == 0) {
    ++around.drops[Drop::kTcpBadFlags];
    return;
  }
  if (timestamps_ && options.has_timestamps && !segment.seq().after(last_ack_sent_)) {
    ts_recent_ = options.ts_value;  // RFC 7323 section 4.3 (2)
  }
  if (state_ == State::kTimeWait) {
    on_time_wait(around, segment, now);
    return;
  }
  if (!on_ack(around, segment, now, outcome)) return;
  if (state_ == State::kFinWait2) arm(TimerFor::kState, now + around.personality.fin_wait2);  // it is alive
  if (may_receive(state_)) {
    on_text(around, segment, now, outcome);
  } else if (!segment.payload().empty() && state_ >= State::kCloseWait) {
    ++around.counters.duplicate_rx;  // behind its FIN there is nothing new
  }
}

void Connection::on_segment_syn_sent(const Surroundings& around, const wire::TcpView& segment, Instant now,
                                     Outcome& outcome) {
  const std::uint8_t flags = segment.flags();
  const bool has_ack = (flags & kTcpAck) != 0;
  const bool ack_good = has_ack && segment.ack() == next_ && syn_sent_;
  if (has_ack && !ack_good) {
    ++around.drops[Drop::kTcpUnacceptable];
    outcome.reset_reply = (flags & kTcpRst) == 0;
    return;
  }
  if ((flags & kTcpRst) != 0) {
    if (ack_good) {
      ++around.counters.resets_rx;
      outcome.failed = FailReason::kRefused;
    } else {
      ++around.drops[Drop::kTcpUnacceptable];
    }
    return;
  }
  if ((flags & kTcpSyn) == 0) {
    ++around.drops[Drop::kTcpBadFlags];
    return;
  }
  negotiate(around, segment);
  if (!has_ack) {  // simultaneous open, RFC 9293 section 3.5 figure 8
    state_ = State::kSynReceived;
    syn_due_ = true;
    disarm();
    keep_text_of_syn(around, segment);
    return;
  }
  established(around, segment, now, outcome);
  ack_due_ = true;
  // RFC 9293 3.10.7.3: controls and text that came with the SYN are processed as in the established state.
  if (!segment.payload().empty() || (flags & kTcpFin) != 0) on_text(around, segment, now, outcome);
}

// A SYN without ACK: true if it has been dealt with.
bool Connection::in_place_of_syn(const Surroundings& around, const wire::TcpView& segment, Outcome& outcome) {
  if (state_ == State::kSynReceived && segment.seq() + 1 == receive_next_) {  // the peer has not seen our SYN-ACK
    ++around.counters.duplicate_rx;
    syn_due_ = true;
    return true;
  }
  // RFC 9293 MAY-2 and RFC 6191: a new incarnation whose numbers lie beyond the old one's.
  const auto& options = segment.options();
  const bool newer = segment.seq().after(receive_next_) ||
                     (timestamps_ && options.has_timestamps && timestamp_before(ts_recent_, options.ts_value));
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

void Connection::on_unacceptable(const Surroundings& around, const wire::TcpView& segment, Instant now) {
  ++around.drops[Drop::kTcpUnacceptable];
  const auto bytes = static_cast<std::uint32_t>(segment.payload().size());
  if (bytes > 0) ++around.counters.duplicate_rx;
  if (segment.has(kTcpRst)) return;
  if (bytes > 0 && (segment.seq() + bytes - 1).before(receive_next_)) {
    note_duplicate(around, segment.seq(), segment.seq() + bytes);
  }
  challenge(around, segment, now);
  // What is sent again is a sign of life: our acknowledgement was lost.
  if (state_ == State::kTimeWait && segment.has(kTcpFin)) arm(TimerFor::kState, now + around.personality.time_wait);
  if (state_ == State::kFinWait2 && bytes > 0) arm(TimerFor::kState, now + around.personality.fin_wait2);
}

// RFC 9293 section 3.10.7.4: the peer's FIN again begins the time anew. All but the acknowledgement that closed the
// connection is answered with where we are.
void Connection::on_time_wait(const Surroundings& around, const wire::TcpView& segment, Instant now) {
  if (segment.has(kTcpFin)) arm(TimerFor::kState, now + around.personality.time_wait);
  if (segment.sequence_length() == 0 && segment.seq() == receive_next_ && segment.ack() == next_) return;
  challenge(around, segment, now);
}

void Connection::on_reset(const Surroundings& around, const wire::TcpView& segment, Instant now, Outcome& outcome) {
  if (segment.seq() != receive_next_) {  // RFC 5961 section 3: in the window but not exact
    ++around.drops[Drop::kTcpUnacceptable];
    challenge(around, segment, now);
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
      outcome.failed = data_came_ ? FailReason::kResetAfterData : FailReason::kReset;
  }
}

// RFC 2883: the next acknowledgement says first what has come twice. An empty range is nothing.
void Connection::note_duplicate(const Surroundings& around, SeqNum left, SeqNum right) {
  if (!sack_ || !right.after(left)) return;
  Busy& part = busy(around);
  part.duplicate_left = left;
  part.duplicate_right = right;
  part.duplicate_due = true;
}

void Connection::on_text(const Surroundings& around, const wire::TcpView& segment, Instant now, Outcome& outcome) {
  SeqNum seq = segment.seq() + (segment.has(kTcpSyn) ? 1U : 0U);
  Bytes data = segment.payload();
  bool fin = segment.has(kTcpFin);
  if (data.empty() && !fin) return;
  const bool had_data = !data.empty();
  if (had_data && seq.before(receive_next_)) {
    const std::size_t known = std::min<std::size_t>(receive_next_.since(seq), data.size());
    note_duplicate(around, seq, seq + static_cast<std::uint32_t>(known));
    data = data.subspan(known);
    seq += static_cast<std::uint32_t>(known);
  }
  const std::uint32_t room = seq.before(receive_edge_) ? receive_edge_.since(seq) : 0;
  if (data.size() > room) {
    data = data.first(room);
    fin = false;  // it lies beyond the window
    ack_due_ = true;
  }
  const bool fin_in_turn = fin && seq == receive_next_;
  if (fin && !fin_in_turn) {
    Busy& ahead = busy(around);
    ahead.peer_fin = seq + static_cast<std::uint32_t>(data.size());
    ahead.peer_fin_known = true;
    ack_due_ = true;
  }
  Busy* const part = lent(around);
  if (data.empty()) {
    if (had_data) {
      ++around.counters.duplicate_rx;
      ack_due_ = true;
    }
  } else if (seq == receive_next_) {
    outcome.data = data;
    received(static_cast<std::uint32_t>(data.size()));
    outcome.more_data = part != nullptr && !part->reassembly.empty();
    // RFC 5681 section 4.2: at once when a gap is filled, else each second segment, else within the delay.
    if (outcome.more_data || unacked_segments_ == 1 || around.personality.delayed_ack == Duration::zero()) {
      ack_due_ = true;
    } else if (!ack_timeout_.is_set()) {
      unacked_segments_ = 1;
      ack_timeout_ = Deadline::at(now + around.personality.delayed_ack);
    }
  } else {
    on_text_ahead(around, seq, data);
  }
  if (fin_in_turn) return on_fin(around, now, outcome);
  if (part != nullptr && part->peer_fin_known && !outcome.more_data && receive_next_ == part->peer_fin) {
    on_fin(around, now, outcome);
  }
}

// RFC 9293 section 3.10.7.3: it waits until the connection is established, and is acknowledged then. Only where the SYN
// crosses ours: strangers who call shall not fill the pool.
void Connection::keep_text_of_syn(const Surroundings& around, const wire::TcpView& segment) {
  const Bytes text = segment.payload();
  const std::uint32_t room = receive_edge_.since(receive_next_);
  const bool fits = text.size() <= room;
  Reassembly::Range again;
  if (!text.empty() && busy(around).reassembly.insert(around.pool, receive_next_, fits ? text : text.first(room),
                                                      again) == Reassembly::Insert::kNoRoom) {
    ++around.drops[Drop::kTcpNoRoom];
  }
  if (fits && segment.has(kTcpFin)) {
    Busy& part = busy(around);
    part.peer_fin = receive_next_ + static_cast<std::uint32_t>(text.size());
    part.peer_fin_known = true;
  }
}

void Connection::on_text_ahead(const Surroundings& around, SeqNum seq, Bytes data) {
  ++around.counters.out_of_order_rx;
  ack_due_ = true;
  Reassembly::Range again;
  const auto done = busy(around).reassembly.insert(around.pool, seq, data, again);
  note_duplicate(around, again.left, again.right);
  switch (done) {
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

Bytes Connection::take_reassembled(const Surroundings& around, Instant now, Outcome& outcome) {
  Busy& part = busy(around);
  Bytes data;
  Reassembly::Range again;
  const bool more = part.reassembly.pop(around.pool, receive_next_, data, again);
  if (!part.duplicate_due) note_duplicate(around, again.left, again.right);
  if (more) {
    received(static_cast<std::uint32_t>(data.size()));
    return data;
  }
  outcome.more_data = false;
  if (part.peer_fin_known && receive_next_ == part.peer_fin && may_receive(state_)) on_fin(around, now, outcome);
  return {};
}

void Connection::on_fin(const Surroundings& around, Instant now, Outcome& outcome) {
  if (Busy* const part = lent(around)) {
    part->peer_fin_known = part->duplicate_due = false;
    part->reassembly.clear(around.pool);  // behind a FIN there is nothing
  }
  outcome.more_data = false;
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
  arm(TimerFor::kState, now + around.personality.time_wait);
  outcome.time_wait = true;
}

void Connection::hold_receive(const Surroundings& around, std::uint32_t unread_bytes) {
  const std::uint32_t before = window_offered(around);
  if (unread_bytes > 0 || busy_ != BusyPool::kNone) {
    busy(around).held = std::min(unread_bytes, around.personality.receive_window);
  }
  const std::uint32_t open = std::min(window_offered(around), 65535U << receive_scale_);
  if (open <= before) return;  // no more room than before
  const std::uint32_t told = receive_edge_.since(receive_next_);
  // RFC 9293 section 3.8.6.2.2: tell of more room only when it is worth it.
  if (open > told &&
      open - told >= std::min<std::uint32_t>(around.personality.receive_window / 2, 2U * around.link_mss)) {
    ack_due_ = true;
  }
}

}  // namespace myriad::tcp
