#include "base/histogram.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <utility>

namespace myriad {

// With the leading eight bits of a value kept, `shift` bits of it are lost: the bucket is 2^shift wide.
std::size_t Histogram::bucket_of(std::uint64_t ns) {
  const int width = static_cast<int>(std::bit_width(ns));
  const int shift = std::max(0, width - kSubBucketBits - 1);
  return (static_cast<std::size_t>(shift) << kSubBucketBits) + static_cast<std::size_t>(ns >> shift);
}

double Histogram::middle_of(std::size_t bucket) {
  constexpr std::size_t kExact = 2U << kSubBucketBits;
  if (bucket < kExact) return static_cast<double>(bucket);
  const std::size_t shift = (bucket >> kSubBucketBits) - 1;
  const std::uint64_t first = std::uint64_t{bucket - (shift << kSubBucketBits)} << shift;
  return static_cast<double>(first) + static_cast<double>((std::uint64_t{1} << shift) - 1) / 2.0;
}

void Histogram::record_n(std::uint64_t ns, std::uint64_t times) {
  if (times == 0) return;
  ns = std::clamp(ns, kMinNs, kMaxNs);
  if (buckets_.empty()) buckets_.resize(kBuckets);
  buckets_[bucket_of(ns)] += times;
  min_ = count_ == 0 ? ns : std::min(min_, ns);
  max_ = std::max(max_, ns);
  count_ += times;
  sum_ += Uint128{ns} * times;
}

void Histogram::merge(const Histogram& other) {
  if (other.count_ == 0) return;
  if (buckets_.empty()) buckets_.resize(kBuckets);
  for (std::size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
  min_ = count_ == 0 ? other.min_ : std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  count_ += other.count_;
  sum_ += other.sum_;
}

Histogram Histogram::since(const Histogram& earlier) const {
  if (earlier.count_ == 0) return *this;
  Histogram recent;
  assert(earlier.count_ <= count_);
  if (earlier.count_ == count_) return recent;
  recent.buckets_.resize(kBuckets);
  recent.count_ = count_ - earlier.count_;
  recent.sum_ = sum_ - earlier.sum_;
  bool any = false;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    recent.buckets_[i] = buckets_[i] - earlier.buckets_[i];
    if (recent.buckets_[i] == 0) continue;
    const auto here = std::clamp(static_cast<std::uint64_t>(middle_of(i)), min_, max_);
    if (!std::exchange(any, true)) recent.min_ = here;
    recent.max_ = here;
  }
  return recent;
}

std::vector<std::uint64_t> Histogram::at_most(std::span<const std::uint64_t> bounds_ns) const {
  std::vector<std::uint64_t> counts;
  std::uint64_t seen = 0;
  std::size_t next = 0;
  for (const std::uint64_t bound : bounds_ns) {
    const std::size_t end = count_ == 0 ? 0 : bucket_of(std::clamp(bound, kMinNs, kMaxNs)) + 1;
    for (; next < end; ++next) seen += buckets_[next];
    counts.push_back(seen);
  }
  return counts;
}

double Histogram::mean() const { return count_ == 0 ? 0.0 : static_cast<double>(sum_) / static_cast<double>(count_); }

double Histogram::percentile(double percent) const {
  if (count_ == 0) return 0.0;
  const double exact_rank = std::ceil(std::clamp(percent, 0.0, 100.0) / 100.0 * static_cast<double>(count_));
  const std::uint64_t rank = std::clamp(static_cast<std::uint64_t>(exact_rank), std::uint64_t{1}, count_);
  if (percent <= 0.0) return static_cast<double>(min_);
  if (rank == count_) return static_cast<double>(max_);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += buckets_[i];
    if (seen >= rank) return std::clamp(middle_of(i), static_cast<double>(min_), static_cast<double>(max_));
  }
  return static_cast<double>(max_);
}

}  // namespace myriad
