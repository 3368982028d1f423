// When workloads and their sessions have their turn: one workload after another one, warming up, retries with longer
// and longer pauses, hosts at random.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "engine/sessions.h"
#include "tests/engine/site.h"
#include "tests/sim/frames.h"

namespace myriad::engine {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

plan::HttpWorkload get(std::string path) {
  plan::HttpWorkload http;
  http.list[0].path = std::move(path);
  return http;
}

// When each SYN was sent, and by which host.
struct Syns {
  std::vector<std::pair<Instant, std::uint32_t>> seen;

  explicit Syns(Site& site, std::uint16_t port = 0) {
    site.start();
    site.network->filter = [this, port](Bytes frame, Instant now) {
      const auto segment = sim::segment_of(frame);
      if (!segment || segment->flags() != wire::kTcpSyn) return true;
      if (port == 0 || segment->dest_port().number == port)
        seen.emplace_back(now, load_be32(frame.data() + 26) & 0xffff);
      return true;
    };
  }
};

TEST(Turns, AWorkloadComesWhenAllOfTheOtherOneHasEnded) {
  Site site{20};
  site.shards = 3;
  site.add("first", get("/"), 80).load.hold = seconds{3};
  plan::Workload& second = site.add("second", get("/"), 80);
  second.after = 0;
  second.start = milliseconds{700};
  plan::Workload& third = site.add("third", plan::TcpWorkload{{plan::SendText{"x"}, plan::ExpectText{"x"}}}, 7);
  third.start = milliseconds{1500};
  Syns web{site, 80};
  const Instant start = site.network->now();
  ASSERT_TRUE(site.run());
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(site.workload(i).sessions_succeeded, 20U) << i;
  ASSERT_EQ(web.seen.size(), 40U);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_LT(web.seen[i].first, start + milliseconds{100});
  for (std::size_t i = 20; i < 40; ++i) {
    EXPECT_GE(web.seen[i].first, start + milliseconds{3700});
    EXPECT_LE(web.seen[i].first, start + milliseconds{3800});
  }
  EXPECT_GE(site.workload(2).connect.count(), 20U);
}

TEST(Turns, AWorkloadWaitsForTheShardThatIsLast) {
  Site site{4};
  site.shards = 4;
  site.add("first", get("/"), 80).load.timeout = seconds{2};
  site.add("second", get("/bytes/10"), 80).after = 0;
  site.start();
  int second = 0;
  const Instant start = site.network->now();
  site.network->filter = [&](Bytes frame, Instant now) {
    const auto segment = sim::segment_of(frame);
    if (!segment || segment->flags() != wire::kTcpSyn) return true;
    const bool last_host = (load_be32(frame.data() + 26) & 0xff) == 4;
    if (now < start + seconds{2}) return !last_host;  // the first try of the last host comes to nothing
    ++second;
    return true;
  };
  ASSERT_TRUE(site.run());
  EXPECT_EQ(site.workload(0).sessions_failed, 1U);
  EXPECT_EQ(site.workload(1).sessions_succeeded, 4U);
  EXPECT_EQ(second, 4);
}

TEST(Turns, NothingWaitsForWhatIsStopped) {
  Site site{3};
  site.add("first", get("/"), 80).load.hold = seconds{100};
  site.add("second", get("/"), 80).after = 0;
  site.run_for(seconds{1});
  site.clients().sessions().stop_starting();
  site.clients().sessions().abort_all();
  EXPECT_TRUE(site.clients().sessions().finished());
  EXPECT_EQ(site.workload(1).sessions_started, 0U);
}

TEST(Turns, SessionsOfTheWarmUpAreInNoStatistics) {
  Site site{10};
  plan::Workload& workload = site.add("fetch", get("/"), 80);
  workload.load.rate = 100;
  workload.load.total = 500;
  workload.load.warm_up = seconds{2};
  ASSERT_TRUE(site.run());
  const WorkloadCounters c = site.workload();
  EXPECT_NEAR(static_cast<double>(c.sessions_warm_up), 200, 1);
  EXPECT_EQ(c.sessions_started, 500 - c.sessions_warm_up);
  EXPECT_EQ(c.sessions_succeeded, c.sessions_started);
  EXPECT_EQ(c.sessions_open(), 0U);
  EXPECT_EQ(c.session.count(), c.sessions_succeeded);
  EXPECT_EQ(c.connect.count(), c.sessions_succeeded);
  EXPECT_EQ(c.first_byte.count(), c.sessions_succeeded);
  EXPECT_EQ(site.counters().services[0].sessions, 500U);
}

TEST(Turns, FailuresOfTheWarmUpAreNotCounted) {
  Site site{10};
  plan::Workload& workload = site.add("fetch", get("/bytes/99999999999999999999"), 80);
  workload.load.warm_up = seconds{2};
  workload.load.retries = 1;
  ASSERT_TRUE(site.run());
  const WorkloadCounters c = site.workload();
  EXPECT_EQ(c.sessions_warm_up, 10U);
  EXPECT_EQ(c.sessions_failed + c.retries + c.hosts_failed, 0U);
}

TEST(Turns, PausesBetweenTriesDouble) {
  Site site{1};
  plan::Workload& workload = site.add("fetch", get("/"), 81);  // refused
  workload.load.retries = 10;
  workload.load.back_off = milliseconds{200};
  Syns syns{site};
  ASSERT_TRUE(site.run());
  ASSERT_EQ(syns.seen.size(), 11U);
  for (std::size_t i = 1; i < syns.seen.size(); ++i) {
    const Duration expected = milliseconds{200} * (1 << std::min<std::size_t>(i - 1, 7));
    const Duration pause = syns.seen[i].first - syns.seen[i - 1].first;
    EXPECT_GE(pause, expected) << i;
    EXPECT_LE(pause, expected + milliseconds{5}) << i;
  }
  EXPECT_EQ(site.workload().retries, 10U);
}

TEST(Turns, HostsAtRandomAllHaveTheirTurnsInNoOrder) {
  for (const bool random : {false, true}) {
    Site site{100};
    plan::Workload& workload = site.add("fetch", get("/"), 80);
    workload.load.rate = 200;
    workload.load.total = 2000;
    workload.load.at_random = random;
    Syns syns{site};
    ASSERT_TRUE(site.run());
    std::size_t in_order = 0;
    std::map<std::uint32_t, int> turns;
    for (std::size_t i = 0; i < syns.seen.size(); ++i) {
      ++turns[syns.seen[i].second];
      if (i > 0 && syns.seen[i].second % 100 == (syns.seen[i - 1].second + 1) % 100) ++in_order;
    }
    EXPECT_EQ(turns.size(), 100U) << "the odds against are 1 to 10^7";
    EXPECT_EQ(site.workload().sessions_succeeded, 2000U);
    if (random) {
      EXPECT_LT(in_order, 100U);
    } else {
      EXPECT_EQ(in_order, 1999U);
    }
  }
}

}  // namespace
}  // namespace myriad::engine
