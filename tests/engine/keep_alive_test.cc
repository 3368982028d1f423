// Keep-alive (RFC 9293 3.8.4) and what a workload says of its own congestion control, as seen on the wire.
#include <gtest/gtest.h>

#include <algorithm>

#include "stack/wire/ip.h"
#include "stack/wire/tcp.h"
#include "tests/engine/site.h"

namespace myriad::engine {
namespace {

using std::chrono::seconds;

struct Seen {
  Instant at;
  bool from_client = false;
  std::size_t payload = 0;
  std::uint8_t flags = 0;
  SeqNum seq;
};

// A site whose one client holds an idle connection for `hold`; what is on its wire, and a switch that cuts it.
struct Idle {
  explicit Idle(plan::TcpPersonality tcp, Duration hold) : site{1} {
    site.plan.groups[Site::kClients].tcp = tcp;
    plan::Workload& workload = site.add("hold", plan::TcpWorkload{{plan::SendText{"x"}}}, 9);
    workload.load.hold = hold;
    site.start();
    site.network->filter = [this](Bytes frame, Instant now) {
      const auto ethernet = wire::EthernetView::parse(frame);
      const auto ip = wire::IpView::parse(ethernet->payload(), ethernet->ether_type());
      if (!ip || ip->protocol() != wire::kProtocolTcp) return true;
      const auto segment = *wire::TcpView::parse(ip->payload());
      seen.push_back({now, ip->src().text() == "10.0.1.1", segment.payload().size(), segment.flags(), segment.seq()});
      if (lose > 0 && seen.back().from_client) {
        --lose;
        return false;
      }
      return true;
    };
    site.run_for(seconds{1});
    seen.clear();
  }
  [[nodiscard]] std::uint64_t probes() const { return site.workload().tcp.keep_alives_tx; }

  Site site;
  std::vector<Seen> seen;
  int lose = 0;  // so many of the client's segments
};

plan::TcpPersonality keeping_alive() {
  plan::TcpPersonality tcp;
  tcp.keep_alive = seconds{10};
  tcp.keep_alive_interval = seconds{5};
  tcp.keep_alive_probes = 3;
  return tcp;
}

TEST(KeepAlive, IsOffUnlessAskedFor) {  // MUST-25
  Idle idle{{}, seconds{20'000}};
  idle.site.run_for(seconds{10'000});
  EXPECT_TRUE(idle.seen.empty());
  EXPECT_EQ(idle.probes(), 0U);
}

TEST(KeepAlive, ProbesAfterTheIdleTimeAndWithoutData) {  // MUST-24, MUST-26, MUST-27, SHLD-12
  Idle idle{keeping_alive(), seconds{60}};
  idle.site.run_for(seconds{8});
  EXPECT_TRUE(idle.seen.empty()) << "not before the idle time is over";
  idle.site.run_for(seconds{32});
  ASSERT_GE(idle.seen.size(), 6U);
  EXPECT_EQ(idle.probes(), 4U) << "each answer begins the idle time anew";
  EXPECT_EQ(idle.seen.size(), 8U) << "and each probe has its answer";
  for (const Seen& s : idle.seen) EXPECT_EQ(s.payload, 0U);
  ASSERT_TRUE(idle.site.run());
  EXPECT_EQ(idle.site.workload().sessions_succeeded, 1U);
}

TEST(KeepAlive, ALostProbeIsNoFailure) {  // MUST-29
  Idle idle{keeping_alive(), seconds{60}};
  idle.lose = 2;
  ASSERT_TRUE(idle.site.run());
  EXPECT_EQ(idle.site.workload().sessions_succeeded, 1U);
}

TEST(KeepAlive, APeerThatIsGoneIsFound) {
  Idle idle{keeping_alive(), seconds{600}};
  idle.lose = 1'000;
  ASSERT_TRUE(idle.site.run());
  EXPECT_EQ(idle.probes(), 3U);
  EXPECT_EQ(failures(idle.site.workload(), Failure::kClosedWhileHeld), 1U);
}

// How many segments of data the client sends before it hears of the first.
std::size_t first_flight(std::optional<std::uint8_t> group, std::optional<std::uint8_t> workload) {
  Site site{1};
  site.plan.groups[Site::kClients].tcp.initial_window = group;
  site.add("send", plan::TcpWorkload{{plan::SendBytes{100'000}}}, 9).initial_window = workload;
  site.start();
  std::vector<Instant> sent;
  site.network->filter = [&sent](Bytes frame, Instant now) {
    const auto ethernet = wire::EthernetView::parse(frame);
    const auto ip = wire::IpView::parse(ethernet->payload(), ethernet->ether_type());
    if (ip && ip->protocol() == wire::kProtocolTcp && !wire::TcpView::parse(ip->payload())->payload().empty())
      sent.push_back(now);
    return true;
  };
  EXPECT_TRUE(site.run());
  return static_cast<std::size_t>(std::count(sent.begin(), sent.end(), sent.at(0)));
}

TEST(InitialWindow, OfAWorkloadComesBeforeThatOfItsGroup) {
  EXPECT_EQ(first_flight({}, {}), 10U);
  EXPECT_EQ(first_flight(4, {}), 4U);
  EXPECT_EQ(first_flight({}, 3), 3U);
  EXPECT_EQ(first_flight(4, 7), 7U);
}

}  // namespace
}  // namespace myriad::engine
