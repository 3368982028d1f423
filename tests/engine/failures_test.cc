// Reasons of failure that need a hostile wire, a router or a full table; the others are with the kinds of sessions.
#include <gtest/gtest.h>

#include <limits>

#include "stack/wire/icmp.h"
#include "stack/wire/ip.h"
#include "stack/wire/tcp.h"
#include "tests/engine/site.h"
#include "tests/sim/frames.h"

namespace myriad::engine {
namespace {

using sim::segment_of;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t kSourcePorts = 65'536 - 16'384;  // of a host towards one target

plan::TcpWorkload script(std::vector<plan::ScriptStep> steps) { return {std::move(steps)}; }

TEST(Failures, ResetBeforeAnyData) {
  Site site{5};
  site.add("fetch", plan::HttpWorkload{}, 9);  // a server that never answers
  site.run_for(milliseconds{20});
  ASSERT_EQ(site.workload().connect.count(), 5U);
  site.servers->sessions().abort_all();
  ASSERT_TRUE(site.run());
  EXPECT_EQ(failures(site.workload(), Failure::kReset), 5U);
  EXPECT_EQ(site.workload().tcp.resets_rx, 5U);
}

TEST(Failures, TransmitTimeoutWhenThePeerFallsSilent) {
  Site site{3};
  site.plan.groups[Site::kClients].tcp.retries = 3;
  site.add("send", script({plan::SendBytes{100'000}}), 9).load.timeout = seconds{300};
  site.start();
  site.network->filter = [](Bytes frame, Instant) {
    const auto segment = segment_of(frame);
    return !segment || segment->has(wire::kTcpSyn) || segment->payload().empty();
  };
  ASSERT_TRUE(site.run());
  EXPECT_EQ(failures(site.workload(), Failure::kTransmitTimeout), 3U);
  EXPECT_GE(site.workload().tcp.rto, 3U * 3U);
}

// Our side is closed and acknowledged, and the peer's FIN never comes: the end is `fin_wait2` away, whatever time the
// session has left.
TEST(Failures, CloseTimeoutWhenThePeerNeverClosesItsSide) {
  Site site{3};
  site.plan.groups[Site::kClients].tcp.fin_wait2 = seconds{20};
  site.add("half", script({plan::SendText{"x"}, plan::CloseStream{}, plan::ExpectBytes{1}}), 9).load.timeout =
      seconds{300};
  site.start();
  site.network->filter = [](Bytes frame, Instant) {
    const auto segment = segment_of(frame);
    return !segment || segment->source_port() != Port{9} || !segment->has(wire::kTcpFin);
  };
  EXPECT_FALSE(site.run(seconds{20})) << "it waits as long as it was told";
  ASSERT_TRUE(site.run(seconds{5}));
  EXPECT_EQ(failures(site.workload(), Failure::kCloseTimeout), 3U);
  EXPECT_EQ(site.workload().sessions_failed, 3U);
}

// Every source port towards one target in use: no more fit, and that is the generator's limit.
TEST(Failures, NoPort) {
  Site site{1};
  plan::Workload& hold = site.add("hold", script({plan::SendText{"x"}}), 9);
  hold.load.per_host = 60'000;
  hold.load.total = kSourcePorts + 5;
  hold.load.hold = seconds{30};
  hold.load.timeout = seconds{60};
  ASSERT_TRUE(site.run());
  EXPECT_EQ(failures(site.workload(), Failure::kNoPort), 5U);
  EXPECT_EQ(site.workload().sessions_succeeded, kSourcePorts);
}

TEST(Failures, NoRoomInTheTable) {
  Site site{10};
  site.limits.connections = 7;
  site.add("fetch", plan::HttpWorkload{}, 9).load.timeout = seconds{2};
  ASSERT_TRUE(site.run());
  EXPECT_EQ(failures(site.workload(), Failure::kNoRoom), 3U);
  EXPECT_EQ(failures(site.workload(), Failure::kResponseTimeout), 7U);
}

// A router on the way that answers SYNs, all or so many, with an ICMP error instead of forwarding them.
struct Router {
  std::uint8_t type;
  std::uint8_t code;
  int left = std::numeric_limits<int>::max();

  void attach(Site& site) {
    site.network->filter = [&site, this](Bytes frame, Instant) {
      const auto segment = segment_of(frame);
      if (!segment || segment->flags() != wire::kTcpSyn || left == 0) return true;
      --left;
      const auto ethernet = wire::EthernetView::parse(frame);
      const auto ip = wire::IpView::parse(ethernet->payload(), ethernet->ether_type());
      wire::IcmpRepr error = wire::IcmpRepr::port_unreachable(*ip);
      error.type = type;
      error.code = code;
      const std::size_t payload_at = wire::kEthernetHeaderBytes + wire::kIpv4HeaderBytes;
      std::vector<std::uint8_t> out(payload_at + error.emitted_size());
      const IpAddress router = *IpAddress::parse("10.0.2.1");
      wire::EthernetRepr{.dst = ethernet->src(), .src = ethernet->dst(), .vlan = {}, .ether_type = wire::kEtherTypeIpv4}
          .emit_header(out.data());
      wire::Ipv4Repr ipv4;
      ipv4.src = router.v4();
      ipv4.dst = ip->src().v4();
      ipv4.protocol = wire::kProtocolIcmp;
      ipv4.payload_length = error.emitted_size();
      ipv4.emit_header(out.data() + wire::kEthernetHeaderBytes);
      error.emit(MutableBytes{out}.subspan(payload_at), router, ip->src());
      site.network->inject(out);
      return false;
    };
  }
};

TEST(Failures, UnreachableAtOnceByAHardError) {
  for (const int code : {2, 3, 9, 10, 13}) {
    Router router{wire::kIcmpv4Unreachable, static_cast<std::uint8_t>(code)};
    Site site{4};
    site.add("fetch", plan::HttpWorkload{}, 80).load.timeout = seconds{5};
    site.start();
    router.attach(site);
    ASSERT_TRUE(site.run(seconds{1})) << code;
    EXPECT_EQ(failures(site.workload(), Failure::kUnreachable), 4U) << code;
  }
}

TEST(Failures, UnreachableInTheEndWhenOnlySoftErrorsCame) {
  constexpr std::uint8_t kHostUnreachable = 1;
  Router router{wire::kIcmpv4Unreachable, kHostUnreachable};
  Site site{4};
  site.add("fetch", plan::HttpWorkload{}, 80).load.timeout = seconds{5};
  site.start();
  router.attach(site);
  EXPECT_FALSE(site.run(seconds{4})) << "it may pass";
  ASSERT_TRUE(site.run(seconds{2}));
  EXPECT_EQ(failures(site.workload(), Failure::kUnreachable), 4U);
  EXPECT_EQ(failures(site.workload(), Failure::kConnectTimeout), 0U);
}

// RFC 9293 section 3.9.2.2: none of these ends a connection, and source quench is not even noticed.
TEST(Failures, PassingErrorsEndNoHandshake) {
  struct {
    std::uint8_t type, code;
  } constexpr kErrors[] = {{3, 0}, {3, 1}, {3, 5}, {4, 0}, {11, 0}, {11, 1}, {12, 0}, {12, 1}, {12, 2}};
  for (const auto& [type, code] : kErrors) {
    Router router{type, code, 4};
    Site site{4};
    site.add("fetch", plan::HttpWorkload{}, 80).load.timeout = seconds{5};
    site.start();
    router.attach(site);
    ASSERT_TRUE(site.run());
    EXPECT_EQ(router.left, 0);
    EXPECT_EQ(site.workload().sessions_succeeded, 4U) << "type " << int{type} << " code " << int{code};
  }
}

}  // namespace
}  // namespace myriad::engine
