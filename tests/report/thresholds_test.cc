#include "report/thresholds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/report/sample.h"

namespace myriad::report {
namespace {

using ::testing::HasSubstr;

double observed(const char* metric, const char* statistic = "") {
  const auto value = observe(sample_result(), metric, statistic);
  EXPECT_TRUE(value) << metric << ": " << (value ? "" : value.error().what);
  EXPECT_TRUE(value && value->has_value()) << metric;
  return value && *value ? **value : -1;
}

Error error_of(const char* metric, const char* statistic = "") {
  const auto value = observe(sample_result(), metric, statistic);
  EXPECT_FALSE(value) << metric;
  return value ? Error{} : value.error();
}

TEST(Observe, FindsCountersOfEverySection) {
  EXPECT_EQ(observed("fetch.sessions_failed"), 8);
  EXPECT_EQ(observed("fetch.generator_limited"), 0);
  EXPECT_EQ(observed("web.sessions"), 17);
  EXPECT_EQ(observed("clients.echo_replies_tx"), 2000);
  EXPECT_EQ(observed("lan.frames_tx"), 12345);
  EXPECT_EQ(observed("ports.lan.frames_tx"), 12345);
  EXPECT_EQ(observed("workloads.fetch.sessions_started"), 5000);
}

TEST(Observe, FindsNestedOnes) {
  EXPECT_EQ(observed("fetch.tcp.retransmits"), 4);
  EXPECT_EQ(observed("fetch.failures.refused"), 5);
  EXPECT_EQ(observed("fetch.failures.reset"), 0);
  EXPECT_EQ(observed("fetch.failures"), 8);
  EXPECT_EQ(observed("lan.drops.bad_tcp_checksum"), 3);
}

TEST(Observe, StatisticsAreInSeconds) {
  EXPECT_NEAR(observed("fetch.connect_seconds", "p50"), 0.001, 0.000004);
  EXPECT_NEAR(observed("fetch.connect_seconds", "p99"), 0.001, 0.000004);
  EXPECT_DOUBLE_EQ(observed("fetch.connect_seconds", "p999"), 3.0);
}

TEST(Observe, PercentIsReadAsTwoDigitsAndDecimals) {
  // 1000 values of 1..1000 µs: the percentile is the value.
  RunResult result = sample_result();
  result.workloads[0].first_byte = Histogram{};
  for (std::uint64_t us = 1; us <= 1000; ++us) result.workloads[0].first_byte.record(us * 1000);
  const auto at = [&](const char* statistic) { return **observe(result, "fetch.first_byte_seconds", statistic) * 1e6; };
  EXPECT_NEAR(at("p5"), 50, 0.5);
  EXPECT_NEAR(at("p50"), 500, 2.5);
  EXPECT_NEAR(at("p95"), 950, 5);
  EXPECT_NEAR(at("p999"), 999, 4);
  EXPECT_NEAR(at("mean"), 500.5, 1e-6);
  EXPECT_NEAR(at("min"), 1, 1e-9);
  EXPECT_NEAR(at("max"), 1000, 1e-9);
  EXPECT_EQ(**observe(result, "fetch.first_byte_seconds", "count"), 1000);
}

TEST(Observe, NothingRecordedIsNoValue) {
  const auto value = observe(sample_result(), "fetch.first_byte_seconds", "p99");
  ASSERT_TRUE(value);
  EXPECT_FALSE(value->has_value());
  EXPECT_EQ(observed("fetch.first_byte_seconds", "count"), 0);
}

TEST(Observe, ErrorsNameWhatThereIs) {
  EXPECT_THAT(error_of("fetsch.sessions_failed").cure, HasSubstr("fetch, web, clients, lan"));
  EXPECT_THAT(error_of("fetch.session_failed").cure, HasSubstr("sessions_failed"));
  EXPECT_THAT(error_of("fetch").what, HasSubstr("no metric 'fetch'"));
  EXPECT_THAT(error_of("fetch.").what, HasSubstr("no metric"));
  EXPECT_THAT(error_of("").what, HasSubstr("no metric"));
  EXPECT_THAT(error_of("fetch.tcp").what, HasSubstr("no metric"));
  EXPECT_THAT(error_of("fetch.tcp.nothing").cure, HasSubstr("fast_retransmits"));
  EXPECT_THAT(error_of("fetch.failures.tired").cure, HasSubstr("refused"));
  EXPECT_THAT(error_of("lan.driver").what, HasSubstr("text"));
  EXPECT_EQ(error_of("lan.driver").fault, Fault::kUsage);
}

TEST(Observe, StatisticsWhereTheyBelongOnly) {
  EXPECT_THAT(error_of("fetch.connect_seconds").what, HasSubstr("needs a statistic"));
  EXPECT_THAT(error_of("fetch.connect_seconds", "p").what, HasSubstr("unknown statistic"));
  EXPECT_THAT(error_of("fetch.connect_seconds", "p9x").what, HasSubstr("unknown statistic"));
  EXPECT_THAT(error_of("fetch.sessions_failed", "p99").what, HasSubstr("one number"));
}

TEST(Evaluate, EveryComparison) {
  const auto holds = [](Comparison comparison, double value) {
    return evaluate(sample_result(), {"x", "fetch.sessions_failed", "", comparison, value})->holds;
  };
  EXPECT_TRUE(holds(Comparison::kEqual, 8));
  EXPECT_FALSE(holds(Comparison::kEqual, 9));
  EXPECT_TRUE(holds(Comparison::kNotEqual, 9));
  EXPECT_FALSE(holds(Comparison::kNotEqual, 8));
  EXPECT_TRUE(holds(Comparison::kLess, 9));
  EXPECT_FALSE(holds(Comparison::kLess, 8));
  EXPECT_TRUE(holds(Comparison::kLessOrEqual, 8));
  EXPECT_FALSE(holds(Comparison::kLessOrEqual, 7));
  EXPECT_TRUE(holds(Comparison::kGreater, 7));
  EXPECT_FALSE(holds(Comparison::kGreater, 8));
  EXPECT_TRUE(holds(Comparison::kGreaterOrEqual, 8));
  EXPECT_FALSE(holds(Comparison::kGreaterOrEqual, 9));
}

TEST(Evaluate, WithoutObservationItDoesNotHold) {
  const auto threshold = evaluate(sample_result(), {"e", "fetch.first_byte_seconds", "p99", Comparison::kLess, 1e9});
  ASSERT_TRUE(threshold);
  EXPECT_EQ(threshold->expression, "e");
  EXPECT_FALSE(threshold->observed);
  EXPECT_FALSE(threshold->holds);
}

TEST(Evaluate, AnUnknownMetricIsAnError) {
  EXPECT_FALSE(evaluate(sample_result(), {"e", "nobody.nothing", "", Comparison::kEqual, 0}));
  EXPECT_FALSE(
      evaluate(sample_result(),
               {"e", "fetch.sessions_failed", "", Comparison::kEqual, 0, Measure::kShare, {"fetch.sessions_begun"}}));
}

TEST(Evaluate, ARateIsOverTheTimeOfTheRun) {
  RunResult result = sample_result();
  const auto rate = [&] {
    return evaluate(result,
                    {"e", "fetch.sessions_succeeded", "", Comparison::kGreaterOrEqual, 1996, Measure::kPerSecond});
  };
  EXPECT_DOUBLE_EQ(rate()->observed.value(), 4990 / 2.5);
  EXPECT_TRUE(rate()->holds);
  result.seconds = 0;
  EXPECT_FALSE(rate()->observed);
  EXPECT_FALSE(rate()->holds);
}

TEST(Evaluate, AShareIsOfTheSumOfItsWhole) {
  RunResult result = sample_result();
  const auto failed = [&] {
    return evaluate(result, {"e",
                             "fetch.hosts_failed",
                             "",
                             Comparison::kLess,
                             0.02,
                             Measure::kShare,
                             {"fetch.hosts_succeeded", "fetch.hosts_failed"}});
  };
  EXPECT_DOUBLE_EQ(failed()->observed.value(), 0.012);
  EXPECT_TRUE(failed()->holds);
  result.workloads[0].hosts_succeeded = result.workloads[0].hosts_failed = 0;
  EXPECT_FALSE(failed()->observed) << "a part of nothing";
  EXPECT_FALSE(failed()->holds);
}

TEST(Observe, FindsNumbersOfTheRun) {
  EXPECT_EQ(observed("myriad.seconds"), 2.5);
  EXPECT_EQ(observed("myriad.seed"), 42);
  EXPECT_EQ(observed("machine.cores"), 2);
  EXPECT_THAT(error_of("myriad.seconds", "p99").what, HasSubstr("one number"));
  EXPECT_THAT(error_of("myriad.version").what, HasSubstr("no metric"));
}

}  // namespace
}  // namespace myriad::report
