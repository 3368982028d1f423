#include <malloc.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "cli/exit_code.h"
#include "cli/verbs.h"

int main(int argc, char** argv) {
  // Who reads our output may go away; that is an error of writing, not the end.
  std::signal(SIGPIPE, SIG_IGN);
  // Large blocks come from the system one by one and go back to it, whatever has been freed before: left alone, the
  // bound rises with the first large block that is freed, and later ones stay with the process for ever.
  mallopt(M_MMAP_THRESHOLD, 128 * 1024);
  try {
    const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
    return static_cast<int>(myriad::cli::execute(argc > 0 ? argv[0] : "myriad", arguments));
  } catch (const std::exception& error) {  // memory, in practice
    std::fprintf(stderr, "myriad: %s\n", error.what());
    return static_cast<int>(myriad::cli::ExitCode::kFailed);
  }
}
