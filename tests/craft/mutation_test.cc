// Bits that are flipped on purpose: as many as asked for, by the seed, and nothing beyond the frame.
#include "craft/mutation.h"

#include <gtest/gtest.h>

#include <bit>

#include "tests/craft/pieces.h"

namespace myriad::craft {
namespace {

double flipped(double bits, std::size_t bytes, std::uint64_t frames) {
  const Flipper flipper(bits, 1);
  std::uint64_t ones = 0;
  for (std::uint64_t n = 0; n < frames; ++n) {
    Frame frame(bytes, 0);
    flipper.flip(frame, n);
    for (const std::uint8_t byte : frame) ones += static_cast<std::uint64_t>(std::popcount(byte));
  }
  return static_cast<double>(ones) / static_cast<double>(frames * bytes * 8);
}

TEST(Mutation, FlipsThePartOfBitsThatWasAskedFor) {
  EXPECT_NEAR(flipped(0.01, 60, 20000), 0.01, 0.0005);
  EXPECT_NEAR(flipped(0.5, 60, 2000), 0.5, 0.005);
  EXPECT_NEAR(flipped(0.0001, 1514, 2000), 0.0001, 0.00002);  // gaps longer than the table
  EXPECT_EQ(flipped(1, 60, 3), 1);
}

TEST(Mutation, IsUniformOverTheFrame) {
  const Flipper flipper(0.002, 1);  // on the average more than one frame between two flips
  std::vector<int> times(300 * 8);
  for (std::uint64_t n = 0; n < 200'000; ++n) {
    Frame frame(300, 0);
    flipper.flip(frame, n);
    for (std::size_t bit = 0; bit < times.size(); ++bit) times[bit] += frame[bit / 8] >> (7 - bit % 8) & 1;
  }
  for (const int one : times) EXPECT_NEAR(one, 400, 120);  // six standard deviations
}

TEST(Mutation, DependsOnSeedAndNumberAlone) {
  const Packet packet{{ethernet(), ipv4(), udp()}, text("some bytes of payload")};
  CompileOptions options;
  options.mutation = Mutation{0.02, 5};
  const Program program = program_of(packet, options);
  EXPECT_TRUE(program.mutates());
  const Frame intact = make_one(program_of(packet));
  const Made all = make(program, 200);
  Batch batch;
  batch.first = 7;
  batch.stride = 10;
  const Made some = make(program, 19, batch);
  std::size_t differ = 0;
  for (std::size_t i = 0; i < 19; ++i) EXPECT_EQ(some.frames[i], all.frames[7 + 10 * i]);
  for (const Frame& frame : all.frames) {
    EXPECT_EQ(frame.size(), intact.size());
    differ += frame != intact ? 1 : 0;
  }
  EXPECT_GT(differ, 190U);  // each is left alone with 1 in 40,000
  options.mutation->seed = 6;
  EXPECT_NE(make(program_of(packet, options), 200).frames, all.frames);
}

}  // namespace
}  // namespace myriad::craft
