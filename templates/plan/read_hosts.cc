// ports and hosts: which identities there are, and where.
#include <algorithm>
#include <cctype>

#include "templates/plan/reading.h"

namespace myriad::plan {
namespace {

constexpr std::uint64_t kMostHosts = 1 << 24;  // of a group
constexpr std::size_t kMostPorts = 64;         // of a run: more than any machine has
constexpr std::size_t kMostGroups = 65'535;    // stack::GroupIndex
constexpr std::uint64_t kMostQueues = 1024;
constexpr std::uint64_t kMostShards = 256;
constexpr std::uint64_t kLastVlan = 4094;    // IEEE 802.1Q: 0 and 4095 are reserved
constexpr std::uint64_t kLeastMtu = 576;     // RFC 791
constexpr std::uint64_t kLeastMtuV6 = 1280;  // RFC 8200 section 5
constexpr std::uint64_t kMostMtu = 9000;
constexpr std::size_t kLongestInterface = 15;  // IFNAMSIZ without the end

// A count, or nothing for `auto`.
std::optional<std::uint32_t> count_or_auto(Reading& reading, const Node* node, std::uint64_t most) {
  if (node == nullptr || (node->is_scalar() && node->text == "auto")) return std::nullopt;
  const auto count = reading.integer(*node, 1, most);
  return count ? std::optional{static_cast<std::uint32_t>(*count)} : std::nullopt;
}

void read_interface(Reading& reading, const Node& node, PortPlan& port) {
  const auto name = reading.text(node);
  if (!name) return;
  const bool good = !name->empty() && name->size() <= kLongestInterface && *name != "." && *name != ".." &&
                    std::none_of(name->begin(), name->end(), [](char c) {
                      return c == '/' || c == ':' || std::isspace(static_cast<unsigned char>(c)) != 0 ||
                             static_cast<unsigned char>(c) < 0x20;
                    });
  if (!good) {
    return reading.wrong(node.at, quoted(*name) + " cannot be the name of an interface",
                         "'myriad list interfaces' shows those there are");
  }
  const auto same = std::find_if(reading.plan.ports.begin(), reading.plan.ports.end(),
                                 [&](const PortPlan& p) { return p.interface == *name; });
  if (same != reading.plan.ports.end()) {
    return reading.wrong(node.at, fmt::format("port '{}' uses the interface {} as well", same->name, quoted(*name)),
                         "one port per interface");
  }
  port.interface = *name;
}

void read_port(Reading& reading, const Entry& entry) {
  Fields fields(reading, *entry.value, kPortTable, "port " + quoted(entry.key), entry.at);
  PortPlan port;
  port.name = entry.key;
  if (const Node* const node = fields.find("interface")) {
    read_interface(reading, *node, port);
  } else if (reading.options.need_interfaces) {
    reading.wrong(entry.at, fmt::format("port '{}' has no interface", entry.key),
                  fmt::format("bind it with -i {}=IFACE", entry.key));
  }
  port.queues = count_or_auto(reading, fields.find("queues"), kMostQueues);
  port.shards = count_or_auto(reading, fields.find("shards"), kMostShards);
  if (const Node* const node = fields.find("mode")) {
    port.mode = reading
                    .choice<PortMode>(*node, {{"auto", PortMode::kAuto},
                                              {"zero-copy", PortMode::kZeroCopy},
                                              {"copy", PortMode::kCopy},
                                              {"skb", PortMode::kSkb}})
                    .value_or(PortMode::kAuto);
  }
  reading.ports.add(entry.key, entry.at);
  reading.plan.ports.push_back(std::move(port));
}

// An address with its prefix length: 10.0.1.1/16.
template <class Prefix>
std::optional<Prefix> read_prefix(Reading& reading, const Node& node, std::string_view family, std::string_view example,
                                  std::string_view by_protocol) {
  const auto value = reading.text(node);
  if (!value) return std::nullopt;
  if (*value == by_protocol) {
    reading.wrong(node.at, quoted(*value) + " is not supported by this release",
                  fmt::format("give the first address, as in {}", example));
    return std::nullopt;
  }
  const auto prefix = Prefix::parse(*value);
  if (prefix && value->find('/') != value->npos) return prefix;
  if (prefix) {
    reading.wrong(node.at, fmt::format("{} lacks the length of its prefix", quoted(*value)),
                  fmt::format("as in {}", example));
  } else {
    reading.wrong(node.at, fmt::format("{} is not an {} address with a prefix length", quoted(*value), family),
                  fmt::format("as in {}", example));
  }
  return std::nullopt;
}

template <class Address>
std::optional<Address> read_address(Reading& reading, const Node* node, std::string_view family) {
  if (node == nullptr) return std::nullopt;
  const auto value = reading.text(*node);
  if (!value) return std::nullopt;
  auto address = Address::parse(*value);
  if (!address)
    reading.wrong(node->at, fmt::format("{} is not an {} address", quoted(*value), family),
                  family == "IPv4" ? "as in 10.0.255.254" : "as in fd00::1");
  return address;
}

void read_mac(Reading& reading, const Node& node, HostGroup& group, bool ipv4_given) {
  const auto value = reading.text(node);
  if (!value) return;
  if (*value == "from-ipv4") {
    if (!ipv4_given)
      reading.wrong(node.at, "'from-ipv4' needs the group to have 'ipv4'", "add ipv4, or give the first MAC address");
    if (group.ipv4) group.mac = MacAddress::from_number((std::uint64_t{0x024d} << 32) | group.ipv4->address.value);
    return;
  }
  const auto mac = MacAddress::parse(*value);
  if (!mac)
    return reading.wrong(node.at, quoted(*value) + " is not a MAC address", "as in 02:4d:00:00:00:01, or from-ipv4");
  if (mac->is_group()) {
    return reading.wrong(node.at,
                         fmt::format("{} is a group address: the last bit of its first byte is set", mac->text()),
                         "a host needs a unicast address, as in 02:4d:00:00:00:01");
  }
  if (mac->is_zero())
    return reading.wrong(node.at, "a host cannot have the MAC address 00:00:00:00:00:00", "as in 02:4d:00:00:00:01");
  group.mac = *mac;
}

std::optional<std::uint16_t> read_vlan_id(Reading& reading, const Node& node) {
  const auto id = reading.integer(node, 1, kLastVlan);
  return id ? std::optional{static_cast<std::uint16_t>(*id)} : std::nullopt;
}

// One identifier, or [outer, inner].
std::optional<VlanTags> read_tags(Reading& reading, const Node& node) {
  if (!node.is_list()) {
    const auto id = read_vlan_id(reading, node);
    return id ? std::optional{VlanTags{*id, 0}} : std::nullopt;
  }
  if (node.items.size() != 2) {
    reading.wrong(node.at, fmt::format("a list of {} VLAN identifiers", node.items.size()),
                  "two of them: [outer, inner]");
    return std::nullopt;
  }
  const auto outer = read_vlan_id(reading, *node.items[0]);
  const auto inner = read_vlan_id(reading, *node.items[1]);
  return outer && inner ? std::optional{VlanTags{*outer, *inner}} : std::nullopt;
}

void read_vlan(Reading& reading, const Node& node, Place at, HostGroup& group) {
  if (!node.is_map()) {
    group.vlan.tags = read_tags(reading, node).value_or(VlanTags{});
    return;
  }
  Fields fields(reading, node, kVlanTable, "'vlan'", at);
  std::optional<VlanTags> tags;
  if (const Node* const id = fields.require("id")) tags = read_tags(reading, *id);
  if (const Node* const per = fields.find("per")) {
    group.vlan.per = static_cast<std::uint32_t>(reading.integer(*per, 1, kMostHosts).value_or(0));
  }
  if (!tags) return;
  group.vlan.tags = *tags;
  if (group.vlan.per == 0) return;
  const std::uint64_t first = tags->inner != 0 ? tags->inner : tags->outer;
  const std::uint64_t last = first + (group.count - 1) / group.vlan.per;
  if (last <= kLastVlan) return;
  reading.wrong(
      node.at,
      fmt::format("{} hosts, {} per VLAN, need the identifiers {} to {}", group.count, group.vlan.per, first, last),
      fmt::format("the last one is {}: more hosts per VLAN, or a lower first one", kLastVlan));
}

void read_mtu(Reading& reading, const Node& node, HostGroup& group, bool ipv6_given) {
  const auto mtu = reading.bytes(node, 0, UINT16_MAX);
  if (!mtu) return;
  const std::uint64_t least = ipv6_given ? kLeastMtuV6 : kLeastMtu;
  if (*mtu < least || *mtu > kMostMtu) {
    return reading.wrong(
        node.at, fmt::format("an MTU of {} is out of range", *mtu),
        fmt::format("from {} ({}) to {}", least, ipv6_given ? "the least of IPv6" : "the least of IPv4", kMostMtu));
  }
  group.mtu = static_cast<std::uint16_t>(*mtu);
}

Place place_of(const Node* node) { return node == nullptr ? Place{} : node->at; }

void read_group(Reading& reading, const Entry& entry) {
  Fields fields(reading, *entry.value, kHostsTable, "hosts " + quoted(entry.key), entry.at);
  HostGroup group;
  group.name = entry.key;
  GroupPlaces places;
  places.name = entry.at;

  if (const Node* const node = fields.require("port"))
    group.port = reading.reference(*node, reading.ports, "port").value_or(0);
  if (const Node* const node = fields.find("count"))
    group.count = static_cast<std::uint32_t>(reading.integer(*node, 1, kMostHosts).value_or(1));
  const Node* const ipv4 = fields.find("ipv4");
  const Node* const ipv6 = fields.find("ipv6");
  if (ipv4 != nullptr) group.ipv4 = read_prefix<Ipv4Prefix>(reading, *ipv4, "IPv4", "10.0.1.1/16", "dhcp");
  if (ipv6 != nullptr) group.ipv6 = read_prefix<Ipv6Prefix>(reading, *ipv6, "IPv6", "fd00::1:1/64", "slaac");
  if (ipv4 == nullptr && ipv6 == nullptr && (entry.value->is_map() || entry.value->is_null())) {
    reading.wrong(entry.at, fmt::format("hosts '{}' have no address", entry.key),
                  "give the first one: ipv4: 10.0.1.1/16, ipv6: fd00::1:1/64, or both");
  }
  const Node* const mac = fields.find("mac");
  places.mac_given = mac != nullptr;
  if (mac != nullptr) read_mac(reading, *mac, group, ipv4 != nullptr);
  const Node* const gateway = fields.find("gateway");
  const Node* const gateway6 = fields.find("gateway6");
  group.gateway = read_address<Ipv4Address>(reading, gateway, "IPv4");
  group.gateway6 = read_address<Ipv6Address>(reading, gateway6, "IPv6");
  const Node* const vlan = fields.find("vlan");
  if (vlan != nullptr) read_vlan(reading, *vlan, fields.place_of("vlan"), group);
  if (const Node* const node = fields.find("mtu")) read_mtu(reading, *node, group, ipv6 != nullptr);
  if (const Node* const node = fields.find("resolve")) {
    group.resolve = reading.choice<Resolve>(*node, {{"shared", Resolve::kShared}, {"each", Resolve::kEach}})
                        .value_or(Resolve::kShared);
  }
  if (const Node* const node = fields.find("announce")) group.announce = reading.boolean(*node).value_or(false);
  if (const Node* const node = fields.find("tcp")) {
    group.tcp = read_personality(reading, *node, fields.place_of("tcp"), group);
  }

  places.mac = place_of(mac);
  places.ipv4 = place_of(ipv4);
  places.ipv6 = place_of(ipv6);
  places.gateway = place_of(gateway);
  places.gateway6 = place_of(gateway6);
  places.vlan = place_of(vlan);
  reading.groups.add(entry.key, entry.at);
  reading.plan.groups.push_back(std::move(group));
  reading.group_places.push_back(places);
}

}  // namespace

void read_ports(Reading& reading, const Node& section) {
  if (section.entries.size() > kMostPorts) {
    return reading.wrong(section.entries[kMostPorts].at, fmt::format("more than {} ports", kMostPorts),
                         "one scenario for each part of them");
  }
  for_each_named(reading, section, "ports", [&](const Entry& entry) { read_port(reading, entry); });
  if (section.is_null() || (section.is_map() && section.entries.empty())) {
    reading.wrong(section.at, "no port", "name at least one, as in 'lan: {interface: eth1}'");
  }
}

void read_hosts(Reading& reading, const Node& section) {
  if (section.entries.size() > kMostGroups) {
    return reading.wrong(section.entries[kMostGroups].at, fmt::format("more than {} groups of hosts", kMostGroups),
                         "one group describes many hosts: 'count'");
  }
  for_each_named(reading, section, "hosts", [&](const Entry& entry) { read_group(reading, entry); });
  if (section.is_null() || (section.is_map() && section.entries.empty())) {
    reading.wrong(section.at, "no hosts",
                  "name at least one group, as in 'clients: {port: lan, count: 10, ipv4: 10.0.1.1/16}'");
  }
}

}  // namespace myriad::plan
