#include "tests/scripts/other_side.h"

#include "stack/icmp.h"
#include "stack/wire/arp.h"
#include "stack/wire/ethernet.h"
#include "stack/wire/ndp.h"
#include "stack/wire/udp.h"
#include "tests/scripts/line_reader.h"
#include "tests/scripts/line_text.h"
#include "tests/sim/transfer.h"

namespace myriad::scripts {
namespace {

constexpr std::uint16_t kFirstPeerPort = 40000;
constexpr std::size_t kEchoBytes = 56;
constexpr std::uint8_t kHopLimit = 64;
constexpr std::uint8_t kNdpHopLimit = 255;  // RFC 4861 section 7.1

struct IcmpNumbers {
  const char* type;
  const char* code;
  std::uint8_t v4_type, v4_code;
  std::uint8_t v6_type, v6_code;
};
// protocol_unreachable has no counterpart: RFC 4443 reports it as a parameter problem, unrecognized next header.
// What is not here has the numbers of IPv4 in both families: no host of ours makes use of it.
constexpr IcmpNumbers kIcmpNumbers[] = {
    {"unreachable", "net_unreachable", 3, 0, 1, 0},
    {"unreachable", "host_unreachable", 3, 1, 1, 3},
    {"unreachable", "protocol_unreachable", 3, 2, 4, 1},
    {"unreachable", "port_unreachable", 3, 3, 1, 4},
    {"unreachable", "frag_needed", 3, 4, 2, 0},
    {"unreachable", "admin_prohibited", 3, 13, 1, 1},
    {"time_exceeded", "", 11, 0, 3, 0},
    {"echo_request", "", 8, 0, 128, 0},
    {"echo_reply", "", 0, 0, 129, 0},
};

std::vector<std::uint8_t> stream(std::uint32_t which, std::uint64_t offset, std::size_t length) {
  std::vector<std::uint8_t> bytes(length);
  for (std::size_t i = 0; i < length; ++i) bytes[i] = sim::stream_byte(which, offset + i);
  return bytes;
}

bool is_stream(std::uint32_t which, std::uint64_t offset, Bytes bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] != sim::stream_byte(which, offset + i)) return false;
  }
  return true;
}

}  // namespace

OtherSide::OtherSide(const Script& script, bool v6, const stack::HostTable& hosts)
    : script_(script),
      v6_(v6),
      hosts_(hosts),
      conversations_(script.hosts.size() * script.peers.size()),
      next_port_(kFirstPeerPort) {
  for (std::size_t i = 0; i < conversations_.size(); ++i) {
    conversations_[i].remote = Port{static_cast<std::uint16_t>(kFirstPeerPort + i)};
  }
  next_port_ = static_cast<std::uint16_t>(kFirstPeerPort + conversations_.size());
}

void OtherSide::begin_service(std::size_t host) {
  for (std::size_t peer = 0; peer < script_.peers.size(); ++peer) {
    Conversation& c = between(host, peer);
    c = Conversation{};
    c.remote = Port{next_port_};
    if (++next_port_ < kFirstPeerPort) next_port_ = kFirstPeerPort;
  }
}

void OtherSide::begin_call(std::size_t host, std::size_t peer) {
  Conversation& c = between(host, peer);
  c = Conversation{};
  c.remote = kServicePort;
  c.local_known = false;
}

IpAddress OtherSide::peer_address(std::size_t peer) const {
  const Party& party = script_.peers[peer];
  return v6_ ? IpAddress{*party.v6} : IpAddress{*party.v4};
}

IpAddress OtherSide::host_address(std::size_t host) const {
  const Party& party = script_.hosts[host];
  return v6_ ? IpAddress{*party.v6} : IpAddress{*party.v4};
}

MacAddress OtherSide::host_mac(std::size_t host) const {
  return hosts_.at(stack::HostId{static_cast<std::uint32_t>(host)}).mac;
}

MacAddress OtherSide::peer_mac(std::size_t peer) { return MacAddress::from_number(0x027000000001ULL + peer); }

