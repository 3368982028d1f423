// Plays a script against a stack, on a virtual clock: each line at its time. A strict script allows nothing that it
// does not say; README.md has what others allow.
#pragma once

#include <string>
#include <vector>

#include "tests/scripts/script.h"

namespace myriad::scripts {

struct Outcome {
  std::string failure;  // empty when everything happened; else FILE:LINE: what was expected and what was there
  std::string skip;     // why it cannot be played after all; empty when it can
  std::vector<std::string> notes;  // what was taken as the script says without being looked at
};

[[nodiscard]] Outcome play_script(const Script& script, bool v6);
// The failure alone; a script that is skipped fails here.
[[nodiscard]] std::string play(const Script& script, bool v6);

}  // namespace myriad::scripts
