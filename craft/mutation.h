// Flips bits: each bit of some bytes with the same probability, by a seed. Distances between flipped bits are drawn
// from a table, so that rare flips cost what they are and not what the frame is long; all arithmetic is of integers and
// exactly rounded products, so that a seed means the same everywhere.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/rng.h"

namespace myriad::craft {

class Flipper {
 public:
  // `bits`: the part of bits that flips, above 0 and at most 1.
  Flipper(double bits, std::uint64_t seed);

  void flip(MutableBytes bytes, std::uint64_t number) const;

 private:
  // Bits that stay before the next one that flips, at most kFurthest (then: none of them flips).
  [[nodiscard]] std::size_t gap(std::uint64_t draw) const;

  static constexpr std::size_t kFurthest = 1024;
  std::vector<std::uint64_t> reaches_;  // [k]: draws below it mean that more than k bits stay
  std::uint64_t seed_;
};

}  // namespace myriad::craft
