// The signature of `sequence` payloads: crafted, found again, and never seen where there is none.
#include "craft/signature.h"

#include <gtest/gtest.h>

#include "tests/craft/pieces.h"
#include "tests/craft/receiver.h"

namespace myriad::craft {
namespace {

const Signature kSome{.run = 0x1122, .flow = 3, .sequence = 0xfedcba98, .sent_ns = 0xfffffffffffb};

TEST(Signatures, LieInTheFrame) {
  CompileOptions options = sized(Constant{64});
  options.flow = 7;
  const Program program = program_of({{ethernet(), ipv4(), udp()}, of_kind(PayloadKind::kSequence)}, options);
  ASSERT_TRUE(program.has_sequence());
  EXPECT_EQ(program.signature_at(), 42U);
  Batch batch;
  batch.first = 100;
  batch.stride = 3;
  batch.run = 0xabcd;
  batch.now_ns = 1'700'000'000'123'456'789;
  const Made made = make(program, 33, batch);
  for (std::uint64_t i = 0; i < 33; ++i) {
    EXPECT_EQ(received(made.frames[i]), "ethernet ipv4 udp 18");
    std::size_t likely = program.signature_at();
    const auto found = Signature::find(made.frames[i], likely);
    ASSERT_TRUE(found);
    EXPECT_EQ(*found, (Signature{.run = batch.run,
                                 .flow = 7,
                                 .sequence = static_cast<std::uint32_t>(100 + 3 * i),
                                 .sent_ns = static_cast<std::uint64_t>(batch.now_ns) & Signature::kTimeMask}));
    EXPECT_EQ(likely, 42U);
  }
}

TEST(Signatures, AreFoundWhereverTheyHaveMoved) {
  for (std::size_t offset = 0; offset <= Signature::kSearchedBytes + 1; ++offset) {
    Frame frame(offset + kSignatureBytes, 'M');
    kSome.store(frame.data() + offset);
    std::size_t likely = 42;
    const auto found = Signature::find(frame, likely);
    ASSERT_EQ(found.has_value(), offset <= Signature::kSearchedBytes || offset == 42) << offset;
    if (!found) continue;
    EXPECT_EQ(*found, kSome);
    EXPECT_EQ(likely, offset);
  }
}

TEST(Signatures, AreNotThereWhenABitIsWrong) {
  Frame frame(kSignatureBytes);
  kSome.store(frame.data());
  for (std::size_t bit = 0; bit < kSignatureBytes * 8; ++bit) {
    frame[bit / 8] = static_cast<std::uint8_t>(frame[bit / 8] ^ (1U << (bit % 8)));
    EXPECT_FALSE(Signature::at(frame, 0)) << bit;
    frame[bit / 8] = static_cast<std::uint8_t>(frame[bit / 8] ^ (1U << (bit % 8)));
  }
  EXPECT_TRUE(Signature::at(frame, 0));
}

TEST(Signatures, KnowTheirAgeAcrossTheWrapOfTheirClock) {
  EXPECT_EQ(kSome.age_ns((std::int64_t{7} << 48) + 20), 25);
  EXPECT_EQ(kSome.age_ns((std::int64_t{7} << 48) - 5), 0);
  EXPECT_EQ(kSome.age_ns((std::int64_t{7} << 48) - 8), -3);
}

TEST(Signatures, AreNotThereWhenTheFrameIsCut) {
  Frame whole(60);
  kSome.store(whole.data() + 42);
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    const Frame frame(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    std::size_t likely = 42;
    EXPECT_EQ(Signature::find(frame, likely).has_value(), length == 60) << length;
    likely = SIZE_MAX;
    EXPECT_EQ(Signature::find(frame, likely).has_value(), length == 60) << length;
  }
}

}  // namespace
}  // namespace myriad::craft
