// A hundred thousand SYNs from nobody at a serving host: what they take is bounded, conversations that are there go on
// as if nothing were, and whoever calls in earnest gets through in the end.
#include <gtest/gtest.h>

#include <vector>

#include "stack/wire/tcp.h"
#include "tests/sim/pair.h"

namespace myriad::sim {
namespace {

using namespace std::chrono_literals;
using stack::HostId;

constexpr std::uint32_t kTransfers = 20;
constexpr std::uint64_t kBytes = 2'000'000;
constexpr std::uint32_t kSyns = 100'000;
constexpr std::uint32_t kHalfOpenLimit = 1000;

class Flood {
 public:
  Flood() : pair_(15, wire(), kTransfers, options(), personality()), rng_(4711) {
    pair_.client.close_when_sent = false;
    for (std::uint32_t host = 0; host < kTransfers; ++host) pair_.open(host, 0, kBytes, host % 2 == 1);
    const auto all_have_begun = [&] {
      return std::ranges::all_of(pair_.client.ends, [](const End& end) { return end.received > 0; });
    };
    EXPECT_TRUE(pair_.network.run_until(all_have_begun, 1min));
    begun_ = pair_.network.now();
  }
  // SYNs with random numbers and options from random addresses and ports, to a random one of the hosts.
  void send_syns(std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) send_syn();
  }
  // Until every transfer is complete; how long that took, from when all had begun.
  Duration finish() {
    const auto all_are_complete = [&] {
      return std::ranges::all_of(pair_.client.ends, [](const End& end) { return end.received == end.to_receive; });
    };
    EXPECT_TRUE(pair_.network.run_until(all_are_complete, 10min));
    return pair_.network.now() - begun_;
  }
  [[nodiscard]] Pair& pair() { return pair_; }

 private:
  static WireOptions wire() {
    WireOptions wire;
    wire.delay = 5ms;
    return wire;
  }
  static tcp::Personality personality() {
    tcp::Personality tcp;
    tcp.receive_window = 32 * 1024;  // so that the transfers are still there when the last SYN comes
    return tcp;
  }
  static stack::StackOptions options() {
    stack::StackOptions options;
    options.tcp.half_open = kHalfOpenLimit;
    return options;
  }
  void send_syn() {
    const stack::Host victim = pair_.right.hosts().at(HostId{static_cast<std::uint32_t>(rng_.below(kTransfers))});
    wire::TcpRepr syn;
    syn.source = Port{static_cast<std::uint16_t>(1 + rng_.below(65535))};
    syn.dest = Port{80};
    syn.seq = SeqNum{static_cast<std::uint32_t>(rng_.next())};
    syn.flags = wire::kTcpSyn;
    syn.window = static_cast<std::uint16_t>(rng_.next());
    if (rng_.below(2) == 0) syn.options.mss = static_cast<std::uint16_t>(rng_.next());
    if (rng_.below(2) == 0) syn.options.has_timestamps = syn.options.sack_permitted = true;
    const IpAddress from = Ipv4Address{0x0a000000U + 0x8000 + static_cast<std::uint32_t>(rng_.below(0x7000))};
    const IpAddress to = *pair_.right.hosts().address(victim, false);
    const std::size_t length = syn.header_size();
    std::vector<std::uint8_t> frame(34 + length);
    const auto nobody = MacAddress::from_number(0x020000000009);
    wire::EthernetRepr{victim.mac, nobody, {}, wire::kEtherTypeIpv4}.emit_header(frame.data());
    wire::IpRepr{.src = from, .dst = to, .protocol = wire::kProtocolTcp, .payload_length = length}.emit_header(
        frame.data() + 14);
    syn.emit_header(frame.data() + 34);
    wire::finish_transport_checksum(wire::pseudo_header_sum(from, to, wire::kProtocolTcp, length), wire::kProtocolTcp,
                                    MutableBytes{frame}.subspan(34));
    pair_.network.inject(frame);
  }

  Pair pair_;
  Rng rng_;
  Instant begun_;
};

TEST(SynFlood, IsBoundedAndConversationsGoOnAsIfNothingWere) {
  Flood quiet;
  const Duration undisturbed = quiet.finish();

  Flood flood;
  Pair& pair = flood.pair();
  stack::Stack& server = pair.right.stack();
  constexpr std::uint32_t kWaves = 200;
  for (std::uint32_t wave = 0; wave < kWaves; ++wave) {
    flood.send_syns(kSyns / kWaves);
    pair.network.run(undisturbed / kWaves / 2);
    ASSERT_LE(server.connections(), kTransfers + kHalfOpenLimit);
    ASSERT_LE(server.timers_armed(), 2 * (kTransfers + kHalfOpenLimit));
  }
  EXPECT_GE(server.connections(), kHalfOpenLimit) << "a flood that floods nothing";
  for (const End& end : pair.client.ends) EXPECT_LT(end.received, kBytes) << "it was over before the flood was";
  EXPECT_LE(to_seconds(flood.finish()), 1.01 * to_seconds(undisturbed));

  // Somebody who calls while the flood's half-open connections are still there.
  const auto cookie = pair.open(0, 1000, 1000);
  EXPECT_TRUE(pair.network.run_until([&] { return pair.client.ends[cookie].received == 1000; }, 5min));
  EXPECT_TRUE(pair.network.run(1h));
  Pair::expect_complete(pair.client);
  Pair::expect_complete(pair.server);
  pair.expect_nothing_left();
}

}  // namespace
}  // namespace myriad::sim
