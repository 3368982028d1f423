// `myriad demo`: proof without hardware. A veth between two network namespaces that nobody else sees; a thousand hosts
// at one end fetch a file from a real server at the other, over IPv4 and IPv6, while that end's kernel pings each of
// them. Nothing outlives the process: the namespaces are held by it and its child alone.
#pragma once

#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/exit_code.h"

namespace myriad::cli {

[[nodiscard]] ExitCode demo(const DemoCommand& command, std::vector<std::string> command_line);

}  // namespace myriad::cli
