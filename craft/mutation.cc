#include "craft/mutation.h"

#include <algorithm>
#include <cassert>

namespace myriad::craft {

Flipper::Flipper(double bits, std::uint64_t seed) : seed_(seed) {
  assert(bits > 0 && bits <= 1);
  reaches_.reserve(kFurthest);
  double stays = 1;
  for (std::size_t k = 0; k < kFurthest; ++k) {
    stays *= 1 - bits;
    reaches_.push_back(static_cast<std::uint64_t>(stays * 0x1p64 * (1 - 0x1p-53)));  // the factor: 1.0 must fit
  }
}

std::size_t Flipper::gap(std::uint64_t draw) const {
  return static_cast<std::size_t>(
      std::partition_point(reaches_.begin(), reaches_.end(), [&](std::uint64_t r) { return draw < r; }) -
      reaches_.begin());
}

void Flipper::flip(MutableBytes bytes, std::uint64_t number) const {
  Rng rng{mix64(seed_ ^ mix64(number))};
  const std::size_t bits = bytes.size() * 8;
  for (std::size_t bit = 0; bit < bits; ++bit) {
    const std::size_t stay = gap(rng.next());
    bit += stay;
    if (stay == kFurthest) {
      --bit;  // none of them: the next draw begins right behind
      continue;
    }
    if (bit < bits) bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ (0x80U >> (bit % 8)));
  }
}

}  // namespace myriad::craft
