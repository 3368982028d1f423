// Where captures come from: gzip of any shape, files, pipes; and reading them a second time.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "tests/capture/file_maker.h"
#include "tests/capture/reading.h"

namespace myriad::capture {
namespace {

using ::testing::HasSubstr;

// A folder of this test alone, gone at its end.
class Sources : public ::testing::Test {
 protected:
  Sources() { std::filesystem::create_directory(folder_); }
  ~Sources() override { std::filesystem::remove_all(folder_); }
  [[nodiscard]] std::string path(const char* name) const { return (folder_ / name).string(); }
  std::string file(const char* name, const std::vector<std::uint8_t>& bytes) const {
    std::ofstream out{path(name), std::ios::binary};
    out.write(reinterpret_cast<const char*>(bytes.data()), std::ssize(bytes));
    return path(name);
  }

 private:
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("myriad-sources-" + std::to_string(::getpid()) + "-" +
                                                ::testing::UnitTest::GetInstance()->current_test_info()->name());
};

std::vector<std::uint8_t> sample(std::uint32_t records = 20) {
  PcapMaker file{ByteOrder::kLittle};
  for (std::uint32_t i = 0; i < records; ++i) file.record(i, i, frame_of(60 + i % 40, i), 60 + i % 40);
  return file.out();
}

void expect_sample(const Reading& reading, std::size_t records = 20) {
  EXPECT_EQ(reading.refusal + reading.error, "");
  ASSERT_EQ(reading.records.size(), records);
  for (std::uint32_t i = 0; i < records; ++i) EXPECT_EQ(reading.records[i].bytes, frame_of(60 + i % 40, i));
}

// Two members whose seam lies anywhere, headers and records included.
TEST_F(Sources, GzipOfOneOrMoreMembers) {
  const auto plain = sample();
  const Reading one = read_all(gzip(plain), 100);
  expect_sample(one);
  EXPECT_EQ(one.format, "pcap in gzip");
  EXPECT_EQ(one.records[1].record.offset, 24U + 16 + 60) << "of the decompressed bytes";
  for (const std::size_t seam : {std::size_t{0}, std::size_t{1}, std::size_t{24}, std::size_t{100}, plain.size()}) {
    auto file = gzip(Bytes{plain}.first(seam));
    const auto rest = gzip(Bytes{plain}.subspan(seam));
    file.insert(file.end(), rest.begin(), rest.end());
    expect_sample(read_all(file, 64, 7));
    file.resize(file.size() + 1000);  // padding
    expect_sample(read_all(file, 64, 7));
  }
  PcapngMaker pcapng{ByteOrder::kBig};
  pcapng.interface(1).enhanced(0, 0, frame_of(20, 1), 20);
  EXPECT_EQ(read_all(gzip(pcapng.out())).format, "pcapng in gzip");
}

TEST_F(Sources, GzipThatIsCutOffAtEveryByte) {
  const auto plain = sample();
  const auto file = gzip(plain);
  std::size_t most = 0;
  for (std::size_t size = 2; size < file.size(); ++size) {
    const Reading reading = read_all(Bytes{file}.first(size), 64);
    ASSERT_NE(reading.refusal + reading.error, "") << size;
    EXPECT_THAT(reading.refusal + reading.error, HasSubstr("of the decompressed capture: the gzip data is cut off"));
    EXPECT_THAT(reading.refusal + reading.error,
                HasSubstr("(byte " + std::to_string(size) + " of the compressed file)"));
    if (reading.damage) {
      EXPECT_EQ(reading.damage->kind, Damage::Kind::kUnreadable);
    }
    EXPECT_GE(reading.records.size(), most);
    most = std::max(most, reading.records.size());
    for (std::uint32_t i = 0; i < reading.records.size(); ++i) {
      EXPECT_EQ(reading.records[i].bytes, frame_of(60 + i % 40, i));
    }
  }
  EXPECT_EQ(most, 20U) << "the check sum comes after the last record";
}

TEST_F(Sources, GzipWithAnyByteWrong) {
  const auto plain = sample(3);
  const auto whole = gzip(plain);
  for (std::size_t at = 10; at < whole.size(); ++at) {  // behind the header, of which much may be anything
    auto file = whole;
    file[at] ^= 0x10;
    const Reading reading = read_all(file, 64);
    EXPECT_NE(reading.refusal + reading.error, "") << at;
  }
  auto wrong_sum = whole;
  wrong_sum[wrong_sum.size() - 8] ^= 1;
  const Reading reading = read_all(wrong_sum, 64);
  EXPECT_EQ(reading.records.size(), 3U);
  EXPECT_THAT(reading.error, HasSubstr("the gzip data is corrupt: incorrect data check"));
}

TEST_F(Sources, GzipFollowedBySomethingElse) {
  auto file = gzip(sample());
  file.push_back('x');
  const Reading reading = read_all(file);
  EXPECT_EQ(reading.records.size(), 20U);
  EXPECT_THAT(reading.error, HasSubstr("what follows the gzip data is not gzip"));
}

TEST_F(Sources, GzipOfWhatIsNoCapture) {
  EXPECT_EQ(read_all(gzip({})).refusal, "it holds nothing, once decompressed");
  EXPECT_EQ(read_all(gzip(gzip(sample()))).refusal, "it is gzip inside gzip");
  const std::vector<std::uint8_t> text(100, 'a');
  EXPECT_EQ(read_all(gzip(text)).refusal, "it is text, not a capture");
}

// A million times smaller on the disk than in the reader, whose memory is one block all the same.
TEST_F(Sources, GzipOfALargeBlockIsPassedOver) {
  PcapngMaker file{ByteOrder::kLittle};
  file.interface(1);
  const std::uint32_t length = 64U << 20;
  file.u32(0x0bad).u32(length + 12).bytes(std::vector<std::uint8_t>(length)).u32(length + 12);
  file.enhanced(0, 0, frame_of(20, 1), 20);
  const Reading reading = read_all(gzip(file.out()), 4096);
  EXPECT_EQ(reading.error, "");
  EXPECT_EQ(reading.records.size(), 1U);
}

TEST_F(Sources, FilesAreReadAgain) {
  for (const auto& [name, bytes] : {std::pair{"plain", sample()}, std::pair{"packed", gzip(sample())}}) {
    for (const std::size_t read_bytes : {std::size_t{100}, std::size_t{1} << 20}) {  // not all at once; all at once
      auto reader = Reader::open(file(name, bytes), {.read_bytes = read_bytes});
      ASSERT_TRUE(reader) << reader.error().message();
      for (const int stop_after : {100, 3, 0, 100}) {
        for (int i = 0; i < std::min(stop_after, 20); ++i) {
          const auto record = reader->next();
          ASSERT_TRUE(record && *record);
          EXPECT_EQ((*record)->offset, i == 0 ? 24U : (*record)->offset);
          const auto expected = frame_of(60 + static_cast<std::size_t>(i) % 40, static_cast<std::uint32_t>(i));
          EXPECT_TRUE(std::ranges::equal((*record)->bytes, expected));
        }
        if (stop_after > 20) {
          EXPECT_FALSE(*reader->next());
        }
        ASSERT_TRUE(reader->rewind());
      }
    }
  }
}

// What is all in one block is not read again: the file may be gone.
TEST_F(Sources, ASmallFileIsReadOnce) {
  const std::string path = file("small", sample());
  auto reader = Reader::open(path);
  ASSERT_TRUE(reader);
  while (*reader->next()) {}
  std::filesystem::resize_file(path, 0);
  ASSERT_TRUE(reader->rewind());
  int records = 0;
  while (*reader->next()) ++records;
  EXPECT_EQ(records, 20);
}

TEST_F(Sources, APipeIsReadOnce) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const auto bytes = sample(200);
  ASSERT_EQ(::write(ends[1], bytes.data(), bytes.size()), std::ssize(bytes));  // a pipe holds it
  ::close(ends[1]);
  auto reader = Reader::open("/proc/self/fd/" + std::to_string(ends[0]), {.read_bytes = 1000});
  ::close(ends[0]);
  ASSERT_TRUE(reader) << reader.error().message();
  while (*reader->next()) {}
  EXPECT_EQ(reader->records(), 200U);
  const auto again = reader->rewind();
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message(), HasSubstr("a second time"));
}

