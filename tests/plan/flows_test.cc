// Flows as they are read: what the scenario says is what the frames hold.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/craft/pieces.h"
#include "tests/craft/receiver.h"
#include "tests/plan/plan_of.h"

namespace myriad::plan {
namespace {

using namespace std::chrono_literals;
using craft::bits;
using craft::make;
using craft::received;
using ::testing::HasSubstr;

const std::string kHosts = std::string(kHead) + R"(
hosts:
  clients: {port: lan, count: 100, ipv4: 10.0.1.1/16, ipv6: "fd00::1:1/64"}
  tagged: {port: lan, count: 4, ipv4: 10.1.1.1/16, vlan: {id: 100, per: 2}}
)";

FlowPlan flow_of(const std::string& flow) {
  const Plan plan = plan_of(kHosts + "flows:\n  f: " + flow + "\n");
  return plan.flows.empty() ? FlowPlan{} : plan.flows[0];
}
FlowPlan with_packet(const std::string& packet, const std::string& more = "") {
  return flow_of("{from: clients, packet: [" + packet + "]" + more + "}");
}
craft::Frame frame_of(const std::string& packet, const std::string& more = "") {
  const FlowPlan flow = with_packet(packet, more);
  return flow.program ? make(*flow.program, 1).frames[0] : craft::Frame{};
}

TEST(Flows, OfTheContract) {
  const Plan plan = plan_of(kHosts + R"(
flows:
  noise:
    from: clients
    packet:
      - ethernet: {dst: resolve}
      - ipv4: {dst: 10.0.255.1, ttl: 64}
      - udp: {src: {random: {min: 1024, max: 65535}}, dst: {increment: {start: 5000, step: 1, count: 64}}}
      - payload: {text: "hi"}
    size: 64B
    rate: 10kpps
    duration: {seconds: 10s}
)");
  ASSERT_EQ(plan.flows.size(), 1U);
  const FlowPlan& flow = plan.flows[0];
  EXPECT_EQ(flow.name, "noise");
  EXPECT_EQ(flow.group, 0U);
  EXPECT_EQ(flow.rate.kind, FlowRateKind::kFrames);
  EXPECT_EQ(flow.rate.per_second, 10000);
  EXPECT_EQ(flow.seconds, 10s);
  EXPECT_TRUE(flow.program->resolves());
  EXPECT_EQ(flow.program->common_destination(), IpAddress{Ipv4Address{0x0a00ff01}});
  const craft::Made made = make(*flow.program, 200);
  for (std::size_t n = 0; n < 200; ++n) {
    const craft::Frame& frame = made.frames[n];
    EXPECT_EQ(received(frame), "ethernet ipv4 udp 18");
    EXPECT_EQ(frame.size(), 60U);
    EXPECT_EQ(bits(frame, 48, 48), plan.groups[0].mac.number() + n % 100);
    EXPECT_EQ(bits(frame, 26 * 8, 32), 0x0a000101U + n % 100);
    EXPECT_GE(bits(frame, 34 * 8, 16), 1024U);
    EXPECT_EQ(bits(frame, 36 * 8, 16), 5000 + n % 64);
    EXPECT_EQ(bits(frame, 42 * 8, 16), 0x6869U);
  }
  EXPECT_THAT(describe(plan),
              HasSubstr("flow noise: from clients: ethernet/ipv4/udp/payload, 64B; 10000 frames a second, for 10s\n"));
}

TEST(Flows, EveryLayer) {
  EXPECT_EQ(received(frame_of("arp: {target_ip: 10.0.0.1}")), "ethernet arp");
  EXPECT_EQ(received(frame_of(
                "ipv4: {dst: 10.0.0.1, options: \"01010101\"}, icmp: {type: echo_request}, payload: {text: abc}")),
            "ethernet ipv4 icmp 3");
  EXPECT_EQ(received(frame_of("ipv6: {dst: fd00::1}, hop_by_hop: {options: 05020000}, destination, fragment, icmp6")),
            "ethernet ipv6 icmp6 0");
  EXPECT_EQ(
      received(frame_of(
          "ethernet: {dst: 02:00:00:00:00:01}, vlan: {id: 5}, vlan: {id: 6}, ipv4: {dst: 10.0.0.1}, udp: {dst: 9}")),
      "ethernet vlan vlan ipv4 udp 0");
  EXPECT_EQ(received(frame_of("ipv4: {dst: 10.0.0.1}, ipv4: {dst: 10.0.0.2}, tcp: {dst: 80, flags: [syn, ack], "
                              "options: [mss: 1460, nop, window_scale: 7, sack_permitted, timestamps: {value: 5}]}")),
            "ethernet ipv4 ipv4 tcp 0");
  EXPECT_EQ(
      received(frame_of("ipv6: {dst: fd00::1}, routing: {segments_left: 0, addresses: [fd00::5]}, udp: {dst: 9}")),
      "ethernet ipv6 udp 0");
  EXPECT_EQ(frame_of("ethernet: {dst: 02:00:00:00:00:01, ethertype: 0x1234}, raw: \"de ad:be ef\"").size(), 18U);
}

TEST(Flows, FieldsOfEveryKind) {
  const craft::Frame frame = frame_of(
      "ethernet: {dst: 02:00:00:00:00:01, src: 02:00:00:00:00:02}, ipv4: {dst: 10.0.0.1, dscp: 46, ecn: 1, flags: [df, "
      "mf], fragment_offset: 7, checksum: bad}, "
      "tcp: {dst: 0x50, seq: 5, ack_num: 4294967295, flags: [ae, fin], checksum: 0xbeef, window: {values: [7]}}");
  EXPECT_EQ(bits(frame, 15 * 8, 8), 46U << 2 | 1);
  EXPECT_EQ(bits(frame, 20 * 8, 16), 0x6007U);
  EXPECT_EQ(received(frame), "ethernet ipv4 bad ip: bad_ip_checksum");
  EXPECT_EQ(bits(frame, 36 * 8, 16), 80U);
  EXPECT_EQ(bits(frame, 38 * 8, 32), 5U);
  EXPECT_EQ(bits(frame, 42 * 8, 32), 0xffffffffU);
  EXPECT_EQ(bits(frame, 46 * 8 + 7, 9), 257U);
  EXPECT_EQ(bits(frame, 48 * 8, 16), 7U);
  EXPECT_EQ(bits(frame, 50 * 8, 16), 0xbeefU);
}

TEST(Flows, FieldsThatVary) {
  const FlowPlan flow = with_packet(
      "ipv4: {dst: {random: {prefix: 10.9.0.0/16}}, src: {decrement: {start: 10.0.0.9, step: 2, count: 3}}}, "
      "udp: {dst: {host: index}, src: {increment: {}}}, raw: {hex: \"000000\", fields: [{bit: 4, width: 12, value: "
      "{values: [1, 0xfff]}}]}");
  ASSERT_TRUE(flow.program);
  const craft::Made made = make(*flow.program, 9);
  for (std::size_t n = 0; n < 9; ++n) {
    const craft::Frame& frame = made.frames[n];
    EXPECT_EQ(received(frame), "ethernet ipv4 udp 3");
    EXPECT_EQ(bits(frame, 26 * 8, 32), 0x0a000009U - 2 * (n % 3));
    EXPECT_EQ(bits(frame, 30 * 8, 16), 0x0a09U);
    EXPECT_EQ(bits(frame, 34 * 8, 16), n);
    EXPECT_EQ(bits(frame, 36 * 8, 16), n);
    EXPECT_EQ(bits(frame, 42 * 8, 24), n % 2 == 0 ? 0x000100U : 0x0fff00U);
  }
}

TEST(Flows, HostsOnVlansSendInTheirs) {
  const FlowPlan flow = flow_of("{from: tagged, packet: [ipv4: {dst: 10.1.0.1}, udp: {dst: 9}]}");
  const craft::Made made = make(*flow.program, 4);
  for (std::size_t n = 0; n < 4; ++n) EXPECT_EQ(bits(made.frames[n], 112, 16), 100 + n / 2);
}

TEST(Flows, Sizes) {
  const auto lengths = [](const std::string& size, std::size_t count) {
    const FlowPlan flow = with_packet("ipv4: {dst: 10.0.0.1}, udp: {dst: 9}", ", size: " + size);
    std::vector<std::size_t> all;
    for (const craft::Frame& frame : make(*flow.program, count).frames) all.push_back(frame.size() + 4);
    return all;
  };
  EXPECT_THAT(lengths("1518B", 2), ::testing::ElementsAre(1518, 1518));
  EXPECT_THAT(lengths("{values: [64B, 65B]}", 3), ::testing::ElementsAre(64, 65, 64));
  EXPECT_THAT(lengths("{increment: {start: 64B, step: 2B, count: 3}}", 4), ::testing::ElementsAre(64, 66, 68, 64));
  auto imix = lengths("{imix: default}", 12);
  EXPECT_EQ(std::ranges::count(imix, 64U), 7);
  EXPECT_EQ(std::ranges::count(imix, 594U), 4);
  EXPECT_EQ(std::ranges::count(imix, 1518U), 1);
  imix = lengths("{imix: [{size: 100B, weight: 3}, {size: 200B}]}", 4);
  EXPECT_EQ(std::ranges::count(imix, 100U), 3);
  for (const std::size_t length : lengths("{random: {min: 64B, max: 66B}}", 50)) {
    EXPECT_GE(length, 64U);
    EXPECT_LE(length, 66U);
  }
}

TEST(Flows, RatesAndDurations) {
  const auto flow = [](const std::string& more) { return with_packet("ipv4: {dst: 10.0.0.1}, udp: {dst: 9}", more); };
  EXPECT_EQ(flow("").rate.per_second, 1000);
  EXPECT_EQ(flow(", rate: max").rate.kind, FlowRateKind::kMax);
  EXPECT_EQ(flow(", rate: 100Mbps").rate.kind, FlowRateKind::kBits);
  EXPECT_EQ(flow(", rate: 100Mbps").rate.per_second, 1e8);
  EXPECT_EQ(flow(", rate: 100Mbps").rate.overhead_bytes, 4U);
  EXPECT_EQ(flow(", rate: {bps: 1Gbps, layer: 1}").rate.overhead_bytes, 24U);
  EXPECT_EQ(flow(", rate: {pps: 5pps}").rate.per_second, 5);
  EXPECT_EQ(flow(", duration: {packets: 7}").packets, 7U);
  EXPECT_FALSE(flow(", duration: none").seconds);
  const FlowPlan bursts = flow(", duration: {bursts: {packets: 32, gap: 1ms, count: 1000}}");
  ASSERT_TRUE(bursts.bursts);
  EXPECT_EQ(bursts.bursts->packets, 32U);
  EXPECT_EQ(bursts.bursts->gap, 1ms);
  EXPECT_EQ(bursts.bursts->count, 1000U);
}

TEST(Flows, Payloads) {
  const auto payload = [](const std::string& text, const std::string& more = "") {
    const craft::Frame frame = frame_of("ipv4: {dst: 10.0.0.1}, udp: {dst: 9}, payload: " + text, more);
    EXPECT_EQ(received(frame), "ethernet ipv4 udp " + std::to_string(frame.size() - 42));
    return std::string(frame.begin() + 42, frame.end());
  };
  EXPECT_EQ(payload("{text: \"a\\r\\n\"}"), "a\r\n");
  EXPECT_EQ(payload("{hex: \"61 62:63\"}"), "abc");
  EXPECT_EQ(payload("{text: x, fill: \"6162\"}", ", size: 51B"), "xabab");
  EXPECT_EQ(payload("{fill: \"6162\"}", ", size: 51B"), "ababa");
  EXPECT_EQ(payload("{random: 17B}").size(), 17U);
  EXPECT_EQ(payload("{random: true}", ", size: 64B").size(), 18U);
  EXPECT_EQ(payload("{sequence: true}").size(), 18U);
  EXPECT_TRUE(with_packet("ipv4: {dst: 10.0.0.1}, udp: {dst: 9}, payload: {sequence: {}}").program->has_sequence());
}

TEST(Flows, OfAPortNeedNoHosts) {
  const Plan plan = plan_of(std::string(kHead) +
                            "flows: {f: {port: lan, packet: [raw: \"000102030405060708090a0b0c0d0e\"], rate: max}}\n");
  ASSERT_EQ(plan.flows.size(), 1U);
  EXPECT_FALSE(plan.flows[0].group);
  EXPECT_EQ(make(*plan.flows[0].program, 1).frames[0].size(), 15U);
}

TEST(Flows, DependOnTheSeedOfTheScenario) {
  const auto source = [](const std::string& seed) {
    LoadOptions options;
    options.seed = seed;
    const Plan plan = plan_of(kHosts +
                                  "flows: {f: {from: clients, packet: [ipv4: {dst: 10.0.0.1}, udp: {dst: 9, src: "
                                  "{random: {}}}], mutate: {bits: 5%}}}\n",
                              options);
    return make(*plan.flows[0].program, 20).frames;
  };
  EXPECT_EQ(source("1"), source("1"));
  EXPECT_NE(source("1"), source("2"));
}

class DataFile {
 public:
  explicit DataFile(const std::string& text)
      : path_(std::filesystem::temp_directory_path() / ("myriad_rows_" + std::to_string(getpid()) + ".csv")) {
    std::ofstream(path_, std::ios::binary) << text;
  }
  DataFile(const DataFile&) = delete;
  DataFile& operator=(const DataFile&) = delete;
  ~DataFile() { std::filesystem::remove(path_); }
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

std::string of_rows(const std::string& path) {
  return kHosts + "flows:\n  f:\n    from: clients\n    data: " + path +
         "\n    packet: [ipv4: {dst: {column: who}}, udp: {dst: {column: port}}]\n";
}

TEST(Flows, OfRowsKnowTheirColumns) {
  const DataFile file("who,port\n10.0.0.1,53\n10.0.0.2,80\n");
  const Plan plan = plan_of(of_rows(file.path()));
  ASSERT_EQ(plan.flows.size(), 1U);
  EXPECT_EQ(plan.flows[0].data, file.path());
  EXPECT_EQ(plan.flows[0].program->columns().size(), 2U);
  EXPECT_THAT(describe(plan), HasSubstr("one frame for each row of"));
}

TEST(Flows, DataIsLookedIntoWhenThePlanIsLoaded) {
  {
    const DataFile file("who,prot\n10.0.0.1,53\n");
    const Diagnostic report = refusal_of(of_rows(file.path()));
    EXPECT_EQ(report.file, "scenario.yaml");
    EXPECT_THAT(report.what, HasSubstr("has no column 'port'"));
    EXPECT_EQ(report.suggestion, "did you mean 'prot'?");
  }
  const DataFile file("who,port\n10.0.0.1,53\n10.0.0.2,65536\n");
  const Diagnostic report = refusal_of(of_rows(file.path()));
  EXPECT_EQ(report.file, file.path());
  EXPECT_EQ(report.line, 3U);
  EXPECT_EQ(report.column, 10U);
  EXPECT_EQ(report.what, "'65536' does not fit its field");
  EXPECT_EQ(report.source_line, "10.0.0.2,65536");
}

TEST(Flows, HaveThresholds) {
  const Plan plan = plan_of(kHosts + R"(
flows: {noise: {from: clients, packet: [ipv4: {dst: 10.0.0.1}, udp: {dst: 9}]}}
thresholds:
  noise.rate_error: ["< 0.1%", "< 0.5"]
  noise.rate_achieved: ["> 1kpps", "> 5"]
  noise.lost: ["== 0"]
  noise.generator_limited: ["== false"]
  flows.noise.latency_seconds: ["p(99) < 1ms"]
)");
  ASSERT_EQ(plan.thresholds.size(), 7U);
  EXPECT_DOUBLE_EQ(plan.thresholds[0].value, 0.001);
  EXPECT_DOUBLE_EQ(plan.thresholds[1].value, 0.5);
  EXPECT_DOUBLE_EQ(plan.thresholds[2].value, 1000);
}

}  // namespace
}  // namespace myriad::plan
