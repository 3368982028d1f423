// What our stack says, and what it may not.
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "stack/wire/arp.h"
#include "stack/wire/icmp.h"
#include "stack/wire/ndp.h"
#include "tests/fuzz/connection_rig.h"
#include "tests/fuzz/read_everything.h"
#include "tests/sim/stream.h"

namespace myriad::fuzz {

using stack::EventKind;
using wire::kTcpAck;
using wire::kTcpFin;
using wire::kTcpRst;
using wire::kTcpSyn;

std::uint32_t states_reached = 0;

void Rig::trace(const char* who, const wire::TcpView& segment) const {
  static const bool asked = std::getenv("MYRIAD_TRACE") != nullptr;
  if (!asked) return;
  std::fprintf(stderr, "%12.6f %s %5u>%-5u %s%s%s%s%s seq %u ack %u length %zu window %u", to_seconds(now_ - Instant{}),
               who, segment.source_port().number, segment.dest_port().number, segment.has(kTcpSyn) ? "S" : "",
               segment.has(kTcpFin) ? "F" : "", segment.has(kTcpRst) ? "R" : "", segment.has(wire::kTcpPsh) ? "P" : "",
               segment.has(kTcpAck) ? "A" : "", segment.seq().value(), segment.ack().value(), segment.payload().size(),
               segment.window());
  const wire::TcpOptions& options = segment.options();
  if (options.has_timestamps) std::fprintf(stderr, " ts %u/%u", options.ts_value, options.ts_echo);
  if (options.mss) std::fprintf(stderr, " mss %u", *options.mss);
  if (options.window_scale) std::fprintf(stderr, " ws %u", *options.window_scale);
  for (const auto& block : options.sack_blocks()) {
    std::fprintf(stderr, " sack %u-%u", block.left.value(), block.right.value());
  }
  std::fprintf(stderr, "\n");
}

SeqNum Coverage::end_of_run(SeqNum from) const {
  SeqNum end = from;
  for (bool grew = true; grew;) {
    grew = false;
    for (const Stretch& stretch : stretches_) {
      if (!end.within(stretch.begin, stretch.length)) continue;
      end = stretch.begin + stretch.length;
      grew = true;
    }
  }
  return end;
}

// Timers and output, until there is nothing to do at this instant.
void Rig::turn() {
  constexpr int kMostTurns = 4000;  // what the largest extend() is in the smallest segments, several times
  for (Conversation& c : conversations_) c.pure_acks = 0;
  for (int i = 0;; ++i) {
    require(i < kMostTurns);
    for (Conversation& c : conversations_) c.announced_before = c.announced;
    stack_->on_timers(now_, *this);
    stack_->transmit(now_, *this, batch_);
    collect();
    if (!collecting_) return;  // the batch may be full
    if (stack_->next_deadline() > now_) break;
  }
  // By itself, at one instant: an acknowledgement that was put off, a window that opened, a probe.
  for (const Conversation& c : conversations_) require(c.pure_acks <= 3);
}

void Rig::collect() {
  // What is heard may be answered (questions for a MAC address), and more be written behind it.
  for (; heard_ < batch_.committed_count(); ++heard_) hear(batch_.bytes(batch_.committed()[heard_]));
  if (!collecting_) return;
  for (const TxFrame& frame : batch_.committed()) pool_.give(frame.frame);
  batch_.consume(batch_.committed_count());
  batch_.reserve(pool_);
  heard_ = 0;
}

void Rig::hear(Bytes frame) {
  const auto ethernet = wire::EthernetView::parse(frame);
  require(ethernet.has_value() && frame.size() <= 1514);
  if (ethernet->ether_type() == wire::kEtherTypeArp) return answer_question(*ethernet);
  const auto ip = wire::IpView::parse(ethernet->payload(), ethernet->ether_type());
  require(ip.has_value() && !ip->is_fragment() && ip->src() == our_ip_);
  if (ip->protocol() == wire::kProtocolIcmpv6) return answer_question(*ethernet);
  if (ip->protocol() == wire::kProtocolTcp) hear_segment(*ip);
}

void Rig::answer_question(const wire::EthernetView& frame) {
  if (!neighbour_answers_) return;
  const auto peer = MacAddress::from_number(0x020000000099);
  const stack::Host host = hosts_.at(stack::HostId{0});
  std::vector<std::uint8_t> answer;
  if (frame.ether_type() == wire::kEtherTypeArp) {
    answer.resize(wire::kEthernetHeaderBytes + 28);
    wire::EthernetRepr{host.mac, peer, {}, wire::kEtherTypeArp}.emit_header(answer.data());
    wire::ArpRepr{wire::ArpOperation::kReply, peer, peer_ip_.v4(), host.mac, our_ip_.v4()}.emit(
        MutableBytes{answer}.subspan(wire::kEthernetHeaderBytes));
  } else {
    const auto ip = wire::IpView::parse(frame.payload(), frame.ether_type());
    if (ip->payload().empty() || ip->payload()[0] != wire::kIcmpv6NeighbourSolicitation) return;
    const wire::NdpRepr ndp{.kind = wire::NdpKind::kAdvertisement,
                            .target = peer_ip_.v6(),
                            .link_layer = peer,
                            .solicited = true,
                            .overrides = true};
    const wire::IpRepr header{.src = peer_ip_,
                              .dst = our_ip_,
                              .protocol = wire::kProtocolIcmpv6,
                              .hop_limit = 255,
                              .payload_length = ndp.emitted_size()};
    answer.resize(wire::kEthernetHeaderBytes + header.header_size() + ndp.emitted_size());
    wire::EthernetRepr{host.mac, peer, {}, wire::kEtherTypeIpv6}.emit_header(answer.data());
    header.emit_header(answer.data() + wire::kEthernetHeaderBytes);
    ndp.emit(MutableBytes{answer}.subspan(wire::kEthernetHeaderBytes + header.header_size()), header.src.v6(),
             header.dst.v6());
  }
  stack_->on_frame(answer, now_, *this, batch_);
}

Conversation* Rig::conversation_of(Port ours, Port peers) {
  for (Conversation& c : conversations_) {
    if (c.peer_port == peers && (c.our_port == ours || c.active)) return &c;
  }
  return nullptr;
}

void Rig::hear_segment(const wire::IpView& ip) {
  const auto segment = wire::TcpView::parse(ip.payload());
  require(segment.has_value() && ip.dst() == peer_ip_);
  require(wire::transport_checksum(our_ip_, peer_ip_, wire::kProtocolTcp, ip.payload(), false) ==
          wire::ChecksumState::kGood);
  trace("ours ", *segment);
  if (segment->has(kTcpRst)) {
    require(segment->payload().empty());
    return;  // for a connection or for none: nothing of it is promised
  }
  Conversation* c = conversation_of(segment->source_port(), segment->dest_port());
  require(c != nullptr);
  if (segment->has(kTcpSyn)) hear_syn(*c, *segment);
  // A call that is over may still be in TIME-WAIT, and answer from its old port.
  if (c->active && (!c->heard || c->our_port != segment->source_port())) return;
  require(c->heard);
  if (segment->options().has_timestamps) c->our_timestamp = segment->options().ts_value;
  if (segment->has(kTcpAck)) check_acknowledged(*c, *segment);
  check_sent(*c, *segment);
  const bool pure = segment->sequence_length() == 0;
  if (pure) ++c->pure_acks;
}

// A new initial sequence number, of ours or of the peer's, is a new connection. So is any SYN after the last one's end:
// as long as the clock stands still, ours has the same number again.
void Rig::hear_syn(Conversation& c, const wire::TcpView& segment) {
  require(segment.payload().empty());
  const bool other_peer = segment.has(kTcpAck) && c.irs_known && c.irs != segment.ack() - 1;
  if (!c.heard || c.over || segment.seq() != c.our_isn || other_peer) {
    c.heard = true;
    c.over = false;
    c.our_port = segment.source_port();
    c.our_isn = c.our_max = c.acked = segment.seq();
    c.most_window = c.syn_window;
    c.peer_edge = c.our_isn + 1 + c.syn_window;
    c.irs_known = c.our_ack_known = c.our_edge_known = false;
    if (!c.active) c.announced = c.received = 0;
    if (!c.active) c.finished = false;
  }
  c.our_syn = segment.options();
  if (segment.has(kTcpAck)) {
    c.irs = segment.ack() - 1;
    c.irs_known = true;
    c.scaled = segment.options().window_scale.has_value();
  }
}

void Rig::check_acknowledged(Conversation& c, const wire::TcpView& segment) {
  const SeqNum ack = segment.ack();
  if (c.irs_known) {
    const SeqNum first = c.irs + 1;
    require(ack.since(first) <= c.sent.end_of_run(first).since(first));
  }
  require(!c.our_ack_known || !ack.before(c.our_ack));
  c.our_ack = ack;
  c.our_ack_known = true;

  const bool scaled = !segment.has(kTcpSyn) && c.our_syn.window_scale && c.scaled;
  const SeqNum edge = ack + (std::uint32_t{segment.window()} << (scaled ? *c.our_syn.window_scale : 0));
  // A SYN cannot say more than 64 KiB, whatever was said in between.
  require(!c.our_edge_known || segment.has(kTcpSyn) || !edge.before(c.our_edge));
  c.our_edge = c.our_edge_known ? later_of(c.our_edge, edge) : edge;
  c.our_edge_known = true;

  for (const auto& block : segment.options().sack_blocks()) {
    require(block.left.before(block.right));
    require(block.right.since(block.left) <= c.sent.end_of_run(block.left).since(block.left));
  }
}

void Rig::check_sent(Conversation& c, const wire::TcpView& segment) {
  const Bytes data = segment.payload();
  const SeqNum first = c.our_isn + 1;
  const bool fin = segment.has(kTcpFin);
  const SeqNum end = segment.seq() + segment.sequence_length();
  if (segment.sequence_length() > 0 && !segment.has(kTcpSyn)) {
    const std::uint64_t offset = segment.seq().since(first);
    require(offset + data.size() <= c.announced);
    require(!fin || (c.finished && offset + data.size() == c.announced));
    require(sim::count_wrong(c.stream, offset, data) == 0);
    // Beyond the window: one byte as a probe, and the FIN.
    require(!(end - (fin ? 1U : 0U)).after(c.peer_edge + 1));
    const std::size_t options = segment.segment().size() - data.size() - wire::kTcpHeaderBytes;
    require(data.size() + options <= std::max<std::uint32_t>(c.syn_mss, 88));
  }
  // A segment without data stands where the next byte would be.
  require(!segment.seq().before(c.our_isn));
  if (segment.sequence_length() == 0) require(!segment.seq().after(c.our_max));
  c.our_max = later_of(c.our_max, end);
}

void Rig::note_state(const Conversation& c) {
  if (c.id == stack::kNoConnection) return;
  states_reached |= 1U << static_cast<unsigned>(stack_->state_of(c.id));
}

void Rig::begin_life(Conversation& c, stack::ConnectionId id) {
  c.id = id;
  c.life = static_cast<std::uint32_t>(lives_.size());
  c.alive = true;
  c.connected = c.finished = c.peer_closed = false;
  c.announced = c.received = 0;
  c.stream = c.life;
  lives_.push_back(static_cast<int>(&c - conversations_.data()));
}

void Rig::end_life(Conversation& c) {
  lives_.at(c.life) = -1;
  c.alive = false;
  c.over = true;
}

void Rig::read(stack::Cookie cookie, std::uint64_t offset, MutableBytes out) {
  require(cookie < lives_.size() && lives_[cookie] >= 0);
  const Conversation& c = conversations_[static_cast<std::size_t>(lives_[cookie])];
  require(offset + out.size() <= c.announced);
  sim::fill_stream(c.stream, offset, out);
}

void Rig::on_event(const stack::Event& event, Instant) {
  if (event.kind == EventKind::kAccepted) {
    Conversation* c = conversation_of(event.local_port, event.remote_port);
    require(c != nullptr && !c->active && !c->alive && c->irs_known);
    begin_life(*c, event.connection);
    stack_->set_cookie(event.connection, c->life);
    c->connected = true;
    return react(*c, event.kind);
  }
  require(event.cookie < lives_.size() && lives_[event.cookie] >= 0);
  Conversation& c = conversations_[static_cast<std::size_t>(lives_[event.cookie])];
  require(c.alive);
  switch (event.kind) {
    case EventKind::kConnected:
      require(c.active && !c.connected);
      c.connected = true;
      if (!c.irs_known && arriving_ && arriving_->has(kTcpSyn)) {
        c.irs = arriving_->seq();
        c.irs_known = true;
        c.scaled = arriving_->options().window_scale.has_value();
      }
      break;
    case EventKind::kReceived:
      hear_data(c, event.data);
      break;
    case EventKind::kSendDone:
      // Of what was announced when the stack was called: the application may have more to say by now.
      require(c.acked.since(c.our_isn + 1) >= c.announced_before);
      break;
    case EventKind::kPeerClosed:
      require(c.connected && !c.peer_closed);
      c.peer_closed = true;
      if (c.irs_known) {
        const SeqNum first = c.irs + 1;
        require(c.sent.end_of_run(first).since(first) > c.received);
      }
      break;
    case EventKind::kClosed:
      require(c.finished && c.peer_closed);
      return end_life(c);
    case EventKind::kFailed:
      require(event.reason != stack::FailReason::kNone);
      return end_life(c);
    default:
      require(false);
  }
  react(c, event.kind);
}

// What the peer says is a function of the sequence number, so that it says the same however often it says it.
void Rig::fill_peer_bytes(SeqNum at, MutableBytes out) {
  constexpr std::uint32_t kPeerStream = 0xffff;
  const std::uint64_t before_wrap = (std::uint64_t{1} << 32) - at.value();
  const auto first = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), before_wrap));
  sim::fill_stream(kPeerStream, at.value(), out.first(first));
  sim::fill_stream(kPeerStream, 0, out.subspan(first));
}

