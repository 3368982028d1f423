// What this network namespace looks like: interfaces, their addresses, the default routes; and what a driver says of
// itself. Read by rtnetlink (libnl) and the ethtool ioctl, changing nothing. Everything here is a copy of one moment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/addr.h"
#include "base/result.h"

namespace myriad::cli {

struct InterfaceAddress {
  IpAddress address;
  std::uint8_t prefix_length = 0;
};

struct Interface {
  std::string name;
  unsigned index = 0;
  std::string kind;  // "veth", "bond", "bridge", …; empty for hardware
  MacAddress mac;
  std::uint32_t mtu = 0;
  bool up = false;       // administratively
  bool carrier = false;  // and there is somebody at the other end
  bool loopback = false;
  bool ethernet = false;
  unsigned master = 0;  // index of the bond or bridge it belongs to; 0 = none
  unsigned lower =
      0;  // index of the interface below (of a VLAN) or at the other end (of a veth); 0 = none or elsewhere
  std::vector<InterfaceAddress> addresses;
};

struct DefaultRoute {
  unsigned index = 0;  // of the interface it leaves by
  bool v6 = false;
  std::optional<IpAddress> gateway;
};

struct NetworkState {
  std::vector<Interface> interfaces;
  std::vector<DefaultRoute> default_routes;

  [[nodiscard]] const Interface* find(std::string_view name) const;
  [[nodiscard]] const Interface* find(unsigned index) const;
  // True when traffic of a default route leaves by this interface: its own, that of a bond or bridge it belongs to, or
  // that of a VLAN on top of it.
  [[nodiscard]] bool carries_default_route(const Interface& interface) const;
};

[[nodiscard]] Result<NetworkState> read_network_state();

// An offload that changes what XDP sees of the wire, as `ethtool -K` names it.
struct Offload {
  std::string name;
  bool on = false;
  bool fixed = false;  // the driver does not let it be changed
};

struct DriverFacts {
  std::string driver;  // empty when it does not say
  std::string version;
  std::uint32_t queues = 1;      // receive queues in use
  std::uint32_t queues_max = 1;  // that the device could have
  std::uint32_t tx_queues = 1;
  std::vector<Offload> offloads;  // only those that matter to us and that this device knows
  bool is_module = false;         // the driver was loaded, it is not part of the kernel's image
};

// Of an interface that exists. What the driver does not answer keeps its default.
[[nodiscard]] DriverFacts read_driver(const std::string& interface);

// Why zero-copy is not to be trusted with this driver although it offers it; empty when there is no reason. `auto`
// takes copy then, and whoever asks for zero-copy gets it.
//
// virtio_net sends frames of AF_XDP behind an empty virtio header that lies among the driver's static data, whose
// address for the device it computes as for memory of the kernel's image. For a module that is another place, which
// differs from boot to boot: unless it happens to hold zeros, the device refuses every frame, and the kernel counts it
// as sent.
[[nodiscard]] std::string zero_copy_doubt(const DriverFacts& driver);

}  // namespace myriad::cli
