// A group of hosts as crafted frames see it: addresses by arithmetic.
#pragma once

#include "craft/language.h"
#include "templates/plan/plan.h"

namespace myriad::plan {

[[nodiscard]] inline craft::HostRange host_range(const HostGroup& group) {
  craft::HostRange hosts;
  hosts.count = group.count;
  hosts.mac = group.mac;
  if (group.ipv4) hosts.ipv4 = group.ipv4->address;
  if (group.ipv6) hosts.ipv6 = group.ipv6->address;
  hosts.vlan = group.vlan.tags;
  hosts.hosts_per_vlan = group.vlan.per;
  return hosts;
}

}  // namespace myriad::plan
