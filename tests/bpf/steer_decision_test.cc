// The decision of the steering program, run in the kernel, against the oracle: rows that say what is meant, then every
// truncation, and thousands of frames for hosts at the edges of ranges, tagged, mutated and cut at random.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>

#include "base/rng.h"
#include "tests/bpf/oracle/frames.h"
#include "tests/bpf/oracle/steer_oracle.h"
#include "tests/bpf/steer_probe.h"

namespace myriad::bpf {

// How gtest names a decision in a failure.
void PrintTo(const oracle::Decision& decision, std::ostream* out) {
  if (decision.host) {
    *out << "host " << *decision.host;
  } else {
    *out << "passed: "
         << (decision.reason < Passed::kCount ? kPassedNames[static_cast<std::size_t>(decision.reason)] : "?");
  }
}

namespace {

using oracle::Decision;
using oracle::Frame;
using oracle::Tags;

constexpr std::size_t kSmallestFrame = 14;  // below, the kernel refuses to run a program

MacAddress mac(const char* text) { return MacAddress::parse(text).value(); }
Ipv4Address ip4(const char* text) { return Ipv4Address::parse(text).value(); }
Ipv6Address ip6(const char* text) { return Ipv6Address::parse(text).value(); }
MacAddress after(const MacAddress& first, std::int64_t n) {
  return MacAddress::from_number((first.number() + static_cast<std::uint64_t>(n)) & 0xffffffffffff);
}
Decision host(std::uint32_t id) { return {id}; }
Decision passed(Passed reason) { return {std::nullopt, reason}; }

std::string hex(Bytes frame) {
  std::string text;
  for (const std::uint8_t byte : frame) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

class SteerDecision : public testing::Test {
 protected:
  void use(std::vector<HostRange> ranges) {
    ranges_ = std::move(ranges);
    auto probe = SteerProbe::load(ranges_);
    if (!probe && probe.error().os_error == EPERM) GTEST_SKIP() << "BPF is not permitted: " << probe.error().message();
    ASSERT_TRUE(probe) << probe.error().message() << '\n' << probe.error().cure;
    probe_.emplace(std::move(*probe));
  }
  // The program says what is expected, and the oracle agrees.
  void expect(const Frame& frame, const Decision& expected, const std::string& what) {
    EXPECT_EQ(oracle::decide(ranges_, frame), expected) << "the oracle on " << what;
    const auto decision = probe_->decide(frame);
    ASSERT_TRUE(decision) << what << ": " << decision.error().message();
    EXPECT_EQ(*decision, expected) << what << ": " << hex(frame);
  }
  void expect_as_oracle(const Frame& frame, const std::string& what) {
    const Decision expected = oracle::decide(ranges_, frame);
    const auto decision = probe_->decide(frame);
    ASSERT_TRUE(decision) << what << ": " << decision.error().message();
    ASSERT_EQ(*decision, expected) << what << ": " << hex(frame);
    ++seen_[expected.host ? Passed::kCount : expected.reason];
  }
  // Frames decided so far by outcome; kCount = for a host.
  std::map<Passed, int> seen_;
  std::vector<HostRange> ranges_;
  std::optional<SteerProbe> probe_;
};

HostRange thousand() {
  return {.first_host = 0,
          .count = 1000,
          .first_mac = mac("02:4d:00:00:00:01"),
          .first_ipv4 = ip4("10.0.1.1"),
          .first_ipv6 = ip6("fd00::1:1"),
          .vlan = {},
          .hosts_per_vlan = 0};
}

#define USE(...)    \
  use(__VA_ARGS__); \
  if (IsSkipped() || HasFatalFailure()) return

TEST_F(SteerDecision, UnicastGoesByMac) {
  USE({thousand()});
  expect(oracle::unicast(mac("02:4d:00:00:00:01"), {}), host(0), "first");
  expect(oracle::unicast(mac("02:4d:00:00:03:e8"), {}), host(999), "last");
  expect(oracle::unicast(mac("02:4d:00:00:00:00"), {}), passed(Passed::kOtherMac), "just before");
  expect(oracle::unicast(mac("02:4d:00:00:03:e9"), {}), passed(Passed::kOtherMac), "just after");
  expect(oracle::unicast(mac("00:4d:00:00:00:01"), {}), passed(Passed::kOtherMac), "another vendor");
  expect(oracle::unicast(mac("02:4d:00:00:00:07"), {{0x8100, 5}}), passed(Passed::kOtherMac), "in a VLAN");
  expect(oracle::unicast(mac("02:4d:00:00:00:07"), {{0x8100, 0xe000}}), host(6), "priority tag");
  expect(oracle::unicast(mac("02:4d:00:00:00:07"), {{0x88a8, 0}, {0x8100, 0x2000}}), host(6), "two priority tags");
  expect(oracle::arp(mac("02:4d:00:00:00:07"), {}, ip4("10.0.0.1"), ip4("10.0.0.2")), host(6), "ARP, whatever it asks");
  expect(oracle::unicast(mac("02:4d:00:00:00:07"), {{0x8100, 1}, {0x8100, 2}, {0x8100, 3}}),
         passed(Passed::kManyVlanTags), "three tags");
  expect(oracle::unicast(mac("02:4d:00:00:00:07"), {{0x9100, 0}}), host(6), "an EtherType that is no tag here");
}

TEST_F(SteerDecision, GroupFramesGoByContent) {
  USE({thousand()});
  const MacAddress all = MacAddress::broadcast();
  const Ipv4Address peer = ip4("10.0.255.1");
  expect(oracle::arp(all, {}, peer, ip4("10.0.1.1")), host(0), "ARP request for the first");
  expect(oracle::arp(all, {}, peer, ip4("10.0.4.232")), host(999), "ARP request for the last");
  expect(oracle::arp(all, {}, peer, ip4("10.0.4.233")), passed(Passed::kOtherArp), "ARP for one after");
  expect(oracle::arp(all, {}, peer, ip4("10.0.1.0")), passed(Passed::kOtherArp), "ARP for one before");
  expect(oracle::arp(all, {}, peer, peer), passed(Passed::kOtherArp), "gratuitous ARP of the peer");
  expect(oracle::arp(all, {}, ip4("10.0.1.8"), ip4("10.0.1.8"), 2), host(7), "somebody claims the address of a host");
  expect(oracle::arp(all, {}, {0}, ip4("10.0.1.8")), host(7), "ARP probe");
  expect(oracle::arp(all, {{0x8100, 9}}, peer, ip4("10.0.1.8")), passed(Passed::kOtherArp), "another VLAN");
  Frame strange = oracle::arp(all, {}, peer, ip4("10.0.1.8"));
  strange[15] = 6;
  expect(strange, passed(Passed::kOtherArp), "ARP of another hardware");

  expect(oracle::solicitation({}, ip6("fd00::1:1")), host(0), "solicitation of the first");
  expect(oracle::solicitation({}, ip6("fd00::1:3e8")), host(999), "solicitation of the last");
  expect(oracle::solicitation({}, ip6("fd00::1:3e9")), passed(Passed::kOtherSolicit), "solicitation of one after");
  expect(oracle::solicitation({}, ip6("fd01::1:5")), passed(Passed::kOtherSolicit), "same group, other target");
  expect(oracle::solicitation({}, ip6("fd00::1:5"), 64), host(4), "hop limit 64: another packet to the group");
  expect(oracle::solicitation({}, ip6("fd01::1:5"), 64), host(4), "the same for a foreign target: by group alone");
  expect(oracle::ipv6({}, ip6("ff02::1:ff01:3e8"), 17, 1, 20), host(999), "UDP to a solicited-node group");
  expect(oracle::ipv6({}, ip6("ff02::1:ff01:3e9"), 17, 1, 20), passed(Passed::kGroup), "a group nobody joined");
  expect(oracle::ipv6({}, ip6("ff02::1"), 58, 255, 16), passed(Passed::kGroup), "router advertisement");
  expect(oracle::ipv6({}, ip6("ff05::1:ff01:5"), 17, 1, 20), passed(Passed::kGroup), "another scope");

  Frame in_extension = oracle::solicitation({}, ip6("fd00::1:1"));
  in_extension[14 + 6] = 0;
  expect(in_extension, host(0), "not directly ICMPv6: by group");
  Frame all_nodes = oracle::ipv6({}, ip6("ff02::1"), 58, 255, 32);
  all_nodes[14 + 40] = 135;
  ip6("fd00::1:9").store(&all_nodes[14 + 48]);
  expect(all_nodes, host(8), "solicitation to all nodes");

  Frame broadcast = oracle::unicast(all, {});
  expect(broadcast, passed(Passed::kGroup), "IPv4 broadcast");
}

TEST_F(SteerDecision, AddressesCarry) {
  USE({{.first_host = 7,
        .count = 1'000'000,
        .first_mac = mac("02:4d:00:ff:f0:00"),
        .first_ipv4 = ip4("10.255.255.250"),
        .first_ipv6 = ip6("fd00::7:ffff:ffff:ffff:fff0"),
        .vlan = {},
        .hosts_per_vlan = 0}});
  const MacAddress all = MacAddress::broadcast();
  expect(oracle::unicast(mac("02:4d:01:00:00:00"), {}), host(7 + 0x1000), "MAC carries");
  expect(oracle::unicast(after(mac("02:4d:00:ff:f0:00"), 999'999), {}), host(1'000'006), "last MAC");
  expect(oracle::unicast(after(mac("02:4d:00:ff:f0:00"), 1'000'000), {}), passed(Passed::kOtherMac), "after it");
  expect(oracle::arp(all, {}, {1}, ip4("11.0.0.0")), host(7 + 6), "IPv4 carries");
  expect(oracle::arp(all, {}, {1}, ip4("10.255.255.250") + 999'999), host(1'000'006), "last IPv4");
  expect(oracle::arp(all, {}, {1}, ip4("10.255.255.250") + 1'000'000), passed(Passed::kOtherArp), "after it");
  expect(oracle::solicitation({}, ip6("fd00::7:ffff:ffff:ffff:ffff")), host(7 + 15), "before the carry");
  expect(oracle::solicitation({}, ip6("fd00::8:0:0:0:0")), host(7 + 16), "IPv6 carries through 64 bits");
  expect(oracle::solicitation({}, ip6("fd00::7:0:0:0:0")), passed(Passed::kOtherSolicit), "low bits without carry");
  expect(oracle::solicitation({}, ip6("fd00::7:ffff:ffff:ffff:ffef")), passed(Passed::kOtherSolicit), "just before");
  expect(oracle::solicitation({}, ip6("fd00::8:0:0:f:422f")), host(1'000'006), "last IPv6");
  expect(oracle::solicitation({}, ip6("fd00::8:0:0:f:4230")), passed(Passed::kOtherSolicit), "after it");
  expect(oracle::ipv6({}, ip6("ff02::1:ff00:0"), 17, 1, 8), host(7 + 16), "group after the carry");
  expect(oracle::ipv6({}, ip6("ff02::1:ffff:fff0"), 17, 1, 8), host(7), "group before the carry");
}

TEST_F(SteerDecision, TheSameAddressesInSeveralVlans) {
  std::vector<HostRange> ranges(5, thousand());
  ranges[0].vlan = {100, 0};
  ranges[1].vlan = {200, 0};
  ranges[2].vlan = {300, 7};
  ranges[3].vlan = {1000, 0};
  ranges[3].hosts_per_vlan = 50;
  ranges[4].vlan = {301, 10};
  ranges[4].hosts_per_vlan = 300;
  for (std::uint32_t i = 0; i < ranges.size(); ++i) ranges[i].first_host = i * 1000;
  USE(ranges);
  const MacAddress first = ranges[0].first_mac;
  const MacAddress all = MacAddress::broadcast();
  expect(oracle::unicast(after(first, 3), {}), passed(Passed::kOtherMac), "untagged");
  expect(oracle::unicast(after(first, 3), oracle::tags_for({100, 0})), host(3), "VLAN 100");
  expect(oracle::unicast(after(first, 3), oracle::tags_for({200, 0})), host(1003), "VLAN 200");
  expect(oracle::unicast(after(first, 3), oracle::tags_for({300, 7})), host(2003), "QinQ 300.7");
  expect(oracle::unicast(after(first, 3), {{0x8100, 300}, {0x8100, 0xf007}}), host(2003), "QinQ with 0x8100 twice");
  expect(oracle::unicast(after(first, 3), oracle::tags_for({300, 8})), passed(Passed::kOtherMac), "QinQ 300.8");
  expect(oracle::unicast(after(first, 3), oracle::tags_for({7, 300})), passed(Passed::kOtherMac), "QinQ turned round");
  expect(oracle::unicast(after(first, 3), {{0x88a8, 0}, {0x8100, 100}}), host(3), "priority tag around VLAN 100");
  expect(oracle::unicast(after(first, 49), oracle::tags_for({1000, 0})), host(3049), "last of VLAN 1000");
  expect(oracle::unicast(after(first, 50), oracle::tags_for({1000, 0})), passed(Passed::kOtherMac), "already in 1001");
  expect(oracle::unicast(after(first, 50), oracle::tags_for({1001, 0})), host(3050), "first of VLAN 1001");
  expect(oracle::unicast(after(first, 999), oracle::tags_for({1019, 0})), host(3999), "last of VLAN 1019");
  expect(oracle::unicast(after(first, 999), oracle::tags_for({1020, 0})), passed(Passed::kOtherMac), "VLAN 1020");
  expect(oracle::arp(all, oracle::tags_for({301, 13}), {1}, ip4("10.0.1.1") + 900), host(4900), "ARP in QinQ 301.13");
  expect(oracle::arp(all, oracle::tags_for({301, 12}), {1}, ip4("10.0.1.1") + 900), passed(Passed::kOtherArp),
         "not 12");
  expect(oracle::solicitation(oracle::tags_for({301, 11}), ip6("fd00::1:12d")), host(4300), "NS in QinQ 301.11");
  expect(oracle::ipv6(oracle::tags_for({1001, 0}), ip6("ff02::1:ff01:33"), 17, 1, 8), host(3050), "group in 1001");
  expect(oracle::ipv6(oracle::tags_for({1000, 0}), ip6("ff02::1:ff01:33"), 17, 1, 8), passed(Passed::kGroup),
         "in 1000");
}

TEST_F(SteerDecision, LowestHostOfAGroup) {
  HostRange many = thousand();  // three of them have each group
  many.count = 0x2000010;
  many.first_host = 100;
  many.first_ipv4.reset();
  many.first_ipv6 = ip6("fd00::ff:fff0");
  HostRange other = thousand();
  other.first_mac = mac("02:4e:00:00:00:01");
  other.first_ipv6 = ip6("fd07::ff:fff8");
  USE({many, other});
  expect(oracle::ipv6({}, ip6("ff02::1:ffff:fff0"), 17, 1, 8), host(100), "in the large range only");
  expect(oracle::ipv6({}, ip6("ff02::1:ffff:fff8"), 17, 1, 8), host(0), "in both");
  expect(oracle::ipv6({}, ip6("ff02::1:ffff:ffef"), 17, 1, 8), host(100 + 0xffffff), "the last of the first round");
  expect(oracle::unicast(after(many.first_mac, 0x200000f), {}), host(100 + 0x200000f), "33 million hosts, the last");
}

// As many single hosts as there is room for, none beside another: the search takes all its steps.
TEST_F(SteerDecision, LongestSlices) {
  std::vector<HostRange> ranges(16384, thousand());
  for (std::uint32_t i = 0; i < ranges.size(); ++i) {
    ranges[i].first_host = static_cast<std::uint32_t>(ranges.size()) - i;
    ranges[i].count = 1;
    ranges[i].first_mac = after(ranges[i].first_mac, 3 * std::int64_t{i});
    ranges[i].first_ipv4 = *ranges[i].first_ipv4 + 3 * i;
    ranges[i].first_ipv6 = ranges[i].first_ipv6->plus(3 * std::uint64_t{i});
  }
  USE(ranges);
  Rng rng{1};
  for (int i = 0; i < 200; ++i) {
    const HostRange& range = ranges[i == 0 ? 0 : i == 1 ? ranges.size() - 1 : rng.below(ranges.size())];
    for (const int beside : {-1, 0, 1}) {
      const Decision expected = beside == 0 ? host(range.first_host) : passed(Passed::kOtherMac);
      const auto decision = probe_->decide(oracle::unicast(after(range.first_mac, beside), {}));
      ASSERT_TRUE(decision);
      ASSERT_EQ(*decision, expected) << range.first_mac.text() << " and " << beside;
    }
    expect(oracle::arp(MacAddress::broadcast(), {}, {1}, *range.first_ipv4), host(range.first_host), "ARP");
    expect(oracle::solicitation({}, *range.first_ipv6), host(range.first_host), "solicitation");
    expect(oracle::ipv6({}, range.first_ipv6->solicited_node(), 17, 1, 8), host(range.first_host), "group");
    if (HasFailure()) return;
  }
}

TEST_F(SteerDecision, HostsWithoutAFamily) {
  HostRange only4 = thousand();
  only4.first_ipv6.reset();
  HostRange only6 = thousand();
  only6.first_host = 1000;
  only6.first_mac = mac("02:4e:00:00:00:01");
  only6.first_ipv4.reset();
  only6.first_ipv6 = ip6("fd00::2:1");
  USE({only4, only6});
  expect(oracle::solicitation({}, ip6("fd00::1:1")), passed(Passed::kOtherSolicit), "no IPv6 here");
  expect(oracle::solicitation({}, ip6("fd00::2:1")), host(1000), "but here");
  expect(oracle::arp(MacAddress::broadcast(), {}, {1}, ip4("10.0.1.2")), host(1), "IPv4");
  expect(oracle::arp(MacAddress::broadcast(), {}, {1}, {0}), passed(Passed::kOtherArp), "0.0.0.0 is nobody's");
}

TEST_F(SteerDecision, NoHosts) {
  USE({});
  expect(oracle::unicast(mac("02:4d:00:00:00:01"), {}), passed(Passed::kOtherMac), "unicast");
  expect(oracle::unicast(mac("00:00:00:00:00:00"), {}), passed(Passed::kOtherMac), "all zero");
  expect(oracle::arp(MacAddress::broadcast(), {}, {1}, {2}), passed(Passed::kOtherArp), "ARP");
  expect(oracle::solicitation({}, ip6("fd00::1")), passed(Passed::kOtherSolicit), "solicitation");
  expect(oracle::ipv6({}, ip6("ff02::1:ff00:0"), 17, 1, 8), passed(Passed::kGroup), "group");
}

TEST_F(SteerDecision, EveryTruncation) {
  HostRange tagged = thousand();
  tagged.first_host = 1000;
  tagged.vlan = {300, 7};
  USE({thousand(), tagged});
  for (const VlanTags vlan : {VlanTags{}, VlanTags{300, 7}}) {
    const Tags tags = oracle::tags_for(vlan);
    Tags three = tags;
    three.resize(3, {0x8100, 4});
    const std::vector<Frame> frames = {
        oracle::unicast(mac("02:4d:00:00:00:05"), tags),
        oracle::unicast(mac("02:4d:00:00:00:05"), three),
        oracle::unicast(MacAddress::broadcast(), tags),
        oracle::arp(MacAddress::broadcast(), tags, {1}, ip4("10.0.1.5")),
        oracle::solicitation(tags, ip6("fd00::1:5")),
        oracle::ipv6(tags, ip6("ff02::1:ff01:5"), 17, 1, 24),
    };
    for (const Frame& frame : frames) {
      for (std::size_t length = kSmallestFrame; length <= frame.size(); ++length) {
        const Frame cut(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(length));
        expect_as_oracle(cut, "cut to " + std::to_string(length));
        if (HasFatalFailure()) return;
      }
    }
  }
  EXPECT_GT(seen_[Passed::kTruncated], 0);
  EXPECT_GT(seen_[Passed::kManyVlanTags], 0);
  EXPECT_GT(seen_[Passed::kCount], 0);
}

// --- Random frames -----------------------------------------------------------------------------------------------

// What std::shuffle asks of a generator.
struct Shuffler {
  using result_type = std::uint64_t;
  Rng& rng;
  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return UINT64_MAX; }
  result_type operator()() { return rng.next(); }
};

template <class T>
const T& pick(Rng& rng, const std::vector<T>& of) {
  return of[rng.below(of.size())];
}

// Ranges in several VLANs, which there follow each other or lie apart, and sometimes overlap.
std::vector<HostRange> random_ranges(Rng& rng, std::size_t count, std::uint32_t largest) {
  struct Domain {
    VlanTags vlan;
    std::uint64_t mac, ipv4;
    Ipv6Address ipv6;
  };
  std::vector<Domain> domains;
  for (const VlanTags vlan : {VlanTags{}, VlanTags{100, 0}, VlanTags{2000, 0}, VlanTags{100, 7}, VlanTags{101, 2000}}) {
    domains.push_back({vlan, 0x024d00100000 + rng.below(0x20000), 0x0a100000 + rng.below(0x20000),
                       ip6("fd00::ffff:ffff:ffff:0").plus(rng.below(0x20000))});
  }
  std::vector<HostRange> ranges;
  std::uint32_t next_host = 0;
  while (ranges.size() < count) {
    Domain& domain = domains[rng.below(domains.size())];
    HostRange range;
    range.first_host = next_host;
    range.count = 1 + static_cast<std::uint32_t>(rng.below(rng.below(2) == 0 ? 4 : largest));
    range.vlan = domain.vlan;
    if (domain.vlan.depth() != 0 && rng.below(2) == 0) {  // over at most 80 identifiers
      range.hosts_per_vlan = range.count / 80 + 1 + static_cast<std::uint32_t>(rng.below(40));
    }
    const std::uint64_t back = rng.below(4) == 0 ? rng.below(2 * std::uint64_t{range.count}) : 0;
    range.first_mac = MacAddress::from_number(domain.mac - std::min(back, std::uint64_t{0x100000}));
    if (rng.below(5) != 0)
      range.first_ipv4 = Ipv4Address{static_cast<std::uint32_t>(domain.ipv4 - std::min(back, std::uint64_t{0x100000}))};
    if (rng.below(5) != 0) range.first_ipv6 = domain.ipv6;
    const auto gap = [&rng] { return rng.below(3) == 0 ? 0 : rng.below(40); };
    domain.mac += range.count + gap();
    domain.ipv4 += range.count + gap();
    domain.ipv6 = domain.ipv6.plus(range.count + gap());
    next_host += range.count + static_cast<std::uint32_t>(rng.below(2));
    ranges.push_back(range);
  }
  std::ranges::shuffle(ranges, Shuffler{rng});
  return ranges;
}

Tags random_tags(Rng& rng, VlanTags vlan) {
  Tags tags = oracle::tags_for(vlan);
  switch (rng.below(16)) {
    case 0:
      tags.clear();
      break;
    case 1:
      tags.push_back({0x8100, static_cast<std::uint16_t>(rng.next())});
      break;
    case 2:
      tags.insert(tags.begin(), {0x88a8, static_cast<std::uint16_t>(rng.below(16) << 12)});
      break;
    case 3:
      tags.assign(3, {0x8100, 100});
      break;
    case 4:
      std::ranges::reverse(tags);
      break;
    case 5:
      if (!tags.empty()) ++tags.back().control;
      break;
    default:
      break;
  }
  for (oracle::Tag& tag : tags) {
    if (rng.below(4) == 0) tag.tpid = pick(rng, std::vector<std::uint16_t>{0x8100, 0x88a8, 0x8100, 0x9100});
    if (rng.below(4) == 0) tag.control = static_cast<std::uint16_t>(tag.control | rng.below(16) << 12);
  }
  return tags;
}

// A frame for a host in or just outside a range.
Frame random_frame(Rng& rng, const std::vector<HostRange>& ranges) {
  const HostRange& range = pick(rng, ranges);
  const std::array<std::int64_t, 6> places = {0,
                                              -1,
                                              range.count - 1,
                                              range.count,
                                              std::int64_t{range.count} / 2,
                                              static_cast<std::int64_t>(rng.below(range.count))};
  const std::int64_t offset = places[rng.below(places.size())];
  const auto unsigned_offset = static_cast<std::uint64_t>(offset);
  const Tags tags = random_tags(rng, oracle::tags_of(range, offset < 0 ? 0 : unsigned_offset));
  const Ipv4Address v4 = range.first_ipv4.value_or(Ipv4Address{0x0a000100}) + static_cast<std::uint32_t>(offset);
  const Ipv6Address first6 = range.first_ipv6.value_or(ip6("fd00::77"));
  const Ipv6Address v6 = offset < 0 ? Ipv6Address{first6} : first6.plus(unsigned_offset);
  const MacAddress group = rng.below(2) == 0 ? MacAddress::broadcast() : mac("33:33:00:00:00:01");
  switch (rng.below(6)) {
    case 0:
      return oracle::unicast(after(range.first_mac, offset), tags);
    case 1:
      return oracle::arp(group, tags, Ipv4Address{static_cast<std::uint32_t>(rng.next())}, v4);
    case 2:
      return oracle::solicitation(tags, v6);
    case 3:
      return oracle::ipv6(tags, v6.solicited_node(), pick(rng, std::vector<std::uint8_t>{17, 58, 0, 6}),
                          pick(rng, std::vector<std::uint8_t>{1, 64, 255}), rng.below(40));
    case 4:
      return oracle::ipv6(group, tags, pick(rng, std::vector<Ipv6Address>{ip6("ff02::1"), v6}), 58, 255, 32);
    default:
      return oracle::unicast(group, tags);
  }
}

void mutate(Rng& rng, Frame& frame) {
  switch (rng.below(8)) {
    case 0:
    case 1:
      frame.resize(kSmallestFrame + rng.below(frame.size() - kSmallestFrame + 1));
      break;
    case 2:  // a few bits anywhere
      for (std::uint64_t i = rng.below(4); i < 4; ++i) {
        frame[rng.below(frame.size())] ^= static_cast<std::uint8_t>(1 << rng.below(8));
      }
      break;
    case 3:
      frame[rng.below(frame.size())] = static_cast<std::uint8_t>(rng.next());
      break;
    case 4:
      frame.resize(frame.size() + rng.below(1400), static_cast<std::uint8_t>(rng.next()));
      break;
    default:
      break;
  }
}

struct Scene {
  const char* name;
  std::size_t ranges;
  std::uint32_t largest;
};
class RandomFrames : public SteerDecision, public testing::WithParamInterface<Scene> {};

TEST_P(RandomFrames, AreDecidedAsTheOracleDoes) {
  constexpr int kWorlds = 3;
  constexpr int kFrames = 4000;
  for (std::uint64_t seed = 0; seed < kWorlds; ++seed) {
    Rng rng{seed};
    const std::string world = "seed " + std::to_string(seed);
    USE(random_ranges(rng, GetParam().ranges, GetParam().largest));
    for (int i = 0; i < kFrames; ++i) {
      Frame frame = random_frame(rng, ranges_);
      mutate(rng, frame);
      expect_as_oracle(frame, world + ", frame " + std::to_string(i));
      if (HasFatalFailure()) return;
    }
  }
  // Not one outcome was left out, and hosts were found often enough to mean something.
  EXPECT_GT(seen_[Passed::kCount], kWorlds * kFrames / 5);
  for (std::size_t reason = 0; reason < kPassedNames.size(); ++reason) {
    EXPECT_GT(seen_[static_cast<Passed>(reason)], kWorlds * kFrames / 200) << kPassedNames[reason];
  }
}

INSTANTIATE_TEST_SUITE_P(Worlds, RandomFrames,
                         testing::Values(Scene{"OneRange", 1, 1000}, Scene{"TwoRanges", 2, 1'000'000},
                                         Scene{"ThreeRanges", 3, 100}, Scene{"SomeRanges", 11, 5000},
                                         Scene{"ManyRanges", 64, 2000}, Scene{"HundredsOfRanges", 400, 300}),
                         [](const auto& scene) { return scene.param.name; });

}  // namespace
}  // namespace myriad::bpf
