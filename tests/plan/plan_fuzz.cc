// A scenario from anybody: the reader ends in a plan or in reports, and a plan can be described.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "templates/plan/load.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(data, data + size);
  myriad::plan::LoadOptions options;
  options.variable = [](const std::string& name) -> std::optional<std::string> {
    if (name.size() % 2 == 0) return std::nullopt;
    return name;
  };
  // What stands behind a NUL is an option of the command line.
  if (const auto nul = text.find('\0'); nul != text.npos) {
    options.set.push_back(text.substr(nul + 1));
    text.resize(nul);
  }
  const auto plan = myriad::plan::load_text("fuzz.yaml", std::move(text), options);
  if (plan) {
    if (myriad::plan::describe(*plan).empty()) std::abort();
    return 0;
  }
  if (plan.error().empty()) std::abort();
  for (const auto& diagnostic : plan.error()) {
    if (diagnostic.what.empty() || diagnostic.text().empty()) std::abort();
  }
  return 0;
}
