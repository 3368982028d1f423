#include "stack/host_table.h"

#include <gtest/gtest.h>

namespace myriad::stack {
namespace {

MacAddress mac(const char* text) { return *MacAddress::parse(text); }
IpAddress ip(const char* text) { return *IpAddress::parse(text); }

HostGroup group(const char* name, std::uint32_t count, const char* first_mac) {
  HostGroup g;
  g.name = name;
  g.count = count;
  g.first_mac = mac(first_mac);
  return g;
}

HostGroup clients() {
  HostGroup g = group("clients", 1000, "02:4d:00:00:00:01");
  g.ipv4 = Ipv4Prefix::parse("10.0.1.1/16");
  g.ipv6 = Ipv6Prefix::parse("fd00::1:1/64");
  g.gateway = Ipv4Address::parse("10.0.255.254");
  g.gateway6 = Ipv6Address::parse("fd00::ffff:1");
  return g;
}

HostGroup servers() {
  HostGroup g = group("servers", 2, "02:4d:00:10:00:00");
  g.ipv4 = Ipv4Prefix::parse("10.0.200.1/16");
  return g;
}

TEST(HostTable, FindsEveryHostByEachOfItsAddresses) {
  const HostTable table{{clients(), servers()}};
  ASSERT_EQ(table.size(), 1002U);
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    const Host host = table.at(HostId{i});
    EXPECT_EQ(host.id, HostId{i});
    EXPECT_EQ(host.group, i < 1000 ? 0 : 1);
    EXPECT_EQ(host.offset, i < 1000 ? i : i - 1000);
    ASSERT_TRUE(table.by_mac(host.mac, {}));
    EXPECT_EQ(table.by_mac(host.mac, {})->id, host.id);
    EXPECT_EQ(table.by_mac(host.mac, {})->mac, host.mac);
    for (const bool v6 : {false, true}) {
      const auto address = table.address(host, v6);
      EXPECT_EQ(address.has_value(), !v6 || i < 1000);
      if (!address) continue;
      EXPECT_EQ(table.by_ip(*address, {})->id, host.id);
    }
  }
  EXPECT_EQ(table.at(HostId{255}).mac, mac("02:4d:00:00:01:00"));
  EXPECT_EQ(table.address(table.at(HostId{255}), false), ip("10.0.2.0"));
  EXPECT_EQ(table.address(table.at(HostId{255}), true), ip("fd00::1:100"));
  EXPECT_EQ(table.name(HostId{17}), "clients[17]");
  EXPECT_EQ(table.name(HostId{1001}), "servers[1]");
  EXPECT_EQ(table.first_of(1), HostId{1000});
}

TEST(HostTable, KnowsNobodyElse) {
  const HostTable table{{clients(), servers()}};
  EXPECT_FALSE(table.by_mac(mac("02:4d:00:00:00:00"), {}));
  EXPECT_FALSE(table.by_mac(mac("02:4d:00:00:03:e9"), {}));  // one behind the last
  EXPECT_TRUE(table.by_mac(mac("02:4d:00:00:03:e8"), {}));
  EXPECT_FALSE(table.by_mac(MacAddress::broadcast(), {}));
  EXPECT_FALSE(table.by_ip(ip("10.0.1.0"), {}));
  EXPECT_FALSE(table.by_ip(ip("10.0.200.3"), {}));
  EXPECT_FALSE(table.by_ip(ip("fd00::1:0"), {}));
  EXPECT_FALSE(table.by_ip(ip("fd00:0:0:1::1:1"), {}));
  EXPECT_FALSE(table.by_ip(ip("::"), {}));
  EXPECT_FALSE(table.by_ip(ip("10.0.1.1"), {100, 0}));
  EXPECT_FALSE(table.by_mac(mac("02:4d:00:00:00:01"), {100, 0}));
  const HostTable empty{{}};
  EXPECT_EQ(empty.size(), 0U);
  EXPECT_FALSE(empty.by_ip(ip("10.0.1.1"), {}));
}

TEST(HostTable, SpreadsAGroupOverVlans) {
  HostGroup g = clients();
  g.vlan = {100, 0};
  g.hosts_per_vlan = 300;
  HostGroup q = group("q", 4, "02:4d:00:20:00:00");
  q.ipv4 = Ipv4Prefix::parse("10.0.1.1/16");  // the same addresses as the clients, elsewhere
  q.vlan = {100, 7};
  q.hosts_per_vlan = 2;
  const HostTable table{{g, q}};
  EXPECT_EQ(table.at(HostId{299}).vlan, (VlanTags{100, 0}));
  EXPECT_EQ(table.at(HostId{300}).vlan, (VlanTags{101, 0}));
  EXPECT_EQ(table.at(HostId{999}).vlan, (VlanTags{103, 0}));
  EXPECT_EQ(table.at(HostId{1003}).vlan, (VlanTags{100, 8}));
  EXPECT_EQ(table.by_ip(ip("10.0.1.1"), {100, 0})->id, HostId{0});
  EXPECT_EQ(table.by_ip(ip("10.0.1.1"), {100, 7})->id, HostId{1000});
  EXPECT_EQ(table.by_ip(ip("10.0.1.3"), {100, 8})->id, HostId{1002});
  EXPECT_FALSE(table.by_ip(ip("10.0.1.3"), {100, 7}));
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    const Host host = table.at(HostId{i});
    EXPECT_EQ(table.by_mac(host.mac, host.vlan)->id, host.id);
    EXPECT_EQ(table.by_ip(*table.address(host, false), host.vlan)->id, host.id);
    EXPECT_FALSE(table.by_ip(*table.address(host, false), {}));
  }
}

