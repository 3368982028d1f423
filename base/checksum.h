// The Internet checksum (RFC 1071) and its incremental update (RFC 1624).
//
// Sums are kept unfolded in 64 bits and in memory byte order: the one's complement sum does not care about byte order
// as long as the result is stored the way it was read (RFC 1071 section 2 B).
#pragma once

#include <bit>
#include <cstdint>

#include "base/bytes.h"

namespace myriad {

// Adds `bytes` to a running sum. Every piece but the last must have even length.
[[nodiscard]] std::uint64_t checksum_add(std::uint64_t sum, Bytes bytes);

// The same in line, eight bytes at a time, for bytes that nobody has just written in smaller pieces. For what is short:
// of hundreds of bytes checksum_add() is faster.
[[nodiscard]] inline std::uint64_t checksum_add_short(std::uint64_t sum, const std::uint8_t* at, std::size_t left) {
  // Two chains of additions, whose carries come round in the end.
  std::uint64_t one = 0;
  std::uint64_t two = 0;
  const auto add = [](std::uint64_t& to, const std::uint8_t* from) {
    std::uint64_t word;
    std::memcpy(&word, from, sizeof word);
    to += word;
    to += to < word ? 1U : 0U;
  };
  for (; left >= 16; at += 16, left -= 16) {
    add(one, at);
    add(two, at + 8);
  }
  if (left >= 8) {
    add(one, at);
    at += 8;
    left -= 8;
  }
  std::uint64_t last = 0;  // what is missing counts as zero
  if ((left & 4) != 0) {
    std::uint32_t word;
    std::memcpy(&word, at, sizeof word);
    last = word;
    at += 4;
  }
  if ((left & 2) != 0) {
    std::uint16_t word;
    std::memcpy(&word, at, sizeof word);
    last += word;
    at += 2;
  }
  if ((left & 1) != 0) last += *at;
  return sum + last + (one & 0xffffffffU) + (one >> 32) + (two & 0xffffffffU) + (two >> 32);
}

// The running sum of a piece, as it counts at `position` of the whole: at an odd one its bytes change places (RFC 1071
// section 2 B). What comes out is small: 2^20 of them can be added.
[[nodiscard]] constexpr std::uint64_t checksum_at(std::uint64_t position, std::uint64_t sum) {
  const std::uint64_t halves = (sum & 0xffffffffU) + (sum >> 32);
  return (position & 1) != 0 ? halves << 8 : halves;
}

// Folds a running sum to 16 bits, in memory byte order, not complemented.
[[nodiscard]] constexpr std::uint16_t checksum_fold(std::uint64_t sum) {
  // A number and its halves exchanged: the upper half of their sum is the sum of the halves, with the carry that the
  // lower half sends up. Not zero unless all was.
  const auto half = static_cast<std::uint32_t>((sum + std::rotl(sum, 32)) >> 32);
  return static_cast<std::uint16_t>((half + std::rotl(half, 16)) >> 16);
}

// A 16-bit field as the running sum sees it.
[[nodiscard]] constexpr std::uint64_t checksum_word(std::uint16_t host_order) {
  return static_cast<std::uint16_t>((host_order << 8) | (host_order >> 8));
}

// Stores the complement of the folded sum at `field`, as it goes on the wire.
inline void checksum_store(std::uint8_t* field, std::uint64_t sum) {
  const auto folded = static_cast<std::uint16_t>(~checksum_fold(sum));
  std::memcpy(field, &folded, sizeof folded);
}

// Corrects the checksum at `field` for one 16-bit word that changed from `before` to `after` (RFC 1624 equation 3).
inline void checksum_patch(std::uint8_t* field, std::uint16_t before, std::uint16_t after) {
  const std::uint32_t old_sum = static_cast<std::uint16_t>(~load_be16(field));
  std::uint32_t sum = old_sum + static_cast<std::uint16_t>(~before) + after;
  sum = (sum & 0xffffU) + (sum >> 16);
  sum = (sum & 0xffffU) + (sum >> 16);
  store_be16(field, static_cast<std::uint16_t>(~sum));
}

}  // namespace myriad
