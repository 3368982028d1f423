// IPv4, IPv6 with extension headers, and the layer over both.
#include "stack/wire/ip.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "stack/wire/udp.h"
#include "tests/stack_wire/bytes_of.h"

namespace myriad::wire {
namespace {

using stack::Drop;

IpAddress ip(const char* text) { return *IpAddress::parse(text); }

// 10.0.0.1 -> 10.0.0.2, UDP, 8 bytes of payload and two of Ethernet padding.
const std::vector<std::uint8_t> kPacket =
    bytes_of("4500001c 12344000 4011 149b 0a000001 0a000002 0102030405060708 0000");

std::vector<std::uint8_t> with_checksum(std::vector<std::uint8_t> packet) {
  store_be16(packet.data() + 10, 0);
  const std::size_t header = (packet[0] & 0xfU) * 4;
  checksum_store(packet.data() + 10, checksum_add(0, Bytes{packet}.first(std::min(header, packet.size()))));
  return packet;
}

TEST(Ipv4, ReadsAPacketAndCutsThePadding) {
  const auto view = Ipv4View::parse(kPacket);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->src().value, 0x0a000001U);
  EXPECT_EQ(view->dst().value, 0x0a000002U);
  EXPECT_EQ(view->protocol(), kProtocolUdp);
  EXPECT_EQ(view->ttl(), 64);
  EXPECT_EQ(view->id(), 0x1234);
  EXPECT_TRUE(view->dont_fragment());
  EXPECT_FALSE(view->is_fragment());
  EXPECT_EQ(view->payload().size(), 8U);
  EXPECT_EQ(view->payload()[7], 8);
  EXPECT_EQ(view->packet().size(), 28U);
}

TEST(Ipv4, SkipsOptions) {
  const auto packet = with_checksum(bytes_of("4600001a 00000000 4011 0000 0a000001 0a000002 94040000 6869"));
  const auto view = Ipv4View::parse(packet);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->header_size(), 24U);
  EXPECT_EQ(view->payload().size(), 2U);
}

TEST(Ipv4, ReadsFragmentFields) {
  const auto packet = with_checksum(bytes_of("4500001c 00072003 4011 0000 0a000001 0a000002 0102030405060708"));
  const auto view = Ipv4View::parse(packet);
  ASSERT_TRUE(view);
  EXPECT_TRUE(view->is_fragment());
  EXPECT_TRUE(view->more_fragments());
  EXPECT_EQ(view->fragment_offset(), 24);
  const auto last = with_checksum(bytes_of("4500001c 00071fff 4011 0000 0a000001 0a000002 0102030405060708"));
  EXPECT_EQ(Ipv4View::parse(last)->fragment_offset(), 65528);
  EXPECT_TRUE(Ipv4View::parse(last)->is_fragment());
}

TEST(Ipv4, RefusesLengthsThatLie) {
  const auto changed = [](std::size_t at, std::uint8_t value) {
    auto packet = kPacket;
    packet[at] = value;
    return with_checksum(packet);
  };
  EXPECT_EQ(Ipv4View::parse(changed(0, 0x65)).error(), Drop::kBadVersion);
  EXPECT_EQ(Ipv4View::parse(changed(0, 0x44)).error(), Drop::kBadHeaderLength);
  EXPECT_EQ(Ipv4View::parse(changed(0, 0x4f)).error(), Drop::kTruncated);
  EXPECT_EQ(Ipv4View::parse(changed(3, 19)).error(), Drop::kBadHeaderLength);
  EXPECT_EQ(Ipv4View::parse(changed(3, 31)).error(), Drop::kTruncated);
  EXPECT_EQ(Ipv4View::parse(changed(2, 1)).error(), Drop::kTruncated);
  EXPECT_EQ(Ipv4View::parse(Bytes{kPacket}.first(19)).error(), Drop::kTruncated);
  auto bad = kPacket;
  bad[10] ^= 1;
  EXPECT_EQ(Ipv4View::parse(bad).error(), Drop::kBadIpChecksum);
}

