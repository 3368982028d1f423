// Bytes that many connections send, kept once with partial sums: a segment's share of the TCP checksum is looked up and
// not added up again for every connection and every retransmission.
#pragma once

#include <cassert>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/checksum.h"

namespace myriad::app {

class SummedBytes {
 public:
  SummedBytes() : SummedBytes(std::vector<std::uint8_t>{}) {}
  explicit SummedBytes(std::vector<std::uint8_t> bytes) : bytes_(std::move(bytes)) {
    sums_.reserve(bytes_.size() / kStep + 1);
    std::uint64_t sum = 0;
    for (std::size_t at = 0; bytes_.size() - at >= kStep; at += kStep) {
      sums_.push_back(sum);
      sum = checksum_add(sum, {bytes_.data() + at, kStep});
    }
    sums_.push_back(sum);
  }

  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] Bytes bytes() const { return bytes_; }

  // Writes bytes [offset, offset + out.size()), which are there, and returns their running sum.
  std::uint64_t copy(std::uint64_t offset, MutableBytes out) const {
    assert(offset + out.size() <= bytes_.size());
    if (out.empty()) return 0;
    std::memcpy(out.data(), bytes_.data() + offset, out.size());
    return checksum_at(offset, kNothing + sum_up_to(offset + out.size()) - sum_up_to(offset));
  }

 private:
  static constexpr std::size_t kStep = 64;  // bytes between two partial sums

  // Counts as zero and is larger than the sum of a step: a difference of two sums, each of which may have had its
  // carries brought round, stays above zero.
  static constexpr std::uint64_t kNothing = std::uint64_t{0xffff} << 24;

  // Of bytes [0, end).
  [[nodiscard]] std::uint64_t sum_up_to(std::uint64_t end) const {
    const std::size_t whole = end / kStep;
    return checksum_add_short(sums_[whole], bytes_.data() + whole * kStep, end % kStep);
  }

  std::vector<std::uint8_t> bytes_;
  std::vector<std::uint64_t> sums_;  // of the first n * kStep bytes
};

}  // namespace myriad::app
