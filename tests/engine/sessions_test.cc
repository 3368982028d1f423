// Workloads of our hosts against services of our hosts, over a simulated wire: what is counted, in success and in every
// kind of failure.
#include "engine/sessions.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "app/sha256.h"
#include "tests/engine/site.h"
#include "tests/sim/frames.h"

namespace myriad::engine {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

plan::HttpWorkload get(std::string path, std::optional<std::uint64_t> bytes = {}) {
  plan::HttpWorkload http;
  http.list[0].path = std::move(path);
  http.list[0].verify.bytes = bytes;
  return http;
}

plan::TcpWorkload script(std::vector<plan::ScriptStep> steps) { return {std::move(steps)}; }

// Loses TCP frames for which `lose(segment)` is true.
template <class F>
void lose_tcp(Site& site, F lose) {
  site.network->filter = [lose](Bytes frame, Instant) {
    const auto segment = sim::segment_of(frame);
    return !segment || !lose(*segment);
  };
}

TEST(HttpSessions, EveryHostFetchesOnceAndVerifies) {
  Site site{100};
  app::Sha256 digest;
  Placement servers = place(site.plan, 1);
  std::vector<std::uint8_t> body(1000);
  servers.services[0].http.pattern.fill(0, body);
  digest.add(body);
  plan::HttpWorkload http = get("/file", 1000);
  http.list[0].verify.sha256 = digest.finish();
  site.add("fetch", http, 80);
  ASSERT_TRUE(site.run());
  const WorkloadCounters c = site.workload();
  EXPECT_EQ(c.sessions_started, 100U);
  EXPECT_EQ(c.sessions_succeeded, 100U);
  EXPECT_EQ(c.sessions_failed, 0U);
  EXPECT_EQ(c.sessions_open(), 0U);
  EXPECT_EQ(c.sessions_verified, 100U);
  EXPECT_EQ(c.hosts_succeeded, 100U);
  EXPECT_EQ(c.hosts_failed, 0U);
  EXPECT_EQ(c.concurrent_max, 100U);
  EXPECT_TRUE(c.target_answered);
  EXPECT_EQ(c.connect.count(), 100U);
  EXPECT_EQ(c.first_byte.count(), 100U);
  EXPECT_EQ(c.session.count(), 100U);
  EXPECT_GE(c.connect.min(), 200'000U) << "there and back again at 100 us each, and ARP for the first";
  EXPECT_GE(c.first_byte.min(), c.connect.min());
  EXPECT_GE(c.session.max(), c.first_byte.max());
  const std::string& request = std::get<Fetch>(site.placements[0]->workloads[0].kind).request;
  EXPECT_EQ(c.bytes_tx, 100 * request.size());
  EXPECT_GT(c.bytes_rx, 100 * 1000U);
  EXPECT_GE(c.tcp.segments_tx, 300U) << "SYN, request, FIN";
  EXPECT_EQ(c.tcp.retransmits, 0U);
  const ServiceCounters web = site.counters().services[0];
  EXPECT_EQ(web.sessions, 100U);
  EXPECT_EQ(web.bytes_rx, c.bytes_tx);
  EXPECT_EQ(web.bytes_tx, c.bytes_rx);
  // The server closed first, so TIME-WAIT is there and our client holds nothing.
  EXPECT_EQ(site.clients().stack().connections(), 0U);
  EXPECT_EQ(site.servers->stack().connections_in_time_wait(), 100U);
  EXPECT_EQ(site.clients().station().frames_missing(), 0U);
}

TEST(HttpSessions, OverIpv6ToAllServersInTurn) {
  Site site{9, 3};
  plan::Workload& workload = site.add("fetch", get("/", 1000), 80);
  workload.to.address = Site::kServers;
  workload.to.prefer_v6 = true;
  ASSERT_TRUE(site.run());
  EXPECT_EQ(site.workload().sessions_verified, 9U);
  EXPECT_EQ(site.counters().services[0].sessions, 9U);
  EXPECT_GT(site.counters().groups[0].neighbour_solicitations_tx, 0U);
}

TEST(HttpSessions, ALossyWireLosesNoSession) {
  Site site{40};
  site.wire.loss = 0.05;
  site.wire.jitter = milliseconds{1};
  site.wire.duplicate = 0.02;
  site.wire.corrupt = 0.02;
  plan::Workload& workload = site.add("fetch", get("/bytes/100000", 100000), 80);
  workload.load.timeout = seconds{300};
  ASSERT_TRUE(site.run(seconds{2000}));
  EXPECT_EQ(site.workload().sessions_verified, 40U);
  EXPECT_EQ(site.workload().sessions_failed, 0U);
  EXPECT_GT(site.workload().tcp.out_of_order_rx, 0U);
  EXPECT_EQ(site.counters().services[0].bytes_tx, site.workload().bytes_rx)
      << "retransmissions are not counted as payload";
}

TEST(HttpSessions, WrongContentIsAFailureAndOnlyTheLastTryCounts) {
  Site site{10};
  plan::Workload& workload = site.add("fetch", get("/bytes/1000", 999), 80);
  workload.load.retries = 2;
  ASSERT_TRUE(site.run());
  const WorkloadCounters c = site.workload();
  EXPECT_EQ(c.sessions_started, 10U);
  EXPECT_EQ(c.sessions_failed, 10U);
  EXPECT_EQ(failures(c, Failure::kVerifyMismatch), 10U);
  EXPECT_EQ(c.retries, 20U);
  EXPECT_EQ(c.hosts_failed, 10U);
  EXPECT_EQ(c.hosts_succeeded, 0U);
  EXPECT_EQ(c.sessions_verified, 0U);
  EXPECT_EQ(c.session.count(), 0U);
  EXPECT_EQ(site.counters().services[0].sessions, 30U);
}

TEST(HttpSessions, ARetryMaySucceed) {
  Site site{1};
  site.add("fetch", get("/"), 80).load.retries = 3;
  site.plan.workloads[0].load.timeout = milliseconds{200};
  site.start();
  int syns = 0;
  lose_tcp(site, [&syns](const wire::TcpView& s) { return s.flags() == wire::kTcpSyn && ++syns <= 2; });
  ASSERT_TRUE(site.run());
  EXPECT_EQ(site.workload().sessions_succeeded, 1U);
  EXPECT_EQ(site.workload().sessions_failed, 0U);
  EXPECT_EQ(site.workload().retries, 2U);
}

TEST(HttpSessions, StatusesThatAreNotSuccess) {
  Site site{3};
  site.add("fetch", get("/bytes/99999999999999999999"), 80);
  ASSERT_TRUE(site.run());
  EXPECT_EQ(failures(site.workload(), Failure::kHttpStatus4xx), 3U);
}

TEST(HttpSessions, NotHttpIsMalformed) {
  Site site{3};
  site.add("fetch", get("/"), 7);  // an echo: our own request comes back
  ASSERT_TRUE(site.run());
  EXPECT_EQ(failures(site.workload(), Failure::kHttpMalformed), 3U);
}

TEST(HttpSessions, HeldConnectionsStayOpenAndThenEnd) {
  Site site{20};
  site.add("fetch", get("/"), 80).load.hold = seconds{30};
  site.run_for(seconds{29});
  EXPECT_EQ(site.clients().stack().connections(), 20U);
  EXPECT_EQ(site.workload().sessions_open(), 20U);
  EXPECT_EQ(site.clients().sessions().clients().talking(), 0U) << "what talking needs has been given back";
  EXPECT_EQ(site.servers->sessions().services().open(), 20U);
  EXPECT_EQ(site.servers->sessions().services().busy(), 0U);
  ASSERT_TRUE(site.run());
  EXPECT_EQ(site.workload().sessions_succeeded, 20U);
  EXPECT_LT(site.workload().session.max(), 1'000'000'000U) << "the hold is not part of the session's time";
  EXPECT_EQ(site.clients().stack().connections_in_time_wait(), 20U) << "we closed first";
}

TEST(HttpSessions, ADigestServesOneSessionAfterTheOther) {
  Site pattern;
  pattern.start();
  app::Sha256 digest;
  digest.add(pattern.body(1000));
  plan::HttpWorkload http = get("/file");
  http.list[0].verify.sha256 = digest.finish();
  Site site{2};
  plan::Workload& workload = site.add("fetch", http, 80);
  workload.load.concurrent = 1;
  workload.load.total = 7;
  ASSERT_TRUE(site.run());
  EXPECT_EQ(site.workload().sessions_verified, 7U);
  EXPECT_EQ(site.clients().sessions().clients().talking(), 0U);
}

TEST(HttpSessions, ClosedWhileHeld) {
  Site site{5};
  site.add("fetch", get("/"), 80).load.hold = seconds{30};
  site.run_for(seconds{5});
  site.servers->sessions().abort_all();
  ASSERT_TRUE(site.run());
  EXPECT_EQ(failures(site.workload(), Failure::kClosedWhileHeld), 5U);
  EXPECT_EQ(site.workload().sessions_succeeded, 0U);
}

TEST(HttpSessions, ResetInTheMiddleOfTheBody) {
  Site site{5};
  site.add("fetch", get("/bytes/1000000000"), 80);
  site.run_for(milliseconds{20});
  site.servers->sessions().abort_all();
  ASSERT_TRUE(site.run());
  EXPECT_EQ(failures(site.workload(), Failure::kResetAfterData), 5U);
}

TEST(Failures, RefusedByAClosedPort) {
  Site site{10};
  site.add("fetch", get("/"), 81);
  ASSERT_TRUE(site.run());
  EXPECT_EQ(failures(site.workload(), Failure::kRefused), 10U);
  EXPECT_TRUE(site.workload().target_answered);
}

TEST(Failures, NobodyThere) {
  Site site{10};
  site.add("fetch", get("/"), 80).to.address = *IpAddress::parse("10.0.9.9");
  ASSERT_TRUE(site.run());
  EXPECT_EQ(failures(site.workload(), Failure::kNeighbourTimeout), 10U);
  EXPECT_FALSE(site.workload().target_answered);
}

TEST(Failures, NoWayThere) {
  Site site{10};
  site.add("fetch", get("/"), 80).to.address = *IpAddress::parse("192.0.2.1");
  site.add("ping", plan::IcmpEchoWorkload{}, 0).to.address = *IpAddress::parse("192.0.2.1");
  ASSERT_TRUE(site.run());
  EXPECT_EQ(failures(site.workload(0), Failure::kUnreachable), 10U);
  EXPECT_EQ(failures(site.workload(1), Failure::kUnreachable), 10U);
  EXPECT_FALSE(site.workload(0).target_answered);
}

TEST(Failures, AClosedLoopOfSessionsThatCannotBeginDoesNotSpin) {
  Site site{10};
  plan::Workload& workload = site.add("fetch", get("/"), 80);
  workload.to.address = *IpAddress::parse("192.0.2.1");
  workload.load.concurrent = 10;
  site.run_for(milliseconds{1'950});
  EXPECT_EQ(failures(site.workload(), Failure::kUnreachable), 200U);
  site.clients().sessions().stop_starting();
  EXPECT_TRUE(site.clients().sessions().finished());
}

TEST(Failures, ConnectTimeout) {
  Site site{10};
  site.add("fetch", get("/"), 80).load.timeout = seconds{5};
  site.start();
  lose_tcp(site, [](const wire::TcpView&) { return true; });
  ASSERT_TRUE(site.run());
  EXPECT_EQ(failures(site.workload(), Failure::kConnectTimeout), 10U);
  EXPECT_EQ(site.clients().stack().connections(), 0U);
}

TEST(Failures, ResponseTimeout) {
  Site site{10};
  site.add("fetch", get("/"), 9).load.timeout = seconds{5};
  ASSERT_TRUE(site.run());
  EXPECT_EQ(failures(site.workload(), Failure::kResponseTimeout), 10U);
  EXPECT_TRUE(site.workload().target_answered);
}

TEST(Failures, TimeoutOfAnAnswerThatHasBegun) {
  Site site{2};
  site.add("fetch", get("/bytes/1000000000"), 80).load.timeout = milliseconds{50};
  ASSERT_TRUE(site.run());
  EXPECT_EQ(failures(site.workload(), Failure::kTimeout), 2U);
}

TEST(ScriptSessions, AMegabyteComesBackFromAnEcho) {
  Site site{4};
  site.wire.loss = 0.01;
  site.add("talk",
           script({plan::SendText{"hello"}, plan::ExpectText{"llo"}, plan::SendBytes{1 << 20},
                   plan::ExpectBytes{1 << 20}, plan::CloseStream{}}),
           7)
      .load.timeout = seconds{300};
  ASSERT_TRUE(site.run(seconds{1000}));
  EXPECT_EQ(site.workload().sessions_succeeded, 4U);
  EXPECT_EQ(site.workload().bytes_tx, 4 * (5 + (1U << 20)));
  EXPECT_EQ(site.workload().bytes_rx, 4 * (5 + (1U << 20)));
  EXPECT_EQ(site.counters().services[1].bytes_tx, 4 * (5 + (1U << 20)));
}

TEST(ScriptSessions, ADiscardTakesEverything) {
  Site site{4};
  site.add("talk", script({plan::SendBytes{300'000}, plan::CloseStream{}}), 9);
  ASSERT_TRUE(site.run());
  EXPECT_EQ(site.workload().sessions_succeeded, 4U);
  EXPECT_EQ(site.counters().services[2].bytes_rx, 4 * 300'000U);
  EXPECT_EQ(site.counters().services[2].bytes_tx, 0U);
}

TEST(ScriptSessions, ExpectTimeout) {
  Site site{4};
  site.add("talk", script({plan::SendText{"hello"}, plan::ExpectText{"goodbye"}}), 7).load.timeout = seconds{3};
  ASSERT_TRUE(site.run());
  EXPECT_EQ(failures(site.workload(), Failure::kExpectTimeout), 4U);
}

TEST(ScriptSessions, ClosedBeforeWhatWasExpectedCame) {
  Site site{4};
  site.add("talk", script({plan::SendText{"GET / HTTP/1.0\r\n\r\n"}, plan::ExpectText{"never sent"}}), 80);
  ASSERT_TRUE(site.run());
  EXPECT_EQ(failures(site.workload(), Failure::kClosedEarly), 4U);
}

TEST(ScriptSessions, EndsWhetherOrNotTheScriptOrThePeerCloses) {
  Site site{2};
  const std::string request = "GET / HTTP/1.0\r\n\r\n";
  site.add("we close", script({plan::SendText{request}, plan::ExpectText{"200 OK"}, plan::CloseStream{}}), 80);
  site.add("nobody says close", script({plan::SendText{"x"}, plan::ExpectText{"x"}}), 7);
  site.add("send last",
           script({plan::SendText{request}, plan::ExpectText{"200 OK"}, plan::SendText{"bye"}, plan::CloseStream{}}),
           80);
  site.add("nothing at all", script({}), 9);
  ASSERT_TRUE(site.run());
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(site.workload(i).sessions_succeeded, 2U) << i;
  site.run_for(seconds{100});
  EXPECT_EQ(site.clients().stack().connections(), 0U);
  EXPECT_EQ(site.servers->stack().connections(), 0U);
}

TEST(ScriptSessions, PipelinedRequestsAreAllAnswered) {
  Site site{3};
  site.wire.loss = 0.02;
  std::string requests;
  std::vector<plan::ScriptStep> steps;
  for (int i = 0; i < 200; ++i) requests += "GET /bytes/3000 HTTP/1.1\r\nHost: h\r\n\r\n";
  steps.emplace_back(plan::SendText{requests});
  for (int i = 0; i < 200; ++i) {
    steps.emplace_back(plan::ExpectText{"Content-Length: 3000\r\n\r\n"});
    steps.emplace_back(plan::ExpectBytes{3000});
  }
  steps.emplace_back(plan::CloseStream{});
  site.add("talk", script(std::move(steps)), 80).load.timeout = seconds{200};
  ASSERT_TRUE(site.run(seconds{1000}));
  EXPECT_EQ(site.workload().sessions_succeeded, 3U);
}

// Segments with data of the clients are lost for three seconds, so that the servers see what they sent acknowledged and
// then nothing for a while: what they were lent goes back, and the dialogue continues at the right place in the stream.
TEST(ScriptSessions, ADialogueGoesOnAfterARest) {
  for (const std::uint16_t port : {std::uint16_t{80}, std::uint16_t{7}}) {
    Site site{1};
    std::vector<plan::ScriptStep> steps;
    for (int i = 1; i <= 3; ++i) {
      const std::string count = std::to_string(i * 100);
      steps.emplace_back(plan::SendText{"GET /bytes/" + count + " HTTP/1.1\r\nHost: h\r\n\r\n"});
      if (port == 80) {
        steps.emplace_back(plan::ExpectText{"Content-Length: " + count + "\r\n\r\n"});
        steps.emplace_back(plan::ExpectBytes{static_cast<std::uint64_t>(i) * 100});
      } else {
        steps.emplace_back(plan::ExpectText{"GET /bytes/" + count + " HTTP/1.1\r\nHost: h\r\n\r\n"});
      }
    }
    site.add("talk", script(std::move(steps)), port).load.timeout = seconds{100};
    site.start();
    std::map<std::uint32_t, Instant> first;
    lose_tcp(site, [&](const wire::TcpView& segment) {
      if (segment.dest_port() != Port{port} || segment.payload().empty()) return false;
      const Instant now = site.network->now();
      return now < first.emplace(segment.seq().value(), now).first->second + seconds{3};
    });
    const Services& services = site.servers->sessions().services();
    for (std::uint32_t rest = 1; rest <= 2; ++rest) {
      ASSERT_TRUE(site.network->run_until([&] { return services.busy() == 1; }, seconds{20})) << port << " " << rest;
      ASSERT_TRUE(site.network->run_until([&] { return services.busy() == 0; }, seconds{20})) << port << " " << rest;
      EXPECT_EQ(services.open(), 1U) << "it rests, and is not over";
    }
    ASSERT_TRUE(site.run());
    EXPECT_EQ(site.workload().sessions_succeeded, 1U) << port;
    const ServiceCounters service = site.counters().services[port == 80 ? 0 : 1];
    EXPECT_EQ(service.bytes_tx, site.workload().bytes_rx) << "nothing is counted twice after a rest";
  }
}

TEST(ScriptSessions, HalfClosedRequestsAreStillAnswered) {
  Site site{3};
  std::string requests;
  std::vector<plan::ScriptStep> steps;
  for (int i = 0; i < 20; ++i) requests += "GET /bytes/3000 HTTP/1.1\r\nHost: h\r\n\r\n";
  steps.emplace_back(plan::SendText{requests});
  steps.emplace_back(plan::CloseStream{});
  for (int i = 0; i < 20; ++i) steps.emplace_back(plan::ExpectText{"Content-Length: 3000\r\n\r\n"});
  site.add("talk", script(std::move(steps)), 80);
  ASSERT_TRUE(site.run());
  EXPECT_EQ(site.workload().sessions_succeeded, 3U);
}

TEST(PingSessions, CountRequestsAtTheInterval) {
  Site site{50};
  site.add("ping", plan::IcmpEchoWorkload{3, seconds{1}, 56}, 0);
  plan::Workload& v6 = site.add("ping6", plan::IcmpEchoWorkload{3, seconds{1}, 56}, 0);
  v6.to.address = *IpAddress::parse("fd00::2:1");
  ASSERT_TRUE(site.run());
  for (std::size_t i = 0; i < 2; ++i) {
    const WorkloadCounters c = site.workload(i);
    EXPECT_EQ(c.sessions_succeeded, 50U);
    EXPECT_EQ(c.sessions_verified, 50U);
    EXPECT_EQ(c.bytes_tx, 50 * 3 * 56U);
    EXPECT_EQ(c.bytes_rx, 50 * 3 * 56U);
    EXPECT_EQ(c.first_byte.count(), 50U);
    EXPECT_NEAR(static_cast<double>(c.first_byte.max()), 200'000, 10'000) << "the round trip";
    EXPECT_GE(c.session.min(), 2'000'000'000U);
    EXPECT_EQ(c.connect.count(), 0U);
    EXPECT_TRUE(c.target_answered);
  }
  EXPECT_EQ(site.counters().groups[1].echo_replies_tx, 300U);
}

TEST(PingSessions, OneLostReplyFailsTheSession) {
  Site site{10};
  site.add("ping", plan::IcmpEchoWorkload{4, milliseconds{100}, 56}, 0).load.timeout = seconds{2};
  site.start();
  int replies = 0;
  site.network->filter = [&replies](Bytes frame, Instant) {
    const auto ethernet = wire::EthernetView::parse(frame);
    const auto ip = wire::IpView::parse(ethernet->payload(), ethernet->ether_type());
    const bool reply = ip && ip->protocol() == wire::kProtocolIcmp && ip->payload()[0] == wire::kIcmpv4EchoReply;
    return !(reply && ++replies == 15);
  };
  ASSERT_TRUE(site.run());
  EXPECT_EQ(site.workload().sessions_succeeded, 9U);
  EXPECT_EQ(failures(site.workload(), Failure::kResponseTimeout), 1U);
}

TEST(PingSessions, DuplicatesAndNoiseAreNotAnswers) {
  Site site{20};
  site.wire.duplicate = 1;
  site.add("ping", plan::IcmpEchoWorkload{5, milliseconds{10}, 1000}, 0).load.retries = 5;
  ASSERT_TRUE(site.run());
  EXPECT_EQ(site.workload().sessions_succeeded, 20U);
  EXPECT_EQ(site.workload().bytes_rx, 20 * 5 * 1000U);
}

TEST(PingSessions, NobodyThere) {
  Site site{10};
  site.add("ping", plan::IcmpEchoWorkload{}, 0).to.address = *IpAddress::parse("10.0.9.9");
  ASSERT_TRUE(site.run());
  EXPECT_EQ(failures(site.workload(), Failure::kNeighbourTimeout), 10U);
  EXPECT_FALSE(site.workload().target_answered);
}

TEST(Loads, ConcurrentUntilTotal) {
  Site site{100};
  plan::Workload& workload = site.add("fetch", get("/", 1000), 80);
  workload.load.concurrent = 10;
  workload.load.total = 1000;
  ASSERT_TRUE(site.run());
  EXPECT_EQ(site.workload().sessions_verified, 1000U);
  EXPECT_EQ(site.workload().concurrent_max, 10U);
  EXPECT_EQ(site.workload().hosts_succeeded, 100U);
}

TEST(Loads, ThinkPutsOffTheNextSessionOfAHost) {
  Site site{4};
  plan::Workload& workload = site.add("ping", plan::IcmpEchoWorkload{}, 0);
  workload.load.concurrent = 4;
  workload.load.think = seconds{1};
  site.run_for(milliseconds{9'900});
  EXPECT_EQ(site.workload().sessions_succeeded, 40U);
  site.clients().sessions().stop_starting();
  EXPECT_TRUE(site.clients().sessions().finished()) << "nobody thinks about what will not come";
}

TEST(Loads, RateOverManyShards) {
  for (const std::uint32_t shards : {1U, 2U, 3U}) {
    Site site{50};
    site.shards = shards;
    plan::Workload& workload = site.add("fetch", get("/", 1000), 80);
    workload.load.rate = 100;
    workload.load.total = 250;
    ASSERT_TRUE(site.run());
    EXPECT_EQ(site.workload().sessions_verified, 250U);
    EXPECT_EQ(site.workload().hosts_succeeded, 50U);
    EXPECT_EQ(site.workload().starts_missed, 0U);
    EXPECT_NEAR(to_seconds(site.network->now() - Instant{1'000'000'000}), 2.5, 0.1);
  }
}

TEST(Loads, EveryHostOnceOverManyShards) {
  for (const std::uint32_t shards : {2U, 3U, 4U}) {
    Site site{30, 7};
    site.shards = shards;
    site.add("fetch", get("/", 1000), 80).to.address = Site::kServers;
    ASSERT_TRUE(site.run());
    EXPECT_EQ(site.workload().sessions_verified, 30U);
    EXPECT_EQ(site.workload().hosts_succeeded, 30U);
  }
}

TEST(Loads, SeveralSessionsPerHost) {
  Site site{5};
  site.add("fetch", get("/", 1000), 80).load.per_host = 20;
  ASSERT_TRUE(site.run());
  EXPECT_EQ(site.workload().sessions_verified, 100U);
  EXPECT_EQ(site.workload().concurrent_max, 100U);
  EXPECT_EQ(site.workload().hosts_succeeded, 5U);
}

TEST(Ending, StopLetsOpenSessionsEndAndStartsNoMore) {
  Site site{10};
  site.add("fetch", get("/bytes/500000", 500000), 80).load.concurrent = 10;
  site.run_for(milliseconds{40});
  site.clients().sessions().stop_starting();
  const std::uint64_t started = site.workload().sessions_started;
  ASSERT_TRUE(site.run());
  EXPECT_EQ(site.workload().sessions_started, started);
  EXPECT_EQ(site.workload().sessions_succeeded, started);
}

TEST(Ending, AbortResetsEverythingAndCountsItAsOpen) {
  Site site{10};
  site.add("fetch", get("/bytes/1000000000"), 80);
  site.run_for(milliseconds{10});
  site.clients().sessions().abort_all();
  EXPECT_TRUE(site.clients().sessions().finished());
  EXPECT_EQ(site.workload().sessions_open(), 10U);
  EXPECT_EQ(site.workload().sessions_failed, 0U);
  site.run_for(seconds{1});
  EXPECT_EQ(site.clients().stack().connections(), 0U);
  EXPECT_EQ(site.servers->stack().connections(), 0U) << "the server has heard the resets";
}

TEST(Ending, AHeldSessionHasDoneItsPart) {
  Site site{10};
  site.add("fetch", get("/"), 80).load.hold = seconds{30};
  site.run_for(seconds{1});
  site.clients().sessions().abort_all();
  EXPECT_EQ(site.workload().sessions_succeeded, 10U);
  EXPECT_EQ(site.workload().sessions_open(), 0U);
}

// A host that sends datagrams and keeps what comes back.
struct UdpProbe {
  std::vector<std::string> heard;
  void on_event(const stack::Event& event, Instant) {
    if (event.kind == stack::EventKind::kDatagram) heard.emplace_back(event.data.begin(), event.data.end());
  }
  void read(stack::Cookie, std::uint64_t, MutableBytes) {}
};

TEST(Datagrams, EchoAnswersDiscardDoesNotAndServicesDoNotAnswerEachOther) {
  Site site{1};
  site.start();
  stack::HostGroup group = site.placements[0]->groups[0];
  group.first_mac = MacAddress::from_number(0x024e00000001ULL);
  group.ipv4 = Ipv4Prefix{*Ipv4Address::parse("10.0.3.1"), 8};
  group.ipv6.reset();
  sim::Station& station = site.network->add({group});
  UdpProbe probe;
  station.attach(probe);
  station.stack().listen_udp(0, Port{5000}, 0);
  station.stack().listen_udp(0, Port{9}, 0);
  const IpAddress server = *IpAddress::parse("10.0.2.1");
  const std::string text = "datagram";
  const Bytes bytes{reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
  const auto send = [&](std::uint16_t from, std::uint16_t to) {
    station.stack().send_datagram(stack::HostId{0}, server, Port{from}, Port{to}, bytes, site.network->now(),
                                  station.batch());
    site.network->run(seconds{1});
  };
  send(5000, 7);  // asks for the neighbour
  send(5000, 7);
  ASSERT_EQ(probe.heard.size(), 1U);
  EXPECT_EQ(probe.heard[0], text);
  send(5000, 9);
  send(9, 7);  // as if the discard service had sent it
  EXPECT_EQ(probe.heard.size(), 1U);
  const ShardCounters counters = site.counters();
  EXPECT_EQ(counters.services[1].sessions, 2U);
  EXPECT_EQ(counters.services[1].bytes_tx, text.size());
  EXPECT_EQ(counters.services[2].bytes_rx, text.size());
}

}  // namespace
}  // namespace myriad::engine
