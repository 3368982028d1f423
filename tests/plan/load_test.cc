// A good file, and every field of the Plan that comes of it.
#include "templates/plan/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/plan/plan_of.h"

namespace myriad::plan {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::VariantWith;

constexpr const char* kEverything = R"(
version: 1
seed: 42
duration: 90s

ports:
  lan: {interface: eth1, queues: 4, shards: 2, mode: zero-copy}
  wan: {interface: eth2, queues: auto, shards: auto, mode: skb}
  lab: {interface: eth3, mode: copy}
  any: {}

hosts:
  clients: &clients
    port: lan
    count: 1000
    mac: 02:4d:00:00:10:01
    ipv4: 10.0.1.1/16
    ipv6: fd00::1:1/64
    gateway: 10.0.255.254
    gateway6: fe80::1
    vlan: {id: [100, 7], per: 50}
    mtu: 1400
    resolve: each
    announce: true
  servers: {port: wan, count: 10, mac: from-ipv4, ipv4: 10.0.9.1/16, gateway: 10.0.255.254, vlan: 100}
  plain: {port: wan, ipv6: "fd00::5/64", vlan: [5, 6]}

services:
  web: {on: servers, port: 80, http: {body: 64KiB}}
  echo: {on: servers, port: 7, echo: }
  sink: {on: plain, port: 9, discard: {}}

workloads:
  fetch:
    from: clients
    to: 10.0.255.1:8080
    http:
      get: /file.bin
      host: files.example.test
      verify: {sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08, bytes: 4}
    load: {concurrent: 2000, total: 5000, per_host: 2, hold: 30s, think: 1s, timeout: 5s, retries: 3}
  ping: {from: clients, to: "fd00::99", icmp_echo: {count: 3, interval: 250ms, size: 100B}, load: {rate: 30/m}}
  talk:
    from: clients
    to: servers:7
    tcp: {script: [send: "hello\r\n", expect: "250", send_bytes: 1MiB, expect_bytes: 64KiB, close, expect: bye]}
    load:
      of: rate
      stages: [{duration: 10s, target: 100/s}, {duration: 1m, target: 0/s}]
  ramp: {from: clients, to: "[fd00::99]:80", http: {}, load: {stages: [{duration: 10s, target: 500}]}}

thresholds:
  fetch.sessions_failed: ["== 0", "!= 1"]
  fetch.session_seconds: ["p(99) < 2s", "mean <= 100ms", "p(99.9) >= 1us", "count > 10"]
  web.bytes_tx: ["> 1MiB"]
  clients.unresolved: "== 0"
  lan.drops.truncated: ["<5"]
)";

TEST(Load, Scenario) {
  const Plan plan = plan_of(kEverything);
  EXPECT_EQ(plan.file, "scenario.yaml");
  EXPECT_EQ(plan.seed, 42U);
  EXPECT_EQ(plan.duration, Duration{90s});
}

TEST(Load, Ports) {
  const Plan plan = plan_of(kEverything);
  ASSERT_EQ(plan.ports.size(), 4U);
  EXPECT_EQ(plan.ports[0].name, "lan");
  EXPECT_EQ(plan.ports[0].interface, "eth1");
  EXPECT_EQ(plan.ports[0].queues, 4U);
  EXPECT_EQ(plan.ports[0].shards, 2U);
  EXPECT_EQ(plan.ports[0].mode, PortMode::kZeroCopy);
  EXPECT_EQ(plan.ports[1].queues, std::nullopt);
  EXPECT_EQ(plan.ports[1].shards, std::nullopt);
  EXPECT_EQ(plan.ports[1].mode, PortMode::kSkb);
  EXPECT_EQ(plan.ports[2].mode, PortMode::kCopy);
  EXPECT_EQ(plan.ports[3].mode, PortMode::kAuto);
  EXPECT_EQ(plan.ports[3].interface, "");
}