TEST(Ipv4, Emits) {
  const Ipv4Repr repr{.src = {0x0a000001},
                      .dst = {0x0a000002},
                      .protocol = kProtocolUdp,
                      .id = 0x1234,
                      .dont_fragment = true,
                      .payload_length = 8};
  std::vector<std::uint8_t> out(20, 0xee);
  repr.emit(out);
  EXPECT_EQ(out, std::vector<std::uint8_t>(kPacket.begin(), kPacket.begin() + 20));
}

const std::string kAddresses = "fd000000000000000000000000000001 fd000000000000000000000000000002";

// A packet fd00::1 -> fd00::2 with `next` as first header and `rest` behind the fixed header.
std::vector<std::uint8_t> v6_packet(std::uint8_t next, const std::string& rest) {
  auto packet = bytes_of("60000000 0000 0040" + kAddresses + rest);
  store_be16(packet.data() + 4, static_cast<std::uint16_t>(packet.size() - 40));
  packet[6] = next;
  return packet;
}

TEST(Ipv6, ReadsAPacketAndCutsThePadding) {
  auto packet = bytes_of("62b12345 0002 1140" + kAddresses + "6869");
  packet.push_back(0);
  const auto view = Ipv6View::parse(packet);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->traffic_class(), 0x2b);
  EXPECT_EQ(view->flow_label(), 0x12345U);
  EXPECT_EQ(view->hop_limit(), 64);
  EXPECT_EQ(view->protocol(), kProtocolUdp);
  EXPECT_EQ(view->src(), *Ipv6Address::parse("fd00::1"));
  EXPECT_EQ(view->dst(), *Ipv6Address::parse("fd00::2"));
  EXPECT_EQ(view->payload().size(), 2U);
}

TEST(Ipv6, WalksExtensionHeaders) {
  // Hop-by-hop with router alert, destination options with PadN, routing without segments left, then UDP.
  const auto packet = v6_packet(0,
                                "3c00 05020000 0100"
                                "2b01 010c 000000000000000000000000"
                                "1100 0000 00000000"
                                "6869");
  const auto view = Ipv6View::parse(packet);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->protocol(), kProtocolUdp);
  EXPECT_EQ(view->payload().size(), 2U);
  EXPECT_FALSE(view->chain().is_fragment);
}

TEST(Ipv6, StopsAtAFragmentHeader) {
  const auto packet = v6_packet(44, "3c00 0009 deadbeef 0102030405060708");
  const auto view = Ipv6View::parse(packet);
  ASSERT_TRUE(view);
  EXPECT_TRUE(view->chain().is_fragment);
  EXPECT_TRUE(view->chain().more_fragments);
  EXPECT_EQ(view->chain().fragment_offset, 8);
  EXPECT_EQ(view->chain().fragment_id, 0xdeadbeefU);
  EXPECT_EQ(view->protocol(), kHeaderDestinationOptions);  // not read: it may be anything
  EXPECT_EQ(view->payload().size(), 8U);
}

TEST(Ipv6, ReadsAnAtomicFragmentAsAWholePacket) {
  const auto packet = v6_packet(44, "3c00 0000 00000001 1100 0104 00000000 6869");
  const auto view = Ipv6View::parse(packet);
  ASSERT_TRUE(view);
  EXPECT_FALSE(view->chain().is_fragment);
  EXPECT_EQ(view->protocol(), kProtocolUdp);
  EXPECT_EQ(view->payload().size(), 2U);
}

