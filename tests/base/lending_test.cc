// Objects that are lent: each is its borrower's alone, stays where it is, and blocks go when nothing of them is lent.
#include "base/lending.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <utility>
#include <vector>

#include "base/rng.h"

namespace myriad {
namespace {

struct Part {
  static inline int alive = 0;

  Part() { ++alive; }
  ~Part() { --alive; }
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

  std::uint64_t mark = 7;
  std::uint32_t next = 0;
  std::array<std::uint8_t, 500> body{};

  std::uint32_t& next_free() { return next; }
};
using Parts = Lending<Part>;

TEST(Lending, FreshObjectsAreMadeOneByOne) {
  Parts parts;
  EXPECT_EQ(parts.capacity(), 0U);
  const std::uint32_t index = parts.take();
  EXPECT_EQ(parts[index].mark, 7U);
  EXPECT_EQ(Part::alive, 1);
  EXPECT_EQ(parts.live(), 1U);
  EXPECT_EQ(parts.capacity(), Parts::kBlock);
  EXPECT_GE(Parts::kBlock * sizeof(Part), Parts::kBlockBytes);
}

TEST(Lending, AnObjectIsReusedAsItWasLeft) {
  Parts parts;
  const std::uint32_t first = parts.take();
  const std::uint32_t other = parts.take();
  parts[first].mark = 11;
  parts.give_back(first);
  const std::uint32_t again = parts.take();
  EXPECT_EQ(again, first);
  EXPECT_EQ(parts[again].mark, 11U);
  EXPECT_EQ(Part::alive, 2);
  EXPECT_NE(again, other);
}

TEST(Lending, AStormLeavesOneBlock) {
  Parts parts;
  std::vector<std::uint32_t> lent;
  for (std::uint32_t i = 0; i < 5 * Parts::kBlock; ++i) lent.push_back(parts.take());
  EXPECT_EQ(parts.capacity(), 5 * Parts::kBlock);
  for (const std::uint32_t index : lent) parts.give_back(index);
  EXPECT_EQ(parts.live(), 0U);
  EXPECT_EQ(parts.capacity(), Parts::kBlock);
  EXPECT_EQ(Part::alive, static_cast<int>(Parts::kBlock));
}

TEST(Lending, TakingAndGivingBackAtTheEdgeOfABlockKeepsBlocks) {
  Parts parts;
  for (std::uint32_t i = 0; i < Parts::kBlock; ++i) (void)parts.take();
  const std::uint32_t beyond = parts.take();
  const Part* const where = &parts[beyond];
  parts.give_back(beyond);
  EXPECT_EQ(parts.capacity(), 2 * Parts::kBlock) << "one block without a borrower is kept";
  EXPECT_EQ(&parts[parts.take()], where);
}

TEST(Lending, WhatIsLentCrowdsTogether) {
  Parts parts;
  std::vector<std::uint32_t> lent;
  for (std::uint32_t i = 0; i < 4 * Parts::kBlock; ++i) lent.push_back(parts.take());
  // Three of four are given back all over; new ones then fill one block after the other.
  std::vector<std::uint32_t> kept;
  for (const std::uint32_t index : lent) {
    if (index % 4 == 0) {
      kept.push_back(index);
    } else {
      parts.give_back(index);
    }
  }
  for (std::uint32_t i = 0; i < 3 * Parts::kBlock; ++i) (void)parts.take();
  EXPECT_EQ(parts.capacity(), 4 * Parts::kBlock) << "no new block while there is room";
}

TEST(Lending, EveryBorrowerHasItsOwnWhateverTheOrder) {
  Rng rng(41);
  Parts parts;
  std::map<std::uint32_t, std::pair<const Part*, std::uint64_t>> lent;
  for (std::uint64_t step = 0; step < 60'000; ++step) {
    // Tides: some thousand steps in which more is taken, then as many in which more is given back.
    const bool rising = step / 5000 % 2 == 0;
    if (lent.empty() || rng.below(100) < (rising ? 70U : 25U)) {
      const std::uint32_t index = parts.take();
      ASSERT_TRUE(lent.emplace(index, std::pair{&parts[index], step}).second) << "lent twice";
      parts[index].mark = step;
    } else {
      auto at = lent.lower_bound(static_cast<std::uint32_t>(rng.below(parts.capacity() * 2)));
      if (at == lent.end()) at = lent.begin();
      ASSERT_EQ(&parts[at->first], at->second.first) << "it has moved";
      ASSERT_EQ(parts[at->first].mark, at->second.second) << "somebody else has written into it";
      parts.give_back(at->first);
      lent.erase(at);
    }
    ASSERT_EQ(parts.live(), lent.size());
    ASSERT_GE(parts.capacity(), lent.size());
  }
  while (!lent.empty()) {
    parts.give_back(lent.begin()->first);
    lent.erase(lent.begin());
  }
  EXPECT_EQ(parts.capacity(), Parts::kBlock);
}

TEST(Lending, NothingOutlivesIt) {
  {
    Parts parts;
    for (std::uint32_t i = 0; i < Parts::kBlock + 3; ++i) (void)parts.take();
    parts.give_back(1);
  }
  EXPECT_EQ(Part::alive, 0);
}

}  // namespace
}  // namespace myriad
