// Frames as the tests of steering need them: just enough of each protocol to be decided on.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "base/addr.h"
#include "base/bytes.h"

namespace myriad::bpf::oracle {

using Frame = std::vector<std::uint8_t>;

struct Tag {
  std::uint16_t tpid = 0x8100;
  std::uint16_t control = 0;  // priority, drop eligible, identifier
};
using Tags = std::vector<Tag>;

inline const MacAddress kPeerMac{{0x06, 0x50, 0, 0, 0, 0x99}};

// 802.1Q for one tag, 802.1ad for two.
inline Tags tags_for(VlanTags vlan) {
  if (vlan.depth() == 2) return {{0x88a8, vlan.outer}, {0x8100, vlan.inner}};
  if (vlan.depth() == 1) return {{0x8100, vlan.outer}};
  return {};
}

inline void append16(Frame& frame, std::uint16_t value) {
  frame.push_back(static_cast<std::uint8_t>(value >> 8));
  frame.push_back(static_cast<std::uint8_t>(value));
}
inline void append(Frame& frame, std::initializer_list<int> bytes) {
  for (const int byte : bytes) frame.push_back(static_cast<std::uint8_t>(byte));
}
template <class Address>
void append_address(Frame& frame, const Address& address, std::size_t size) {
  frame.resize(frame.size() + size);
  address.store(frame.data() + frame.size() - size);
}

inline Frame ethernet(const MacAddress& to, const Tags& tags, std::uint16_t ethertype) {
  Frame frame;
  append_address(frame, to, 6);
  append_address(frame, kPeerMac, 6);
  for (const Tag& tag : tags) {
    append16(frame, tag.tpid);
    append16(frame, tag.control);
  }
  append16(frame, ethertype);
  return frame;
}

// A unicast frame whose payload does not matter.
inline Frame unicast(const MacAddress& to, const Tags& tags) {
  Frame frame = ethernet(to, tags, 0x0800);
  frame.resize(frame.size() + 46, 0x45);
  return frame;
}

inline Frame arp(const MacAddress& to, const Tags& tags, Ipv4Address sender, Ipv4Address target,
                 std::uint16_t operation = 1) {
  Frame frame = ethernet(to, tags, 0x0806);
  append(frame, {0, 1, 8, 0, 6, 4});
  append16(frame, operation);
  append_address(frame, kPeerMac, 6);
  append_address(frame, sender, 4);
  frame.resize(frame.size() + 6);
  append_address(frame, target, 4);
  return frame;
}

inline Frame ipv6(const MacAddress& to, const Tags& tags, const Ipv6Address& destination, std::uint8_t next_header,
                  std::uint8_t hop_limit, std::size_t payload_bytes) {
  Frame frame = ethernet(to, tags, 0x86dd);
  append(frame, {0x60, 0, 0, 0});
  append16(frame, static_cast<std::uint16_t>(payload_bytes));
  append(frame, {next_header, hop_limit});
  append_address(frame, Ipv6Address{{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x99}}, 16);
  append_address(frame, destination, 16);
  frame.resize(frame.size() + payload_bytes);
  return frame;
}
inline Frame ipv6(const Tags& tags, const Ipv6Address& group, std::uint8_t next_header, std::uint8_t hop_limit,
                  std::size_t payload_bytes) {
  return ipv6(MacAddress::ipv6_multicast(group.octets), tags, group, next_header, hop_limit, payload_bytes);
}

inline Frame solicitation(const Tags& tags, const Ipv6Address& target, std::uint8_t hop_limit = 255) {
  Frame frame = ipv6(tags, target.solicited_node(), 58, hop_limit, 32);
  frame[frame.size() - 32] = 135;
  target.store(&frame[frame.size() - 24]);
  return frame;
}

}  // namespace myriad::bpf::oracle