TEST_F(Sources, WhatCannotBeOpened) {
  const auto missing = Reader::open(path("missing"));
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message(), HasSubstr("missing: No such file"));
  EXPECT_EQ(missing.error().fault, Fault::kUsage);
  const auto folder = Reader::open(path("."));
  ASSERT_FALSE(folder);
  EXPECT_THAT(folder.error().message(), HasSubstr("Is a directory"));
  const auto empty = Reader::open("/dev/null");
  ASSERT_FALSE(empty);
  EXPECT_THAT(empty.error().message(), HasSubstr("/dev/null is empty"));
}

// A source that fails after some bytes.
class Failing final : public ByteSource {
 public:
  explicit Failing(std::vector<std::uint8_t> bytes) : bytes_(std::move(bytes)), memory_(bytes_) {}
  Result<std::size_t> read(MutableBytes into) override {
    auto got = memory_.read(into);
    if (*got == 0) return fail(Fault::kRun, "cannot read the disk", {}, EIO);
    return got;
  }
  Result<void> rewind() override { return memory_.rewind(); }

 private:
  std::vector<std::uint8_t> bytes_;
  MemorySource memory_;
};

TEST_F(Sources, ADiskThatFailsIsNotTheEnd) {
  for (const std::size_t keep : {std::size_t{24}, std::size_t{30}, std::size_t{24 + 76}, std::size_t{24 + 100}}) {
    auto bytes = sample();
    bytes.resize(keep);
    auto reader = Reader::from(std::make_unique<Failing>(bytes), "it");
    ASSERT_TRUE(reader);
    auto record = reader->next();
    while (record && *record) record = reader->next();
    ASSERT_FALSE(record) << keep;
    EXPECT_THAT(record.error().message(), HasSubstr("cannot read the disk: Input/output error"));
    EXPECT_EQ(reader->damage()->kind, Damage::Kind::kUnreadable);
  }
  for (const std::size_t keep : {std::size_t{0}, std::size_t{3}, std::size_t{10}}) {
    auto bytes = sample();
    bytes.resize(keep);
    const auto reader = Reader::from(std::make_unique<Failing>(bytes), "it");
    ASSERT_FALSE(reader);
    EXPECT_THAT(reader.error().message(), HasSubstr("Input/output error"));
  }
}

}  // namespace
}  // namespace myriad::capture
