// What a status that ends a session is counted as.
#pragma once

#include <cstdint>

#include "app/failure.h"

namespace myriad::app::smb2 {

[[nodiscard]] constexpr Failure failure_of_status(std::uint32_t status) {
  switch (status) {
#define MYRIAD_STATUS_CASE(value, id, name) \
  case value:                               \
    return Failure::id;
    MYRIAD_SMB2_STATUSES(MYRIAD_STATUS_CASE)
#undef MYRIAD_STATUS_CASE
    default:
      return Failure::kSmb2StatusOther;
  }
}

}  // namespace myriad::app::smb2
