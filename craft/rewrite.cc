#include "craft/rewrite.h"

#include <cstring>

#include "craft/framing.h"
#include "craft/readdress.h"
#include "stack/wire/ethernet.h"
#include "stack/wire/ipv4.h"
#include "stack/wire/ipv6.h"

namespace myriad::craft {
namespace {

using wire::kEthernetHeaderBytes;

constexpr std::size_t kMostHeader = kEthernetHeaderBytes + kMostTags * kTagBytes + 2 * kTagBytes;
static_assert(kMostHeader <= Rewriter::kSlackBytes);

Speaker speaker_of(const FrameParts& parts, const PacketEnds& ends) {
  return {ends.source, parts.source.value_or(MacAddress{}), is_syn_ack(parts.ether_type, parts.packet)};
}

// Where groups are sent to (RFC 1112 section 6.4, RFC 2464 section 7); nullopt: the packet is for no group.
std::optional<MacAddress> group_mac(std::uint16_t ether_type, Bytes packet) {
  if (ether_type == wire::kEtherTypeArp) return MacAddress::broadcast();
  if (ether_type == wire::kEtherTypeIpv4 && packet.size() >= wire::kIpv4HeaderBytes) {
    const Ipv4Address to = Ipv4Address::from_bytes(packet.data() + 16);
    if (to.value == 0xffffffff) return MacAddress::broadcast();
    if (to.is_multicast()) return MacAddress::from_number(0x01005e000000 | (to.value & 0x7fffff));
  }
  if (ether_type == wire::kEtherTypeIpv6 && packet.size() >= wire::kIpv6HeaderBytes) {
    const Ipv6Address to = Ipv6Address::from_bytes(packet.data() + 24);
    if (to.is_multicast()) return MacAddress::ipv6_multicast(to.octets);
  }
  return std::nullopt;
}

// `packet` has its new addresses: neighbours are asked for in a group of their address. False: the frame goes to
// whoever had its destination in the capture.
bool put_destination_mac(const FrameParts& parts, Bytes packet, const MappedHost& to, std::uint8_t* at) {
  if (to && !(parts.destination && parts.destination->is_group())) {
    to.store_mac(at);
  } else if (!parts.destination) {
    group_mac(parts.ether_type, packet).value_or(some_destination()).store(at);
  } else if (parts.destination->is_group()) {
    const bool follows = parts.ether_type == wire::kEtherTypeIpv6;
    (follows ? group_mac(parts.ether_type, packet).value_or(*parts.destination) : *parts.destination).store(at);
  } else {
    return false;
  }
  return true;
}

void put_source_mac(const FrameParts& parts, const MappedHost& from, std::uint8_t* at) {
  return from ? from.store_mac(at) : parts.source.value_or(some_source()).store(at);
}

// The priority that the capture had stays.
std::size_t put_tags(const FrameParts& parts, VlanTags vlan, std::uint8_t* at) {
  const auto control = [&](std::size_t tag, std::uint16_t id) {
    const std::uint32_t had = tag < parts.tag_count ? load_be16(parts.tags[tag] + 2) & 0xf000U : 0U;
    return static_cast<std::uint16_t>(had | id);
  };
  const auto depth = static_cast<std::size_t>(vlan.depth());
  const bool same_depth = parts.tag_count == depth;
  for (std::size_t tag = 0; tag < depth; ++tag) {
    const bool outer_of_two = depth == 2 && tag == 0;
    const std::uint16_t type = same_depth     ? load_be16(parts.tags[tag])
                               : outer_of_two ? wire::kEtherTypeServiceVlan
                                              : wire::kEtherTypeVlan;
    store_be16(at + tag * kTagBytes, type);
    store_be16(at + tag * kTagBytes + 2, control(tag, tag == 0 ? vlan.outer : vlan.inner));
  }
  return depth * kTagBytes;
}

std::size_t put_captured_tags(const FrameParts& parts, std::uint8_t* at) {
  const std::size_t bytes = parts.tag_count * kTagBytes;
  if (bytes != 0) std::memcpy(at, parts.tags, bytes);
  return bytes;
}

}  // namespace

Rewriter::Rewriter(const RewriterOptions& options)
    : options_(options), endpoints_(options.askers, options.answerers, options.seed) {}

bool Rewriter::meet(const capture::Record& record) {
  FrameParts parts;
  if (take_apart(record, parts) || parts.packet.size() > options_.mtu) return false;
  PacketEnds ends;
  find_ends(parts.ether_type, parts.packet, ends);
  endpoints_.meet(speaker_of(parts, ends), ends.destination);
  next_hop_mac_ = kNobody;
  return true;
}

void Rewriter::put_next_hop(const MacAddress& mac, std::uint8_t* at) {
  if (const std::uint64_t number = mac.number(); number != next_hop_mac_) {
    next_hop_mac_ = number;
    next_hop_ = endpoints_.by_mac(mac);
  }
  return next_hop_ ? next_hop_.store_mac(at) : mac.store(at);
}

Rewriter::Made Rewriter::make(const capture::Record& record, std::uint8_t* out) {
  FrameParts parts;
  if (const auto skip = take_apart(record, parts)) return {0, *skip};
  if (parts.packet.size() > options_.mtu) return {0, Skip::kTooLong};
  Made made;
  MappedEnds ends;
  MappedHost& from = ends.from;
  MappedHost& to = ends.to;
  if (must_meet()) {
    find_ends(parts.ether_type, parts.packet, ends.ips);
    if (ends.ips.source) {
      const Endpoints::Known known = endpoints_.by_ip(*ends.ips.source);
      from = known.host;
      made.role = known.role;
    } else if (parts.source) {
      from = endpoints_.by_mac(*parts.source);
    }
    if (ends.ips.destination) to = endpoints_.by_ip(*ends.ips.destination).host;
    if (!from && endpoints_.full()) return {0, Skip::kTooManySources};
  }
  if (!parts.whole.empty() && !from && !to) {
    if (parts.whole.size() > options_.most_frame_bytes) return {0, Skip::kTooLong};
    std::memcpy(out, parts.whole.data(), parts.whole.size());
    made.length = static_cast<std::uint32_t>(parts.whole.size());
    return made;
  }

  const std::size_t tags =
      from || to ? put_tags(parts, (from ? from : to).vlan(), out + 12) : put_captured_tags(parts, out + 12);
  const std::size_t length = kEthernetHeaderBytes + tags + parts.packet.size();
  if (length > options_.most_frame_bytes) return {0, Skip::kTooLong};
  std::uint8_t* const packet = out + kEthernetHeaderBytes + tags;
  store_be16(packet - 2, parts.ether_type);
  if (!parts.packet.empty()) std::memcpy(packet, parts.packet.data(), parts.packet.size());
  if (from || to) readdress(parts.ether_type, {packet, parts.packet.size()}, ends, endpoints_);

  put_source_mac(parts, from, out + 6);
  if (!put_destination_mac(parts, {packet, parts.packet.size()}, to, out)) put_next_hop(*parts.destination, out);
  made.length = static_cast<std::uint32_t>(length);
  return made;
}

}  // namespace myriad::craft
