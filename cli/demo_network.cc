#include "cli/demo_network.h"

#include <fmt/format.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/neighbour.h>

#include <cerrno>
#include <memory>

namespace myriad::cli {
namespace {

template <auto release>
struct Release {
  template <class T>
  void operator()(T* object) const {
    release(object);
  }
};
using Socket = std::unique_ptr<nl_sock, Release<nl_socket_free>>;
using Link = std::unique_ptr<rtnl_link, Release<rtnl_link_put>>;
using Address = std::unique_ptr<rtnl_addr, Release<rtnl_addr_put>>;
using Neighbour = std::unique_ptr<rtnl_neigh, Release<rtnl_neigh_put>>;
using AnyAddress = std::unique_ptr<nl_addr, Release<nl_addr_put>>;

Failure failure(std::string doing, int nl_error) {
  const bool refused = nl_error == -NLE_PERM;
  return fail(Fault::kMachine, std::move(doing) + ": " + nl_geterror(nl_error), refused ? "run it with sudo" : "");
}

Result<Socket> connect_route() {
  Socket socket{nl_socket_alloc()};
  if (!socket) return fail(Fault::kMachine, "opening a netlink socket", {}, ENOMEM);
  if (const int error = nl_connect(socket.get(), NETLINK_ROUTE); error < 0)
    return failure("opening a netlink socket", error);
  return socket;
}

AnyAddress any_address(const IpAddress& address) {
  std::uint8_t bytes[16];
  if (address.is_v4()) {
    address.v4().store(bytes);
    return AnyAddress{nl_addr_build(AF_INET, bytes, 4)};
  }
  address.v6().store(bytes);
  return AnyAddress{nl_addr_build(AF_INET6, bytes, 16)};
}

Result<int> index_of(nl_sock* socket, const std::string& interface) {
  rtnl_link* raw = nullptr;
  if (const int error = rtnl_link_get_kernel(socket, 0, interface.c_str(), &raw); error < 0) {
    return failure("looking for interface " + interface, error);
  }
  const Link link{raw};
  return rtnl_link_get_ifindex(raw);
}

}  // namespace

Result<void> make_veth(const std::string& near, const std::string& far, pid_t far_process) {
  const auto socket = connect_route();
  if (!socket) return tl::unexpected(socket.error());
  const Link link{rtnl_link_veth_alloc()};
  if (!link) return fail(Fault::kMachine, "making a veth pair", {}, ENOMEM);
  rtnl_link_set_name(link.get(), near.c_str());
  const Link peer{rtnl_link_veth_get_peer(link.get())};
  rtnl_link_set_name(peer.get(), far.c_str());
  rtnl_link_set_ns_pid(peer.get(), far_process);
  if (const int error = rtnl_link_add(socket->get(), link.get(), NLM_F_CREATE | NLM_F_EXCL); error < 0) {
    return failure("making the veth pair " + near + " and " + far, error);
  }
  return {};
}

Result<void> set_up(const std::string& interface) {
  const auto socket = connect_route();
  if (!socket) return tl::unexpected(socket.error());
  const auto index = index_of(socket->get(), interface);
  if (!index) return tl::unexpected(index.error());
  const Link link{rtnl_link_alloc()};
  const Link change{rtnl_link_alloc()};
  rtnl_link_set_ifindex(link.get(), *index);
  rtnl_link_set_flags(change.get(), IFF_UP);
  if (const int error = rtnl_link_change(socket->get(), link.get(), change.get(), 0); error < 0) {
    return failure("bringing " + interface + " up", error);
  }
  return {};
}

Result<void> add_address(const std::string& interface, const IpAddress& address, std::uint8_t prefix_length) {
  const auto socket = connect_route();
  if (!socket) return tl::unexpected(socket.error());
  const auto index = index_of(socket->get(), interface);
  if (!index) return tl::unexpected(index.error());
  const Address entry{rtnl_addr_alloc()};
  const AnyAddress local = any_address(address);
  nl_addr_set_prefixlen(local.get(), prefix_length);
  rtnl_addr_set_ifindex(entry.get(), *index);
  rtnl_addr_set_local(entry.get(), local.get());
  if (address.is_v6()) rtnl_addr_set_flags(entry.get(), IFA_F_NODAD);
  if (const int error = rtnl_addr_add(socket->get(), entry.get(), 0); error < 0) {
    return failure(fmt::format("giving {} the address {}", interface, address.text()), error);
  }
  return {};
}

Result<void> reserve_neighbours(const std::string& interface, const IpAddress& first, std::uint32_t count) {
  const auto socket = connect_route();
  if (!socket) return tl::unexpected(socket.error());
  const auto index = index_of(socket->get(), interface);
  if (!index) return tl::unexpected(index.error());
  for (std::uint32_t i = 0; i < count; ++i) {
    const IpAddress address = first.is_v4() ? IpAddress{first.v4() + i} : IpAddress{first.v6().plus(i)};
    const Neighbour entry{rtnl_neigh_alloc()};
    const AnyAddress destination = any_address(address);
    rtnl_neigh_set_ifindex(entry.get(), *index);
    rtnl_neigh_set_dst(entry.get(), destination.get());
    rtnl_neigh_set_state(entry.get(), NUD_NONE);
    rtnl_neigh_set_flags(entry.get(), NTF_EXT_LEARNED);
    if (const int error = rtnl_neigh_add(socket->get(), entry.get(), NLM_F_CREATE | NLM_F_REPLACE); error < 0) {
      return failure("making room for the neighbour " + address.text(), error);
    }
  }
  return {};
}

}  // namespace myriad::cli
