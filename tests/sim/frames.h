// What a filter of the simulated network sees in a frame.
#pragma once

#include <optional>

#include "stack/wire/ethernet.h"
#include "stack/wire/ip.h"
#include "stack/wire/tcp.h"

namespace myriad::sim {

// The TCP segment in a frame, if it has one.
inline std::optional<wire::TcpView> segment_of(Bytes frame) {
  const auto ethernet = wire::EthernetView::parse(frame);
  if (!ethernet) return std::nullopt;
  const auto ip = wire::IpView::parse(ethernet->payload(), ethernet->ether_type());
  if (!ip || ip->protocol() != wire::kProtocolTcp) return std::nullopt;
  const auto segment = wire::TcpView::parse(ip->payload());
  return segment ? std::optional{*segment} : std::nullopt;
}

}  // namespace myriad::sim
