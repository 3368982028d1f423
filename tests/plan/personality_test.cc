// What hosts.NAME.tcp and the two keys of a workload become in the plan.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/plan/plan_of.h"

namespace myriad::plan {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

Plan with_tcp(const std::string& tcp, const std::string& more = "ipv4: 10.0.0.1/8") {
  return plan_of(std::string(kHead) + "hosts: {c: {port: lan, " + more + ", tcp: {" + tcp + "}}}\n");
}

TEST(Personality, WhatIsNotSaidStaysUnsaid) {
  const TcpPersonality tcp = with_tcp("").groups.at(0).tcp;
  EXPECT_FALSE(tcp.mss || tcp.window_bytes || tcp.window_scale || tcp.timestamps || tcp.sack || tcp.rack_tlp ||
               tcp.congestion || tcp.ttl || tcp.initial_window || tcp.nagle || tcp.delayed_ack || tcp.rto_min ||
               tcp.rto_initial || tcp.rto_max || tcp.time_wait || tcp.fin_wait2 || tcp.syn_retries ||
               tcp.syn_ack_retries || tcp.retries || tcp.keep_alive || tcp.keep_alive_interval ||
               tcp.keep_alive_probes || tcp.repeat_fin);
}

TEST(Personality, EveryKeyIsRead) {
  const TcpPersonality tcp =
      with_tcp(
          "mss: 1400B, window: 1MiB, window_scale: 7, timestamps: false, sack: false, rack_tlp: false, "
          "congestion: cubic, ttl: 128, initial_window: 3, nagle: false, delayed_ack: 200ms, rto_min: 300ms, "
          "rto_initial: 3s, rto_max: 2m, time_wait: 4m, fin_wait2: 10s, syn_retries: 2, syn_ack_retries: 5, "
          "retries: 8, keep_alive: 2h, keep_alive_interval: 10s, keep_alive_probes: 4, repeat_fin: true")
          .groups.at(0)
          .tcp;
  EXPECT_EQ(tcp.mss, 1400);
  EXPECT_EQ(tcp.window_bytes, 1U << 20);
  ASSERT_TRUE(tcp.window_scale);
  EXPECT_EQ(tcp.window_scale->shift, 7);
  EXPECT_EQ(tcp.timestamps, false);
  EXPECT_EQ(tcp.sack, false);
  EXPECT_EQ(tcp.rack_tlp, false);
  EXPECT_EQ(tcp.congestion, Congestion::kCubic);
  EXPECT_EQ(tcp.ttl, 128);
  EXPECT_EQ(tcp.initial_window, 3);
  EXPECT_EQ(tcp.nagle, false);
  EXPECT_EQ(tcp.delayed_ack, Duration{200ms});
  EXPECT_EQ(tcp.rto_min, Duration{300ms});
  EXPECT_EQ(tcp.rto_initial, Duration{3s});
  EXPECT_EQ(tcp.rto_max, Duration{2min});
  EXPECT_EQ(tcp.time_wait, Duration{4min});
  EXPECT_EQ(tcp.fin_wait2, Duration{10s});
  EXPECT_EQ(tcp.syn_retries, 2);
  EXPECT_EQ(tcp.syn_ack_retries, 5);
  EXPECT_EQ(tcp.retries, 8);
  EXPECT_EQ(tcp.keep_alive, Duration{2h});
  EXPECT_EQ(tcp.keep_alive_interval, Duration{10s});
  EXPECT_EQ(tcp.keep_alive_probes, 4);
  EXPECT_EQ(tcp.repeat_fin, true);
}

TEST(Personality, WordsForNothing) {
  const TcpPersonality tcp =
      with_tcp("mss: auto, window_scale: none, delayed_ack: off, keep_alive: off").groups.at(0).tcp;
  EXPECT_FALSE(tcp.mss);
  ASSERT_TRUE(tcp.window_scale);
  EXPECT_FALSE(tcp.window_scale->shift);
  EXPECT_EQ(tcp.delayed_ack, Duration{0});
  EXPECT_EQ(tcp.keep_alive, Duration{0});
}

TEST(Personality, WordsMayComeFromVariables) {
  LoadOptions options;
  options.variable = [](const std::string& name) -> std::optional<std::string> {
    return name == "ACK" ? "off" : "none";
  };
  const Plan plan = plan_of(std::string(kHead) +
                                "hosts:\n  c: {port: lan, ipv4: 10.0.0.1/8, tcp: {delayed_ack: "
                                "\"${ACK}\", window_scale: \"${SCALE}\"}}\n",
                            options);
  EXPECT_EQ(plan.groups.at(0).tcp.delayed_ack, Duration{0});
  EXPECT_FALSE(plan.groups.at(0).tcp.window_scale->shift);
}

TEST(Personality, TheEndsOfEveryRangeAreInside) {
  for (const char* const text : {"mss: 88",
                                 "mss: 1460",
                                 "window: 88B",
                                 "window: 1GiB",
                                 "window_scale: 0",
                                 "window_scale: 14",
                                 "window: 64KiB, window_scale: none",
                                 "window: 64KiB, window_scale: 0",
                                 "window: 512KiB, window_scale: 3",
                                 "window: 1GiB, window_scale: 14",
                                 "ttl: 1",
                                 "ttl: 255",
                                 "initial_window: 1",
                                 "initial_window: 255",
                                 "delayed_ack: 1ms",
                                 "delayed_ack: 499ms",
                                 "rto_min: 1ms",
                                 "rto_min: 1m",
                                 "rto_initial: 1ms",
                                 "rto_initial: 1m",
                                 "rto_max: 1s",
                                 "rto_max: 1h",
                                 "rto_min: 1s, rto_initial: 1s, rto_max: 1s",
                                 "time_wait: 1ms",
                                 "time_wait: 1h",
                                 "fin_wait2: 1ms",
                                 "fin_wait2: 24h",
                                 "syn_retries: 0",
                                 "syn_retries: 100",
                                 "syn_ack_retries: 0",
                                 "syn_ack_retries: 100",
                                 "retries: 1",
                                 "retries: 100",
                                 "keep_alive: 1s",
                                 "keep_alive: 24h",
                                 "keep_alive_interval: 1s",
                                 "keep_alive_interval: 24h",
                                 "keep_alive_probes: 1",
                                 "keep_alive_probes: 100"}) {
    EXPECT_EQ(with_tcp(text).groups.size(), 1U) << text;
  }
  EXPECT_EQ(with_tcp("mss: 1440", "ipv6: \"fd00::1/64\"").groups.at(0).tcp.mss, 1440);
  EXPECT_EQ(with_tcp("mss: 1460", "ipv4: 10.0.0.1/8, ipv6: \"fd00::1/64\"").groups.at(0).tcp.mss, 1460);
  EXPECT_EQ(with_tcp("mss: 536", "ipv4: 10.0.0.1/8, mtu: 576").groups.at(0).tcp.mss, 536);
}

TEST(Personality, IsTakenOverByMerging) {
  const Plan plan = plan_of(std::string(kHead) +
                            "hosts:\n  a: &a {port: lan, ipv4: 10.0.1.1/8, tcp: {ttl: 128}}\n"
                            "  b: {<<: *a, ipv4: 10.0.2.1/8}\n  c: {<<: *a, ipv4: 10.0.3.1/8, tcp: {mss: 1000}}\n");
  EXPECT_EQ(plan.groups.at(1).tcp.ttl, 128);
  EXPECT_EQ(plan.groups.at(2).tcp.mss, 1000);
  EXPECT_FALSE(plan.groups.at(2).tcp.ttl) << "a key of one's own replaces the whole mapping";
}

TEST(Personality, AWorkloadMayDiffer) {
  const Plan plan = plan_of(std::string(kHead) +
                            "hosts: {c: {port: lan, ipv4: 10.0.0.1/8}}\nworkloads:\n"
                            "  plain: {from: c, to: 10.9.9.9, http: {}}\n"
                            "  own: {from: c, to: 10.9.9.9, http: {}, congestion: cubic, initial_window: 3}\n");
  EXPECT_FALSE(plan.workloads.at(0).congestion);
  EXPECT_FALSE(plan.workloads.at(0).initial_window);
  EXPECT_EQ(plan.workloads.at(1).congestion, Congestion::kCubic);
  EXPECT_EQ(plan.workloads.at(1).initial_window, 3);
}

TEST(Personality, IsDescribed) {
  EXPECT_THAT(describe(with_tcp("mss: 1400, window: 64KiB, window_scale: none, sack: false, congestion: cubic, "
                                "delayed_ack: off, rto_min: 1500ms")),
              HasSubstr(", TCP with mss 1400, window 64KiB, window_scale none, sack off, congestion cubic, "
                        "delayed_ack off, rto_min 1500ms\n"));
  EXPECT_THAT(describe(with_tcp("")), ::testing::Not(HasSubstr("TCP with")));
}

}  // namespace
}  // namespace myriad::plan
