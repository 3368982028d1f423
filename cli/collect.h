// From what shards have counted to the result document.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/port_run.h"
#include "report/result.h"
#include "templates/plan/plan.h"

namespace myriad::cli {

// Everything of the plan by name, all counters zero. Thresholds can be checked against it before the run.
[[nodiscard]] report::RunResult empty_result(const plan::Plan& plan);
[[nodiscard]] report::MachineResult machine_result();

// What does not change during a run: what the port is and what was obtained of it.
void describe_port(const PortRun& run, report::PortResult& port);
// The counters of one port. Workloads, services and groups of other ports are left as they are.
void add_port(const plan::Plan& plan, std::size_t index, const PortReport& counters, report::RunResult& result);

// What the workloads are asked for at this moment of the run, in seconds since its start.
void add_targets(const plan::Plan& plan, double seconds, report::RunResult& result);

// Flows, of all ports together: what one port sends arrives at another.
void add_flows(const plan::Plan& plan, const engine::ShardCounters& all, report::RunResult& result);

// Replays, likewise: one may leave by two ports.
void add_replays(const plan::Plan& plan, const engine::ShardCounters& all, report::RunResult& result);

// Every threshold of the plan, judged on the result. kUsage when a metric does not exist.
[[nodiscard]] Result<std::vector<report::ThresholdResult>> judge(const plan::Plan& plan,
                                                                 const report::RunResult& result);
// Nothing under test has ever answered: not a handshake, a reset, an echo reply or an ICMP error, in any workload.
[[nodiscard]] bool nobody_answered(const engine::ShardCounters& all);

}  // namespace myriad::cli
