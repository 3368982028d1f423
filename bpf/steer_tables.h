// From host ranges to what the steering program reads: sorted tables of ranges, and single addresses for the hash when
// there are more ranges than a table holds. The largest ranges have the tables, so the hash stays small.
//
// Refuses ranges that leave their address space or the VLAN identifiers, and more single addresses than the hash may
// have. That ranges do not overlap within a VLAN was checked by the plan; where they do, one of the hosts has the
// frame.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "bpf/host_range.h"
#include "bpf/steer_abi.h"

namespace myriad::bpf {

struct SteerTables {
  steer_config config{};
  steer_tables tables{};
  // Entries of the hash, each key once: keys[i] belongs to hosts[i].
  std::vector<steer_key> keys;
  std::vector<std::uint32_t> hosts;
};

Result<SteerTables> make_steer_tables(std::span<const HostRange> ranges, std::uint32_t shards);

}  // namespace myriad::bpf
