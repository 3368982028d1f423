#include "craft/framing.h"

#include "stack/wire/ethernet.h"
#include "stack/wire/ipv4.h"
#include "stack/wire/ipv6.h"

namespace myriad::craft {
namespace {

using wire::kEtherTypeArp;
using wire::kEtherTypeIpv4;
using wire::kEtherTypeIpv6;

constexpr std::size_t kMacsBytes = 12;
constexpr std::uint16_t kEtherTypeOldServiceVlan = 0x9100;  // of switches before 802.1ad
constexpr std::uint16_t kLeastEtherType = 0x0600;
constexpr std::uint16_t kMostLength = 1500;

// What "protocol" of Linux cooked captures is when it is no EtherType (linux/if_ether.h).
constexpr std::uint16_t kNovell = 0x0001;
constexpr std::uint16_t kLlc = 0x0004;
// What the hardware is when there never was a frame (linux/if_arp.h).
constexpr std::uint16_t kNetlink = 824;

// A tag is its type, then the identifier; the type of what follows stands behind it.
bool is_tag(std::uint16_t type) { return wire::is_vlan_ether_type(type) || type == kEtherTypeOldServiceVlan; }

// `rest` is behind the type. A frame that ends inside its tags keeps what is left of them as its packet.
void take_tags(std::uint16_t type, Bytes rest, FrameParts& parts) {
  while (parts.tag_count < kMostTags && is_tag(type) && rest.size() >= kTagBytes) {
    std::uint8_t* const tag = parts.tags[parts.tag_count++];
    store_be16(tag, type);
    std::memcpy(tag + 2, rest.data(), 2);
    type = load_be16(rest.data() + 2);
    rest = rest.subspan(kTagBytes);
  }
  parts.ether_type = type;
  parts.packet = rest;
}

std::optional<Skip> take_ethernet(Bytes frame, FrameParts& parts) {
  if (frame.size() < wire::kEthernetHeaderBytes) return Skip::kRunt;
  parts.whole = frame;
  parts.destination = MacAddress::from_bytes(frame.data());
  parts.source = MacAddress::from_bytes(frame.data() + 6);
  take_tags(load_be16(frame.data() + kMacsBytes), frame.subspan(wire::kEthernetHeaderBytes), parts);
  return std::nullopt;
}

// By the version that the packet says.
std::optional<Skip> take_raw(Bytes packet, FrameParts& parts) {
  if (packet.empty()) return Skip::kRunt;
  const int version = packet[0] >> 4;
  if (version != 4 && version != 6) return Skip::kNoPacket;
  parts.ether_type = version == 4 ? kEtherTypeIpv4 : kEtherTypeIpv6;
  parts.packet = packet;
  return std::nullopt;
}

// Address families are small numbers, of which BSDs and Linux have different ones for IPv6; in the byte order of who
// captured, in four bytes or (IRIX) in the first two. IP says its version itself. Old libpcap on Linux has the end of
// the Ethernet header there instead: two bytes of padding, whatever they hold, and the type. PPP is neither.
std::optional<Skip> take_loopback(Bytes bytes, FrameParts& parts) {
  constexpr std::size_t kFamilyBytes = 4;
  constexpr std::uint16_t kPpp = 0xff03;  // address and control of HDLC, RFC 1662
  if (bytes.size() <= kFamilyBytes) return Skip::kRunt;
  const std::uint16_t first = load_be16(bytes.data());
  const std::uint16_t second = load_be16(bytes.data() + 2);
  const Bytes packet = bytes.subspan(kFamilyBytes);
  if (first == kPpp) return Skip::kNoPacket;
  if (second >= kLeastEtherType) {
    take_tags(second, packet, parts);
    return std::nullopt;
  }
  if (first != 0 && second != 0) return Skip::kNoPacket;
  const int family = first == 0 ? second : (first & 0xff) == 0 ? first >> 8 : first;
  const bool is_ip = family == 2 || family == 10 || family == 24 || family == 28 || family == 30;
  return is_ip ? take_raw(packet, parts) : std::optional{Skip::kNoPacket};
}

std::optional<Skip> take_cooked(std::uint16_t protocol, std::uint16_t hardware, Bytes address, Bytes packet,
                                FrameParts& parts) {
  if (hardware == kNetlink) return Skip::kNoPacket;
  if (packet.empty()) return Skip::kRunt;
  if (address.size() == 6) {
    const MacAddress mac = MacAddress::from_bytes(address.data());
    if (!mac.is_zero() && !mac.is_group()) parts.source = mac;
  }
  if (protocol == kLlc || protocol == kNovell) {
    if (packet.size() > kMostLength) return Skip::kTooLong;
    parts.ether_type = static_cast<std::uint16_t>(packet.size());
    parts.packet = packet;
    return std::nullopt;
  }
  if (protocol < kLeastEtherType) return Skip::kNoPacket;
  take_tags(protocol, packet, parts);
  return std::nullopt;
}

std::optional<Skip> take_sll(Bytes bytes, FrameParts& parts) {
  constexpr std::size_t kHeader = 16;
  if (bytes.size() < kHeader) return Skip::kRunt;
  const std::uint16_t length = load_be16(bytes.data() + 4);
  return take_cooked(load_be16(bytes.data() + 14), load_be16(bytes.data() + 2), bytes.subspan(6, length == 6 ? 6 : 0),
                     bytes.subspan(kHeader), parts);
}

std::optional<Skip> take_sll2(Bytes bytes, FrameParts& parts) {
  constexpr std::size_t kHeader = 20;
  if (bytes.size() < kHeader) return Skip::kRunt;
  return take_cooked(load_be16(bytes.data()), load_be16(bytes.data() + 8), bytes.subspan(12, bytes[11] == 6 ? 6 : 0),
                     bytes.subspan(kHeader), parts);
}

// An address that may stand for one host: neither unspecified nor of a group.
bool is_one_host(Ipv4Address ip) { return ip.value != 0 && ip.value != 0xffffffff && !ip.is_multicast(); }
// As it is held for IPv4, an address on a wire would be one of IPv4.
bool is_one_host(const Ipv6Address& ip) {
  if (ip.is_unspecified() || ip.is_multicast()) return false;
  const IpAddress held = ip;
  return held.is_v6() || is_one_host(held.v4());
}

}  // namespace

bool can_be_sent(capture::LinkType link) {
  switch (link) {
    case capture::kLinkEthernet:
    case capture::kLinkRaw:
    case capture::kLinkRawOld:
    case capture::kLinkRawOpenBsd:
    case capture::kLinkIpv4:
    case capture::kLinkIpv6:
    case capture::kLinkNull:
    case capture::kLinkLoop:
    case capture::kLinkSll:
    case capture::kLinkSll2:
      return true;
    default:
      return false;
  }
}

std::optional<Skip> take_apart(const capture::Record& record, FrameParts& parts) {
  if (!can_be_sent(record.link)) return Skip::kLinkType;
  if (record.original_length > record.bytes.size()) return Skip::kCut;
  if (record.bytes.size() <= record.fcs_bytes) return Skip::kRunt;
  const Bytes bytes = record.bytes.first(record.bytes.size() - record.fcs_bytes);
  switch (record.link) {
    case capture::kLinkEthernet:
      return take_ethernet(bytes, parts);
    case capture::kLinkNull:
    case capture::kLinkLoop:
      return take_loopback(bytes, parts);
    case capture::kLinkSll:
      return take_sll(bytes, parts);
    case capture::kLinkSll2:
      return take_sll2(bytes, parts);
    default:
      return take_raw(bytes, parts);
  }
}

bool is_arp_of_ipv4(std::uint16_t ether_type, Bytes packet) {
  return ether_type == kEtherTypeArp && packet.size() >= kArpBytes && load_be32(packet.data()) == 0x00010800 &&
         load_be16(packet.data() + 4) == 0x0604;
}

void find_ends(std::uint16_t ether_type, Bytes packet, PacketEnds& ends) {
  const auto take = [](const auto& ip, std::optional<IpAddress>& end) {
    if (is_one_host(ip)) end.emplace(ip);
  };
  const std::uint8_t* const at = packet.data();
  if (ether_type == kEtherTypeIpv4 && packet.size() >= wire::kIpv4HeaderBytes && at[0] >> 4 == 4) {
    take(Ipv4Address::from_bytes(at + 12), ends.source);
    take(Ipv4Address::from_bytes(at + 16), ends.destination);
  } else if (ether_type == kEtherTypeIpv6 && packet.size() >= wire::kIpv6HeaderBytes && at[0] >> 4 == 6) {
    take(Ipv6Address::from_bytes(at + 8), ends.source);
    take(Ipv6Address::from_bytes(at + 24), ends.destination);
  } else if (is_arp_of_ipv4(ether_type, packet)) {
    take(Ipv4Address::from_bytes(at + 14), ends.source);
    take(Ipv4Address::from_bytes(at + 24), ends.destination);
  }
}

bool is_syn_ack(std::uint16_t ether_type, Bytes packet) {
  constexpr std::size_t kFlagsAt = 13;
  constexpr std::uint8_t kSynAck = 0x12;
  std::size_t header = 0;
  if (ether_type == kEtherTypeIpv4 && packet.size() >= wire::kIpv4HeaderBytes && packet[0] >> 4 == 4) {
    if (packet[9] != wire::kProtocolTcp || (load_be16(packet.data() + 6) & 0x1fff) != 0) return false;
    header = std::size_t{packet[0] & 0x0fU} * 4;
  } else if (ether_type == kEtherTypeIpv6 && packet.size() >= wire::kIpv6HeaderBytes && packet[0] >> 4 == 6) {
    if (packet[6] != wire::kProtocolTcp) return false;
    header = wire::kIpv6HeaderBytes;
  } else {
    return false;
  }
  return packet.size() > header + kFlagsAt && (packet[header + kFlagsAt] & kSynAck) == kSynAck;
}

}  // namespace myriad::craft
