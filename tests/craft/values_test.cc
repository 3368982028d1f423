// What varies from frame to frame: counters, lists, chance, hosts, rows, sizes, payloads. Whatever varies, a receiver
// finds every length and checksum right.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "tests/craft/pieces.h"
#include "tests/craft/receiver.h"

namespace myriad::craft {
namespace {

using K = LayerKind;
using ::testing::Each;
using ::testing::ElementsAre;

std::vector<std::uint64_t> of_field(const Made& made, std::size_t bit, std::size_t width) {
  std::vector<std::uint64_t> values;
  for (const Frame& frame : made.frames) values.push_back(static_cast<std::uint64_t>(bits(frame, bit, width)));
  return values;
}

// Destination ports of UDP over IPv4.
std::vector<std::uint64_t> ports(FieldValue value, std::size_t count, const Batch& batch = {}) {
  const Program program = program_of({{ethernet(), ipv4(), layer(K::kUdp, {{"dst", std::move(value)}})}, text("x")});
  const Made made = make(program, count, batch);
  for (const Frame& frame : made.frames) EXPECT_EQ(received(frame), "ethernet ipv4 udp 1");
  return of_field(made, 36 * 8, 16);
}

TEST(Values, Count) {
  EXPECT_THAT(ports(Counting{5000, 10, 3, false}, 7), ElementsAre(5000, 5010, 5020, 5000, 5010, 5020, 5000));
  EXPECT_THAT(ports(Counting{2, 1, 3, true}, 4), ElementsAre(2, 1, 0, 2));
  EXPECT_THAT(ports(Counting{65534, 1, std::nullopt, false}, 4), ElementsAre(65534, 65535, 0, 1));
  EXPECT_THAT(ports(Counting{1, 1, std::nullopt, true}, 4), ElementsAre(1, 0, 65535, 65534));
  EXPECT_THAT(ports(Counting{7, 0, 5, false}, 3), Each(7));
}

TEST(Values, ComeFromLists) { EXPECT_THAT(ports(Values{{9, 53, 9}}, 5), ElementsAre(9, 53, 9, 9, 53)); }

TEST(Values, DependOnTheNumberOfTheFrameAlone) {
  for (const FieldValue& value : {FieldValue{Counting{5, 7, 11, false}}, FieldValue{Values{{1, 2, 3, 4, 5}}},
                                  FieldValue{RandomBetween{0, 65535}}}) {
    const auto all = ports(value, 1000);
    for (const std::uint64_t stride : {1U, 2U, 3U, 12U, 400U}) {
      Batch batch;
      batch.first = 31;
      batch.stride = stride;
      const std::size_t count = (1000 - 31 + stride - 1) / stride;
      const auto some = ports(value, count, batch);
      for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(some[i], all[31 + i * stride]);
    }
  }
}

TEST(Values, OfChanceAreUniform) {
  std::map<std::uint64_t, int> seen;
  for (const std::uint64_t port : ports(RandomBetween{100, 109}, 10000)) ++seen[port];
  ASSERT_EQ(seen.size(), 10U);
  for (const auto& [port, times] : seen) {
    EXPECT_GE(port, 100U);
    EXPECT_LE(port, 109U);
    EXPECT_NEAR(times, 1000, 150);  // five standard deviations
  }
  EXPECT_THAT(ports(RandomBetween{77, 77}, 5), Each(77));
}

TEST(Values, TwoFieldsOfChanceDiffer) {
  const Program program = program_of(
      {{ethernet(), ipv4(), layer(K::kUdp, {{"src", RandomBetween{0, 65535}}, {"dst", RandomBetween{0, 65535}}})}, {}});
  const Made made = make(program, 100);
  EXPECT_NE(of_field(made, 34 * 8, 16), of_field(made, 36 * 8, 16));
  CompileOptions other;
  other.seed = 1;
  const Program another = program_of(
      {{ethernet(), ipv4(), layer(K::kUdp, {{"src", RandomBetween{0, 65535}}, {"dst", Constant{1}}})}, {}}, other);
  EXPECT_NE(of_field(made, 34 * 8, 16), of_field(make(another, 100), 34 * 8, 16));
}

TEST(Values, OfSingleBitsLeaveTheirNeighboursAlone) {
  const Program program = program_of({{ethernet(),
                                       ipv4({{"dscp", Counting{0, 1, 64, false}},
                                             {"ecn", Counting{3, 1, 4, true}},
                                             {"flags", Values{{2, 1, 4}}},
                                             {"fragment_offset", Counting{0, 100, 50, false}}}),
                                       layer(K::kTcp, {{"dst", Constant{80}}, {"flags", Counting{0, 1, 512, false}}})},
                                      text("abc")});
  const Made made = make(program, 130);
  for (std::size_t n = 0; n < 130; ++n) {
    const Frame& frame = made.frames[n];
    EXPECT_EQ(bits(frame, 15 * 8, 6), n % 64);
    EXPECT_EQ(bits(frame, 15 * 8 + 6, 2), 3 - n % 4);
    EXPECT_EQ(bits(frame, 20 * 8, 3), (std::array<unsigned, 3>{2, 1, 4}[n % 3]));
    EXPECT_EQ(bits(frame, 20 * 8 + 3, 13), n % 50 * 100);
    EXPECT_EQ(bits(frame, 46 * 8, 4), 5U);
    EXPECT_EQ(bits(frame, 46 * 8 + 7, 9), n);
    EXPECT_TRUE(wire::Ipv4View::parse(Bytes{frame}.subspan(14)));
  }
}

TEST(Values, OfAllWidthsOfIpv6) {
  const Program program =
      program_of({{ethernet(),
                   layer(K::kIpv6, {{"traffic_class", Counting{0, 1, 256, false}},
                                    {"flow_label", RandomBetween{0, 0xfffff}},
                                    {"src", Counting{v6("fd00::ffff:ffff:ffff:fffe"), 1, 5, false}},
                                    {"dst", RandomBetween{v6("fd00:1::"), v6("fd00:1::") + ((Number{1} << 96) - 1)}}}),
                   udp()},
                  text("v6!")});
  std::set<std::string> destinations;
  const Made made = make(program, 64);
  for (std::size_t n = 0; n < 64; ++n) {
    const Frame& frame = made.frames[n];
    EXPECT_EQ(received(frame), "ethernet ipv6 udp 3");
    EXPECT_EQ(bits(frame, 14 * 8 + 4, 8), n);
    EXPECT_TRUE(bits(frame, 22 * 8, 128) == v6("fd00::ffff:ffff:ffff:fffe") + n % 5);
    EXPECT_EQ(bits(frame, 38 * 8, 32), 0xfd000001U);
    destinations.insert(text_of(bits(frame, 38 * 8, 128), FieldType::kIpv6));
  }
  EXPECT_EQ(destinations.size(), 64U);
}

TEST(Values, WideListsAndCountersDown) {
  const std::vector<Number> list = {v6("fd00::1"), v6("2001:db8::2"), v6("::3")};
  const Program program = program_of(
      {{ethernet(), layer(K::kIpv6, {{"src", Values{list}}, {"dst", Counting{v6("fd00::1:0:0:0:0"), 1, 3, true}}}),
        udp()},
       {}});
  const Made made = make(program, 6);
  for (std::size_t n = 0; n < 6; ++n) {
    EXPECT_EQ(received(made.frames[n]), "ethernet ipv6 udp 0");
    EXPECT_TRUE(bits(made.frames[n], 22 * 8, 128) == list[n % 3]);
    EXPECT_TRUE(bits(made.frames[n], 38 * 8, 128) == v6("fd00::1:0:0:0:0") - n % 3);
  }
}

HostRange hosts_of(std::uint32_t count) {
  HostRange hosts;
  hosts.count = count;
  hosts.mac = MacAddress::from_number(0x024d00000001);
  hosts.ipv4 = Ipv4Address{0x0a000101};
  hosts.ipv6 = Ipv6Address::parse("fd00::1:1");
  return hosts;
}

TEST(Values, OfHostsAreTheirs) {
  CompileOptions options;
  options.hosts = hosts_of(1000);
  options.hosts->vlan = {100, 7};
  options.hosts->hosts_per_vlan = 30;
  const Program program = program_of({{layer(K::kEthernet), layer(K::kIpv4, {{"dst", Constant{0x0a00ff01}}}),
                                       layer(K::kUdp, {{"src", OfHost{HostField::kIndex}}, {"dst", Constant{9}}})},
                                      text("x")},
                                     options);
  EXPECT_TRUE(program.resolves());
  EXPECT_EQ(program.common_destination(), IpAddress{Ipv4Address{0x0a00ff01}});
  const Made made = make(program, 1500);
  for (std::uint32_t n = 0; n < 1500; ++n) {
    const Frame& frame = made.frames[n];
    const std::uint32_t host = n % 1000;
    ASSERT_EQ(made.hosts[n], host);
    ASSERT_EQ(received(frame), "ethernet vlan vlan ipv4 udp 1");
    ASSERT_EQ(bits(frame, 48, 48), 0x024d00000001U + host);
    ASSERT_EQ(bits(frame, 96, 32), 0x88a80064U);
    ASSERT_EQ(bits(frame, 128, 32), 0x81000000U + 7 + host / 30);
    ASSERT_EQ(bits(frame, 34 * 8, 32), 0x0a000101U + host);
    ASSERT_EQ(bits(frame, 42 * 8, 16), host);
  }
}

TEST(Values, AVlanFitsEvenAnAddress) {
  CompileOptions options;
  options.hosts = hosts_of(8);
  options.hosts->vlan = {100, 0};
  options.hosts->hosts_per_vlan = 2;
  const Program program =
      program_of({{ethernet(), layer(K::kIpv6, {{"src", Counting{v6("fd00::ffff:ffff:ffff:fffe"), 1, 5, false}},
                                                {"dst", OfHost{HostField::kVlan}}})},
                  {}},
                 options);
  const Made made = make(program, 8);
  for (std::size_t n = 0; n < 8; ++n) EXPECT_TRUE(bits(made.frames[n], 42 * 8, 128) == 100 + n / 2);
}

TEST(Values, OfHostsInRandomOrderVisitThemAll) {
  CompileOptions options;
  options.hosts = hosts_of(10);
  options.order = HostOrder::kRandom;
  const Program program = program_of(
      {{layer(K::kEthernet, {{"dst", Constant{kFar}}}), layer(K::kIpv6, {{"dst", Constant{1}}}), udp()}, {}}, options);
  EXPECT_FALSE(program.resolves());
  std::map<std::uint32_t, int> seen;
  const Made made = make(program, 10000);
  for (std::size_t n = 0; n < 10000; ++n) {
    ++seen[made.hosts[n]];
    ASSERT_TRUE(bits(made.frames[n], 22 * 8, 128) == v6("fd00::1:1") + made.hosts[n]);
  }
  ASSERT_EQ(seen.size(), 10U);
  for (const auto& [host, times] : seen) EXPECT_NEAR(times, 1000, 150);
}

TEST(Values, TheNextHopIsSetFromOutside) {
  CompileOptions options;
  options.hosts = hosts_of(2);
  const Program varying = program_of({{layer(K::kEthernet, {{"dst", Resolved{}}}),
                                       layer(K::kIpv4, {{"dst", Counting{0x0a00ff01, 1, 9, false}}}), udp()},
                                      {}},
                                     options);
  EXPECT_TRUE(varying.resolves());
  EXPECT_FALSE(varying.common_destination());
  Made made = make(varying, 3);
  EXPECT_EQ(varying.destination(made.frames[2].data()), IpAddress{Ipv4Address{0x0a00ff03}});
  Program::set_next_hop(made.frames[2].data(), MacAddress::from_number(kFar));
  EXPECT_EQ(bits(made.frames[2], 0, 48), kFar);
  // Groups are addressed by arithmetic.
  const Program to_group =
      program_of({{layer(K::kEthernet), layer(K::kIpv4, {{"dst", Constant{0xe1818283}}}), udp()}, {}}, options);
  EXPECT_FALSE(to_group.resolves());
  EXPECT_EQ(bits(make_one(to_group), 0, 48), 0x01005e018283U);
  const Program to_all =
      program_of({{layer(K::kEthernet), layer(K::kIpv6, {{"dst", Constant{v6("ff02::1")}}}), udp()}, {}}, options);
  EXPECT_EQ(bits(make_one(to_all), 0, 48), 0x333300000001U);
}

TEST(Values, FromRows) {
  const Program program =
      program_of({{layer(K::kEthernet, {{"dst", Constant{kFar}}, {"src", OfColumn{"mac"}}}),
                   layer(K::kIpv4, {{"src", OfColumn{"ip"}}, {"dst", Constant{1}}, {"dscp", OfColumn{"class"}}}),
                   layer(K::kUdp, {{"dst", OfColumn{"port"}}})},
                  [] {
                    Payload payload = of_kind(PayloadKind::kColumn);
                    payload.column = "words";
                    return payload;
                  }()});
  ASSERT_TRUE(program.needs_rows());
  const auto uses = program.columns();
  ASSERT_EQ(uses.size(), 5U);
  EXPECT_EQ(uses[0], (ColumnUse{"words", ColumnType::kText, 1472}));
  EXPECT_EQ(uses[1], (ColumnUse{"mac", ColumnType::kMac, UINT64_MAX}));
  EXPECT_EQ(uses[3], (ColumnUse{"class", ColumnType::kNumber, 63}));
  RowBlock rows;
  rows.count = 20;
  rows.columns.resize(5);
  rows.columns[0].begins = {0};
  for (std::uint32_t i = 0; i < 20; ++i) {
    rows.columns[0].bytes.insert(rows.columns[0].bytes.end(), i, static_cast<std::uint8_t>('a' + i));
    rows.columns[0].begins.push_back(static_cast<std::uint32_t>(rows.columns[0].bytes.size()));
    rows.columns[1].low.push_back(0x020000000000 + i);
    rows.columns[2].low.push_back(0x0a000000 + i);
    rows.columns[3].low.push_back(i);
    rows.columns[4].low.push_back(1000 + i);
  }
  Batch batch;
  batch.rows = &rows;
  batch.row = 3;
  const Made made = make(program, 17, batch);
  for (std::uint32_t i = 0; i < 17; ++i) {
    const std::uint32_t row = 3 + i;
    const Frame& frame = made.frames[i];
    EXPECT_EQ(received(frame), "ethernet ipv4 udp " + std::to_string(row));
    EXPECT_EQ(bits(frame, 48, 48), 0x020000000000U + row);
    EXPECT_EQ(bits(frame, 15 * 8, 6), row);
    EXPECT_EQ(bits(frame, 26 * 8, 32), 0x0a000000U + row);
    EXPECT_EQ(bits(frame, 36 * 8, 16), 1000 + row);
    EXPECT_EQ(Frame(frame.begin() + 42, frame.end()), Frame(row, static_cast<std::uint8_t>('a' + row)));
  }
}

TEST(Sizes, CountTheFcs) {
  const Packet packet{{ethernet(), ipv4(), udp()}, text("hi")};
  EXPECT_EQ(make_one(program_of(packet, sized(Constant{64}))).size(), 60U);
  EXPECT_EQ(received(make_one(program_of(packet, sized(Constant{64})))), "ethernet ipv4 udp 18");
  EXPECT_EQ(received(make_one(program_of({{ethernet(), ipv4(), udp()}, {}}, sized(Constant{1518})))),
            "ethernet ipv4 udp 1472");
}

TEST(Sizes, VaryAndEverythingFollows) {
  for (const PayloadKind kind :
       {PayloadKind::kNone, PayloadKind::kBytes, PayloadKind::kRandom, PayloadKind::kSequence}) {
    Payload payload = of_kind(kind);
    if (kind == PayloadKind::kBytes) payload.bytes = {1, 2, 3, 250, 7};
    payload.fill = {0xff, 0x7f, 0x01};
    for (const bool six : {false, true}) {
      const Program program = program_of({{ethernet(), six ? ipv6() : ipv4(), six ? layer(K::kIcmp6) : udp()}, payload},
                                         sized(RandomBetween{120, 1518}));
      std::set<std::size_t> lengths;
      for (const Frame& frame : make(program, 300).frames) {
        const std::size_t headers = six ? 62 : 42;
        EXPECT_EQ(received(frame), std::string(six ? "ethernet ipv6 icmp6 " : "ethernet ipv4 udp ") +
                                       std::to_string(frame.size() - headers));
        lengths.insert(frame.size());
      }
      EXPECT_GT(lengths.size(), 200U);
      EXPECT_GE(*lengths.begin(), 116U);
      EXPECT_LE(*lengths.rbegin(), 1514U);
    }
  }
}

TEST(Sizes, FromAListOrACounter) {
  const Packet packet{{ethernet(), ipv4(), tcp()}, {}};
  std::vector<std::size_t> lengths;
  for (const Frame& frame : make(program_of(packet, sized(Values{{64, 594, 1518}})), 4).frames)
    lengths.push_back(frame.size());
  EXPECT_THAT(lengths, ElementsAre(60, 590, 1514, 60));
  lengths.clear();
  for (const Frame& frame : make(program_of(packet, sized(Counting{100, 7, 3, false})), 4).frames)
    lengths.push_back(frame.size());
  EXPECT_THAT(lengths, ElementsAre(96, 103, 110, 96));
  lengths.clear();
  for (const Frame& frame : make(program_of(packet, sized(Counting{100, 7, 3, true})), 4).frames)
    lengths.push_back(frame.size());
  EXPECT_THAT(lengths, ElementsAre(96, 89, 82, 96));
}

TEST(Sizes, OfArpAreFilledBehindIt) {
  const Layer arp =
      layer(K::kArp, {{"sender_mac", Constant{kNear}}, {"sender_ip", Constant{1}}, {"target_ip", Constant{2}}});
  EXPECT_EQ(make_one(program_of({{ethernet(), arp}, {}}, sized(Constant{64}))).size(), 60U);
}

TEST(Payloads, AreFilledUpToTheSize) {
  Payload payload = text("hi");
  payload.fill = {1, 2, 3};
  const Frame frame = make_one(program_of({{ethernet(), ipv4(), udp()}, payload}, sized(Constant{54})));
  EXPECT_EQ(Frame(frame.begin() + 42, frame.end()), (Frame{'h', 'i', 1, 2, 3, 1, 2, 3}));
}

TEST(Payloads, OfChanceAreOfChance) {
  const Program program =
      program_of({{ethernet(), ipv4(), udp()}, of_kind(PayloadKind::kRandom)}, sized(Constant{1518}));
  const Made made = make(program, 20);
  std::size_t ones = 0;
  std::set<std::string> payloads;
  for (const Frame& frame : made.frames) {
    EXPECT_EQ(received(frame), "ethernet ipv4 udp 1472");
    payloads.emplace(frame.begin() + 42, frame.end());
    for (std::size_t i = 42; i < frame.size(); ++i) ones += static_cast<std::size_t>(std::popcount(frame[i]));
  }
  EXPECT_EQ(payloads.size(), 20U);
  EXPECT_NEAR(static_cast<double>(ones), 20 * 1472 * 4, 1300);  // five standard deviations
  Payload some = of_kind(PayloadKind::kRandom);
  some.random_bytes = 33;
  EXPECT_EQ(received(make_one(program_of({{ethernet(), ipv4(), udp()}, some}))), "ethernet ipv4 udp 33");
}

TEST(Payloads, OfRowsAreFollowedByTheFill) {
  Payload payload = of_kind(PayloadKind::kColumn);
  payload.column = "text";
  const Program program = program_of({{ethernet(), ipv4(), udp()}, payload}, sized(Constant{64}));
  EXPECT_EQ(program.columns()[0].most, 18U);
  RowBlock rows;
  rows.count = 2;
  rows.columns.resize(1);
  rows.columns[0].bytes = {'l', 'o', 'n', 'g', 'e', 'r', 'x'};
  rows.columns[0].begins = {0, 6, 7};
  Batch batch;
  batch.rows = &rows;
  Chunks chunks(program, 1);
  program.fill(chunks.frames()[0]);
  EXPECT_EQ(received(make(program, 1, batch, &chunks).frames[0]), "ethernet ipv4 udp 18");
  batch.row = 1;
  const Frame frame = make(program, 1, batch, &chunks).frames[0];
  EXPECT_EQ(received(frame), "ethernet ipv4 udp 18");
  EXPECT_EQ(frame[42], 'x');
  EXPECT_THAT(Frame(frame.begin() + 43, frame.end()), Each(0));
}

}  // namespace
}  // namespace myriad::craft
