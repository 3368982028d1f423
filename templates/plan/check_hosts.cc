// Who is who on the wire: every address of every group is one that a host may have, and nobody has it twice within one
// broadcast domain (port and VLAN tags). Groups are ranges, so this costs as much for ten hosts as for ten million.
#include <algorithm>
#include <limits>

#include "base/rng.h"
#include "templates/plan/reading.h"

namespace myriad::plan {
namespace {

constexpr std::uint64_t kLastMac = (std::uint64_t{1} << 48) - 1;
constexpr std::uint64_t kFirstFreeMac = 0x024d00000001;
constexpr std::uint64_t kMostHostsInAll = 1ULL << 24;
// One per group and VLAN of it. Bounds what sorting them costs.
constexpr std::size_t kMostSegments = 1 << 18;

std::string host_name(const HostGroup& group, std::uint64_t offset) {
  return fmt::format("{}[{}]", group.name, offset);
}

Uint128 number_of(const Ipv6Address& address) { return (Uint128{address.high()} << 64) | address.low(); }

Uint128 host_mask(std::uint8_t length) { return length == 0 ? ~Uint128{0} : (Uint128{1} << (128 - length)) - 1; }

// ---- each group by itself

void check_ipv4(Reading& reading, const HostGroup& group, const GroupPlaces& places) {
  const Ipv4Prefix& prefix = *group.ipv4;
  const std::uint64_t first = prefix.address.value;
  const std::uint64_t last = first + group.count - 1;
  const std::uint64_t network = prefix.address.value & prefix.mask();
  const std::uint64_t broadcast = prefix.broadcast().value;
  const bool has_both = prefix.length <= 30;  // RFC 3021: a /31 has neither
  const auto refuse = [&](std::uint64_t offset, const std::string& why, const std::string& suggestion) {
    reading.wrong(places.ipv4, fmt::format("{} would get {}", host_name(group, offset), why), suggestion);
  };
  const std::string network_text = Ipv4Prefix{Ipv4Address{static_cast<std::uint32_t>(network)}, prefix.length}.text();
  if (!prefix.address.is_unicast())
    return refuse(0, fmt::format("{}, which no host may have", prefix.address.text()),
                  "a unicast address, as in 10.0.1.1/16");
  if (has_both && first == network) {
    return refuse(0, fmt::format("{}, the address of the network {}", prefix.address.text(), network_text),
                  fmt::format("begin with {}", (prefix.address + 1).text()));
  }
  if (has_both && first <= broadcast && last >= broadcast) {
    return refuse(
        broadcast - first, fmt::format("{}, the broadcast address of {}", prefix.broadcast().text(), network_text),
        fmt::format("from {} on {} fit: fewer hosts, or a shorter prefix", prefix.address.text(), broadcast - first));
  }
  if (last > broadcast) {
    return refuse(broadcast - first + 1, fmt::format("an address outside {}", network_text),
                  fmt::format("from {} on {} fit: fewer hosts, or a shorter prefix", prefix.address.text(),
                              broadcast - first + 1));
  }
  const Ipv4Address end{static_cast<std::uint32_t>(last)};
  // 127/8, multicast and 240/4 are whole blocks: with both ends outside, only a span across 127/8 is left.
  const bool crosses = (first >> 24) < 127 && (last >> 24) > 127;
  if (!end.is_unicast() || crosses)
    return refuse(group.count - 1, fmt::format("{}, which no host may have", end.text()),
                  "begin lower, or with fewer hosts");
  if (!group.gateway) return;
  const Ipv4Address gateway = *group.gateway;
  const auto refuse_gateway = [&](const std::string& why) {
    reading.wrong(places.gateway, fmt::format("the gateway {} {}", gateway.text(), why),
                  fmt::format("it is a neighbour of the hosts: an address in {}", network_text));
  };
  if (!prefix.contains(gateway)) return refuse_gateway("is outside " + network_text);
  if (has_both && (gateway.value == network || gateway.value == broadcast))
    return refuse_gateway("is the address of the network or its broadcast address");
}

void check_ipv6(Reading& reading, const HostGroup& group, const GroupPlaces& places) {
  const Ipv6Prefix& prefix = *group.ipv6;
  const Uint128 first = number_of(prefix.address);
  const Uint128 mask = host_mask(prefix.length);
  const Uint128 room = (first | mask) - first;  // hosts behind the first
  const std::string text = prefix.text();
  const auto refuse = [&](const std::string& what, const std::string& suggestion) {
    reading.wrong(places.ipv6, what, suggestion);
  };
  if (prefix.address.is_multicast() || prefix.address.is_unspecified() || prefix.address.is_loopback() ||
      IpAddress{prefix.address}.is_v4()) {
    return refuse(fmt::format("{} would get {}, which no host may have", host_name(group, 0), prefix.address.text()),
                  "a unicast address, as in fd00::1:1/64");
  }
  // RFC 4291 section 2.6.1; RFC 6164: not on a /127.
  if (prefix.length < 127 && (first & mask) == 0) {
    return refuse(fmt::format("{} would get {}, the subnet-router anycast address of {}", host_name(group, 0),
                              prefix.address.text(), text),
                  fmt::format("begin with {}", prefix.address.plus(1).text()));
  }
  if (group.count - 1 > room) {
    return refuse(
        fmt::format("{} would get an address outside {}", host_name(group, static_cast<std::uint64_t>(room) + 1), text),
        fmt::format("from {} on {} fit: fewer hosts, or a shorter prefix", prefix.address.text(),
                    static_cast<std::uint64_t>(room) + 1));
  }
  if (!group.gateway6) return;
  const Ipv6Address& gateway = *group.gateway6;
  if (gateway.is_multicast() || gateway.is_unspecified() || (!prefix.contains(gateway) && !gateway.is_link_local())) {
    reading.wrong(places.gateway6, fmt::format("the gateway {} is not a neighbour of the hosts", gateway.text()),
                  fmt::format("an address in the prefix of {}, or a link-local one (fe80::…)", text));
  }
}

void check_mac(Reading& reading, const HostGroup& group, const GroupPlaces& places) {
  const std::uint64_t last = group.mac.number() + group.count - 1;
  if (last <= kLastMac && !MacAddress::from_number(last).is_group()) return;
  reading.wrong(places.mac, fmt::format("{} hosts from {} on run into group addresses", group.count, group.mac.text()),
                "begin lower, as in 02:4d:00:00:00:01");
}

// ---- no two on one wire

// Consecutive addresses of consecutive hosts in one broadcast domain.
struct Segment {
  std::size_t port = 0;
  VlanTags tags;
  Uint128 first = 0;
  Uint128 last = 0;
  std::size_t group = 0;
  std::uint64_t offset = 0;  // of the first host in its group
};

bool before(const Segment& a, const Segment& b) {
  if (a.port != b.port) return a.port < b.port;
  if (a.tags != b.tags) return a.tags < b.tags;
  if (a.first != b.first) return a.first < b.first;
  return a.group < b.group;
}

// Cuts a group, whose addresses begin at `first`, where its VLAN changes.
void append_segments(const HostGroup& group, std::size_t index, Uint128 first, std::vector<Segment>& segments) {
  const std::uint64_t per = group.vlan.per == 0 ? group.count : group.vlan.per;
  VlanTags tags = group.vlan.tags;
  for (std::uint64_t offset = 0; offset < group.count; offset += per) {
    const std::uint64_t hosts = std::min<std::uint64_t>(per, group.count - offset);
    segments.push_back({group.port, tags, first + offset, first + offset + hosts - 1, index, offset});
    ++(tags.inner != 0 ? tags.inner : tags.outer);
  }
}

struct AddressKind {
  std::string_view name;
  Place GroupPlaces::*place;
  std::optional<Uint128> (*first)(const HostGroup&);
  std::string (*text)(Uint128);
  std::optional<Uint128> (*gateway)(const HostGroup&);
  Place GroupPlaces::*gateway_place;
};

constexpr AddressKind kKinds[] = {
    {"MAC", &GroupPlaces::mac, [](const HostGroup& g) { return std::optional{Uint128{g.mac.number()}}; },
     [](Uint128 n) { return MacAddress::from_number(static_cast<std::uint64_t>(n)).text(); },
     [](const HostGroup&) { return std::optional<Uint128>{}; }, nullptr},
    {"IPv4", &GroupPlaces::ipv4,
     [](const HostGroup& g) { return g.ipv4 ? std::optional{Uint128{g.ipv4->address.value}} : std::nullopt; },
     [](Uint128 n) { return Ipv4Address{static_cast<std::uint32_t>(n)}.text(); },
     [](const HostGroup& g) { return g.gateway ? std::optional{Uint128{g.gateway->value}} : std::nullopt; },
     &GroupPlaces::gateway},
    {"IPv6", &GroupPlaces::ipv6,
     [](const HostGroup& g) { return g.ipv6 ? std::optional{number_of(g.ipv6->address)} : std::nullopt; },
     [](Uint128 n) {
       Ipv6Address address;
       store_be64(address.octets.data(), static_cast<std::uint64_t>(n >> 64));
       store_be64(address.octets.data() + 8, static_cast<std::uint64_t>(n));
       return address.text();
     },
     [](const HostGroup& g) { return g.gateway6 ? std::optional{number_of(*g.gateway6)} : std::nullopt; },
     &GroupPlaces::gateway6},
};

void report_overlap(Reading& reading, const AddressKind& kind, const Segment& a, const Segment& b) {
  const Segment& later = a.group > b.group ? a : b;
  const Segment& earlier = a.group > b.group ? b : a;
  const Uint128 shared = std::max(a.first, b.first);
  const auto host = [&](const Segment& s) {
    return host_name(reading.plan.groups[s.group], s.offset + static_cast<std::uint64_t>(shared - s.first));
  };
  const GroupPlaces& places = reading.group_places[later.group];
  const Place at = places.*kind.place;
  reading.wrong(
      at.line != 0 ? at : places.name,
      fmt::format("{} would have the {} address {} of {}", host(later), kind.name, kind.text(shared), host(earlier)),
      "groups on one port and VLAN need ranges that do not overlap");
}

// A gateway that one of our own hosts on that wire would be: hosts do not forward.
void check_gateways(Reading& reading, const AddressKind& kind, const std::vector<Segment>& segments) {
  if (kind.gateway_place == nullptr) return;
  for (const Segment& asking : segments) {
    const auto gateway = kind.gateway(reading.plan.groups[asking.group]);
    if (!gateway) continue;
    Segment wanted = asking;
    wanted.first = *gateway;
    wanted.group = std::numeric_limits<std::size_t>::max();
    auto found = std::upper_bound(segments.begin(), segments.end(), wanted, before);
    if (found == segments.begin()) continue;
    --found;
    if (found->port != asking.port || found->tags != asking.tags || found->last < *gateway) continue;
    const std::string owner = host_name(reading.plan.groups[found->group],
                                        found->offset + static_cast<std::uint64_t>(*gateway - found->first));
    reading.wrong(reading.group_places[asking.group].*kind.gateway_place,
                  fmt::format("the gateway {} is {}, and hosts do not forward", kind.text(*gateway), owner),
                  "the gateway is a machine that is not emulated here");
    if (reading.problems.full()) return;
  }
}

void check_kind(Reading& reading, const AddressKind& kind) {
  std::vector<Segment> segments;
  for (std::size_t i = 0; i < reading.plan.groups.size(); ++i) {
    const HostGroup& group = reading.plan.groups[i];
    const auto first = kind.first(group);
    if (!first) continue;
    append_segments(group, i, *first, segments);
    if (segments.size() > kMostSegments) {
      return reading.wrong(reading.group_places[i].vlan,
                           fmt::format("more than {} VLANs over all groups", kMostSegments), "fewer groups with 'per'");
    }
  }
  std::sort(segments.begin(), segments.end(), before);
  const Segment* reaching = nullptr;  // the one so far, of this wire, that reaches furthest
  bool overlap = false;
  for (const Segment& segment : segments) {
    if (reaching == nullptr || reaching->port != segment.port || reaching->tags != segment.tags) {
      reaching = &segment;
      continue;
    }
    if (segment.first <= reaching->last) {
      report_overlap(reading, kind, *reaching, segment);
      overlap = true;
      if (reading.problems.full()) return;
    }
    if (segment.last > reaching->last) reaching = &segment;
  }
  if (!overlap) check_gateways(reading, kind, segments);
}

}  // namespace

// Groups without `mac` get, in file order, the lowest range from 02:4d:00:00:00:01 on that nobody in the scenario uses:
// on whichever port, since two ports may well be cables to one switch.
void choose_macs(Reading& reading) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> given;
  for (std::size_t i = 0; i < reading.plan.groups.size(); ++i) {
    const HostGroup& group = reading.plan.groups[i];
    if (reading.group_places[i].mac_given) given.emplace_back(group.mac.number(), group.mac.number() + group.count - 1);
  }
  std::sort(given.begin(), given.end());
  std::uint64_t free = kFirstFreeMac;
  auto next = given.begin();
  for (std::size_t i = 0; i < reading.plan.groups.size(); ++i) {
    if (reading.group_places[i].mac_given) continue;
    HostGroup& group = reading.plan.groups[i];
    for (; next != given.end() && next->first < free + group.count; ++next) free = std::max(free, next->second + 1);
    group.mac = MacAddress::from_number(free);
    free += group.count;
  }
}

void check_hosts(Reading& reading) {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < reading.plan.groups.size() && !reading.problems.full(); ++i) {
    const HostGroup& group = reading.plan.groups[i];
    const GroupPlaces& places = reading.group_places[i];
    total += group.count;
    if (total > kMostHostsInAll) {
      return reading.wrong(places.name, fmt::format("more than {} hosts in all", kMostHostsInAll),
                           "one process carries no more");
    }
    check_mac(reading, group, places);
    if (group.gateway && !group.ipv4)
      reading.wrong(places.gateway, "a gateway for hosts without IPv4", "add 'ipv4', or remove it");
    if (group.gateway6 && !group.ipv6)
      reading.wrong(places.gateway6, "a gateway for hosts without IPv6", "add 'ipv6', or remove it");
    if (group.ipv4) check_ipv4(reading, group, places);
    if (group.ipv6) check_ipv6(reading, group, places);
  }
  if (!reading.problems.none()) return;
  for (const AddressKind& kind : kKinds) check_kind(reading, kind);
}

}  // namespace myriad::plan
