// Gives packets other addresses, in place, wherever the addresses stand; checksums follow by what has changed. Private
// to the rewriting of captures.
#pragma once

#include <cstdint>

#include "base/addr.h"
#include "base/bytes.h"
#include "craft/endpoints.h"

namespace myriad::craft {

// Of IPv4, IPv6 or ARP, by `ether_type`; anything else stays. `from` is who sends the frame, as far as it is mapped:
// the MAC addresses that a packet of ARP or neighbour discovery gives for its sender are that host's.
void readdress(std::uint16_t ether_type, MutableBytes packet, const MappedHost& from, const Endpoints& endpoints);

}  // namespace myriad::craft
