// The programs that fuzzing of connections starts from: the way into each state of RFC 9293 and out of it, and what may
// happen on the way; each with options, without any, and over IPv6.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "stack/tcp/state.h"
#include "tests/fuzz/connection_program.h"

namespace myriad::fuzz {

struct Seed {
  std::string name;
  std::vector<std::uint8_t> program;
  tcp::State reaches = tcp::State::kEstablished;  // among others
};

[[nodiscard]] std::vector<Seed> connection_seeds();

}  // namespace myriad::fuzz
