// Files that break off, are corrupt or are something else: what came before is delivered, the rest is said with its
// place, and nothing that a file claims makes the reader crash, hang or take memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "capture/refused.h"
#include "tests/capture/file_maker.h"
#include "tests/capture/reading.h"

namespace myriad::capture {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// A file, and where its records begin and end.
struct Sample {
  std::vector<std::uint8_t> file;
  std::vector<std::size_t> begins;  // of each record, or of its block
  std::vector<std::size_t> ends;
  std::size_t header = 0;  // bytes before anything can be said of it
};

Sample pcap_sample(ByteOrder order) {
  PcapMaker file{order};
  Sample sample;
  sample.header = file.size();
  for (std::uint32_t i = 0; i < 4; ++i) {
    sample.begins.push_back(file.size());
    file.record(100 + i, i, frame_of(14 + i * 11, i), 14 + i * 11);
    sample.ends.push_back(file.size());
  }
  sample.file = file.out();
  return sample;
}

Sample pcapng_sample(ByteOrder order) {
  PcapngMaker file{order};
  const ByteMaker nanoseconds = file.option(9, file.body().u8(9));
  file.interface(kLinkEthernet, 80, &nanoseconds).interface(kLinkRaw);
  Sample sample;
  sample.header = 4;
  for (std::uint32_t i = 0; i < 4; ++i) {
    const auto frame = frame_of(14 + i * 11, i);
    const auto size = static_cast<std::uint32_t>(frame.size());
    const ByteMaker flags = file.option(2, file.body().u32(1));
    sample.begins.push_back(file.size());
    if (i == 1) {
      file.simple(frame, size);
    } else if (i == 2) {
      file.obsolete(1, 5, frame, size);
    } else {
      file.enhanced(0, 7, frame, size, &flags);
    }
    sample.ends.push_back(file.size());
    if (i == 2) file.block(4, file.body().u32(0));
  }
  sample.file = file.out();
  return sample;
}

class Damaged : public ::testing::TestWithParam<Sample (*)(ByteOrder)> {
 protected:
  static Reading read_tightly(Bytes file) {  // memory of exactly its length, for the sanitizer
    const std::vector<std::uint8_t> copy{file.begin(), file.end()};
    return read_all(copy, 32);
  }
};

INSTANTIATE_TEST_SUITE_P(Formats, Damaged, ::testing::Values(pcap_sample, pcapng_sample),
                         [](const auto& sample) { return sample.index == 0 ? "Pcap" : "Pcapng"; });

TEST_P(Damaged, CutOffAtEveryByte) {
  for (const ByteOrder order : {ByteOrder::kLittle, ByteOrder::kBig}) {
    const Sample sample = GetParam()(order);
    const Reading whole = read_tightly(sample.file);
    ASSERT_EQ(whole.records.size(), 4U);
    for (std::size_t size = 0; size < sample.file.size(); ++size) {
      const Reading reading = read_tightly(Bytes{sample.file}.first(size));
      if (size < sample.header) {
        EXPECT_NE(reading.refusal, "") << size;
        continue;
      }
      ASSERT_EQ(reading.refusal, "") << size;
      const auto there =
          static_cast<std::size_t>(std::ranges::count_if(sample.ends, [size](std::size_t end) { return end <= size; }));
      ASSERT_EQ(reading.records.size(), there) << size;
      for (std::size_t i = 0; i < there; ++i) EXPECT_EQ(reading.records[i].bytes, whole.records[i].bytes);
      if (!reading.damage) continue;  // between two blocks
      EXPECT_EQ(reading.damage->kind, Damage::Kind::kCutOff) << size;
      EXPECT_LT(reading.damage->offset, size);
      EXPECT_GE(reading.damage->offset, there == 0 ? 0 : sample.ends[there - 1]);
      const bool in_a_record = there < 4 && size > sample.begins[there];
      if (in_a_record) {
        EXPECT_EQ(reading.damage->offset, sample.begins[there]) << size;
      }
      EXPECT_THAT(reading.error,
                  StartsWith("it: at byte " + std::to_string(reading.damage->offset) + ": the file ends"));
    }
  }
}

// A file that ends between two records is whole: nobody can know better.
TEST_P(Damaged, CutOffBetweenRecordsIsTheEnd) {
  const Sample sample = GetParam()(ByteOrder::kLittle);
  for (std::size_t i = 0; i < 4; ++i) {
    const Reading reading = read_tightly(Bytes{sample.file}.first(sample.ends[i]));
    EXPECT_EQ(reading.error, "");
    EXPECT_EQ(reading.records.size(), i + 1);
  }
}

TEST_P(Damaged, EveryByteTakesEveryOfItsBits) {
  for (const ByteOrder order : {ByteOrder::kLittle, ByteOrder::kBig}) {
    const Sample sample = GetParam()(order);
    const Reading whole = read_tightly(sample.file);
    for (std::size_t at = 0; at < sample.file.size(); ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        std::vector<std::uint8_t> file = sample.file;
        file[at] ^= static_cast<std::uint8_t>(1U << bit);
        const Reading reading = read_tightly(file);
        if (reading.refusal != "") {
          EXPECT_LT(at, 24U) << "refused for what stands in no header";
          continue;
        }
        // Records that were whole before the damaged byte are as they were.
        const auto before =
            static_cast<std::size_t>(std::ranges::count_if(sample.ends, [at](std::size_t end) { return end <= at; }));
        ASSERT_GE(reading.records.size(), before);
        for (std::size_t i = 0; i < before; ++i) EXPECT_EQ(reading.records[i].bytes, whole.records[i].bytes);
        if (reading.damage) {
          EXPECT_GE(reading.damage->offset, before == 0 ? 0 : sample.ends[before - 1]);
        }
      }
    }
  }
}

