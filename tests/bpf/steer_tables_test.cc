// What user space makes of host ranges, and what it refuses. Whether the program then finds the hosts is the matter of
// steer_decision_test.cc.
#include "bpf/steer_tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace myriad::bpf {
namespace {

using testing::HasSubstr;

HostRange range(std::uint32_t first_host, std::uint32_t count) {
  return {.first_host = first_host,
          .count = count,
          .first_mac = MacAddress::from_number(0x024d00000000 + std::uint64_t{first_host}),
          .first_ipv4 = Ipv4Address{0x0a000000 + first_host},
          .first_ipv6 = Ipv6Address::parse("fd00::")->plus(first_host),
          .vlan = {},
          .hosts_per_vlan = 0};
}

std::string refusal(const HostRange& of) {
  const auto tables = make_steer_tables(std::vector{of}, 2);
  if (tables) return "accepted";
  EXPECT_EQ(tables.error().fault, Fault::kUsage);
  EXPECT_FALSE(tables.error().what.empty());
  return tables.error().what;
}

TEST(SteerTables, MillionHostsAreOneRange) {
  const auto tables = make_steer_tables(std::vector{range(0, 1'000'000)}, 4);
  ASSERT_TRUE(tables);
  EXPECT_TRUE(tables->keys.empty());
  EXPECT_EQ(tables->config.hashed, 0U);
  EXPECT_EQ(tables->config.shards, 4U);
  for (std::size_t kind = 0; kind < STEER_TABLES; ++kind) {
    EXPECT_EQ(tables->config.ranges[kind], 1U);
    EXPECT_EQ(tables->tables.ranges[kind][0].count, 1'000'000U);
  }
}

TEST(SteerTables, TheSmallestGroupsGoToTheHash) {
  std::vector<HostRange> ranges;
  std::uint32_t first = 0;
  for (std::uint32_t i = 0; i < STEER_TABLE_RANGES + 2; ++i) {
    ranges.push_back(range(first, i == 10 ? 3 : i == 20 ? 2 : 100));
    first += 200;
  }
  const auto tables = make_steer_tables(ranges, 1);
  ASSERT_TRUE(tables);
  EXPECT_EQ(tables->config.ranges[STEER_MAC], static_cast<std::uint32_t>(STEER_TABLE_RANGES));
  EXPECT_EQ(tables->config.hashed, (1U << STEER_KINDS) - 1);
  ASSERT_EQ(tables->keys.size(), 5U * STEER_KINDS);  // five hosts, each MAC, IPv4, IPv6 and group
  ASSERT_EQ(tables->hosts.size(), tables->keys.size());
  for (const std::uint32_t host : tables->hosts)
    EXPECT_TRUE((host >= 2000 && host < 2003) || (host >= 4000 && host < 4002));
  for (const steer_range& slot : tables->tables.ranges[STEER_IPV4]) EXPECT_EQ(slot.count, 100U);
}

TEST(SteerTables, OneGroupKeyForSeveralHosts) {
  std::vector<HostRange> ranges;
  for (std::uint32_t i = 0; i < STEER_TABLE_RANGES; ++i) ranges.push_back(range(1000 + i * 200, 100));
  for (std::uint32_t i = 0; i < 3; ++i) {  // the same low 24 bits
    ranges.push_back(range(5 - i, 1));
    ranges.back().first_ipv6 =
        Ipv6Address{{0xfd, static_cast<std::uint8_t>(i), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3}};
  }
  const auto tables = make_steer_tables(ranges, 1);
  ASSERT_TRUE(tables);
  const auto is_group = [](const steer_key& key) { return key.kind == STEER_GROUP; };
  ASSERT_EQ(std::ranges::count_if(tables->keys, is_group), 1);
  const auto at = std::ranges::find_if(tables->keys, is_group) - tables->keys.begin();
  EXPECT_EQ(tables->keys[static_cast<std::size_t>(at)].low, 0x010203U);
  EXPECT_EQ(tables->hosts[static_cast<std::size_t>(at)], 3U) << "the lowest host has it";
}

TEST(SteerTables, MoreThanTheHashHoldsIsRefused) {
  std::vector<HostRange> ranges;
  for (std::uint32_t i = 0; i < STEER_TABLE_RANGES + 30; ++i) ranges.push_back(range(i * 10'000, 10'000));
  const auto tables = make_steer_tables(ranges, 1);
  ASSERT_FALSE(tables);
  EXPECT_EQ(tables.error().fault, Fault::kUsage);
  EXPECT_THAT(tables.error().what, HasSubstr("94 groups"));
  EXPECT_THAT(tables.error().cure, HasSubstr("join groups"));
}

TEST(SteerTables, RangesThatCannotBe) {
  EXPECT_EQ(refusal(range(0, 1)), "accepted");
  EXPECT_THAT(refusal(range(0, 0)), HasSubstr("no hosts"));
  EXPECT_THAT(refusal(range(0xffffff00, 0x100)), HasSubstr("numbered"));

  HostRange bad = range(0, 2);
  bad.first_mac = MacAddress{{0x01, 0, 0, 0, 0, 1}};
  EXPECT_THAT(refusal(bad), HasSubstr("unicast"));
  bad.first_mac = MacAddress{{0x02, 0xff, 0xff, 0xff, 0xff, 0xff}};
  EXPECT_THAT(refusal(bad), HasSubstr("unicast")) << "the second would be a group";
  bad.first_mac = MacAddress{{0xfe, 0xff, 0xff, 0xff, 0xff, 0xfe}};
  EXPECT_EQ(refusal(bad), "accepted") << "the last two there are";

  bad = range(0, 2);
  bad.first_ipv4 = Ipv4Address{0xffffffff};
  EXPECT_THAT(refusal(bad), HasSubstr("IPv4"));
  bad = range(0, 2);
  bad.first_ipv6 = Ipv6Address::parse("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
  EXPECT_THAT(refusal(bad), HasSubstr("IPv6"));
  bad.first_ipv6 = Ipv6Address::parse("feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
  EXPECT_THAT(refusal(bad), HasSubstr("IPv6")) << "the second would be multicast";
}

TEST(SteerTables, VlansThatCannotBe) {
  HostRange spread = range(0, 100);
  spread.hosts_per_vlan = 50;
  EXPECT_THAT(refusal(spread), HasSubstr("no tag"));
  spread.vlan = {4093, 0};
  EXPECT_EQ(refusal(spread), "accepted");
  spread.vlan = {4094, 0};
  EXPECT_THAT(refusal(spread), HasSubstr("4095"));
  spread.vlan = {4094, 7};
  EXPECT_EQ(refusal(spread), "accepted") << "the inner one grows";
  spread.vlan = {0, 7};
  EXPECT_THAT(refusal(spread), HasSubstr("tags"));
  spread.vlan = {4095, 0};
  EXPECT_THAT(refusal(spread), HasSubstr("4095"));
}

TEST(SteerTables, NoShards) {
  EXPECT_FALSE(make_steer_tables({}, 0));
  EXPECT_TRUE(make_steer_tables({}, 1));
}

}  // namespace
}  // namespace myriad::bpf
