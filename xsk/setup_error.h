// How the set-up of a port fails: what was being done, what the system said, and the cure that fits the two.
#pragma once

#include <string>

#include "base/result.h"

namespace myriad::xsk {

// `doing` is the sentence without the system's own words: "binding shard 0 to queue 1 of eth1 in copy mode".
[[nodiscard]] Error setup_error(std::string doing, int os_error);

[[nodiscard]] inline Failure setup_failure(std::string doing, int os_error) {
  return Failure{setup_error(std::move(doing), os_error)};
}

}  // namespace myriad::xsk
