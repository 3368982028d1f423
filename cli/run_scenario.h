// A plan from start to exit code: checks, devices, shards, the control loop, and everything that is written on the way
// and at the end. `run`, `hosts` and `demo` all come through here.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/command_line.h"
#include "cli/exit_code.h"
#include "report/result.h"
#include "templates/plan/plan.h"

namespace myriad::cli {

// Where somebody else has a say in a run.
struct RunHooks {
  std::function<Result<void>()> on_ready;             // hosts answer and sessions begin; a failure ends the run
  std::function<bool()> may_finish;                   // the run does not end by itself before this says so
  std::function<void(report::RunResult&)> on_result;  // before the verdict: further thresholds, notes
};

// `command` is what the document says was run. Has printed everything when it returns.
[[nodiscard]] ExitCode run_scenario(plan::Plan plan, const RunOptions& options, std::vector<std::string> command,
                                    const RunHooks& hooks = {});

}  // namespace myriad::cli