std::optional<std::size_t> OtherSide::peer_with(const IpAddress& address) const {
  for (std::size_t i = 0; i < script_.peers.size(); ++i) {
    if (peer_address(i) == address) return i;
  }
  return std::nullopt;
}

// --- frames that arrive ---

std::vector<std::uint8_t> OtherSide::frame(std::size_t peer, const MacAddress& to, std::uint16_t ether_type,
                                           Bytes payload) const {
  const wire::EthernetRepr ethernet{to, peer_mac(peer), {}, ether_type};
  std::vector<std::uint8_t> out(ethernet.header_size() + payload.size());
  ethernet.emit_header(out.data());
  std::copy(payload.begin(), payload.end(), out.end() - static_cast<std::ptrdiff_t>(payload.size()));
  return out;
}

std::vector<std::uint8_t> OtherSide::packet(std::size_t host, std::size_t peer, std::uint8_t protocol, Bytes payload,
                                            std::uint8_t hop_limit) const {
  const wire::IpRepr ip{.src = peer_address(peer),
                        .dst = host_address(host),
                        .protocol = protocol,
                        .hop_limit = hop_limit,
                        .payload_length = payload.size()};
  std::vector<std::uint8_t> out(ip.header_size() + payload.size());
  ip.emit_header(out.data());
  std::copy(payload.begin(), payload.end(), out.end() - static_cast<std::ptrdiff_t>(payload.size()));
  return frame(peer, host_mac(host), ip.ether_type(), out);
}

std::vector<std::uint8_t> OtherSide::tcp_segment(const Action& action, const TcpLine& line) {
  Conversation& c = between(action.host, action.peer);
  if (!c.local_known) throw ScriptError("no SYN of ours was seen yet: its port is not known");
  const bool syn = (line.flags & wire::kTcpSyn) != 0;
  if (syn && c.their_syn != line.seq) {
    if (c.their_syn) {
      c.new_numbers = true;  // perhaps a new conversation: our answer tells
    } else {
      c.their_start = line.seq;
    }
    c.their_syn = line.seq;
  }
  if (syn) c.their_syn_options = line.options;
  wire::TcpRepr tcp{.source = c.remote,
                    .dest = c.local,
                    .seq = SeqNum{line.seq + script_.remote_isn},
                    .ack = line.ack ? c.iss + *line.ack : SeqNum{},
                    .flags = line.flags,
                    .window = line.window.value_or(65535)};
  tcp.options.mss = line.options.mss;
  tcp.options.window_scale = line.options.window_scale;
  tcp.options.sack_permitted = line.options.sack_permitted;
  tcp.options.has_timestamps = line.options.has_timestamps;
  tcp.options.ts_value = line.options.ts_value.value_or(0);
  tcp.options.ts_echo = line.ack ? echo_of(c, line.options.ts_echo.value_or(0)) : line.options.ts_echo.value_or(0);
  for (const auto& [left, right] : line.options.sack) {
    tcp.options.sack[tcp.options.sack_count++] = {c.iss + left, c.iss + right};
  }
  std::vector<std::uint8_t> out(tcp.header_size());
  tcp.emit_header(out.data());
  store_be16(out.data() + 18, line.urgent);
  const std::uint32_t first = line.seq + (syn ? 1U : 0U) - (c.their_start + 1);
  const auto payload = stream(kTheirStream, first, line.length);
  out.insert(out.end(), payload.begin(), payload.end());
  wire::finish_transport_checksum(
      wire::pseudo_header_sum(peer_address(action.peer), host_address(action.host), wire::kProtocolTcp, out.size()),
      wire::kProtocolTcp, out);
  return packet(action.host, action.peer, wire::kProtocolTcp, out, line.hop_limit.value_or(kHopLimit));
}

// On the wire, the timestamp of ours that the script calls `value`.
std::uint32_t OtherSide::echo_of(const Conversation& c, std::uint32_t value) {
  const auto named = c.timestamps.find(value);
  return named != c.timestamps.end() ? named->second : value + c.ts_offset.value_or(0);
}

