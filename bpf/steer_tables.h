// From host ranges to what the steering program reads (see steer_abi.h): ranges are cut by VLAN and sorted. Where an
// address is said to belong to several hosts, the lowest one has it.
//
// Refuses ranges that leave their address space or the VLAN identifiers, and more segments than there is room for: a
// group takes three or four, times the VLANs that it is spread over.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "bpf/host_range.h"
#include "bpf/steer_abi.h"

namespace myriad::bpf {

struct SteerTables {
  steer_config config{};
  std::vector<steer_segment> segments;
  std::array<steer_slice, 2> untagged{};
  // Entries of the hash: keys[i] has slices[i].
  std::vector<steer_slice_key> keys;
  std::vector<steer_slice> slices;

  void store(steer_tables& in_program) const;
};

Result<SteerTables> make_steer_tables(std::span<const HostRange> ranges, std::uint32_t shards);

}  // namespace myriad::bpf
