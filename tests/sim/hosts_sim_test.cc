// What every host does without being asked by an application: ARP, NDP, ping, refusals, and the limits on errors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stack/wire/arp.h"
#include "stack/wire/udp.h"
#include "tests/sim/groups.h"
#include "tests/sim/network.h"
#include "tests/sim/transfer.h"

namespace myriad::sim {
namespace {

using namespace std::chrono_literals;
using stack::Drop;
using stack::EchoStatus;
using stack::EventKind;
using stack::FailReason;
using stack::HostId;

// A station with hosts, and a stranger on the same wire whose frames are made by hand and whose ears are `heard`.
class Hosts : public testing::Test {
 protected:
  static constexpr std::uint64_t kStrangerMac = 0x020000000099;

  Hosts() { use(group("hosts", 1, 1000)); }
  void use(const stack::HostGroup& g, const stack::StackOptions& options = {}) {
    network_ = std::make_unique<Network>(1, WireOptions{});
    station_ = &network_->add({g}, options);
    app_ = std::make_unique<Transfer>(station_->stack());
    station_->attach(*app_);
    network_->filter = [this](Bytes frame, Instant) {
      if (listening_) heard_.emplace_back(frame.begin(), frame.end());
      return true;
    };
  }
  // Sends a frame and returns what was said because of it.
  std::vector<std::vector<std::uint8_t>> ask(Bytes frame) {
    heard_.clear();
    listening_ = false;
    network_->inject(frame);
    listening_ = true;
    network_->run(1ms);
    return heard_;
  }
  std::vector<std::uint8_t> arp_request(Ipv4Address sender, Ipv4Address target, VlanTags vlan = {}) {
    std::vector<std::uint8_t> frame(60);
    const wire::EthernetRepr ethernet{MacAddress::broadcast(), stranger(), vlan, wire::kEtherTypeArp};
    ethernet.emit_header(frame.data());
    wire::ArpRepr{wire::ArpOperation::kRequest, stranger(), sender, {}, target}.emit(
        MutableBytes{frame}.subspan(ethernet.header_size(), wire::kArpBytes));
    return frame;
  }
  std::vector<std::uint8_t> packet(std::uint32_t host, bool v6, std::uint8_t protocol, Bytes payload) {
    const stack::Host to = station_->hosts().at(HostId{host});
    const wire::IpRepr ip{.src = stranger_ip(v6),
                          .dst = address(station_->hosts(), host, v6),
                          .protocol = protocol,
                          .payload_length = payload.size()};
    std::vector<std::uint8_t> frame(14 + ip.header_size() + payload.size());
    wire::EthernetRepr{to.mac, stranger(), to.vlan, ip.ether_type()}.emit_header(frame.data());
    ip.emit_header(frame.data() + 14);
    std::copy(payload.begin(), payload.end(), frame.begin() + static_cast<std::ptrdiff_t>(14 + ip.header_size()));
    return frame;
  }
  std::vector<std::uint8_t> udp_datagram(std::uint32_t host, bool v6, std::uint16_t port) {
    std::vector<std::uint8_t> segment(wire::kUdpHeaderBytes + 4);
    wire::UdpRepr{Port{9999}, Port{port}, 4}.emit_header(segment.data());
    const IpAddress to = address(station_->hosts(), host, v6);
    wire::finish_transport_checksum(wire::pseudo_header_sum(stranger_ip(v6), to, wire::kProtocolUdp, segment.size()),
                                    wire::kProtocolUdp, segment);
    return packet(host, v6, wire::kProtocolUdp, segment);
  }
  static MacAddress stranger() { return MacAddress::from_number(kStrangerMac); }
  static IpAddress stranger_ip(bool v6) {
    return v6 ? IpAddress{*Ipv6Address::parse("fd00::99")} : IpAddress{*Ipv4Address::parse("10.0.250.99")};
  }

