// Pattern, SummedBytes, SHA-256, ByteRing.
#include <gtest/gtest.h>

#include <deque>
#include <vector>

#include "app/byte_ring.h"
#include "app/pattern.h"
#include "app/sha256.h"
#include "app/summed_bytes.h"
#include "base/checksum.h"
#include "tests/app/pieces.h"

namespace myriad::app {
namespace {

TEST(Pattern, IsTheSameHoweverItIsCut) {
  const Pattern pattern{5};
  std::vector<std::uint8_t> whole(1000);
  pattern.fill(3, whole);
  for (std::size_t from = 0; from < 40; ++from) {
    for (std::size_t length = 0; length < 40; ++length) {
      std::vector<std::uint8_t> piece(length);
      pattern.fill(3 + from, piece);
      ASSERT_TRUE(std::equal(piece.begin(), piece.end(), whole.begin() + static_cast<std::ptrdiff_t>(from)));
    }
  }
}

TEST(Pattern, TellsTheSumOfWhatItWrites) {
  const Pattern pattern{5};
  for (std::size_t from = 0; from < 20; ++from) {
    for (std::size_t length = 0; length < 100; ++length) {
      std::vector<std::uint8_t> piece(length);
      const std::uint64_t sum = pattern.fill(from, piece);
      ASSERT_EQ(checksum_fold(1 + sum), checksum_fold(checksum_add(1, piece))) << from << " " << length;
    }
  }
}

TEST(SummedBytes, TellsTheSumOfWhatItCopies) {
  for (const std::uint8_t lowest :
       {std::uint8_t{0}, std::uint8_t{0xfe}}) {  // small sums, and such that carry all the time
    std::vector<std::uint8_t> bytes(200);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(lowest | (i * 7 % 3));
    const SummedBytes summed{bytes};
    ASSERT_EQ(summed.size(), bytes.size());
    for (std::size_t from = 0; from <= bytes.size(); ++from) {
      for (std::size_t length = 0; length <= bytes.size() - from; ++length) {
        std::vector<std::uint8_t> piece(length);
        const std::uint64_t sum = summed.copy(from, piece);
        ASSERT_TRUE(std::equal(piece.begin(), piece.end(), bytes.begin() + static_cast<std::ptrdiff_t>(from)));
        ASSERT_EQ(checksum_fold(1 + sum), checksum_fold(checksum_add(1, piece))) << from << " " << length;
      }
    }
  }
}

TEST(Pattern, MatchesItselfAndNothingElse) {
  const Pattern pattern{5};
  std::vector<std::uint8_t> bytes(1537);
  pattern.fill(1ULL << 40, bytes);
  EXPECT_TRUE(pattern.matches(1ULL << 40, bytes));
  EXPECT_FALSE(pattern.matches((1ULL << 40) + 1, bytes));
  EXPECT_FALSE(Pattern{6}.matches(1ULL << 40, bytes));
  for (const std::size_t at : {0UL, 7UL, 511UL, 512UL, 1536UL}) {
    bytes[at] ^= 1;
    EXPECT_FALSE(pattern.matches(1ULL << 40, bytes)) << at;
    bytes[at] ^= 1;
  }
  EXPECT_TRUE(pattern.matches(0, {}));
}

std::string hex(const Sha256::Digest& digest) {
  std::string text;
  for (const std::uint8_t byte : digest) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

TEST(Sha256, Fips180Examples) {
  Sha256 digest;
  EXPECT_EQ(hex(digest.finish()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  digest.add(as_bytes("a"));
  digest.add(as_bytes("bc"));
  EXPECT_EQ(hex(digest.finish()), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  digest.add(as_bytes("forgotten"));
  digest.restart();
  digest.add(as_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"));
  EXPECT_EQ(hex(digest.finish()), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(ByteRing, BehavesLikeADeque) {
  constexpr std::uint32_t kLimit = 5000;
  ByteRing ring;
  std::deque<std::uint8_t> model;
  Rng rng{3};
  std::uint8_t next = 0;
  for (int round = 0; round < 5000; ++round) {
    if (rng.below(2) == 0) {
      std::vector<std::uint8_t> bytes(rng.below(900));
      for (auto& byte : bytes) byte = next++;
      const bool fits = model.size() + bytes.size() <= kLimit;
      ASSERT_EQ(ring.append(bytes, kLimit), fits);
      if (fits)
        model.insert(model.end(), bytes.begin(), bytes.end());
      else
        next = static_cast<std::uint8_t>(next - bytes.size());
    } else {
      const auto count = static_cast<std::uint32_t>(rng.below(model.size() + 1));
      ring.drop(count);
      model.erase(model.begin(), model.begin() + count);
    }
    ASSERT_EQ(ring.size(), model.size());
    const auto from = static_cast<std::uint32_t>(rng.below(model.size() + 1));
    std::vector<std::uint8_t> out(rng.below(model.size() - from + 1));
    ring.copy(from, out);
    ASSERT_TRUE(std::equal(out.begin(), out.end(), model.begin() + from));
    const Bytes front = ring.front();
    ASSERT_EQ(front.empty(), model.empty());
    ASSERT_TRUE(std::equal(front.begin(), front.end(), model.begin()));
  }
}

TEST(ByteRing, HoldsNoMemoryWhenEmpty) {
  ByteRing ring;
  EXPECT_EQ(ring.capacity(), 0U);
  ASSERT_TRUE(ring.append(as_bytes("x"), 10));
  EXPECT_EQ(ring.capacity(), ByteRing::kFirstCapacity);
  ring.drop(1);
  EXPECT_EQ(ring.capacity(), 0U);
}

}  // namespace
}  // namespace myriad::app
