// Payload that is never stored: the byte at an offset of a stream is a function of (seed, offset), the same whatever
// the pieces in which it is asked for. Eight bytes cost one multiplication.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"
#include "base/rng.h"

namespace myriad::app {

class Pattern {
 public:
  explicit constexpr Pattern(std::uint64_t seed) : seed_(mix64(seed)) {}

  // Writes bytes [offset, offset + out.size()).
  void fill(std::uint64_t offset, MutableBytes out) const {
    std::uint8_t* at = out.data();
    std::size_t left = out.size();
    const auto skip = static_cast<std::size_t>(offset % 8);
    std::uint64_t index = offset / 8;
    if (skip != 0 && left != 0) {
      const std::size_t piece = std::min(8 - skip, left);
      copy(at, index++, skip, piece);
      at += piece;
      left -= piece;
    }
    for (; left >= 8; at += 8, left -= 8) copy(at, index++, 0, 8);
    if (left != 0) copy(at, index, 0, left);
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
  void copy(std::uint8_t* at, std::uint64_t index, std::size_t from, std::size_t length) const {
    // The middle of SplitMix64's finaliser over a Weyl sequence: words far and near differ in about half of their bits.
    std::uint64_t word = seed_ + index * 0x9e3779b97f4a7c15ULL;
    word = (word ^ (word >> 32)) * 0xbf58476d1ce4e5b9ULL;
    word ^= word >> 29;
    std::memcpy(at, reinterpret_cast<const std::uint8_t*>(&word) + from, length);
  }

  std::uint64_t seed_;
};

}  // namespace myriad::app
