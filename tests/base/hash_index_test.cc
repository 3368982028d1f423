#include "base/hash_index.h"

#include <gtest/gtest.h>

#include <set>
#include <unordered_map>

#include "base/rng.h"

namespace myriad {
namespace {

// What the index stands for: numbers with hashes. `spread` says how many different hashes there are.
class Model {
 public:
  explicit Model(std::uint64_t spread) : spread_(spread) {}
  [[nodiscard]] std::uint64_t hash_of(std::uint32_t number) const { return mix64(mix64(number) % spread_); }

  void insert(std::uint32_t number) {
    index.insert(hash_of(number), number, [this](std::uint32_t of) { return hash_of(of); });
    numbers.insert(number);
  }
  void erase(std::uint32_t number) {
    index.erase(hash_of(number), number);
    numbers.erase(number);
  }
  [[nodiscard]] bool has(std::uint32_t number) const {
    const std::uint32_t found =
        index.find(hash_of(number), [&](std::uint32_t candidate) { return candidate == number; });
    EXPECT_TRUE(found == number || found == HashIndex::kNone);
    return found == number;
  }

  HashIndex index;
  std::set<std::uint32_t> numbers;

 private:
  std::uint64_t spread_;
};

void live(Model& model, std::uint64_t seed) {
  constexpr std::uint32_t kNumbers = 3000;
  Rng rng{seed};
  for (int step = 0; step < 20'000; ++step) {
    const auto number = static_cast<std::uint32_t>(rng.below(kNumbers));
    // Grows at first, shrinks later.
    const bool wanted = rng.below(20'000) > static_cast<std::uint64_t>(step);
    if (model.numbers.contains(number)) {
      if (!wanted) model.erase(number);
    } else if (wanted) {
      model.insert(number);
    }
  }
  ASSERT_EQ(model.index.size(), model.numbers.size());
  for (std::uint32_t number = 0; number < kNumbers; ++number) {
    ASSERT_EQ(model.has(number), model.numbers.contains(number)) << number;
  }
}

TEST(HashIndex, FindsWhatIsThereAndNothingElse) {
  Model model{~std::uint64_t{0}};
  live(model, 1);
}

TEST(HashIndex, HoldsWhenFewHashesFallTogether) {
  for (const std::uint64_t spread : {1, 2, 30}) {
    Model model{spread};
    live(model, spread);
  }
}

TEST(HashIndex, KnowsTheHighestNumberAndEveryTag) {
  // The highest number under the tag of an empty slot must not look empty.
  HashIndex index;
  const std::uint64_t all_ones = ~std::uint64_t{0};
  const auto hash_of = [&](std::uint32_t) { return all_ones; };
  const auto any = [](std::uint32_t) { return true; };
  EXPECT_EQ(index.find(all_ones, any), HashIndex::kNone);
  index.insert(all_ones, HashIndex::kLimit - 1, hash_of);
  EXPECT_EQ(index.find(all_ones, any), HashIndex::kLimit - 1);
  index.erase(all_ones, HashIndex::kLimit - 1);
  EXPECT_EQ(index.find(all_ones, any), HashIndex::kNone);
}

TEST(HashIndex, AFailedSearchSeldomLooksAtAnEntry) {
  Model model{~std::uint64_t{0}};
  for (std::uint32_t number = 0; number < 20'000; ++number) model.insert(number);
  std::uint32_t looked = 0;
  for (std::uint32_t number = 100'000; number < 110'000; ++number) {
    (void)model.index.find(model.hash_of(number), [&](std::uint32_t) {
      ++looked;
      return false;
    });
  }
  EXPECT_LT(looked, 1500U) << "eight bits of the hash tell almost all apart";
}

}  // namespace
}  // namespace myriad
