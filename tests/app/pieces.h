// Feeding bytes in pieces: a dialogue must come to the same end wherever the network splits its stream.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/rng.h"

namespace myriad::app {

inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string as_text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

// Calls visit(pieces) for: whole, byte by byte, every cut in two, and `rounds` random cuts.
template <class Visit>
void every_split(std::string_view text, int rounds, Visit&& visit) {
  visit(std::vector<std::string_view>{text});
  std::vector<std::string_view> single;
  for (std::size_t i = 0; i < text.size(); ++i) single.push_back(text.substr(i, 1));
  visit(single);
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    visit(std::vector<std::string_view>{text.substr(0, cut), text.substr(cut)});
  }
  Rng rng{11};
  for (int round = 0; round < rounds; ++round) {
    std::vector<std::string_view> pieces;
    for (std::size_t at = 0; at < text.size();) {
      const auto length = static_cast<std::size_t>(1 + rng.below(12));
      pieces.push_back(text.substr(at, length));
      at += pieces.back().size();
    }
    visit(pieces);
  }
}

}  // namespace myriad::app