std::uint32_t OtherSide::full_segment(std::size_t host, std::size_t peer) const {
  const Conversation& c = between(host, peer);
  const std::uint32_t fallback = v6_ ? 1220 : 536;  // RFC 9293 MUST-15
  const std::uint32_t mss =
      std::min<std::uint32_t>(c.our_syn_options.mss.value_or(static_cast<std::uint16_t>(fallback)),
                              c.their_syn_options.mss.value_or(static_cast<std::uint16_t>(fallback)));
  const bool timestamps = c.our_syn_options.has_timestamps && c.their_syn_options.has_timestamps;
  return mss - (timestamps ? std::min(mss, 12U) : 0U);
}

std::vector<std::uint8_t> OtherSide::udp_segment(const Action& action, const UdpLine& line) const {
  const wire::UdpRepr udp{between(action.host, action.peer).remote, kServicePort, line.length};
  std::vector<std::uint8_t> out(wire::kUdpHeaderBytes + line.length, 0x55);
  udp.emit_header(out.data());
  wire::finish_transport_checksum(
      wire::pseudo_header_sum(peer_address(action.peer), host_address(action.host), wire::kProtocolUdp, out.size()),
      wire::kProtocolUdp, out);
  return packet(action.host, action.peer, wire::kProtocolUdp, out, kHopLimit);
}

// The packet of ours that an error is about, as far as errors have to quote it.
std::vector<std::uint8_t> OtherSide::quotation(const Action& action, const Quote& quote) const {
  const auto* const line = std::get_if<TcpLine>(&quote);
  if (line == nullptr) throw ScriptError("only errors about TCP segments of ours arrive here");
  const Conversation& c = between(action.host, action.peer);
  if (!c.local_known) throw ScriptError("no SYN of ours was seen yet: its port is not known");
  const wire::TcpRepr tcp{.source = c.local, .dest = c.remote, .seq = c.iss + line->seq, .flags = wire::kTcpAck};
  const wire::IpRepr ip{.src = host_address(action.host),
                        .dst = peer_address(action.peer),
                        .protocol = wire::kProtocolTcp,
                        .dont_fragment = true,
                        .payload_length = tcp.header_size() + line->length};
  std::vector<std::uint8_t> out(ip.header_size() + tcp.header_size());
  ip.emit_header(out.data());
  tcp.emit_header(out.data() + ip.header_size());
  return out;
}

std::vector<std::uint8_t> OtherSide::icmp_message(const Action& action, const IcmpLine& line) const {
  const bool echo = line.type.starts_with("echo");
  std::vector<std::uint8_t> data(echo ? kEchoBytes : 0);
  wire::IcmpRepr icmp;
  if (echo) {
    stack::fill_echo_data(line.id, 1, data);
    icmp.parameter = std::uint32_t{line.id} << 16 | 1;
  } else {
    data = quotation(action, line.quote);
    icmp.parameter = line.mtu;
  }
  icmp.data = data;
  icmp.type = line.type_number;
  icmp.code = line.code_number;
  for (const IcmpNumbers& numbers : kIcmpNumbers) {
    if (line.type != numbers.type || line.code != numbers.code) continue;
    icmp.type = v6_ ? numbers.v6_type : numbers.v4_type;
    icmp.code = v6_ ? numbers.v6_code : numbers.v4_code;
  }
  std::vector<std::uint8_t> out(icmp.emitted_size());
  icmp.emit(out, peer_address(action.peer), host_address(action.host));
  return packet(action.host, action.peer, v6_ ? wire::kProtocolIcmpv6 : wire::kProtocolIcmp, out, kHopLimit);
}

