// What the command line says about a scenario, applied to its Nodes before they are read: everything that is checked in
// the file is checked here as well, and reports point into the option.
#pragma once

#include <string>

#include "templates/plan/load.h"
#include "templates/plan/node.h"
#include "templates/plan/problems.h"

namespace myriad::plan {

// The tree with all overrides of `options` in it: --set in order, then -i, --seed and --duration. `root` is a mapping
// and is not changed. Problems are reported; the tree then holds what could be applied.
NodePtr with_overrides(NodePtr root, const LoadOptions& options, Problems& problems);

}  // namespace myriad::plan
