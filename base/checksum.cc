#include "base/checksum.h"

namespace myriad {
namespace {

// Four words of 64 bits, added lane by lane. Halves of them are summed apart: 2^32 fit before a lane can overflow.
using Lanes [[gnu::vector_size(32)]] = std::uint64_t;

[[gnu::always_inline]] inline std::uint64_t sum_lanes(const std::uint8_t*& at, std::size_t& left) {
  constexpr Lanes kLow = {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff};
  Lanes low{};
  Lanes high{};
  for (; left >= 2 * sizeof(Lanes); at += 2 * sizeof(Lanes), left -= 2 * sizeof(Lanes)) {
    Lanes one;
    Lanes two;
    std::memcpy(&one, at, sizeof one);
    std::memcpy(&two, at + sizeof one, sizeof two);
    low += (one & kLow) + (two & kLow);
    high += (one >> 32) + (two >> 32);
  }
  const Lanes both = low + high;  // far from full: that would take a gigabyte
  return both[0] + both[1] + both[2] + both[3];
}

using SumLanes = std::uint64_t (*)(const std::uint8_t*&, std::size_t&);

std::uint64_t sum_plain(const std::uint8_t*& at, std::size_t& left) { return sum_lanes(at, left); }

#if defined(__x86_64__)
[[gnu::target("avx2")]] std::uint64_t sum_avx2(const std::uint8_t*& at, std::size_t& left) {
  return sum_lanes(at, left);
}
const SumLanes kSumLanes = __builtin_cpu_supports("avx2") ? sum_avx2 : sum_plain;
#else
constexpr SumLanes kSumLanes = sum_plain;
#endif

}  // namespace

std::uint64_t checksum_add(std::uint64_t sum, Bytes bytes) {
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  if (left >= 64) sum += kSumLanes(at, left);
  return checksum_add_short(sum, at, left);
}

}  // namespace myriad
