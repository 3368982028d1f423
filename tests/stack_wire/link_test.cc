// Ethernet and ARP.
#include <gtest/gtest.h>

#include <vector>

#include "stack/wire/arp.h"
#include "stack/wire/ethernet.h"
#include "tests/stack_wire/bytes_of.h"

namespace myriad::wire {
namespace {

using stack::Drop;

MacAddress mac(const char* text) { return *MacAddress::parse(text); }

TEST(Ethernet, ReadsAnUntaggedFrame) {
  const auto frame = bytes_of("024d00000001 024d00000002 0800 4500");
  const auto view = EthernetView::parse(frame);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->dst(), mac("02:4d:00:00:00:01"));
  EXPECT_EQ(view->src(), mac("02:4d:00:00:00:02"));
  EXPECT_EQ(view->vlan(), VlanTags{});
  EXPECT_EQ(view->ether_type(), kEtherTypeIpv4);
  EXPECT_EQ(view->payload().size(), 2U);
}

TEST(Ethernet, ReadsOneAndTwoTags) {
  const auto one = bytes_of("024d00000001 024d00000002 8100 e064 0806 00");
  EXPECT_EQ(EthernetView::parse(one)->vlan(), (VlanTags{100, 0}));  // priority bits are not part of the identifier
  EXPECT_EQ(EthernetView::parse(one)->ether_type(), kEtherTypeArp);
  EXPECT_EQ(EthernetView::parse(one)->payload().size(), 1U);
  const auto two = bytes_of("024d00000001 024d00000002 88a8 0064 8100 0007 86dd");
  EXPECT_EQ(EthernetView::parse(two)->vlan(), (VlanTags{100, 7}));
  EXPECT_EQ(EthernetView::parse(two)->ether_type(), kEtherTypeIpv6);
  const auto both_q = bytes_of("024d00000001 024d00000002 8100 0064 8100 0007 86dd");
  EXPECT_EQ(EthernetView::parse(both_q)->vlan(), (VlanTags{100, 7}));
}

TEST(Ethernet, CountsAPriorityTagAsNone) {
  EXPECT_EQ(EthernetView::parse(bytes_of("024d00000001 024d00000002 8100 e000 0800"))->vlan(), VlanTags{});
  EXPECT_EQ(EthernetView::parse(bytes_of("024d00000001 024d00000002 8100 e000 8100 0007 0800"))->vlan(),
            (VlanTags{7, 0}));
  EXPECT_EQ(EthernetView::parse(bytes_of("024d00000001 024d00000002 88a8 0007 8100 e000 0800"))->vlan(),
            (VlanTags{7, 0}));
}

TEST(Ethernet, RefusesAThirdTagAndCutFrames) {
  EXPECT_EQ(EthernetView::parse(bytes_of("024d00000001 024d00000002 8100 0001 8100 0002 8100 0003 0800")).error(),
            Drop::kTooManyVlanTags);
  const auto frame = bytes_of("024d00000001 024d00000002 8100 0001 88a8 0002 0800");
  for (std::size_t cut = 0; cut < frame.size(); ++cut) {
    EXPECT_EQ(EthernetView::parse(Bytes{frame}.first(cut)).error(), Drop::kTruncated) << cut;
  }
}

TEST(Ethernet, EmitsTags) {
  EthernetRepr repr{mac("02:4d:00:00:00:01"), mac("02:4d:00:00:00:02"), {}, kEtherTypeIpv4};
  std::vector<std::uint8_t> out(repr.emitted_size(), 0xee);
  repr.emit(out);
  EXPECT_EQ(out, bytes_of("024d00000001 024d00000002 0800"));
  repr.vlan = {100, 0};
  out.assign(repr.emitted_size(), 0xee);
  repr.emit(out);
  EXPECT_EQ(out, bytes_of("024d00000001 024d00000002 8100 0064 0800"));
  repr.vlan = {100, 7};
  out.assign(repr.emitted_size(), 0xee);
  repr.emit(out);
  EXPECT_EQ(out, bytes_of("024d00000001 024d00000002 88a8 0064 8100 0007 0800"));
}

const std::vector<std::uint8_t> kWhoHas =
    bytes_of("0001 0800 06 04 0001 024d00000002 0a000002 000000000000 0a000001 000000000000000000000000000000000000");

TEST(Arp, ReadsARequestWithItsPadding) {
  const auto view = ArpView::parse(kWhoHas);
  ASSERT_TRUE(view);
  EXPECT_TRUE(view->is_request());
  EXPECT_EQ(view->sender_mac(), mac("02:4d:00:00:00:02"));
  EXPECT_EQ(view->sender_ip(), *Ipv4Address::parse("10.0.0.2"));
  EXPECT_EQ(view->target_ip(), *Ipv4Address::parse("10.0.0.1"));
  EXPECT_TRUE(view->target_mac().is_zero());
  EXPECT_FALSE(view->is_probe());
  EXPECT_FALSE(view->is_announcement());
}

TEST(Arp, TellsProbesAndAnnouncements) {
  const auto probe = bytes_of("0001 0800 06 04 0001 024d00000002 00000000 000000000000 0a000001");
  EXPECT_TRUE(ArpView::parse(probe)->is_probe());
  const auto announcement = bytes_of("0001 0800 06 04 0001 024d00000002 0a000002 000000000000 0a000002");
  EXPECT_TRUE(ArpView::parse(announcement)->is_announcement());
}

TEST(Arp, EmitsAReply) {
  const ArpRepr repr{
      ArpOperation::kReply, mac("02:4d:00:00:00:01"), {0x0a000001}, mac("02:4d:00:00:00:02"), {0x0a000002}};
  std::vector<std::uint8_t> out(repr.emitted_size(), 0xee);
  repr.emit(out);
  EXPECT_EQ(out, bytes_of("0001 0800 06 04 0002 024d00000001 0a000001 024d00000002 0a000002"));
}

TEST(Arp, RefusesWhatIsNotEthernetAndIpv4) {
  const struct {
    std::size_t at;
    std::uint8_t value;
  } rows[] = {{0, 1},    {1, 6},    {2, 9},   {4, 8}, {5, 16},
              {6, 1},    {7, 0},    {7, 3},   {7, 8}, {8, 0x01},  // group sender
              {14, 127}, {14, 224}, {14, 240}};                   // loopback, multicast, reserved sender
  for (const auto& row : rows) {
    auto message = kWhoHas;
    message[row.at] = row.value;
    EXPECT_EQ(ArpView::parse(message).error(), Drop::kBadArp) << row.at << "=" << int{row.value};
  }
  auto zero_sender = kWhoHas;
  std::fill(zero_sender.begin() + 8, zero_sender.begin() + 14, std::uint8_t{0});
  EXPECT_EQ(ArpView::parse(zero_sender).error(), Drop::kBadArp);
  EXPECT_EQ(ArpView::parse(Bytes{kWhoHas}.first(27)).error(), Drop::kTruncated);
}

}  // namespace
}  // namespace myriad::wire
