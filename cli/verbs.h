// From a command to its exit code.
#pragma once

#include <string>
#include <vector>

#include "cli/exit_code.h"

namespace myriad::cli {

// `arguments` without the program's name; `program` as it was called.
[[nodiscard]] ExitCode execute(const std::string& program, const std::vector<std::string>& arguments);

}  // namespace myriad::cli
