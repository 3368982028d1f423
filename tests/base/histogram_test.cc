#include "base/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/rng.h"

namespace myriad {
namespace {

// The oracle: keeps every value and answers by nearest rank.
class Oracle {
 public:
  void record(std::uint64_t ns) { values_.push_back(std::clamp(ns, Histogram::kMinNs, Histogram::kMaxNs)); }
  double percentile(double percent) {
    std::sort(values_.begin(), values_.end());
    const auto rank = static_cast<std::size_t>(std::ceil(percent / 100.0 * static_cast<double>(values_.size())));
    return static_cast<double>(values_[std::max<std::size_t>(rank, 1) - 1]);
  }
  double mean() const {
    long double sum = 0;
    for (std::uint64_t v : values_) sum += static_cast<long double>(v);
    return static_cast<double>(sum / static_cast<long double>(values_.size()));
  }

 private:
  std::vector<std::uint64_t> values_;
};

constexpr double kPercents[] = {0, 0.01, 1, 5, 10, 25, 50, 75, 90, 95, 99, 99.9, 99.99, 100};

// Spreads over all orders of magnitude: a random width, then random bits.
std::uint64_t any_duration(Rng& rng) {
  const auto width = static_cast<int>(rng.below(46));
  return rng.next() >> (63 - width);
}

void expect_same(const Histogram& histogram, Oracle& oracle) {
  for (double percent : kPercents) {
    const double exact = oracle.percentile(percent);
    EXPECT_NEAR(histogram.percentile(percent), exact, exact * 0.004) << "p" << percent;
  }
  EXPECT_NEAR(histogram.mean(), oracle.mean(), oracle.mean() * 1e-12);
  EXPECT_EQ(static_cast<double>(histogram.min()), oracle.percentile(0));
  EXPECT_EQ(static_cast<double>(histogram.max()), oracle.percentile(100));
}

TEST(Histogram, EmptyAnswersZero) {
  const Histogram histogram;
  EXPECT_TRUE(histogram.empty());
  EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(histogram.min(), 0U);
  EXPECT_EQ(histogram.max(), 0U);
  EXPECT_EQ(histogram.mean(), 0.0);
  EXPECT_EQ(histogram.percentile(50), 0.0);
}

TEST(Histogram, OneValueIsEveryPercentile) {
  Histogram histogram;
  histogram.record(1'234'567'891);
  for (double percent : kPercents) EXPECT_EQ(histogram.percentile(percent), 1'234'567'891.0);
  EXPECT_EQ(histogram.mean(), 1'234'567'891.0);
}

TEST(Histogram, SmallValuesAreExact) {
  Histogram histogram;
  Oracle oracle;
  for (std::uint64_t ns = 1; ns < 256; ++ns) {
    histogram.record(ns);
    oracle.record(ns);
  }
  for (double percent : kPercents) EXPECT_EQ(histogram.percentile(percent), oracle.percentile(percent));
}

TEST(Histogram, AgreesWithTheOracleAtEveryBucketEdge) {
  for (int width = 0; width < 42; ++width) {
    for (std::uint64_t step : {0U, 1U, 63U, 64U, 127U}) {
      const std::uint64_t base = std::uint64_t{1} << width;
      const std::uint64_t edge = base + (base * step) / 128;
      for (std::uint64_t value : {edge - 1, edge, edge + 1}) {
        Histogram histogram;
        // Three values, so that the middle one is neither the minimum nor the maximum.
        histogram.record(1);
        histogram.record(value);
        histogram.record(Histogram::kMaxNs);
        const auto exact = static_cast<double>(std::max<std::uint64_t>(value, 1));
        EXPECT_NEAR(histogram.percentile(50), exact, exact * 0.004) << value;
      }
    }
  }
}

TEST(Histogram, AgreesWithTheOracleOnRandomSets) {
  Rng rng{7};
  for (int round = 0; round < 60; ++round) {
    Histogram histogram;
    Oracle oracle;
    const std::uint64_t values = 1 + rng.below(3000);
    for (std::uint64_t i = 0; i < values; ++i) {
      const std::uint64_t ns = any_duration(rng);
      histogram.record(ns);
      oracle.record(ns);
    }
    ASSERT_EQ(histogram.count(), values);
    expect_same(histogram, oracle);
  }
}

TEST(Histogram, MergeIsTheHistogramOfBoth) {
  Rng rng{11};
  for (int round = 0; round < 20; ++round) {
    std::vector<Histogram> parts(5);
    Histogram whole;
    Oracle oracle;
    for (int i = 0; i < 2000; ++i) {
      const std::uint64_t ns = any_duration(rng);
      parts[rng.below(4)].record(ns);  // the last part stays empty
      whole.record(ns);
      oracle.record(ns);
    }
    Histogram merged;
    for (const Histogram& part : parts) merged.merge(part);
    for (double percent : kPercents) EXPECT_EQ(merged.percentile(percent), whole.percentile(percent));
    EXPECT_EQ(merged.count(), whole.count());
    EXPECT_EQ(merged.mean(), whole.mean());
    expect_same(merged, oracle);
  }
}

TEST(Histogram, RecordNEqualsRepeatedRecord) {
  Histogram once;
  Histogram many;
  for (int i = 0; i < 1000; ++i) many.record(5'000'000);
  once.record_n(5'000'000, 1000);
  many.record(1);
  once.record_n(1, 1);
  once.record_n(77, 0);
  EXPECT_EQ(once.count(), many.count());
  EXPECT_EQ(once.mean(), many.mean());
  EXPECT_EQ(once.min(), 1U);
  for (double percent : kPercents) EXPECT_EQ(once.percentile(percent), many.percentile(percent));
}

TEST(Histogram, BeyondTheRangeIsHeldAtItsEnd) {
  Histogram histogram;
  histogram.record(0);
  EXPECT_EQ(histogram.max(), 1U);
  histogram.record(UINT64_MAX);
  EXPECT_EQ(histogram.max(), Histogram::kMaxNs);
  EXPECT_EQ(histogram.percentile(100), static_cast<double>(Histogram::kMaxNs));
  // An hour is inside.
  Histogram hour;
  hour.record(3'600'000'000'000);
  hour.record(3'600'000'000'001);
  EXPECT_EQ(hour.max(), 3'600'000'000'001U);
  EXPECT_EQ(hour.min(), 3'600'000'000'000U);
}

TEST(Histogram, TheSumOfManyHoursDoesNotWrap) {
  Histogram histogram;
  histogram.record_n(3'600'000'000'000, 1'000'000'000);
  EXPECT_DOUBLE_EQ(histogram.mean(), 3'600'000'000'000.0);
}

TEST(Histogram, PercentOutsideItsRangeIsTheNearestEnd) {
  Histogram histogram;
  histogram.record(10);
  histogram.record(20);
  EXPECT_EQ(histogram.percentile(-5), 10.0);
  EXPECT_EQ(histogram.percentile(200), 20.0);
}

TEST(Histogram, SinceIsWhatCameLater) {
  Histogram all;
  all.record_n(100, 3);
  all.record(1'000'000);
  const Histogram earlier = all;
  EXPECT_TRUE(all.since(earlier).empty());
  EXPECT_EQ(all.since(Histogram{}).count(), 4U);
  all.record_n(200, 2);
  all.record(50'000);
  const Histogram recent = all.since(earlier);
  EXPECT_EQ(recent.count(), 3U);
  EXPECT_DOUBLE_EQ(recent.sum(), 50'400);
  EXPECT_EQ(recent.percentile(50), 200);
  EXPECT_EQ(recent.min(), 200U);
  EXPECT_NEAR(static_cast<double>(recent.max()), 50'000, 200);
  Histogram whole = earlier;
  whole.merge(recent);
  EXPECT_EQ(whole.percentile(25), all.percentile(25));
}

TEST(Histogram, CountsWhatIsAtMost) {
  const std::uint64_t bounds[] = {50, 100, 199, 1'000'000, Histogram::kMaxNs};
  EXPECT_EQ(Histogram{}.at_most(bounds), (std::vector<std::uint64_t>{0, 0, 0, 0, 0}));
  Histogram histogram;
  histogram.record_n(100, 3);
  histogram.record_n(200, 2);
  histogram.record(2'000'000);
  EXPECT_EQ(histogram.at_most(bounds), (std::vector<std::uint64_t>{0, 3, 3, 5, 6}));
}

}  // namespace
}  // namespace myriad
