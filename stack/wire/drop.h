// Every reason for which a received frame, or a part of it, comes to nothing. Each has a counter, and the report shows
// all of them by these names.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace myriad::stack {

// X(enumerator, name in the report)
#define MYRIAD_DROPS(X)                                                                              \
  X(kTruncated, "truncated")               /* ends before a header or a declared length does */      \
  X(kBadVersion, "bad_version")            /* IP version contradicts the EtherType */                \
  X(kBadHeaderLength, "bad_header_length") /* IHL, data offset, option or extension length lies */   \
  X(kBadIpChecksum, "bad_ip_checksum")                                                               \
  X(kBadTcpChecksum, "bad_tcp_checksum")                                                             \
  X(kBadUdpChecksum, "bad_udp_checksum")                                                             \
  X(kBadIcmpChecksum, "bad_icmp_checksum")                                                           \
  X(kBadArp, "bad_arp")       /* not Ethernet/IPv4, or illegal addresses */                          \
  X(kBadNdp, "bad_ndp")       /* RFC 4861 sections 6.1 and 7.1: hop limit, code, options */          \
  X(kBadSource, "bad_source") /* source address that no sender may have */                           \
  X(kUnknownEtherType, "unknown_ethertype")                                                          \
  X(kTooManyVlanTags, "too_many_vlan_tags")                                                          \
  X(kUnknownProtocol, "unknown_protocol") /* IP protocol that no host speaks */                      \
  X(kNotOurs, "not_ours")                 /* destination is none of the hosts */                     \
  X(kWrongVlan, "wrong_vlan")                                                                        \
  X(kFragmentOverlap, "fragment_overlap") /* RFC 5722, and the same for IPv4 */                      \
  X(kFragmentTooLarge, "fragment_too_large")                                                         \
  X(kFragmentTimeout, "fragment_timeout")                                                            \
  X(kFragmentNoRoom, "fragment_no_room")   /* the bounds of reassembly are reached */                \
  X(kBadExtension, "bad_extension_header") /* unknown, too many, or out of order */                  \
  X(kTcpNoConnection, "tcp_no_connection") /* answered by RST, or was one */                         \
  X(kTcpUnacceptable, "tcp_unacceptable")  /* out of window, answered by ACK (RFC 9293 3.10.7.4) */  \
  X(kTcpNoRoom, "tcp_no_room")             /* connection table, SYN backlog or reassembly is full */ \
  X(kTcpBadFlags, "tcp_bad_flags")                                                                   \
  X(kUdpNoPort, "udp_no_port")            /* answered by port unreachable, within the limits */      \
  X(kIcmpIgnored, "icmp_ignored")         /* a type that hosts do not answer */                      \
  X(kNoRoomToAnswer, "no_room_to_answer") /* the batch was full: the port is slower than we are */

enum class Drop : std::uint8_t {
#define MYRIAD_DROP_ENUM(id, name) id,
  MYRIAD_DROPS(MYRIAD_DROP_ENUM)
#undef MYRIAD_DROP_ENUM
      kCount
};

inline constexpr std::array<std::string_view, static_cast<std::size_t>(Drop::kCount)> kDropNames = {
#define MYRIAD_DROP_NAME(id, name) name,
    MYRIAD_DROPS(MYRIAD_DROP_NAME)
#undef MYRIAD_DROP_NAME
};
#undef MYRIAD_DROPS

struct DropCounters {
  std::array<std::uint64_t, static_cast<std::size_t>(Drop::kCount)> count{};
  std::uint64_t& operator[](Drop drop) { return count[static_cast<std::size_t>(drop)]; }
  std::uint64_t operator[](Drop drop) const { return count[static_cast<std::size_t>(drop)]; }
};

}  // namespace myriad::stack
