// ICMP of both families and neighbour discovery.
#include "stack/wire/icmp.h"

#include <gtest/gtest.h>

#include <vector>

#include "stack/wire/ndp.h"
#include "tests/stack_wire/bytes_of.h"

namespace myriad::wire {
namespace {

using stack::Drop;

IpAddress ip(const char* text) { return *IpAddress::parse(text); }
Ipv6Address v6(const char* text) { return *Ipv6Address::parse(text); }

// A whole packet around a message.
std::vector<std::uint8_t> packet_of(const IpAddress& from, const IpAddress& to, const IcmpRepr& repr,
                                    std::uint8_t hop_limit = 64) {
  const IpRepr header{.src = from,
                      .dst = to,
                      .protocol = to.is_v6() ? kProtocolIcmpv6 : kProtocolIcmp,
                      .hop_limit = hop_limit,
                      .payload_length = repr.emitted_size()};
  std::vector<std::uint8_t> out(header.header_size() + repr.emitted_size(), 0xee);
  header.emit_header(out.data());
  repr.emit(MutableBytes{out}.subspan(header.header_size()), from, to);
  return out;
}
IpView view_of(const std::vector<std::uint8_t>& packet) {
  return *IpView::parse(packet, packet[0] >> 4 == 4 ? kEtherTypeIpv4 : kEtherTypeIpv6);
}

TEST(Icmp, ReadsAnEchoRequest) {
  // Checksum by hand: 0800+0001+0002+6869 = 706c -> 8f93.
  const auto message = bytes_of("0800 8f93 0001 0002 6869");
  const auto view = IcmpView::parse(message, ip("10.0.0.1"), ip("10.0.0.2"));
  ASSERT_TRUE(view);
  EXPECT_EQ(view->kind(), IcmpKind::kEchoRequest);
  EXPECT_EQ(view->echo_id(), 1);
  EXPECT_EQ(view->echo_sequence(), 2);
  EXPECT_EQ(view->data().size(), 2U);
  EXPECT_FALSE(view->is_error());
}

TEST(Icmp, AnswersAnEchoInBothFamilies) {
  const auto data = bytes_of("00 ff 10 32 54");
  for (const auto& [from, to] : {std::pair{ip("10.0.0.1"), ip("10.0.0.2")}, std::pair{ip("fd00::1"), ip("fd00::2")}}) {
    const auto request = packet_of(from, to, IcmpRepr::echo_request(to.is_v6(), 7, 9, data));
    const auto asked = IcmpView::parse(view_of(request));
    ASSERT_TRUE(asked);
    std::vector<std::uint8_t> out(asked->message().size(), 0xee);
    emit_echo_reply(*asked, out);
    const auto answer = IcmpView::parse(out, to, from);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->kind(), IcmpKind::kEchoReply);
    EXPECT_EQ(answer->echo_id(), 7);
    EXPECT_EQ(answer->echo_sequence(), 9);
    EXPECT_TRUE(std::ranges::equal(answer->data(), data));
    std::vector<std::uint8_t> summed(out.size(), 0xee);
    IcmpRepr::echo_reply(to.is_v6(), 7, 9, data).emit(summed, to, from);
    EXPECT_EQ(out, summed);
  }
}

// The reply to an echo of nothing but zeros is nothing but zeros, and its checksum must not be.
TEST(Icmp, AnswersAnEchoOfZeros) {
  const IpAddress from = ip("10.0.0.1");
  const IpAddress to = ip("10.0.0.2");
  const std::vector<std::uint8_t> zeros(4);
  const auto packet = packet_of(from, to, IcmpRepr::echo_request(false, 0, 0, zeros));
  std::vector<std::uint8_t> out(12, 0xee);
  emit_echo_reply(*IcmpView::parse(view_of(packet)), out);
  EXPECT_TRUE(IcmpView::parse(out, to, from));
}

TEST(Icmp, DataMayBeInItsPlaceAlready) {
  std::vector<std::uint8_t> out(12, 0xee);
  const auto data = MutableBytes{out}.subspan(8);
  std::ranges::fill(data, std::uint8_t{0x5a});
  IcmpRepr::echo_request(false, 1, 1, data).emit(out, ip("10.0.0.1"), ip("10.0.0.2"));
  EXPECT_TRUE(IcmpView::parse(out, ip("10.0.0.1"), ip("10.0.0.2")));
  EXPECT_EQ(out[11], 0x5a);
}

TEST(Icmp, QuotesThePacketThatCouldNotBeDelivered) {
  for (const auto& [from, to] : {std::pair{ip("10.0.0.1"), ip("10.0.0.2")}, std::pair{ip("fd00::1"), ip("fd00::2")}}) {
    const auto lost = packet_of(from, to, IcmpRepr::echo_request(to.is_v6(), 7, 9, {}));
    const auto error = packet_of(to, from, IcmpRepr::port_unreachable(view_of(lost)));
    const auto view = IcmpView::parse(view_of(error));
    ASSERT_TRUE(view);
    EXPECT_EQ(view->kind(), IcmpKind::kUnreachable);
    EXPECT_TRUE(view->is_error());
    const auto quoted = IpView::parse_quoted(view->data(), view->is_v6());
    ASSERT_TRUE(quoted);
    EXPECT_EQ(quoted->src(), from);
    EXPECT_EQ(quoted->dst(), to);
    EXPECT_EQ(quoted->payload().size(), 8U);
  }
}

TEST(Icmp, SaysTheMtuOfTheNextHop) {
  for (const auto& [from, to] : {std::pair{ip("10.0.0.1"), ip("10.0.0.2")}, std::pair{ip("fd00::1"), ip("fd00::2")}}) {
    const auto lost = packet_of(from, to, IcmpRepr::echo_request(to.is_v6(), 7, 9, {}));
    const auto error = packet_of(to, from, IcmpRepr::packet_too_big(view_of(lost), 1400));
    const auto view = IcmpView::parse(view_of(error));
    ASSERT_TRUE(view);
    EXPECT_EQ(view->kind(), IcmpKind::kPacketTooBig);
    EXPECT_EQ(view->next_hop_mtu(), 1400U);
  }
}

TEST(Icmp, TellsErrorsFromTheRest) {
  const auto kind = [](std::uint8_t type, std::uint8_t code, bool over_v6) {
    const IpAddress a = over_v6 ? ip("fd00::1") : ip("10.0.0.1");
    const auto packet = packet_of(a, a, IcmpRepr{type, code, 0, {}});
    return IcmpView::parse(view_of(packet))->kind();
  };
  EXPECT_EQ(kind(5, 0, false), IcmpKind::kOtherError);
  EXPECT_EQ(kind(4, 0, false), IcmpKind::kOtherError);
  EXPECT_EQ(kind(11, 0, false), IcmpKind::kTimeExceeded);
  EXPECT_EQ(kind(12, 0, false), IcmpKind::kParameterProblem);
  EXPECT_EQ(kind(13, 0, false), IcmpKind::kOther);
  EXPECT_EQ(kind(3, 0, true), IcmpKind::kTimeExceeded);
  EXPECT_EQ(kind(4, 1, true), IcmpKind::kParameterProblem);
  EXPECT_EQ(kind(100, 0, true), IcmpKind::kOtherError);
  EXPECT_EQ(kind(134, 0, true), IcmpKind::kOther);
  EXPECT_EQ(kind(135, 0, true), IcmpKind::kNeighbourSolicitation);
}

TEST(Icmp, RefusesShortAndWronglySummedMessages) {
  auto message = bytes_of("0800 8f93 0001 0002 6869");
  EXPECT_EQ(IcmpView::parse(Bytes{message}.first(7), ip("10.0.0.1"), ip("10.0.0.2")).error(), Drop::kTruncated);
  EXPECT_EQ(IcmpView::parse(message, ip("fd00::1"), ip("fd00::2")).error(), Drop::kBadIcmpChecksum);
  message[9] ^= 1;
  EXPECT_EQ(IcmpView::parse(message, ip("10.0.0.1"), ip("10.0.0.2")).error(), Drop::kBadIcmpChecksum);
}

const MacAddress kMac = *MacAddress::parse("02:4d:00:00:00:01");

// What parse() says to `message` (checksum still missing) sent from `from` to `to`.
Drop ndp_error(std::vector<std::uint8_t> message, const char* from, const char* to, std::uint8_t hop_limit = 255) {
  const IcmpRepr repr{message[0], message[1], load_be32(message.data() + 4), Bytes{message}.subspan(8)};
  const auto packet = packet_of(ip(from), ip(to), repr, hop_limit);
  const IpView outer = view_of(packet);
  const auto view = NdpView::parse(outer, *IcmpView::parse(outer));
  return view ? Drop::kCount : view.error();
}

TEST(Ndp, WritesAndReadsASolicitation) {
  const NdpRepr repr{.kind = NdpKind::kSolicitation, .target = v6("fd00::2"), .link_layer = kMac};
  std::vector<std::uint8_t> out(repr.emitted_size(), 0xee);
  const Ipv6Address group = v6("fd00::2").solicited_node();
  repr.emit(out, v6("fd00::1"), group);
  const auto plain = bytes_of("8700 0000 00000000 fd000000000000000000000000000002 0101 024d00000001");
  EXPECT_TRUE(std::equal(out.begin() + 4, out.end(), plain.begin() + 4));
  const auto icmp = IcmpView::parse(out, v6("fd00::1"), group);
  ASSERT_TRUE(icmp);
  EXPECT_EQ(ndp_error(out, "fd00::1", "ff02::1:ff00:2"), Drop::kCount);
}

TEST(Ndp, WritesAndReadsAnAdvertisement) {
  const NdpRepr repr{.kind = NdpKind::kAdvertisement,
                     .target = v6("fd00::2"),
                     .link_layer = kMac,
                     .solicited = true,
                     .overrides = true};
  const IpRepr header{.src = v6("fd00::2"),
                      .dst = v6("fd00::1"),
                      .protocol = kProtocolIcmpv6,
                      .hop_limit = 255,
                      .payload_length = repr.emitted_size()};
  std::vector<std::uint8_t> packet(40 + repr.emitted_size(), 0xee);
  header.emit_header(packet.data());
  repr.emit(MutableBytes{packet}.subspan(40), v6("fd00::2"), v6("fd00::1"));
  const IpView outer = view_of(packet);
  const auto view = NdpView::parse(outer, *IcmpView::parse(outer));
  ASSERT_TRUE(view);
  EXPECT_EQ(view->kind(), NdpKind::kAdvertisement);
  EXPECT_EQ(view->target(), v6("fd00::2"));
  EXPECT_EQ(view->link_layer(), kMac);
  EXPECT_TRUE(view->is_solicited());
  EXPECT_TRUE(view->overrides());
  EXPECT_FALSE(view->is_router());
}

TEST(Ndp, ValidatesSolicitations) {
  const auto plain = bytes_of("8700 0000 00000000 fd000000000000000000000000000002");
  const auto with_address = bytes_of("8700 0000 00000000 fd000000000000000000000000000002 0101 024d00000001");
  EXPECT_EQ(ndp_error(with_address, "fd00::1", "fd00::2"), Drop::kCount);
  EXPECT_EQ(ndp_error(plain, "fd00::1", "fd00::2"), Drop::kCount);
  EXPECT_EQ(ndp_error(plain, "fd00::1", "fd00::2", 254), Drop::kBadNdp) << "came through a router";
  EXPECT_EQ(ndp_error(plain, "::", "ff02::1:ff00:2"), Drop::kCount) << "duplicate address detection";
  EXPECT_EQ(ndp_error(plain, "::", "fd00::2"), Drop::kBadNdp) << "unspecified source, not to the group";
  EXPECT_EQ(ndp_error(plain, "::", "ff02::1"), Drop::kBadNdp);
  EXPECT_EQ(ndp_error(with_address, "::", "ff02::1:ff00:2"), Drop::kBadNdp) << "unspecified source with an address";
  auto bad = plain;
  bad[1] = 1;
  EXPECT_EQ(ndp_error(bad, "fd00::1", "fd00::2"), Drop::kBadNdp) << "code";
  bad = plain;
  bad[8] = 0xff;
  EXPECT_EQ(ndp_error(bad, "fd00::1", "fd00::2"), Drop::kBadNdp) << "multicast target";
  bad = plain;
  bad.pop_back();
  EXPECT_EQ(ndp_error(bad, "fd00::1", "fd00::2"), Drop::kBadNdp) << "short";
  for (const char* option : {"0100 024d00000001", "0e00 123456789abc", "0102 024d00000001", "01", "0101 014d00000001",
                             "0101 000000000000", "0e01000000000000 0102 024d00000001 0000000000000000"}) {
    bad = plain;
    const auto tail = bytes_of(option);
    bad.insert(bad.end(), tail.begin(), tail.end());
    EXPECT_EQ(ndp_error(bad, "fd00::1", "fd00::2"), Drop::kBadNdp) << option;
  }
  auto nonce = bytes_of("8700 0000 00000000 fd000000000000000000000000000002 0e01 123456789abc 0101 024d00000001");
  EXPECT_EQ(ndp_error(nonce, "fd00::1", "fd00::2"), Drop::kCount) << "unknown options are skipped";
}

TEST(Ndp, ValidatesAdvertisements) {
  const auto solicited = bytes_of("8800 0000 60000000 fd000000000000000000000000000002 0201 024d00000001");
  const auto unsolicited = bytes_of("8800 0000 20000000 fd000000000000000000000000000002 0201 024d00000001");
  EXPECT_EQ(ndp_error(solicited, "fd00::2", "fd00::1"), Drop::kCount);
  EXPECT_EQ(ndp_error(unsolicited, "fd00::2", "ff02::1"), Drop::kCount);
  EXPECT_EQ(ndp_error(solicited, "fd00::2", "ff02::1"), Drop::kBadNdp) << "solicited, yet to a group";
}

}  // namespace
}  // namespace myriad::wire
