#include "stack/stack.h"

namespace myriad::stack {

using wire::EthernetView;
using wire::IcmpKind;
using wire::IcmpView;
using wire::IpView;

namespace {
constexpr std::uint64_t kUdpSecret = 0x756470;  // so that the hashes of UDP and TCP are not the same
}

Stack::Stack(const HostTable& hosts, const StackOptions& options)
    : hosts_(hosts),
      options_(options),
      counters_(hosts.groups().size()),
      neighbours_(hosts, options.neighbours, wheel_, kNeighbourTimer),
      neighbourhood_(hosts, neighbours_, options.shard, options.shards, counters_, drops_),
      tcp_(hosts, options.tcp, mix64(options.seed), neighbours_, wheel_, kTcpTimer, events_, drops_),
      conversations_(mix64(options.seed ^ kUdpSecret), options.tcp.connections),
      icmp_(hosts, neighbours_, tcp_, conversations_, counters_, events_, drops_),
      udp_(hosts, neighbours_, conversations_, icmp_, events_, drops_) {
  events_.reserve(64);
}

ConnectionId Stack::input(Bytes frame, Instant now, TxBatch& out) {
  const auto ethernet = EthernetView::parse(frame);
  if (!ethernet) {
    ++drops_[ethernet.error()];
    return kNoConnection;
  }
  switch (ethernet->ether_type()) {
    case wire::kEtherTypeArp:
      neighbourhood_.on_arp(*ethernet, now, out);
      if (neighbours_.has_answer()) tell_waiters(now);
      return kNoConnection;
    case wire::kEtherTypeIpv4:
    case wire::kEtherTypeIpv6:
      return on_ip(*ethernet, now, out);
    default:
      ++drops_[Drop::kUnknownEtherType];
      return kNoConnection;
  }
}

ConnectionId Stack::on_ip(const EthernetView& frame, Instant now, TxBatch& out) {
  const auto ip = IpView::parse(frame.payload(), frame.ether_type());
  if (!ip) {
    ++drops_[ip.error()];
    return kNoConnection;
  }
  if (frame.dst().is_group()) {
    on_group_packet(frame, *ip, now, out);
    return kNoConnection;
  }
  const auto host = hosts_.by_mac(frame.dst(), frame.vlan());
  // RFC 1122 section 3.2.1.3: hosts do not forward, and a group address in a unicast frame is a mistake.
  if (!host || hosts_.address(*host, ip->is_v6()) != ip->dst()) {
    ++drops_[Drop::kNotOurs];
    return kNoConnection;
  }
  if (!ip->is_fragment()) return on_packet(*host, frame, *ip, now, out);
  const auto whole = fragments_.add(*ip, frame.vlan(), now, drops_);
  if (!whole) return kNoConnection;
  return on_packet(*host, frame, *whole, now, out);
}

// Of what is sent to groups, hosts hear neighbour solicitations for themselves.
void Stack::on_group_packet(const EthernetView& frame, const IpView& ip, Instant now, TxBatch& out) {
  if (ip.is_fragment() || ip.protocol() != wire::kProtocolIcmpv6 || !ip.is_v6()) {
    ++drops_[Drop::kNotOurs];
    return;
  }
  const auto icmp = IcmpView::parse(ip);
  if (!icmp) {
    ++drops_[icmp.error()];
    return;
  }
  if (icmp->kind() != IcmpKind::kNeighbourSolicitation && icmp->kind() != IcmpKind::kNeighbourAdvertisement) {
    ++drops_[Drop::kIcmpIgnored];
    return;
  }
  neighbourhood_.on_ndp(frame, ip, *icmp, now, out);
  if (neighbours_.has_answer()) tell_waiters(now);
}

ConnectionId Stack::on_packet(const Host& host, const EthernetView& frame, const IpView& ip, Instant now,
                              TxBatch& out) {
  switch (ip.protocol()) {
    case wire::kProtocolTcp:
      if (ip.src().is_unspecified()) {
        ++drops_[Drop::kBadSource];
        return kNoConnection;
      }
      return tcp_.on_segment(host, frame.src(), ip, now, options_.accept_pending_checksums, out);
    case wire::kProtocolUdp:
      udp_.on_datagram(host, frame.src(), ip, now, options_.accept_pending_checksums, out);
      return kNoConnection;
    case wire::kProtocolIcmp:
    case wire::kProtocolIcmpv6:
      if (ip.is_v6() == (ip.protocol() == wire::kProtocolIcmpv6)) {
        on_icmp(host, frame, ip, now, out);
        return kNoConnection;
      }
      [[fallthrough]];
    default:
      ++drops_[Drop::kUnknownProtocol];
      icmp_.protocol_unreachable(host, frame.src(), ip, now, out);
      return kNoConnection;
  }
}

void Stack::on_icmp(const Host& host, const EthernetView& frame, const IpView& ip, Instant now, TxBatch& out) {
  const auto icmp = IcmpView::parse(ip);
  if (!icmp) {
    ++drops_[icmp.error()];
    return;
  }
  if (icmp->kind() == IcmpKind::kNeighbourSolicitation || icmp->kind() == IcmpKind::kNeighbourAdvertisement) {
    neighbourhood_.on_ndp(frame, ip, *icmp, now, out);
    if (neighbours_.has_answer()) tell_waiters(now);
    return;
  }
  icmp_.on_message(host, frame.src(), ip, *icmp, now, out);
}

void Stack::fire_timers(Instant now) {
  if (fragments_.next_deadline() <= now) fragments_.expire(now, drops_);
  wheel_.advance(now, [&](std::uint8_t kind, std::uint32_t subject) {
    if (kind == kTcpTimer) {
      tcp_.on_timer(ConnectionId{subject}, now);
    } else {
      neighbours_.on_timer(subject, now);
    }
  });
}

void Stack::tell_waiters(Instant now) {
  if (!neighbours_.has_answer()) return;
  for (const auto& [waiter, mac] : neighbours_.take_answers()) {
    if (waiter.kind == NeighbourWaiter::Kind::kConnection) {
      tcp_.on_neighbour(waiter, mac, now);
    } else if (waiter.kind == NeighbourWaiter::Kind::kCookie) {
      Event event;
      event.kind = mac ? EventKind::kResolved : EventKind::kUnresolved;
      event.reason = mac ? FailReason::kNone : FailReason::kNeighbourTimeout;
      event.cookie = waiter.subject;
      events_.push_back(event);
    }
  }
}

void Stack::close(ConversationId id) {
  for (Event& event : events_) {  // a handful: those of one frame
    if (event.conversation == id) event.kind = EventKind::kNothing;
  }
  conversations_.close(id);
}

GroupCounters Stack::group_counters(GroupIndex group) const {
  GroupCounters counters = counters_[group];
  counters.resolved = neighbours_.totals(group).resolved;
  counters.unresolved = neighbours_.totals(group).unresolved;
  return counters;
}

}  // namespace myriad::stack