TEST(Ipv6, RefusesWhatRfc8200Forbids) {
  const auto error = [](std::uint8_t next, const std::string& rest) {
    const auto view = Ipv6View::parse(v6_packet(next, rest));
    return view ? Drop::kCount : view.error();
  };
  EXPECT_EQ(error(60, "0000 0104 00000000 1100 0104 00000000"), Drop::kBadExtension) << "hop-by-hop not first";
  EXPECT_EQ(error(43, "1103 0000 00000000 fd000000000000000000000000000003"), Drop::kTruncated) << "length lies";
  EXPECT_EQ(error(43, "1102 0001 00000000 fd000000000000000000000000000003"), Drop::kBadExtension) << "segments left";
  EXPECT_EQ(error(60, "1100 c2020000 0000"), Drop::kBadExtension) << "option that must be known";
  EXPECT_EQ(error(60, "1100 0105 00000000"), Drop::kBadExtension) << "option longer than its header";
  EXPECT_EQ(error(60, "1100 0103 000000 1e"), Drop::kBadExtension) << "option without length";
  EXPECT_EQ(error(60, "1100 0104 0000"), Drop::kTruncated);
  EXPECT_EQ(error(44, "2c00 0000 00000001 1100 0000 00000001"), Drop::kBadExtension) << "two fragment headers";
  std::string eight;
  for (int i = 0; i < 8; ++i) eight += "3c00 0104 00000000 ";
  const std::string seven = eight.substr(19);
  EXPECT_EQ(error(60, seven + "1100 0104 00000000"), Drop::kCount);
  EXPECT_EQ(error(60, eight + "1100 0104 00000000"), Drop::kBadExtension) << "nine headers";
  EXPECT_EQ(Ipv6View::parse(bytes_of("50000000 0000 1140" + kAddresses)).error(), Drop::kBadVersion);
  EXPECT_EQ(Ipv6View::parse(bytes_of("60000000 0001 1140" + kAddresses)).error(), Drop::kTruncated);
  EXPECT_EQ(Ipv6View::parse(Bytes{v6_packet(17, "")}.first(39)).error(), Drop::kTruncated);
}

TEST(Ipv6, LeavesUnknownHeadersToTheCaller) {
  const auto packet = v6_packet(51, "0000");
  EXPECT_EQ(Ipv6View::parse(packet)->protocol(), 51);
  EXPECT_EQ(Ipv6View::parse(packet)->payload().size(), 2U);
}

TEST(Ip, ReadsBothFamiliesAlike) {
  const auto v4 = IpView::parse(kPacket, kEtherTypeIpv4);
  ASSERT_TRUE(v4);
  EXPECT_EQ(v4->src(), ip("10.0.0.1"));
  EXPECT_FALSE(v4->is_v6());
  EXPECT_EQ(v4->protocol(), kProtocolUdp);
  const auto packet = v6_packet(17, "6869");
  const auto v6 = IpView::parse(packet, kEtherTypeIpv6);
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->dst(), ip("fd00::2"));
  EXPECT_TRUE(v6->is_v6());
  EXPECT_EQ(v6->payload().size(), 2U);
  EXPECT_EQ(IpView::parse(packet, kEtherTypeIpv4).error(), Drop::kBadVersion);
  EXPECT_EQ(IpView::parse(kPacket, kEtherTypeIpv6).error(), Drop::kTruncated);
  EXPECT_EQ(IpView::parse(kPacket, kEtherTypeArp).error(), Drop::kUnknownEtherType);
}

TEST(Ip, RefusesSourcesThatNoPacketMayHave) {
  for (const char* source : {"224.0.0.1", "255.255.255.255", "127.0.0.1", "240.0.0.1"}) {
    auto packet = kPacket;
    ip(source).v4().store(packet.data() + 12);
    EXPECT_EQ(IpView::parse(with_checksum(packet), kEtherTypeIpv4).error(), Drop::kBadSource) << source;
  }
  for (const char* source : {"ff02::1", "::1", "::ffff:10.0.0.1"}) {
    auto packet = v6_packet(17, "6869");
    Ipv6Address::parse(source)->store(packet.data() + 8);
    EXPECT_EQ(IpView::parse(packet, kEtherTypeIpv6).error(), Drop::kBadSource) << source;
  }
  auto mapped = v6_packet(17, "6869");
  Ipv6Address::parse("::ffff:10.0.0.1")->store(mapped.data() + 24);
  EXPECT_EQ(IpView::parse(mapped, kEtherTypeIpv6).error(), Drop::kNotOurs);
  auto unspecified = v6_packet(17, "6869");
  Ipv6Address{}.store(unspecified.data() + 8);
  EXPECT_TRUE(IpView::parse(unspecified, kEtherTypeIpv6));
}

TEST(Ip, ReadsAQuotationThatIsCut) {
  auto quoted = kPacket;
  quoted[3] = 200;  // the packet was longer than what is quoted
  quoted[8] = 1;    // a router has counted the TTL down without mending the checksum
  const auto view = IpView::parse_quoted(quoted, false);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->payload().size(), 10U);
  auto v6 = v6_packet(17, "6869");
  v6[5] = 200;
  EXPECT_EQ(IpView::parse_quoted(v6, true)->payload().size(), 2U);
  EXPECT_FALSE(IpView::parse_quoted(Bytes{kPacket}.first(19), false));
}

