// A scenario file to a Plan. Strict: what is not understood is an error with its place, and a plan that comes out is
// complete: names are resolved, addresses fit, ranges do not collide, loads make sense. templates/SCHEMA.md is the
// language. No device is touched.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "templates/plan/plan.h"
#include "templates/plan/problems.h"

namespace myriad::plan {

struct LoadOptions {
  std::vector<std::string> set;         // each "path.to.key=value"; the value is YAML. Applied in order
  std::vector<std::string> interfaces;  // each "NAME=IFACE", or "IFACE" when the scenario has one port
  std::optional<std::string> seed;      // as in the file
  std::optional<std::string> duration;  // as in the file: with its unit
  // A run needs an interface for every port; a scenario that is only checked does not.
  bool need_interfaces = false;
  // What ${NAME} stands for; nullopt = not set. Empty function = the environment of the process.
  std::function<std::optional<std::string>(const std::string&)> variable;
};

// Error::what is all reports as one text, each "FILE:LINE:COL: what", the line, a caret, a suggestion; meant to be
// printed as it is. Error::fault is always kUsage.
[[nodiscard]] Result<Plan> load(const std::string& path, const LoadOptions& options = {});

// The same for a text that is already here; `name` is what reports call it.
[[nodiscard]] tl::expected<Plan, std::vector<Diagnostic>> load_text(std::string name, std::string text,
                                                                    const LoadOptions& options = {});

// Parses what `--duration` and the like say where there is no scenario (kUsage when it is wrong).
[[nodiscard]] Result<Duration> read_duration_option(const std::string& option, const std::string& text);

// The plan in a few lines, for `myriad validate`.
[[nodiscard]] std::string describe(const Plan& plan);

}  // namespace myriad::plan