  std::unique_ptr<Network> network_;
  Station* station_ = nullptr;
  std::unique_ptr<Transfer> app_;
  std::vector<std::vector<std::uint8_t>> heard_;
  bool listening_ = false;
};

TEST_F(Hosts, EachAnswersArpForItselfAndNobodyElse) {
  for (const std::uint32_t host : {0U, 1U, 255U, 999U}) {
    const IpAddress ip = address(station_->hosts(), host, false);
    const auto answers = ask(arp_request(stranger_ip(false).v4(), ip.v4()));
    ASSERT_EQ(answers.size(), 1U);
    const auto ethernet = wire::EthernetView::parse(answers[0]);
    const auto arp = wire::ArpView::parse(ethernet->payload());
    EXPECT_EQ(ethernet->dst(), stranger());
    EXPECT_EQ(arp->operation(), wire::ArpOperation::kReply);
    EXPECT_EQ(arp->sender_mac(), station_->hosts().at(HostId{host}).mac);
    EXPECT_EQ(arp->sender_ip(), ip.v4());
    EXPECT_EQ(answers[0].size(), 60U) << "padded to the minimum";
  }
  EXPECT_TRUE(ask(arp_request(stranger_ip(false).v4(), *Ipv4Address::parse("10.0.0.255"))).empty());
  EXPECT_EQ(ask(arp_request({}, address(station_->hosts(), 5, false).v4())).size(), 1U) << "an RFC 5227 probe";
}

TEST_F(Hosts, AClaimOfAnAddressOfOursIsCounted) {
  const Ipv4Address ours = address(station_->hosts(), 7, false).v4();
  ask(arp_request(ours, ours));
  EXPECT_EQ(station_->stack().group_counters(0).duplicate_address, 1U);
}

TEST_F(Hosts, AnswerNeighbourSolicitationsAndDuplicateAddressDetection) {
  const Ipv6Address target = address(station_->hosts(), 42, true).v6();
  for (const bool detection : {false, true}) {
    const Ipv6Address source = detection ? Ipv6Address{} : stranger_ip(true).v6();
    std::optional<MacAddress> sender;
    if (!detection) sender = stranger();
    const wire::NdpRepr ns{.kind = wire::NdpKind::kSolicitation, .target = target, .link_layer = sender};
    const Ipv6Address group = target.solicited_node();
    std::vector<std::uint8_t> frame(14 + 40 + ns.emitted_size());
    wire::EthernetRepr{MacAddress::ipv6_multicast(group.octets), stranger(), {}, wire::kEtherTypeIpv6}.emit_header(
        frame.data());
    wire::IpRepr{.src = source,
                 .dst = group,
                 .protocol = wire::kProtocolIcmpv6,
                 .hop_limit = 255,
                 .payload_length = ns.emitted_size()}
        .emit_header(frame.data() + 14);
    ns.emit(MutableBytes{frame}.subspan(54), source, group);
    const auto answers = ask(frame);
    ASSERT_EQ(answers.size(), 1U);
    const auto ethernet = wire::EthernetView::parse(answers[0]);
    const auto ip = wire::IpView::parse(ethernet->payload(), ethernet->ether_type());
    const auto na = wire::NdpView::parse(*ip, *wire::IcmpView::parse(*ip));
    ASSERT_TRUE(na);
    EXPECT_EQ(na->target(), target);
    EXPECT_EQ(na->link_layer(), station_->hosts().at(HostId{42}).mac);
    EXPECT_EQ(na->is_solicited(), !detection);
    EXPECT_EQ(ip->dst(), detection ? IpAddress{Ipv6Address::all_nodes()} : stranger_ip(true));
  }
}

TEST_F(Hosts, AnswerEveryPingOfBothFamiliesAndOfAnySize) {
  for (const bool v6 : {false, true}) {
    for (const std::size_t size : {0UL, 1UL, 56UL, 1400UL}) {
      std::vector<std::uint8_t> data(size, 0x5a);
      std::vector<std::uint8_t> message(8 + size);
      wire::IcmpRepr::echo_request(v6, 7, 8, data).emit(message, stranger_ip(v6), address(station_->hosts(), 3, v6));
      const auto answers = ask(packet(3, v6, v6 ? wire::kProtocolIcmpv6 : wire::kProtocolIcmp, message));
      ASSERT_EQ(answers.size(), 1U);
      const auto ethernet = wire::EthernetView::parse(answers[0]);
      const auto ip = wire::IpView::parse(ethernet->payload(), ethernet->ether_type());
      const auto icmp = wire::IcmpView::parse(*ip);
      ASSERT_TRUE(icmp) << "checksum";
      EXPECT_EQ(icmp->kind(), wire::IcmpKind::kEchoReply);
      EXPECT_EQ(icmp->echo_id(), 7);
      EXPECT_THAT(icmp->data(), testing::ElementsAreArray(data));
    }
  }
}

TEST_F(Hosts, PingTheStationAcrossTheWireEvenInFragments) {
  auto& other = network_->add({group("other", 99, 10)});
  Transfer other_app(other.stack());
  other.attach(other_app);
  for (const bool v6 : {false, true}) {
    for (const std::size_t size : {56UL, 4000UL, 20000UL}) {
      other_app.others.clear();
      const IpAddress to = address(station_->hosts(), 9, v6);
      auto send = [&] {
        return other.stack().send_echo(HostId{1}, to, 1, static_cast<std::uint16_t>(size), size, 77, network_->now(),
                                       other.batch());
      };
      EchoStatus status = send();
      if (status == EchoStatus::kResolving) {
        network_->run(10ms);
        ASSERT_EQ(other_app.others.back().kind, EventKind::kResolved);
        EXPECT_EQ(other_app.others.back().cookie, 77U);
        status = send();
      }
      ASSERT_EQ(status, EchoStatus::kSent);
      network_->run(10ms);
      ASSERT_EQ(other_app.others.back().kind, EventKind::kEchoReply) << v6 << " " << size;
      EXPECT_EQ(other_app.others.back().remote, to);
    }
  }
}

TEST_F(Hosts, ClosedUdpPortsAnswerUnreachableWithinALimit) {
  for (const bool v6 : {false, true}) {
    const std::uint32_t host = v6 ? 20 : 10;
    const auto answers = ask(udp_datagram(host, v6, 53));
    ASSERT_EQ(answers.size(), 1U);
    const auto ethernet = wire::EthernetView::parse(answers[0]);
    const auto ip = wire::IpView::parse(ethernet->payload(), ethernet->ether_type());
    const auto icmp = wire::IcmpView::parse(*ip);
    ASSERT_TRUE(icmp);
    EXPECT_EQ(icmp->kind(), wire::IcmpKind::kUnreachable);
    EXPECT_EQ(icmp->code(), v6 ? wire::kIcmpv6CodePortUnreachable : wire::kIcmpv4CodePortUnreachable);
    std::size_t total = 1;
    for (int i = 0; i < 100; ++i) total += ask(udp_datagram(host, v6, 53)).size();
    EXPECT_GE(total, 10U);
    EXPECT_LE(total, 13U) << "100 datagrams within 100 ms: a burst of 10 and one each 100 ms";
  }
  EXPECT_GT(station_->stack().group_counters(0).icmp_errors_limited, 150U);
}

TEST_F(Hosts, AskForEveryNextHopOnceWhenShared) {
  auto& other = network_->add({group("other", 99, 50)});
  Transfer other_app(other.stack());
  other.attach(other_app);
  station_->stack().listen_tcp(0, Port{80}, 0, 0);
  for (std::uint32_t i = 0; i < 50; ++i) {
    other_app.open(HostId{i}, address(station_->hosts(), 0, false), Port{80}, 0, 0, network_->now());
  }
  network_->run(10ms);
  EXPECT_EQ(other.stack().group_counters(0).arp_requests_tx, 1U);
  EXPECT_EQ(other.stack().group_counters(0).resolved, 1U);
}

TEST_F(Hosts, AskForThemselvesWhenEachIsToResolve) {
  auto each = group("other", 99, 50);
  each.resolve_each = true;
  auto& other = network_->add({each});
  Transfer other_app(other.stack());
  other.attach(other_app);
  station_->stack().listen_tcp(0, Port{80}, 0, 0);
  for (std::uint32_t i = 0; i < 50; ++i) {
    other_app.open(HostId{i}, address(station_->hosts(), 0, i % 2 == 1), Port{80}, 0, 0, network_->now());
  }
  network_->run(10ms);
  EXPECT_EQ(other.stack().group_counters(0).arp_requests_tx, 25U);
  EXPECT_EQ(other.stack().group_counters(0).neighbour_solicitations_tx, 25U);
  EXPECT_EQ(other.stack().group_counters(0).resolved, 50U);
}

TEST_F(Hosts, GatewaysAreUsedForForeignDestinations) {
  auto far = group("far", 98, 1);
  far.ipv4 = Ipv4Prefix{*Ipv4Address::parse("192.0.2.1"), 24};
  far.gateway = address(station_->hosts(), 0, false).v4();
  auto& other = network_->add({far});
  Transfer other_app(other.stack());
  other.attach(other_app);
  other_app.open(HostId{0}, *Ipv4Address::parse("198.51.100.1"), Port{80}, 0, 0, network_->now());
  std::vector<MacAddress> destinations;
  network_->filter = [&](Bytes frame, Instant) {
    const auto view = wire::EthernetView::parse(frame);
    if (view->ether_type() == wire::kEtherTypeIpv4) destinations.push_back(view->dst());
    return true;
  };
  network_->run(10ms);
  ASSERT_FALSE(destinations.empty());
  EXPECT_EQ(destinations[0], station_->hosts().at(HostId{0}).mac);
}

TEST_F(Hosts, AnnounceThemselvesOnce) {
  auto g = group("hosts", 1, 1000);
  g.announce = true;
  use(g);
  listening_ = true;
  network_->run(1s);
  EXPECT_EQ(heard_.size(), 2000U) << "ARP and NDP for each";
  EXPECT_EQ(station_->stack().group_counters(0).announcements_tx, 1000U);
}

TEST_F(Hosts, SpeakOnTheirVlanOnly) {
  auto g = group("hosts", 1, 100);
  g.vlan = {100, 7};
  g.hosts_per_vlan = 50;
  use(g);
  const Ipv4Address second = address(station_->hosts(), 60, false).v4();
  EXPECT_TRUE(ask(arp_request(stranger_ip(false).v4(), second)).empty());
  EXPECT_TRUE(ask(arp_request(stranger_ip(false).v4(), second, {100, 7})).empty());
  const auto answers = ask(arp_request(stranger_ip(false).v4(), second, {100, 8}));
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(wire::EthernetView::parse(answers[0])->vlan(), (VlanTags{100, 8}));
}

TEST_F(Hosts, RandomFramesAreCountedAndHarmless) {
  Rng rng{11};
  std::uint64_t sent = 0;
  for (int i = 0; i < 20'000; ++i) {
    auto frame = udp_datagram(static_cast<std::uint32_t>(rng.below(1000)), rng.below(2) == 1,
                              static_cast<std::uint16_t>(rng.next()));
    for (std::uint64_t flips = rng.below(4); flips > 0; --flips) {
      frame[12 + rng.below(frame.size() - 12)] = static_cast<std::uint8_t>(rng.next());
    }
    frame.resize(1 + rng.below(frame.size()));
    network_->inject(frame);
    ++sent;
    if (i % 1000 == 0) network_->run(1ms);
  }
  network_->run(1s);
  std::uint64_t counted = 0;
  for (const std::uint64_t n : station_->stack().drops().count) counted += n;
  EXPECT_GT(counted, sent / 2);
  EXPECT_EQ(station_->frames_missing(), 0U);
}

}  // namespace
}  // namespace myriad::sim
