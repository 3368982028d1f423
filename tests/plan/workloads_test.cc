// Targets, families and loads: what is taken, and how it is understood.
#include <gtest/gtest.h>

#include "tests/plan/plan_of.h"

namespace myriad::plan {
namespace {

const std::string kHosts = std::string(kHead) + R"(
hosts:
  both: {port: lan, count: 10, ipv4: 10.0.1.1/16, ipv6: "fd00::1:1/64"}
  six: {port: lan, count: 10, ipv6: "fd00::2:1/64"}
  four: {port: lan, count: 10, ipv4: 10.0.3.1/16}
  servers: {port: lan, count: 10, ipv4: 10.0.4.1/16, ipv6: "fd00::4:1/64"}
services:
  web: {on: servers, port: 8080, http: {}}
  web80: {on: servers, port: 80, http: {}}
  echo: {on: servers, port: 7, echo: {}}
)";

Workload workload_of(const std::string& workload) {
  return plan_of(kHosts + "workloads: {w: {" + workload + "}}\n").workloads.at(0);
}

TEST(Targets, Addresses) {
  EXPECT_EQ(std::get<IpAddress>(workload_of("from: both, to: 10.0.255.1, http: {}").to.address).text(), "10.0.255.1");
  EXPECT_EQ(workload_of("from: both, to: 10.0.255.1, http: {}").to.port, Port{80});
  EXPECT_EQ(workload_of("from: both, to: '10.0.255.1:65535', http: {}").to.port, Port{65535});
  EXPECT_EQ(std::get<IpAddress>(workload_of("from: both, to: '[fd00::9]', http: {}").to.address).text(), "fd00::9");
  EXPECT_EQ(workload_of("from: both, to: '[fd00::9]:81', http: {}").to.port, Port{81});
  EXPECT_EQ(std::get<IpAddress>(workload_of("from: six, to: 'fd00::9', icmp_echo: {}").to.address).text(), "fd00::9");
  EXPECT_EQ(std::get<IpAddress>(workload_of("from: six, to: '[fd00::9]', icmp_echo: {}").to.address).text(), "fd00::9");
}

TEST(Targets, Groups) {
  EXPECT_EQ(std::get<std::size_t>(workload_of("from: both, to: servers, http: {}").to.address), 3U);
  EXPECT_EQ(workload_of("from: both, to: servers, http: {}").to.port, Port{80});
  EXPECT_EQ(workload_of("from: both, to: 'servers:8080', http: {}").to.port, Port{8080});
  EXPECT_EQ(workload_of("from: both, to: 'servers:8080', tcp: {script: [close]}").to.port, Port{8080})
      << "a script may speak HTTP";
  EXPECT_EQ(workload_of("from: both, to: servers, icmp_echo: {}").to.port, Port{0});
  EXPECT_EQ(std::get<std::size_t>(workload_of("from: both, to: both, icmp_echo: {}").to.address), 0U)
      << "hosts of one group may talk";
}

TEST(Targets, TheFamilyIsTheOneThatBothHave) {
  EXPECT_FALSE(workload_of("from: both, to: servers, icmp_echo: {}").to.prefer_v6);
  EXPECT_TRUE(workload_of("from: both, to: servers, family: ipv6, icmp_echo: {}").to.prefer_v6);
  EXPECT_FALSE(workload_of("from: both, to: servers, family: ipv4, icmp_echo: {}").to.prefer_v6);
  EXPECT_TRUE(workload_of("from: six, to: servers, icmp_echo: {}").to.prefer_v6);
  EXPECT_TRUE(workload_of("from: both, to: six, icmp_echo: {}").to.prefer_v6);
  EXPECT_FALSE(workload_of("from: four, to: servers, icmp_echo: {}").to.prefer_v6);
}

TEST(Targets, AGatewayLeadsAnywhere) {
  const Plan plan = plan_of(std::string(kHead) + R"(
hosts: {c: {port: lan, ipv4: 10.0.1.1/24, gateway: 10.0.1.254, ipv6: "fd00::1/64", gateway6: "fe80::1"}}
workloads:
  a: {from: c, to: 192.0.2.1, http: {}}
  b: {from: c, to: "2001:db8::1", icmp_echo: {}}
)");
  EXPECT_EQ(plan.workloads.size(), 2U);
}

TEST(Loads, NothingMeansNothing) {
  const LoadPlan load = workload_of("from: both, to: 10.0.255.1, http: {}").load;
  EXPECT_FALSE(load.concurrent || load.rate || load.total);
  EXPECT_TRUE(load.stages.empty());
  EXPECT_EQ(load.hold, Duration{0});
  EXPECT_EQ(load.retries, 0U);
}

TEST(Loads, MayUseEveryPlaceOfEveryHost) {
  EXPECT_EQ(workload_of("from: both, to: 10.0.255.1, http: {}, load: {concurrent: 30, per_host: 3}").load.concurrent,
            30U);
  EXPECT_EQ(workload_of("from: both, to: 10.0.255.1, http: {}, load: {rate: 0.5/s}").load.rate, 0.5);
}

TEST(Echo, MayFillTheMtu) {
  EXPECT_EQ(
      std::get<IcmpEchoWorkload>(workload_of("from: both, to: 10.0.255.1, icmp_echo: {size: 1472B}").kind).size_bytes,
      1472U);
  EXPECT_EQ(
      std::get<IcmpEchoWorkload>(workload_of("from: both, to: servers, family: ipv6, icmp_echo: {size: 1452B}").kind)
          .size_bytes,
      1452U);
  EXPECT_EQ(
      std::get<IcmpEchoWorkload>(workload_of("from: both, to: 10.0.255.1, icmp_echo: {size: 0B}").kind).size_bytes, 0U);
}

TEST(Scripts, CloseAlone) {
  const auto script =
      std::get<TcpWorkload>(workload_of("from: both, to: '10.0.255.1:1', tcp: {script: [close: ]}").kind).script;
  ASSERT_EQ(script.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<CloseStream>(script[0]));
}

std::string statistic_of(const std::string& percentile) {
  return plan_of(kHosts + "workloads: {w: {from: both, to: 10.0.255.1, http: {}}}\nthresholds: {w.session_seconds: ['" +
                 percentile + " < 1s']}\n")
      .thresholds.at(0)
      .statistic;
}

TEST(Thresholds, PercentilesAreTwoDigitsAndDecimals) {
  EXPECT_EQ(statistic_of("p(50)"), "p50");
  EXPECT_EQ(statistic_of("p(5)"), "p05");
  EXPECT_EQ(statistic_of("p(99.9)"), "p999");
  EXPECT_EQ(statistic_of("p(99.99)"), "p9999");
  EXPECT_EQ(statistic_of("p(95.0)"), "p95");
  EXPECT_EQ(statistic_of("p(0.5)"), "p005");
  EXPECT_EQ(statistic_of("p( 90 )"), "p90");
}

TEST(Thresholds, MayBeRates) {
  const auto first = [](const std::string& entry) {
    return plan_of(kHosts + "workloads: {w: {from: both, to: 10.0.255.1, http: {}}}\nthresholds: {" + entry + "}\n")
        .thresholds.at(0);
  };
  const auto is_rate = [&](const std::string& entry, double per_second) {
    const Threshold threshold = first(entry);
    EXPECT_EQ(threshold.measure, Measure::kPerSecond) << entry;
    EXPECT_DOUBLE_EQ(threshold.value, per_second) << entry;
  };
  is_rate("w.sessions_succeeded: ['>= 500/s']", 500);
  is_rate("w.failures.refused: ['< 30/m']", 0.5);
  is_rate("lan.frames_tx: ['> 10kpps']", 10'000);
  is_rate("w.bytes_rx: ['> 100Mbps']", 12'500'000);
  is_rate("w.bytes_rx: ['> 2KiB/s']", 2048);
  is_rate("w.bytes_rx: ['> 2/s']", 2);
  EXPECT_EQ(first("w.bytes_rx: ['> 2KiB']").measure, Measure::kItself);
}

TEST(Thresholds, MayBePartsOfAWhole) {
  const Plan plan = plan_of(kHosts + R"(
workloads: {w: {from: both, to: 10.0.255.1, http: {}}}
thresholds:
  workloads.w.failures.refused: ["< 1%"]
  w.hosts_succeeded: ["== 100%"]
  w.tcp.retransmits: ["< 0.5%"]
)");
  ASSERT_EQ(plan.thresholds.size(), 3U);
  for (const Threshold& threshold : plan.thresholds) EXPECT_EQ(threshold.measure, Measure::kShare);
  EXPECT_DOUBLE_EQ(plan.thresholds[0].value, 0.01);
  EXPECT_EQ(plan.thresholds[0].whole, std::vector<std::string>{"workloads.w.sessions_started"});
  EXPECT_EQ(plan.thresholds[1].whole, (std::vector<std::string>{"w.hosts_succeeded", "w.hosts_failed"}));
  EXPECT_EQ(plan.thresholds[2].whole, std::vector<std::string>{"w.tcp.segments_tx"});
}

TEST(Thresholds, MayBeOfTheRun) {
  const Plan plan = plan_of(kHosts + "thresholds: {myriad.seconds: ['< 1m'], machine.cores: ['>= 2']}\n");
  ASSERT_EQ(plan.thresholds.size(), 2U);
  EXPECT_DOUBLE_EQ(plan.thresholds[0].value, 60);
  EXPECT_EQ(plan.thresholds[0].metric, "myriad.seconds");
}

TEST(Thresholds, TheSectionMayStandInFront) {
  const Plan plan = plan_of(R"(
version: 1
ports: {web: {}}
hosts: {hosts: {port: web, ipv4: 10.0.1.1/16}}
workloads: {web: {from: hosts, to: 10.0.255.1, http: {}}}
thresholds:
  ports.web.bytes_rx: ["> 0"]
  workloads.web.generator_limited: ["== false"]
  hosts.hosts.count: ["== 1"]
  hosts.count: ["== 1"]
)");
  ASSERT_EQ(plan.thresholds.size(), 4U);
  EXPECT_EQ(plan.thresholds[0].metric, "ports.web.bytes_rx");
  EXPECT_EQ(plan.thresholds[3].metric, "hosts.count");
}

}  // namespace
}  // namespace myriad::plan
