#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string_view>
#include <utility>
#include <vector>

#include "base/addr.h"
#include "base/checksum.h"
#include "base/frame.h"
#include "base/rng.h"
#include "base/seq.h"
#include "base/utf8.h"

namespace myriad {
namespace {

TEST(Checksum, Rfc1071Example) {
  const std::uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  std::uint8_t field[2];
  checksum_store(field, checksum_add(0, bytes));
  EXPECT_EQ(load_be16(field), static_cast<std::uint16_t>(~0xddf2));
}

TEST(Checksum, AgreesWithTheWordByWordSumAtEveryLength) {
  Rng rng{7};
  std::vector<std::uint8_t> bytes(600);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(rng.next());
  for (std::size_t length = 0; length <= bytes.size(); ++length) {
    std::uint32_t slow = 0;
    for (std::size_t i = 0; i < length; i += 2) {
      slow += static_cast<std::uint32_t>(bytes[i] << 8) + (i + 1 < length ? bytes[i + 1] : 0U);
    }
    while ((slow >> 16) != 0) slow = (slow & 0xffff) + (slow >> 16);
    std::uint8_t field[2];
    checksum_store(field, checksum_add(0, Bytes{bytes}.first(length)));
    ASSERT_EQ(load_be16(field), static_cast<std::uint16_t>(~slow)) << length;
  }
}

TEST(Checksum, PatchEqualsRecomputation) {
  Rng rng{8};
  for (int round = 0; round < 1000; ++round) {
    std::uint8_t packet[20];
    for (auto& byte : packet) byte = static_cast<std::uint8_t>(rng.next());
    store_be16(packet + 10, 0);
    checksum_store(packet + 10, checksum_add(0, packet));
    const std::uint16_t before = load_be16(packet + 4);
    const auto after = static_cast<std::uint16_t>(rng.next());
    store_be16(packet + 4, after);
    checksum_patch(packet + 10, before, after);
    EXPECT_EQ(checksum_fold(checksum_add(0, packet)), 0xffff);
  }
}

TEST(Address, TextGoesBothWays) {
  EXPECT_EQ(MacAddress::parse("02:4d:00:00:00:ff")->text(), "02:4d:00:00:00:ff");
  EXPECT_EQ(MacAddress::from_number(0x024d000000ff), *MacAddress::parse("02:4d:00:00:00:ff"));
  EXPECT_FALSE(MacAddress::parse("02:4d:00:00:00"));
  EXPECT_FALSE(MacAddress::parse("02:4d:00:00:00:fg"));
  EXPECT_EQ(Ipv4Address::parse("10.0.255.1")->text(), "10.0.255.1");
  EXPECT_FALSE(Ipv4Address::parse("10.0.256.1"));
  EXPECT_EQ(Ipv6Address::parse("fd00:0:0::1:1")->text(), "fd00::1:1");
  EXPECT_EQ(Ipv4Prefix::parse("10.0.1.1/16")->text(), "10.0.1.1/16");
  EXPECT_FALSE(Ipv4Prefix::parse("10.0.1.1/33"));
  EXPECT_FALSE(Ipv4Prefix::parse("10.0.1.1/"));
}

TEST(Address, PrefixesContain) {
  EXPECT_TRUE(Ipv4Prefix::parse("10.0.1.1/16")->contains(*Ipv4Address::parse("10.0.255.255")));
  EXPECT_FALSE(Ipv4Prefix::parse("10.0.1.1/16")->contains(*Ipv4Address::parse("10.1.0.0")));
  EXPECT_TRUE(Ipv4Prefix::parse("10.0.1.1/0")->contains(*Ipv4Address::parse("192.168.0.1")));
  EXPECT_TRUE(Ipv6Prefix::parse("fd00::1/64")->contains(*Ipv6Address::parse("fd00::ffff:0:0:1")));
  EXPECT_FALSE(Ipv6Prefix::parse("fd00::1/65")->contains(*Ipv6Address::parse("fd00::ffff:0:0:1")));
}

TEST(Address, Ipv6CountsThroughAllBits) {
  EXPECT_EQ(Ipv6Address::parse("fd00::ffff:ffff:ffff:ffff")->plus(1), *Ipv6Address::parse("fd00:0:0:1::"));
  EXPECT_EQ(Ipv6Address::parse("fd00::12:3456")->solicited_node(), *Ipv6Address::parse("ff02::1:ff12:3456"));
}

TEST(Address, OneTypeForBothFamilies) {
  EXPECT_TRUE(IpAddress::parse("10.0.0.1")->is_v4());
  EXPECT_EQ(IpAddress::parse("10.0.0.1")->v4(), *Ipv4Address::parse("10.0.0.1"));
  EXPECT_TRUE(IpAddress::parse("::1")->is_v6());
  EXPECT_TRUE(IpAddress{}.is_v6()) << "the unspecified address is ::";
}

TEST(SeqNum, WrapsAround) {
  const SeqNum near_end{0xfffffff0};
  EXPECT_TRUE(near_end.before(near_end + 0x20));
  EXPECT_FALSE((near_end + 0x20).before(near_end));
  EXPECT_FALSE(near_end.before(near_end));
  EXPECT_TRUE((near_end + 0x10).within(near_end, 0x11));
  EXPECT_FALSE((near_end + 0x11).within(near_end, 0x11));
  EXPECT_EQ((near_end + 0x20).since(near_end), 0x20U);
}

TEST(Rng, ForksDependOnSeedAndKeyAlone) {
  const Rng root{42};
  Rng a = root.fork(5);
  Rng spent{42};
  Rng b = spent.fork(5);
  EXPECT_EQ(a.next(), b.next());
  EXPECT_NE(root.fork(5).next(), root.fork(6).next());
}

TEST(Utf8, TellsCharactersFromWhatIsNone) {
  using namespace std::string_view_literals;
  const std::pair<std::string_view, std::size_t> kCases[] = {{"a", 1},
                                                             {"\0"sv, 1},
                                                             {"\x7f", 1},
                                                             {"\xc2\x80", 2},
                                                             {"\xdf\xbfz", 2},
                                                             {"\xe0\xa0\x80", 3},
                                                             {"\xed\x9f\xbf", 3},
                                                             {"\xef\xbf\xbf", 3},
                                                             {"\xf0\x90\x80\x80", 4},
                                                             {"\xf4\x8f\xbf\xbf", 4},
                                                             // cut, or going on as it must not
                                                             {"\x80", 0},
                                                             {"\xc2", 0},
                                                             {"\xc2z", 0},
                                                             {"\xe2\x82", 0},
                                                             {"\xf0\x9f\x98", 0},
                                                             {"\xe2\x82z", 0},
                                                             // overlong, surrogates, beyond U+10FFFF
                                                             {"\xc0\x80", 0},
                                                             {"\xc1\xbf", 0},
                                                             {"\xe0\x9f\xbf", 0},
                                                             {"\xf0\x8f\xbf\xbf", 0},
                                                             {"\xed\xa0\x80", 0},
                                                             {"\xed\xbf\xbf", 0},
                                                             {"\xf4\x90\x80\x80", 0},
                                                             {"\xf5\x80\x80\x80", 0},
                                                             {"\xff", 0}};
  for (const auto& [text, bytes] : kCases) EXPECT_EQ(utf8_bytes(text), bytes) << ::testing::PrintToString(text);
}

TEST(TxBatch, ConservesFrames) {
  std::vector<std::uint8_t> memory(16 * 2048);
  const FrameArea area{memory.data(), 2048, 16, 1};
  FramePool pool{area, 0};
  TxBatch batch{area, 8};
  batch.reserve(pool);
  EXPECT_EQ(pool.size(), 8U);
  batch.open()[0] = 1;
  batch.commit(60);
  batch.commit(61);
  EXPECT_EQ(batch.committed_count(), 2U);
  const FrameIndex sent = batch.committed()[0].frame;
  batch.consume(1);
  EXPECT_EQ(batch.committed()[0].length, 61U);
  pool.give(sent);
  batch.release(pool);
  EXPECT_EQ(pool.size(), 16U);
}

TEST(TxBatch, HasNoRoomWhenThePoolIsEmpty) {
  std::vector<std::uint8_t> memory(2 * 2048);
  const FrameArea area{memory.data(), 2048, 2, 1};
  FramePool pool{area, 0};
  TxBatch batch{area, 8};
  batch.reserve(pool);
  batch.commit(60);
  batch.commit(60);
  EXPECT_TRUE(batch.open().empty());
  EXPECT_EQ(batch.room(), 0U);
  batch.release(pool);
}

}  // namespace
}  // namespace myriad