TEST(Load, Hosts) {
  const Plan plan = plan_of(kEverything);
  ASSERT_EQ(plan.groups.size(), 3U);
  const HostGroup& clients = plan.groups[0];
  EXPECT_EQ(clients.name, "clients");
  EXPECT_EQ(clients.port, 0U);
  EXPECT_EQ(clients.count, 1000U);
  EXPECT_EQ(clients.mac.text(), "02:4d:00:00:10:01");
  EXPECT_EQ(clients.ipv4->text(), "10.0.1.1/16");
  EXPECT_EQ(clients.ipv6->text(), "fd00::1:1/64");
  EXPECT_EQ(clients.gateway->text(), "10.0.255.254");
  EXPECT_EQ(clients.gateway6->text(), "fe80::1");
  EXPECT_EQ(clients.vlan.tags, (VlanTags{100, 7}));
  EXPECT_EQ(clients.vlan.per, 50U);
  EXPECT_EQ(clients.mtu, 1400);
  EXPECT_EQ(clients.resolve, Resolve::kEach);
  EXPECT_TRUE(clients.announce);

  const HostGroup& servers = plan.groups[1];
  EXPECT_EQ(servers.port, 1U);
  EXPECT_EQ(servers.mac.text(), "02:4d:0a:00:09:01");
  EXPECT_EQ(servers.vlan.tags, (VlanTags{100, 0}));
  EXPECT_EQ(servers.vlan.per, 0U);
  EXPECT_FALSE(servers.ipv6);
  EXPECT_EQ(servers.mtu, 1500);
  EXPECT_EQ(servers.resolve, Resolve::kShared);
  EXPECT_FALSE(servers.announce);

  EXPECT_EQ(plan.groups[2].count, 1U);
  EXPECT_FALSE(plan.groups[2].ipv4);
  EXPECT_EQ(plan.groups[2].vlan.tags, (VlanTags{5, 6}));
}

TEST(Load, Services) {
  const Plan plan = plan_of(kEverything);
  ASSERT_EQ(plan.services.size(), 3U);
  EXPECT_EQ(plan.services[0].name, "web");
  EXPECT_EQ(plan.services[0].group, 1U);
  EXPECT_EQ(plan.services[0].port, Port{80});
  EXPECT_THAT(plan.services[0].kind,
              VariantWith<HttpService>(Field(&HttpService::body, HttpBody{std::uint64_t{65536}})));
  EXPECT_TRUE(std::holds_alternative<EchoService>(plan.services[1].kind));
  EXPECT_TRUE(std::holds_alternative<DiscardService>(plan.services[2].kind));
  EXPECT_EQ(plan.services[2].group, 2U);
}

TEST(Load, Http) {
  const Plan plan = plan_of(kEverything);
  ASSERT_EQ(plan.workloads.size(), 4U);
  const Workload& fetch = plan.workloads[0];
  EXPECT_EQ(fetch.name, "fetch");
  EXPECT_EQ(fetch.from, 0U);
  EXPECT_EQ(std::get<IpAddress>(fetch.to.address).text(), "10.0.255.1");
  EXPECT_EQ(fetch.to.port, Port{8080});
  const auto& http = std::get<HttpWorkload>(fetch.kind);
  EXPECT_EQ(http.list[0].path, "/file.bin");
  EXPECT_EQ(http.host, "files.example.test");
  EXPECT_EQ(http.list[0].verify.bytes, 4U);
  ASSERT_TRUE(http.list[0].verify.sha256);
  EXPECT_EQ((*http.list[0].verify.sha256)[0], 0x9f);
  EXPECT_EQ((*http.list[0].verify.sha256)[31], 0x08);
  EXPECT_EQ(fetch.load.concurrent, 2000U);
  EXPECT_EQ(fetch.load.total, 5000U);
  EXPECT_EQ(fetch.load.per_host, 2U);
  EXPECT_EQ(fetch.load.hold, Duration{30s});
  EXPECT_EQ(fetch.load.think, Duration{1s});
  EXPECT_EQ(fetch.load.timeout, Duration{5s});
  EXPECT_EQ(fetch.load.retries, 3U);
  EXPECT_FALSE(fetch.load.rate);
  EXPECT_TRUE(fetch.load.stages.empty());
}

TEST(Load, IcmpEcho) {
  const Plan plan = plan_of(kEverything);
  const Workload& ping = plan.workloads[1];
  EXPECT_EQ(std::get<IpAddress>(ping.to.address).text(), "fd00::99");
  EXPECT_EQ(ping.to.port, Port{0});
  const auto& echo = std::get<IcmpEchoWorkload>(ping.kind);
  EXPECT_EQ(echo.count, 3U);
  EXPECT_EQ(echo.interval, Duration{250ms});
  EXPECT_EQ(echo.size_bytes, 100U);
  EXPECT_DOUBLE_EQ(*ping.load.rate, 0.5);
  EXPECT_EQ(ping.load.timeout, Duration{10s});
  EXPECT_EQ(ping.load.per_host, 1U);
}

