// Gives packets other addresses, in place, wherever the addresses stand; checksums follow by what has changed. Private
// to the rewriting of captures.
#pragma once

#include <cstdint>

#include "base/addr.h"
#include "base/bytes.h"
#include "craft/endpoints.h"
#include "craft/framing.h"

namespace myriad::craft {

// Who sends a frame and whom it is for, as far as they are mapped. `from` may be known without an address.
struct MappedEnds {
  PacketEnds ips;
  MappedHost from, to;
};

// Of IPv4, IPv6 or ARP, by `ether_type`; anything else stays. `ends` are those of the packet: the MAC addresses that a
// packet of ARP or neighbour discovery gives for its sender are those of ends.from.
void readdress(std::uint16_t ether_type, MutableBytes packet, const MappedEnds& ends, const Endpoints& endpoints);

}  // namespace myriad::craft
