// Where text for people goes: results to stdout, everything else to stderr.
#pragma once

#include <string_view>

#include "base/result.h"
#include "cli/exit_code.h"

namespace myriad::cli {

void print_out(std::string_view text);
// With "myriad: " in front and a line end behind.
void print_note(std::string_view text);
// Says what went wrong, and the cure below it; returns the exit code of the fault. Reports of the scenario reader,
// which have their place in front and several lines, are printed as they are.
ExitCode complain(const Error& error);

}  // namespace myriad::cli
