#include "cli/preflight.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "base/rng.h"
#include "templates/plan/problems.h"

namespace myriad::cli {
namespace {

Failure cannot(std::string what, std::string cure) { return fail(Fault::kMachine, std::move(what), std::move(cure)); }

std::uint64_t offset_in(Ipv4Address address, Ipv4Address first) { return std::uint64_t{address.value} - first.value; }

// How far `address` lies behind `first`, or UINT64_MAX when that is no count of hosts.
std::uint64_t offset_in(const Ipv6Address& address, const Ipv6Address& first) {
  const Uint128 a = (Uint128{address.high()} << 64) | address.low();
  const Uint128 b = (Uint128{first.high()} << 64) | first.low();
  const Uint128 offset = a - b;
  return offset > UINT32_MAX ? UINT64_MAX : static_cast<std::uint64_t>(offset);
}

// Which host of the group has this address, if any.
std::optional<std::uint64_t> host_with(const plan::HostGroup& group, const IpAddress& address) {
  std::uint64_t offset = UINT64_MAX;
  if (address.is_v4() && group.ipv4) offset = offset_in(address.v4(), group.ipv4->address);
  if (address.is_v6() && group.ipv6) offset = offset_in(address.v6(), group.ipv6->address);
  return offset < group.count ? std::optional{offset} : std::nullopt;
}

std::optional<std::uint64_t> host_with(const plan::HostGroup& group, const MacAddress& mac) {
  const std::uint64_t offset = mac.number() - group.mac.number();
  return offset < group.count ? std::optional{offset} : std::nullopt;
}

Result<void> check_capabilities(const Capabilities& capabilities) {
  const auto missing = capabilities.missing();
  if (missing.empty()) return {};
  return cannot(
      fmt::format("this needs the capabilities {}, which the process does not have", fmt::join(missing, ", ")),
      "run it with sudo, or once: sudo setcap cap_net_admin,cap_net_raw,cap_bpf+ep $(command -v myriad)");
}

Result<void> check_interface(const Interface& interface, const NetworkState& network, bool allow_default_route) {
  if (interface.loopback || !interface.ethernet) {
    return cannot(interface.name + " is not an Ethernet interface", "myriad list interfaces shows those that are");
  }
  if (!interface.up) return cannot(interface.name + " is down", "sudo ip link set " + interface.name + " up");
  if (interface.master != 0) {
    const Interface* const master = network.find(interface.master);
    if (master != nullptr && master->kind == "bond") {
      return cannot(fmt::format("{} belongs to the bond {}, which takes its frames", interface.name, master->name),
                    fmt::format("use {}, or: sudo ip link set {} nomaster", master->name, interface.name));
    }
  }
  if (!allow_default_route && network.carries_default_route(interface)) {
    return cannot(interface.name + " carries this machine's default route: a scenario on it may cut your own way in",
                  "use another interface, or say --allow-default-route");
  }
  return {};
}

// Addresses that belong to somebody else on this machine must not be given to a host: both would answer.
Result<void> check_addresses(const plan::HostGroup& group, const Interface& port, const NetworkState& network) {
  for (const Interface& interface : network.interfaces) {
    if (interface.loopback) continue;
    if (const auto host = host_with(group, interface.mac); host && interface.ethernet) {
      return cannot(fmt::format("{}[{}] would have the MAC address {} of this machine's {}", group.name, *host,
                                interface.mac.text(), interface.name),
                    fmt::format("give hosts.{}.mac another first address", group.name));
    }
    for (const InterfaceAddress& own : interface.addresses) {
      if (const auto host = host_with(group, own.address)) {
        return cannot(fmt::format("{}[{}] would have the address {} of this machine's {}", group.name, *host,
                                  own.address.text(), interface.name),
                      fmt::format("begin hosts.{} at another address", group.name));
      }
    }
  }
  for (const DefaultRoute& route : network.default_routes) {
    if (route.index != port.index || !route.gateway) continue;
    if (const auto host = host_with(group, *route.gateway)) {
      return cannot(fmt::format("{}[{}] would have the address {} of this machine's gateway", group.name, *host,
                                route.gateway->text()),
                    fmt::format("begin hosts.{} at another address", group.name));
    }
  }
  return {};
}

Result<void> check_group(const plan::HostGroup& group, const Interface& port, const NetworkState& network) {
  if (group.mtu > port.mtu) {
    return cannot(
        fmt::format("hosts.{} has an MTU of {} B, {} has only {} B", group.name, group.mtu, port.name, port.mtu),
        fmt::format("sudo ip link set {} mtu {}, or say a smaller hosts.{}.mtu", port.name, group.mtu, group.name));
  }
  const auto own4 = group.gateway ? host_with(group, IpAddress{*group.gateway}) : std::nullopt;
  const auto own6 = group.gateway6 ? host_with(group, IpAddress{*group.gateway6}) : std::nullopt;
  if (const auto host = own4 ? own4 : own6) {
    const std::string address = own4 ? group.gateway->text() : group.gateway6->text();
    return cannot(
        fmt::format("{}[{}] would have the address {} of the group's own gateway", group.name, *host, address),
        fmt::format("begin hosts.{} at another address, or name another gateway", group.name));
  }
  return check_addresses(group, port, network);
}

}  // namespace

Capabilities Capabilities::of_this_process() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  if (::syscall(SYS_capget, &header, data) != 0) return Capabilities{0};
  return Capabilities{(std::uint64_t{data[1].effective} << 32) | data[0].effective};
}

std::vector<std::string> Capabilities::missing() const {
  std::vector<std::string> names;
  if (!has(CAP_NET_ADMIN)) names.emplace_back("NET_ADMIN");
  if (!has(CAP_NET_RAW)) names.emplace_back("NET_RAW");
  if (!has(CAP_BPF) && !has(CAP_SYS_ADMIN)) names.emplace_back("BPF");
  return names;
}

Result<PreflightFacts> read_preflight_facts() {
  auto network = read_network_state();
  if (!network) return tl::unexpected(network.error());
  return PreflightFacts{std::move(*network), Capabilities::of_this_process()};
}

Result<const Interface*> find_interface(const NetworkState& network, const std::string& name) {
  if (const Interface* const interface = network.find(name)) return interface;
  std::vector<std::string_view> names;
  for (const Interface& interface : network.interfaces) {
    if (!interface.loopback) names.push_back(interface.name);
  }
  return cannot("there is no interface " + plan::quoted(name), plan::did_you_mean(name, names));
}

Result<void> preflight(const plan::Plan& plan, const PreflightFacts& facts, bool allow_default_route) {
  std::vector<const Interface*> interfaces;
  for (const plan::PortPlan& port : plan.ports) {
    auto interface = find_interface(facts.network, port.interface);
    if (!interface) return tl::unexpected(interface.error());
    interfaces.push_back(*interface);
  }
  if (auto ok = check_capabilities(facts.capabilities); !ok) return ok;
  for (const Interface* interface : interfaces) {
    if (auto ok = check_interface(*interface, facts.network, allow_default_route); !ok) return ok;
  }
  for (const plan::HostGroup& group : plan.groups) {
    if (auto ok = check_group(group, *interfaces[group.port], facts.network); !ok) return ok;
  }
  return {};
}

}  // namespace myriad::cli
