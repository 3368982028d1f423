// What a captured record begins with: the LINKTYPE_ numbers of capture files, as the registry of tcpdump.org has them.
// A number, not an enum: files bring any. The names are for people, who are told why a file cannot be used.
#pragma once

#include <cstdint>
#include <string>

namespace myriad::capture {

using LinkType = std::uint32_t;

inline constexpr LinkType kLinkNull = 0;  // BSD loopback: address family in the order of the host that captured
inline constexpr LinkType kLinkEthernet = 1;
// IPv4 or IPv6 without anything before it. Old systems wrote their own number for it.
inline constexpr LinkType kLinkRaw = 101;
inline constexpr LinkType kLinkRawOld = 12;
inline constexpr LinkType kLinkRawOpenBsd = 14;
inline constexpr LinkType kLinkLoop = 108;  // OpenBSD loopback: address family in network order
inline constexpr LinkType kLinkSll = 113;   // Linux "any": 16 bytes with the protocol in the last two
inline constexpr LinkType kLinkIpv4 = 228;
inline constexpr LinkType kLinkIpv6 = 229;
inline constexpr LinkType kLinkSll2 = 276;  // Linux "any", version 2: 20 bytes with the protocol in the first two

// "Ethernet (1)", "USB with Linux header (189)", "unknown (9999)".
[[nodiscard]] std::string link_type_name(LinkType type);

}  // namespace myriad::capture
