// Does a run satisfy what the scenario demands of it? A threshold names a metric of the document
// ("fetch.sessions_failed", "fetch.failures.refused", "lan.drops.truncated", "fetch.tcp.retransmits"), for a
// distribution a statistic of it, a comparison and a value. Names are looked up in workloads, services, flows, replays,
// hosts and ports, in this order; the section may be written in front ("hosts.clients.resolved"). "myriad.seconds",
// "myriad.seed" and "machine.cores" are of the run.
//
// A metric that does not exist is an error, not a failed threshold: evaluate against an empty result of the right shape
// to find that out before the run.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "report/result.h"

namespace myriad::report {

enum class Comparison { kEqual, kNotEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual };

// What of a metric is compared: itself, itself a second of the run, or its part of the sum of `whole`.
enum class Measure { kItself, kPerSecond, kShare };

struct Condition {
  std::string expression;  // as people read it
  std::string metric;
  std::string statistic;
  Comparison comparison = Comparison::kEqual;
  double value = 0;
  Measure measure = Measure::kItself;
  std::vector<std::string> whole{};
};

// What the metric is in this result. Distributions are in seconds and need a statistic ("p50" "p99" "p999" "min" "mean"
// "max" "count"); nullopt when nothing was recorded. Errors: no such metric (with the nearest one as cure), a statistic
// missing, unknown or out of place, a metric that is text.
[[nodiscard]] Result<std::optional<double>> observe(const RunResult& result, std::string_view metric,
                                                    std::string_view statistic);

// Observes and compares. Without an observation, and that is also a rate of no time or a part of nothing, the threshold
// does not hold.
[[nodiscard]] Result<ThresholdResult> evaluate(const RunResult& result, const Condition& condition);

}  // namespace myriad::report
