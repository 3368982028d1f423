#include "cli/netdev.h"

#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace myriad::cli {
namespace {

struct FreeSocket {
  void operator()(nl_sock* socket) const { nl_socket_free(socket); }
};
struct FreeCache {
  void operator()(nl_cache* cache) const { nl_cache_free(cache); }
};
using Socket = std::unique_ptr<nl_sock, FreeSocket>;
using Cache = std::unique_ptr<nl_cache, FreeCache>;

Failure netlink_failure(const char* doing, int nl_error) {
  return fail(Fault::kMachine, std::string(doing) + ": " + nl_geterror(nl_error));
}

Result<Socket> connect_route() {
  Socket socket{nl_socket_alloc()};
  if (!socket) return fail(Fault::kMachine, "opening a netlink socket", {}, ENOMEM);
  if (const int error = nl_connect(socket.get(), NETLINK_ROUTE); error < 0) {
    return netlink_failure("opening a netlink socket", error);
  }
  return socket;
}

std::optional<IpAddress> address_of(nl_addr* address) {
  if (address == nullptr) return std::nullopt;
  const auto* const bytes = static_cast<const std::uint8_t*>(nl_addr_get_binary_addr(address));
  switch (nl_addr_get_family(address)) {
    case AF_INET:
      return nl_addr_get_len(address) == 4 ? std::optional<IpAddress>{Ipv4Address::from_bytes(bytes)} : std::nullopt;
    case AF_INET6:
      return nl_addr_get_len(address) == 16 ? std::optional<IpAddress>{Ipv6Address::from_bytes(bytes)} : std::nullopt;
    default:
      return std::nullopt;
  }
}

Interface interface_of(rtnl_link* link) {
  Interface interface;
  interface.name = rtnl_link_get_name(link);
  interface.index = static_cast<unsigned>(rtnl_link_get_ifindex(link));
  if (const char* const kind = rtnl_link_get_type(link)) interface.kind = kind;
  nl_addr* const mac = rtnl_link_get_addr(link);
  if (mac != nullptr && nl_addr_get_len(mac) == 6) {
    interface.mac = MacAddress::from_bytes(static_cast<const std::uint8_t*>(nl_addr_get_binary_addr(mac)));
  }
  interface.mtu = rtnl_link_get_mtu(link);
  const unsigned flags = rtnl_link_get_flags(link);
  interface.up = (flags & IFF_UP) != 0;
  interface.carrier = (flags & IFF_RUNNING) != 0;
  interface.loopback = (flags & IFF_LOOPBACK) != 0;
  interface.ethernet = rtnl_link_get_arptype(link) == ARPHRD_ETHER;
  interface.master = static_cast<unsigned>(std::max(0, rtnl_link_get_master(link)));
  // An interface below in another namespace has an index that means nothing here.
  std::int32_t other_namespace = -1;
  const bool elsewhere = rtnl_link_get_link_netnsid(link, &other_namespace) == 0 && other_namespace >= 0;
  if (!elsewhere) interface.lower = static_cast<unsigned>(std::max(0, rtnl_link_get_link(link)));
  return interface;
}

Result<void> read_interfaces(nl_sock* socket, NetworkState& state) {
  nl_cache* raw = nullptr;
  if (const int error = rtnl_link_alloc_cache(socket, AF_UNSPEC, &raw); error < 0) {
    return netlink_failure("reading the interfaces", error);
  }
  const Cache links{raw};
  for (nl_object* at = nl_cache_get_first(raw); at != nullptr; at = nl_cache_get_next(at)) {
    state.interfaces.push_back(interface_of(reinterpret_cast<rtnl_link*>(at)));
  }
  std::sort(state.interfaces.begin(), state.interfaces.end(),
            [](const Interface& a, const Interface& b) { return a.index < b.index; });
  return {};
}

Result<void> read_addresses(nl_sock* socket, NetworkState& state) {
  nl_cache* raw = nullptr;
  if (const int error = rtnl_addr_alloc_cache(socket, &raw); error < 0) {
    return netlink_failure("reading the addresses of the interfaces", error);
  }
  const Cache addresses{raw};
  for (nl_object* at = nl_cache_get_first(raw); at != nullptr; at = nl_cache_get_next(at)) {
    auto* const entry = reinterpret_cast<rtnl_addr*>(at);
    const auto address = address_of(rtnl_addr_get_local(entry));
    const auto index = static_cast<unsigned>(rtnl_addr_get_ifindex(entry));
    const auto interface = std::lower_bound(state.interfaces.begin(), state.interfaces.end(), index,
                                            [](const Interface& i, unsigned wanted) { return i.index < wanted; });
    if (!address || interface == state.interfaces.end() || interface->index != index) continue;
    interface->addresses.push_back({*address, static_cast<std::uint8_t>(rtnl_addr_get_prefixlen(entry))});
  }
  return {};
}

// Called with each route of a dump. A machine may have a million of them: none but the default ones is kept.
int keep_default_route(nl_msg* message, void* context) {
  auto& found = *static_cast<std::vector<DefaultRoute>*>(context);
  nlmsghdr* const header = nlmsg_hdr(message);
  const auto* const head = static_cast<const rtmsg*>(nlmsg_data(header));
  if (header->nlmsg_type != RTM_NEWROUTE || head->rtm_dst_len != 0 || head->rtm_type != RTN_UNICAST) return NL_OK;
  rtnl_route* raw = nullptr;
  if (rtnl_route_parse(header, &raw) < 0) return NL_OK;
  for (int i = 0; i < rtnl_route_get_nnexthops(raw); ++i) {
    rtnl_nexthop* const hop = rtnl_route_nexthop_n(raw, i);
    found.push_back({static_cast<unsigned>(rtnl_route_nh_get_ifindex(hop)), head->rtm_family == AF_INET6,
                     address_of(rtnl_route_nh_get_gateway(hop))});
  }
  rtnl_route_put(raw);
  return NL_OK;
}

Result<void> read_default_routes(nl_sock* socket, NetworkState& state) {
  nl_socket_disable_seq_check(socket);
  nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, keep_default_route, &state.default_routes);
  for (const int family : {AF_INET, AF_INET6}) {
    rtmsg request{};
    request.rtm_family = static_cast<unsigned char>(family);
    int error = nl_send_simple(socket, RTM_GETROUTE, NLM_F_DUMP, &request, sizeof request);
    if (error >= 0) error = nl_recvmsgs_default(socket);
    // A kernel without IPv6 has no routes of it.
    if (error < 0 && family == AF_INET) return netlink_failure("reading the routes", error);
  }
  return {};
}

}  // namespace

