// What the shell is told. Every way out of the program goes through one of these, and each is decided in one place:
// faults of set-up by exit_code(Fault), ends of a run by exit_code(Verdict).
#pragma once

#include "base/result.h"
#include "report/result.h"

namespace myriad::cli {

enum class ExitCode : int {
  kDone = 0,           // done, thresholds hold
  kFailed = 1,         // failed while running
  kUsage = 2,          // the command line or the scenario is wrong
  kMachine = 3,        // this machine cannot
  kNoAnswer = 4,       // the target never answered
  kThreshold = 99,     // a threshold failed
  kInterrupted = 130,  // by a signal; results so far are written
};

[[nodiscard]] constexpr ExitCode exit_code(Fault fault) {
  switch (fault) {
    case Fault::kRun:
      return ExitCode::kFailed;
    case Fault::kUsage:
      return ExitCode::kUsage;
    case Fault::kMachine:
      return ExitCode::kMachine;
  }
  return ExitCode::kFailed;
}

[[nodiscard]] constexpr ExitCode exit_code(report::Verdict verdict) {
  switch (verdict) {
    case report::Verdict::kPass:
      return ExitCode::kDone;
    case report::Verdict::kFail:
      return ExitCode::kThreshold;
    case report::Verdict::kNoAnswer:
      return ExitCode::kNoAnswer;
    case report::Verdict::kInterrupted:
      return ExitCode::kInterrupted;
    case report::Verdict::kError:
      return ExitCode::kFailed;
  }
  return ExitCode::kFailed;
}

}  // namespace myriad::cli