// A question of the peer for the host's address, or the peer's answer to the host's question.
std::vector<std::uint8_t> OtherSide::neighbour_frame(std::size_t host, std::size_t peer, bool question) const {
  const IpAddress from = peer_address(peer);
  const IpAddress to = host_address(host);
  if (!v6_) {
    const wire::ArpRepr arp{question ? wire::ArpOperation::kRequest : wire::ArpOperation::kReply, peer_mac(peer),
                            from.v4(), question ? MacAddress{} : host_mac(host), to.v4()};
    std::vector<std::uint8_t> out(arp.emitted_size());
    arp.emit(out);
    return frame(peer, question ? MacAddress::broadcast() : host_mac(host), wire::kEtherTypeArp, out);
  }
  const Ipv6Address dst = question ? to.v6().solicited_node() : to.v6();
  const wire::NdpRepr ndp{.kind = question ? wire::NdpKind::kSolicitation : wire::NdpKind::kAdvertisement,
                          .target = question ? to.v6() : from.v6(),
                          .link_layer = peer_mac(peer),
                          .solicited = !question,
                          .overrides = !question};
  const wire::IpRepr ip{.src = from,
                        .dst = dst,
                        .protocol = wire::kProtocolIcmpv6,
                        .hop_limit = kNdpHopLimit,
                        .payload_length = ndp.emitted_size()};
  std::vector<std::uint8_t> out(ip.header_size() + ndp.emitted_size());
  ip.emit_header(out.data());
  ndp.emit(MutableBytes{out}.subspan(ip.header_size()), from.v6(), dst);
  return frame(peer, question ? MacAddress::ipv6_multicast(dst.octets) : host_mac(host), wire::kEtherTypeIpv6, out);
}

std::vector<std::uint8_t> OtherSide::frame_of(const Action& action) {
  if (const auto* tcp = std::get_if<TcpLine>(&action.what)) return tcp_segment(action, *tcp);
  if (const auto* udp = std::get_if<UdpLine>(&action.what)) return udp_segment(action, *udp);
  if (const auto* icmp = std::get_if<IcmpLine>(&action.what)) return icmp_message(action, *icmp);
  const auto& neighbour = std::get<NeighbourLine>(action.what);
  const auto& parties = neighbour.question ? script_.hosts : script_.peers;
  std::size_t named = 0;
  while (parties[named].name != neighbour.target) ++named;  // the parser has looked
  return neighbour.question ? neighbour_frame(named, action.peer, true) : neighbour_frame(action.host, named, false);
}

std::vector<std::uint8_t> OtherSide::answer_to(const Seen& question) const {
  return neighbour_frame(question.host, question.peer, false);
}

// --- frames of ours --------------------------------------------------------------------------------------------------

Seen OtherSide::read(Bytes bytes, Instant at) {
  Seen seen;
  seen.at = at;
  const auto ethernet = wire::EthernetView::parse(bytes);
  const auto host = ethernet ? hosts_.by_mac(ethernet->src(), {}) : std::nullopt;
  if (!host) {
    seen.trouble = "a frame from no host of ours";
    return seen;
  }
  seen.host = static_cast<std::uint32_t>(host->id);
  if (ethernet->ether_type() == wire::kEtherTypeArp) {
    read_arp(seen, ethernet->payload());
  } else if (const auto ip = wire::IpView::parse(ethernet->payload(), ethernet->ether_type()); !ip) {
    seen.trouble = "a frame that is no packet";
  } else if (ip->src() != host_address(seen.host)) {
    seen.trouble = "a packet from " + ip->src().text();
  } else if (!ethernet->dst().is_group()) {
    const auto peer = peer_with(ip->dst());
    if (!peer || ethernet->dst() != peer_mac(*peer)) {
      seen.trouble = "a packet to " + ip->dst().text() + " at " + ethernet->dst().text();
    } else {
      seen.peer = *peer;
      read_ip(seen, *ip);
    }
  } else {
    read_ip(seen, *ip);
  }
  return seen;
}

void OtherSide::read_arp(Seen& seen, Bytes payload) {
  const auto arp = wire::ArpView::parse(payload);
  const auto peer = arp ? peer_with(arp->target_ip()) : std::nullopt;
  if (!peer || arp->sender_ip() != host_address(seen.host) || arp->sender_mac() != host_mac(seen.host)) {
    seen.trouble = "an ARP message that speaks of no peer, or not in the host's name";
    return;
  }
  seen.peer = *peer;
  const bool question = arp->is_request();
  seen.what = NeighbourLine{question, question ? script_.peers[*peer].name : script_.hosts[seen.host].name};
}

