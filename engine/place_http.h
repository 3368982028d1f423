// What an `http` or `https` workload becomes: a Fetch when its sessions are one plain GET, otherwise a role.
#pragma once

#include "base/result.h"
#include "engine/place.h"
#include "templates/plan/plan.h"

namespace myriad::engine {

// Fails when OpenSSL refuses what TLS is to be like, such as authorities without a certificate.
[[nodiscard]] Result<WorkloadKind> place_http(const plan::Plan& plan, const plan::Workload& workload,
                                              const plan::HttpWorkload& http, const Destination& to);

}  // namespace myriad::engine
