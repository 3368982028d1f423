// Requirements of RFC 9293 that no script can show: where initial sequence numbers come from (3.4.1), and segments from
// and to addresses that no connection has (3.9.2.3).
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "stack/wire/ip.h"
#include "stack/wire/tcp.h"
#include "tests/sim/frames.h"
#include "tests/sim/groups.h"
#include "tests/sim/network.h"
#include "tests/sim/transfer.h"

namespace myriad::sim {
namespace {

using namespace std::chrono_literals;
using stack::HostId;

// The SYN of a call from one host to another that is made at that time, by a stack with that seed.
struct Syn {
  Port from;
  SeqNum number;
};
Syn syn_of_call(std::uint64_t seed, Duration after, std::uint16_t port = 80) {
  Network network{1, WireOptions{}};
  stack::StackOptions options;
  options.seed = seed;
  Station& caller = network.add({group("caller", 1, 1)}, options);
  Station& called = network.add({group("called", 2, 1)});
  Transfer calls{caller.stack()};
  Transfer listens{called.stack()};
  caller.attach(calls);
  called.attach(listens);
  std::optional<Syn> syn;
  network.filter = [&syn](Bytes frame, Instant) {
    const auto segment = segment_of(frame);
    if (segment && segment->flags() == wire::kTcpSyn) syn = {segment->source_port(), segment->seq()};
    return true;
  };
  // A timer that is due at the end moves the clock, which otherwise stands still when nothing happens.
  const Instant due = network.now() + after;
  bool passed = false;
  caller.deadline = [&] { return passed ? caller.stack().next_deadline() : due; };
  const auto on_time = caller.on_time;
  caller.on_time = [&, on_time](Instant now) {
    if (!passed) {
      passed = true;
      calls.open(HostId{0}, address(called.hosts(), 0, false), Port{port}, 0, 0, now);
    }
    on_time(now);
  };
  network.run(after + 5s);
  EXPECT_TRUE(syn);
  return syn.value_or(Syn{});
}

// MUST-8, RFC 6528: for one pair of addresses and ports the number goes up by one every 4 microseconds.
TEST(Rfc9293, InitialSequenceNumbersFollowTheClock) {
  const Syn early = syn_of_call(7, 0s);
  const Syn late = syn_of_call(7, 1s);
  ASSERT_EQ(early.from, late.from) << "the same four-tuple";
  EXPECT_EQ(late.number.since(early.number), 250'000U);
}

// MUST-9, SHLD-1: without the secret of the stack nobody can tell the number, nor from that of another connection.
TEST(Rfc9293, InitialSequenceNumbersDependOnASecretAndOnTheFourTuple) {
  const Syn one = syn_of_call(7, 0s);
  EXPECT_EQ(syn_of_call(7, 0s).number, one.number);
  EXPECT_NE(syn_of_call(8, 0s).number, one.number);
  EXPECT_NE(syn_of_call(7, 0s, 81).number, one.number);
}

// What becomes of a SYN between those addresses: how many TCP segments answer it.
int answers_to_syn(const char* from, const char* to, const MacAddress& to_mac) {
  Network network{1, WireOptions{}};
  stack::HostGroup g = group("hosts", 1, 4);
  g.ipv4 = Ipv4Prefix::parse("10.0.1.1/24");
  Station& station = network.add({g});
  Transfer app{station.stack()};
  station.attach(app);
  station.stack().listen_tcp(0, Port{80}, 0, 0);
  wire::TcpRepr syn;
  syn.source = Port{5000};
  syn.dest = Port{80};
  syn.flags = wire::kTcpSyn;
  syn.window = 1000;
  std::vector<std::uint8_t> segment(syn.header_size());
  syn.emit(segment);
  const wire::IpRepr ip{.src = *IpAddress::parse(from),
                        .dst = *IpAddress::parse(to),
                        .protocol = wire::kProtocolTcp,
                        .payload_length = segment.size()};
  wire::finish_transport_checksum(wire::pseudo_header_sum(ip.src, ip.dst, wire::kProtocolTcp, segment.size()),
                                  wire::kProtocolTcp, segment);
  std::vector<std::uint8_t> frame(wire::kEthernetHeaderBytes + ip.header_size());
  wire::EthernetRepr{to_mac, MacAddress::from_number(0x020000000099), {}, ip.ether_type()}.emit_header(frame.data());
  ip.emit_header(frame.data() + wire::kEthernetHeaderBytes);
  frame.insert(frame.end(), segment.begin(), segment.end());
  int answers = 0;
  network.filter = [&answers, &frame](Bytes heard, Instant) {
    if (!std::equal(heard.begin(), heard.end(), frame.begin(), frame.end()) && segment_of(heard)) ++answers;
    return true;
  };
  network.inject(frame);
  network.run(100ms);
  return answers;
}

TEST(Rfc9293, SynsToGroupsAreDiscardedWithoutAWord) {  // MUST-57
  const MacAddress host = group("hosts", 1, 4).first_mac;
  EXPECT_EQ(answers_to_syn("10.0.1.99", "10.0.1.1", host), 1) << "else this would show nothing";
  for (const char* const to : {"10.0.1.255", "255.255.255.255", "224.0.0.1"}) {
    EXPECT_EQ(answers_to_syn("10.0.1.99", to, MacAddress::broadcast()), 0) << to;
    EXPECT_EQ(answers_to_syn("10.0.1.99", to, host), 0) << to << " in a frame for one host";
  }
  EXPECT_EQ(answers_to_syn("10.0.1.99", "10.0.1.1", MacAddress::broadcast()), 0) << "RFC 1122 3.3.6";
}

TEST(Rfc9293, SynsFromGroupsAreDiscardedWithoutAWord) {  // MUST-63
  const MacAddress host = group("hosts", 1, 4).first_mac;
  for (const char* const from : {"255.255.255.255", "10.0.1.255", "224.0.0.1", "0.0.0.0", "127.0.0.1"}) {
    EXPECT_EQ(answers_to_syn(from, "10.0.1.1", host), 0) << from;
  }
}

}  // namespace
}  // namespace myriad::sim