TEST(HostTable, CarriesThroughAllBitsOfAnAddress) {
  HostGroup g = group("g", 4, "02:4d:00:ff:ff:fe");
  g.ipv6 = Ipv6Prefix::parse("fd00::ffff:ffff:ffff:fffe/32");
  const HostTable table{{g}};
  for (std::uint32_t i = 0; i < 4; ++i) {
    const Host host = table.at(HostId{i});
    EXPECT_EQ(table.by_ip(*table.address(host, true), {})->id, host.id) << i;
    EXPECT_EQ(table.by_mac(host.mac, {})->id, host.id) << i;
  }
  EXPECT_EQ(table.address(table.at(HostId{2}), true), ip("fd00:0:0:1::"));
  EXPECT_FALSE(table.by_ip(ip("fd00:0:0:1::2"), {}));
  EXPECT_FALSE(table.by_ip(ip("fd00:0:0:1:ffff:ffff:ffff:ffff"), {}));
}

TEST(HostTable, AMillionHostsAreOneRange) {
  HostGroup g = group("many", 1'000'000, "02:4d:00:00:00:00");
  g.ipv4 = Ipv4Prefix::parse("10.0.0.0/8");
  const HostTable table{{g}};
  EXPECT_EQ(table.by_ip(ip("10.15.66.63"), {})->id, HostId{999'999});
  EXPECT_FALSE(table.by_ip(ip("10.15.66.64"), {}));
}

TEST(HostTable, KnowsTheNextHop) {
  const HostTable table{{clients(), servers()}};
  const Host client = table.at(HostId{0});
  const Host server = table.at(HostId{1000});
  EXPECT_EQ(table.next_hop(client, ip("10.0.200.1")), ip("10.0.200.1"));
  EXPECT_EQ(table.next_hop(client, ip("8.8.8.8")), ip("10.0.255.254"));
  EXPECT_EQ(table.next_hop(client, ip("fd00::77")), ip("fd00::77"));
  EXPECT_EQ(table.next_hop(client, ip("2001:db8::1")), ip("fd00::ffff:1"));
  EXPECT_EQ(table.next_hop(client, ip("fe80::1")), ip("fe80::1"));
  EXPECT_EQ(table.next_hop(client, ip("ff02::1")), ip("ff02::1"));
  EXPECT_EQ(table.next_hop(client, ip("255.255.255.255")), ip("255.255.255.255"));
  EXPECT_EQ(table.next_hop(server, ip("8.8.8.8")), std::nullopt);
  EXPECT_EQ(table.next_hop(server, ip("fd00::1")), std::nullopt) << "no address of that family";
}

// A /30 with six hosts: each has its own network.
TEST(HostTable, TakesThePrefixOfTheHostNotOfTheGroup) {
  HostGroup g = group("g", 6, "02:4d:00:00:00:01");
  g.ipv4 = Ipv4Prefix::parse("10.0.0.2/30");
  const HostTable table{{g}};
  EXPECT_EQ(table.next_hop(table.at(HostId{0}), ip("10.0.0.1")), ip("10.0.0.1"));
  EXPECT_EQ(table.next_hop(table.at(HostId{5}), ip("10.0.0.1")), std::nullopt);
  EXPECT_EQ(table.next_hop(table.at(HostId{5}), ip("10.0.0.5")), ip("10.0.0.5"));
}

}  // namespace
}  // namespace myriad::stack
