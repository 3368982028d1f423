// Reads all that the views of stack/wire promise to be readable, for fuzz targets and for properties on hostile input:
// a view that was given out may not fail, and what it gives out lies within the bytes it was made from.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "stack/wire/arp.h"
#include "stack/wire/ethernet.h"
#include "stack/wire/icmp.h"
#include "stack/wire/ip.h"
#include "stack/wire/ndp.h"
#include "stack/wire/tcp.h"
#include "stack/wire/udp.h"

namespace myriad::fuzz {

// Where results go, so that no compiler leaves out the reading.
inline volatile std::uint64_t sink = 0;

// Like assert(), but in every build.
inline void require(bool holds, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  if (holds) return;
  std::fprintf(stderr, "%s:%d: a rule is broken\n", file, line);
  std::abort();
}

// Adds up every byte, so that a sanitizer sees each of them read.
inline std::uint64_t sum(Bytes bytes) {
  std::uint64_t total = 0;
  for (const std::uint8_t byte : bytes) total += byte;
  return total;
}

inline std::uint64_t sum_within(Bytes inner, Bytes outer) {
  require(inner.size() <= outer.size());
  require(inner.empty() ||
          (inner.data() >= outer.data() && inner.data() + inner.size() <= outer.data() + outer.size()));
  return sum(inner);
}

inline std::uint64_t read_arp(Bytes payload) {
  const auto view = wire::ArpView::parse(payload);
  if (!view) return 0;
  require(!view->sender_mac().is_group());
  return view->sender_mac().number() + view->sender_ip().value + view->target_mac().number() + view->target_ip().value +
         (view->is_request() ? 1U : 0U) + (view->is_probe() ? 1U : 0U) + (view->is_announcement() ? 1U : 0U);
}

inline std::uint64_t read_tcp(Bytes segment) {
  const auto view = wire::TcpView::parse(segment);
  if (!view) return 0;
  const wire::TcpOptions& options = view->options();
  require(options.sack_count <= 4);
  require(!options.window_scale || *options.window_scale <= 14);
  std::uint64_t total = sum_within(view->payload(), segment) + view->source_port().number + view->dest_port().number +
                        view->seq().value() + view->ack().value() + view->flags() + view->window() +
                        view->urgent_pointer() + view->sequence_length() + options.ts_value + options.ts_echo +
                        options.mss.value_or(0);
  for (const auto& block : options.sack_blocks()) total += block.left.value() + block.right.value();
  return total;
}

inline std::uint64_t read_udp(Bytes segment) {
  const auto view = wire::UdpView::parse(segment);
  if (!view) return 0;
  return sum_within(view->payload(), segment) + view->source_port().number + view->dest_port().number;
}

inline std::uint64_t read_quoted(Bytes quoted, bool v6) {
  const auto view = wire::IpView::parse_quoted(quoted, v6);
  if (!view) return 0;
  return sum_within(view->payload(), quoted) + sum_within(view->packet(), quoted) + view->protocol();
}

inline std::uint64_t read_icmp(const wire::IpView& ip) {
  const auto view = wire::IcmpView::parse(ip);
  if (!view) return 0;
  std::uint64_t total = sum_within(view->data(), ip.payload()) + view->type() + view->code() + view->parameter() +
                        view->echo_id() + view->echo_sequence() + view->next_hop_mtu();
  if (view->is_error()) total += read_quoted(view->data(), view->is_v6());
  if (view->kind() == wire::IcmpKind::kNeighbourSolicitation ||
      view->kind() == wire::IcmpKind::kNeighbourAdvertisement) {
    const auto ndp = wire::NdpView::parse(ip, *view);
    if (ndp) {
      require(!ndp->target().is_multicast());
      total += ndp->target().low() + (ndp->link_layer() ? ndp->link_layer()->number() : 0) +
               (ndp->is_router() ? 1U : 0U) + (ndp->is_solicited() ? 1U : 0U) + (ndp->overrides() ? 1U : 0U);
    }
  }
  return total;
}

inline std::uint64_t read_ip(Bytes packet, std::uint16_t ether_type) {
  const auto view = wire::IpView::parse(packet, ether_type);
  if (!view) return 0;
  require(view->is_v6() == view->dst().is_v6() && view->is_v6() == view->src().is_v6());
  std::uint64_t total = sum_within(view->payload(), packet) + sum_within(view->packet(), packet) +
                        sum_within(wire::quotation(*view), packet) + view->hop_limit() + view->traffic_class() +
                        view->fragment_id() + view->fragment_offset();
  if (view->is_fragment()) return total;
  const Bytes payload = view->payload();
  switch (view->protocol()) {
    case wire::kProtocolTcp:
      total += read_tcp(payload);
      if (wire::TcpView::parse(payload)) {
        total += static_cast<std::uint64_t>(
            wire::transport_checksum(view->src(), view->dst(), wire::kProtocolTcp, payload, true));
      }
      break;
    case wire::kProtocolUdp:
      total += read_udp(payload);
      if (const auto udp = wire::UdpView::parse(payload)) {
        total += static_cast<std::uint64_t>(
            wire::transport_checksum(view->src(), view->dst(), wire::kProtocolUdp, udp->segment(), true));
      }
      break;
    case wire::kProtocolIcmp:
    case wire::kProtocolIcmpv6:
      total += read_icmp(*view);
      break;
    default:
      break;
  }
  return total;
}

inline std::uint64_t read_frame(Bytes frame) {
  const auto view = wire::EthernetView::parse(frame);
  if (!view) return 0;
  std::uint64_t total = sum_within(view->payload(), frame) + view->dst().number() + view->src().number() +
                        view->vlan().outer + view->vlan().inner;
  if (view->ether_type() == wire::kEtherTypeArp) return total + read_arp(view->payload());
  return total + read_ip(view->payload(), view->ether_type());
}

}  // namespace myriad::fuzz
