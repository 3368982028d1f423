// What a script says about the system that it was written for: the settings in its shell commands, and the socket
// options that our hosts have only from the start. They become wishes for the TCP of our hosts.
#pragma once

#include <string_view>

#include "tests/scripts/script.h"

namespace myriad::scripts {

// The system of which these words are; kUnknown when they tell nothing.
[[nodiscard]] System system_of(std::string_view shell);
// What such a system is known to do and the RFCs leave open; script.tcp is filled in.
void behave_like(System system, Script& script);
// Takes NAME=VALUE settings out of a shell command. What they ask for and is not to be had goes to script.skip, and
// what has no meaning here is left alone.
void take_settings(std::string_view shell, Script& script);

}  // namespace myriad::scripts
