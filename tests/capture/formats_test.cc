// What the formats can say, said in files made byte by byte, is understood; in both byte orders and over every seam.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/capture/file_maker.h"
#include "tests/capture/reading.h"

namespace myriad::capture {
namespace {

using ::testing::HasSubstr;

class Formats : public ::testing::TestWithParam<ByteOrder> {};

INSTANTIATE_TEST_SUITE_P(Orders, Formats, ::testing::Values(ByteOrder::kLittle, ByteOrder::kBig),
                         [](const auto& order) { return order.param == ByteOrder::kLittle ? "Little" : "Big"; });

TEST_P(Formats, PcapWithMicroseconds) {
  PcapMaker file{GetParam()};
  file.record(1'700'000'000, 999'999, frame_of(60, 1), 60).record(4'294'967'295, 0, frame_of(41, 2), 1514);
  const Reading reading = read_all(file.out());
  EXPECT_EQ(reading.refusal + reading.error, "");
  EXPECT_EQ(reading.format, "pcap");
  ASSERT_EQ(reading.records.size(), 2U);
  const Record& first = reading.records[0].record;
  EXPECT_EQ(reading.records[0].bytes, frame_of(60, 1));
  EXPECT_EQ(first.unix_ns, 1'700'000'000'999'999'000);
  EXPECT_TRUE(first.has_time);
  EXPECT_EQ(first.original_length, 60U);
  EXPECT_EQ(first.offset, 24U);
  EXPECT_EQ(first.link, kLinkEthernet);
  EXPECT_EQ(first.direction, Direction::kUnknown);
  EXPECT_EQ(first.fcs_bytes, 0);
  const Record& second = reading.records[1].record;
  EXPECT_EQ(reading.records[1].bytes, frame_of(41, 2));
  EXPECT_EQ(second.unix_ns, 4'294'967'295'000'000'000);  // in 2106: seconds have no sign
  EXPECT_EQ(second.original_length, 1514U);
  EXPECT_EQ(second.offset, 24U + 16 + 60);
  ASSERT_EQ(reading.interfaces.size(), 1U);
  EXPECT_EQ(reading.interfaces[0].snap_length, 262144U);
}

TEST_P(Formats, PcapWithNanoseconds) {
  PcapMaker file{GetParam(), {.magic = 0xa1b23c4d}};
  file.record(1, 999'999'999, frame_of(14, 1), 14);
  const Reading reading = read_all(file.out());
  ASSERT_EQ(reading.records.size(), 1U);
  EXPECT_EQ(reading.records[0].record.unix_ns, 1'999'999'999);
}

TEST_P(Formats, PcapOfKuznetzovTellsTheDirection) {
  PcapMaker file{GetParam(), {.magic = 0xa1b2cd34}};
  const auto frame = frame_of(15, 3);
  for (const std::uint8_t type : {std::uint8_t{0}, std::uint8_t{4}}) {
    file.u32(7).u32(8).u32(15).u32(15).u32(2).u16(0x0800).u8(type).u8(0).bytes(frame);
  }
  const Reading reading = read_all(file.out());
  EXPECT_EQ(reading.refusal + reading.error, "");
  ASSERT_EQ(reading.records.size(), 2U);
  EXPECT_EQ(reading.records[0].bytes, frame);
  EXPECT_EQ(reading.records[0].record.direction, Direction::kInbound);
  EXPECT_EQ(reading.records[1].bytes, frame);
  EXPECT_EQ(reading.records[1].record.direction, Direction::kOutbound);
  EXPECT_EQ(reading.records[1].record.unix_ns, 7'000'008'000);
}

TEST_P(Formats, OldVersionsOfPcapHaveTheLengthsTheOtherWayRound) {
  const auto frame = frame_of(20, 1);
  for (const std::uint16_t minor : {std::uint16_t{2}, std::uint16_t{3}}) {
    PcapMaker file{GetParam(), {.minor = minor}};
    file.u32(1).u32(0).u32(99).u32(20).bytes(frame);  // original, captured
    const Reading reading = read_all(file.out());
    EXPECT_EQ(reading.refusal + reading.error, "");
    ASSERT_EQ(reading.records.size(), 1U) << minor;
    EXPECT_EQ(reading.records[0].bytes, frame);
    EXPECT_EQ(reading.records[0].record.original_length, 99U);
  }
  PcapMaker file{GetParam(), {.minor = 3}};  // which had both
  file.record(1, 0, frame, 99);
  ASSERT_EQ(read_all(file.out()).records.size(), 1U);
  EXPECT_EQ(read_all(file.out()).records[0].record.original_length, 99U);
}

TEST_P(Formats, PcapSaysWhetherFramesHaveTheirCheckSequence) {
  PcapMaker file{GetParam(), {.link = 0x2400'0000 | kLinkEthernet}};  // two words of 16 bits
  file.record(1, 0, frame_of(64, 1), 64);
  const Reading reading = read_all(file.out());
  ASSERT_EQ(reading.records.size(), 1U);
  EXPECT_EQ(reading.records[0].record.fcs_bytes, 4);
  EXPECT_EQ(reading.records[0].record.link, kLinkEthernet);
}

TEST_P(Formats, PcapOfAnotherVersionIsRefused) {
  EXPECT_THAT(read_all(PcapMaker(GetParam(), {.major = 3, .minor = 0}).out()).refusal, HasSubstr("version 3.0"));
  EXPECT_THAT(read_all(PcapMaker(GetParam(), {.minor = 5}).out()).refusal, HasSubstr("version 2.5"));
  EXPECT_THAT(read_all(PcapMaker(GetParam(), {.major = 1}).out()).refusal, HasSubstr("version 1.4"));
}

TEST_P(Formats, AFileWithoutRecordsIsWhole) {
  EXPECT_EQ(read_all(PcapMaker(GetParam()).out()).error, "");
  EXPECT_EQ(read_all(PcapngMaker(GetParam()).out()).error, "");
  EXPECT_EQ(read_all(PcapngMaker(GetParam()).out()).refusal, "");
}

TEST_P(Formats, EveryPacketBlockOfPcapng) {
  PcapngMaker file{GetParam()};
  file.interface(kLinkEthernet, 96);
  const std::size_t first = file.size();
  file.enhanced(0, 1'700'000'000'123'456, frame_of(61, 1), 61);
  const std::size_t second = file.size();
  file.obsolete(0, 5, frame_of(62, 2), 1000);
  const std::size_t third = file.size();
  file.simple(frame_of(63, 3), 63).simple(frame_of(96, 4), 1514);
  const Reading reading = read_all(file.out());
  EXPECT_EQ(reading.refusal + reading.error, "");
  EXPECT_EQ(reading.format, "pcapng");
  ASSERT_EQ(reading.records.size(), 4U);
  for (std::uint32_t i = 0; i < 3; ++i) EXPECT_EQ(reading.records[i].bytes, frame_of(61 + i, i + 1));
  EXPECT_EQ(reading.records[0].record.unix_ns, 1'700'000'000'123'456'000);
  EXPECT_EQ(reading.records[0].record.offset, first);
  EXPECT_EQ(reading.records[1].record.unix_ns, 5'000);
  EXPECT_EQ(reading.records[1].record.original_length, 1000U);
  EXPECT_EQ(reading.records[1].record.offset, second);
  EXPECT_FALSE(reading.records[2].record.has_time);
  EXPECT_EQ(reading.records[2].record.offset, third);
  EXPECT_EQ(reading.records[3].bytes, frame_of(96, 4)) << "a simple block is cut by the snap length";
  EXPECT_EQ(reading.records[3].record.original_length, 1514U);
}

TEST_P(Formats, InterfacesDifferInLinkTypeSnapLengthAndClock) {
  PcapngMaker file{GetParam()};
  const auto with = [&file](std::uint16_t code, const ByteMaker& value) { return file.option(code, value); };
  ByteMaker nanoseconds = with(9, file.body().u8(9));
  nanoseconds.bytes(with(2, file.body().u8('e').u8('0').u8('!')).out()).bytes(with(0, file.body()).out());
  const ByteMaker power_of_two = with(9, file.body().u8(0x80 | 32));
  ByteMaker picoseconds = with(9, file.body().u8(12));
  const ByteMaker offset = with(14, file.body().u64(1'700'000'000));
  const ByteMaker before_1970 = with(14, file.body().u64(static_cast<std::uint64_t>(-10)));
  const ByteMaker fcs = with(13, file.body().u8(4));
  file.interface(kLinkEthernet, 0, &nanoseconds)
      .interface(kLinkRaw, 96, &power_of_two)
      .interface(kLinkSll2, 0, &picoseconds)
      .interface(147, 0, &offset)
      .interface(kLinkNull, 0, &before_1970)
      .interface(kLinkEthernet, 0, &fcs);
  const auto frame = frame_of(21, 1);
  file.enhanced(0, 1'700'000'000'123'456'789, frame, 21)
      .enhanced(1, (std::uint64_t{1'700'000'000} << 32) + (1U << 31), frame, 21)
      .enhanced(2, 1'999, frame, 21)
      .enhanced(3, 5, frame, 21)
      .enhanced(4, 0, frame, 21)
      .enhanced(5, 0, frame, 21);
  const Reading reading = read_all(file.out());
  EXPECT_EQ(reading.refusal + reading.error, "");
  ASSERT_EQ(reading.records.size(), 6U);
  std::vector<std::int64_t> times;
  std::vector<LinkType> links;
  for (const Kept& kept : reading.records) {
    times.push_back(kept.record.unix_ns);
    links.push_back(kept.record.link);
    EXPECT_TRUE(kept.record.has_time);
  }
  EXPECT_EQ(times, (std::vector<std::int64_t>{1'700'000'000'123'456'789, 1'700'000'000'500'000'000, 1,
                                              1'700'000'000'000'005'000, -10'000'000'000, 0}));
  EXPECT_EQ(links, (std::vector<LinkType>{kLinkEthernet, kLinkRaw, kLinkSll2, 147, kLinkNull, kLinkEthernet}));
  EXPECT_EQ(reading.interfaces[0].name, "e0!");
  EXPECT_EQ(reading.interfaces[1].snap_length, 96U);
  EXPECT_EQ(reading.records[5].record.fcs_bytes, 4);
  EXPECT_EQ(reading.records[4].record.interface, 4U);
}

// What 64 bits of nanoseconds hold, of clocks that a file may claim.
TEST_P(Formats, ClocksOfEveryResolution) {
  const auto time_of = [](std::uint8_t resolution, std::uint64_t units) -> std::optional<std::int64_t> {
    PcapngMaker file{GetParam()};
    const ByteMaker option = file.option(9, file.body().u8(resolution));
    const Reading reading = read_all(file.interface(1, 0, &option).enhanced(0, units, frame_of(14, 1), 14).out());
    EXPECT_EQ(reading.error, "");
    if (reading.records.size() != 1 || !reading.records[0].record.has_time) return std::nullopt;
    return reading.records[0].record.unix_ns;
  };
  constexpr std::uint64_t kAll = ~std::uint64_t{0};
  EXPECT_EQ(time_of(0, 3), 3'000'000'000);
  EXPECT_EQ(time_of(3, 1'500), 1'500'000'000);
  EXPECT_EQ(time_of(0, 9'223'372'036), 9'223'372'036'000'000'000);
  EXPECT_EQ(time_of(0, 9'223'372'037), std::nullopt) << "the year 2262";
  EXPECT_EQ(time_of(9, kAll), std::nullopt);
  EXPECT_EQ(time_of(0, kAll), std::nullopt);
  EXPECT_EQ(time_of(10, kAll), 1'844'674'407'370'955'161);
  EXPECT_EQ(time_of(28, kAll), 1);
  EXPECT_EQ(time_of(29, kAll), 0);
  EXPECT_EQ(time_of(127, kAll), 0);
  EXPECT_EQ(time_of(0x80, 2), 2'000'000'000);
  EXPECT_EQ(time_of(0x80 | 1, 3), 1'500'000'000);
  EXPECT_EQ(time_of(0x80 | 63, kAll), 1'999'999'999);
  EXPECT_EQ(time_of(0x80 | 64, kAll), 999'999'999);
  EXPECT_EQ(time_of(0x80 | 127, kAll), 0);
}

TEST_P(Formats, FlagsTellTheDirectionAndTheCheckSequence) {
  PcapngMaker file{GetParam()};
  file.interface(kLinkEthernet);
  for (const std::uint32_t flags : {0U, 1U, 2U, 3U, 2U | 4U << 5}) {
    ByteMaker options = file.option(1, file.body().u8('h').u8('i'));  // a comment before
    options.bytes(file.option(2, file.body().u32(flags)).out()).bytes(file.option(0, file.body()).out());
    file.enhanced(0, 0, frame_of(15, flags), 15, &options);
  }
  const Reading reading = read_all(file.out());
  EXPECT_EQ(reading.error, "");
  ASSERT_EQ(reading.records.size(), 5U);
  const Direction expected[] = {Direction::kUnknown, Direction::kInbound, Direction::kOutbound, Direction::kUnknown,
                                Direction::kOutbound};
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(reading.records[i].record.direction, expected[i]) << i;
  EXPECT_EQ(reading.records[3].record.fcs_bytes, 0);
  EXPECT_EQ(reading.records[4].record.fcs_bytes, 4);
}

TEST_P(Formats, OtherBlocksArePassedOverWhateverTheirSize) {
  PcapngMaker file{GetParam()};
  const std::vector<std::uint8_t> large(300'000, 0x0a);
  file.interface(kLinkEthernet)
      .block(4, file.body().u32(0))           // names
      .block(5, file.body().u32(0).u64(0))    // statistics
      .block(10, file.body().bytes(large))    // secrets
      .block(0x0bad, file.body().u32(12345))  // custom
      .block(0x8000'0001, file.body())        // somebody's, empty
      .enhanced(0, 7'000, frame_of(33, 1), 33)
      .block(5, file.body().u32(0).u64(0));
  const Reading reading = read_all(file.out(), 4096);
  EXPECT_EQ(reading.error, "");
  ASSERT_EQ(reading.records.size(), 1U);
  EXPECT_EQ(reading.records[0].bytes, frame_of(33, 1));
}

TEST_P(Formats, SectionsForgetInterfacesAndMayTurnTheByteOrder) {
  const ByteOrder other = GetParam() == ByteOrder::kLittle ? ByteOrder::kBig : ByteOrder::kLittle;
  PcapngMaker file{GetParam()};
  file.interface(kLinkEthernet).interface(kLinkRaw).enhanced(1, 1, frame_of(20, 1), 20);
  file.section(other).interface(kLinkSll).enhanced(0, 2, frame_of(21, 2), 21);
  file.section(GetParam()).interface(kLinkNull).enhanced(0, 3, frame_of(22, 3), 22);
  const Reading whole = read_all(file.out());
  EXPECT_EQ(whole.error, "");
  ASSERT_EQ(whole.records.size(), 3U);
  EXPECT_EQ(whole.records[0].record.link, kLinkRaw);
  EXPECT_EQ(whole.records[1].record.link, kLinkSll);
  EXPECT_EQ(whole.records[1].record.unix_ns, 2'000);
  EXPECT_EQ(whole.records[2].record.link, kLinkNull);
  EXPECT_EQ(whole.interfaces.size(), 1U);

  const std::size_t at = file.size();
  file.enhanced(1, 4, frame_of(23, 4), 23);
  const Reading reading = read_all(file.out());
  EXPECT_EQ(reading.records.size(), 3U);
  EXPECT_THAT(reading.error, HasSubstr("at byte " + std::to_string(at) + ": a frame of an interface"));
}

// The same records come out wherever the seams between reads lie, and however small the blocks are.
TEST_P(Formats, SeamsDoNotShow) {
  PcapngMaker pcapng{GetParam()};
  PcapMaker pcap{GetParam()};
  pcapng.interface(kLinkEthernet);
  for (std::uint32_t i = 0; i < 40; ++i) {
    const auto frame = frame_of(i * 13 % 200, i);
    pcapng.enhanced(0, i, frame, 200).block(99, pcapng.body().bytes(frame));
    pcap.record(i, 0, frame, 200);
  }
  for (const auto* file : {&pcapng.out(), &pcap.out()}) {
    for (const std::size_t read_bytes : {std::size_t{1}, std::size_t{7}, std::size_t{64}, std::size_t{1000}}) {
      for (const std::size_t at_most : {std::size_t{1}, std::size_t{5}, SIZE_MAX}) {
        const Reading reading = read_all(*file, read_bytes, at_most);
        ASSERT_EQ(reading.error, "") << read_bytes << " " << at_most;
        ASSERT_EQ(reading.records.size(), 40U);
        for (std::uint32_t i = 0; i < 40; ++i) EXPECT_EQ(reading.records[i].bytes, frame_of(i * 13 % 200, i));
      }
    }
  }
}

TEST_P(Formats, TheLongestFrame) {
  const auto frame = frame_of(kMaxCapturedBytes, 1);
  const Reading pcap = read_all(PcapMaker{GetParam()}.record(1, 2, frame, kMaxCapturedBytes).out(), 4096);
  ASSERT_EQ(pcap.records.size(), 1U) << pcap.error;
  EXPECT_EQ(pcap.records[0].bytes, frame);
  const Reading pcapng =
      read_all(PcapngMaker{GetParam()}.interface(1).enhanced(0, 1, frame, kMaxCapturedBytes).out(), 4096);
  ASSERT_EQ(pcapng.records.size(), 1U) << pcapng.error;
  EXPECT_EQ(pcapng.records[0].bytes, frame);
}

}  // namespace
}  // namespace myriad::capture