const Interface* NetworkState::find(std::string_view name) const {
  const auto found =
      std::find_if(interfaces.begin(), interfaces.end(), [&](const Interface& i) { return i.name == name; });
  return found == interfaces.end() ? nullptr : &*found;
}

const Interface* NetworkState::find(unsigned index) const {
  const auto found =
      std::find_if(interfaces.begin(), interfaces.end(), [&](const Interface& i) { return i.index == index; });
  return found == interfaces.end() ? nullptr : &*found;
}

bool NetworkState::carries_default_route(const Interface& interface) const {
  // From the interface upwards: what stands on it, until nothing new is found.
  std::vector<unsigned> reached{interface.index};
  const auto has = [&](unsigned index) { return std::find(reached.begin(), reached.end(), index) != reached.end(); };
  for (std::size_t i = 0; i < reached.size(); ++i) {
    const unsigned at = reached[i];
    if (const Interface* const here = find(at); here != nullptr && here->master != 0 && !has(here->master)) {
      reached.push_back(here->master);
    }
    for (const Interface& above : interfaces) {
      if (above.lower == at && above.kind != "veth" && !has(above.index)) reached.push_back(above.index);
    }
  }
  return std::any_of(default_routes.begin(), default_routes.end(),
                     [&](const DefaultRoute& route) { return has(route.index); });
}

Result<NetworkState> read_network_state() {
  auto socket = connect_route();
  if (!socket) return tl::unexpected(socket.error());
  NetworkState state;
  if (auto done = read_interfaces(socket->get(), state); !done) return tl::unexpected(done.error());
  if (auto done = read_addresses(socket->get(), state); !done) return tl::unexpected(done.error());
  if (auto done = read_default_routes(socket->get(), state); !done) return tl::unexpected(done.error());
  return state;
}

}  // namespace myriad::cli
