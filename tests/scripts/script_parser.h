// Reads a script in packetdrill's notation. It trusts nothing: whatever the text, the answer is a Script whose numbers
// are in bounds, or one message that says FILE:LINE:COLUMN, what was expected there and what was found.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "tests/scripts/packet_parser.h"
#include "tests/scripts/script.h"
#include "tests/scripts/statements.h"

namespace myriad::scripts {

inline constexpr std::size_t kLongestScript = 1 << 20;  // bytes
inline constexpr std::size_t kMostActions = 10'000;     // lines that happen
inline constexpr std::size_t kMostParties = 64;         // hosts, and as many peers
inline constexpr Duration kLongestTime = std::chrono::hours{24};

struct ReadingOptions {
  bool strict = true;  // a script may say --strict itself
  Definitions definitions;
  std::optional<bool> v6;             // this family alone, whatever the script says
  std::optional<Duration> tolerance;  // whatever the script says
};

// `file` is what messages call it.
[[nodiscard]] tl::expected<Script, std::string> parse_script(std::string_view text, const std::string& file,
                                                             const ReadingOptions& options = {});

}  // namespace myriad::scripts
