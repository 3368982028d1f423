// Plays a script against a stack, on a virtual clock: each line at its time, and nothing that the script does not say.
#pragma once

#include <string>

#include "tests/scripts/script.h"

namespace myriad::scripts {

// Empty when everything happened as written; else FILE:LINE: what was expected and what was there instead.
[[nodiscard]] std::string play(const Script& script, bool v6);

}  // namespace myriad::scripts
