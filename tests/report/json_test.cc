#include "report/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/report/sample.h"

namespace myriad::report {
namespace {

using Json = nlohmann::ordered_json;
using ::testing::ElementsAre;

std::vector<std::string> keys(const Json& json) {
  std::vector<std::string> out;
  for (const auto& [key, value] : json.items()) out.push_back(key);
  return out;
}

TEST(Document, HasThePartsOfTheContractInOrder) {
  const Json json = Json::parse(to_json(sample_result()));
  EXPECT_THAT(keys(json), ElementsAre("myriad", "machine", "ports", "hosts", "workloads", "services", "flows",
                                      "replays", "thresholds", "notes", "verdict"));
  EXPECT_THAT(keys(json["myriad"]), ElementsAre("version", "command", "seed", "started", "seconds"));
  EXPECT_THAT(keys(json["machine"]), ElementsAre("kernel", "cpu", "cores"));
}

TEST(Document, PortsHaveTheKeysOfTheContract) {
  const Json port = Json::parse(to_json(sample_result()))["ports"]["lan"];
  for (const char* key : {"interface", "driver", "mode", "xdp", "queues", "frames_tx", "frames_rx", "bytes_tx",
                          "bytes_rx", "frames_passed", "drops"}) {
    EXPECT_TRUE(port.contains(key)) << key;
  }
  EXPECT_EQ(port["frames_tx"], 12345);
  EXPECT_EQ(port["drops"], (Json{{"truncated", 0}, {"bad_tcp_checksum", 3}}));
}

TEST(Document, HostsHaveTheKeysOfTheContract) {
  const Json hosts = Json::parse(to_json(sample_result()))["hosts"];
  for (const char* key : {"count", "arp_requests_tx", "arp_replies_tx", "echo_replies_tx", "resolved", "unresolved",
                          "duplicate_address"}) {
    EXPECT_TRUE(hosts["clients"].contains(key)) << key;
  }
  EXPECT_EQ(hosts["clients"]["echo_replies_tx"], 2000);
}

TEST(Document, WorkloadsHaveTheKeysOfTheContract) {
  const Json fetch = Json::parse(to_json(sample_result()))["workloads"]["fetch"];
  for (const char* key : {"sessions_started", "sessions_succeeded", "sessions_failed", "sessions_open",
                          "sessions_verified", "hosts_succeeded", "hosts_failed", "failures", "bytes_tx", "bytes_rx",
                          "concurrent_max", "connect_seconds", "first_byte_seconds", "session_seconds", "tcp"}) {
    EXPECT_TRUE(fetch.contains(key)) << key;
  }
  EXPECT_EQ(fetch["failures"]["refused"], 5);
  EXPECT_THAT(keys(fetch["tcp"]),
              ElementsAre("segments_tx", "segments_rx", "retransmits", "rto", "fast_retransmits", "resets_rx",
                          "out_of_order_rx", "duplicate_rx", "bad_checksum_rx", "resets_tx", "zero_window_probes_tx",
                          "tail_loss_probes_tx", "keep_alives_tx", "dsacks_rx", "challenge_acks_tx"));
  EXPECT_EQ(fetch["tcp"].size() * sizeof(std::uint64_t), sizeof(TcpResult)) << "a counter that no visitor sees";
  EXPECT_EQ(fetch["tcp"]["retransmits"], 4);
}

TEST(Document, StatusesOfFileServersAreThereWhenTheyWereSaid) {
  RunResult result = sample_result();
  result.workloads[0].failures.emplace_back("STATUS_ACCESS_DENIED", 2);
  result.workloads[0].failures.emplace_back("STATUS_DISK_FULL", 0);
  const Json failures = Json::parse(to_json(result))["workloads"]["fetch"]["failures"];
  EXPECT_EQ(failures["STATUS_ACCESS_DENIED"], 2);
  EXPECT_FALSE(failures.contains("STATUS_DISK_FULL"));
}

TEST(Document, DistributionsAreInSeconds) {
  const Json connect = Json::parse(to_json(sample_result()))["workloads"]["fetch"]["connect_seconds"];
  EXPECT_THAT(keys(connect), ElementsAre("count", "min", "mean", "p50", "p90", "p99", "p999", "max"));
  EXPECT_EQ(connect["count"], 100);
  EXPECT_DOUBLE_EQ(connect["min"], 0.001);
  EXPECT_DOUBLE_EQ(connect["max"], 3.0);
  EXPECT_NEAR(connect["p50"].get<double>(), 0.001, 0.000004);
  EXPECT_DOUBLE_EQ(connect["p999"], 3.0);
  EXPECT_NEAR(connect["mean"].get<double>(), 0.03099, 1e-9);
}

TEST(Document, AnEmptyDistributionKeepsItsKeys) {
  const Json first = Json::parse(to_json(sample_result()))["workloads"]["fetch"]["first_byte_seconds"];
  EXPECT_EQ(first["count"], 0);
  EXPECT_EQ(first["p99"], 0);
}

TEST(Document, ThresholdsSayWhatWasObserved) {
  const Json json = Json::parse(to_json(sample_result()));
  EXPECT_EQ(json["thresholds"][0],
            (Json{{"expression", "fetch.sessions_failed == 0"}, {"observed", 8.0}, {"holds", false}}));
  EXPECT_TRUE(json["thresholds"][1]["observed"].is_null());
  EXPECT_EQ(json["verdict"], "fail");
}

TEST(Document, OfAServiceOnEveryPortSaysWhatWasAskedFor) {
  RunResult result;
  ServiceResult& trap = result.services.emplace_back();
  trap.name = "trap";
  trap.on_every_port = true;
  trap.asked = {{"10.0.0.1", true, 25, 3, "HELO\r\n"}, {"fd00::1", false, 161, 1, "\xff"}};
  trap.asked_unlisted = 5;
  result.services.emplace_back().name = "web";
  const Json services = Json::parse(to_json(result))["services"];
  EXPECT_EQ(
      services["trap"]["asked"],
      Json::parse(R"([{"address": "10.0.0.1", "protocol": "tcp", "port": 25, "times": 3, "first_bytes": "HELO\\r\\n"},
                {"address": "fd00::1", "protocol": "udp", "port": 161, "times": 1, "first_bytes": "\\xff"}])"));
  EXPECT_EQ(services["trap"]["asked_unlisted"], 5);
  EXPECT_FALSE(services["web"].contains("asked"));
}

TEST(Document, IsOneObjectAndANewline) {
  const std::string text = to_json(sample_result());
  EXPECT_EQ(text.front(), '{');
  EXPECT_EQ(text.substr(text.size() - 2), "}\n");
}

TEST(Document, OfAnEmptyResultHasObjectsNotNulls) {
  const Json json = Json::parse(to_json(RunResult{}));
  for (const char* part : {"ports", "hosts", "workloads", "services", "flows", "replays"}) {
    EXPECT_TRUE(json[part].is_object()) << part;
  }
  EXPECT_TRUE(json["thresholds"].is_array());
  EXPECT_EQ(json["verdict"], "pass");
}

TEST(Document, ArgumentsThatAreNotUtf8DoNotBreakIt) {
  RunResult result;
  result.command = {"myriad", "run", "\xff\xfe.yaml"};
  const Json json = Json::parse(to_json(result));
  EXPECT_EQ(json["myriad"]["command"][2], "\xef\xbf\xbd\xef\xbf\xbd.yaml");
}

TEST(ProgressLine, HasTotalsAndRates) {
  RunResult before = sample_result();
  RunResult now = sample_result();
  now.seconds = 4.5;
  now.ports[0].frames_tx += 1000;
  now.ports[0].bytes_rx += 250'000;
  now.workloads[0].sessions_succeeded += 30;
  now.workloads[0].sessions_failed += 10;
  const std::string line = progress_line(now, before, 2.0);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const Json json = Json::parse(line);
  EXPECT_EQ(json["event"], "progress");
  EXPECT_EQ(json["seconds"], 4.5);
  EXPECT_EQ(json["ports"]["lan"]["frames_tx_per_second"], 500.0);
  EXPECT_EQ(json["ports"]["lan"]["bits_rx_per_second"], 1'000'000.0);
  EXPECT_EQ(json["workloads"]["fetch"]["sessions_per_second"], 20.0);
  EXPECT_EQ(json["workloads"]["fetch"]["sessions_open"], 2);
}

TEST(EventLine, LeavesOutWhatIsNotKnown) {
  EXPECT_EQ(event_line("link", 1.5, "down", "lan"), R"({"event":"link","seconds":1.5,"port":"lan","detail":"down"})");
  EXPECT_EQ(event_line("start", 0, ""), R"({"event":"start","seconds":0.0})");
}

}  // namespace
}  // namespace myriad::report
