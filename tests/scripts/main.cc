// myriad-script: plays scripts in packetdrill's notation against the stack. tests/scripts/README.md is its page.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/scripts/line_reader.h"
#include "tests/scripts/player.h"
#include "tests/scripts/script_parser.h"

namespace myriad::scripts {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

constexpr const char* kUsageText =
    "usage: myriad-script [--verbose] [--strict] [-D NAME[=VALUE]]… [--ip_version=ipv4|ipv6] [--tolerance_usecs=N]\n"
    "                     FILE|FOLDER…\n"
    "Plays scripts in packetdrill's notation; of folders, every *.pkt below them.\n";

struct Arguments {
  bool verbose = false;
  bool help = false;
  ReadingOptions reading{.strict = false, .definitions = {}, .v6 = {}, .tolerance = {}};
  std::vector<std::filesystem::path> places;
};

void define(Arguments& arguments, const std::string& text) {
  const auto equals = std::min(text.find('='), text.size());
  if (equals == 0) throw ScriptError("-D wants a name");
  arguments.reading.definitions[text.substr(0, equals)] = text.substr(std::min(equals + 1, text.size()));
}

Arguments read_arguments(const std::vector<std::string>& words) {
  Arguments arguments;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--verbose" || word == "-v") {
      arguments.verbose = true;
    } else if (word == "--help" || word == "-h") {
      arguments.help = true;
    } else if (word == "--strict") {
      arguments.reading.strict = true;
    } else if (word == "-D") {
      if (++i == words.size()) throw ScriptError("-D wants a name");
      define(arguments, words[i]);
    } else if (word.starts_with("-D")) {
      define(arguments, word.substr(2));
    } else if (word.starts_with("--ip_version=")) {
      const std::string version = word.substr(13);
      if (version != "ipv4" && version != "ipv6" && version != "ipv4-mapped-ipv6")
        throw ScriptError("--ip_version is ipv4 or ipv6");
      arguments.reading.v6 = version == "ipv6";
    } else if (word.starts_with("--tolerance_usecs=")) {
      LineReader number{std::string_view{word}.substr(18)};
      arguments.reading.tolerance = std::chrono::microseconds{number.number<std::uint32_t>("microseconds")};
    } else if (word.starts_with("-")) {
      throw ScriptError("unknown option " + word);
    } else {
      arguments.places.emplace_back(word);
    }
  }
  return arguments;
}

// The scripts that are meant, those of each folder in the order of their names.
std::vector<std::filesystem::path> files_of(const std::vector<std::filesystem::path>& places) {
  std::vector<std::filesystem::path> files;
  for (const auto& place : places) {
    if (!std::filesystem::is_directory(place)) {
      files.push_back(place);
      continue;
    }
    const auto first = static_cast<std::ptrdiff_t>(files.size());
    for (const auto& entry : std::filesystem::recursive_directory_iterator(place)) {
      if (entry.path().extension() == ".pkt" && !entry.is_directory()) files.push_back(entry.path());
    }
    std::sort(files.begin() + first, files.end());
  }
  return files;
}

enum class Verdict { kPass, kFail, kSkip };

// One line, whatever the script had in its own.
Verdict say(Verdict verdict, std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  }
  constexpr const char* kWords[] = {"pass", "fail", "skip"};
  fmt::print("{} {}\n", kWords[static_cast<int>(verdict)], text);
  return verdict;
}

Verdict run(const std::filesystem::path& path, const Arguments& arguments) {
  const std::string name = path.string();
  std::ifstream file{path, std::ios::binary};
  std::ostringstream text;
  if (!file || std::filesystem::is_directory(path) || !(text << file.rdbuf()))
    return say(Verdict::kFail, name + ":1: expected a script, got a file that cannot be read or is empty");
  const auto script = parse_script(text.str(), name, arguments.reading);
  if (!script) return say(Verdict::kFail, script.error());
  std::vector<std::string> notes = script->notes;
  std::string failure;
  std::string skip = script->skip;
  for (const bool v6 : {false, true}) {
    if (!(v6 ? script->over_v6 : script->over_v4) || !skip.empty() || !failure.empty()) continue;
    Outcome outcome = play_script(*script, v6);
    failure = std::move(outcome.failure);
    skip = std::move(outcome.skip);
    notes.insert(notes.end(), outcome.notes.begin(), outcome.notes.end());
  }
  const Verdict verdict = !failure.empty() ? say(Verdict::kFail, failure)
                          : !skip.empty()  ? say(Verdict::kSkip, name + ": " + skip)
                                           : say(Verdict::kPass, name);
  if (arguments.verbose) {
    for (const std::string& note : notes) fmt::print("  {}\n", note);
  }
  return verdict;
}

int run_all(const Arguments& arguments) {
  std::size_t counts[3] = {};
  for (const auto& path : files_of(arguments.places)) {
    ++counts[static_cast<std::size_t>(run(path, arguments))];
    std::fflush(stdout);
  }
  fmt::print("{} passed, {} failed, {} skipped\n", counts[0], counts[1], counts[2]);
  if (counts[0] + counts[1] + counts[2] == 0) {
    fmt::print(stderr, "myriad-script: no scripts there\n");
    return kUsage;
  }
  return counts[1] == 0 ? 0 : kFailed;
}

}  // namespace
}  // namespace myriad::scripts

int main(int argc, char** argv) {
  using namespace myriad::scripts;
  try {
    const Arguments arguments = read_arguments({argv + 1, argv + argc});
    if (arguments.help || arguments.places.empty()) {
      fmt::print(arguments.help ? stdout : stderr, "{}", kUsageText);
      return arguments.help ? 0 : kUsage;
    }
    return run_all(arguments);
  } catch (const std::exception& error) {
    fmt::print(stderr, "myriad-script: {}\n{}", error.what(), kUsageText);
    return kUsage;
  }
}
