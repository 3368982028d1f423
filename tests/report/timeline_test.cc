#include "report/timeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/report/sample.h"

namespace myriad::report {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;

RunResult nothing_yet() {
  RunResult result;
  result.ports.resize(1);
  result.ports[0].name = "lan";
  result.ports[0].drops = {{"truncated", 0}};
  result.workloads.resize(1);
  result.workloads[0].name = "fetch";
  return result;
}

const Series& line(const std::vector<Chart>& charts, const std::string& title, const std::string& name) {
  static const Series kNone;
  for (const Chart& chart : charts) {
    if (chart.title != title) continue;
    for (const Series& series : chart.series) {
      if (series.name == name) return series;
    }
  }
  ADD_FAILURE() << title << ": " << name;
  return kNone;
}

TEST(Timeline, HasRatesLevelsAndTimesOfEachSecond) {
  RunResult now = nothing_yet();
  Timeline timeline{now};
  now.seconds = 0.5;
  timeline.add(now);
  EXPECT_TRUE(timeline.seconds().empty()) << "too soon";
  now.seconds = 2;
  now.workloads[0].sessions_started = 100;
  now.workloads[0].sessions_succeeded = 90;
  now.workloads[0].sessions_open = 10;
  now.workloads[0].session.record_n(200, 90);
  now.ports[0].bytes_rx = 1000;
  now.ports[0].drops[0].second = 4;
  timeline.add(now);
  now.seconds = 3;
  now.workloads[0].sessions_failed = 7;
  now.workloads[0].sessions_open = 3;
  timeline.add(now);
  now.seconds = 3.5;
  now.workloads[0].session.record_n(100, 2);
  timeline.finish(now);
  EXPECT_THAT(timeline.seconds(), ElementsAre(2, 3, 3.5));
  const auto charts = timeline.charts();
  EXPECT_THAT(line(charts, "Sessions a second", "fetch started").values, ElementsAre(50, 0, 0));
  EXPECT_THAT(line(charts, "Sessions a second", "fetch succeeded").values, ElementsAre(45, 0, 0));
  EXPECT_THAT(line(charts, "Open sessions", "fetch").values, ElementsAre(10, 3, 3));
  EXPECT_THAT(line(charts, "Failed sessions a second", "fetch").values, ElementsAre(0, 7, 0));
  EXPECT_THAT(line(charts, "Bits a second of ports", "lan in").values, ElementsAre(4000, 0, 0));
  EXPECT_THAT(line(charts, "Drops a second", "lan").values, ElementsAre(2, 0, 0));
  const auto& p99 = line(charts, "Time of the sessions that ended", "fetch p99").values;
  ASSERT_EQ(p99.size(), 3U);
  EXPECT_THAT(p99[0], DoubleEq(200e-9));
  EXPECT_TRUE(std::isnan(p99[1])) << "no session ended in that second";
  EXPECT_THAT(p99[2], DoubleEq(100e-9)) << "those of that second alone";
}

TEST(Timeline, WhatIsNotThereHasNoChart) {
  RunResult now = nothing_yet();
  now.workloads.clear();
  for (const Chart& chart : Timeline{now}.charts()) EXPECT_FALSE(chart.title.find("ession") != std::string::npos);
}

// A day: the points become fewer and cover all of it; rates stay right.
TEST(Timeline, StaysBounded) {
  RunResult now = nothing_yet();
  Timeline timeline{now};
  std::uint64_t most_open = 0;
  for (int second = 1; second <= 86'400; ++second) {
    now.seconds = second;
    now.workloads[0].sessions_started += 5;
    now.workloads[0].sessions_open = static_cast<std::uint64_t>(second);
    timeline.add(now);
    ASSERT_LT(timeline.seconds().size(), Timeline::kMostPoints);
    most_open = now.workloads[0].sessions_open;
  }
  timeline.finish(now);
  EXPECT_GT(timeline.seconds().size(), Timeline::kMostPoints / 3);
  EXPECT_EQ(timeline.seconds().back(), 86'400);
  EXPECT_LE(timeline.seconds().front(), 256);
  const auto charts = timeline.charts();
  for (const double rate : line(charts, "Sessions a second", "fetch started").values) EXPECT_DOUBLE_EQ(rate, 5);
  const auto& open = line(charts, "Open sessions", "fetch").values;
  ASSERT_EQ(open.size(), timeline.seconds().size());
  for (std::size_t i = 0; i < open.size(); ++i) EXPECT_EQ(open[i], timeline.seconds()[i]);
  EXPECT_EQ(open.back(), static_cast<double>(most_open));
}

TEST(Timeline, FlowsOfOtherRunsAppearLaterAndHaveNoLine) {
  RunResult now = nothing_yet();
  now.flows.resize(1);
  now.flows[0].name = "noise";
  Timeline timeline{now};
  now.flows.resize(3);
  now.seconds = 1;
  now.flows[0].frames_tx = 9;
  timeline.add(now);
  EXPECT_THAT(line(timeline.charts(), "Frames a second of flows and replays", "noise").values, ElementsAre(9));
}

}  // namespace
}  // namespace myriad::report
