// Seeds for fuzzing from the scripts of tests/scripts: what arrives, what the application calls and when, said in the
// steps of connection_program.h. It need not be exact: sizes are rounded to what a step can say, hours to their leading
// digits, and what the rig has no step for (questions for MAC addresses, UDP, the order of reads) is left out. What
// counts is that the program comes into the states that the script is about.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "tests/scripts/script.h"

namespace myriad::fuzz {

[[nodiscard]] std::vector<std::uint8_t> program_of(const scripts::Script& script);

struct ScriptProgram {
  std::string name;  // of the file, with its folder: close_half_closed
  std::vector<std::uint8_t> program;
};
// Of every *.pkt below `folder`, in the order of their names; or what is wrong with one of them.
[[nodiscard]] tl::expected<std::vector<ScriptProgram>, std::string> programs_of(const std::filesystem::path& folder);

}  // namespace myriad::fuzz
