// Luck as an argument. A generator is seeded from the scenario; fork(key) gives an independent stream, so that what a
// host draws depends on the seed and the host alone, never on the number of shards or the order of events.
#pragma once

#include <bit>
#include <cstdint>

namespace myriad {

// SplitMix64 finaliser (Steele, Lea, Flood 2014): a bijection that spreads every bit.
[[nodiscard]] constexpr std::uint64_t mix64(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

__extension__ using Uint128 = unsigned __int128;

// xoroshiro128++ (Blackman, Vigna 2019). Not for secrets.
class Rng {
 public:
  explicit constexpr Rng(std::uint64_t seed) : a_(mix64(seed)), b_(mix64(seed ^ 0x6a09e667f3bcc909ULL)) {}

  constexpr std::uint64_t next() {
    const std::uint64_t result = std::rotl(a_ + b_, 17) + a_;
    const std::uint64_t t = b_ ^ a_;
    a_ = std::rotl(a_, 49) ^ t ^ (t << 21);
    b_ = std::rotl(t, 28);
    return result;
  }
  // Uniform in [0, bound); bound > 0. The bias is below bound / 2^64.
  constexpr std::uint64_t below(std::uint64_t bound) {
    return static_cast<std::uint64_t>((static_cast<Uint128>(next()) * bound) >> 64);
  }
  // Uniform in [0, 1).
  constexpr double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  // A stream of its own for `key`; does not advance this one.
  [[nodiscard]] constexpr Rng fork(std::uint64_t key) const { return Rng{mix64(a_ ^ mix64(key)) ^ b_}; }

 private:
  std::uint64_t a_;
  std::uint64_t b_;
};

}  // namespace myriad
