// What thresholds may name (templates/plan) is what the result document holds (report), in both directions.
#include "templates/plan/metrics.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <type_traits>

#include "report/metrics.h"
#include "report/thresholds.h"

namespace myriad::plan {
namespace {

const MetricSection& section(std::string_view name) {
  for (const MetricSection& one : kMetricSections) {
    if (one.name == name) return one;
  }
  ADD_FAILURE() << name;
  return kMetricSections[0];
}

struct Collector {
  std::map<std::string, MetricKind>& found;
  std::string prefix;

  template <class Value>
  void operator()(const char* name, const Value& value, const char*) {
    const std::string full = prefix + name;
    if constexpr (std::is_same_v<Value, report::TcpResult>) {
      visit_metrics(value, Collector{found, full + "."});
    } else if constexpr (std::is_same_v<Value, Histogram>) {
      found[full] = MetricKind::kDistribution;
    } else if constexpr (std::is_same_v<Value, report::Reasons>) {
      found[full] = MetricKind::kReasons;
    } else if constexpr (std::is_same_v<Value, bool>) {
      found[full] = MetricKind::kFlag;
    } else if constexpr (!std::is_same_v<Value, std::string>) {
      const bool rate = full == "rate_target" || full == "rate_achieved";
      found[full] = full.starts_with("bytes_") ? MetricKind::kBytes
                    : full == "rate_error"     ? MetricKind::kFraction
                    : rate                     ? MetricKind::kRate
                                               : MetricKind::kCount;
    }
  }
};

template <class Result>
void expect_same(std::string_view name) {
  std::map<std::string, MetricKind> reported;
  const Result result;
  visit_metrics(result, Collector{reported, ""});
  std::map<std::string, MetricKind> known;
  for (const Metric& metric : section(name).metrics) {
    known[std::string(metric.name)] = metric.kind == MetricKind::kState ? MetricKind::kCount : metric.kind;
    for (const std::string_view part : metric.whole) {
      EXPECT_TRUE(part.empty() || reported.contains(std::string(part))) << metric.name << " of " << part;
    }
  }
  EXPECT_EQ(known, reported) << name;
}

TEST(Metrics, AreThoseOfTheResultDocument) {
  expect_same<report::WorkloadResult>("workloads");
  expect_same<report::FlowResult>("flows");
  expect_same<report::ReplayResult>("replays");
  expect_same<report::ServiceResult>("services");
  expect_same<report::GroupResult>("hosts");
  expect_same<report::PortResult>("ports");
}

TEST(Metrics, OfTheRunCanBeObserved) {
  for (const Metric& metric : kRunMetrics) {
    EXPECT_TRUE(report::observe(report::RunResult{}, metric.name, {})) << metric.name;
  }
}

}  // namespace
}  // namespace myriad::plan
