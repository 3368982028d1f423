// Payload that is never stored: the byte at an offset of a stream is a function of (seed, offset), the same whatever
// the pieces in which it is asked for. Eight bytes cost one multiplication; their share of a checksum comes with them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/rng.h"

namespace myriad::app {

class Pattern {
 public:
  explicit constexpr Pattern(std::uint64_t seed) : seed_(mix64(seed)) {}

  // Writes bytes [offset, offset + out.size()), and returns their running sum (base/checksum.h).
  std::uint64_t fill(std::uint64_t offset, MutableBytes out) const {
    std::uint8_t* at = out.data();
    std::size_t left = out.size();
    const auto skip = static_cast<std::size_t>(offset % 8);
    std::uint64_t index = offset / 8;
    std::uint64_t first = 0;
    if (skip != 0 && left != 0) {
      const std::size_t piece = std::min(8 - skip, left);
      first = copy(at, index++, skip, piece);
      at += piece;
      left -= piece;
    }
    const auto position = static_cast<std::size_t>(at - out.data());
    std::uint64_t sum = 0;  // of words whose carries come round
    for (; left >= 8; at += 8, left -= 8) {
      const std::uint64_t word = word_at(index++);
      std::memcpy(at, &word, sizeof word);
      sum += word;
      sum += sum < word ? 1U : 0U;
    }
    const std::uint64_t last = left != 0 ? copy(at, index, 0, left) : 0;
    return first + checksum_at(position, sum) + checksum_at(position, last);
  }

  // Whether `bytes` is what fill() writes at `offset`.
  [[nodiscard]] bool matches(std::uint64_t offset, Bytes bytes) const {
    std::uint8_t expected[512];
    while (!bytes.empty()) {
      const std::size_t piece = std::min(sizeof expected, bytes.size());
      fill(offset, {expected, piece});
      if (std::memcmp(expected, bytes.data(), piece) != 0) return false;
      offset += piece;
      bytes = bytes.subspan(piece);
    }
    return true;
  }

 private:
  [[nodiscard]] std::uint64_t word_at(std::uint64_t index) const {
    // The middle of SplitMix64's finaliser over a Weyl sequence: words far and near differ in about half of their bits.
    std::uint64_t word = seed_ + index * 0x9e3779b97f4a7c15ULL;
    word = (word ^ (word >> 32)) * 0xbf58476d1ce4e5b9ULL;
    return word ^ (word >> 29);
  }

  // Writes a piece of one word; its running sum.
  std::uint64_t copy(std::uint8_t* at, std::uint64_t index, std::size_t from, std::size_t length) const {
    const std::uint64_t word = word_at(index);
    std::memcpy(at, reinterpret_cast<const std::uint8_t*>(&word) + from, length);
    return checksum_add_short(0, at, length);
  }

  std::uint64_t seed_;
};

}  // namespace myriad::app
