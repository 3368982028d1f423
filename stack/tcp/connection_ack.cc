// What acknowledgements say, what is lost, and what time does: RFC 6298, RFC 5681, RFC 6675, RFC 6582, RFC 8985.
#include "stack/tcp/connection.h"

namespace myriad::tcp {

using stack::Drop;
using wire::kTcpFin;
using wire::kTcpSyn;

bool Connection::on_ack(const Surroundings& around, const wire::TcpView& segment, Instant now, Outcome& outcome) {
  if (state_ == State::kSynReceived) return on_ack_of_syn(around, segment, now, outcome);
  const SeqNum ack = segment.ack();
  if (ack.after(sent_end())) {
    ++around.drops[Drop::kTcpUnacceptable];
    challenge(around, segment, now);
    return false;
  }
  if (ack.before(una_)) {
    // RFC 5961 section 5: an acknowledgement older than the largest window is not the peer's.
    if (una_.since(ack) <= max_window_) return true;
    ++around.drops[Drop::kTcpUnacceptable];
    challenge(around, segment, now);
    return false;
  }
  const std::uint32_t window = std::uint32_t{segment.window()} << send_scale_;
  // RFC 5681 section 2.
  const bool duplicate = ack == una_ && flight() > 0 && segment.payload().empty() && !segment.has(kTcpFin) &&
                         window == window_ && window != 0;
  if (ack.after(una_) || window == 0 || flight() == 0) attempts_ = 0;  // progress, or an answered probe
  set_window(segment);
  if (window_probe_out_ && ack.after(next_)) {  // the byte beyond the window was taken after all
    next_ = ack;
    window_probe_out_ = false;
  }
  if (tells_duplicate(segment)) {
    ++around.counters.dsacks_rx;
    if (Busy* const part = lent(around)) part->board.widen_reordering_window(una_, next_);
  }
  if (flight() > 0) {
    on_news(around, segment, duplicate, now, outcome);
  } else if (timer_for_ == TimerFor::kKeepAlive) {
    idle(around, now);
  }
  if (window_ > 0 && flight() == 0 && unsent() > 0) {  // whatever persist timer there was, the window is open
    if (timer_for_ == TimerFor::kPersist) disarm();
    if (probe_ == Probe::kWindow) probe_ = Probe::kNone;
    window_probe_out_ = false;
    rtt_.reset_backoff();
  }
  return true;
}

bool Connection::on_ack_of_syn(const Surroundings& around, const wire::TcpView& segment, Instant now,
                               Outcome& outcome) {
  if (!syn_sent_ || segment.ack() != una_ + 1) {
    ++around.drops[Drop::kTcpUnacceptable];
    outcome.reset_reply = true;
    return false;
  }
  established(around, segment, now, outcome);
  if (const Busy* const part = lent(around)) {  // text or a FIN came with the peer's SYN
    outcome.more_data = !part->reassembly.empty() || part->peer_fin_known;
    ack_due_ = ack_due_ || outcome.more_data;
  }
  return true;
}

// Our SYN is acknowledged.
void Connection::established(const Surroundings& around, const wire::TcpView& segment, Instant now, Outcome& outcome) {
  const auto& options = segment.options();
  if (!syn_repeated_ && timeout_.is_set()) {  // Karn, whoever asked for the second one
    const Instant sent = timeout_.instant(now) - rto(around);
    rtt_.sample(static_cast<std::uint32_t>(std::max<std::int64_t>(1, (now - sent).count() / 1000)));
  } else if (timestamps_ && options.has_timestamps && options.ts_echo != 0) {
    const std::uint32_t ms = timestamp(around, now) - options.ts_echo;
    if (ms < 60'000) rtt_.sample(ms * 1000);
  }
  rtt_.reset_backoff();
  una_ = next_;
  // RFC 6928 section 2: a handshake that lost more than one segment starts with one.
  cwnd_ = attempts_ > 1 ? send_mss_ : initial_window(around.initial_window, send_mss_);
  attempts_ = 0;
  syn_due_ = false;
  state_ = State::kEstablished;
  window_ = std::uint32_t{segment.window()} << (segment.has(kTcpSyn) ? 0 : send_scale_);  // RFC 7323 section 2.2
  max_window_ = std::max(max_window_, window_);
  window_seq_ = segment.seq();
  last_sent_ = Deadline::at(now);
  outcome.connected = true;
  idle(around, now);
}

void Connection::set_window(const wire::TcpView& segment) {
  // RFC 9293: SND.WL1 < SEG.SEQ, or equal and SND.WL2 =< SEG.ACK, which holds for all from SND.UNA on.
  if (segment.seq().before(window_seq_)) return;
  window_ = std::uint32_t{segment.window()} << send_scale_;
  max_window_ = std::max(max_window_, window_);
  window_seq_ = segment.seq();
}

void Connection::advance_una(SeqNum ack, bool& fin_acked, std::uint32_t& bytes) {
  fin_acked = fin_sent_ && ack == fin_seq() + 1;
  bytes = ack.since(una_) - (fin_acked ? 1U : 0U);
  una_ = ack;
  una_offset_ += bytes;
}

// An acknowledgement while something is on its way.
void Connection::on_news(const Surroundings& around, const wire::TcpView& segment, bool duplicate, Instant now,
                         Outcome& outcome) {
  Busy& part = busy(around);
  const std::uint32_t pipe_before = part.board.pipe(flight());
  const bool advanced = segment.ack().after(una_);
  const auto& options = segment.options();
  AckTime time{microseconds(now), std::nullopt};
  if (timestamps_ && options.has_timestamps && options.ts_echo != 0) {
    const std::uint32_t ms = timestamp(around, now) - options.ts_echo;
    if (ms < 3'600'000) time.echo_age_us = ms * 1000;
  }
  AckNews news;
  bool fin_acked = false;
  std::uint32_t bytes = 0;
  if (advanced) {
    advance_una(segment.ack(), fin_acked, bytes);
    part.board.acknowledge(una_, time, news);
  }
  if (sack_ && options.sack_count > 0) take_selective(part, segment, time, news);
  if (news.rtt_us) rtt_.sample(*news.rtt_us);
  // The path works again. (Karn kept the back-off until something was measured; with heavy loss that can be never.)
  if (advanced) rtt_.reset_backoff();
  if (advanced) part.board.forget_duplicates(part.phase == Phase::kRecovery, bytes, send_mss_);
  if (!sack_ && duplicate) part.board.count_duplicate(send_mss_);
  const Phase phase_before = part.phase;
  if (part.phase != Phase::kOpen && !una_.before(part.recover)) end_phase(part);

  std::uint32_t wait_us = 0;
  detect_losses(around, part, news, advanced, duplicate, now, wait_us);
  if (part.probing) settle_probe(around, part, news, segment.ack(), duplicate);
  if (advanced && phase_before != Phase::kRecovery && part.phase != Phase::kRecovery) {
    // What had been acknowledged selectively before does not count again.
    grow_window(around, part, std::min(bytes, news.delivered), pipe_before, phase_before == Phase::kLoss, now);
  }

  if (flight() == 0) {
    part.forced = part.probing = false;
    idle(around, now);
  } else if (wait_us > 0) {
    arm(TimerFor::kReordering, now + std::chrono::microseconds{wait_us});
  } else if (advanced || timer_for_ == TimerFor::kReordering ||
             (timer_for_ == TimerFor::kTailLossProbe && news.selective)) {
    watch(around, now);
  }
  if (una_offset_ == stream_end_ && !send_done_told_) {
    send_done_told_ = true;
    outcome.send_done = true;
  }
  if (fin_acked) on_fin_acked(around, now, outcome);
}

// RFC 2883 section 4: a first block below the acknowledgement, or within the second block.
bool Connection::tells_duplicate(const wire::TcpView& segment) const {
  const auto blocks = segment.options().sack_blocks();
  if (!sack_ || blocks.empty() || !blocks[0].right.after(blocks[0].left)) return false;
  if (!blocks[0].right.after(segment.ack())) return true;
  return blocks.size() > 1 && !blocks[0].left.before(blocks[1].left) && !blocks[0].right.after(blocks[1].right);
}

void Connection::take_selective(Busy& part, const wire::TcpView& segment, const AckTime& time, AckNews& news) {
  const auto blocks = segment.options().sack_blocks();
  news.duplicate_told = tells_duplicate(segment);
  for (const auto& [left, right] : blocks.subspan(news.duplicate_told ? 1 : 0)) {
    if (right.after(left) && !left.before(una_) && !right.after(next_)) {
      part.board.acknowledge_selectively(left, right, time, news);
    }
  }
}

void Connection::detect_losses(const Surroundings& around, Busy& part, const AckNews& news, bool advanced,
                               bool duplicate, Instant now, std::uint32_t& wait_us) {
  bool found = false;
  if (sack_ && around.personality.rack_tlp) {
    found = part.board.detect_by_time(microseconds(now), part.phase != Phase::kOpen, rtt_.srtt_us(), wait_us);
  } else if (sack_) {
    // What has arrived beyond a hole only grows by blocks that are new; a peer that repeats the old ones, or
    // acknowledges byte by byte, is not worth a walk over the window.
    found = news.selective && part.board.detect_by_sack(send_mss_);
    // Section 5 step (1): segments may be so small that three of them are not enough for IsLost().
    if (news.selective && !advanced) part.board.count_duplicate(0);
    if (part.phase == Phase::kOpen && !found && part.board.duplicates() >= kDuplicateThreshold) {
      found = part.board.lose_first();
    }
  } else if (part.phase == Phase::kRecovery) {
    found = advanced && part.board.lose_first();  // RFC 6582: the next hole
  } else if (part.phase == Phase::kOpen && duplicate && part.board.duplicates() >= kDuplicateThreshold) {
    found = part.board.lose_first();
  }
  if (found && part.phase == Phase::kOpen) enter_recovery(around, part);
}

// RFC 5681 takes the flight for the window that was in use; with SACK it also counts what has arrived beyond the holes.
std::uint32_t Connection::window_in_use() const { return sack_ ? std::min(flight(), cwnd_) : flight(); }

void Connection::enter_recovery(const Surroundings& around, Busy& part) {
  part.phase = Phase::kRecovery;
  part.recover = next_;
  part.forced = true;
  part.probing = false;
  part.control.on_loss(around.congestion, cwnd_, window_in_use(), send_mss_);
  ++around.counters.fast_retransmits;
}

void Connection::end_phase(Busy& part) {
  if (part.phase == Phase::kRecovery) {
    part.board.recovered();
    // RFC 6582 section 3.2 step 3, first option: no burst.
    if (!sack_) cwnd_ = std::min(cwnd_, std::max(flight(), std::uint32_t{send_mss_}) + send_mss_);
  }
  part.phase = Phase::kOpen;
  part.forced = false;
}

// RFC 8985 section 7.4: what a tail loss probe has shown.
void Connection::settle_probe(const Surroundings& around, Busy& part, const AckNews& news, SeqNum ack, bool duplicate) {
  if (part.phase != Phase::kOpen) {
    part.probing = false;
    return;
  }
  if (ack.before(part.probe_end)) return;
  if (!part.probe_again || news.duplicate_told) {
    part.probing = false;  // it was new data, or nothing was lost
  } else if (ack.after(part.probe_end)) {
    part.probing = false;  // the probe repaired a loss that nothing else has told
    part.control.on_loss(around.congestion, cwnd_, window_in_use(), send_mss_);
  } else if (duplicate && !news.selective) {
    part.probing = false;
  }
}

void Connection::grow_window(const Surroundings& around, Busy& part, std::uint32_t bytes, std::uint32_t pipe_before,
                             bool after_timeout, Instant now) {
  // RFC 7661 section 4: only a sender whom the congestion window held back learns that more would do.
  const bool slow_start = cwnd_ < part.control.threshold();
  const bool limited = slow_start ? pipe_before > cwnd_ / 2 : pipe_before + send_mss_ > cwnd_;
  if (limited) {
    part.control.on_ack(around.congestion, cwnd_, bytes, send_mss_, after_timeout, now,
                        std::chrono::microseconds{rtt_.srtt_us()});
  } else {
    part.control.on_limited();
  }
}

void Connection::on_fin_acked(const Surroundings& around, Instant now, Outcome& outcome) {
  switch (state_) {
    case State::kFinWait1:
      state_ = State::kFinWait2;
      arm(TimerFor::kState, now + around.personality.fin_wait2);
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

Outcome Connection::on_timer(const Surroundings& around, Instant now) {
  Outcome outcome;
  if (ack_timeout_.passed(now)) {
    ack_timeout_ = {};
    ack_due_ = true;
  }
  if (!timeout_.passed(now)) return outcome;
  disarm();
  switch (timer_for_) {
    case TimerFor::kState:
      on_state_timeout(outcome);
      break;
    case TimerFor::kKeepAlive:
      on_keep_alive(around, now, outcome);
      break;
    case TimerFor::kReordering: {
      std::uint32_t wait_us = 0;
      detect_losses(around, busy(around), {}, false, false, now, wait_us);
      wait_us > 0 ? arm(TimerFor::kReordering, now + std::chrono::microseconds{wait_us}) : watch(around, now);
      break;
    }
    case TimerFor::kTailLossProbe:
      if (flight() > 0) probe_ = Probe::kTail;
      break;
    case TimerFor::kPersist:
      if (give_up(around, outcome)) break;
      rtt_.back_off();
      probe_ = Probe::kWindow;
      break;
    case TimerFor::kRetransmit:
      if (!give_up(around, outcome)) on_retransmission_timeout(around);
      break;
  }
  return outcome;
}

// One more try failed. True: that was the last.
bool Connection::give_up(const Surroundings& around, Outcome& outcome) {
  const bool handshake = state_ == State::kSynSent || state_ == State::kSynReceived;
  const std::uint8_t most = !handshake ? around.personality.retries
                            : passive  ? around.personality.syn_ack_retries
                                       : around.personality.syn_retries;
  if (attempts_ < 255) ++attempts_;
  if (attempts_ <= most) return false;
  outcome.failed = unreachable_seen_ ? FailReason::kUnreachable
                   : handshake       ? FailReason::kConnectTimeout
                                     : FailReason::kTransmitTimeout;
  return true;
}

void Connection::on_retransmission_timeout(const Surroundings& around) {
  ++around.counters.rto;
  rtt_.back_off();
  if (state_ == State::kSynSent || state_ == State::kSynReceived) {
    syn_due_ = true;
    return;
  }
  if (flight() == 0) return;
  Busy& part = busy(around);
  if (part.board.reneged()) part.board.forget_sacks();  // RFC 2018 section 8
  part.control.on_timeout(around.congestion, cwnd_, window_in_use(), send_mss_, attempts_ == 1);
  part.board.lose_all();
  part.phase = Phase::kLoss;
  part.recover = next_;
  part.forced = true;
  part.probing = false;
}

void Connection::on_state_timeout(Outcome& outcome) {
  if (state_ == State::kTimeWait) {
    outcome.closed = true;
  } else {  // FIN-WAIT-2: the peer has vanished without closing
    outcome.failed = FailReason::kCloseTimeout;
  }
  state_ = State::kFree;
}

void Connection::on_keep_alive(const Surroundings& around, Instant now, Outcome& outcome) {
  if (attempts_ >= around.personality.keep_alive_probes) {
    outcome.failed = FailReason::kTransmitTimeout;
    return;
  }
  ++attempts_;
  probe_ = Probe::kKeepAlive;
  arm(TimerFor::kKeepAlive, now + around.personality.keep_alive_interval);
}

Outcome Connection::on_unreachable(SeqNum seq, bool hard) {
  Outcome outcome;
  if (!seq.within(una_, std::max<std::uint32_t>(sent_end().since(una_), 1))) return outcome;  // RFC 5927 section 4.1
  unreachable_seen_ = true;
  // RFC 5927 section 5.2: an established connection does not believe it.
  if (hard && state_ == State::kSynSent) outcome.failed = FailReason::kUnreachable;
  return outcome;
}

void Connection::on_path_mtu(const Surroundings& around, SeqNum seq, std::uint16_t mss) {
  if (!is_synchronized(state_) || !seq.within(una_, flight())) return;
  const std::uint16_t floor = remote.is_v6() ? kDefaultMssV6 : kDefaultMssV4;
  std::uint16_t effective = std::max(mss, floor);
  if (timestamps_) effective = static_cast<std::uint16_t>(effective - kTimestampBytes);
  if (effective >= send_mss_) return;
  send_mss_ = effective;
  // RFC 1191 section 6.4: send again at once, without calling it congestion.
  Busy& part = busy(around);
  part.board.lose_longer_than(effective);
  if (part.board.lost_bytes() > 0) part.forced = true;
}

}  // namespace myriad::tcp
