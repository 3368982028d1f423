#include "cli/print.h"

#include <cstdio>
#include <string>

namespace myriad::cli {

void print_out(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void print_note(std::string_view text) {
  const std::string line = "myriad: " + std::string(text) + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
}

ExitCode complain(const Error& error) {
  const std::string message = error.message();
  if (message.find('\n') != std::string::npos) {
    std::fwrite(message.data(), 1, message.size(), stderr);
    std::fputc('\n', stderr);
  } else {
    print_note(message);
  }
  if (!error.cure.empty()) std::fprintf(stderr, "    → %s\n", error.cure.c_str());
  return exit_code(error.fault);
}

}  // namespace myriad::cli
