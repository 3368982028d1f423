// Frames as people write them: bytes_of("45 00 0054 …"). Blanks mean nothing.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace myriad {

inline std::vector<std::uint8_t> bytes_of(std::string_view hex) {
  const auto digit = [](char c) -> unsigned {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
    throw std::invalid_argument("not a hex digit");
  };
  std::vector<std::uint8_t> bytes;
  int half = -1;
  for (const char c : hex) {
    if (c == ' ' || c == '\n') continue;
    if (half < 0) {
      half = static_cast<int>(digit(c));
    } else {
      bytes.push_back(static_cast<std::uint8_t>(half * 16 + static_cast<int>(digit(c))));
      half = -1;
    }
  }
  if (half >= 0) throw std::invalid_argument("half a byte");
  return bytes;
}

}  // namespace myriad
