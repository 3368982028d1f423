// `myriad hosts`: no YAML from the user. What the options say is written as a scenario and read by the same reader, so
// that every check of the language holds here as well.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/command_line.h"
#include "templates/plan/plan.h"

namespace myriad::cli {

// A YAML double-quoted scalar that means exactly `text`.
[[nodiscard]] std::string yaml_scalar(const std::string& text);
// The hosts as the section of a scenario whose port is called `port`; the group is called `hosts`.
[[nodiscard]] std::string hosts_section(const HostsCommand& command);
// The scenario, as text.
[[nodiscard]] std::string hosts_scenario(const HostsCommand& command);
// Read and checked; Fault::kUsage, in the words of the options.
[[nodiscard]] Result<plan::Plan> hosts_plan(const HostsCommand& command);

}  // namespace myriad::cli
