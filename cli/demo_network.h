// The network of `myriad demo`, made by rtnetlink. All functions act in the network namespace of the calling thread,
// and what they make vanishes with it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/addr.h"
#include "base/result.h"

namespace myriad::cli {

// A veth pair: `near` here, `far` in the network namespace of that process. Both are down.
[[nodiscard]] Result<void> make_veth(const std::string& near, const std::string& far, pid_t far_process);
[[nodiscard]] Result<void> set_up(const std::string& interface);
// An IPv6 address is usable at once: duplicates are not looked for.
[[nodiscard]] Result<void> add_address(const std::string& interface, const IpAddress& address,
                                       std::uint8_t prefix_length);

// Makes room for these neighbours beforehand. The kernel's table of neighbours is bounded for the whole machine
// (gc_thresh3, 1,024 by default and not ours to change), but entries that somebody else keeps ("extern_learn") are
// exempt. They are made empty: the kernel fills each one by asking, with ARP or neighbour solicitation, as it always
// does.
[[nodiscard]] Result<void> reserve_neighbours(const std::string& interface, const IpAddress& first,
                                              std::uint32_t count);

}  // namespace myriad::cli
