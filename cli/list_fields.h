// `myriad list protocols` and `myriad list fields`: what the packets of flows are made of.
#pragma once

#include <string>

namespace myriad::cli {

[[nodiscard]] std::string protocols_text();
[[nodiscard]] std::string fields_text();

}  // namespace myriad::cli
