// SMB2 workloads of the plan as the application wants them.
#pragma once

#include <cstdint>
#include <memory>

#include "app/dialogue.h"
#include "templates/plan/plan_smb2.h"

namespace myriad::engine {

// `seed`: of what sessions put. The plan has been checked.
[[nodiscard]] std::shared_ptr<const app::Role> smb2_role(const plan::Smb2Workload& smb2, std::uint64_t seed);

}  // namespace myriad::engine
