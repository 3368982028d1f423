#include "stack/icmp.h"

#include <algorithm>

#include "base/rng.h"
#include "stack/egress.h"

namespace myriad::stack {

using wire::IcmpKind;
using wire::IcmpRepr;
using wire::IcmpView;
using wire::IpRepr;
using wire::IpView;

namespace {

std::uint8_t icmp_protocol(bool v6) { return v6 ? wire::kProtocolIcmpv6 : wire::kProtocolIcmp; }

// RFC 9293 section 3.9.2.2: errors that will not go away by waiting. Time exceeded and parameter problem are none. What
// is prohibited belongs to them: of the codes, RFC 1122 section 3.2.2.1 calls only 0, 1 and 5 transient.
bool is_hard(const IcmpView& icmp) {
  if (icmp.kind() != IcmpKind::kUnreachable) return false;
  if (icmp.is_v6()) {
    switch (icmp.code()) {
      case wire::kIcmpv6CodeAdministrativelyProhibited:
      case wire::kIcmpv6CodePortUnreachable:
      case wire::kIcmpv6CodeSourceFailedPolicy:
      case wire::kIcmpv6CodeRouteRejects:
        return true;
      default:
        return false;
    }
  }
  switch (icmp.code()) {
    case wire::kIcmpv4CodeProtocolUnreachable:
    case wire::kIcmpv4CodePortUnreachable:
    case wire::kIcmpv4CodeNetworkProhibited:
    case wire::kIcmpv4CodeHostProhibited:
    case wire::kIcmpv4CodeCommunicationProhibited:
      return true;
    default:
      return false;
  }
}

std::uint64_t echo_seed(std::uint16_t id, std::uint16_t sequence) {
  return mix64((std::uint64_t{id} << 16) | sequence);
}

}  // namespace

void fill_echo_data(std::uint16_t id, std::uint16_t sequence, MutableBytes out) {
  const std::uint64_t seed = echo_seed(id, sequence);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>((seed >> (8 * (i % 8))) + i / 8);
}

bool is_echo_data(std::uint16_t id, std::uint16_t sequence, Bytes data) {
  const std::uint64_t seed = echo_seed(id, sequence);
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (data[i] != static_cast<std::uint8_t>((seed >> (8 * (i % 8))) + i / 8)) return false;
  }
  return true;
}

void Icmp::on_message(const Host& host, const MacAddress& from, const IpView& ip, const IcmpView& icmp, Instant now,
                      TxBatch& out) {
  switch (icmp.kind()) {
    case IcmpKind::kEchoRequest:
      reply(host, from, ip, icmp, out);
      return;
    case IcmpKind::kEchoReply: {
      Event event;
      event.kind = EventKind::kEchoReply;
      event.host = host.id;
      event.remote = ip.src();
      event.echo_id = icmp.echo_id();
      event.echo_sequence = icmp.echo_sequence();
      event.data = icmp.data();
      events_.push_back(event);
      return;
    }
    case IcmpKind::kUnreachable:
    case IcmpKind::kPacketTooBig:
    case IcmpKind::kTimeExceeded:
    case IcmpKind::kParameterProblem:
      on_error(host, ip, icmp, now);
      return;
    default:
      ++drops_[Drop::kIcmpIgnored];
  }
}

void Icmp::reply(const Host& host, const MacAddress& to, const IpView& ip, const IcmpView& request, TxBatch& out) {
  if (ip.src().is_unspecified()) {
    ++drops_[Drop::kBadSource];
    return;
  }
  IpRepr header{.src = ip.dst(),
                .dst = ip.src(),
                .protocol = icmp_protocol(ip.is_v6()),
                .traffic_class = ip.traffic_class(),
                .payload_length = request.message().size()};
  const std::uint16_t mtu = hosts_.group(host.group).mtu;
  bool sent = out.room() > 0;
  if (sent && header.header_size() + header.payload_length <= mtu) {
    Packet packet{out, host, to, header};
    wire::emit_echo_reply(request, packet.payload());
    packet.send();
  } else if (sent) {
    scratch_.resize(request.message().size());
    wire::emit_echo_reply(request, scratch_);
    sent = send_datagram(out, host, to, header, scratch_, mtu, ++datagram_id_);
  }
  if (sent) {
    ++counters_[host.group].echo_replies_tx;
  } else {
    ++drops_[Drop::kNoRoomToAnswer];
  }
}

// RFC 5927: an error is believed only if what it quotes could have been ours.
void Icmp::on_error(const Host& host, const IpView& ip, const IcmpView& icmp, Instant now) {
  const auto quoted = IpView::parse_quoted(icmp.data(), ip.is_v6());
  const auto own = hosts_.address(host, ip.is_v6());
  if (!quoted || !own || quoted->src() != *own) {
    ++drops_[Drop::kIcmpIgnored];
    return;
  }
  const Bytes payload = quoted->payload();
  if (quoted->protocol() == wire::kProtocolTcp) {
    if (icmp.kind() == IcmpKind::kPacketTooBig) {
      tcp_.on_path_mtu(host, quoted->dst(), payload, icmp.next_hop_mtu(), now);
    } else {
      tcp_.on_unreachable(host, quoted->dst(), payload, is_hard(icmp), now);
    }
    return;
  }
  if (quoted->protocol() == wire::kProtocolUdp) return on_udp_error(host, quoted->dst(), payload, icmp);
  const bool echo = quoted->protocol() == icmp_protocol(ip.is_v6()) && payload.size() >= wire::kIcmpHeaderBytes &&
                    payload[0] == (ip.is_v6() ? wire::kIcmpv6EchoRequest : wire::kIcmpv4EchoRequest);
  if (!echo || icmp.kind() == IcmpKind::kPacketTooBig) {
    ++drops_[Drop::kIcmpIgnored];
    return;
  }
  Event event;
  event.kind = EventKind::kUnreachable;
  event.reason = FailReason::kUnreachable;
  event.host = host.id;
  event.remote = quoted->dst();
  event.echo_id = load_be16(payload.data() + 4);
  event.echo_sequence = load_be16(payload.data() + 6);
  events_.push_back(event);
}

