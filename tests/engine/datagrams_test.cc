// Sessions by datagrams: DNS against a service of the site, in every trouble.
#include <gtest/gtest.h>

#include "engine/sessions.h"
#include "tests/engine/site.h"

namespace myriad::engine {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

app::DnsQuery query(std::string_view name, app::DnsType type, const std::vector<std::string>& answers = {}) {
  app::DnsQuery query;
  query.name = app::DnsName::parse(name).value();
  query.type = type;
  if (!answers.empty()) {
    query.expect.answers.emplace();
    for (const std::string& answer : answers) {
      query.expect.answers->push_back(app::dns_data(type, answer, app::DnsName{}).value());
    }
  }
  return query;
}

std::shared_ptr<const app::DnsZone> zone() {
  const app::DnsName origin = app::DnsName::parse("example.test").value();
  const auto record = [&](std::string_view name, app::DnsType type, std::string_view data) {
    return app::DnsZoneRecord{app::DnsName::parse(name)->under(origin).value(), type, 60,
                              app::dns_data(type, data, origin).value()};
  };
  std::vector<app::DnsZoneRecord> records = {record("www", app::DnsType::kA, "10.0.255.1")};
  for (int i = 0; i < 10; ++i) records.push_back(record("long", app::DnsType::kTxt, std::string(200, 'x')));
  return std::make_shared<const app::DnsZone>(origin, 60, std::move(records));
}

struct Scene {
  Site site;
  explicit Scene(app::DnsQuery asked, std::uint32_t hosts = 10) : site{hosts} {
    site.plan.services.push_back({"names", Site::kServers, Port{53}, plan::DnsService{"example.test.", 11, zone()}});
    plan::DnsWorkload dns;
    dns.questions.queries.push_back(std::move(asked));
    site.add("lookup", dns, 53);
  }
  app::DnsQuestions& questions() { return std::get<plan::DnsWorkload>(site.plan.workloads[0].kind).questions; }
  plan::LoadPlan& load() { return site.plan.workloads[0].load; }
  void expect_nothing_left() {
    for (const auto& shard : site.client_shards) {
      EXPECT_EQ(shard->stack().conversations(), 0U);
      EXPECT_EQ(shard->station().frames_missing(), 0U);
    }
  }
};

app::DnsQuery www() { return query("www.example.test", app::DnsType::kA, {"10.0.255.1"}); }

TEST(DnsSessions, AskAndAreAnswered) {
  for (const std::uint32_t shards : {1U, 3U}) {
    Scene scene{www(), 50};
    scene.site.shards = shards;
    ASSERT_TRUE(scene.site.run());
    const WorkloadCounters c = scene.site.workload();
    EXPECT_EQ(c.sessions_verified, 50U);
    EXPECT_EQ(c.first_byte.count(), 50U);
    EXPECT_EQ(c.connect.count(), 0U) << "there is no handshake";
    EXPECT_EQ(c.bytes_tx, 50U * (12 + 18 + 4 + 11));
    EXPECT_GT(c.bytes_rx, c.bytes_tx);
    EXPECT_TRUE(c.target_answered);
    const ServiceCounters service = scene.site.counters().services[3];
    EXPECT_EQ(service.sessions, 50U);
    EXPECT_EQ(service.bytes_tx, c.bytes_rx);
    scene.expect_nothing_left();
  }
}

TEST(DnsSessions, WhatIsTruncatedIsAskedForByTcp) {
  Scene scene{query("long.example.test", app::DnsType::kTxt)};
  scene.questions().per_session = 3;
  ASSERT_TRUE(scene.site.run());
  const WorkloadCounters c = scene.site.workload();
  EXPECT_EQ(c.sessions_succeeded, 10U) << c.sessions_failed;
  EXPECT_GT(c.bytes_rx, 10U * 3 * 2000);
  scene.expect_nothing_left();
}

TEST(DnsSessions, LossIsMadeGoodByAskingAgain) {
  Scene scene{www(), 100};
  scene.site.wire.loss = 0.2;
  scene.site.wire.duplicate = 0.1;
  scene.site.wire.jitter = milliseconds{2};
  scene.questions().tries = 8;
  scene.questions().retry = milliseconds{500};
  scene.load().timeout = seconds{200};
  ASSERT_TRUE(scene.site.run());
  EXPECT_EQ(scene.site.workload().sessions_verified, 100U);
  scene.expect_nothing_left();
}

TEST(DnsSessions, AClosedPortIsARefusal) {
  Scene scene{www()};
  scene.site.plan.services.pop_back();
  ASSERT_TRUE(scene.site.run());
  const WorkloadCounters c = scene.site.workload();
  EXPECT_EQ(failures(c, Failure::kRefused), 10U);
  EXPECT_TRUE(c.target_answered);
  scene.expect_nothing_left();
}

TEST(DnsSessions, SilenceHasAnEnd) {
  Scene scene{www()};
  scene.site.plan.services.back().kind = plan::DiscardService{};
  ASSERT_TRUE(scene.site.run());
  EXPECT_EQ(failures(scene.site.workload(), Failure::kResponseTimeout), 10U);
  EXPECT_EQ(scene.site.counters().services[3].sessions, 30U) << "each asked three times";
  EXPECT_FALSE(scene.site.workload().target_answered);
  scene.expect_nothing_left();
}

TEST(DnsSessions, PatienceMayEndBeforeTheTries) {
  Scene scene{www()};
  scene.site.plan.services.back().kind = plan::DiscardService{};
  scene.load().timeout = milliseconds{2500};
  scene.load().retries = 1;
  ASSERT_TRUE(scene.site.run());
  const WorkloadCounters c = scene.site.workload();
  EXPECT_EQ(failures(c, Failure::kResponseTimeout), 10U);
  EXPECT_EQ(c.retries, 10U);
  EXPECT_EQ(scene.site.counters().services[3].sessions, 40U);
  scene.expect_nothing_left();
}

TEST(DnsSessions, AnEchoIsNoAnswer) {
  Scene scene{www()};
  scene.site.plan.services.back().kind = plan::EchoService{};
  ASSERT_TRUE(scene.site.run());
  EXPECT_EQ(failures(scene.site.workload(), Failure::kDnsMalformed), 10U);
  scene.expect_nothing_left();
}

TEST(DnsSessions, NobodyThereIsNoNeighbour) {
  Scene scene{www()};
  scene.site.plan.workloads[0].to.address = *IpAddress::parse("10.0.99.99");
  ASSERT_TRUE(scene.site.run());
  EXPECT_EQ(failures(scene.site.workload(), Failure::kNeighbourTimeout), 10U);
  scene.expect_nothing_left();
}

TEST(DnsSessions, AnyNumberOfHostsWaitForTheSameNeighbour) {
  Scene scene{www(), 2000};
  scene.site.plan.groups[Site::kClients].ipv4->address = *Ipv4Address::parse("10.1.0.1");
  ASSERT_TRUE(scene.site.run());
  EXPECT_EQ(scene.site.workload().sessions_verified, 2000U);
  scene.expect_nothing_left();
}

TEST(DnsSessions, StoppedInTheMiddleTheyLeaveNothing) {
  Scene scene{www()};
  scene.site.plan.services.back().kind = plan::DiscardService{};
  scene.site.run_for(milliseconds{1500});
  scene.site.clients().sessions().abort_all();
  EXPECT_EQ(scene.site.workload().sessions_open(), 10U);
  scene.site.run_for(milliseconds{100});
  scene.expect_nothing_left();
}

TEST(DnsSessions, HeldByARateTheyFollowOneAnother) {
  Scene scene{www(), 5};
  scene.load().rate = 100;
  scene.load().total = 300;
  ASSERT_TRUE(scene.site.run());
  EXPECT_EQ(scene.site.workload().sessions_verified, 300U);
  scene.expect_nothing_left();
}

TEST(UdpServices, ChargenAnswersADatagramWithLinesButNotAService) {
  Scene scene{www()};
  scene.site.plan.services.back().kind = plan::ChargenService{};
  ASSERT_TRUE(scene.site.run());
  const WorkloadCounters c = scene.site.workload();
  EXPECT_EQ(c.sessions_failed, 10U) << "lines are no answer";
  EXPECT_GT(c.bytes_rx, 0U);
  EXPECT_LE(c.bytes_rx, 30U * 512);
}

}  // namespace
}  // namespace myriad::engine
