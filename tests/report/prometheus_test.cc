// The exposition, and the dashboard that lives on it. tests/netns/metrics_test.py has promtool check it.
#include "report/prometheus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

#include "tests/report/sample.h"

namespace myriad::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Something in every section.
RunResult whole_result() {
  RunResult result = sample_result();
  FlowResult pps;
  pps.name = "noise";
  pps.rate_unit = "pps";
  pps.rate_target = 1000;
  pps.rate_achieved = 999.5;
  pps.latency.record(20'000);
  FlowResult bps = pps;
  bps.name = "bulk";
  bps.rate_unit = "bps";
  result.flows = {pps, bps};
  ReplayResult replay;
  replay.name = "morning";
  replay.frames_skipped = {{"runt", 1}};
  result.replays = {replay};
  return result;
}

// Names of families, with their types.
std::map<std::string, std::string> families(const std::string& text) {
  std::map<std::string, std::string> found;
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_match(line, match, std::regex{"# TYPE (\\S+) (\\S+)"})) found[match[1]] = match[2];
  }
  return found;
}

TEST(Exposition, HasCountersGaugesAndHistograms) {
  const std::string text = prometheus_text(whole_result());
  for (const char* part :
       {"# TYPE myriad_workload_sessions_started_total counter\n"
        "myriad_workload_sessions_started_total{workload=\"fetch\"} 5000\n",
        "myriad_workload_failures_total{workload=\"fetch\",reason=\"refused\"} 5\n",
        "# TYPE myriad_workload_sessions_open gauge\nmyriad_workload_sessions_open{workload=\"fetch\"} 2\n",
        "myriad_workload_tcp_retransmits_total{workload=\"fetch\"} 4\n",
        "# TYPE myriad_workload_connect_seconds histogram\n",
        "myriad_workload_connect_seconds_bucket{workload=\"fetch\",le=\"0.0005\"} 0\n"
        "myriad_workload_connect_seconds_bucket{workload=\"fetch\",le=\"0.001\"} 99\n",
        "myriad_workload_connect_seconds_bucket{workload=\"fetch\",le=\"+Inf\"} 100\n"
        "myriad_workload_connect_seconds_sum{workload=\"fetch\"} 3.099",
        "myriad_workload_connect_seconds_count{workload=\"fetch\"} 100\n",
        "myriad_port_drops_total{port=\"lan\",reason=\"bad_tcp_checksum\"} 3\n", "myriad_port_up{port=\"lan\"} 1\n",
        "myriad_port_info{port=\"lan\",interface=\"eth1\",driver=\"veth\",mode=\"copy\",xdp=\"native\"} 1\n",
        "myriad_group_hosts{group=\"clients\"} 1000\n", "myriad_service_sessions_total{service=\"web\"} 17\n",
        "myriad_flow_achieved_frames_per_second{flow=\"noise\"} 999.5\n",
        "myriad_flow_target_bytes_per_second{flow=\"bulk\"} 125\n",
        "myriad_replay_frames_skipped_total{replay=\"morning\",reason=\"runt\"} 1\n",
        "myriad_build_info{version=\"0.1.0\"} 1\n", "myriad_run_elapsed_seconds 2.5\n"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

TEST(Exposition, KeepsTheSamplesOfAFamilyTogether) {
  RunResult result = whole_result();
  result.workloads.push_back(result.workloads[0]);
  result.workloads[1].name = "second";
  std::istringstream lines{prometheus_text(result)};
  std::string family;
  std::set<std::string> seen;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# HELP ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(seen.insert(family).second) << family << " comes twice";
    } else if (!line.starts_with("#")) {
      EXPECT_TRUE(line.starts_with(family)) << line << " under " << family;
    }
  }
}

TEST(Exposition, CountersAloneEndInTotal) {
  for (const auto& [name, type] : families(prometheus_text(whole_result())))
    EXPECT_EQ(name.ends_with("_total"), type == "counter") << name;
}

TEST(Exposition, EscapesWhatLabelsSay) {
  RunResult result = whole_result();
  result.workloads[0].name = "a\\b\"c\nd\xff";
  EXPECT_THAT(prometheus_text(result), HasSubstr("{workload=\"a\\\\b\\\"c\\nd\xef\xbf\xbd\"} 5000\n"));
}

TEST(Exposition, HasNoSeriesOfHostsNorOfStrangers) {
  RunResult result = whole_result();
  result.flows[1].of_another_run = true;
  const std::string text = prometheus_text(result);
  EXPECT_THAT(text, Not(HasSubstr("clients[")));
  EXPECT_THAT(text, Not(HasSubstr("bulk")));
}

void collect_expressions(const nlohmann::json& part, std::set<std::string>& names) {
  static const std::regex kName{"myriad_[a-z0-9_]+"};
  for (const auto& [key, value] : part.items()) {
    if (value.is_structured()) collect_expressions(value, names);
    if (!value.is_string() || (key != "expr" && key != "definition")) continue;
    const std::string text = value;
    for (std::sregex_iterator at{text.begin(), text.end(), kName}; at != std::sregex_iterator{}; ++at)
      names.insert(at->str());
  }
}

TEST(Dashboard, AsksOnlyForWhatThereIs) {
  std::ifstream file{MYRIAD_DASHBOARD};
  const auto dashboard = nlohmann::json::parse(file);
  std::set<std::string> names;
  collect_expressions(dashboard, names);
  ASSERT_GT(names.size(), 20U);
  const auto known = families(prometheus_text(whole_result()));
  for (std::string name : names) {
    const bool of_histogram = name.ends_with("_bucket");
    if (of_histogram) name.resize(name.size() - std::string("_bucket").size());
    ASSERT_TRUE(known.contains(name)) << name;
    EXPECT_EQ(known.at(name) == "histogram", of_histogram) << name;
  }
}

TEST(Dashboard, PanelsHaveTheirOwnNumbersAndPlaces) {
  std::ifstream file{MYRIAD_DASHBOARD};
  const auto dashboard = nlohmann::json::parse(file);
  std::set<int> numbers;
  std::set<std::pair<int, int>> places;
  for (const auto& panel : dashboard["panels"]) {
    EXPECT_TRUE(numbers.insert(panel["id"].get<int>()).second) << panel["title"];
    EXPECT_TRUE(places.emplace(panel["gridPos"]["x"], panel["gridPos"]["y"]).second) << panel["title"];
  }
}

}  // namespace
}  // namespace myriad::report
