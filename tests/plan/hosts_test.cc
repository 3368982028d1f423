// What hosts are given when the scenario leaves it open, and how close groups may come to each other.
#include <gtest/gtest.h>

#include "tests/plan/plan_of.h"

namespace myriad::plan {
namespace {

std::string mac_of(const Plan& plan, std::size_t group) { return plan.groups.at(group).mac.text(); }

TEST(Macs, AreGivenInFileOrderAndDoNotMeet) {
  const Plan plan = plan_of(std::string(kHead) + R"(
hosts:
  a: {port: lan, count: 256, ipv4: 10.0.1.1/16}
  b: {port: lan, count: 10, ipv4: 10.0.9.1/16}
  c: {port: lan, ipv4: 10.0.10.1/16}
)");
  EXPECT_EQ(mac_of(plan, 0), "02:4d:00:00:00:01");
  EXPECT_EQ(mac_of(plan, 1), "02:4d:00:00:01:01");
  EXPECT_EQ(mac_of(plan, 2), "02:4d:00:00:01:0b");
}

TEST(Macs, LeaveRoomForThoseThatWereGiven) {
  const Plan plan = plan_of(std::string(kHead) + R"(
hosts:
  a: {port: lan, count: 10, ipv4: 10.0.1.1/16}
  b: {port: lan, count: 4, ipv4: 10.0.2.1/16}
  given: {port: lan, count: 5, ipv4: 10.0.3.1/16, mac: 02:4d:00:00:00:05}
  small: {port: lan, count: 1, ipv4: 10.0.4.1/16, mac: 02:4d:00:00:00:16}
)");
  EXPECT_EQ(mac_of(plan, 0), "02:4d:00:00:00:0a") << "behind `given`: only four are free before it";
  EXPECT_EQ(mac_of(plan, 1), "02:4d:00:00:00:17") << "behind `small`: only two are free before it";
}

TEST(Macs, OfTwoPortsDoNotMeetEither) {
  const Plan plan = plan_of(R"(
version: 1
ports: {lan: {}, wan: {}}
hosts:
  a: {port: lan, count: 2, ipv4: 10.0.1.1/16}
  b: {port: wan, count: 2, ipv4: 10.0.1.1/16}
)");
  EXPECT_EQ(mac_of(plan, 1), "02:4d:00:00:00:03");
}

TEST(Macs, FromIpv4GoUpWithTheAddresses) {
  const Plan plan =
      plan_of(std::string(kHead) + "hosts: {a: {port: lan, count: 300, ipv4: 10.0.0.250/16, mac: from-ipv4}}\n");
  EXPECT_EQ(mac_of(plan, 0), "02:4d:0a:00:00:fa");
}

TEST(Neighbours, RangesMayTouch) {
  plan_of(std::string(kHead) + R"(
hosts:
  a: {port: lan, count: 10, ipv4: 10.0.1.1/16, ipv6: "fd00::1/64", mac: 02:00:00:00:00:01}
  b: {port: lan, count: 10, ipv4: 10.0.1.11/16, ipv6: "fd00::b/64", mac: 02:00:00:00:00:0b}
)");
}

TEST(Neighbours, OnAnotherPortOrVlanMayHaveTheSameAddresses) {
  plan_of(R"(
version: 1
ports: {lan: {}, wan: {}}
hosts:
  a: &a {port: lan, count: 10, ipv4: 10.0.1.1/16, mac: 02:00:00:00:00:01}
  b: {<<: *a, port: wan}
  c: {<<: *a, vlan: 5}
  d: {<<: *a, vlan: [5, 5]}
  e: {<<: *a, vlan: [6, 5]}
)");
}

TEST(Neighbours, AreFoundInTheVlanWhereTheyMeet) {
  // Hosts 0-9 in VLAN 100, 10-19 in 101, …: 10.0.1.15 is in 101.
  const std::string desks =
      std::string(kHead) + "hosts:\n  desks: {port: lan, count: 100, ipv4: 10.0.1.1/16, vlan: {id: 100, per: 10}}\n";
  const auto printer = [&](int vlan) {
    return desks + "  printer: {port: lan, ipv4: 10.0.1.15/16, vlan: " + std::to_string(vlan) + "}\n";
  };
  plan_of(printer(100));
  plan_of(printer(102));
  EXPECT_EQ(refusal_of(printer(101)).what, "printer[0] would have the IPv4 address 10.0.1.15 of desks[14]");
}

TEST(Neighbours, ALongRangeIsFoundBehindAShortOne) {
  const Diagnostic d = refusal_of(std::string(kHead) + R"(
hosts:
  long: {port: lan, count: 1000, ipv4: 10.0.1.1/16}
  elsewhere: {port: lan, count: 1, ipv4: 10.0.9.1/16}
  late: {port: lan, count: 1, ipv4: 10.0.4.232/16}
)");
  EXPECT_EQ(d.what, "late[0] would have the IPv4 address 10.0.4.232 of long[999]");
}

TEST(Neighbours, AreComparedOverAllBitsOfIpv6) {
  const Diagnostic d = refusal_of(std::string(kHead) + R"(
hosts:
  a: {port: lan, count: 10, ipv6: "fd00:0:0:0:ffff:ffff:ffff:fffa/32"}
  b: {port: lan, count: 10, ipv6: "fd00:0:0:1::1/32"}
)");
  EXPECT_EQ(d.what, "b[0] would have the IPv6 address fd00:0:0:1::1 of a[7]");
}

TEST(Prefixes, MayBeFilledToTheLastAddress) {
  plan_of(std::string(kHead) + "hosts: {a: {port: lan, count: 254, ipv4: 10.0.1.1/24}}\n");
  plan_of(std::string(kHead) + "hosts: {a: {port: lan, count: 2, ipv4: 10.0.1.0/31}}\n");
  plan_of(std::string(kHead) + "hosts: {a: {port: lan, count: 1, ipv4: 10.0.1.7/32}}\n");
  plan_of(std::string(kHead) + "hosts: {a: {port: lan, count: 15, ipv6: fd00::1/124}}\n");
  plan_of(std::string(kHead) + "hosts: {a: {port: lan, count: 2, ipv6: fd00::0/127}}\n");
  plan_of(std::string(kHead) + "hosts: {a: {port: lan, count: 1, ipv6: fd00::5/128}}\n");
  plan_of(std::string(kHead) + "hosts: {a: {port: lan, count: 16777216, ipv6: fd00::1/64}}\n");
}

TEST(Vlans, MayGoUpToTheLast) {
  const Plan plan = plan_of(std::string(kHead) +
                            "hosts: {a: {port: lan, count: 100, ipv4: 10.0.1.1/16, vlan: {id: 4085, per: 10}}}\n");
  EXPECT_EQ(plan.groups[0].vlan.tags.outer, 4085);
}

TEST(Gateways, InAnotherVlanMayLookLikeAHost) {
  plan_of(std::string(kHead) + R"(
hosts:
  a: {port: lan, count: 10, ipv4: 10.0.1.1/16, gateway: 10.0.2.1, vlan: 1}
  b: {port: lan, count: 10, ipv4: 10.0.2.1/16, vlan: 2}
)");
}

}  // namespace
}  // namespace myriad::plan
