// Which system calls of scripts are played here, and what our hosts have to be told before they exist.
#pragma once

#include "tests/scripts/script.h"

namespace myriad::scripts {

// Throws ScriptSkip for a call that asks for what our hosts do not have, and ScriptError for one that no script should
// make. Takes from socket options what hosts have from the start on, such as their MSS.
void prepare_call(const CallLine& call, Script& script);

}  // namespace myriad::scripts
