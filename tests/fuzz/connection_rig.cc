// The peer, and the steps of a program.
#include "tests/fuzz/connection_rig.h"

#include <algorithm>
#include <array>
#include <memory>

#include "stack/wire/icmp.h"
#include "tests/fuzz/read_everything.h"

namespace myriad::fuzz {

using namespace std::chrono_literals;
using wire::kTcpAck;
using wire::kTcpFin;
using wire::kTcpPsh;
using wire::kTcpRst;
using wire::kTcpSyn;

namespace {

constexpr std::uint32_t kFrames = 128;
constexpr std::uint32_t kChunk = 2048;
constexpr std::uint32_t kConnections = 64;  // a small table is quickly made; no program fills it
constexpr std::size_t kMostSteps = 200;     // a longer program says nothing new and costs time
constexpr std::size_t kMostPayload = 1400;
constexpr std::uint64_t kPeerMac = 0x020000000099;
constexpr stack::HostId kOurHost{0};
constexpr std::uint16_t kOurPort = 80;

// Frames are written before they are read, so one memory serves all programs.
std::uint8_t frame_memory[std::size_t{kFrames} * kChunk];

stack::HostTable host_table(const tcp::Personality& tcp) {
  stack::HostGroup group;
  group.tcp = tcp;
  group.first_mac = MacAddress::from_number(0x024d00000001);
  group.ipv4 = Ipv4Prefix{Ipv4Address{0x0a000101}, 16};
  group.ipv6 = Ipv6Prefix{*Ipv6Address::parse("fd00::1"), 64};
  return stack::HostTable{{group}};
}

wire::IpRepr header_of(const DatagramToCut& datagram) {
  return {.src = datagram.src,
          .dst = datagram.dst,
          .protocol = datagram.protocol,
          .payload_length = datagram.payload.size()};
}

template <class T, std::size_t kCount>
T one_of(const T (&choices)[kCount], unsigned which) {
  return choices[which % kCount];
}

}  // namespace

Rig::Rig(Bytes program)
    : program_(program),
      hosts_(std::vector<stack::HostGroup>{}),
      area_{frame_memory, kChunk, kFrames, 1},
      pool_(area_, 0),
      batch_(area_, 64) {
  read_header();
}

void Rig::read_header() {
  const std::uint8_t switches = program_.u8();
  tcp::Personality tcp;
  v6_ = (switches & 0x01) != 0;
  tcp.timestamps = (switches & 0x02) == 0;
  tcp.sack = (switches & 0x04) == 0;
  tcp.rack_tlp = (switches & 0x08) == 0;
  tcp.congestion = (switches & 0x10) != 0 ? tcp::Congestion::kCubic : tcp::Congestion::kNewReno;
  tcp.nagle = (switches & 0x20) == 0;
  neighbour_answers_ = (switches & 0x80) == 0;
  tcp.window_scale = static_cast<std::uint8_t>(program_.u8() % 15);
  if ((switches & 0x40) != 0) tcp.window_scale.reset();
  const std::uint8_t sizes = program_.u8();
  tcp.receive_window = one_of(kReceiveWindows, sizes & 0x0fU);
  tcp.mss = one_of(kSegmentSizes, sizes >> 4U);
  tcp.initial_window = static_cast<std::uint8_t>(1 + (program_.u8() + 9) % 10);
  const std::uint8_t times = program_.u8();
  tcp.delayed_ack = one_of(kDelays, times & 0x0fU);
  if ((times & 0x10) != 0) tcp.keep_alive = 60s;

  const std::uint8_t offers = program_.u8();
  const std::uint8_t peer_scale = program_.u8() % 16;  // 15 is one too many
  const std::uint16_t peer_mss = one_of(kPeerSegmentSizes, program_.u8());
  const std::uint16_t peer_window = one_of(kPeerWindows, program_.u8());
  if ((offers & 1) != 0) peer_offers_.mss = peer_mss;
  if ((offers & 2) != 0) peer_offers_.window_scale = peer_scale;
  peer_offers_.sack_permitted = (offers & 4) != 0;
  peer_offers_.has_timestamps = (offers & 8) != 0;

  const std::uint8_t manners = program_.u8();
  app_extends_ = (manners & 1) != 0;
  app_finishes_ = (manners & 2) != 0;
  app_aborts_ = (manners & 4) != 0;
  const std::uint32_t peer_isn = one_of(kPeerIsns, program_.u8());
  const std::uint8_t limits = program_.u8();

  hosts_ = host_table(tcp);
  stack::StackOptions options;
  options.accept_pending_checksums = false;
  options.tcp.connections = kConnections;
  options.tcp.half_open = 1 + limits % 4U;  // so few that one which is not counted back is missed in the end
  options.tcp.time_wait = 2;
  options.tcp.reassembly_blocks = one_of(kBlocks, limits >> 4);
  stack_.emplace(hosts_, options);
  stack_->listen_tcp(0, Port{kOurPort}, 0, 0);
  batch_.reserve(pool_);

  our_ip_ = *hosts_.address(hosts_.at(kOurHost), v6_);
  peer_ip_ = v6_ ? IpAddress{*Ipv6Address::parse("fd00::2")} : IpAddress{Ipv4Address{0x0a000202}};
  for (int i = 0; i < kConversations; ++i) {
    Conversation& c = conversations_[static_cast<std::size_t>(i)];
    c.active = i >= kConversations / 2;
    c.our_port = Port{c.active ? std::uint16_t{0} : kOurPort};
    c.peer_port = Port{static_cast<std::uint16_t>(5000 + i)};
    c.peer_isn = SeqNum{peer_isn};
    c.window = peer_window;
    forget(c);
  }
}

// The peer starts anew, in the middle of whatever there was.
void Rig::forget(Conversation& c) {
  c.peer_isn += 0x01000000;
  c.peer_next = c.peer_isn + 1;
}

void Rig::play() {
  turn();
  for (std::size_t steps = 0; !program_.at_end() && steps < kMostSteps; ++steps) {
    const std::uint8_t op = program_.u8();
    const unsigned kind = (op & 0x1fU) % static_cast<unsigned>(Step::kCount);
    step(static_cast<Step>(kind), conversations_[op >> 5 & 3U]);
    for (Conversation& c : conversations_) note_state(c);
    turn();
    for (Conversation& c : conversations_) note_state(c);
  }
  end_all();
}

void Rig::step(Step step, Conversation& c) {
  switch (step) {
    case Step::kPassTime:
      return pass(std::chrono::milliseconds{program_.u8()});
    case Step::kPassLongTime:
      return pass(std::chrono::milliseconds{1U << (program_.u8() % 26)});
    case Step::kToDeadline: {
      const Instant next = stack_->next_deadline();
      if (!next.is_never() && next > now_) now_ = next;
      return;
    }
    case Step::kStall:
      collecting_ = (program_.u8() & 1) == 0;
      if (collecting_) collect();  // what has piled up is no answer to what comes next
      return;
    case Step::kNeighbour:
      neighbour_answers_ = (program_.u8() & 1) == 0;
      return;
    case Step::kForget:
      return forget(c);
    case Step::kSegment:
      return any_segment(c, Delivery::kWhole, 0);
    case Step::kFragmented: {
      const std::uint8_t how = program_.u8();
      return any_segment(c, (how & 1) != 0 ? Delivery::kFragmentsReversed : Delivery::kFragmentsInOrder,
                         std::size_t{how} >> 1);
    }
    case Step::kBadChecksum:
      return any_segment(c, Delivery::kBadChecksum, 0);
    case Step::kIcmpError: {
      const std::uint8_t type = program_.u8();
      const std::uint8_t code = type >> 4;
      constexpr std::uint8_t kV4[] = {wire::kIcmpv4Unreachable, wire::kIcmpv4TimeExceeded,
                                      wire::kIcmpv4ParameterProblem, wire::kIcmpv4SourceQuench};
      constexpr std::uint8_t kV6[] = {wire::kIcmpv6Unreachable, wire::kIcmpv6TimeExceeded,
                                      wire::kIcmpv6ParameterProblem, 100};
      return send_icmp(c, v6_ ? one_of(kV6, type & 3U) : one_of(kV4, type & 3U), code, 0, program_.u16());
    }
    case Step::kTooBig: {
      const std::uint16_t mtu = program_.u16();
      const std::uint8_t type = v6_ ? wire::kIcmpv6PacketTooBig : wire::kIcmpv4Unreachable;
      return send_icmp(c, type, v6_ ? 0 : wire::kIcmpv4CodeFragmentationNeeded, mtu, program_.u16());
    }
    case Step::kConnect:
    case Step::kExtend:
    case Step::kFinish:
    case Step::kAbort:
    case Step::kHoldReceive:
    case Step::kNodelay:
      return application_step(step, c);
    default:
      return simple_segment(step, c);
  }
}

void Rig::application_step(Step step, Conversation& c) {
  if (step == Step::kConnect) {
    if (!c.active || c.alive) return;
    c.heard = c.irs_known = false;
    begin_life(c, stack::kNoConnection);
    const auto id = stack_->connect(kOurHost, peer_ip_, c.peer_port, c.life, 0, now_);
    if (id) {
      c.id = *id;
    } else {
      end_life(c);
    }
    return;
  }
  // Operands are read in any case, so that what follows means the same.
  const std::uint32_t amount = step == Step::kExtend                                  ? program_.u16() % 8192U
                               : step == Step::kHoldReceive || step == Step::kNodelay ? program_.u8()
                                                                                      : 0U;
  if (!c.alive) return;
  switch (step) {
    case Step::kExtend:
      if (c.finished) return;
      c.announced += amount;
      return stack_->extend(c.id, amount);
    case Step::kFinish:
      c.finished = true;
      return stack_->finish(c.id);
    case Step::kAbort: {
      const stack::ConnectionId id = c.id;
      end_life(c);
      return stack_->abort(id);
    }
    case Step::kHoldReceive:
      return stack_->hold_receive(c.id, amount * 1024);
    default:
      return stack_->set_nodelay(c.id, (amount & 1) != 0);
  }
}

Rig::PeerSegment Rig::in_order(const Conversation& c, std::uint8_t flags) const {
  PeerSegment segment;
  segment.seq = c.peer_next;
  segment.ack = c.our_max;
  segment.flags = flags;
  segment.window = c.window;
  if (peer_offers_.has_timestamps && c.our_syn.has_timestamps) {
    segment.options.has_timestamps = true;
    segment.options.ts_value = static_cast<std::uint32_t>(now_.ns / 1'000'000);
    segment.options.ts_echo = c.our_timestamp;
  }
  return segment;
}

wire::TcpOptions Rig::syn_options(const Conversation& c) const {
  wire::TcpOptions options = peer_offers_;
  options.ts_value = static_cast<std::uint32_t>(now_.ns / 1'000'000);
  options.ts_echo = c.our_timestamp;
  return options;
}

// What a peer in its right mind might say, at a time at which it might not.
void Rig::simple_segment(Step step, Conversation& c) {
  PeerSegment segment = in_order(c, kTcpAck);
  const std::uint32_t out = c.our_max.since(c.acked);
  switch (step) {
    case Step::kPeerSyn:
      segment.seq = c.peer_isn;
      segment.ack = SeqNum{};
      segment.flags = kTcpSyn;
      segment.options = syn_options(c);
      break;
    case Step::kPeerSynAck:
      segment.seq = c.peer_isn;
      segment.flags = kTcpSyn | kTcpAck;
      segment.options = syn_options(c);
      break;
    case Step::kPeerData:
      segment.flags |= kTcpPsh;
      segment.length = std::min<std::uint32_t>(program_.u8() * 8U, kMostPayload);
      c.peer_next += segment.length;
      break;
    case Step::kPeerFin:
      segment.flags |= kTcpFin;
      c.peer_next += 1;
      break;
    case Step::kPeerReset:
      segment.flags = kTcpRst | kTcpAck;
      break;
    case Step::kPeerAgain: {
      const std::uint32_t back = program_.u8();
      segment.seq = c.peer_next - back;
      segment.length = back;
      break;
    }
    case Step::kPeerAhead: {
      segment.seq = c.peer_next + program_.u8() * 8U;
      segment.length = std::min<std::uint32_t>(program_.u8() * 8U, kMostPayload);
      break;
    }
    case Step::kPeerFills: {
      const std::uint32_t hole = c.irs_known ? c.peer_next.since(c.our_ack) : 0;
      segment.seq = c.our_ack;
      segment.length = std::clamp<std::uint32_t>(hole, 8, kMostPayload);
      c.peer_next = later_of(c.peer_next, segment.seq + segment.length);
      break;
    }
    case Step::kPeerAckPart:
      segment.ack = c.acked + static_cast<std::uint32_t>(std::uint64_t{out} * program_.u8() / 256);
      break;
    case Step::kPeerSack: {
      const std::uint32_t from = static_cast<std::uint32_t>(std::uint64_t{out} * program_.u8() / 256);
      const std::uint32_t length = static_cast<std::uint32_t>(std::uint64_t{out} * program_.u8() / 256);
      segment.ack = c.acked;
      segment.options.sack_count = 1;
      segment.options.sack[0] = {c.acked + from, c.acked + std::min(out, from + length)};
      break;
    }
    case Step::kPeerWindow:
      segment.window = c.window = program_.u16();
      break;
    default:
      break;
  }
  send(c, segment);
}

// Operands: flags, bases (of the sequence number in the low three bits, of the acknowledgement in the next three),
// 16-bit offsets to both, window, length, options. A base of 7 reads all 32 bits.
void Rig::any_segment(Conversation& c, Delivery delivery, std::size_t cut) {
  PeerSegment segment = in_order(c, program_.u8() & 0x3f);
  const std::uint8_t bases = program_.u8();
  const SeqNum seq_bases[] = {c.peer_next,   c.our_ack,     c.our_edge, c.peer_isn, c.peer_next + 0x7fffffff,
                              c.our_ack - 1, c.our_edge - 1};
  const SeqNum ack_bases[] = {c.our_max,     c.acked,  c.our_isn,    c.our_max + 0x7fffffff,
                              c.our_isn + 1, SeqNum{}, c.our_max + 1};
  const auto place = [&](const SeqNum(&choices)[7], unsigned which) {
    if (which == 7) return SeqNum{program_.u32()};
    const auto offset = static_cast<std::int16_t>(program_.u16());
    return choices[which] + static_cast<std::uint32_t>(std::int32_t{offset});
  };
  segment.seq = place(seq_bases, bases & 7U);
  segment.ack = place(ack_bases, bases >> 3 & 7U);
  segment.window = program_.u16();
  segment.length = static_cast<std::uint32_t>(program_.u16() % (kMostPayload + 1));
  add_any_options(c, segment);
  send(c, segment, delivery, cut);
}

// Operands: kinds; then what each asks for.
void Rig::add_any_options(Conversation& c, PeerSegment& segment) {
  const std::uint8_t kinds = program_.u8();
  wire::TcpOptions& options = segment.options;
  if ((segment.flags & kTcpSyn) != 0) options = syn_options(c);
  if ((kinds & 0x01) != 0) options.has_timestamps = !options.has_timestamps;
  if ((kinds & 0x02) != 0) options.ts_value += static_cast<std::uint32_t>(static_cast<std::int8_t>(program_.u8())) << 8;
  if ((kinds & 0x04) != 0) options.ts_echo += static_cast<std::uint32_t>(static_cast<std::int8_t>(program_.u8())) << 8;
  if ((kinds & 0x08) != 0) options.mss = program_.u16();
  if ((kinds & 0x10) != 0) options.window_scale = program_.u8();
  if ((kinds & 0x20) != 0) {
    options.sack_count = static_cast<std::uint8_t>(1 + program_.u8() % 4U);
    for (std::size_t i = 0; i < options.sack_count; ++i) {
      const SeqNum left = c.acked + static_cast<std::uint32_t>(std::int32_t{static_cast<std::int16_t>(program_.u16())});
      options.sack[i] = {left,
                         left + static_cast<std::uint32_t>(std::int32_t{static_cast<std::int16_t>(program_.u16())})};
    }
  }
  if ((kinds & 0x40) != 0) {
    segment.raw_options.resize(std::size_t{program_.u8() % 11U} * 4);
    for (std::uint8_t& byte : segment.raw_options) byte = program_.u8();
  }
}

void Rig::send(Conversation& c, const PeerSegment& segment, Delivery delivery, std::size_t cut) {
  wire::TcpRepr tcp{.source = c.peer_port,
                    .dest = c.our_port,
                    .seq = segment.seq,
                    .ack = segment.ack,
                    .flags = segment.flags,
                    .window = segment.window,
                    .options = segment.options};
  if (!segment.raw_options.empty()) tcp.options.clear();
  const std::size_t header = tcp.header_size() + segment.raw_options.size();
  std::vector<std::uint8_t> bytes(header + segment.length);
  tcp.emit_header(bytes.data());
  if (!segment.raw_options.empty()) {
    std::ranges::copy(segment.raw_options, bytes.begin() + wire::kTcpHeaderBytes);
    bytes[12] = static_cast<std::uint8_t>(header << 2);
  }
  const SeqNum first = segment.seq + ((segment.flags & kTcpSyn) != 0 ? 1U : 0U);
  fill_peer_bytes(first, MutableBytes{bytes}.subspan(header));
  wire::finish_transport_checksum(wire::pseudo_header_sum(peer_ip_, our_ip_, wire::kProtocolTcp, bytes.size()),
                                  wire::kProtocolTcp, bytes);
  if (delivery == Delivery::kBadChecksum) bytes[16] ^= 0x40;

  if (delivery != Delivery::kBadChecksum) note_peer_segment(c, segment, bytes);
  const bool fragmented = delivery == Delivery::kFragmentsInOrder || delivery == Delivery::kFragmentsReversed;
  const DatagramToCut datagram{peer_ip_, our_ip_, ++datagram_id_, wire::kProtocolTcp, std::move(bytes)};
  const std::size_t size = datagram.payload.size();
  if (const auto view = wire::TcpView::parse(datagram.payload)) {
    arriving_ = *view;
    trace(delivery == Delivery::kBadChecksum ? "spoilt" : "peer ", *view);
  }
  const std::size_t middle = fragmented ? std::min(size, (1 + cut) * 8) : size;
  if (middle == size) {
    input_whole(datagram);
  } else if (delivery == Delivery::kFragmentsInOrder) {
    input(fragment_of(datagram, 0, middle, true));
    input(fragment_of(datagram, middle, size, false));
  } else {
    input(fragment_of(datagram, middle, size, false));
    input(fragment_of(datagram, 0, middle, true));
  }
  arriving_.reset();
}

// What the peer has said, whether our stack takes it or not: the most that it may rely on.
void Rig::note_peer_segment(Conversation& c, const PeerSegment& segment, Bytes bytes) {
  const auto view = wire::TcpView::parse(bytes);
  if (!view) return;  // its options lie
  const bool syn = view->has(kTcpSyn);
  c.sent.add(segment.seq, view->sequence_length());
  if (syn) {
    c.syn_window = std::max<std::uint32_t>(c.syn_window, segment.window);
    c.syn_mss = std::max<std::uint32_t>(c.syn_mss, view->options().mss.value_or(v6_ ? 1220 : 536));
    c.syn_scale = std::max(c.syn_scale, view->options().window_scale.value_or(0));
    c.peer_edge = later_of(c.peer_edge, c.our_isn + 1 + c.syn_window);
  }
  if (!view->has(kTcpAck) || !c.heard || segment.ack.since(c.our_isn) > c.our_max.since(c.our_isn)) return;
  c.acked = later_of(c.acked, segment.ack);
  const unsigned scale = syn ? 0 : c.syn_scale;
  // RFC 9293 section 3.10.7.4 takes the window of the highest sequence number, which may have come before a later
  // acknowledgement: so any window may follow any acknowledgement.
  c.most_window = std::max(c.most_window, std::uint32_t{segment.window} << scale);
  c.peer_edge = later_of(c.peer_edge, c.acked + c.most_window);
}

std::vector<std::uint8_t> Rig::whole_packet(const DatagramToCut& datagram) {
  const wire::IpRepr ip = header_of(datagram);
  std::vector<std::uint8_t> packet(ip.header_size());
  ip.emit_header(packet.data());
  packet.insert(packet.end(), datagram.payload.begin(), datagram.payload.end());
  return packet;
}

void Rig::input_whole(const DatagramToCut& datagram) {
  const wire::IpRepr ip = header_of(datagram);
  std::array<std::uint8_t, 64> header;
  ip.emit_header(header.data());
  input(Bytes{header}.first(ip.header_size()), datagram.payload);
}

void Rig::input(Bytes packet, Bytes rest) {
  // Memory of exactly that length: a sanitizer shall see the first byte behind the frame being read.
  const std::size_t size = wire::kEthernetHeaderBytes + packet.size() + rest.size();
  const auto memory = std::make_unique_for_overwrite<std::uint8_t[]>(size);
  wire::EthernetRepr{
      hosts_.at(kOurHost).mac, MacAddress::from_number(kPeerMac), {}, v6_ ? wire::kEtherTypeIpv6 : wire::kEtherTypeIpv4}
      .emit_header(memory.get());
  std::ranges::copy(rest, std::ranges::copy(packet, memory.get() + wire::kEthernetHeaderBytes).out);
  for (Conversation& c : conversations_) {
    c.pure_acks = 0;
    c.announced_before = c.announced;
  }
  stack_->on_frame(Bytes{memory.get(), size}, now_, *this, batch_);
  collect();
  // One segment: an acknowledgement, and another when what it freed was something to say.
  for (const Conversation& c : conversations_) require(c.pure_acks <= 2);
}

// An error about a segment of ours with a sequence number of our choice.
void Rig::send_icmp(Conversation& c, std::uint8_t type, std::uint8_t code, std::uint32_t parameter,
                    std::uint32_t offset) {
  const wire::TcpRepr tcp{.source = c.our_port,
                          .dest = c.peer_port,
                          .seq = c.acked + static_cast<std::uint32_t>(std::int32_t{static_cast<std::int16_t>(offset)}),
                          .ack = c.our_ack,
                          .flags = kTcpAck,
                          .window = 1000};
  DatagramToCut quoted{our_ip_, peer_ip_, 1, wire::kProtocolTcp, std::vector<std::uint8_t>(wire::kTcpHeaderBytes)};
  tcp.emit_header(quoted.payload.data());
  const std::vector<std::uint8_t> quotation = whole_packet(quoted);
  const wire::IcmpRepr error{type, code, parameter, quotation};
  DatagramToCut message{peer_ip_, our_ip_, 1, v6_ ? wire::kProtocolIcmpv6 : wire::kProtocolIcmp,
                        std::vector<std::uint8_t>(error.emitted_size())};
  error.emit(message.payload, peer_ip_, our_ip_);
  input_whole(message);
}

void Rig::pass(Duration time) { now_ = now_ + time; }

// Whatever there is is aborted, and time passes until nothing waits for anything.
void Rig::end_all() {
  collecting_ = true;
  collect();
  turn();
  for (Conversation& c : conversations_) {
    if (!c.alive) continue;
    const stack::ConnectionId id = c.id;
    end_life(c);
    stack_->abort(id);
  }
  expect_nothing_left();
  // Everything that was half open has been counted back: there is room for one more.
  Conversation& last = conversations_[0];
  last.peer_port = Port{4999};
  last.heard = false;
  forget(last);
  neighbour_answers_ = true;
  app_aborts_ = false;
  simple_segment(Step::kPeerSyn, last);
  turn();
  require(last.heard && last.irs_known && last.irs == last.peer_isn);
  expect_nothing_left();
}

void Rig::expect_nothing_left() {
  turn();
  constexpr int kMostDeadlines = 3000;
  for (int i = 0; !stack_->next_deadline().is_never(); ++i) {
    require(i < kMostDeadlines);
    now_ = std::max(now_, stack_->next_deadline());
    turn();
  }
  require(stack_->connections() == 0 && stack_->connections_in_time_wait() == 0);
  require(stack_->timers_armed() == 0 && stack_->reassembly_blocks_in_use() == 0);
  require(!stack_->has_output());
  require(pool_.size() + batch_.held() == kFrames && batch_.committed_count() == 0);
  for (const Conversation& c : conversations_) require(!c.alive);
}

}  // namespace myriad::fuzz
