#include "stack/fragments.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "stack/wire/icmp.h"
#include "stack/wire/ndp.h"
#include "tests/stack_wire/fragment_maker.h"

namespace myriad::stack {
namespace {

using std::chrono::seconds;

constexpr Instant kNow{1'000'000'000};

IpAddress ip(const char* text) { return *IpAddress::parse(text); }

std::vector<std::uint8_t> numbered(std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
  return bytes;
}

class FragmentsOf : public testing::TestWithParam<bool> {
 protected:
  [[nodiscard]] DatagramToCut datagram(std::size_t size, std::uint32_t id = 1) const {
    return {GetParam() ? ip("fd00::1") : ip("10.0.0.1"), GetParam() ? ip("fd00::2") : ip("10.0.0.2"), id,
            wire::kProtocolUdp, numbered(size)};
  }
  // Feeds one packet; true when it completes a datagram, whose payload is then in `payload`.
  bool add(const std::vector<std::uint8_t>& packet, Instant now = kNow, VlanTags vlan = {}) {
    const auto whole = fragments.add(packet_view(packet), vlan, now, drops);
    if (!whole) return false;
    payload.assign(whole->payload().begin(), whole->payload().end());
    protocol = whole->protocol();
    EXPECT_FALSE(whole->is_fragment());
    EXPECT_TRUE(whole->was_fragmented());
    return true;
  }
  [[nodiscard]] std::uint64_t dropped() const { return std::accumulate(drops.count.begin(), drops.count.end(), 0ULL); }

  Fragments fragments;
  DropCounters drops;
  std::vector<std::uint8_t> payload;
  std::uint8_t protocol = 0;
};
INSTANTIATE_TEST_SUITE_P(Families, FragmentsOf, testing::Bool(),
                         [](const auto& family) { return family.param ? "Ipv6" : "Ipv4"; });

TEST_P(FragmentsOf, AnyOrderMakesTheSameDatagram) {
  const auto whole = datagram(4000);
  auto packets = cut(whole, 1000);
  std::vector<int> order = {0, 1, 2, 3};
  do {
    for (int i = 0; i < 3; ++i)
      EXPECT_FALSE(add(packets[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])]));
    EXPECT_TRUE(add(packets[static_cast<std::size_t>(order[3])]));
    EXPECT_EQ(payload, whole.payload);
    EXPECT_EQ(protocol, wire::kProtocolUdp);
    EXPECT_EQ(fragments.datagrams(), 0U);
    EXPECT_EQ(fragments.bytes_held(), 0U);
  } while (std::ranges::next_permutation(order).found);
  EXPECT_EQ(dropped(), 0U);
}

TEST_P(FragmentsOf, TheLargestDatagramFits) {
  const auto whole = datagram(GetParam() ? 65'535 : 65'515);
  const auto packets = cut(whole, 1480);
  for (std::size_t i = 0; i + 1 < packets.size(); ++i) EXPECT_FALSE(add(packets[i]));
  EXPECT_TRUE(add(packets.back()));
  EXPECT_EQ(payload, whole.payload);
}

TEST_P(FragmentsOf, NothingGoesBeyondTheLargestDatagram) {
  auto whole = datagram(65'536);
  EXPECT_FALSE(add(fragment_of(whole, 65'528, 65'536, false)));
  EXPECT_EQ(drops[Drop::kFragmentTooLarge], 1U);
  EXPECT_EQ(fragments.datagrams(), 0U);
}

TEST_P(FragmentsOf, KeepsDatagramsApart) {
  const auto one = datagram(2000, 1);
  const auto two = datagram(2000, 2);
  const auto packets_one = cut(one, 1000);
  const auto packets_two = cut(two, 1000);
  EXPECT_FALSE(add(packets_one[0]));
  EXPECT_FALSE(add(packets_two[1]));
  EXPECT_FALSE(add(packets_one[1], kNow, VlanTags{5, 0})) << "another VLAN, another datagram";
  EXPECT_EQ(fragments.datagrams(), 3U);
  EXPECT_TRUE(add(packets_one[1]));
  EXPECT_EQ(payload, one.payload);
  EXPECT_TRUE(add(packets_two[0]));
  EXPECT_EQ(payload, two.payload);
}

TEST_P(FragmentsOf, CopiesAreIgnored) {
  const auto whole = datagram(3000);
  const auto packets = cut(whole, 1000);
  for (const std::size_t i : {0U, 0U, 2U, 2U, 0U}) EXPECT_FALSE(add(packets[i]));
  EXPECT_TRUE(add(packets[1]));
  EXPECT_EQ(payload, whole.payload);
  EXPECT_EQ(dropped(), 0U);
}

TEST_P(FragmentsOf, AnOverlapSpoilsTheDatagramAndWhatFollows) {
  const auto whole = datagram(3000);
  const auto packets = cut(whole, 1000);
  const std::pair<std::size_t, std::size_t> overlaps[] = {{8, 16}, {992, 1008}, {0, 1008}, {0, 8}, {1992, 2008}};
  std::uint32_t id = 10;
  for (const auto& [begin, end] : overlaps) {
    auto other = whole;
    other.id = ++id;
    const auto parts = cut(other, 1000);
    EXPECT_FALSE(add(parts[0]));
    EXPECT_FALSE(add(parts[2]));
    EXPECT_FALSE(add(fragment_of(other, begin, end, true)));
    EXPECT_FALSE(add(parts[1])) << "would complete it";
    EXPECT_FALSE(add(parts[0]));
  }
  EXPECT_EQ(drops[Drop::kFragmentOverlap], 15U);
  EXPECT_EQ(fragments.bytes_held(), 0U);
}

TEST_P(FragmentsOf, ACopyWithOtherBytesIsAnOverlap) {
  auto whole = datagram(2000);
  EXPECT_FALSE(add(cut(whole, 1000)[0]));
  whole.payload[500] ^= 1;
  EXPECT_FALSE(add(cut(whole, 1000)[0]));
  EXPECT_FALSE(add(cut(whole, 1000)[1]));
  EXPECT_EQ(drops[Drop::kFragmentOverlap], 2U);
}

TEST_P(FragmentsOf, ADatagramHasOneEnd) {
  const auto whole = datagram(3000);
  EXPECT_FALSE(add(fragment_of(whole, 1000, 2000, false)));
  EXPECT_FALSE(add(fragment_of(whole, 2000, 3000, false))) << "a second end";
  EXPECT_EQ(drops[Drop::kFragmentOverlap], 1U);
  auto other = datagram(3000, 2);
  EXPECT_FALSE(add(fragment_of(other, 2000, 2008, true)));
  EXPECT_FALSE(add(fragment_of(other, 1000, 2000, false))) << "an end before what is there";
  EXPECT_EQ(drops[Drop::kFragmentOverlap], 2U);
  auto third = datagram(3000, 3);
  EXPECT_FALSE(add(fragment_of(third, 1000, 2000, false)));
  EXPECT_FALSE(add(fragment_of(third, 2000, 2008, true))) << "beyond the end";
  EXPECT_EQ(drops[Drop::kFragmentOverlap], 3U);
  auto fourth = datagram(3000, 4);
  EXPECT_FALSE(add(fragment_of(fourth, 1000, 2000, false)));
  EXPECT_FALSE(add(fragment_of(fourth, 1000, 2000, true))) << "the end again, but said not to be it";
  EXPECT_EQ(drops[Drop::kFragmentOverlap], 4U);
}

TEST_P(FragmentsOf, OnlyTheLastFragmentMayHaveAnOddLength) {
  const auto whole = datagram(100);
  EXPECT_FALSE(add(fragment_of(whole, 0, 12, true)));
  EXPECT_FALSE(add(fragment_of(whole, 16, 16, true)));
  EXPECT_EQ(drops[Drop::kBadHeaderLength], 2U);
  EXPECT_EQ(fragments.datagrams(), 0U);
}

TEST_P(FragmentsOf, GivesUpWhenTheTimeIsOver) {
  const auto packets = cut(datagram(2000), 1000);
  const Duration timeout = seconds{GetParam() ? 60 : 30};
  EXPECT_TRUE(fragments.next_deadline().is_never());
  EXPECT_FALSE(add(packets[0]));
  EXPECT_EQ(fragments.next_deadline(), kNow + timeout);
  fragments.expire(kNow + timeout - Duration{1}, drops);
  EXPECT_EQ(fragments.datagrams(), 1U);
  fragments.expire(kNow + timeout, drops);
  EXPECT_EQ(fragments.datagrams(), 0U);
  EXPECT_EQ(fragments.bytes_held(), 0U);
  EXPECT_EQ(drops[Drop::kFragmentTimeout], 1U);
  EXPECT_FALSE(add(packets[0]));
  EXPECT_FALSE(add(packets[1], kNow + timeout)) << "add() looks at the time as well";
  EXPECT_EQ(drops[Drop::kFragmentTimeout], 2U);
}

TEST_P(FragmentsOf, TheOldestMakesRoom) {
  fragments = Fragments{FragmentLimits{.datagrams = 2, .bytes = 4000}};
  const auto first = cut(datagram(2000, 1), 1000);
  const auto second = cut(datagram(2000, 2), 1000);
  const auto third = cut(datagram(2000, 3), 1000);
  EXPECT_FALSE(add(first[0], kNow));
  EXPECT_FALSE(add(second[0], kNow + Duration{1}));
  EXPECT_FALSE(add(third[0], kNow + Duration{2}));
  EXPECT_EQ(fragments.datagrams(), 2U);
  EXPECT_EQ(drops[Drop::kFragmentNoRoom], 1U);
  EXPECT_TRUE(add(second[1])) << "was not the oldest";
  EXPECT_TRUE(add(third[1]));
  EXPECT_FALSE(add(first[1]));
}

TEST_P(FragmentsOf, BytesAreBounded) {
  fragments = Fragments{FragmentLimits{.bytes = 10'000}};
  for (std::uint32_t id = 0; id < 100; ++id) {
    const auto whole = datagram(9000, id);
    EXPECT_FALSE(add(cut(whole, 3000)[0]));
    EXPECT_LE(fragments.bytes_held(), 10'000U);
  }
  EXPECT_EQ(fragments.datagrams(), 3U);
  EXPECT_EQ(drops[Drop::kFragmentNoRoom], 97U);
  const auto huge = datagram(20'000, 500);
  EXPECT_FALSE(add(fragment_of(huge, 0, 16'000, true)));
  EXPECT_EQ(drops[Drop::kFragmentNoRoom], 98U);
  EXPECT_EQ(fragments.datagrams(), 3U) << "nobody was pushed out for what can never fit";
}

TEST_P(FragmentsOf, PiecesAreBounded) {
  const auto whole = datagram(65'000);
  for (std::size_t at = 0; at < 300 * 16; at += 16) EXPECT_FALSE(add(fragment_of(whole, at, at + 8, true)));
  EXPECT_EQ(drops[Drop::kFragmentNoRoom], 1U);
  EXPECT_EQ(fragments.bytes_held(), 0U);
}

TEST(Fragments, Ipv4KeepsProtocolsApart) {
  Fragments fragments;
  DropCounters drops;
  DatagramToCut udp{ip("10.0.0.1"), ip("10.0.0.2"), 7, wire::kProtocolUdp, numbered(2000)};
  DatagramToCut icmp = udp;
  icmp.protocol = wire::kProtocolIcmp;
  EXPECT_FALSE(fragments.add(packet_view(cut(udp, 1000)[0]), {}, kNow, drops));
  EXPECT_FALSE(fragments.add(packet_view(cut(icmp, 1000)[1]), {}, kNow, drops));
  EXPECT_EQ(fragments.datagrams(), 2U);
}

TEST(Fragments, Ipv6TakesTheProtocolFromTheFirstFragment) {
  Fragments fragments;
  DropCounters drops;
  DatagramToCut first{ip("fd00::1"), ip("fd00::2"), 7, wire::kProtocolUdp, numbered(2000)};
  DatagramToCut second = first;
  second.protocol = wire::kProtocolTcp;
  EXPECT_FALSE(fragments.add(packet_view(cut(second, 1000)[1]), {}, kNow, drops));
  const auto whole = fragments.add(packet_view(cut(first, 1000)[0]), {}, kNow, drops);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->protocol(), wire::kProtocolUdp);
}

TEST(Fragments, HeadersInsideAnIpv6DatagramAreWalked) {
  Fragments fragments;
  DropCounters drops;
  DatagramToCut datagram{ip("fd00::1"), ip("fd00::2"), 7, wire::kHeaderDestinationOptions, numbered(2000)};
  const std::uint8_t options[8] = {wire::kProtocolUdp, 0, 1, 4, 0, 0, 0, 0};
  std::ranges::copy(options, datagram.payload.begin());
  EXPECT_FALSE(fragments.add(packet_view(cut(datagram, 1000)[0]), {}, kNow, drops));
  const auto whole = fragments.add(packet_view(cut(datagram, 1000)[1]), {}, kNow, drops);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->protocol(), wire::kProtocolUdp);
  EXPECT_EQ(whole->payload().size(), 1992U);
  for (const std::uint8_t header : {wire::kHeaderHopByHop, wire::kHeaderFragment}) {
    datagram.protocol = header;
    EXPECT_FALSE(fragments.add(packet_view(cut(datagram, 1000)[0]), {}, kNow, drops));
    EXPECT_FALSE(fragments.add(packet_view(cut(datagram, 1000)[1]), {}, kNow, drops));
  }
  EXPECT_EQ(drops[Drop::kBadExtension], 2U);
}

// An ICMP error about a reassembled datagram quotes a header that can be read.
TEST(Fragments, TheWholePacketCanBeQuoted) {
  Fragments fragments;
  DropCounters drops;
  const DatagramToCut datagram{ip("10.0.0.1"), ip("10.0.0.2"), 7, wire::kProtocolUdp, numbered(2000)};
  const auto packets = cut(datagram, 1000);
  EXPECT_FALSE(fragments.add(packet_view(packets[1]), {}, kNow, drops));
  const auto whole = fragments.add(packet_view(packets[0]), {}, kNow, drops);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->packet().size(), 2020U);
  const auto quoted = wire::IpView::parse_quoted(quotation(*whole), false);
  ASSERT_TRUE(quoted);
  EXPECT_EQ(quoted->src(), datagram.src);
  EXPECT_EQ(quoted->fragment_id(), 7U);
  EXPECT_EQ(quoted->payload().size(), 528U);
}

// RFC 6980: neighbour discovery in fragments is not believed.
TEST(Fragments, NeighbourDiscoveryMustNotComeInFragments) {
  Fragments fragments;
  DropCounters drops;
  DatagramToCut datagram{ip("fd00::1"), ip("fd00::2"), 7, wire::kProtocolIcmpv6, std::vector<std::uint8_t>(32)};
  wire::NdpRepr{.target = *Ipv6Address::parse("fd00::2"), .link_layer = MacAddress{{2, 0, 0, 0, 0, 1}}}.emit(
      datagram.payload, datagram.src.v6(), datagram.dst.v6());
  auto packets = cut(datagram, 16);
  for (auto& packet : packets) packet[7] = 255;
  EXPECT_FALSE(fragments.add(packet_view(packets[0]), {}, kNow, drops));
  const auto whole = fragments.add(packet_view(packets[1]), {}, kNow, drops);
  ASSERT_TRUE(whole);
  const auto icmp = wire::IcmpView::parse(*whole);
  ASSERT_TRUE(icmp);
  EXPECT_EQ(wire::NdpView::parse(*whole, *icmp).error(), Drop::kBadNdp);
}

}  // namespace
}  // namespace myriad::stack
