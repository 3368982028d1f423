// Text to Nodes: YAML as strict as a scenario wants it. The one place that knows yaml-cpp.
//
// Refused, with their place: text that is not UTF-8, control characters, tabs outside comments, duplicate keys, keys
// that are not plain words, tags, more than one document, and whatever exceeds the bounds below. The bounds are checked
// while the text is read, so a hostile text costs no more than a good one of the same length.
#pragma once

#include <cstdint>
#include <string_view>

#include "templates/plan/node.h"
#include "templates/plan/problems.h"

namespace myriad::plan {

inline constexpr std::size_t kMostTextBytes = 1 << 20;     // yaml-cpp reads some 3 MB/s: still well below a second
inline constexpr std::uint32_t kMostNesting = 64;          // far below what would exhaust a stack
inline constexpr std::uint64_t kMostValues = 200'000;      // scalars, lists and mappings written out
inline constexpr std::uint64_t kMostWeight = 16ULL << 20;  // bytes, after aliases and merges are expanded

// Checks the bytes of a whole text before anybody parses it; false when a problem was reported.
bool check_text(std::uint32_t source, Problems& problems);

// Reads one document from `text`, which begins at `begin` (for an override: behind the '=' of the option). Nullptr when
// a problem was reported, and also for a text without any value unless `begin` is inside a line (then a null node).
NodePtr parse_yaml(std::string_view text, Place begin, Problems& problems);

}  // namespace myriad::plan
