// What stdout carries at the end of a run: the verdict first, then what it rests on.
#pragma once

#include <string>

#include "report/result.h"

namespace myriad::report {

// What happened in one sentence, without the verdict.
[[nodiscard]] std::string headline(const RunResult& result);

// Plain text, UTF-8, every line ended. Failures, drops and TCP troubles are listed only where they are not zero.
[[nodiscard]] std::string summary_text(const RunResult& result);

}  // namespace myriad::report
