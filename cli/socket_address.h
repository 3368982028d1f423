// An address and a port as the socket calls want them.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstring>
#include <optional>

#include "base/addr.h"
#include "base/bytes.h"

namespace myriad::cli {

class SocketAddress {
 public:
  SocketAddress(const IpAddress& address, Port port) {
    if (address.is_v4()) {
      v4_.sin_family = AF_INET;
      address.v4().store(reinterpret_cast<std::uint8_t*>(&v4_.sin_addr));
      store_be16(reinterpret_cast<std::uint8_t*>(&v4_.sin_port), port.number);
    } else {
      v6_.sin6_family = AF_INET6;
      address.v6().store(reinterpret_cast<std::uint8_t*>(&v6_.sin6_addr));
      store_be16(reinterpret_cast<std::uint8_t*>(&v6_.sin6_port), port.number);
      is_v6_ = true;
    }
  }

  [[nodiscard]] int family() const { return is_v6_ ? AF_INET6 : AF_INET; }
  [[nodiscard]] const sockaddr* get() const {
    return is_v6_ ? reinterpret_cast<const sockaddr*>(&v6_) : reinterpret_cast<const sockaddr*>(&v4_);
  }
  [[nodiscard]] socklen_t size() const { return is_v6_ ? sizeof v6_ : sizeof v4_; }

 private:
  sockaddr_in v4_{};
  sockaddr_in6 v6_{};
  bool is_v6_ = false;
};

// The address that recvfrom() filled in; nullopt for other families.
[[nodiscard]] inline std::optional<IpAddress> address_in(const sockaddr_storage& from) {
  if (from.ss_family == AF_INET) {
    const auto* const v4 = reinterpret_cast<const sockaddr_in*>(&from);
    return Ipv4Address::from_bytes(reinterpret_cast<const std::uint8_t*>(&v4->sin_addr));
  }
  if (from.ss_family == AF_INET6) {
    const auto* const v6 = reinterpret_cast<const sockaddr_in6*>(&from);
    return Ipv6Address::from_bytes(reinterpret_cast<const std::uint8_t*>(&v6->sin6_addr));
  }
  return std::nullopt;
}

}  // namespace myriad::cli
