// Does a run satisfy what the scenario demands of it? A threshold names a metric of the document
// ("fetch.sessions_failed", "fetch.failures.refused", "lan.drops.truncated", "fetch.tcp.retransmits"), for a
// distribution a statistic of it, a comparison and a value. Names are looked up in workloads, services, hosts and
// ports, in this order; the section may be written in front ("hosts.clients.resolved").
//
// A metric that does not exist is an error, not a failed threshold: evaluate against an empty result of the right shape
// to find that out before the run.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "report/result.h"

namespace myriad::report {

enum class Comparison { kEqual, kNotEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual };

// What the metric is in this result. Distributions are in seconds and need a statistic ("p50" "p99" "p999" "min" "mean"
// "max" "count"); nullopt when nothing was recorded. Errors: no such metric (with the nearest one as cure), a statistic
// missing, unknown or out of place, a metric that is text.
[[nodiscard]] Result<std::optional<double>> observe(const RunResult& result, std::string_view metric,
                                                    std::string_view statistic);

// Observes and compares. Without an observation the threshold does not hold.
[[nodiscard]] Result<ThresholdResult> evaluate(const RunResult& result, std::string expression, std::string_view metric,
                                               std::string_view statistic, Comparison comparison, double value);

}  // namespace myriad::report
