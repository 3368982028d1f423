// What services on every port were asked for, read from the shards when they are at rest.
#pragma once

#include <cstdint>
#include <vector>

#include "cli/host_results.h"
#include "engine/asked.h"
#include "report/result.h"

namespace myriad::cli {

// What shards listed apart from each other: the `most` that came first, in that order.
void merge_asked(const std::vector<const engine::Asked*>& shards, std::uint32_t most, report::ServiceResult& result);

void add_asked(const plan::Plan& plan, const StoppedPorts& ports, report::RunResult& result);

}  // namespace myriad::cli
