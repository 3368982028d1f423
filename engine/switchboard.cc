#include "engine/switchboard.h"

#include "stack/wire/arp.h"
#include "stack/wire/ethernet.h"
#include "stack/wire/icmp.h"
#include "stack/wire/ipv6.h"
#include "stack/wire/ndp.h"

namespace myriad::engine {
namespace {

// The address that a question to a group asks for; nullopt for anything else.
std::optional<IpAddress> asked_for(const wire::EthernetView& frame) {
  const Bytes payload = frame.payload();
  if (frame.ether_type() == wire::kEtherTypeArp) {
    const auto arp = wire::ArpView::parse(payload);
    if (!arp || !arp->is_request() || arp->is_announcement()) return std::nullopt;
    return arp->target_ip();
  }
  constexpr std::size_t kSolicitationBytes = 24;
  const bool solicitation =
      frame.ether_type() == wire::kEtherTypeIpv6 && payload.size() >= wire::kIpv6HeaderBytes + kSolicitationBytes &&
      payload[6] == wire::kProtocolIcmpv6 && payload[wire::kIpv6HeaderBytes] == wire::kIcmpv6NeighbourSolicitation;
  if (!solicitation) return std::nullopt;
  return Ipv6Address::from_bytes(payload.data() + wire::kIpv6HeaderBytes + 8);
}

}  // namespace

Delivery deliver(const stack::HostTable& hosts, Bytes frame) {
  const auto view = wire::EthernetView::parse(frame);
  if (!view) return {};
  if (!view->dst().is_group()) {
    const auto host = hosts.by_mac(view->dst(), view->vlan());
    if (!host) return {};
    return {.wire = false, .inside = host->id};
  }
  const auto target = asked_for(*view);
  if (!target) return {};
  const auto host = hosts.by_ip(*target, view->vlan());
  if (!host) return {};
  return {.wire = true, .inside = host->id};
}

}  // namespace myriad::engine
