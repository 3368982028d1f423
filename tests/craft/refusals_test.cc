// What is no packet, and what is said about it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/craft/pieces.h"

namespace myriad::craft {
namespace {

using K = LayerKind;
using Part = CompileError::Part;
using ::testing::HasSubstr;

void expect_refused(const Packet& packet, const CompileOptions& options, Part part, std::size_t layer,
                    std::string_view what) {
  const CompileError error = refusal_of(packet, options);
  EXPECT_THAT(error.what, HasSubstr(std::string(what)));
  EXPECT_EQ(error.part, part) << what;
  if (part == Part::kLayer || part == Part::kField) {
    EXPECT_EQ(error.layer, layer) << what;
  }
  EXPECT_FALSE(error.suggestion.empty()) << what;
}

Layer arp() {
  return layer(K::kArp, {{"sender_mac", Constant{1}}, {"sender_ip", Constant{1}}, {"target_ip", Constant{2}}});
}
CompileOptions with_hosts() {
  CompileOptions options;
  options.hosts = HostRange{};
  options.hosts->count = 1000;
  options.hosts->ipv4 = Ipv4Address{1};
  return options;
}
Packet to_port(FieldValue value) { return {{ethernet(), ipv4(), layer(K::kUdp, {{"dst", std::move(value)}})}, {}}; }

TEST(Refusals, SayWhatAndWhere) {
  CompileOptions small_mtu = sized(Constant{1518});
  small_mtu.mtu = 1400;
  expect_refused({}, {}, Part::kPacket, 0, "a packet without layers");
  expect_refused({{ipv4()}, {}}, {}, Part::kLayer, 0, "a frame cannot begin with ipv4");
  expect_refused({{ethernet(), udp()}, {}}, {}, Part::kLayer, 1, "udp cannot follow ethernet");
  expect_refused({{ethernet(), ipv4(), arp()}, {}}, {}, Part::kLayer, 2, "arp cannot follow ipv4");
  expect_refused({{ethernet(), arp(), udp()}, {}}, {}, Part::kLayer, 2, "nothing follows arp");
  expect_refused({{ethernet(), ipv6(), layer(K::kIcmp)}, {}}, {}, Part::kLayer, 2, "over ipv6 there is icmp6");
  expect_refused({{ethernet(), ipv4(), layer(K::kIcmp6)}, {}}, {}, Part::kLayer, 2, "over ipv4 there is icmp");
  expect_refused({{ethernet(), ipv4(), layer(K::kFragment), udp()}, {}}, {}, Part::kLayer, 2,
                 "fragment is an extension header");
  expect_refused({{layer(K::kRaw, {}, Frame(14, 0)), udp()}, {}}, {}, Part::kLayer, 1,
                 "udp has no ipv4 or ipv6 before it");
  expect_refused({{layer(K::kRaw, {}, Frame(13, 0))}, {}}, {}, Part::kPayload, 0, "a frame of 13 bytes");
  expect_refused({{ethernet(), ipv4({}, Frame(41, 1)), udp()}, {}}, {}, Part::kLayer, 1, "options of 41 bytes");
  expect_refused({{ethernet(), layer(K::kRaw, {}, Frame(4090, 1))}, {}}, {}, Part::kLayer, 1, "longer than 4096 bytes");
  expect_refused({{layer(K::kEthernet), ipv4(), udp()}, {}}, {}, Part::kLayer, 0, "ethernet needs dst");
  expect_refused({{layer(K::kEthernet, {{"dst", Constant{1}}}), ipv4(), udp()}, {}}, {}, Part::kLayer, 0,
                 "ethernet needs src");
  expect_refused({{ethernet(), layer(K::kIpv4, {{"src", Constant{1}}}), udp()}, {}}, {}, Part::kLayer, 1,
                 "ipv4 needs dst");
  expect_refused({{ethernet(), layer(K::kIpv6, {{"dst", Constant{1}}}), udp()}, {}}, with_hosts(), Part::kLayer, 1,
                 "the hosts have no ipv6");
  expect_refused(to_port(Constant{65536}), {}, Part::kField, 2, "65536 does not fit: dst has 16 bits");
  expect_refused(to_port(Values{}), {}, Part::kField, 2, "an empty list");
  expect_refused(to_port(Values{{1, 65536}}), {}, Part::kField, 2, "65536 does not fit");
  expect_refused(to_port(Counting{1, 1, 0, false}), {}, Part::kField, 2, "a count of 0");
  expect_refused(to_port(RandomBetween{2, 1}), {}, Part::kField, 2, "min is larger than max");
  expect_refused(to_port(OfHost{HostField::kIndex}), {}, Part::kField, 2, "in a flow without hosts");
  expect_refused(to_port(OfHost{HostField::kMac}), with_hosts(), Part::kField, 2,
                 "{host: mac} needs 48 bits; dst has 16");
  expect_refused(to_port(OfHost{HostField::kIpv6}), with_hosts(), Part::kField, 2, "the hosts have no ipv6");
  expect_refused(to_port(OfHost{HostField::kVlan}), with_hosts(), Part::kField, 2, "the hosts are on no VLAN");
  expect_refused(to_port(Resolved{}), with_hosts(), Part::kField, 2, "only ethernet dst can be resolved");
  expect_refused(to_port(WrongChecksum{}), {}, Part::kField, 2, "dst is no checksum");
  expect_refused({{ethernet(), ipv4({{"ttl", Constant{256}}}), udp()}, {}}, {}, Part::kField, 1,
                 "256 does not fit: ttl has 8 bits");
  expect_refused(
      {{ethernet(), layer(K::kIpv4, {{"dscp", OfHost{HostField::kIndex}}, {"dst", Constant{1}}}), udp()}, {}},
      with_hosts(), Part::kField, 1, "needs 10 bits; dscp has 6");
  expect_refused({{ethernet(), ipv6({{"dscp", Constant{1}}, {"traffic_class", Constant{1}}}), udp()}, {}}, {},
                 Part::kField, 1, "are the same bits");
  expect_refused({{ethernet(), ipv4(), udp()}, text("hi")}, sized(Constant{47}), Part::kSize, 0,
                 "too small for this packet");
  expect_refused({{ethernet(), ipv4(), udp()}, of_kind(PayloadKind::kSequence)}, sized(RandomBetween{63, 1518}),
                 Part::kSize, 0, "too small");
  expect_refused({{ethernet(), ipv4(), udp()}, {}}, sized(Values{{64, 4101}}), Part::kSize, 0, "a frame of 4101 bytes");
  expect_refused({{ethernet(), ipv4(), udp()}, {}}, sized(Counting{64, 1, std::nullopt, false}), Part::kSize, 0,
                 "a frame of");
  expect_refused({{ethernet(), ipv4(), udp()}, {}}, sized(Counting{64, 1, 30, true}), Part::kSize, 0, "too small");
  expect_refused({{ethernet(), ipv4(), udp()}, {}}, sized(Constant{70000}), Part::kSize, 0, "does not fit");
  expect_refused({{ethernet(), ipv4(), udp()}, {}}, small_mtu, Part::kSize, 0, "the MTU is 1400");
}

TEST(Refusals, HaveBounds) {
  Packet many{{ethernet()}, {}};
  for (int i = 0; i < 70; ++i) many.layers.push_back(layer(K::kVlan));
  EXPECT_THAT(refusal_of(many).what, HasSubstr("71 layers"));
  Packet checksums{{ethernet()}, {}};
  for (int i = 0; i < 9; ++i) checksums.layers.push_back(ipv4({{"ttl", RandomBetween{1, 255}}}));
  EXPECT_THAT(refusal_of(checksums).what, HasSubstr("more than 8 checksums"));
  Packet fields{{ethernet()}, {}};
  for (int i = 0; i < 30; ++i) {
    fields.layers.push_back(layer(
        K::kVlan, {{"id", RandomBetween{1, 9}}, {"priority", RandomBetween{0, 7}}, {"dei", RandomBetween{0, 1}}}));
  }
  EXPECT_THAT(refusal_of(fields).what, HasSubstr("more than 64 fields vary"));
  Layer raw = layer(K::kRaw, {}, Frame(20, 0));
  FieldDefinition field{"field", "", FieldType::kNumber, 3, 62, Fallback::kConstant, 0, ""};
  raw.fields.push_back({field, RandomBetween{0, 1}});
  EXPECT_THAT(refusal_of({{raw}, {}}).what, HasSubstr("spans nine bytes"));
  raw.fields[0].field.bit = 100;
  EXPECT_THAT(refusal_of({{raw}, {}}).what, HasSubstr("are not within raw"));
  raw.fields[0].field.width = 0;
  EXPECT_THAT(refusal_of({{raw}, {}}).what, HasSubstr("are not within raw"));
}

}  // namespace
}  // namespace myriad::craft
