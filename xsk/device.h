// What a port must know of the network interface it stands on, asked of the kernel once at set-up.
// Looks in the network namespace of the calling thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/addr.h"
#include "base/result.h"

namespace myriad::xsk {

struct Device {
  std::string name;
  unsigned index = 0;
  std::string driver;  // empty when the driver does not say
  MacAddress mac;
  std::uint32_t mtu_bytes = 0;  // of IP packets
  std::uint32_t queues = 1;     // receive queues in use; frames may come on each
  std::uint32_t tx_queues = 1;  // transmit queues in use
};

// Refuses names that no interface can have, and interfaces that are not there.
[[nodiscard]] Result<Device> find_device(const std::string& name);

}  // namespace myriad::xsk
