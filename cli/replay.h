// `myriad replay`: no YAML from the user. What the options say is written as a scenario and read by the same reader, so
// that every check of the language holds here as well.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/command_line.h"
#include "templates/plan/plan.h"

namespace myriad::cli {

// The scenario, as text.
[[nodiscard]] std::string replay_scenario(const ReplayCommand& command);
// Read and checked; Fault::kUsage, in the words of the options.
[[nodiscard]] Result<plan::Plan> replay_plan(const ReplayCommand& command);

}  // namespace myriad::cli
