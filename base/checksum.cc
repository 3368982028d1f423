#include "base/checksum.h"

namespace myriad {

std::uint64_t checksum_add(std::uint64_t sum, Bytes bytes) {
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  // 32-bit words into 64-bit lanes: 2^32 words fit before a lane can overflow, and the loop vectorises.
  std::uint64_t lane[4] = {};
  while (left >= 16) {
    std::uint32_t word[4];
    std::memcpy(word, at, sizeof word);
    for (int i = 0; i < 4; ++i) lane[i] += word[i];
    at += 16;
    left -= 16;
  }
  sum += checksum_fold(lane[0]) + checksum_fold(lane[1]) + checksum_fold(lane[2]) + checksum_fold(lane[3]);
  while (left >= 2) {
    std::uint16_t word;
    std::memcpy(&word, at, sizeof word);
    sum += word;
    at += 2;
    left -= 2;
  }
  if (left != 0) sum += *at;  // the missing byte counts as zero; in memory order it is the high one
  return sum;
}

}  // namespace myriad