void OtherSide::read_ip(Seen& seen, const wire::IpView& ip) {
  if (ip.protocol() == wire::kProtocolTcp) {
    read_tcp(seen, ip);
    return;
  }
  const auto icmp = wire::IcmpView::parse(ip);
  if (ip.protocol() != (v6_ ? wire::kProtocolIcmpv6 : wire::kProtocolIcmp) || !icmp) {
    seen.trouble = "a packet that is neither TCP nor good ICMP";
    return;
  }
  read_icmp(seen, ip, *icmp);
}

void OtherSide::read_icmp(Seen& seen, const wire::IpView& ip, const wire::IcmpView& icmp) {
  if (const auto ndp = wire::NdpView::parse(ip, icmp); v6_ && ndp) {
    const bool question = ndp->kind() == wire::NdpKind::kSolicitation;
    const auto peer = question ? peer_with(ndp->target()) : peer_with(ip.dst());
    if (!peer || (!question && IpAddress{ndp->target()} != host_address(seen.host)) ||
        ndp->link_layer() != host_mac(seen.host)) {
      seen.trouble = "neighbour discovery that speaks of no peer, or not in the host's name";
      return;
    }
    seen.peer = *peer;
    seen.what = NeighbourLine{question, question ? script_.peers[*peer].name : script_.hosts[seen.host].name};
    return;
  }
  IcmpLine line;
  line.type = "type " + std::to_string(icmp.type()) + " code " + std::to_string(icmp.code());
  for (const IcmpNumbers& numbers : kIcmpNumbers) {
    if (icmp.type() != (v6_ ? numbers.v6_type : numbers.v4_type)) continue;
    if (icmp.code() != (v6_ ? numbers.v6_code : numbers.v4_code)) continue;
    line.type = numbers.type;
    line.code = numbers.code;
  }
  if (line.type.starts_with("echo")) {
    line.id = icmp.echo_id();
    if (icmp.data().size() != kEchoBytes || !stack::is_echo_data(line.id, icmp.echo_sequence(), icmp.data())) {
      seen.trouble = "an echo whose data is not what was asked for";
    }
  }
  if (icmp.is_error()) {
    const auto about = wire::IpView::parse_quoted(icmp.data(), v6_);
    const bool udp =
        about && about->protocol() == wire::kProtocolUdp && about->payload().size() >= wire::kUdpHeaderBytes;
    if (udp)
      line.quote = UdpLine{static_cast<std::uint16_t>(load_be16(about->payload().data() + 4) - wire::kUdpHeaderBytes)};
    if (!about || about->src() != peer_address(seen.peer) || about->dst() != host_address(seen.host)) {
      seen.trouble = "an error that quotes a packet which the peer never sent";
    }
  }
  seen.what = line;
}

TcpLine OtherSide::line_of(const wire::TcpView& segment, const Conversation& c) const {
  TcpLine line;
  line.flags = segment.flags();
  line.seq = segment.seq().since(c.iss);
  line.length = static_cast<std::uint32_t>(segment.payload().size());
  if (segment.has(wire::kTcpAck)) line.ack = segment.ack().value() - script_.remote_isn;
  line.window = segment.window();
  const wire::TcpOptions& options = segment.options();
  line.options.mss = options.mss;
  line.options.window_scale = options.window_scale;
  line.options.sack_permitted = options.sack_permitted;
  line.options.has_timestamps = options.has_timestamps;
  if (options.has_timestamps) {
    line.options.ts_value = options.ts_value;
    line.options.ts_echo = options.ts_echo;
  }
  for (const auto& block : options.sack_blocks()) {
    line.options.sack.emplace_back(block.left.value() - script_.remote_isn, block.right.value() - script_.remote_isn);
  }
  return line;
}

