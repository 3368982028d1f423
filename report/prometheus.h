// A moment of a run as Prometheus scrapes it: text format 0.0.4. Every number of report/metrics.h is there under a name
// made from its own: myriad_PART_NAME, with _total where it counts up. There is no series for a single host, and none
// that somebody on the wire could make.
#pragma once

#include <string>

#include "report/result.h"

namespace myriad::report {

inline constexpr const char* kPrometheusType = "text/plain; version=0.0.4; charset=utf-8";

[[nodiscard]] std::string prometheus_text(const RunResult& result);

}  // namespace myriad::report
