#include "engine/host_tallies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/site.h"
#include "tests/sim/frames.h"

namespace myriad::engine {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(HostTallies, SayWhichSuccessAndFailureIsTheFirst) {
  HostTallies tallies{130, false};
  EXPECT_TRUE(tallies.succeed(129, 5));
  EXPECT_FALSE(tallies.succeed(129, 5));
  EXPECT_TRUE(tallies.succeed(0, 5));
  EXPECT_TRUE(tallies.fail(64, Failure::kReset));
  EXPECT_FALSE(tallies.fail(64, Failure::kReset));
  EXPECT_FALSE(tallies.fail(64, Failure::kRefused));
  EXPECT_TRUE(tallies.fail(65, Failure::kRefused));
  EXPECT_TRUE(tallies.has_succeeded(0));
  EXPECT_FALSE(tallies.has_succeeded(1));
  EXPECT_TRUE(tallies.has_failed(64));
  EXPECT_FALSE(tallies.has_failed(129));
}

TEST(HostTallies, CountFailuresByReason) {
  HostTallies tallies{3, false};
  for (int i = 0; i < 4; ++i) tallies.fail(2, Failure::kRefused);
  tallies.fail(0, Failure::kTimeout);
  tallies.fail(2, Failure::kTimeout);
  tallies.fail(2, Failure::kRefused);
  EXPECT_THAT(tallies.of(2).failures, ElementsAre(Pair(Failure::kRefused, 5U), Pair(Failure::kTimeout, 1U)));
  EXPECT_EQ(tallies.of(2).sessions_failed, 6U);
  EXPECT_THAT(tallies.of(0).failures, ElementsAre(Pair(Failure::kTimeout, 1U)));
  EXPECT_THAT(tallies.of(1).failures, IsEmpty());
}

TEST(HostTallies, KeepSessionsAndTimesOnlyWhenAskedTo) {
  for (const bool details : {false, true}) {
    HostTallies tallies{2, details};
    for (std::uint64_t ns : {30U, 10U, 20U}) {
      tallies.start(1);
      tallies.connected(1, ns);
      tallies.first_byte(1, ns + 1);
      tallies.succeed(1, ns + 2);
    }
    tallies.start(1);
    const HostTally tally = tallies.of(1);
    EXPECT_TRUE(tally.started);
    EXPECT_TRUE(tally.succeeded);
    EXPECT_EQ(tally.sessions_started, details ? 4U : 0U);
    EXPECT_EQ(tally.sessions_succeeded, details ? 3U : 0U);
    EXPECT_EQ(tally.connect.count, details ? 3U : 0U);
    EXPECT_EQ(tally.connect.min_ns, details ? 10U : 0U);
    EXPECT_EQ(tally.first_byte.sum_ns, details ? 63U : 0U);
    EXPECT_EQ(tally.session.max_ns, details ? 32U : 0U);
    EXPECT_FALSE(tallies.of(0).started);
  }
}

// Of a run on two shards, every second host cannot reach its server: what each host tells adds up to what the workload
// counts.
TEST(HostTallies, AddUpToWhatTheWorkloadCounts) {
  Site site{7};
  site.shards = 2;
  site.host_details = true;
  site.add("fetch", plan::HttpWorkload{}, 80).load.total = 21;
  site.start();
  site.network->filter = [](Bytes frame, Instant) {
    const auto segment = sim::segment_of(frame);
    const bool to_server = segment && segment->dest_port() == Port{80};
    return !to_server || frame[11] % 2 == 0;  // the last byte of the source's MAC address
  };
  ASSERT_TRUE(site.run());
  const WorkloadCounters all = site.workload();
  ASSERT_GT(all.sessions_succeeded, 0U);
  ASSERT_GT(all.sessions_failed, 0U);
  HostTally sum;
  std::uint64_t hosts_succeeded = 0;
  std::uint64_t hosts_failed = 0;
  for (std::uint32_t host = 0; host < 7; ++host) {
    const HostTally one = site.client_shards[host % 2]->sessions().clients().hosts_of(0).of(host / 2);
    EXPECT_EQ(one.sessions_started, 3U) << host;
    EXPECT_EQ(one.sessions_succeeded + one.sessions_failed, 3U) << host;
    EXPECT_EQ(one.connect.count, one.succeeded ? 3U : 0U) << host;
    sum.sessions_started += one.sessions_started;
    sum.sessions_succeeded += one.sessions_succeeded;
    sum.sessions_failed += one.sessions_failed;
    sum.first_byte.count += one.first_byte.count;
    sum.session.sum_ns += one.session.sum_ns;
    hosts_succeeded += one.succeeded ? 1U : 0U;
    hosts_failed += one.started && !one.succeeded ? 1U : 0U;
  }
  EXPECT_EQ(sum.sessions_started, all.sessions_started);
  EXPECT_EQ(sum.sessions_succeeded, all.sessions_succeeded);
  EXPECT_EQ(sum.sessions_failed, all.sessions_failed);
  EXPECT_EQ(sum.first_byte.count, all.first_byte.count());
  EXPECT_NEAR(static_cast<double>(sum.session.sum_ns), all.session.mean() * static_cast<double>(all.session.count()),
              1);
  EXPECT_EQ(hosts_succeeded, all.hosts_succeeded);
  EXPECT_EQ(hosts_failed, all.hosts_failed);
}

// A host that failed first and succeeded later is not one that failed.
TEST(HostTallies, ALaterSuccessCounts) {
  Site site{1};
  plan::Workload& fetch = site.add("fetch", plan::HttpWorkload{}, 80);
  fetch.load.total = 2;
  fetch.load.concurrent = 1;
  fetch.load.timeout = seconds{1};
  site.start();
  site.network->filter = [&, begun = site.network->now()](Bytes, Instant now) { return now - begun > seconds{1}; };
  ASSERT_TRUE(site.run());
  EXPECT_EQ(site.workload().sessions_failed, 1U);
  EXPECT_EQ(site.workload().sessions_succeeded, 1U);
  EXPECT_EQ(site.workload().hosts_succeeded, 1U);
  EXPECT_EQ(site.workload().hosts_failed, 0U);
}

}  // namespace
}  // namespace myriad::engine