TEST(Ip, EmitsEitherFamily) {
  for (const auto& [from, to] : {std::pair{ip("10.0.0.1"), ip("10.0.0.2")}, std::pair{ip("fd00::1"), ip("fd00::2")}}) {
    const IpRepr repr{.src = from,
                      .dst = to,
                      .protocol = kProtocolTcp,
                      .hop_limit = 3,
                      .traffic_class = 0x2e,
                      .id = 77,
                      .dont_fragment = true,
                      .payload_length = 4};
    std::vector<std::uint8_t> out(repr.header_size() + 4, 0xee);
    repr.emit(MutableBytes{out}.first(repr.header_size()));
    const auto view = IpView::parse(out, repr.ether_type());
    ASSERT_TRUE(view);
    EXPECT_EQ(view->src(), from);
    EXPECT_EQ(view->dst(), to);
    EXPECT_EQ(view->protocol(), kProtocolTcp);
    EXPECT_EQ(view->hop_limit(), 3);
    EXPECT_EQ(view->traffic_class(), 0x2e);
    EXPECT_EQ(view->payload().size(), 4U);
    EXPECT_FALSE(view->is_fragment());
  }
}

TEST(Ip, QuotesNoMoreThanAnErrorMayCarry) {
  auto big = v6_packet(17, std::string(2 * 3000, '0'));
  EXPECT_EQ(quotation(*IpView::parse(big, kEtherTypeIpv6)).size(), 1232U);
  EXPECT_EQ(quotation(*IpView::parse(kPacket, kEtherTypeIpv4)).size(), 28U);
}

TEST(Udp, ReadsAndWrites) {
  const UdpRepr repr{{53}, {5353}, 2};
  std::vector<std::uint8_t> out(10, 0xee);
  repr.emit(MutableBytes{out}.first(8));
  out[8] = 'h';
  out[9] = 'i';
  const IpAddress from = ip("fd00::1");
  const IpAddress to = ip("fd00::2");
  finish_transport_checksum(pseudo_header_sum(from, to, kProtocolUdp, out.size()), kProtocolUdp, out);
  EXPECT_EQ(transport_checksum(from, to, kProtocolUdp, out, false), ChecksumState::kGood);
  out.push_back(0);  // behind the declared length
  const auto view = UdpView::parse(out);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->source_port().number, 53);
  EXPECT_EQ(view->dest_port().number, 5353);
  EXPECT_EQ(view->payload().size(), 2U);
  EXPECT_EQ(view->segment().size(), 10U);
}

TEST(Udp, RefusesLengthsThatLie) {
  EXPECT_EQ(UdpView::parse(bytes_of("0001 0002 0007 0000")).error(), Drop::kBadHeaderLength);
  EXPECT_EQ(UdpView::parse(bytes_of("0001 0002 0009 0000")).error(), Drop::kTruncated);
  EXPECT_EQ(UdpView::parse(bytes_of("0001 0002 0008 00")).error(), Drop::kTruncated);
}

// A checksum that comes out as zero is sent as all ones, for zero means "none".
TEST(Udp, NeverSendsAZeroChecksum) {
  const IpAddress from = ip("10.0.0.1");
  const IpAddress to = ip("10.0.0.2");
  auto datagram = bytes_of("0001 0002 000a 0000 0000");
  const std::uint64_t pseudo = pseudo_header_sum(from, to, kProtocolUdp, datagram.size());
  const auto rest = static_cast<std::uint16_t>(~checksum_fold(checksum_add(pseudo, datagram)));
  std::memcpy(datagram.data() + 8, &rest, 2);  // now everything sums to all ones
  finish_transport_checksum(pseudo, kProtocolUdp, datagram);
  EXPECT_EQ(load_be16(datagram.data() + 6), 0xffff);
  EXPECT_EQ(transport_checksum(from, to, kProtocolUdp, datagram, false), ChecksumState::kGood);
}

}  // namespace
}  // namespace myriad::wire
