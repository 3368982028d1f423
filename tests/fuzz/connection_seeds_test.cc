// The seeds of connection_fuzz do what their names say: between them they reach every state, and they are the files of
// the corpus.
//
// When a step of the language has changed:  MYRIAD_RENEW=1 test_connection_seeds  writes the files anew.
#include "tests/fuzz/connection_seeds.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/fuzz/connection_rig.h"
#include "tests/fuzz/script_program.h"

namespace myriad::fuzz {
namespace {

constexpr unsigned bit(tcp::State state) { return 1U << static_cast<unsigned>(state); }

bool renewing() {
  const char* asked = std::getenv("MYRIAD_RENEW");
  return asked != nullptr && std::string{asked} == "1";
}

std::filesystem::path file_of(const Seed& seed) {
  return std::filesystem::path{MYRIAD_SEED_FOLDER} / ("seed_" + seed.name);
}

TEST(ConnectionSeeds, EachReachesItsState) {
  for (const Seed& seed : connection_seeds()) {
    states_reached = 0;
    Rig{seed.program}.play();
    EXPECT_NE(states_reached & bit(seed.reaches), 0U) << seed.name;
  }
}

TEST(ConnectionSeeds, TogetherReachEveryState) {
  states_reached = 0;
  for (const Seed& seed : connection_seeds()) Rig{seed.program}.play();
  for (auto state = tcp::State::kFree; state <= tcp::State::kAborting;
       state = static_cast<tcp::State>(static_cast<unsigned>(state) + 1)) {
    EXPECT_NE(states_reached & bit(state), 0U) << static_cast<unsigned>(state);
  }
}

TEST(ConnectionSeeds, AreTheFilesOfTheCorpus) {
  for (const Seed& seed : connection_seeds()) {
    if (renewing()) {
      std::ofstream file{file_of(seed), std::ios::binary};
      file.write(reinterpret_cast<const char*>(seed.program.data()), std::ssize(seed.program));
      continue;
    }
    std::ifstream file{file_of(seed), std::ios::binary};
    const std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>{file}, {}};
    EXPECT_EQ(bytes, seed.program) << seed.name << ": MYRIAD_RENEW=1 writes the files anew";
  }
}

// The scripts, too: each is a program that keeps the rules, and nearly all that open a connection open one here.
TEST(ConnectionSeeds, ScriptsAreProgramsAndReachEveryState) {
  const auto scripts = programs_of(MYRIAD_SCRIPT_FOLDER);
  ASSERT_TRUE(scripts) << scripts.error();
  std::uint32_t all = 0;
  std::size_t established = 0;
  for (const auto& [name, program] : *scripts) {
    SCOPED_TRACE(name);
    states_reached = 0;
    Rig{program}.play();
    all |= states_reached;
    if ((states_reached & bit(tcp::State::kEstablished)) != 0) ++established;
  }
  EXPECT_GT(established * 10, scripts->size() * 8);
  for (auto state = tcp::State::kFree; state <= tcp::State::kAborting;
       state = static_cast<tcp::State>(static_cast<unsigned>(state) + 1)) {
    EXPECT_NE(all & bit(state), 0U) << static_cast<unsigned>(state);
  }
}

}  // namespace
}  // namespace myriad::fuzz
