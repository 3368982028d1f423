// Host groups for tests: two stations, "left" 10.0.1.x / fd00::1:x and "right" 10.0.2.x / fd00::2:x, in one /16 and
// /64.
#pragma once

#include <string>

#include "stack/host_table.h"

namespace myriad::sim {

inline stack::HostGroup group(const std::string& name, int net, std::uint32_t count, const tcp::Personality& tcp = {}) {
  stack::HostGroup g;
  g.name = name;
  g.count = count;
  g.first_mac = MacAddress::from_number(0x024d00000000ULL + (static_cast<std::uint64_t>(net) << 16) + 1);
  g.ipv4 = Ipv4Prefix{Ipv4Address{0x0a000000U + (static_cast<std::uint32_t>(net) << 8) + 1}, 16};
  g.ipv6 = Ipv6Prefix{*Ipv6Address::parse("fd00::" + std::to_string(net) + ":1"), 64};
  g.tcp = tcp;
  return g;
}

inline IpAddress address(const stack::HostTable& hosts, std::uint32_t id, bool v6) {
  return *hosts.address(hosts.at(stack::HostId{id}), v6);
}

}  // namespace myriad::sim