TEST(Load, Tcp) {
  const Plan plan = plan_of(kEverything);
  const Workload& talk = plan.workloads[2];
  EXPECT_EQ(std::get<std::size_t>(talk.to.address), 1U);
  EXPECT_EQ(talk.to.port, Port{7});
  EXPECT_FALSE(talk.to.prefer_v6);
  EXPECT_THAT(
      std::get<TcpWorkload>(talk.kind).script,
      ElementsAre(VariantWith<SendText>(Field(&SendText::text, "hello\r\n")),
                  VariantWith<ExpectText>(Field(&ExpectText::text, "250")),
                  VariantWith<SendBytes>(Field(&SendBytes::count, 1U << 20)),
                  VariantWith<ExpectBytes>(Field(&ExpectBytes::count, 65536U)), VariantWith<CloseStream>(::testing::_),
                  VariantWith<ExpectText>(Field(&ExpectText::text, "bye"))));
  EXPECT_EQ(talk.load.stages_of, LoadStageOf::kRate);
  ASSERT_EQ(talk.load.stages.size(), 2U);
  EXPECT_EQ(talk.load.stages[0].duration, Duration{10s});
  EXPECT_DOUBLE_EQ(talk.load.stages[0].target, 100);
  EXPECT_EQ(talk.load.stages[1].duration, Duration{1min});
  EXPECT_DOUBLE_EQ(talk.load.stages[1].target, 0);
}

TEST(Load, StagesOfConcurrentAndTheDefaultsOfHttp) {
  const Plan plan = plan_of(kEverything);
  const Workload& ramp = plan.workloads[3];
  EXPECT_EQ(ramp.load.stages_of, LoadStageOf::kConcurrent);
  EXPECT_DOUBLE_EQ(ramp.load.stages.at(0).target, 500);
  EXPECT_EQ(std::get<IpAddress>(ramp.to.address).text(), "fd00::99");
  EXPECT_EQ(ramp.to.port, Port{80});
  const auto& http = std::get<HttpWorkload>(ramp.kind);
  EXPECT_EQ(http.list[0].path, "/");
  EXPECT_EQ(http.host, "");
  EXPECT_FALSE(http.list[0].verify.sha256 || http.list[0].verify.bytes);
}

TEST(Load, Thresholds) {
  const Plan plan = plan_of(kEverything);
  ASSERT_EQ(plan.thresholds.size(), 9U);
  const auto is = [&](std::size_t i, const std::string& expression, const std::string& metric,
                      const std::string& statistic, Comparison comparison, double value) {
    const Threshold& t = plan.thresholds[i];
    EXPECT_EQ(t.expression, expression);
    EXPECT_EQ(t.metric, metric);
    EXPECT_EQ(t.statistic, statistic);
    EXPECT_EQ(t.comparison, comparison);
    EXPECT_DOUBLE_EQ(t.value, value);
  };
  is(0, "fetch.sessions_failed == 0", "fetch.sessions_failed", "", Comparison::kEqual, 0);
  is(1, "fetch.sessions_failed != 1", "fetch.sessions_failed", "", Comparison::kNotEqual, 1);
  is(2, "fetch.session_seconds p(99) < 2s", "fetch.session_seconds", "p99", Comparison::kLess, 2);
  is(3, "fetch.session_seconds mean <= 100ms", "fetch.session_seconds", "mean", Comparison::kLessOrEqual, 0.1);
  is(4, "fetch.session_seconds p(99.9) >= 1us", "fetch.session_seconds", "p999", Comparison::kGreaterOrEqual, 1e-6);
  is(5, "fetch.session_seconds count > 10", "fetch.session_seconds", "count", Comparison::kGreater, 10);
  is(6, "web.bytes_tx > 1MiB", "web.bytes_tx", "", Comparison::kGreater, 1 << 20);
  is(7, "clients.unresolved == 0", "clients.unresolved", "", Comparison::kEqual, 0);
  is(8, "lan.drops.truncated < 5", "lan.drops.truncated", "", Comparison::kLess, 5);
}

