// `myriad send`: one flow without a file. What the packet does not say of its source is the interface's own.
#pragma once

#include "base/result.h"
#include "cli/command_line.h"
#include "templates/plan/plan.h"

namespace myriad::cli {

[[nodiscard]] Result<plan::Plan> send_plan(const SendCommand& command);

}  // namespace myriad::cli
