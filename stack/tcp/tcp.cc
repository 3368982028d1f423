#include "stack/tcp/tcp.h"

#include <cassert>

namespace myriad::tcp {

using stack::Drop;
using stack::kNoConnection;
using stack::TimerId;
using wire::kTcpAck;
using wire::kTcpFin;
using wire::kTcpRst;
using wire::kTcpSyn;

namespace {

constexpr std::uint16_t kFirstEphemeral = 16384;  // RFC 6056 section 3.2 recommends a range as wide as possible;
constexpr std::uint32_t kEphemeralCount = 65536 - kFirstEphemeral;  // below lie the services of most targets
constexpr std::size_t kPortHints = 8192;
constexpr std::uint8_t kSuspectAfter = 2;  // timeouts in a row before the next hop is asked again

}  // namespace

Tcp::Tcp(const stack::HostTable& hosts, const Limits& limits, std::uint64_t secret, stack::NeighbourCache& neighbours,
         stack::TimerWheel& wheel, std::uint8_t timer_kind, std::vector<Event>& events, stack::DropCounters& drops)
    : hosts_(hosts),
      limits_(limits),
      secret_(secret),
      neighbours_(neighbours),
      wheel_(wheel),
      timer_kind_(timer_kind),
      events_(events),
      drops_(drops),
      table_(limits.connections, mix64(secret)),
      pool_(limits.reassembly_blocks),
      workloads_(1),
      port_hints_(kPortHints, 0) {}

void Tcp::listen(GroupIndex group, Port port, Cookie cookie, Tally tally) {
  make_room_for(tally);
  const Listener added{group, port, cookie, tally};
  const auto place = std::lower_bound(listeners_.begin(), listeners_.end(), added.key(),
                                      [](const Listener& l, std::uint32_t key) { return l.key() < key; });
  listeners_.insert(place, added);
}

const Tcp::Listener* Tcp::listener_on(GroupIndex group, Port port) const {
  const std::uint32_t key = (std::uint32_t{group} << 16) | port.number;
  const auto place = std::lower_bound(listeners_.begin(), listeners_.end(), key,
                                      [](const Listener& l, std::uint32_t k) { return l.key() < k; });
  return place != listeners_.end() && place->key() == key ? &*place : nullptr;
}

// RFC 6056 section 3.3.4, "double-hash": each (host, target) walks the whole range in order before a port comes again,
// and from outside the walk cannot be guessed.
std::optional<Port> Tcp::free_port(const Host& host, const IpAddress& to, Port port) {
  const std::uint64_t target = load_be64(to.octets().data()) ^ mix64(load_be64(to.octets().data() + 8) ^ port.number);
  const std::uint64_t hash = mix64(secret_ ^ mix64(target ^ static_cast<std::uint32_t>(host.id)));
  const auto offset = static_cast<std::uint32_t>(hash);
  std::uint16_t& hint = port_hints_[(hash >> 32) % kPortHints];
  for (std::uint32_t tried = 0; tried < kEphemeralCount; ++tried) {
    const Port local{static_cast<std::uint16_t>(kFirstEphemeral + (offset + hint++) % kEphemeralCount)};
    if (table_.find(table_.key(host.id, local, to, port)) == kNoConnection && listener_on(host.group, local) == nullptr)
      return local;
  }
  return std::nullopt;
}

SeqNum Tcp::initial_sequence(const ConnectionTable::Key& key, Instant now) const {
  const auto who = static_cast<std::uint32_t>(mix64(key.hash ^ secret_));
  return SeqNum{who + static_cast<std::uint32_t>(now.ns / 4000)};  // 4 µs clock
}

tl::expected<ConnectionId, FailReason> Tcp::connect(const Host& from, const IpAddress& to, Port port, Cookie cookie,
                                                    Tally tally, Instant now) {
  const bool nobody = to.is_multicast() || hosts_.is_broadcast(from, to);  // RFC 9293 MUST-46
  if (nobody || !hosts_.address(from, to.is_v6()) || !hosts_.next_hop(from, to)) {
    return tl::unexpected(FailReason::kUnreachable);
  }
  const auto local = free_port(from, to, port);
  if (!local) return tl::unexpected(FailReason::kNoPort);
  const auto key = table_.key(from.id, *local, to, port);
  const ConnectionId id = table_.add(key);
  if (id == kNoConnection) return tl::unexpected(FailReason::kNoRoom);
  make_room_for(tally);
  Connection& c = table_[id];
  c.group = from.group;
  c.cookie = cookie;
  c.tally = tally;
  c.open(around(c), initial_sequence(key, now));
  table_.enqueue(id);
  return id;
}

void Tcp::extend(ConnectionId id, std::uint64_t bytes) {
  if (table_[id].state() == State::kFree) return;  // it ended with the same segment
  if (bytes > 0) {
    for (Event& event : events_) {  // not everything is acknowledged any more
      if (event.connection == id && event.kind == EventKind::kSendDone) event.kind = EventKind::kNothing;
    }
  }
  table_[id].extend(bytes);
  ask_for_turn(id);
}

void Tcp::finish(ConnectionId id) {
  if (table_[id].state() == State::kFree) return;  // it ended with the same segment
  table_[id].finish();
  ask_for_turn(id);
}

void Tcp::hold_receive(ConnectionId id, std::uint32_t unread_bytes) {
  if (table_[id].state() == State::kFree) return;  // it ended with the same segment
  table_[id].hold_receive(around(table_[id]), unread_bytes);
  ask_for_turn(id);
}

void Tcp::set_nodelay(ConnectionId id, bool on) {
  if (table_[id].state() == State::kFree) return;  // it ended with the same segment
  table_[id].set_nodelay(on);
  ask_for_turn(id);
}

void Tcp::set_cookie(ConnectionId id, Cookie cookie) {
  for (Event& event : events_) {
    if (event.connection == id && event.cookie == table_[id].cookie) event.cookie = cookie;
  }
  table_[id].cookie = cookie;
}

void Tcp::abort(ConnectionId id) {
  if (table_[id].state() == State::kFree) return;  // it ended with the same segment
  Connection& c = table_[id];
  for (Event& event : events_) {  // a handful: those of one frame
    if (event.connection == id && event.cookie == c.cookie) event.kind = EventKind::kNothing;
  }
  if (c.state() == State::kSynReceived) --half_open_;
  if (c.state() == State::kTimeWait) --time_wait_count_;
  c.abort();
  table_.enqueue(id);  // the reset, and then the end
}

ConnectionId Tcp::on_segment(const Host& host, const MacAddress& from, const wire::IpView& ip, Instant now,
                             bool accept_pending, TxBatch& out) {
  const auto parsed = wire::TcpView::parse(ip.payload());
  if (!parsed) {
    ++drops_[parsed.error()];
    return kNoConnection;
  }
  const wire::TcpView& segment = *parsed;
  const auto key = table_.key(host.id, segment.dest_port(), ip.src(), segment.source_port());
  table_.expect(key);  // it comes while the sum is made
  const bool broken = wire::transport_checksum(ip.src(), ip.dst(), wire::kProtocolTcp, ip.payload(), accept_pending) ==
                      wire::ChecksumState::kBad;
  const ConnectionId id = table_.find(key);
  if (broken) {
    ++drops_[Drop::kBadTcpChecksum];
    if (id != kNoConnection) ++workloads_[table_[id].tally].counters.bad_checksum_rx;
    return kNoConnection;
  }
  heard_host_ = host;
  heard_address_ = ip.dst();
  if (id == kNoConnection) return on_stray(host, from, ip, segment, key, now, out);
  Connection& c = table_[id];
  const State before = c.state();
  if (before == State::kFree || before == State::kAborting) return kNoConnection;
  Outcome outcome;
  c.on_segment(around(c), segment, now, outcome);
  if (outcome.restart) {  // TIME-WAIT gives way, but only where somebody listens (RFC 9293 MAY-2)
    if (listener(host.group, c.local_port) == nullptr) return kNoConnection;
    --time_wait_count_;
    const SeqNum beyond = c.send_next();
    end(id);
    const ConnectionId successor = on_stray(host, from, ip, segment, key, now, out);
    // MAY-2: its numbers lie beyond those of its predecessor.
    if (successor != kNoConnection) table_[successor].start_beyond(beyond);
    return successor;
  }
  if (outcome.reset_reply) reset_reply(host, from, ip, segment, out);
  if (before == State::kSynSent && c.state() == State::kSynReceived) ++half_open_;  // simultaneous open
  if (before == State::kSynReceived && (c.state() != before || outcome.failed != FailReason::kNone)) --half_open_;
  if (before == State::kTimeWait && c.state() != before) --time_wait_count_;
  return apply(id, outcome, now) ? id : kNoConnection;
}

ConnectionId Tcp::on_stray(const Host& host, const MacAddress& from, const wire::IpView& ip,
                           const wire::TcpView& segment, const ConnectionTable::Key& key, Instant now, TxBatch& out) {
  // RFC 9293 section 3.10.7.2.
  const Listener* const service = listener(host.group, segment.dest_port());
  const bool syn = (segment.flags() & (kTcpSyn | kTcpAck | kTcpRst)) == kTcpSyn;
  if (service == nullptr || !syn) {
    ++drops_[Drop::kTcpNoConnection];
    // To a listener, what is neither SYN nor ACK is not worth an answer.
    if (!segment.has(kTcpRst) && (service == nullptr || segment.has(kTcpAck)))
      reset_reply(host, from, ip, segment, out);
    return kNoConnection;
  }
  if (hosts_.is_broadcast(host, ip.src())) {  // MUST-63; groups have been sorted out before
    ++drops_[Drop::kBadSource];
    return kNoConnection;
  }
  const ConnectionId id = half_open_ < limits_.half_open ? table_.add(key) : kNoConnection;
  if (id == kNoConnection) {
    ++drops_[Drop::kTcpNoRoom];
    return kNoConnection;
  }
  ++half_open_;
  Connection& c = table_[id];
  c.group = host.group;
  c.cookie = service->cookie;
  c.tally = service->tally;
  c.next_hop = from;
  c.accept(around(c), segment, initial_sequence(key, now));
  return id;
}

// RFC 9293 section 3.5.2: a reset that the sender of `segment` will believe.
void Tcp::reset_reply(const Host& host, const MacAddress& to, const wire::IpView& ip, const wire::TcpView& segment,
                      TxBatch& out) {
  if (out.room() == 0) {
    ++drops_[Drop::kNoRoomToAnswer];
    return;
  }
  wire::TcpRepr reset;
  reset.source = segment.dest_port();
  reset.dest = segment.source_port();
  if (segment.has(kTcpAck)) {
    reset.seq = segment.ack();
    reset.flags = kTcpRst;
  } else {
    reset.ack = segment.seq() + segment.sequence_length();
    reset.flags = kTcpRst | kTcpAck;
  }
  const wire::IpRepr header{.src = ip.dst(),
                            .dst = ip.src(),
                            .protocol = wire::kProtocolTcp,
                            .dont_fragment = true,
                            .payload_length = reset.header_size()};
  stack::Packet packet{out, host, to, header};
  reset.emit_header(packet.payload().data());
  wire::finish_transport_checksum(
      wire::pseudo_header_sum(header.src, header.dst, wire::kProtocolTcp, header.payload_length), wire::kProtocolTcp,
      packet.payload());
  packet.send();
}

void Tcp::push(EventKind kind, const Connection& c, ConnectionId id, Bytes data, FailReason reason) {
  Event& event = events_.emplace_back();  // in place: written in small pieces, it is not to be copied right away
  event.kind = kind;
  event.reason = reason;
  event.connection = id;
  event.cookie = c.cookie;
  event.data = data;
  event.host = c.host;
  event.remote = c.remote;
  event.remote_port = c.remote_port;
  event.local_port = c.local_port;
}

// Turns what happened into events, in the order in which the application must see them. False: the connection is gone;
// else the caller sees to it that it is settled, now or when it has sent.
bool Tcp::apply(ConnectionId id, Outcome& outcome, Instant now) {
  Connection& c = table_[id];
  if (outcome.connected) {
    push(c.passive ? EventKind::kAccepted : EventKind::kConnected, c, id);
    c.told_application = true;
  }
  if (!outcome.data.empty()) push(EventKind::kReceived, c, id, outcome.data);
  while (outcome.more_data) {
    if (const Bytes data = c.take_reassembled(around(c), now, outcome); !data.empty()) {
      push(EventKind::kReceived, c, id, data);
    }
  }
  if (outcome.send_done) push(EventKind::kSendDone, c, id);
  if (outcome.peer_closed) push(EventKind::kPeerClosed, c, id);
  const bool failed = outcome.failed != FailReason::kNone;
  // An accepted connection that failed before it was complete never was anything to the application. One in TIME-WAIT
  // is closed as far as the application is concerned.
  const bool known = !c.passive || c.told_application;
  if (failed && known) push(EventKind::kFailed, c, id, {}, outcome.failed);
  if (outcome.time_wait) begin_time_wait(id);
  if ((outcome.closed || outcome.time_wait) && known) {
    push(EventKind::kClosed, c, id);
    c.told_application = false;
    c.passive = true;  // nothing more to tell
  }
  if (failed || outcome.closed) {
    end(id);
    return false;
  }
  return true;
}

void Tcp::begin_time_wait(ConnectionId id) {
  // Those whose time is over have left entries behind.
  for (; time_wait_head_ < time_wait_.size(); ++time_wait_head_) {
    const TimeWaiter& oldest = time_wait_[time_wait_head_];
    if (table_[oldest.id].generation == oldest.generation && table_[oldest.id].state() == State::kTimeWait) break;
  }
  if (time_wait_count_ >= limits_.time_wait) {
    while (time_wait_head_ < time_wait_.size()) {
      const TimeWaiter oldest = time_wait_[time_wait_head_++];
      Connection& c = table_[oldest.id];
      if (c.generation != oldest.generation || c.state() != State::kTimeWait) continue;
      --time_wait_count_;
      end(oldest.id);
      break;
    }
  }
  // The list is compacted when half of it has been passed: amortised one move per entry.
  if (time_wait_head_ > 1024 && time_wait_head_ * 2 > time_wait_.size()) {
    time_wait_.erase(time_wait_.begin(), time_wait_.begin() + static_cast<std::ptrdiff_t>(time_wait_head_));
    time_wait_head_ = 0;
  }
  // The next that end early have not been touched for long. One after the other comes into the caches: the connection,
  // what it names, and what that names.
  if (time_wait_count_ + 1 >= limits_.time_wait && time_wait_head_ + 2 < time_wait_.size()) {
    const TimeWaiter* const next = &time_wait_[time_wait_head_];
    wheel_.expect_neighbours(table_[next[0].id].timer_node);
    const Connection& soon = table_[next[1].id];
    table_.expect_removal(soon);
    wheel_.expect(soon.timer_node);
    table_.expect(next[2].id);
  }
  time_wait_.push_back({id, table_[id].generation});
  ++time_wait_count_;
}

// Frees the connection now, or marks it to be freed when the queue comes to it.
void Tcp::end(ConnectionId id) {
  Connection& c = table_[id];
  TimerId timer = wheel_.at(c.timer_node);
  wheel_.cancel(timer);
  c.timer_node = timer.node;
  c.release(around(c));
  if (!c.queued) table_.remove(id);
}

// Keeps the timer and the queue in step with what the connection wants.
void Tcp::settle(ConnectionId id, Instant now) {
  const Connection::Surroundings surroundings = around(table_[id]);
  if (table_[id].has_more(surroundings)) table_.enqueue(id);
  watch(id, surroundings, now);
}

void Tcp::set_timer(ConnectionId id, Instant now) {
  Connection& c = table_[id];
  TimerId timer = wheel_.at(c.timer_node);
  wheel_.rearm(timer, c.deadline(now), timer_kind_, static_cast<std::uint32_t>(id));
  c.timer_node = timer.node;
}

void Tcp::on_timer(ConnectionId id, Instant now) {
  Connection& c = table_[id];
  c.timer_node = TimerId{}.node;
  if (c.state() == State::kFree || c.state() == State::kAborting) return;
  if (c.deadline(now) > now) {
    settle(id, now);
    return;
  }
  const State before = c.state();
  Outcome outcome = c.on_timer(around(c), now);
  if (before == State::kTimeWait && c.state() != before) --time_wait_count_;
  if (before == State::kSynReceived && outcome.failed != FailReason::kNone) --half_open_;
  if (c.timeouts_in_a_row() >= kSuspectAfter && outcome.failed == FailReason::kNone) suspect_next_hop(c, now);
  if (apply(id, outcome, now)) settle(id, now);
}

// RFC 1122 section 2.3.2.1: advice to the layer below that something is wrong on the way. What it has learned meanwhile
// is taken up, but an established connection never waits for an answer.
void Tcp::suspect_next_hop(Connection& c, Instant now) {
  const Host host = hosts_.at(c.host);
  const auto hop = hosts_.next_hop(host, c.remote);
  if (!hop || c.next_hop.is_zero()) return;
  c.next_hop = neighbours_.suspect(host, *hop, now).value_or(c.next_hop);
}

bool Tcp::find_path(ConnectionId id, Instant now) {
  Connection& c = table_[id];
  const Host host = hosts_.at(c.host);
  const auto hop = hosts_.next_hop(host, c.remote);
  assert(hop && "connect() has looked");
  const auto mac = neighbours_.find(
      host, *hop, {stack::NeighbourWaiter::Kind::kConnection, static_cast<std::uint32_t>(id), c.generation}, now);
  if (mac) c.next_hop = *mac;
  return mac.has_value();
}

void Tcp::on_neighbour(const stack::NeighbourWaiter& waiter, const std::optional<MacAddress>& mac, Instant now) {
  const ConnectionId id{waiter.subject};
  Connection& c = table_[id];
  if (c.generation != waiter.generation || c.state() == State::kFree) return;  // it did not wait so long
  if (mac) {
    c.next_hop = *mac;
    table_.enqueue(id);
    return;
  }
  Outcome outcome;
  outcome.failed = FailReason::kNeighbourTimeout;
  apply(id, outcome, now);
}

void Tcp::on_unreachable(const Host& host, const IpAddress& remote, Bytes quoted, bool hard, Instant now) {
  if (quoted.size() < 8) return;
  const ConnectionId id =
      table_.find(table_.key(host.id, Port{load_be16(quoted.data())}, remote, Port{load_be16(quoted.data() + 2)}));
  if (id == kNoConnection || table_[id].state() == State::kFree) return;
  Outcome outcome = table_[id].on_unreachable(SeqNum{load_be32(quoted.data() + 4)}, hard);
  if (outcome.failed != FailReason::kNone) apply(id, outcome, now);
}

void Tcp::on_path_mtu(const Host& host, const IpAddress& remote, Bytes quoted, std::uint32_t mtu, Instant now) {
  if (quoted.size() < 8) return;
  const ConnectionId id =
      table_.find(table_.key(host.id, Port{load_be16(quoted.data())}, remote, Port{load_be16(quoted.data() + 2)}));
  if (id == kNoConnection) return;
  const std::uint32_t headers = remote.is_v4() ? 40 : 60;
  const std::uint32_t mss = std::clamp<std::uint32_t>(mtu, headers + kLowestMss, 65535) - headers;
  table_[id].on_path_mtu(around(table_[id]), SeqNum{load_be32(quoted.data() + 4)}, static_cast<std::uint16_t>(mss));
  settle(id, now);
}

stack::Packet Tcp::open_packet(const Connection& c, const Host& host, const IpAddress& local, Segment& segment,
                               TxBatch& out) {
  wire::TcpRepr& tcp = segment.header;
  tcp.source = c.local_port;
  tcp.dest = c.remote_port;
  const std::size_t header = tcp.header_size();
  stack::Packet packet{out, host, c.next_hop,
                       wire::IpRepr{.src = local,
                                    .dst = c.remote,
                                    .protocol = wire::kProtocolTcp,
                                    .hop_limit = hosts_.group(c.group).tcp.hop_limit,
                                    .dont_fragment = true,  // RFC 1191: so that the path MTU is found
                                    .payload_length = header + segment.length}};
  tcp.emit_header(packet.payload().data());
  return packet;
}

}  // namespace myriad::tcp
