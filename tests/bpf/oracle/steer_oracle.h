// What steering ought to decide, written a second time and as plainly as possible: every range is tried, addresses are
// 128-bit numbers, and a host is believed only after its addresses have been worked out again from its place. Shares no
// code and no table with the program.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "bpf/host_range.h"
#include "bpf/steering.h"

namespace myriad::bpf::oracle {

struct Decision {
  std::optional<std::uint32_t> host;  // the frame is for it; else the kernel's,
  Passed reason = Passed::kCount;     // because
  friend bool operator==(const Decision&, const Decision&) = default;
};

Decision decide(std::span<const HostRange> ranges, Bytes frame);

// Tags of the host `offset` places after the first of the range.
VlanTags tags_of(const HostRange& range, std::uint64_t offset);

}  // namespace myriad::bpf::oracle
