// Where a redirect leads: resolves the value of Location against the request that it answers (RFC 3986 section 5).
//
// A session talks to one address. A Location stays with it when it is relative, or has the same scheme and port and as
// its host either that address, or any name: the server is asked for that name, as for a virtual host. There is no
// look-up of names. Another address, port or scheme is elsewhere.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/addr.h"

namespace myriad::app {

// Whom the connection is with, and what was asked.
struct HttpBase {
  IpAddress address;
  Port port;
  bool tls = false;
  std::string_view host;  // of the Host field
  std::string_view path;  // with its query
};

struct HttpRedirect {
  enum class Way : std::uint8_t { kHere, kElsewhere, kMalformed };
  Way way = Way::kMalformed;
  std::string host;  // with kHere
  std::string path;
};

[[nodiscard]] HttpRedirect resolve_redirect(const HttpBase& base, std::string_view location);

}  // namespace myriad::app
