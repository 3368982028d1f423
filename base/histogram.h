// A histogram of durations that can be merged: nanoseconds in log-linear buckets. Every power of two is cut into 128
// buckets of equal width, so a percentile is at most 0.4 % from the true one (exact below 256 ns); count, sum, minimum
// and maximum are exact. Merging loses nothing: the merge of two histograms is the histogram of both sets of values.
//
// The buckets (36 KiB) are allocated with the first value: an empty histogram costs a few words.
// One thread at a time; copy it to hand it over. Values beyond the range are held at its end, never refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/rng.h"

namespace myriad {

class Histogram {
 public:
  // The range: 0 counts as 1 ns, everything from 2^42 ns (73 minutes) on as the last nanosecond before it.
  static constexpr std::uint64_t kMinNs = 1;
  static constexpr std::uint64_t kMaxNs = (std::uint64_t{1} << 42) - 1;

  void record(std::uint64_t ns) { record_n(ns, 1); }
  // The same value `times` times.
  void record_n(std::uint64_t ns, std::uint64_t times);
  void merge(const Histogram& other);
  // What has been recorded since `earlier`, a copy of this histogram as it was before. Count and sum are exact; minimum
  // and maximum are as exact as the buckets.
  [[nodiscard]] Histogram since(const Histogram& earlier) const;

  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] bool empty() const { return count_ == 0; }
  // All of these are nanoseconds, and 0 when the histogram is empty.
  [[nodiscard]] std::uint64_t min() const { return count_ == 0 ? 0 : min_; }
  [[nodiscard]] std::uint64_t max() const { return max_; }
  [[nodiscard]] double mean() const;
  [[nodiscard]] double sum() const { return static_cast<double>(sum_); }
  // How many values do not exceed each of the bounds, which rise; a bound is as exact as the buckets.
  [[nodiscard]] std::vector<std::uint64_t> at_most(std::span<const std::uint64_t> bounds_ns) const;
  // The nearest-rank percentile: the smallest recorded value that at least `percent` % of the values do not exceed, as
  // the middle of its bucket. percentile(0) is min() and percentile(100) is max(), exactly.
  [[nodiscard]] double percentile(double percent) const;

 private:
  static constexpr int kSubBucketBits = 7;
  // Octave 0 holds 0..255 one by one; each further octave adds 128 buckets.
  static constexpr std::size_t kBuckets = (42 - kSubBucketBits - 1) * (1U << kSubBucketBits) + (2U << kSubBucketBits);

  static std::size_t bucket_of(std::uint64_t ns);
  static double middle_of(std::size_t bucket);

  std::vector<std::uint64_t> buckets_;  // empty, or kBuckets
  std::uint64_t count_ = 0;
  std::uint64_t min_ = 0;
  std::uint64_t max_ = 0;
  Uint128 sum_ = 0;  // 64 bits would hold 5 million values of an hour
};

}  // namespace myriad