TEST(Load, DescribesItself) {
  EXPECT_EQ(describe(plan_of(kEverything)),
            R"(scenario.yaml: seed 42, 90s
port lan: eth1, 4 queues, 2 shards, mode zero-copy
port wan: eth2, all queues, mode skb
port lab: eth3, all queues, mode copy
port any: no interface yet, all queues, mode auto
hosts clients: 1,000 on lan, MAC 02:4d:00:00:10:01 to 02:4d:00:00:13:e8, 10.0.1.1 to 10.0.4.232/16, gateway 10.0.255.254, fd00::1:1 to fd00::1:3e8/64, gateway fe80::1, VLAN 100.7 to 26, MTU 1400, each resolves for itself, announced
hosts servers: 10 on wan, MAC 02:4d:0a:00:09:01 to 02:4d:0a:00:09:0a, 10.0.9.1 to 10.0.9.10/16, gateway 10.0.255.254, VLAN 100
hosts plain: 1 on wan, MAC 02:4d:00:00:00:01, fd00::5/64, VLAN 5.6
service web: http, body 64KiB on port 80 of servers
service echo: echo on port 7 of servers
service sink: discard on port 9 of plain
workload fetch: clients to 10.0.255.1:8080: http GET /file.bin, verified; 2,000 at a time, 5,000 sessions in all, 2 per host, held 30s
workload ping: clients to fd00::99: 3 pings of 100B, one every 250ms; 0.5 a second
workload talk: clients to servers:7: tcp, a script of 6 steps; 2 stages over 70s, up to 100 a second
workload ramp: clients to [fd00::99]:80: http GET /; 1 stage over 10s, up to 500 at a time
threshold fetch.sessions_failed == 0
threshold fetch.sessions_failed != 1
threshold fetch.session_seconds p(99) < 2s
threshold fetch.session_seconds mean <= 100ms
threshold fetch.session_seconds p(99.9) >= 1us
threshold fetch.session_seconds count > 10
threshold web.bytes_tx > 1MiB
threshold clients.unresolved == 0
threshold lan.drops.truncated < 5
)");
}

TEST(Load, AServiceOnEveryPortIsThereForScripts) {
  const Plan plan = plan_of(std::string(kHead) + R"(
hosts: {c: {port: lan, ipv4: 10.0.0.1/8}, decoys: {port: lan, ipv4: 10.1.0.1/8}}
services: {trap: {on: decoys, catch_all: {banner: "hi\r\n", answer: close, first_bytes: 8B, most: 5}}}
workloads: {knock: {from: c, to: "decoys:4444", tcp: {script: [expect: hi]}}}
)");
  const auto& all = std::get<CatchAllService>(plan.services.at(0).kind);
  EXPECT_EQ(plan.services[0].port, kEveryOtherPort);
  EXPECT_TRUE(all.closes);
  EXPECT_EQ(all.banner, "hi\r\n");
  EXPECT_EQ(all.first_bytes, 8U);
  EXPECT_EQ(all.most, 5U);
  const std::string line = "service trap: catch_all, a banner, then closes on every other port of decoys\n";
  EXPECT_NE(describe(plan).find(line), std::string::npos) << describe(plan);
}

TEST(Load, TheLeastScenario) {
  const Plan plan = plan_of(std::string(kHead) + "hosts: {c: {port: lan, ipv4: 10.0.0.1/8}}\n");
  EXPECT_EQ(plan.seed, 1U);
  EXPECT_EQ(plan.duration, std::nullopt);
  EXPECT_EQ(plan.groups.at(0).count, 1U);
  EXPECT_TRUE(plan.services.empty() && plan.workloads.empty() && plan.thresholds.empty());
}

TEST(Load, SectionsMayStandInAnyOrder) {
  const Plan plan = plan_of(
      "workloads: {w: {icmp_echo: {}, to: 10.0.0.9, from: c}}\nthresholds: {w.sessions_failed: [== 0]}\n"
      "hosts: {c: {ipv4: 10.0.0.1/8, port: lan}}\nports: {lan: }\nversion: 1\n");
  EXPECT_EQ(plan.workloads.size(), 1U);
  EXPECT_EQ(plan.thresholds.size(), 1U);
}

}  // namespace
}  // namespace myriad::plan
