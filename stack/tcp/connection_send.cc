// What is sent, and when: handshake, what was lost, new data within the windows, probes, FIN, acknowledgements.
#include <algorithm>

#include "stack/tcp/connection.h"

namespace myriad::tcp {

using wire::kTcpAck;
using wire::kTcpFin;
using wire::kTcpPsh;
using wire::kTcpRst;
using wire::kTcpSyn;

namespace {

// RFC 8985 section 7.2. The receiver of a single segment may delay its acknowledgement for up to this long. And no
// probe comes sooner than a Linux peer acknowledges whose application is slow to read (40 ms): a retransmission that
// nobody needed would look like a fault of the network.
constexpr Duration kPeersDelayedAck = std::chrono::milliseconds{200};
constexpr Duration kSoonestProbe = std::chrono::milliseconds{50};
constexpr std::uint32_t kShortPathMicroseconds = 5000;
// RFC 6298 (5.7), for a connection whose SYN had to be repeated and that has measured nothing.
constexpr Duration kDoubtfulTimeout = std::chrono::seconds{3};

}  // namespace

bool Connection::next(const Surroundings& around, Instant now, Segment& segment) {
  switch (state_) {
    case State::kFree:
      return false;
    case State::kAborting:
      bare_segment(around, kTcpRst | kTcpAck, now, segment);
      state_ = State::kFree;
      ++around.counters.resets_tx;
      return true;
    case State::kSynSent:
      return next_handshake(around, now, segment);
    case State::kSynReceived:
      if (next_handshake(around, now, segment)) return true;
      break;
    default:
      if (next_data(around, now, segment)) return true;
      if (ack_timeout_.is_set() && peer_is_cramped(around)) ack_due_ = true;
  }
  if (!ack_due_) return false;
  bare_segment(around, kTcpAck, now, segment);
  return true;
}

bool Connection::has_more(const Surroundings& around) const {
  switch (state_) {
    case State::kFree:
      return false;
    case State::kAborting:
      return true;
    case State::kSynSent:
      return syn_due_;
    case State::kSynReceived:
      return syn_due_ || ack_due_;
    default:
      return ack_due_ || probe_ != Probe::kNone || resendable(around) || sendable(around) > 0 ||
             (finish_asked_ && !fin_sent_ && unsent() == 0 && fin_may_go(0));
  }
}

bool Connection::next_handshake(const Surroundings& around, Instant now, Segment& segment) {
  if (!syn_due_) return false;
  syn_due_ = false;
  const bool answer = state_ == State::kSynReceived;
  const Extensions extensions = answer ? Extensions{scaling_, timestamps_, sack_} : offer(around.personality);
  wire::TcpRepr& header = segment.header;
  header.seq = una_;
  header.flags = kTcpSyn;
  header.window = static_cast<std::uint16_t>(std::min<std::uint32_t>(window_offered(around), 65535));
  put_syn_options(around.personality, around.link_mss, extensions, header.options);
  if (header.options.has_timestamps) {
    header.options.ts_value = timestamp(around, now);
    header.options.ts_echo = answer ? ts_recent_ : 0;
  }
  if (answer) {
    header.flags |= kTcpAck;
    header.ack = receive_next_;
    last_ack_sent_ = receive_next_;
    ack_due_ = false;
  }
  if (syn_sent_) {
    ++around.counters.retransmits;
    syn_repeated_ = true;
  }
  syn_sent_ = true;
  next_ = una_ + 1;
  arm_retransmit(around, now);
  ++around.counters.segments_tx;
  return true;
}

// How many bytes of new data may go out in the next segment: window, congestion window, Nagle and silly window
// avoidance (RFC 9293 sections 3.8.6.2.1 and 3.7.4).
std::uint32_t Connection::sendable(const Surroundings& around) const {
  const std::uint64_t waiting = unsent();
  if (waiting == 0) return 0;
  const Busy* const part = lent(around);
  const std::uint32_t out = flight();
  const std::uint32_t pipe = part == nullptr ? out : part->board.pipe(out);
  if (window_ <= out || cwnd_ <= pipe || (part != nullptr && part->board.full())) return 0;
  const std::uint32_t mss = send_mss_;
  const std::uint32_t allowed = std::min(window_ - out, cwnd_ - pipe);
  const auto length = static_cast<std::uint32_t>(std::min<std::uint64_t>({allowed, waiting, mss}));
  if (length == mss) return length;
  if (length == waiting) {
    // Nagle as kernels have it (Minshall): only one segment that is not full may be on its way, so that the tail of a
    // long write does not wait.
    const bool small_out = out > 0 && part != nullptr && part->small_end.after(una_);
    const bool may_go = !small_out || !around.personality.nagle || no_delay_ || finish_asked_;
    return may_go ? length : 0;
  }
  // Cut by a window: worth sending only if it is a good part of what the peer ever offered.
  return out == 0 && length >= max_window_ / 2 ? length : 0;
}

// The FIN takes a place in the peer's window, but with nothing in flight it may serve as the probe.
bool Connection::fin_may_go(std::uint32_t length) const {
  return flight() + length < window_ || flight() + length == 0;
}

// What is lost and may go out again now, of sequence space; nothing: it has to wait, or there is nothing.
std::optional<Scoreboard::Again> Connection::resendable(const Surroundings& around) const {
  Busy* const part = lent(around);
  if (part == nullptr || part->board.lost_bytes() == 0) return std::nullopt;
  const auto lost = part->board.first_lost(send_mss_ + 1U);  // perhaps with a FIN
  const bool fin = fin_sent_ && lost.seq + lost.length == fin_seq() + 1;
  const std::uint32_t ahead = lost.seq.since(una_);
  const bool in_window = ahead < window_;
  if (!in_window && !(part->forced && ahead == 0)) return std::nullopt;
  const std::uint32_t room = in_window ? window_ - ahead : 1;
  const std::uint32_t length = std::min({lost.length - (fin ? 1U : 0U), room, std::uint32_t{send_mss_}});
  if (!part->forced && part->board.pipe(flight()) + length > cwnd_) return std::nullopt;
  const bool whole = fin && length + 1 == lost.length;
  return Scoreboard::Again{lost.seq, length + (whole ? 1U : 0U)};
}

bool Connection::next_again(const Surroundings& around, Instant now, Segment& segment) {
  if (const Busy* const part = lent(around); part == nullptr || part->board.lost_bytes() == 0) return false;
  const auto lost = resendable(around);
  if (!lost) return false;
  Busy& part = busy(around);
  part.forced = false;
  send_again(around, part, *lost, now, segment);
  const bool waiting = timeout_.is_set() && timer_for_ == TimerFor::kReordering;
  if (!waiting && (lost->seq == una_ || !timeout_.is_set())) arm_retransmit(around, now);
  return true;
}

void Connection::send_again(const Surroundings& around, Busy& part, const Scoreboard::Again& what, Instant now,
                            Segment& segment) {
  const bool fin = fin_sent_ && what.seq + what.length == fin_seq() + 1;
  data_segment(around, what.seq, what.length - (fin ? 1U : 0U), fin, now, segment);
  part.board.sent_again(what.seq, what.length, microseconds(now));
  ++around.counters.retransmits;
}

void Connection::send_new(const Surroundings& around, std::uint32_t length, bool fin, Instant now, Segment& segment) {
  Busy& part = busy(around);
  if (flight() == 0) {
    part.board.restart(next_);
    part.small_end = next_;
  }
  if (length < send_mss_) part.small_end = next_ + length;
  if (fin) {
    fin_sent_ = true;
    state_ = state_ == State::kCloseWait ? State::kLastAck : State::kFinWait1;
  }
  data_segment(around, next_, length, fin, now, segment);
  next_ += length + (fin ? 1U : 0U);
  part.board.sent(next_, microseconds(now));
  window_probe_out_ = false;
  last_sent_ = Deadline::at(now);
}

bool Connection::next_data(const Surroundings& around, Instant now, Segment& segment) {
  if (next_again(around, now, segment)) return true;
  if (flight() == 0 && cwnd_ > send_mss_) restart_after_idle(around, now);
  const std::uint32_t length = sendable(around);
  if (probe_ != Probe::kNone) {
    const Probe probe = probe_;
    probe_ = Probe::kNone;
    if (next_probe(around, probe, length, now, segment)) return true;
  }
  const bool fin = finish_asked_ && !fin_sent_ && unsent() == length && fin_may_go(length);
  if (length == 0 && !fin) {
    // Something waits and nothing is in flight that could open the window: probe it in time.
    if (unsent() > 0 && flight() == 0 && !(timeout_.is_set() && timer_for_ == TimerFor::kPersist)) {
      arm(TimerFor::kPersist, now + rto(around));
    }
    return false;
  }
  const bool first = flight() == 0;
  send_new(around, length, fin, now, segment);
  // RFC 6298 (5.1), RFC 8985 section 7.2.
  if (first || !timeout_.is_set()) {
    watch(around, now);
  } else if (timer_for_ == TimerFor::kTailLossProbe || timer_for_ == TimerFor::kRetransmit) {
    if (const auto delay = probe_delay(around)) arm(TimerFor::kTailLossProbe, now + *delay);
  }
  return true;
}

// RFC 5681 section 4.1.
void Connection::restart_after_idle(const Surroundings& around, Instant now) {
  const std::uint32_t start = initial_window(around.initial_window, send_mss_);
  if (cwnd_ > start && now - last_sent_.instant(now) > rto(around)) cwnd_ = start;
}

// False: there is nothing to probe any more.
bool Connection::next_probe(const Surroundings& around, Probe probe, std::uint32_t sendable, Instant now,
                            Segment& segment) {
  if (probe == Probe::kKeepAlive) {
    if (flight() > 0 || sendable > 0) return false;
    bare_segment(around, kTcpAck, now, segment);
    segment.header.seq = una_ - 1;  // RFC 9293 section 3.8.4: a number that the peer has to answer
    ++around.counters.keep_alives_tx;
    return true;
  }
  if (probe == Probe::kTail) return flight() > 0 && next_tail_probe(around, now, segment);
  if (sendable > 0 || flight() > 0 || unsent() == 0) return false;
  ++around.counters.zero_window_probes_tx;
  if (window_ > 0) {  // RFC 9293 section 3.8.6.2.1: silly or not, it has waited long enough
    const auto length = static_cast<std::uint32_t>(std::min<std::uint64_t>({unsent(), window_, send_mss_}));
    send_new(around, length, false, now, segment);
    arm_retransmit(around, now);
    return true;
  }
  data_segment(around, next_, 1, false, now, segment);
  // It may be taken or not: SND.NXT stays, the acknowledgement decides.
  window_probe_out_ = true;
  arm(TimerFor::kPersist, now + rto(around));
  return true;
}

// RFC 8985 section 7.3: new data if there is some, else the last segment again.
bool Connection::next_tail_probe(const Surroundings& around, Instant now, Segment& segment) {
  Busy& part = busy(around);
  const std::uint32_t room = window_ > flight() ? window_ - flight() : 0;
  const auto length = static_cast<std::uint32_t>(std::min<std::uint64_t>({unsent(), room, send_mss_}));
  part.probe_again = length == 0 || part.board.full();
  if (!part.probe_again) {
    send_new(around, length, false, now, segment);
  } else {
    send_again(around, part, *part.board.last(), now, segment);
  }
  part.probing = true;
  part.probe_end = next_;
  ++around.counters.tail_loss_probes_tx;
  arm_retransmit(around, now);
  return true;
}

void Connection::data_segment(const Surroundings& around, SeqNum seq, std::uint32_t length, bool fin, Instant now,
                              Segment& segment) {
  wire::TcpRepr& header = segment.header;
  header.seq = seq;
  header.flags = kTcpAck;
  segment.length = length;
  segment.offset = offset_of(seq);
  if (length > 0 && segment.offset + length == stream_end_) header.flags |= kTcpPsh;  // RFC 9293 MUST-60
  if (fin) header.flags |= kTcpFin;
  acknowledge(around, segment, now);
  if (length + 4 + 8 * Reassembly::kRanges <= send_mss_) put_sacks(around, segment);
}

// Without data. Its number is the highest that the peer can take: SND.NXT, or the end of its window if that has shrunk.
void Connection::bare_segment(const Surroundings& around, std::uint8_t flags, Instant now, Segment& segment) {
  segment.header.seq = fin_sent_ || state_ == State::kSynReceived ? next_ : una_ + std::min(flight(), window_);
  segment.header.flags = flags;
  segment.length = 0;
  const bool repeat = around.personality.repeat_fin && !fin_stays_;
  fin_stays_ = false;
  if (repeat && fin_sent_ && (flags & kTcpRst) == 0 &&
      (state_ == State::kFinWait1 || state_ == State::kClosing || state_ == State::kLastAck)) {
    segment.header.seq = next_ - 1;
    segment.header.flags |= kTcpFin;
  }
  acknowledge(around, segment, now);
  if ((flags & kTcpRst) == 0) put_sacks(around, segment);
}

// What has come twice first (RFC 2883), then what is held, the latest first (RFC 2018 section 4).
void Connection::put_sacks(const Surroundings& around, Segment& segment) {
  Busy* const part = lent(around);
  if (!sack_ || part == nullptr) return;
  wire::TcpOptions& options = segment.header.options;
  const std::size_t room = options.has_timestamps ? 3 : 4;  // in 40 bytes of options
  const auto put = [&](SeqNum left, SeqNum right) {
    if (options.sack_count < room) options.sack[options.sack_count++] = {left, right};
  };
  if (part->duplicate_due) put(part->duplicate_left, part->duplicate_right);
  part->duplicate_due = false;
  if (!is_synchronized(state_)) return;  // what waits for the end of the handshake is not beyond a gap
  for (const auto& [left, right] : part->reassembly.ranges()) put(left, right);
}

// Fills in what every segment after the handshake carries.
void Connection::acknowledge(const Surroundings& around, Segment& segment, Instant now) {
  wire::TcpRepr& header = segment.header;
  header.ack = receive_next_;
  header.window = window_field(around);
  header.options.clear();
  if (timestamps_) {
    header.options.has_timestamps = true;
    header.options.ts_value = timestamp(around, now);
    header.options.ts_echo = ts_recent_;
  }
  last_ack_sent_ = receive_next_;
  ack_due_ = false;
  ack_timeout_ = {};
  unacked_segments_ = 0;
  ++around.counters.segments_tx;
}

// The window to advertise. The right edge never moves left (RFC 9293 section 3.8.6), and it moves right only by
// worthwhile steps (section 3.8.6.2.2).
std::uint16_t Connection::window_field(const Surroundings& around) {
  const std::uint32_t open = window_offered(around);
  const std::uint32_t told = receive_edge_.since(receive_next_);
  const std::uint32_t step = std::min<std::uint32_t>(around.personality.receive_window / 2, around.link_mss);
  std::uint32_t window = open >= told + step ? open : told;
  const std::uint32_t unit = 1U << receive_scale_;
  window = std::min((window + unit - 1) / unit, 65535U);
  receive_edge_ = later_of(receive_edge_, receive_next_ + window * unit);
  return static_cast<std::uint16_t>(window);
}

// The peer has no room for another full segment until it hears that there is more: a delayed acknowledgement would cost
// a round trip and the delay for each segment.
bool Connection::peer_is_cramped(const Surroundings& around) const {
  const std::uint32_t told = receive_edge_.since(receive_next_);
  return told < around.link_mss && window_offered(around) > 2 * told;
}

Duration Connection::rto(const Surroundings& around) const {
  const Duration measured = rtt_.rto(around.personality);
  return syn_repeated_ && !rtt_.known() && is_synchronized(state_) ? std::max(measured, kDoubtfulTimeout) : measured;
}

void Connection::watch(const Surroundings& around, Instant now) {
  const Busy* const part = lent(around);
  if (part == nullptr || part->board.empty()) return idle(around, now);
  if (const auto delay = probe_delay(around)) return arm(TimerFor::kTailLossProbe, now + *delay);
  arm_retransmit(around, now);
}

std::optional<Duration> Connection::probe_delay(const Surroundings& around) const {
  const Busy* const part = lent(around);
  if (!sack_ || !around.personality.rack_tlp || !rtt_.known() || attempts_ != 0 || part->probing ||
      part->phase != Phase::kOpen || part->board.sacked_bytes() != 0 || part->board.lost_bytes() != 0) {
    return std::nullopt;
  }
  Duration delay = std::chrono::microseconds{2 * std::uint64_t{rtt_.srtt_us()}};
  if (rtt_.srtt_us() < kShortPathMicroseconds) delay = kSoonestProbe;
  if (part->board.segments() == 1) delay += kPeersDelayedAck;
  return delay < rto(around) ? std::optional{delay} : std::nullopt;
}

void Connection::idle(const Surroundings& around, Instant now) {
  const bool open = state_ == State::kEstablished || state_ == State::kCloseWait;
  if (open && around.personality.keep_alive > Duration::zero()) {
    arm(TimerFor::kKeepAlive, now + around.personality.keep_alive);
  } else {
    disarm();
  }
}

}  // namespace myriad::tcp
