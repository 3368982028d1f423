// The character generator (RFC 864): lines of 72 printable characters, each line one character further on. Every byte
// is known from its place, so nothing is kept.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace myriad::app {

inline constexpr std::size_t kMostChargenBytes = 512;  // of a datagram

// Bytes [offset, offset + out.size()) of the endless text.
inline void fill_chargen(std::uint64_t offset, MutableBytes out) {
  constexpr std::uint64_t kLine = 72;
  constexpr std::uint64_t kPrintable = 95;
  for (std::uint8_t& byte : out) {
    const std::uint64_t line = offset / (kLine + 2);
    const std::uint64_t column = offset % (kLine + 2);
    byte = column == kLine       ? '\r'
           : column == kLine + 1 ? '\n'
                                 : static_cast<std::uint8_t>(' ' + (line + column) % kPrintable);
    ++offset;
  }
}

}  // namespace myriad::app
