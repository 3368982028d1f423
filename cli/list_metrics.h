// `myriad list metrics`: what the result document counts, and so what thresholds may speak of.
#pragma once

#include <string>

namespace myriad::cli {

[[nodiscard]] std::string metrics_text();

}  // namespace myriad::cli
