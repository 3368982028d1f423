// How set-up fails: a value that says what was being done, what the system said, and the likely cure.
// Frames from the wire never make an Error: they are counted and dropped.
#pragma once

#include <cerrno>
#include <string>
#include <system_error>
#include <tl/expected.hpp>
#include <utility>

namespace myriad {

// Who has to act; decides the exit code (see cli/).
enum class Fault {
  kRun,      // something failed while running
  kUsage,    // the command line or the scenario is wrong
  kMachine,  // this machine or port cannot do it
};

struct Error {
  std::string what;  // what was being done and what went wrong, one sentence, no full stop
  std::string cure;  // what the user can do; may be empty
  Fault fault = Fault::kRun;
  int os_error = 0;  // errno, or 0

  [[nodiscard]] std::string message() const {
    std::string text = what;
    if (os_error != 0) text += ": " + std::generic_category().message(os_error);
    return text;
  }
};

template <class T>
using Result = tl::expected<T, Error>;
using Failure = tl::unexpected<Error>;

[[nodiscard]] inline Failure fail(Fault fault, std::string what, std::string cure = {}, int os_error = 0) {
  return Failure{Error{std::move(what), std::move(cure), fault, os_error}};
}

}  // namespace myriad