void Rig::hear_data(Conversation& c, Bytes data) {
  require(c.connected && !c.peer_closed && !data.empty());
  if (c.irs_known) {
    const SeqNum first = c.irs + 1;
    const SeqNum at = first + static_cast<std::uint32_t>(c.received);
    std::array<std::uint8_t, 4096> expected;  // no event has more than a segment or a block of reassembly
    require(data.size() <= expected.size());
    fill_peer_bytes(at, MutableBytes{expected}.first(data.size()));
    require(std::ranges::equal(data, Bytes{expected}.first(data.size())));
    require(c.received + data.size() <= c.sent.end_of_run(first).since(first));
  }
  c.received += data.size();
}

// The application calls back into the stack from inside its events, as applications do.
void Rig::react(Conversation& c, EventKind kind) {
  if (app_aborts_ && kind == EventKind::kReceived) {
    end_life(c);
    return stack_->abort(c.id);
  }
  if (app_extends_ && !c.finished && (kind == EventKind::kReceived || kind == EventKind::kConnected)) {
    c.announced += 700;
    stack_->extend(c.id, 700);
  }
  if (app_finishes_ && !c.finished && kind == EventKind::kPeerClosed) {
    c.finished = true;
    stack_->finish(c.id);
  }
}

}  // namespace myriad::fuzz
