#include "tests/bpf/oracle/steer_oracle.h"

#include <algorithm>
#include <vector>

#include "base/rng.h"

namespace myriad::bpf::oracle {
namespace {

struct Parsed {
  VlanTags tags;
  std::uint16_t ethertype = 0;
  Bytes packet;
};

Decision pass(Passed reason) { return {std::nullopt, reason}; }

Uint128 number(const Ipv6Address& a) { return Uint128{a.high()} << 64 | a.low(); }

// The offset at which `address` lies in a range that starts at `first`, if it does and the VLAN is right there.
std::optional<std::uint32_t> host_at(const HostRange& range, Uint128 first, Uint128 address, VlanTags tags) {
  if (address < first || address - first >= range.count) return std::nullopt;
  const auto offset = static_cast<std::uint64_t>(address - first);
  if (tags_of(range, offset) != tags) return std::nullopt;
  return static_cast<std::uint32_t>(range.first_host + offset);
}

// The lowest of the hosts that have the address; `first_of` gives a range's first one, if it has any of that kind.
template <class FirstOf>
std::optional<std::uint32_t> lowest_host(std::span<const HostRange> ranges, Uint128 address, VlanTags tags,
                                         FirstOf first_of) {
  std::optional<std::uint32_t> lowest;
  for (const HostRange& range : ranges) {
    const std::optional<Uint128> first = first_of(range);
    const auto host = first ? host_at(range, *first, address, tags) : std::nullopt;
    if (host) lowest = std::min(lowest.value_or(*host), *host);
  }
  return lowest;
}

std::optional<std::uint32_t> by_mac(std::span<const HostRange> ranges, std::uint64_t mac, VlanTags tags) {
  return lowest_host(ranges, mac, tags,
                     [](const HostRange& range) -> std::optional<Uint128> { return range.first_mac.number(); });
}

std::optional<std::uint32_t> by_ipv4(std::span<const HostRange> ranges, Ipv4Address address, VlanTags tags) {
  return lowest_host(ranges, address.value, tags, [](const HostRange& range) -> std::optional<Uint128> {
    if (!range.first_ipv4) return std::nullopt;
    return range.first_ipv4->value;
  });
}

std::optional<std::uint32_t> by_ipv6(std::span<const HostRange> ranges, const Ipv6Address& address, VlanTags tags) {
  return lowest_host(ranges, number(address), tags, [](const HostRange& range) -> std::optional<Uint128> {
    if (!range.first_ipv6) return std::nullopt;
    return number(*range.first_ipv6);
  });
}

// The lowest host in the VLAN whose solicited-node group this is: every 2^24th address of a range is a candidate.
std::optional<std::uint32_t> by_group(std::span<const HostRange> ranges, const Ipv6Address& group, VlanTags tags) {
  std::optional<std::uint32_t> lowest;
  for (const HostRange& range : ranges) {
    if (!range.first_ipv6) continue;
    std::uint64_t offset = (group.low() - range.first_ipv6->low()) & 0xffffff;
    for (; offset < range.count; offset += 0x1000000) {
      if (range.first_ipv6->plus(offset).solicited_node() != group || tags_of(range, offset) != tags) continue;
      const auto host = static_cast<std::uint32_t>(range.first_host + offset);
      lowest = std::min(lowest.value_or(host), host);
    }
  }
  return lowest;
}

Decision decide_arp(std::span<const HostRange> ranges, Bytes arp, VlanTags tags) {
  if (arp.size() < 28) return pass(Passed::kTruncated);
  const bool ipv4_over_ethernet = load_be16(&arp[0]) == 1 && load_be16(&arp[2]) == 0x0800 && arp[4] == 6 && arp[5] == 4;
  if (!ipv4_over_ethernet) return pass(Passed::kOtherArp);
  const auto host = by_ipv4(ranges, Ipv4Address::from_bytes(&arp[24]), tags);
  return host ? Decision{host} : pass(Passed::kOtherArp);
}

Decision decide_ipv6(std::span<const HostRange> ranges, Bytes packet, VlanTags tags) {
  if (packet.size() < 40) return pass(Passed::kTruncated);
  if ((packet[0] & 0xf0) != 0x60) return pass(Passed::kGroup);
  const bool icmpv6 = packet[6] == 58;
  const bool from_this_link = packet[7] == 255;
  if (icmpv6 && from_this_link && packet.size() > 40 && packet[40] == 135) {
    if (packet.size() < 40 + 24) return pass(Passed::kTruncated);
    const auto host = by_ipv6(ranges, Ipv6Address::from_bytes(&packet[48]), tags);
    return host ? Decision{host} : pass(Passed::kOtherSolicit);
  }
  const auto destination = Ipv6Address::from_bytes(&packet[24]);
  if (destination.solicited_node() != destination) return pass(Passed::kGroup);
  const auto host = by_group(ranges, destination, tags);
  return host ? Decision{host} : pass(Passed::kGroup);
}

}  // namespace

VlanTags tags_of(const HostRange& range, std::uint64_t offset) {
  VlanTags tags = range.vlan;
  if (range.hosts_per_vlan == 0) return tags;
  auto& innermost = tags.inner != 0 ? tags.inner : tags.outer;
  innermost = static_cast<std::uint16_t>(innermost + offset / range.hosts_per_vlan);
  return tags;
}

Decision decide(std::span<const HostRange> ranges, Bytes frame) {
  if (frame.size() < 14) return pass(Passed::kTruncated);
  std::vector<std::uint16_t> ids;
  std::size_t at = 12;
  while (load_be16(&frame[at]) == 0x8100 || load_be16(&frame[at]) == 0x88a8) {
    if (ids.size() == 2) return pass(Passed::kManyVlanTags);
    if (frame.size() < at + 6) return pass(Passed::kTruncated);
    ids.push_back(load_be16(&frame[at + 2]) & 0xfff);
    at += 4;
  }
  std::erase(ids, std::uint16_t{0});
  ids.resize(2);
  const VlanTags tags{ids[0], ids[1]};
  const std::uint16_t ethertype = load_be16(&frame[at]);
  const Bytes packet = frame.subspan(at + 2);

  const auto destination = MacAddress::from_bytes(frame.data());
  if (!destination.is_group()) {
    const auto host = by_mac(ranges, destination.number(), tags);
    return host ? Decision{host} : pass(Passed::kOtherMac);
  }
  if (ethertype == 0x0806) return decide_arp(ranges, packet, tags);
  if (ethertype == 0x86dd) return decide_ipv6(ranges, packet, tags);
  return pass(Passed::kGroup);
}

}  // namespace myriad::bpf::oracle
