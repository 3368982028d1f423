// Captured frames on hosts of ours: what a receiver sees of them.
#include "craft/rewrite.h"

#include <gtest/gtest.h>

#include <set>

#include "capture/link_type.h"
#include "tests/craft/frame_maker.h"
#include "tests/craft/sums_seen.h"

namespace myriad::craft {
namespace {

const MacAddress kMacA = MacAddress::from_number(0x00aabbcc0001);
const MacAddress kMacB = MacAddress::from_number(0x00aabbcc0002);
const Ipv4Address kA{0xc0a80001}, kB{0xc0a80002};
const Ipv6Address kA6 = *Ipv6Address::parse("2001:db8::a"), kB6 = *Ipv6Address::parse("2001:db8::b");
const MacAddress kHostMac = MacAddress::from_number(0x024d00000001);
const Ipv4Address kHost{0x0a000101};
const Ipv6Address kHost6 = *Ipv6Address::parse("fd00::1:1");

capture::Record record_of(Bytes bytes, capture::LinkType link = capture::kLinkEthernet) {
  capture::Record record;
  record.bytes = bytes;
  record.original_length = static_cast<std::uint32_t>(bytes.size());
  record.link = link;
  return record;
}

HostRange hosts(std::uint32_t count = 100) {
  HostRange range;
  range.count = count;
  range.mac = kHostMac;
  range.ipv4 = kHost;
  range.ipv6 = kHost6;
  return range;
}

RewriterOptions mapped(const HostRange& range = hosts()) {
  RewriterOptions options;
  options.askers = range;
  return options;
}

struct Sent {
  Octets frame;
  std::string skip;  // name of the reason
};

Sent send(Rewriter& rewriter, const capture::Record& record) {
  std::vector<std::uint8_t> out(record.bytes.size() + kMostFrameBytes + Rewriter::kSlackBytes, 0xee);
  const auto made = rewriter.make(record, out.data());
  if (made.length == 0) return {{}, std::string(kSkipNames[static_cast<std::size_t>(made.skip)])};
  out.resize(made.length);
  return {std::move(out), {}};
}

// All frames of a capture, after all have been met.
std::vector<Octets> replay(const RewriterOptions& options, const std::vector<Octets>& frames,
                           capture::LinkType link = capture::kLinkEthernet) {
  Rewriter rewriter{options};
  for (const Octets& frame : frames) rewriter.meet(record_of(frame, link));
  std::vector<Octets> out;
  for (const Octets& frame : frames) out.push_back(send(rewriter, record_of(frame, link)).frame);
  return out;
}

Octets v4_frame(MacAddress dst, MacAddress src, Bytes packet, const std::vector<std::uint16_t>& vlans = {}) {
  return ethernet(dst, src, vlans, 0x0800, packet);
}
Octets v6_frame(MacAddress dst, MacAddress src, Bytes packet, const std::vector<std::uint16_t>& vlans = {}) {
  return ethernet(dst, src, vlans, 0x86dd, packet);
}

TEST(Rewriting, LeavesEthernetAsItIs) {
  Rewriter rewriter{{}};
  for (const std::size_t size : {14U, 15U, 59U, 60U, 1514U}) {
    Octets frame(size);
    for (std::size_t i = 0; i < size; ++i) frame[i] = static_cast<std::uint8_t>(i * 7);
    EXPECT_EQ(send(rewriter, record_of(frame)).frame, frame) << size;
  }
}

TEST(Rewriting, LeavesOutWhatCannotBeSent) {
  Rewriter rewriter{{}};
  const Octets small(13), large(1515);
  EXPECT_EQ(send(rewriter, record_of(small)).skip, "runt");
  EXPECT_EQ(send(rewriter, record_of({})).skip, "runt");
  EXPECT_EQ(send(rewriter, record_of(large)).skip, "too_long");
  capture::Record cut = record_of(Octets(60));
  const Octets sixty(60);
  cut.bytes = sixty;
  cut.original_length = 61;
  EXPECT_EQ(send(rewriter, cut).skip, "cut_by_snaplen");
  EXPECT_EQ(send(rewriter, record_of(sixty, 105)).skip, "link_type");
  EXPECT_EQ(send(rewriter, record_of(sixty, capture::kLinkRaw)).skip, "no_packet");
  EXPECT_EQ(send(rewriter, record_of(sixty, capture::kLinkNull)).skip, "no_packet");
  EXPECT_EQ(send(rewriter, record_of(sixty, capture::kLinkSll)).skip, "no_packet");
  EXPECT_EQ(send(rewriter, record_of(Octets(15), capture::kLinkSll)).skip, "runt");
}

TEST(Rewriting, TagsMakeAFrameLongerThanTheMtuSays) {
  Rewriter rewriter{{}};
  EXPECT_EQ(send(rewriter, record_of(ethernet(kMacB, kMacA, {100, 7}, 0x0800, Octets(1500)))).frame.size(), 1522U);
  EXPECT_EQ(send(rewriter, record_of(ethernet(kMacB, kMacA, {100, 7}, 0x0800, Octets(1501)))).skip, "too_long");
}

TEST(Rewriting, DropsTheFrameCheckSequence) {
  Rewriter rewriter{{}};
  Octets frame(64, 3);
  capture::Record record = record_of(frame);
  record.fcs_bytes = 4;
  EXPECT_EQ(send(rewriter, record).frame, Octets(60, 3));
}

TEST(Rewriting, PutsEthernetBeforeWhatHasNone) {
  Rewriter rewriter{{}};
  const Octets four = ipv4(kA, kB, 17, udp(kA, kB, Octets(20), Sum::kGood));
  const Octets six = ipv6(kA6, kB6, 17, udp(kA6, kB6, Octets(20), Sum::kGood));
  const Octets wanted4 = v4_frame(some_destination(), some_source(), four);
  const Octets wanted6 = v6_frame(some_destination(), some_source(), six);
  EXPECT_EQ(send(rewriter, record_of(four, capture::kLinkRaw)).frame, wanted4);
  EXPECT_EQ(send(rewriter, record_of(six, capture::kLinkRawOld)).frame, wanted6);
  EXPECT_EQ(send(rewriter, record_of(four, capture::kLinkIpv4)).frame, wanted4);
  EXPECT_EQ(send(rewriter, record_of(six, capture::kLinkIpv6)).frame, wanted6);
  const auto behind = [](Octets head, const Octets& packet) {
    append(head, packet);
    return head;
  };
  Octets sll{0, 0, 0, 1, 0, 6, 0, 0xaa, 0xbb, 0xcc, 0, 1, 0, 0, 8, 0};
  EXPECT_EQ(send(rewriter, record_of(behind(sll, four), capture::kLinkSll)).frame,
            v4_frame(some_destination(), kMacA, four));
  sll[14] = 0x81;  // a tag, then IPv4
  EXPECT_EQ(send(rewriter, record_of(behind(behind(sll, {0, 100, 8, 0}), four), capture::kLinkSll)).frame,
            v4_frame(some_destination(), kMacA, four, {100}));
  const Octets sll2{0x86, 0xdd, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 0, 0xaa, 0xbb, 0xcc, 0, 1, 0, 0};
  EXPECT_EQ(send(rewriter, record_of(behind(sll2, six), capture::kLinkSll2)).frame,
            v6_frame(some_destination(), kMacA, six));
}

TEST(Rewriting, TellsIpByWhatLoopbackPutsBeforeIt) {
  Rewriter rewriter{{}};
  const auto sent = [&](Octets head, const Octets& packet, capture::LinkType link) {
    append(head, packet);
    const auto made = send(rewriter, record_of(head, link));
    return made.frame.empty() ? Octets(made.skip.begin(), made.skip.end()) : made.frame;
  };
  const Octets four = ipv4(kA, kB, 17, udp(kA, kB, Octets(20), Sum::kGood));
  const Octets six = ipv6(kA6, kB6, 17, udp(kA6, kB6, Octets(20), Sum::kGood));
  const Octets wanted4 = v4_frame(some_destination(), some_source(), four);
  const Octets wanted6 = v6_frame(some_destination(), some_source(), six);
  const std::string none = "no_packet";
  const Octets no_packet(none.begin(), none.end());
  for (const capture::LinkType link : {capture::kLinkNull, capture::kLinkLoop}) {
    // Families of either byte order, and of IRIX.
    for (const Octets& head : {Octets{0, 0, 0, 2}, Octets{2, 0, 0, 0}, Octets{0, 2, 0, 0}})
      EXPECT_EQ(sent(head, four, link), wanted4);
    for (const std::uint8_t family : Octets{10, 24, 28, 30}) {
      for (const Octets& head : {Octets{0, 0, 0, family}, Octets{family, 0, 0, 0}, Octets{0, family, 0, 0}})
        EXPECT_EQ(sent(head, six, link), wanted6) << int{family};
    }
    // What Linux had there: padding and type.
    EXPECT_EQ(sent({0, 0, 8, 0}, four, link), wanted4);
    EXPECT_EQ(sent({0x0f, 0, 8, 0}, four, link), wanted4);
    EXPECT_EQ(sent({0, 0, 0x86, 0xdd}, six, link), wanted6);
    EXPECT_EQ(sent({0, 0, 0x81, 0, 0, 100, 8, 0}, four, link),
              v4_frame(some_destination(), some_source(), four, {100}));
    // ISO, AppleTalk, no family, more than a family, PPP.
    for (const Octets& head : {Octets{7, 0, 0, 0}, Octets{0, 0, 0, 16}, Octets{0, 0, 0, 0}, Octets{2, 1, 0, 0},
                               Octets{2, 0, 0, 1}, Octets{0, 0, 2, 2}, Octets{0xff, 3, 0, 0x21}})
      EXPECT_EQ(sent(head, four, link), no_packet) << int{head[0]} << ' ' << int{head[3]};
    EXPECT_EQ(sent({2, 0, 0, 0}, Octets(20), link), no_packet);  // IP of no version
  }
}

TEST(Rewriting, SendsGroupsToTheirMacAddress) {
  Rewriter rewriter{{}};
  const Octets packet = ipv4(kA, *Ipv4Address::parse("239.129.1.2"), 17, Octets(8));
  EXPECT_EQ(MacAddress::from_bytes(send(rewriter, record_of(packet, capture::kLinkRaw)).frame.data()).text(),
            "01:00:5e:01:01:02");
  const Octets six = ipv6(kA6, Ipv6Address::all_nodes(), 17, Octets(8));
  EXPECT_EQ(MacAddress::from_bytes(send(rewriter, record_of(six, capture::kLinkRaw)).frame.data()).text(),
            "33:33:00:00:00:01");
}

TEST(Rewriting, MakesHostsOfWhoSpeaksInTheOrderOfTheFile) {
  const auto sent = replay(mapped(), {v4_frame(kMacB, kMacA, ipv4(kA, kB, 6, tcp(kA, kB, {}, Sum::kGood, 2))),
                                      v4_frame(kMacA, kMacB, ipv4(kB, kA, 6, tcp(kB, kA, {}, Sum::kGood, 0x12)))});
  // The first frame is for somebody who speaks only later.
  const Ipv4Address first = kHost, second = kHost + 1;
  const MacAddress first_mac = kHostMac, second_mac = MacAddress::from_number(kHostMac.number() + 1);
  EXPECT_EQ(sent[0], v4_frame(second_mac, first_mac, ipv4(first, second, 6, tcp(first, second, {}, Sum::kGood, 2))));
  EXPECT_EQ(sent[1], v4_frame(first_mac, second_mac, ipv4(second, first, 6, tcp(second, first, {}, Sum::kGood, 0x12))));
}

TEST(Rewriting, BeginsAgainWhenThereAreFewerHosts) {
  std::vector<Octets> frames;
  for (std::uint32_t i = 0; i < 10; ++i)
    frames.push_back(v4_frame(kMacB, kMacA, ipv4(kA + i, kB + 100, 17, Octets(8))));
  const auto sent = replay(mapped(hosts(3)), frames);
  for (std::uint32_t i = 0; i < 10; ++i) {
    EXPECT_EQ(Ipv4Address::from_bytes(sent[i].data() + 26).value, kHost.value + i % 3);
    EXPECT_EQ(MacAddress::from_bytes(sent[i].data() + 6).number(), kHostMac.number() + i % 3);
    // Who never speaks stays who it is.
    EXPECT_EQ(Ipv4Address::from_bytes(sent[i].data() + 30), kB + 100);
  }
}

TEST(Rewriting, AsksAndAnswersCanBeHostsOfDifferentGroups) {
  RewriterOptions options = mapped();
  HostRange answering = hosts();
  answering.mac = MacAddress::from_number(0x024d00010001);
  answering.ipv4 = Ipv4Address{0x0a000201};
  options.answerers = answering;
  const auto sent = replay(options, {v4_frame(kMacB, kMacA, ipv4(kA, kB, 17, udp(kA, kB, Octets(5), Sum::kGood))),
                                     v4_frame(kMacA, kMacB, ipv4(kB, kA, 17, udp(kB, kA, Octets(5), Sum::kGood)))});
  const Ipv4Address asks = kHost, answers{0x0a000201};
  EXPECT_EQ(sent[0],
            v4_frame(answering.mac, kHostMac, ipv4(asks, answers, 17, udp(asks, answers, Octets(5), Sum::kGood))));
  EXPECT_EQ(sent[1],
            v4_frame(kHostMac, answering.mac, ipv4(answers, asks, 17, udp(answers, asks, Octets(5), Sum::kGood))));
}

TEST(Rewriting, ASynAckIsAnAnswerThoughItComesFirst) {
  RewriterOptions options;
  options.tell_roles = true;
  Rewriter rewriter{options};
  const Octets frame = v4_frame(kMacB, kMacA, ipv4(kA, kB, 6, tcp(kA, kB, {}, Sum::kGood, 0x12)));
  rewriter.meet(record_of(frame));
  Octets out(200);
  EXPECT_EQ(rewriter.make(record_of(frame), out.data()).role, Role::kAnswers);
}

TEST(Rewriting, FramesWithoutIpBelongToTheirMacAddress) {
  const Octets hello = ethernet(MacAddress::from_number(0x0180c2000000), kMacA, {}, 38, Octets(46, 0x42));
  const Octets discover =
      v4_frame(MacAddress::broadcast(), kMacB,
               ipv4({0}, {0xffffffff}, 17, udp(Ipv4Address{0}, Ipv4Address{0xffffffff}, Octets(20), Sum::kGood)));
  const Octets later = v4_frame(kMacA, kMacB, ipv4(kB, kA, 17, udp(kB, kA, Octets(20), Sum::kGood)));
  const auto sent = replay(mapped(), {hello, discover, later});
  EXPECT_EQ(MacAddress::from_bytes(sent[0].data() + 6), kHostMac);
  const MacAddress second = MacAddress::from_number(kHostMac.number() + 1);
  EXPECT_EQ(MacAddress::from_bytes(sent[1].data() + 6), second);
  EXPECT_EQ(Ipv4Address::from_bytes(sent[1].data() + 26).value, 0U);
  // It is the one that asked for an address before.
  EXPECT_EQ(MacAddress::from_bytes(sent[2].data() + 6), second);
  EXPECT_EQ(MacAddress::from_bytes(sent[2].data()), kHostMac);
  EXPECT_EQ(Ipv4Address::from_bytes(sent[2].data() + 26), kHost + 1);
}

TEST(Rewriting, GivesFramesTheTagsOfTheHost) {
  HostRange range = hosts();
  range.vlan = {100, 7};
  range.hosts_per_vlan = 1;
  const Octets packet4 = ipv4(kA, kB, 17, Octets(8)), packet4b = ipv4(kB, kA, 17, Octets(8));
  const auto tagged =
      replay(mapped(range), {v4_frame(kMacB, kMacA, packet4, {0x6005}), v4_frame(kMacA, kMacB, packet4b)});
  // 802.1ad outside; the priority is what it was.
  EXPECT_EQ(Octets(tagged[0].begin() + 12, tagged[0].begin() + 22),
            (Octets{0x88, 0xa8, 0x60, 100, 0x81, 0, 0, 7, 8, 0}));
  EXPECT_EQ(Octets(tagged[1].begin() + 12, tagged[1].begin() + 22), (Octets{0x88, 0xa8, 0, 100, 0x81, 0, 0, 8, 8, 0}));
  const auto bare = replay(mapped(), {v4_frame(kMacB, kMacA, packet4, {5})});
  EXPECT_EQ(bare[0], v4_frame(kMacB, kHostMac, ipv4(kHost, kB, 17, Octets(8))));
}

TEST(Rewriting, FollowsInArp) {
  const MacAddress everybody = MacAddress::broadcast();
  const auto sent =
      replay(mapped(), {ethernet(everybody, kMacA, {}, 0x0806, arp(1, kMacA, kA, MacAddress{}, kB)),
                        ethernet(kMacA, kMacB, {}, 0x0806, arp(2, kMacB, kB, kMacA, kA)),
                        ethernet(everybody, kMacA, {}, 0x0806, arp(1, kMacA, Ipv4Address{0}, MacAddress{}, kB + 9))});
  const MacAddress second = MacAddress::from_number(kHostMac.number() + 1);
  EXPECT_EQ(sent[0], ethernet(everybody, kHostMac, {}, 0x0806, arp(1, kHostMac, kHost, MacAddress{}, kHost + 1)));
  EXPECT_EQ(sent[1], ethernet(kHostMac, second, {}, 0x0806, arp(2, second, kHost + 1, kHostMac, kHost)));
  EXPECT_EQ(sent[2], ethernet(everybody, kHostMac, {}, 0x0806, arp(1, kHostMac, Ipv4Address{0}, MacAddress{}, kB + 9)));
}

Octets nd_body(const Ipv6Address& target, std::uint8_t option, MacAddress mac) {
  Octets body(4, 0);
  append(body, target.octets);
  body.push_back(option);
  body.push_back(1);
  append(body, mac.octets);
  return body;
}

TEST(Rewriting, FollowsInNeighbourDiscovery) {
  const Ipv6Address group = kB6.solicited_node();
  const Octets asks = v6_frame(MacAddress::ipv6_multicast(group.octets), kMacA,
                               ipv6(kA6, group, 58, icmp(kA6, group, 135, nd_body(kB6, 1, kMacA), Sum::kGood)));
  const Octets says =
      v6_frame(kMacA, kMacB, ipv6(kB6, kA6, 58, icmp(kB6, kA6, 136, nd_body(kB6, 2, kMacB), Sum::kGood)));
  const auto sent = replay(mapped(), {asks, says});
  const Ipv6Address second = kHost6.plus(1);
  const MacAddress second_mac = MacAddress::from_number(kHostMac.number() + 1);
  const Ipv6Address new_group = second.solicited_node();
  EXPECT_EQ(sent[0], v6_frame(MacAddress::ipv6_multicast(new_group.octets), kHostMac,
                              ipv6(kHost6, new_group, 58,
                                   icmp(kHost6, new_group, 135, nd_body(second, 1, kHostMac), Sum::kGood))));
  EXPECT_EQ(sent[1],
            v6_frame(kHostMac, second_mac,
                     ipv6(second, kHost6, 58, icmp(second, kHost6, 136, nd_body(second, 2, second_mac), Sum::kGood))));
}

TEST(Rewriting, FollowsInsideErrors) {
  const Octets about = ipv4(kA, kB, 17, udp(kA, kB, Octets(30, 9), Sum::kGood));
  Octets quote(4, 0);
  append(quote, about);
  const auto sent = replay(mapped(), {v4_frame(kMacB, kMacA, about),
                                      v4_frame(kMacA, kMacB, ipv4(kB, kA, 1, icmp(kB, kA, 3, quote, Sum::kGood)))});
  const Ipv4Address second = kHost + 1;
  Octets new_quote(4, 0);
  append(new_quote, ipv4(kHost, second, 17, udp(kHost, second, Octets(30, 9), Sum::kGood)));
  EXPECT_EQ(sent[1], v4_frame(kHostMac, MacAddress::from_number(kHostMac.number() + 1),
                              ipv4(second, kHost, 1, icmp(second, kHost, 3, new_quote, Sum::kGood))));
  EXPECT_EQ(sums_seen(sent[1]), "ip:good icmp:good ip:good udp:good ");
}

TEST(Rewriting, LaterFragmentsHaveNoChecksumToFollow) {
  Octets payload(64);
  for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<std::uint8_t>(i);
  const auto sent = replay(mapped(), {v4_frame(kMacB, kMacA, ipv4(kA, kB, 17, payload, {.fragment = 0x2010}))});
  EXPECT_EQ(sent[0], v4_frame(kMacB, kHostMac, ipv4(kHost, kB, 17, payload, {.fragment = 0x2010})));
  // The first has it, of all of them.
  const Octets datagram = udp(kA, kB, payload, Sum::kGood);
  const Octets whole = udp(kHost, kB, payload, Sum::kGood);
  const auto first =
      replay(mapped(), {v4_frame(kMacB, kMacA, ipv4(kA, kB, 17, Bytes{datagram}.first(32), {.fragment = 0x2000}))});
  EXPECT_EQ(first[0], v4_frame(kMacB, kHostMac, ipv4(kHost, kB, 17, Bytes{whole}.first(32), {.fragment = 0x2000})));
}

TEST(Rewriting, WithSegmentsLeftTheChecksumCoversTheLastOfThem) {
  const Ipv6Address final = *Ipv6Address::parse("2001:db8::f");
  Octets routing{17, 2, 0, 1, 0, 0, 0, 0};
  append(routing, final.octets);
  append(routing, udp(kA6, final, Octets(10, 4), Sum::kGood));
  const Octets frame = v6_frame(kMacB, kMacA, ipv6(kA6, kB6, 43, routing));
  const Octets answer = v6_frame(kMacA, kMacB, ipv6(kB6, kA6, 17, udp(kB6, kA6, {}, Sum::kGood)));
  const auto sent = replay(mapped(), {frame, answer});
  Octets wanted{17, 2, 0, 1, 0, 0, 0, 0};
  append(wanted, final.octets);
  append(wanted, udp(kHost6, final, Octets(10, 4), Sum::kGood));
  EXPECT_EQ(sent[0], v6_frame(MacAddress::from_number(kHostMac.number() + 1), kHostMac,
                              ipv6(kHost6, kHost6.plus(1), 43, wanted)));
}

TEST(Rewriting, HostsWithoutThatFamilyKeepTheAddressesOfTheCapture) {
  HostRange range = hosts();
  range.ipv6.reset();
  const Octets packet = ipv6(kA6, kB6, 17, udp(kA6, kB6, Octets(4), Sum::kGood));
  EXPECT_EQ(replay(mapped(range), {v6_frame(kMacB, kMacA, packet)})[0], v6_frame(kMacB, kHostMac, packet));
}

}  // namespace
}  // namespace myriad::craft
