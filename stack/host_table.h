// Who we are. A million hosts are a handful of groups: everything about a host is computed from its group and its place
// in it, so a group costs the same whatever its size.
//
// Immutable once the run starts; shared by all shards of a port.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/addr.h"
#include "stack/events.h"
#include "stack/tcp/personality.h"

namespace myriad::stack {

using GroupIndex = std::uint16_t;

struct HostGroup {
  std::string name;
  std::uint32_t count = 1;
  MacAddress first_mac;            // then +1 each
  std::optional<Ipv4Prefix> ipv4;  // of the first host, then +1 each
  std::optional<Ipv6Prefix> ipv6;
  std::optional<Ipv4Address> gateway;  // next hop for destinations outside the prefix
  std::optional<Ipv6Address> gateway6;
  VlanTags vlan;                     // of the first host
  std::uint32_t hosts_per_vlan = 0;  // then the innermost identifier goes up by one; 0 = never
  std::uint16_t mtu = 1500;          // of IP packets
  bool resolve_each = false;         // every host learns its neighbours by itself
  tcp::Personality tcp;
  bool announce = false;  // gratuitous ARP and unsolicited NA at the start
};

// One host, worked out. Cheap to make; not kept.
struct Host {
  HostId id = kNoHost;
  GroupIndex group = 0;
  std::uint32_t offset = 0;  // its place in the group
  MacAddress mac;
  VlanTags vlan;
};

class HostTable {
 public:
  // Groups of one port. Names, counts and ranges have been checked by the plan; ranges do not overlap within a VLAN.
  explicit HostTable(std::vector<HostGroup> groups);

  [[nodiscard]] std::uint32_t size() const { return size_; }
  [[nodiscard]] const std::vector<HostGroup>& groups() const { return groups_; }
  [[nodiscard]] const HostGroup& group(GroupIndex index) const { return groups_[index]; }
  [[nodiscard]] HostId first_of(GroupIndex index) const { return HostId{first_id_[index]}; }

  [[nodiscard]] Host at(HostId id) const;  // id < size()
  [[nodiscard]] GroupIndex group_of(HostId id) const;
  // Whose address this is, in that broadcast domain. O(log groups).
  [[nodiscard]] std::optional<Host> by_mac(const MacAddress& mac, VlanTags vlan) const;
  [[nodiscard]] std::optional<Host> by_ip(const IpAddress& ip, VlanTags vlan) const;

  // The host's own address of that family; nullopt when it has none.
  [[nodiscard]] std::optional<IpAddress> address(const Host& host, bool v6) const;
  // Where a packet of this host to `destination` goes first: the destination itself when it is on the link, else the
  // gateway; nullopt when there is no way.
  [[nodiscard]] std::optional<IpAddress> next_hop(const Host& host, const IpAddress& destination) const;
  // The limited broadcast, or that of the host's own prefix (RFC 919).
  [[nodiscard]] bool is_broadcast(const Host& host, const IpAddress& address) const;
  // "clients[17]": how reports and captures call a host.
  [[nodiscard]] std::string name(HostId id) const;

 private:
  // Consecutive addresses of one kind in one broadcast domain, held by consecutive hosts. Addresses are 128-bit
  // numbers; MAC and IPv4 addresses have only a low half.
  struct Range {
    std::uint32_t vlan = 0;  // outer << 16 | inner
    std::uint32_t count = 0;
    std::uint64_t high = 0;  // the first address
    std::uint64_t low = 0;
    // Of the host that has it:
    std::uint64_t mac = 0;
    std::uint32_t id = 0;
    std::uint32_t offset = 0;
    GroupIndex group = 0;
  };

  void add_ranges(GroupIndex index);
  static void seal(std::vector<Range>& ranges);
  [[nodiscard]] static VlanTags vlan_of(const HostGroup& group, std::uint32_t offset);
  [[nodiscard]] std::optional<Host> find(const std::vector<Range>& ranges, VlanTags vlan, std::uint64_t high,
                                         std::uint64_t low) const;

  std::vector<HostGroup> groups_;
  std::vector<std::uint32_t> first_id_;
  std::vector<Range> macs_;  // these three are sorted by VLAN and address
  std::vector<Range> ipv4s_;
  std::vector<Range> ipv6s_;
  std::uint32_t size_ = 0;
};

}  // namespace myriad::stack