// What does not go away by waiting is told; of the rest it is known that it was.
void Icmp::on_udp_error(const Host& host, const IpAddress& remote, Bytes quoted, const IcmpView& icmp) {
  const ConversationId id = udp_.quoted(host.id, remote, quoted);
  if (id == kNoConversation || icmp.kind() == IcmpKind::kPacketTooBig) {
    ++drops_[Drop::kIcmpIgnored];
    return;
  }
  if (!is_hard(icmp)) {
    udp_[id].unreachable_seen = true;
    return;
  }
  const std::uint8_t port_code = icmp.is_v6() ? wire::kIcmpv6CodePortUnreachable : wire::kIcmpv4CodePortUnreachable;
  Event event;
  event.kind = EventKind::kDatagramRefused;
  event.reason = icmp.code() == port_code ? FailReason::kRefused : FailReason::kUnreachable;
  event.conversation = id;
  event.cookie = udp_[id].cookie;
  event.host = host.id;
  event.remote = remote;
  events_.push_back(event);
}

void Icmp::port_unreachable(const Host& host, const MacAddress& to, const IpView& about, Instant now, TxBatch& out) {
  send_error(host, to, about, IcmpRepr::port_unreachable(about), now, out);
}

void Icmp::protocol_unreachable(const Host& host, const MacAddress& to, const IpView& about, Instant now,
                                TxBatch& out) {
  if (about.is_v6()) return;  // RFC 8200 section 4 wants the place of the header; hosts may stay silent
  send_error(host, to, about,
             IcmpRepr{wire::kIcmpv4Unreachable, wire::kIcmpv4CodeProtocolUnreachable, 0, wire::quotation(about)}, now,
             out);
}

void Icmp::send_error(const Host& host, const MacAddress& to, const IpView& about, const IcmpRepr& error, Instant now,
                      TxBatch& out) {
  const bool answerable = !about.src().is_unspecified() && !about.src().is_multicast() && !about.dst().is_multicast() &&
                          about.fragment_offset() == 0;
  if (!answerable) return;
  if (!may_send_error(host, now)) {
    ++counters_[host.group].icmp_errors_limited;
    return;
  }
  if (out.room() == 0) {
    ++drops_[Drop::kNoRoomToAnswer];
    return;
  }
  const IpRepr header{.src = about.dst(),
                      .dst = about.src(),
                      .protocol = icmp_protocol(about.is_v6()),
                      .payload_length = error.emitted_size()};
  Packet packet{out, host, to, header};
  error.emit(packet.payload(), header.src, header.dst);
  packet.send();
  ++counters_[host.group].icmp_errors_tx;
}

bool Icmp::may_send_error(const Host& host, Instant now) {
  Bucket& bucket = buckets_[static_cast<std::uint32_t>(host.id) % kBuckets];
  const std::int64_t earned = (now - bucket.refilled) / kTokenEvery;
  if (earned > 0) {
    bucket.tokens = static_cast<std::uint32_t>(std::min<std::int64_t>(kBurst, bucket.tokens + earned));
    bucket.refilled = bucket.tokens == kBurst ? now : bucket.refilled + earned * kTokenEvery;
  }
  if (bucket.tokens == 0) return false;
  --bucket.tokens;
  return true;
}

EchoStatus Icmp::send_echo(const Host& from, const IpAddress& to, std::uint16_t id, std::uint16_t sequence,
                           std::size_t data_bytes, Cookie cookie, Instant now, TxBatch& out) {
  const auto own = hosts_.address(from, to.is_v6());
  const auto hop = hosts_.next_hop(from, to);
  if (!own || !hop) return EchoStatus::kNoRoute;
  if (out.room() == 0) return EchoStatus::kNoRoom;
  const auto mac = neighbours_.find(from, *hop, {NeighbourWaiter::Kind::kCookie, cookie, 0}, now);
  if (!mac) return EchoStatus::kResolving;
  scratch_.resize(wire::kIcmpHeaderBytes + data_bytes);
  const MutableBytes data = MutableBytes{scratch_}.subspan(wire::kIcmpHeaderBytes);
  fill_echo_data(id, sequence, data);
  IcmpRepr::echo_request(to.is_v6(), id, sequence, data).emit(scratch_, *own, to);
  const IpRepr header{.src = *own, .dst = to, .protocol = icmp_protocol(to.is_v6())};
  if (!send_datagram(out, from, *mac, header, scratch_, hosts_.group(from.group).mtu, ++datagram_id_)) {
    return EchoStatus::kNoRoom;
  }
  ++counters_[from.group].echo_requests_tx;
  return EchoStatus::kSent;
}

}  // namespace myriad::stack
