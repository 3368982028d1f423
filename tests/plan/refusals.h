// Scenarios that must be refused, and word for word what is said about them: tests/plan/refusals/*.txt.
//
//   #### name of the case
//   $ --set path=value          options, one a line (--set, -i, --seed, --duration, need-interfaces); may be missing
//   version: 1                  the scenario
//   ====
//   scenario.yaml:1:1: …        all reports
//
// The variables SET ("value"), EMPTY ("") and SAMPLES (the folder of captures) are set, no other is.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "templates/plan/load.h"

namespace myriad::plan {

struct Refusal {
  std::string file;  // of the case, without its suffix
  std::string name;
  LoadOptions options;
  std::string scenario;
  std::string expected;
};

inline void take_option(const std::string& line, LoadOptions& options) {
  const auto space = line.find(' ');
  const std::string option = line.substr(0, space);
  const std::string value = space == line.npos ? "" : line.substr(space + 1);
  if (option == "--set") options.set.push_back(value);
  if (option == "-i") options.interfaces.push_back(value);
  if (option == "--seed") options.seed = value;
  if (option == "--duration") options.duration = value;
  if (option == "need-interfaces") options.need_interfaces = true;
}

inline std::vector<Refusal> read_refusals(const std::filesystem::path& folder, const std::string& samples) {
  std::vector<Refusal> cases;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const auto& path : files) {
    std::ifstream in(path);
    bool answers = false;
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with("#### ")) {
        cases.push_back({path.stem().string(), line.substr(5), {}, {}, {}});
        cases.back().options.variable = [samples](const std::string& name) -> std::optional<std::string> {
          if (name == "SET") return "value";
          if (name == "EMPTY") return "";
          if (name == "SAMPLES") return samples;
          return std::nullopt;
        };
        answers = false;
      } else if (cases.empty()) {
        continue;
      } else if (line == "====") {
        answers = true;
      } else if (!answers && line.starts_with("$ ")) {
        take_option(line.substr(2), cases.back().options);
      } else {
        (answers ? cases.back().expected : cases.back().scenario) += line + "\n";
      }
    }
  }
  return cases;
}

// All reports as the command line would print them; "accepted" when there are none.
inline std::string reports_of(const Refusal& refusal) {
  const auto plan = load_text("scenario.yaml", refusal.scenario, refusal.options);
  if (plan) return "accepted\n";
  std::string all;
  for (const Diagnostic& diagnostic : plan.error()) all += diagnostic.text() + "\n";
  return all;
}

}  // namespace myriad::plan
