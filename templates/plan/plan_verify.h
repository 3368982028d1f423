// What the content that a session has received must be.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace myriad::plan {

struct Verify {
  std::optional<std::array<std::uint8_t, 32>> sha256;
  std::optional<std::uint64_t> bytes;

  [[nodiscard]] bool any() const { return sha256.has_value() || bytes.has_value(); }
};

}  // namespace myriad::plan
