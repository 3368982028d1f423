// Known bytes: what a simulated conversation says is a function of the stream's number and the place in it, so that
// every byte can be checked where it arrives without being kept anywhere.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"
#include "base/rng.h"

namespace myriad::sim {

// Bytes 8 * word to 8 * word + 7, the first in the highest eight bits.
inline std::uint64_t stream_word(std::uint32_t stream, std::uint64_t word) {
  return mix64((std::uint64_t{stream} << 40) ^ word);
}

inline std::uint8_t stream_byte(std::uint32_t stream, std::uint64_t offset) {
  return static_cast<std::uint8_t>(stream_word(stream, offset / 8) >> (56 - 8 * (offset % 8)));
}

// Calls visit(at, bytes): `bytes` belong at `at` of a piece of `length` bytes that begins at `offset` of the stream.
template <class Visit>
void for_each_stream_word(std::uint32_t stream, std::uint64_t offset, std::size_t length, Visit&& visit) {
  for (std::size_t at = 0; at < length;) {
    const std::uint64_t place = offset + at;
    std::uint8_t bytes[8];
    store_be64(bytes, stream_word(stream, place / 8));
    const std::size_t skip = place % 8;
    const std::size_t count = std::min<std::size_t>(8 - skip, length - at);
    visit(at, Bytes{bytes + skip, count});
    at += count;
  }
}

inline void fill_stream(std::uint32_t stream, std::uint64_t offset, MutableBytes out) {
  for_each_stream_word(stream, offset, out.size(),
                       [&](std::size_t at, Bytes bytes) { std::memcpy(out.data() + at, bytes.data(), bytes.size()); });
}

// How many of `data` are not what the stream has at `offset`.
[[nodiscard]] inline std::uint64_t count_wrong(std::uint32_t stream, std::uint64_t offset, Bytes data) {
  std::uint64_t wrong = 0;
  for_each_stream_word(stream, offset, data.size(), [&](std::size_t at, Bytes bytes) {
    if (std::memcmp(data.data() + at, bytes.data(), bytes.size()) == 0) return;
    for (std::size_t i = 0; i < bytes.size(); ++i) wrong += data[at + i] != bytes[i];
  });
  return wrong;
}

}  // namespace myriad::sim
