#include "stack/host_table.h"

#include <algorithm>
#include <cassert>
#include <tuple>

namespace myriad::stack {
namespace {

// As MacAddress::from_number(), in line.
MacAddress mac_of(std::uint64_t number) {
  MacAddress mac;
  store_be32(mac.octets.data(), static_cast<std::uint32_t>(number >> 16));
  store_be16(mac.octets.data() + 4, static_cast<std::uint16_t>(number));
  return mac;
}

constexpr std::uint32_t vlan_key(VlanTags vlan) { return std::uint32_t{vlan.outer} << 16 | vlan.inner; }

}  // namespace

HostTable::HostTable(std::vector<HostGroup> groups) : groups_(std::move(groups)) {
  assert(groups_.size() <= 0xffff && "a group's index has 16 bits");
  first_id_.reserve(groups_.size());
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    assert(groups_[i].count > 0 && groups_[i].count <= 0xffffffffU - size_);
    first_id_.push_back(size_);
    size_ += groups_[i].count;
    add_ranges(static_cast<GroupIndex>(i));
  }
  seal(macs_);
  seal(ipv4s_);
  seal(ipv6s_);
}

// One range of each kind per VLAN of the group.
void HostTable::add_ranges(GroupIndex index) {
  const HostGroup& group = groups_[index];
  const bool one_vlan = group.hosts_per_vlan == 0 || group.vlan.depth() == 0;
  const std::uint32_t step = one_vlan ? group.count : group.hosts_per_vlan;
  for (std::uint32_t offset = 0; offset < group.count;) {
    const std::uint32_t count = std::min(step, group.count - offset);
    Range range;
    range.vlan = vlan_key(vlan_of(group, offset));
    range.count = count;
    range.mac = range.low = group.first_mac.number() + offset;
    range.id = first_id_[index] + offset;
    range.offset = offset;
    range.group = index;
    macs_.push_back(range);
    if (group.ipv4) {
      range.low = std::uint64_t{group.ipv4->address.value} + offset;
      ipv4s_.push_back(range);
    }
    if (group.ipv6) {
      const Ipv6Address first = group.ipv6->address.plus(offset);
      range.high = first.high();
      range.low = first.low();
      ipv6s_.push_back(range);
    }
    offset += count;
  }
}

void HostTable::seal(std::vector<Range>& ranges) {
  const auto key = [](const Range& r) { return std::tuple{r.vlan, r.high, r.low}; };
  std::ranges::sort(ranges, {}, key);
  ranges.shrink_to_fit();
  assert(std::ranges::adjacent_find(ranges,
                                    [](const Range& a, const Range& b) {
                                      const bool carries = b.low < a.low;
                                      return a.vlan == b.vlan && b.high - a.high == (carries ? 1U : 0U) &&
                                             b.low - a.low < a.count;
                                    }) == ranges.end() &&
         "addresses of hosts overlap within a VLAN");
}

VlanTags HostTable::vlan_of(const HostGroup& group, std::uint32_t offset) {
  VlanTags vlan = group.vlan;
  if (group.hosts_per_vlan == 0 || vlan.depth() == 0) return vlan;
  std::uint16_t& innermost = vlan.inner != 0 ? vlan.inner : vlan.outer;
  assert(offset / group.hosts_per_vlan + innermost <= 4094 && "VLAN identifiers end at 4094");
  innermost = static_cast<std::uint16_t>(innermost + offset / group.hosts_per_vlan);
  return vlan;
}

GroupIndex HostTable::group_of(HostId id) const {
  assert(static_cast<std::uint32_t>(id) < size_);
  const auto after = std::ranges::upper_bound(first_id_, static_cast<std::uint32_t>(id));
  return static_cast<GroupIndex>(after - first_id_.begin() - 1);
}

Host HostTable::at(HostId id) const {
  const GroupIndex index = group_of(id);
  const HostGroup& group = groups_[index];
  const std::uint32_t offset = static_cast<std::uint32_t>(id) - first_id_[index];
  return {id, index, offset, mac_of(group.first_mac.number() + offset), vlan_of(group, offset)};
}

std::optional<Host> HostTable::find(const std::vector<Range>& ranges, VlanTags vlan, std::uint64_t high,
                                    std::uint64_t low) const {
  const std::uint32_t key = vlan_key(vlan);
  // The last range that does not begin behind the address.
  const Range* begin = ranges.data();
  std::size_t left = ranges.size();
  while (left > 0) {
    const std::size_t half = left / 2;
    const Range& middle = begin[half];
    const bool behind = middle.vlan != key    ? middle.vlan > key
                        : middle.high != high ? middle.high > high
                                              : middle.low > low;
    if (behind) {
      left = half;
    } else {
      begin += half + 1;
      left -= half + 1;
    }
  }
  if (begin == ranges.data()) return std::nullopt;
  const Range& range = begin[-1];
  // A range may pass 2^64 in its low half: then the high half is one ahead and the difference still right.
  const std::uint64_t ahead = high - range.high;
  const std::uint64_t distance = low - range.low;
  if (range.vlan != key || ahead != (low < range.low ? 1U : 0U) || distance >= range.count) return std::nullopt;
  const auto step = static_cast<std::uint32_t>(distance);
  return Host{HostId{range.id + step}, range.group, range.offset + step, mac_of(range.mac + step), vlan};
}

std::optional<Host> HostTable::by_mac(const MacAddress& mac, VlanTags vlan) const {
  return find(macs_, vlan, 0, mac.number());
}

std::optional<Host> HostTable::by_ip(const IpAddress& ip, VlanTags vlan) const {
  if (ip.is_v4()) return find(ipv4s_, vlan, 0, ip.v4().value);
  const std::uint8_t* octets = ip.octets().data();
  return find(ipv6s_, vlan, load_be64(octets), load_be64(octets + 8));
}

std::optional<IpAddress> HostTable::address(const Host& host, bool v6) const {
  const HostGroup& group = groups_[host.group];
  if (v6) {
    if (!group.ipv6) return std::nullopt;
    return group.ipv6->address.plus(host.offset);
  }
  if (!group.ipv4) return std::nullopt;
  return group.ipv4->address + host.offset;
}

std::optional<IpAddress> HostTable::next_hop(const Host& host, const IpAddress& destination) const {
  const HostGroup& group = groups_[host.group];
  if (destination.is_v4()) {
    if (!group.ipv4) return std::nullopt;
    const Ipv4Address to = destination.v4();
    const Ipv4Prefix own{group.ipv4->address + host.offset, group.ipv4->length};
    if (own.contains(to) || to.is_multicast() || to.value == 0xffffffffU) return destination;
    return group.gateway;
  }
  if (!group.ipv6) return std::nullopt;
  const Ipv6Address to = destination.v6();
  const Ipv6Prefix own{group.ipv6->address.plus(host.offset), group.ipv6->length};
  if (to.is_link_local() || to.is_multicast() || own.contains(to)) return destination;
  return group.gateway6;
}

bool HostTable::is_broadcast(const Host& host, const IpAddress& address) const {
  if (address.is_v6()) return false;
  const std::uint32_t value = address.v4().value;
  if (value == 0xffffffffU) return true;
  const auto& own = groups_[host.group].ipv4;
  if (!own || own->length >= 31) return false;  // RFC 3021
  const std::uint32_t of_host = 0xffffffffU >> own->length;
  return value == ((own->address.value + host.offset) | of_host);
}

std::string HostTable::name(HostId id) const {
  const GroupIndex index = group_of(id);
  return groups_[index].name + "[" + std::to_string(static_cast<std::uint32_t>(id) - first_id_[index]) + "]";
}

}  // namespace myriad::stack