TEST_P(Damaged, TheErrorStaysUntilTheFileIsReadAgain) {
  const Sample sample = GetParam()(ByteOrder::kLittle);
  const Bytes cut = Bytes{sample.file}.first(sample.file.size() - 1);
  auto reader = Reader::from(std::make_unique<MemorySource>(cut), "it", {.read_bytes = 16});
  ASSERT_TRUE(reader);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(reader->next() && true);
    const auto first = reader->next();
    const auto second = reader->next();
    ASSERT_FALSE(first);
    ASSERT_FALSE(second);
    EXPECT_EQ(first.error().message(), second.error().message());
    EXPECT_EQ(reader->records(), 3U);
    ASSERT_TRUE(reader->rewind());
    EXPECT_EQ(reader->damage(), nullptr);
    EXPECT_EQ(reader->records(), 0U);
  }
}

// --- what no file may claim ------------------------------------------------------------------------------------------

std::string pcapng_error(const PcapngMaker& file) { return read_all(file.out(), 32).error; }

TEST(Claims, ALengthIsBoundedBeforeThereIsRoomForIt) {
  for (const std::uint32_t length : {kMaxCapturedBytes + 1, 0x7fff'ffffU, 0xffff'ffffU}) {
    PcapMaker file{ByteOrder::kLittle};
    file.record(1, 2, frame_of(20, 1), 20).u32(1).u32(2).u32(length).u32(length);
    const Reading reading = read_all(file.out(), 32);
    EXPECT_EQ(reading.records.size(), 1U);
    EXPECT_EQ(reading.error, "it: at byte 60: a captured length of " + std::to_string(length) + " bytes, above 262144");
    EXPECT_EQ(reading.damage->kind, Damage::Kind::kCorrupt);

    PcapngMaker block{ByteOrder::kLittle};
    block.interface(1).u32(6).u32(length & ~3U).u32(0).u64(0).u32(length).u32(length).u32(0);
    EXPECT_THAT(pcapng_error(block), HasSubstr("at byte 48: a captured length above 262144 bytes"));
    PcapngMaker simple{ByteOrder::kLittle};
    simple.interface(1).u32(3).u32(length & ~3U).u32(length).u32(0);
    EXPECT_THAT(pcapng_error(simple), HasSubstr("at byte 48: a captured length above 262144 bytes"));
  }
  PcapngMaker file{ByteOrder::kLittle};
  file.interface(1).u32(6).u32(0xffff'fff0).u32(0).u64(0).u32(16).u32(16).u32(0);
  EXPECT_THAT(pcapng_error(file), HasSubstr("a block longer than 16 MiB"));
}

TEST(Claims, BlocksThatNoFileHas) {
  const auto after_interface = [](auto&& add) {
    PcapngMaker file{ByteOrder::kBig};
    file.interface(kLinkEthernet, 50);
    add(file);
    const Reading reading = read_all(file.out(), 32);
    EXPECT_EQ(reading.records.size(), 0U);
    return reading.error;
  };
  using File = PcapngMaker;
  const auto frame = frame_of(20, 1);
  const auto error = [&](auto&& add, const char* what) {
    EXPECT_EQ(after_interface(add), std::string{"it: at byte 48: "} + what);
  };
  error([](File& f) { f.u32(5).u32(13).u32(0).u32(13); }, "a block with a length that no block can have");
  error([](File& f) { f.u32(5).u32(8).u32(0).u32(8); }, "a block with a length that no block can have");
  error([](File& f) { f.u32(5).u32(0).u32(0).u32(0); }, "a block with a length that no block can have");
  error([](File& f) { f.u32(5).u32(16).u32(0).u32(20); }, "a block whose two lengths differ");
  error([](File& f) { f.u32(6).u32(28).u64(0).u64(0).u32(28); }, "a packet block with a length that it cannot have");
  error([](File& f) { f.u32(3).u32(12).u32(12); }, "a packet block with a length that it cannot have");
  error([](File& f) { f.u32(1).u32(16).u32(1).u32(16); }, "an interface description with a length that it cannot have");
  error([&](File& f) { f.enhanced(1, 0, frame, 20); }, "a frame of an interface that was not described");
  error([&](File& f) { f.obsolete(0xffff, 0, frame, 20); }, "a frame of an interface that was not described");
  error([&](File& f) { f.block(6, f.body().u32(0).u64(0).u32(21).u32(21).bytes(frame)); },
        "a captured length that is longer than its block");
  error([&](File& f) { f.block(3, f.body().u32(50).bytes(frame)); }, "a captured length that is longer than its block");
  error([&](File& f) { f.u32(6).u32(52).u32(0).u64(0).u32(20).u32(20).bytes(frame).u32(56); },
        "a block whose two lengths differ");
  error(
      [&](File& f) {
        const ByteMaker option = f.body().u16(1).u16(5).u32(0);
        f.enhanced(0, 0, frame, 20, &option);
      },
      "an option is longer than its block");
  error(
      [&](File& f) {
        const ByteMaker option = f.option(2, f.body().u16(5));
        f.enhanced(0, 0, frame, 20, &option);
      },
      "an option of a packet with a length that it cannot have");
  for (const std::uint16_t code : {std::uint16_t{9}, std::uint16_t{13}, std::uint16_t{14}}) {
    error(
        [&](File& f) {
          const ByteMaker option = f.option(code, f.body().u16(5));
          f.interface(1, 0, &option);
        },
        "an option of an interface with a length that it cannot have");
  }
  error([](File& f) { f.block(0x0a0d0d0a, f.body().u32(0x1a2b3c4e).u64(0).u64(0)); },
        "a section header without the byte order mark");
  error([](File& f) { f.block(0x0a0d0d0a, f.body().u32(0x1a2b3c4d).u16(2).u16(0).u64(0)); },
        "a section of another version than 1.0");
  error([](File& f) { f.u32(0x0a0d0d0a).u32(24).u32(0x1a2b3c4d).u16(1).u16(0).u64(0).u32(24); },
        "a section header with a length that it cannot have");
}

TEST(Claims, ASimpleBlockNeedsAnInterface) {
  EXPECT_EQ(pcapng_error(PcapngMaker{ByteOrder::kLittle}.simple(frame_of(20, 1), 20)),
            "it: at byte 28: a frame of an interface that was not described");
}

TEST(Claims, InterfacesAreBounded) {
  PcapngMaker file{ByteOrder::kLittle};
  for (std::size_t i = 0; i < PcapngFormat::kMaxInterfaces; ++i) file.interface(1);
  file.enhanced(65'535, 0, frame_of(20, 1), 20);
  EXPECT_EQ(pcapng_error(file), "");
  file.interface(1);
  EXPECT_THAT(pcapng_error(file), HasSubstr("more than 65,536 interfaces"));
}

// Its clock would put it where 64 bits do not reach; the frame itself is whole.
TEST(Claims, ATimeThatCannotBeLosesNoFrame) {
  PcapngMaker file{ByteOrder::kLittle};
  const ByteMaker offset = file.option(14, file.body().u64(0x7fff'ffff'ffff'ffff));
  const Reading reading = read_all(file.interface(1, 0, &offset).enhanced(0, ~0ULL, frame_of(20, 1), 20).out());
  ASSERT_EQ(reading.records.size(), 1U);
  EXPECT_FALSE(reading.records[0].record.has_time);
  EXPECT_EQ(reading.records[0].record.unix_ns, 0);
}

// --- what is no capture ----------------------------------------------------------------------------------------------

std::string refusal_of(std::string_view text) {
  const std::vector<std::uint8_t> bytes{text.begin(), text.end()};
  return read_all(bytes).refusal;
}

TEST(Refusals, ByName) {
  using namespace std::string_view_literals;
  EXPECT_EQ(refusal_of(""), "it is empty");
  EXPECT_EQ(refusal_of("a"), "it is text, not a capture");
  EXPECT_EQ(refusal_of("name,address\nzürich,10.0.0.1\n"), "it is text, not a capture");
  EXPECT_EQ(refusal_of("snoop\0\0\0\0\0\0\2\0\0\0\4"sv), "it is a Solaris snoop capture");
  EXPECT_EQ(refusal_of("\x04\x22\x4d\x18rest"sv), "it is compressed by LZ4");
  EXPECT_EQ(refusal_of("\x28\xb5\x2f\xfdrest"sv), "it is compressed by Zstandard");
  EXPECT_EQ(refusal_of("\xfd"
                       "7zXZ\0rest"sv),
            "it is compressed by xz");
  EXPECT_EQ(refusal_of("BZh9rest"), "it is compressed by bzip2");
  EXPECT_EQ(refusal_of("PK\3\4rest"), "it is a ZIP archive");
  EXPECT_EQ(refusal_of("GMBU\0\3rest"sv), "it is a Microsoft Network Monitor 2 capture");
  EXPECT_EQ(refusal_of("\x7f"
                       "ELF\2\1\1\0"sv),
            "it is a program, not a capture");
  EXPECT_EQ(refusal_of("\xa1\xb2\xc3\xd5\0\2\0\4"sv), "it is neither pcap nor pcapng");
  EXPECT_EQ(refusal_of("\xd4\xc3\xb2"sv), "it is neither pcap nor pcapng");
  EXPECT_EQ(refusal_of(std::string(600, '\0')), "it is neither pcap nor pcapng");
  const std::string named = "is a Solaris snoop capture";
  const std::vector<std::uint8_t> snoop{'s', 'n', 'o', 'o', 'p', 0, 0, 0};
  EXPECT_EQ(refuse_by_name(snoop, false).what, named);
  EXPECT_THAT(refuse_by_name(snoop, false).cure, HasSubstr("editcap"));
}

// ERF has no magic number: two headers that go together are enough, one that could be anything is not.
TEST(Refusals, EndaceErfByItsLook) {
  ByteMaker file{ByteOrder::kBig};
  for (int i = 0; i < 3; ++i) {
    file.u64(0x0000'0000'2000'5f65).u8(2).u8(4).u16(16 + 2 + 60).u16(0).u16(64).u16(0).bytes(frame_of(60, 1));
  }
  EXPECT_EQ(read_all(file.out()).refusal, "it looks like an Endace ERF capture");
  EXPECT_EQ(read_all(Bytes{file.out()}.first(78 + 20)).refusal, "it looks like an Endace ERF capture");
  EXPECT_EQ(read_all(Bytes{file.out()}.first(40)).refusal, "it is neither pcap nor pcapng");
}

TEST(Refusals, LinkTypesHaveNames) {
  EXPECT_EQ(link_type_name(kLinkEthernet), "Ethernet (1)");
  EXPECT_EQ(link_type_name(253), "Linux netlink (253)");
  EXPECT_EQ(link_type_name(105), "IEEE 802.11 (105)");
  EXPECT_EQ(link_type_name(2), "unknown (2)");
  EXPECT_EQ(link_type_name(65'535), "unknown (65535)");
}

}  // namespace
}  // namespace myriad::capture
