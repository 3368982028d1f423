// Takes captured records apart: what stands before the packet, whatever the link type, and who sends to whom. Private
// to the rewriting of captures.
#pragma once

#include <cstdint>
#include <optional>

#include "base/addr.h"
#include "base/bytes.h"
#include "capture/record.h"
#include "craft/endpoints.h"
#include "craft/rewrite.h"

namespace myriad::craft {

inline constexpr std::size_t kTagBytes = 4;
inline constexpr std::size_t kMostTags = 8;  // that are looked behind

// A record without what its link type put before the packet.
struct FrameParts {
  std::optional<MacAddress> source;  // as far as the capture knows them
  std::optional<MacAddress> destination;
  std::uint8_t tags[kMostTags][kTagBytes];  // of VLANs, as captured
  std::size_t tag_count = 0;
  std::uint16_t ether_type = 0;  // below 0x0600: a length (IEEE 802.3)
  Bytes packet;                  // what is behind it
  Bytes whole;                   // the frame, when it was Ethernet
};

// Why it cannot be sent; nullopt: `parts` has it all.
[[nodiscard]] std::optional<Skip> take_apart(const capture::Record& record, FrameParts& parts);

// The addresses of a packet, or of ARP's sender and target; nothing where there are none, or none that stands for one
// host. Found in place: a copy of what was just written in pieces has to wait for them.
struct PacketEnds {
  std::optional<IpAddress> source;
  std::optional<IpAddress> destination;
};
void find_ends(std::uint16_t ether_type, Bytes packet, PacketEnds& ends);

// Whether a packet is a TCP segment with SYN and ACK.
[[nodiscard]] bool is_syn_ack(std::uint16_t ether_type, Bytes packet);

// Ethernet and IPv4, of which an ARP packet for Ethernet is 28 bytes.
inline constexpr std::size_t kArpBytes = 28;
[[nodiscard]] bool is_arp_of_ipv4(std::uint16_t ether_type, Bytes packet);

}  // namespace myriad::craft
