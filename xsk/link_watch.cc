#include "xsk/link_watch.h"

#include <sys/socket.h>
// After the library's headers, which these fit themselves to.
#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "xsk/setup_error.h"

namespace myriad::xsk {
namespace {

template <class T>
T copy_from(Bytes bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

std::optional<PortState> interpret_message(const nlmsghdr& header, Bytes body, unsigned interface_index) {
  if (header.nlmsg_type == NLMSG_ERROR && body.size() >= sizeof(int)) {
    // The answer to ask() when the interface is not there.
    return copy_from<int>(body) == -ENODEV ? std::optional{PortState::kGone} : std::nullopt;
  }
  if (header.nlmsg_type != RTM_NEWLINK && header.nlmsg_type != RTM_DELLINK) return std::nullopt;
  if (body.size() < sizeof(ifinfomsg)) return std::nullopt;
  const auto link = copy_from<ifinfomsg>(body);
  // A bridge announces its ports by the same messages with its own family: a port that leaves a bridge is not gone.
  if (link.ifi_family != AF_UNSPEC || link.ifi_index != static_cast<int>(interface_index)) return std::nullopt;
  if (header.nlmsg_type == RTM_DELLINK) return PortState::kGone;
  const bool up = (link.ifi_flags & IFF_UP) != 0 && (link.ifi_flags & static_cast<unsigned>(IFF_LOWER_UP)) != 0;
  return up ? PortState::kUp : PortState::kDown;
}

}  // namespace

Result<LinkWatch> LinkWatch::open(unsigned interface_index) {
  FileDescriptor socket{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE)};
  if (!socket.is_open()) return setup_failure("opening a netlink socket to watch the link", errno);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK;
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return setup_failure("subscribing to the announcements of links", errno);
  }
  LinkWatch watch{std::move(socket), interface_index};
  // Subscribed first, asked second: no change falls between.
  if (const int os_error = watch.ask(); os_error != 0)
    return setup_failure("asking for the state of the link", os_error);
  return watch;
}

int LinkWatch::ask() {
  struct {
    nlmsghdr header{};
    ifinfomsg link{};
  } question;
  question.header.nlmsg_len = sizeof question;
  question.header.nlmsg_type = RTM_GETLINK;
  question.header.nlmsg_flags = NLM_F_REQUEST;
  question.link.ifi_family = AF_UNSPEC;
  question.link.ifi_index = static_cast<int>(interface_index_);
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  const auto sent =
      ::sendto(socket_.get(), &question, sizeof question, 0, reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel);
  return sent < 0 ? errno : 0;
}

std::optional<PortState> LinkWatch::read_news() {
  constexpr int kAtMost = 64;  // datagrams per call; the rest stays readable
  // Only the head of each announcement matters (flags); the attributes behind it may be cut off.
  alignas(nlmsghdr) std::array<std::uint8_t, 4096> datagram;
  std::optional<PortState> news;
  for (int i = 0; i < kAtMost; ++i) {
    sockaddr_nl sender{};
    socklen_t sender_size = sizeof sender;
    const auto size = ::recvfrom(socket_.get(), datagram.data(), datagram.size(), MSG_DONTWAIT,
                                 reinterpret_cast<sockaddr*>(&sender), &sender_size);
    if (size < 0) {
      if (errno == EINTR) continue;
      if (errno != ENOBUFS) break;
      ask();  // announcements were lost: have the present state announced
      continue;
    }
    if (sender.nl_pid != 0) continue;  // not from the kernel
    const auto said = interpret(Bytes{datagram}.first(static_cast<std::size_t>(size)), interface_index_);
    if (said) news = said;
    if (news == PortState::kGone) break;  // an index is not used again for long; whatever comes is not our interface
  }
  return news;
}

std::optional<PortState> LinkWatch::interpret(Bytes datagram, unsigned interface_index) {
  std::optional<PortState> news;
  while (datagram.size() >= sizeof(nlmsghdr)) {
    const auto header = copy_from<nlmsghdr>(datagram);
    if (header.nlmsg_len < sizeof(nlmsghdr)) break;
    const std::size_t length = std::min<std::size_t>(header.nlmsg_len, datagram.size());
    const auto said = interpret_message(header, datagram.first(length).subspan(sizeof(nlmsghdr)), interface_index);
    if (said) news = said;
    const std::size_t aligned = (std::size_t{header.nlmsg_len} + 3) & ~std::size_t{3};
    if (aligned >= datagram.size()) break;
    datagram = datagram.subspan(aligned);
  }
  return news;
}

}  // namespace myriad::xsk
