#include "stack/neigh/neighbourhood.h"

#include "stack/egress.h"

namespace myriad::stack {

using wire::ArpRepr;
using wire::ArpView;
using wire::NdpKind;
using wire::NdpRepr;
using wire::NdpView;

namespace {

constexpr std::uint8_t kNdpHopLimit = 255;       // RFC 4861 section 7.1
constexpr std::uint32_t kAnnouncedPerTurn = 32;  // so that a million announcements leave room for answers

}  // namespace

void Neighbourhood::on_arp(const wire::EthernetView& frame, Instant now, TxBatch& out) {
  const auto parsed = ArpView::parse(frame.payload());
  if (!parsed) {
    ++drops_[parsed.error()];
    return;
  }
  const ArpView& arp = *parsed;
  const bool probe = arp.is_probe();
  if (!probe && is_claim(arp.sender_ip(), frame.vlan(), arp.sender_mac())) return;  // RFC 5227: not learned from
  const auto target = hosts_.by_ip(arp.target_ip(), frame.vlan());
  if (!probe) {
    if (target) cache_.learn(*target, arp.sender_ip(), arp.sender_mac(), now);
    cache_.learn_shared(frame.vlan(), arp.sender_ip(), arp.sender_mac(), now);
  }
  if (!target) {
    ++drops_[Drop::kNotOurs];
    return;
  }
  if (!arp.is_request()) return;
  if (probe && arp.sender_mac() == target->mac) return;
  if (probe) ++counters_[target->group].duplicate_address;  // somebody wants it
  if (out.room() == 0) {
    ++drops_[Drop::kNoRoomToAnswer];
    return;
  }
  send_arp(*target, arp.sender_mac(),
           ArpRepr{wire::ArpOperation::kReply, target->mac, arp.target_ip(), arp.sender_mac(), arp.sender_ip()}, out);
  ++counters_[target->group].arp_replies_tx;
}

void Neighbourhood::on_ndp(const wire::EthernetView& frame, const wire::IpView& ip, const wire::IcmpView& icmp,
                           Instant now, TxBatch& out) {
  const auto parsed = NdpView::parse(ip, icmp);
  if (!parsed) {
    ++drops_[parsed.error()];
    return;
  }
  const NdpView& ndp = *parsed;
  const MacAddress speaker = ndp.link_layer().value_or(frame.src());
  const auto target = hosts_.by_ip(ndp.target(), frame.vlan());
  if (ndp.kind() == NdpKind::kAdvertisement) {
    if (is_claim(ndp.target(), frame.vlan(), speaker)) return;
    if (const auto host = hosts_.by_ip(ip.dst(), frame.vlan())) cache_.learn(*host, ndp.target(), speaker, now);
    cache_.learn_shared(frame.vlan(), ndp.target(), speaker, now);
    return;
  }
  if (!target) {
    ++drops_[Drop::kNotOurs];
    return;
  }
  const bool detection = ip.src().is_unspecified();  // duplicate address detection, RFC 4862 section 5.4
  if (detection) {
    if (frame.src() == target->mac) return;
    ++counters_[target->group].duplicate_address;
  } else {
    if (is_claim(ip.src(), frame.vlan(), frame.src())) return;
    cache_.learn(*target, ip.src(), speaker, now);
  }
  if (out.room() == 0) {
    ++drops_[Drop::kNoRoomToAnswer];
    return;
  }
  // RFC 4861 section 7.2.4: to all nodes when the asker has no address yet.
  const Ipv6Address to = detection ? Ipv6Address::all_nodes() : ip.src().v6();
  const MacAddress to_mac = detection ? MacAddress::ipv6_multicast(to.octets) : speaker;
  send_ndp(*target, to_mac, ndp.target(), to,
           NdpRepr{.kind = NdpKind::kAdvertisement,
                   .target = ndp.target(),
                   .link_layer = target->mac,
                   .solicited = !detection,
                   .overrides = true},
           out);
  ++counters_[target->group].neighbour_advertisements_tx;
}

bool Neighbourhood::is_claim(const IpAddress& ip, VlanTags vlan, const MacAddress& mac) {
  const auto owner = hosts_.by_ip(ip, vlan);
  if (!owner || owner->mac == mac) return false;
  ++counters_[owner->group].duplicate_address;
  return true;
}

void Neighbourhood::transmit(Instant now, TxBatch& out) {
  while (out.room() > 0) {
    const auto question = cache_.take_question(now);
    if (!question) break;
    ask(*question, out);
  }
  for (std::uint32_t told = 0; announce_next_ < hosts_.size() && told < kAnnouncedPerTurn && out.room() >= 2;) {
    const GroupIndex group = hosts_.group_of(HostId{announce_next_});
    if (hosts_.group(group).announce) {
      announce(hosts_.at(HostId{announce_next_}), out);
      announce_next_ += shards_;
      ++told;
    } else {  // on to the first host of this shard in the next group
      const std::uint32_t end = static_cast<std::uint32_t>(hosts_.first_of(group)) + hosts_.group(group).count;
      announce_next_ += (end - announce_next_ + shards_ - 1) / shards_ * shards_;
    }
  }
}

void Neighbourhood::ask(const NeighbourCache::Question& question, TxBatch& out) {
  const Host host = hosts_.at(question.asker);
  const auto own = hosts_.address(host, question.target.is_v6());
  if (!own) return;
  const bool everybody = question.known.is_zero();
  if (question.target.is_v4()) {
    send_arp(host, everybody ? MacAddress::broadcast() : question.known,
             ArpRepr{wire::ArpOperation::kRequest, host.mac, own->v4(), MacAddress{}, question.target.v4()}, out);
    ++counters_[host.group].arp_requests_tx;
    return;
  }
  const Ipv6Address target = question.target.v6();
  const Ipv6Address dst = everybody ? target.solicited_node() : target;
  send_ndp(host, everybody ? MacAddress::ipv6_multicast(dst.octets) : question.known, own->v6(), dst,
           NdpRepr{.kind = NdpKind::kSolicitation, .target = target, .link_layer = host.mac}, out);
  ++counters_[host.group].neighbour_solicitations_tx;
}

void Neighbourhood::announce(const Host& host, TxBatch& out) {
  if (const auto v4 = hosts_.address(host, false)) {  // RFC 5227 section 2.3: a request for the own address
    send_arp(host, MacAddress::broadcast(),
             ArpRepr{wire::ArpOperation::kRequest, host.mac, v4->v4(), MacAddress{}, v4->v4()}, out);
  }
  if (const auto v6 = hosts_.address(host, true)) {  // RFC 4861 section 7.2.6
    const Ipv6Address everybody = Ipv6Address::all_nodes();
    send_ndp(host, MacAddress::ipv6_multicast(everybody.octets), v6->v6(), everybody,
             NdpRepr{.kind = NdpKind::kAdvertisement, .target = v6->v6(), .link_layer = host.mac, .overrides = true},
             out);
  }
  ++counters_[host.group].announcements_tx;
}

void Neighbourhood::send_arp(const Host& host, const MacAddress& to, const ArpRepr& arp, TxBatch& out) {
  const MutableBytes frame = out.open();
  const wire::EthernetRepr ethernet{to, host.mac, host.vlan, wire::kEtherTypeArp};
  ethernet.emit_header(frame.data());
  const std::size_t header = ethernet.header_size();
  arp.emit(frame.subspan(header, arp.emitted_size()));
  const std::size_t length = header + arp.emitted_size();
  std::memset(frame.data() + length, 0, kMinimumFrameBytes - length);
  out.commit(kMinimumFrameBytes);
}

void Neighbourhood::send_ndp(const Host& host, const MacAddress& to, const Ipv6Address& src, const Ipv6Address& dst,
                             const NdpRepr& ndp, TxBatch& out) {
  Packet packet{out, host, to,
                wire::IpRepr{.src = src,
                             .dst = dst,
                             .protocol = wire::kProtocolIcmpv6,
                             .hop_limit = kNdpHopLimit,
                             .payload_length = ndp.emitted_size()}};
  ndp.emit(packet.payload(), src, dst);
  packet.send();
}

}  // namespace myriad::stack
