// Each protocol: the bytes, what follows from the next layer, and what a receiver makes of it.
#include <gtest/gtest.h>

#include "tests/craft/pieces.h"
#include "tests/craft/receiver.h"

namespace myriad::craft {
namespace {

using K = LayerKind;

Frame hex(std::string_view text) {
  Frame bytes;
  for (std::size_t i = 0; i + 1 < text.size();) {
    if (text[i] == ' ') {
      ++i;
      continue;
    }
    bytes.push_back(static_cast<std::uint8_t>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
    i += 2;
  }
  return bytes;
}

std::string of(std::vector<Layer> layers, Payload payload = {}, const CompileOptions& options = {}) {
  return received(make_one(program_of({std::move(layers), std::move(payload)}, options)));
}

TEST(Protocols, UdpByteByByte) {
  const Program program = program_of({{ethernet(), ipv4(), udp()}, text("hi")});
  // 4500 + 001e + 4011 + 0a00 + 0001 + 0a00 + 0002 = 9932; and 141e of the pseudo-header + 043f + 6869 = 80c6.
  EXPECT_EQ(make_one(program), hex("02000000000b 02000000000a 0800"
                                   "4500001e 00000000 401166cd 0a000001 0a000002"
                                   "04000035 000a7f39 6869"));
  EXPECT_EQ(program.max_length(), 44U);
  EXPECT_EQ(program.operation_count(), 0U);
}

TEST(Protocols, ArpByteByByte) {
  const Layer arp = layer(K::kArp, {{"operation", Constant{2}},
                                    {"sender_mac", Constant{kNear}},
                                    {"sender_ip", Constant{0x0a000001}},
                                    {"target_mac", Constant{kFar}},
                                    {"target_ip", Constant{0x0a000002}}});
  EXPECT_EQ(make_one(program_of({{ethernet(), arp}, {}})), hex("02000000000b 02000000000a 0806 0001 0800 06 04 0002"
                                                               "02000000000a 0a000001 02000000000b 0a000002"));
  EXPECT_EQ(of({ethernet(), arp}), "ethernet arp");
}

TEST(Protocols, ArpIsForEverybodyUnlessSaid) {
  const Layer arp =
      layer(K::kArp, {{"sender_mac", Constant{kNear}}, {"sender_ip", Constant{1}}, {"target_ip", Constant{2}}});
  const Frame frame = make_one(program_of({{layer(K::kEthernet, {{"src", Constant{kNear}}}), arp}, {}}));
  EXPECT_EQ(bits(frame, 0, 48), 0xffffffffffffU);
}

TEST(Protocols, VlansOfAnyDepth) {
  const auto vlan = [](std::uint64_t id) { return layer(K::kVlan, {{"id", Constant{id}}, {"priority", Constant{5}}}); };
  const Frame frame = make_one(program_of({{ethernet(), vlan(1), vlan(2), vlan(4095), ipv4(), udp()}, {}}));
  EXPECT_EQ(bits(frame, 96, 16), 0x88a8U);
  EXPECT_EQ(bits(frame, 112, 16), 0xa001U);
  EXPECT_EQ(bits(frame, 128, 16), 0x88a8U);
  EXPECT_EQ(bits(frame, 160, 16), 0x8100U);
  EXPECT_EQ(bits(frame, 176, 16), 0xafffU);
  EXPECT_EQ(received(frame), "ethernet vlan vlan vlan ipv4 udp 0");
}

TEST(Protocols, OfBothFamilies) {
  EXPECT_EQ(of({ethernet(), ipv4(), udp()}, text("odd")), "ethernet ipv4 udp 3");
  EXPECT_EQ(of({ethernet(), ipv6(), udp()}, text("odd")), "ethernet ipv6 udp 3");
  EXPECT_EQ(of({ethernet(), ipv4(), tcp()}, text("odd")), "ethernet ipv4 tcp 3");
  EXPECT_EQ(of({ethernet(), ipv6(), tcp()}), "ethernet ipv6 tcp 0");
  EXPECT_EQ(of({ethernet(), ipv4(), layer(K::kIcmp)}, text("12345678")), "ethernet ipv4 icmp 8");
  EXPECT_EQ(of({ethernet(), ipv6(), layer(K::kIcmp6)}, text("1")), "ethernet ipv6 icmp6 1");
}

TEST(Protocols, OptionsAreAlignedAndCounted) {
  EXPECT_EQ(of({ethernet(), ipv4({}, {0x94, 4, 0, 0}), udp()}, text("x")), "ethernet ipv4 udp 1");
  EXPECT_EQ(of({ethernet(), ipv4({}, {1, 1, 1, 1, 1}), tcp({2, 4, 5, 0xb4, 1})}, text("x")), "ethernet ipv4 tcp 1");
  const Frame frame = make_one(program_of({{ethernet(), ipv4({}, {1, 1, 1, 1, 1}), udp()}, {}}));
  EXPECT_EQ(bits(frame, 14 * 8, 8), 0x47U);
  EXPECT_EQ(frame[14 + 25], 0U);  // end of options
}

TEST(Protocols, ExtensionHeaders) {
  const auto with = [](std::vector<Layer> headers) {
    headers.insert(headers.begin(), {ethernet(), ipv6()});
    headers.push_back(udp());
    return of(std::move(headers), text("x"));
  };
  EXPECT_EQ(with({layer(K::kHopByHop)}), "ethernet ipv6 udp 1");
  EXPECT_EQ(with({layer(K::kHopByHop, {}, {5, 2, 0, 0})}), "ethernet ipv6 udp 1");
  EXPECT_EQ(with({layer(K::kHopByHop), layer(K::kDestination, {}, {1, 1, 0, 1, 1, 0, 0})}), "ethernet ipv6 udp 1");
  EXPECT_EQ(with({layer(K::kFragment)}), "ethernet ipv6 udp 1");
  EXPECT_EQ(with({layer(K::kFragment, {{"fragment_offset", Constant{3}}, {"mf", Constant{1}}})}),
            "ethernet ipv6 fragment");
  const Frame frame = make_one(program_of({{ethernet(), ipv6(), layer(K::kHopByHop), layer(K::kFragment), udp()}, {}}));
  EXPECT_EQ(frame[20], 0U);                                 // hop-by-hop
  EXPECT_EQ(bits(frame, 54 * 8, 64), 0x2c00010400000000U);  // fragment next, 8 bytes, PadN
  EXPECT_EQ(frame[62], 17U);
  Layer routing = layer(K::kRouting, {{"segments_left", Constant{0}}}, Frame(20, 0));
  EXPECT_EQ(with({routing}), "ethernet ipv6 udp 1");
}

TEST(Protocols, ChecksumCoversWhereARoutedPacketEndsUp) {
  const Ipv6Address last = Ipv6Address::parse("fd00::99").value();
  Frame data(4, 0);
  data.insert(data.end(), last.octets.begin(), last.octets.end());
  Layer routing = layer(K::kRouting, {{"segments_left", Constant{1}}}, data);
  routing.final_destination = last;
  const Frame routed = make_one(program_of({{ethernet(), ipv6(), routing, udp()}, text("x")}));
  const Frame direct = make_one(program_of(
      {{ethernet(), layer(K::kIpv6, {{"src", Constant{v6("fd00::1")}}, {"dst", Constant{v6("fd00::99")}}}), udp()},
       text("x")}));
  EXPECT_EQ(bits(routed, (routed.size() - 3) * 8, 16), bits(direct, (direct.size() - 3) * 8, 16));
}

TEST(Protocols, TunnelsAreAnnounced) {
  EXPECT_EQ(of({ethernet(), ipv4(), ipv4(), udp()}), "ethernet ipv4 ipv4 udp 0");
  EXPECT_EQ(of({ethernet(), ipv4(), ipv6(), tcp()}), "ethernet ipv4 ipv6 tcp 0");
  EXPECT_EQ(of({ethernet(), ipv6(), ipv4(), layer(K::kIcmp)}), "ethernet ipv6 ipv4 icmp 0");
  EXPECT_EQ(of({ethernet(), ipv6(), layer(K::kHopByHop), ipv6(), udp()}), "ethernet ipv6 ipv6 udp 0");
}

TEST(Protocols, NestedChecksumsAreAllRight) {
  const Frame vxlan = {8, 0, 0, 0, 0, 0, 42, 0};
  const Program program = program_of(
      {{ethernet(), ipv4(), udp(), layer(K::kRaw, {}, vxlan), ethernet(),
        ipv4({{"identification", Counting{7, 3, 100, false}}}), layer(K::kTcp, {{"dst", RandomBetween{0, 65535}}})},
       text("inside")});
  for (const Frame& frame : make(program, 40).frames) {
    EXPECT_EQ(received(frame), "ethernet ipv4 udp 68");
    EXPECT_EQ(received(Bytes{frame}.subspan(50)), "ethernet ipv4 tcp 6");
  }
}

TEST(Protocols, RawBytesMayBeAnything) {
  const Frame frame = make_one(program_of({{layer(K::kRaw, {}, Frame(20, 7))}, {}}));
  EXPECT_EQ(frame, Frame(20, 7));
  EXPECT_EQ(bits(make_one(program_of({{ethernet(), layer(K::kRaw, {}, {1, 2, 3})}, {}})), 96, 16), 0x88b5U);
  // An odd number of bytes before a checksum's region changes nothing for the receiver.
  const Program odd = program_of({{ethernet(), ipv4(), udp(), layer(K::kRaw, {}, {1, 2, 3}),
                                   layer(K::kIcmp, {{"identifier", Counting{0, 257, 9, false}}})},
                                  text("abc")});
  for (const Frame& one : make(odd, 20).frames) {
    EXPECT_EQ(received(one), "ethernet ipv4 udp 14");
    EXPECT_EQ(checksum_fold(checksum_add(0, Bytes{one}.subspan(45))), 0xffffU);
  }
}

TEST(Protocols, WhatNothingAnnouncesIsSaidToBeUnknown) {
  EXPECT_EQ(make_one(program_of({{ethernet(), ipv4()}, text("x")}))[23], 253U);
  EXPECT_EQ(make_one(program_of({{ethernet(), ipv6()}, {}}))[20], 59U);
  EXPECT_EQ(make_one(program_of({{ethernet(), ipv6()}, text("x")}))[20], 253U);
}

TEST(Protocols, ExplicitValuesWin) {
  const Frame frame = make_one(program_of(
      {{layer(K::kEthernet, {{"dst", Constant{kFar}}, {"src", Constant{kNear}}, {"ethertype", Constant{0x1234}}}),
        ipv4({{"total_length", Constant{9}}, {"protocol", Constant{99}}, {"header_length", Constant{15}}}),
        layer(K::kUdp, {{"dst", Constant{1}}, {"length", Constant{9}}, {"checksum", Constant{0xbeef}}})},
       {}}));
  EXPECT_EQ(bits(frame, 96, 16), 0x1234U);
  EXPECT_EQ(bits(frame, 16 * 8, 16), 9U);
  EXPECT_EQ(frame[23], 99U);
  EXPECT_EQ(frame[14], 0x4fU);
  EXPECT_EQ(bits(frame, 38 * 8, 32), 0x0009beefU);
}

TEST(Protocols, WrongChecksumsAreWrongAndNothingElseIs) {
  const auto wrong = [](K kind) { return layer(kind, {{"checksum", WrongChecksum{}}}); };
  Layer udp_wrong = udp();
  udp_wrong.fields.push_back(given(K::kUdp, "checksum", WrongChecksum{}));
  EXPECT_EQ(of({ethernet(), ipv4({{"checksum", WrongChecksum{}}}), udp()}), "ethernet ipv4 bad ip: bad_ip_checksum");
  EXPECT_EQ(of({ethernet(), ipv4(), udp_wrong}), "ethernet ipv4 bad udp checksum 0");
  EXPECT_EQ(of({ethernet(), ipv4(), wrong(K::kIcmp)}), "ethernet ipv4 bad icmp");
  EXPECT_EQ(of({ethernet(), ipv6(), wrong(K::kIcmp6)}), "ethernet ipv6 bad icmp");
  // Over every value that a checksum can have.
  udp_wrong.fields[0].value = Counting{0, 1, std::nullopt, false};
  const Program all = program_of({{ethernet(), ipv4(), udp_wrong}, {}});
  for (const Frame& frame : make(all, 65536).frames) ASSERT_EQ(received(frame), "ethernet ipv4 bad udp checksum 0");
}

TEST(Protocols, UdpNeverSaysThatItHasNoChecksum) {
  Layer every = udp();
  every.fields[0].value = Counting{0, 1, std::nullopt, false};
  const Program all = program_of({{ethernet(), ipv4(), every}, text("odd")});
  for (const Frame& frame : make(all, 65536).frames) ASSERT_EQ(received(frame), "ethernet ipv4 udp 3");
  const Program none =
      program_of({{ethernet(), ipv4(), layer(K::kUdp, {{"dst", Constant{1}}, {"checksum", Constant{0}}})}, {}});
  EXPECT_EQ(received(make_one(none)), "ethernet ipv4 udp without checksum");
}

TEST(Protocols, AnIcmpMessageOfZeros) {
  const Layer zeros = layer(K::kIcmp, {{"type", Counting{0, 0, 4, false}}});
  EXPECT_EQ(of({ethernet(), ipv4(), zeros}), "ethernet ipv4 icmp 0");
  EXPECT_EQ(of({ethernet(), ipv4(), layer(K::kIcmp, {{"type", Constant{0}}})}), "ethernet ipv4 icmp 0");
}

TEST(Protocols, EveryFieldLiesWhereTheTableSays) {
  for (const LayerDefinition& definition : layer_definitions()) {
    std::size_t covered = 0;
    for (const FieldDefinition& field : definition.fields) {
      EXPECT_LE(field.bit + field.width, definition.bytes * 8) << definition.name << "." << field.name;
      if (field.fallback != Fallback::kPart) covered += field.width;
      EXPECT_EQ(find_field(definition, field.name), &field);
      if (!field.alias.empty()) {
        EXPECT_EQ(find_field(definition, field.alias), &field) << field.alias;
      }
    }
    EXPECT_EQ(covered, definition.bytes * 8U) << definition.name << " has bits without a name";
  }
}

}  // namespace
}  // namespace myriad::craft
