// Lines of a script as text, for messages; and what differs between an expected line and a real one.
#pragma once

#include <string>

#include "tests/scripts/script.h"

namespace myriad::scripts {

[[nodiscard]] std::string text_of(const TcpLine& line);
[[nodiscard]] std::string text_of(const IcmpLine& line);
[[nodiscard]] std::string text_of(const NeighbourLine& line);
[[nodiscard]] std::string text_of(const Quote& quote);
// Seconds since the start of the script.
[[nodiscard]] std::string text_of(Duration time);

// The names of the fields that differ, separated by commas; empty when `seen` satisfies `expected`. Windows, the scale
// that is offered and the values of our own timestamps count only when `strict`.
[[nodiscard]] std::string differing_fields(const TcpLine& expected, const TcpLine& seen, bool strict);
[[nodiscard]] std::string differing_fields(const IcmpLine& expected, const IcmpLine& seen);

}  // namespace myriad::scripts
