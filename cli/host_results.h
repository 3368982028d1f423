// What became of each host, read from the shards when they are at rest.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/port_run.h"
#include "report/hosts.h"
#include "report/result.h"
#include "templates/plan/plan.h"

namespace myriad::cli {

// Ports of a run by their index in the plan, all of them stopped.
using StoppedPorts = std::vector<std::unique_ptr<PortRun>>;

// Which hosts of each group succeeded at all, and the first ones of each group and workload that did not.
void add_host_outcomes(const plan::Plan& plan, const StoppedPorts& ports, report::RunResult& result);

// Every host of every group, in the order of the scenario. The counts of sessions and their times are there only when
// the ports were opened with host details.
void for_each_host(const plan::Plan& plan, const StoppedPorts& ports,
                   const std::function<void(const report::HostResult&)>& take);

// The same as lines of JSON. Says whether every line got there.
[[nodiscard]] Result<void> write_hosts(const std::string& path, const plan::Plan& plan, const StoppedPorts& ports);

}  // namespace myriad::cli
