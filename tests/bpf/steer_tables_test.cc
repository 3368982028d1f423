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

TEST(SteerTables, MillionHostsAreOneSegmentPerAddress) {
  const auto tables = make_steer_tables(std::vector{range(0, 1'000'000)}, 4);
  ASSERT_TRUE(tables);
  EXPECT_EQ(tables->config.shards, 4U);
  ASSERT_EQ(tables->segments.size(), 4U);  // MAC, IPv4, IPv6, group
  for (const steer_segment& segment : tables->segments) {
    EXPECT_EQ(segment.count, 1'000'000U);
    EXPECT_EQ(segment.first_host, 0U);
  }
  EXPECT_EQ(tables->untagged[STEER_MAC].count, 1U);
  EXPECT_EQ(tables->untagged[STEER_IPV4].count, 1U);
  EXPECT_EQ(tables->keys.size(), 2U);  // IPv6 and group
}

TEST(SteerTables, NeighboursAreJoined) {
  std::vector<HostRange> ranges;
  for (std::uint32_t i = 0; i < 5000; ++i) ranges.push_back(range(i * 3, 3));
  const auto tables = make_steer_tables(ranges, 1);
  ASSERT_TRUE(tables);
  EXPECT_EQ(tables->segments.size(), 4U);
}

TEST(SteerTables, EveryVlanIsASliceOfItsOwn) {
  HostRange spread = range(0, 1000);
  spread.vlan = {100, 0};
  spread.hosts_per_vlan = 300;
  const auto tables = make_steer_tables(std::vector{spread}, 1);
  ASSERT_TRUE(tables);
  EXPECT_EQ(tables->keys.size(), 4U * STEER_KINDS);
  EXPECT_EQ(tables->untagged[STEER_MAC].count, 0U);
  const auto last = std::ranges::find_if(
      tables->keys, [](const steer_slice_key& key) { return key.kind == STEER_MAC && key.vlan == 103U << 16; });
  ASSERT_NE(last, tables->keys.end());
  const steer_slice slice = tables->slices[static_cast<std::size_t>(last - tables->keys.begin())];
  ASSERT_EQ(slice.count, 1U);
  EXPECT_EQ(tables->segments[slice.begin].first_host, 900U);
  EXPECT_EQ(tables->segments[slice.begin].count, 100U);
}

// In every slice: sorted, disjoint, nothing empty.
TEST(SteerTables, OverlapsAreResolved) {
  std::vector<HostRange> ranges = {range(500, 1000), range(0, 100)};
  ranges[1].first_mac = MacAddress::from_number(ranges[0].first_mac.number() + 200);
  const auto tables = make_steer_tables(ranges, 1);
  ASSERT_TRUE(tables);
  const steer_slice slice = tables->untagged[STEER_MAC];
  ASSERT_EQ(slice.count, 3U);
  const steer_segment* const segments = &tables->segments[slice.begin];
  const std::uint64_t mac = ranges[0].first_mac.number();
  EXPECT_EQ(segments[0].first, mac);
  EXPECT_EQ(segments[0].count, 200U);
  EXPECT_EQ(segments[0].first_host, 500U);
  EXPECT_EQ(segments[1].first, mac + 200);
  EXPECT_EQ(segments[1].count, 100U);
  EXPECT_EQ(segments[1].first_host, 0U);
  EXPECT_EQ(segments[2].first, mac + 300);
  EXPECT_EQ(segments[2].count, 700U);
  EXPECT_EQ(segments[2].first_host, 800U);
}

TEST(SteerTables, MoreThanThereIsRoomForIsRefused) {
  std::vector<HostRange> ranges;
  for (std::uint32_t i = 0; i < STEER_SEGMENTS / 4; ++i) ranges.push_back(range(i * 2, 1));
  EXPECT_TRUE(make_steer_tables(ranges, 1));
  ranges.push_back(range(STEER_SEGMENTS, 1));
  const auto tables = make_steer_tables(ranges, 1);
  ASSERT_FALSE(tables);
  EXPECT_EQ(tables.error().fault, Fault::kUsage);
  EXPECT_THAT(tables.error().what, HasSubstr("16385 groups"));
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