void OtherSide::read_tcp(Seen& seen, const wire::IpView& ip) {
  const auto segment = wire::TcpView::parse(ip.payload());
  if (!segment || wire::transport_checksum(ip.src(), ip.dst(), wire::kProtocolTcp, ip.payload(), false) !=
                      wire::ChecksumState::kGood) {
    seen.trouble = "a TCP segment with a bad header or checksum";
    return;
  }
  Conversation& c = between(seen.host, seen.peer);
  const bool syn = segment->has(wire::kTcpSyn);
  if (syn && c.new_numbers) {
    c.new_numbers = false;
    c.iss = segment->seq();
    c.timestamps.clear();
    if (c.their_syn) c.their_start = *c.their_syn;
    if (!c.local_known) c.local = segment->source_port();
    c.local_known = true;
  }
  TcpLine line = line_of(*segment, c);
  line.hop_limit = ip.hop_limit();
  if (syn) c.our_syn_options = line.options;
  seen.what = std::move(line);
  if (segment->source_port() != c.local || segment->dest_port() != c.remote) {
    seen.trouble = "a segment from port " + std::to_string(segment->source_port().number) + " to port " +
                   std::to_string(segment->dest_port().number) + ", which are not those of the conversation";
  } else if (!is_stream(kOurStream, segment->seq().since(c.iss + 1), segment->payload())) {
    seen.trouble = "a segment with bytes that the application did not supply for that place";
  }
}

// --- expected and seen -----------------------------------------------------------------------------------------------

std::string OtherSide::difference(const Action& expected, const Seen& seen) {
  if (!seen.trouble.empty()) return seen.trouble;
  if (expected.host != seen.host) return "it is of host " + script_.hosts[seen.host].name;
  if (expected.what.index() == 0 || seen.what.index() == 0) return "it is something else";
  const auto* const neighbour = std::get_if<NeighbourLine>(&expected.what);
  if (neighbour == nullptr && expected.peer != seen.peer) return "it is to " + script_.peers[seen.peer].name;
  if (neighbour != nullptr) {
    const auto* const line = std::get_if<NeighbourLine>(&seen.what);
    if (line == nullptr) return "it is something else";
    return scripts::text_of(*neighbour) == scripts::text_of(*line) ? "" : "it is about another";
  }
  if (const auto* icmp = std::get_if<IcmpLine>(&expected.what)) {
    const auto* const line = std::get_if<IcmpLine>(&seen.what);
    return line == nullptr ? "it is something else" : differing_fields(*icmp, *line);
  }
  const auto* const tcp = std::get_if<TcpLine>(&expected.what);
  const auto* const real = std::get_if<TcpLine>(&seen.what);
  if (tcp == nullptr || real == nullptr) return "it is something else";
  Conversation& c = between(seen.host, seen.peer);
  TcpLine line = *real;
  if (line.options.ts_value && tcp->options.ts_value) {
    if (!c.ts_offset) c.ts_offset = *line.options.ts_value - *tcp->options.ts_value;
    c.timestamps[*tcp->options.ts_value] = *line.options.ts_value;
    line.options.ts_value = *line.options.ts_value - *c.ts_offset;
  }
  return differing_fields(*tcp, line, script_.strict);
}

std::string OtherSide::text_of(const Seen& seen) const {
  if (const auto* tcp = std::get_if<TcpLine>(&seen.what)) {
    TcpLine line = *tcp;
    line.hop_limit.reset();  // nobody asks for it but by name
    if (line.options.ts_value)
      line.options.ts_value = *line.options.ts_value - between(seen.host, seen.peer).ts_offset.value_or(0);
    return "> " + scripts::text_of(line);
  }
  if (const auto* icmp = std::get_if<IcmpLine>(&seen.what)) return "> " + scripts::text_of(*icmp);
  if (const auto* neighbour = std::get_if<NeighbourLine>(&seen.what)) return "> " + scripts::text_of(*neighbour);
  return seen.trouble;
}

}  // namespace myriad::scripts
