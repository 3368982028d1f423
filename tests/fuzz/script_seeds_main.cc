// Writes seeds for fuzz_connection, one for each script:  script_seeds SCRIPT_FOLDER SEED_FOLDER
#include <cstdio>
#include <fstream>

#include "tests/fuzz/script_program.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s SCRIPT_FOLDER SEED_FOLDER\n", argv[0]);
    return 2;
  }
  const auto programs = myriad::fuzz::programs_of(argv[1]);
  if (!programs) {
    std::fprintf(stderr, "%s\n", programs.error().c_str());
    return 1;
  }
  const std::filesystem::path folder{argv[2]};
  std::filesystem::create_directories(folder);
  for (const auto& [name, program] : *programs) {
    std::ofstream file{folder / ("script_" + name), std::ios::binary};
    file.write(reinterpret_cast<const char*>(program.data()), std::ssize(program));
    if (!file) {
      std::fprintf(stderr, "%s: cannot be written\n", name.c_str());
      return 1;
    }
  }
  std::printf("%zu seeds\n", programs->size());
  return 0;
}
