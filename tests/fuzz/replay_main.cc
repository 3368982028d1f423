// Runs a fuzz target without libFuzzer: every file of its corpus, then seeded mutations of them. So every build and
// every compiler has the smoke, and a crash that the fuzzer found stays in the corpus as a test.
//
//   TARGET CORPUS_FOLDER MUTATIONS
#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "base/rng.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Input = std::vector<std::uint8_t>;

constexpr std::size_t kLongest = 4096;

// The input that is being played, for whoever looks at what it broke: abort() shows it, ready for `xxd -r -p`.
const Input* playing = nullptr;

void show_input(int) {
  std::fprintf(stderr, "input: ");
  for (const std::uint8_t byte : *playing) std::fprintf(stderr, "%02x", byte);
  std::fprintf(stderr, "\n");
}

void play(const Input& input) {
  playing = &input;
  LLVMFuzzerTestOneInput(input.data(), input.size());
}

std::vector<Input> read_corpus(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.is_regular_file()) paths.push_back(entry.path());
  }
  std::ranges::sort(paths);  // folders have no order; runs shall
  std::vector<Input> inputs;
  for (const auto& path : paths) {
    std::ifstream file{path, std::ios::binary};
    inputs.emplace_back(std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{});
  }
  return inputs;
}

Input mutate(const std::vector<Input>& corpus, myriad::Rng& rng) {
  Input input = corpus[rng.below(corpus.size())];
  for (std::uint64_t changes = 1 + rng.below(4); changes > 0; --changes) {
    const auto at = static_cast<std::ptrdiff_t>(rng.below(input.size() + 1));
    switch (rng.below(5)) {
      case 0:
        if (at < std::ssize(input)) input[static_cast<std::size_t>(at)] = static_cast<std::uint8_t>(rng.next());
        break;
      case 1:
        if (at < std::ssize(input))
          input[static_cast<std::size_t>(at)] ^= static_cast<std::uint8_t>(1U << rng.below(8));
        break;
      case 2:
        input.resize(static_cast<std::size_t>(at));
        break;
      case 3:
        input.insert(input.begin() + at, static_cast<std::uint8_t>(rng.next()));
        break;
      default: {  // the end of another input
        const Input& other = corpus[rng.below(corpus.size())];
        const auto from = static_cast<std::ptrdiff_t>(rng.below(other.size() + 1));
        input.resize(static_cast<std::size_t>(at));
        input.insert(input.end(), other.begin() + from, other.end());
        break;
      }
    }
  }
  if (input.size() > kLongest) input.resize(kLongest);
  input.shrink_to_fit();  // a sanitizer shall see the first byte behind it being read
  return input;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s CORPUS_FOLDER MUTATIONS\n", argv[0]);
    return 2;
  }
  const std::vector<Input> corpus = read_corpus(argv[1]);
  if (corpus.empty()) {
    std::fprintf(stderr, "%s: no inputs\n", argv[1]);
    return 1;
  }
  std::signal(SIGABRT, show_input);
  for (const Input& input : corpus) play(input);
  const unsigned long mutations = std::strtoul(argv[2], nullptr, 10);
  myriad::Rng rng{20260101};
  for (unsigned long i = 0; i < mutations; ++i) {
    play(mutate(corpus, rng));
  }
  std::printf("%zu inputs, %lu mutations\n", corpus.size(), mutations);
  return 0;
}
