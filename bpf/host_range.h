// Consecutive hosts as steering sees them: addresses that go up with the host. A group of a scenario is one range.
#pragma once

#include <cstdint>
#include <optional>

#include "base/addr.h"

namespace myriad::bpf {

struct HostRange {
  std::uint32_t first_host = 0;  // number of the first host; the shard of a host is its number % shards
  std::uint32_t count = 0;
  MacAddress first_mac;                   // then +1 each
  std::optional<Ipv4Address> first_ipv4;  // then +1 each
  std::optional<Ipv6Address> first_ipv6;  // then +1 each
  VlanTags vlan;                          // of the first host
  std::uint32_t hosts_per_vlan = 0;       // then the innermost identifier goes up by one; 0 = never
};

}  // namespace myriad::bpf
