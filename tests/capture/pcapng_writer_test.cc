// Captures that we write, read back by others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pcap/pcap.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "capture/pcapng_writer.h"
#include "capture/reader.h"

namespace myriad::capture {
namespace {

using ::testing::HasSubstr;

// A path of this test alone; the file goes at the end.
class TemporaryFile {
 public:
  explicit TemporaryFile(const char* suffix)
      : path_(std::filesystem::temp_directory_path() /
              ("myriad-capture-" + std::to_string(::getpid()) + "-" +
               ::testing::UnitTest::GetInstance()->current_test_info()->name() + suffix)) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  [[nodiscard]] std::string path() const { return path_.string(); }
  [[nodiscard]] std::string text() const {
    std::ifstream in(path_);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
  }

 private:
  std::filesystem::path path_;
};

// An ARP request and an odd-sized frame, so that padding is seen.
constexpr std::array<std::uint8_t, 42> kArp = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x4d, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0,  6, 4,   0,
    1,    0x02, 0x4d, 0,    0,    0,    1,    10,   0, 1, 1, 0, 0, 0, 0, 0, 0, 10, 0, 255, 1};
constexpr std::uint64_t kWhen = 1'700'000'000'123'456'789;
constexpr const char* kComment = "clients[17] → 10.0.255.1";

void write_sample(const std::string& path, int frames = 2) {
  auto writer = PcapngWriter::create(path, "myriad test");
  ASSERT_TRUE(writer);
  ASSERT_EQ(writer->add_interface({.name = "lan", .filter = "arp or ip"}), 0U);
  ASSERT_EQ(writer->add_interface({.name = "wan"}), 1U);
  for (int i = 0; i < frames; ++i) {
    const bool out = i % 2 == 0;
    FrameToWrite frame;
    frame.interface = out ? 0 : 1;
    frame.unix_ns = kWhen + static_cast<std::uint64_t>(i);
    frame.direction = out ? Direction::kOutbound : Direction::kInbound;
    frame.bytes = Bytes{kArp}.first(out ? 42 : 41);
    if (!out) frame.original_length = 1000;
    if (!out) frame.lost = 7;
    if (out) frame.comment = kComment;
    ASSERT_TRUE(writer->write(frame));
  }
  ASSERT_TRUE(writer->write_statistics(kWhen + 1000, {{10, 3, 6, 5}, {5, 0, 5, 5}}));
  ASSERT_TRUE(writer->close());
}

TEST(Pcapng, LibpcapReadsItBack) {
  const TemporaryFile file{".pcapng"};
  write_sample(file.path());  // libpcap wants one link type and snap length of all interfaces, which ours have
  char error[PCAP_ERRBUF_SIZE] = {};
  pcap_t* const pcap =
      ::pcap_open_offline_with_tstamp_precision(file.path().c_str(), PCAP_TSTAMP_PRECISION_NANO, error);
  ASSERT_NE(pcap, nullptr) << error;
  EXPECT_EQ(::pcap_datalink(pcap), DLT_EN10MB);
  pcap_pkthdr* header = nullptr;
  const u_char* data = nullptr;
  ASSERT_EQ(::pcap_next_ex(pcap, &header, &data), 1) << ::pcap_geterr(pcap);
  EXPECT_EQ(header->ts.tv_sec, 1'700'000'000);
  EXPECT_EQ(header->ts.tv_usec, 123'456'789);
  ASSERT_EQ(header->caplen, 42U);
  EXPECT_EQ(header->len, 42U);
  EXPECT_EQ(std::memcmp(data, kArp.data(), 42), 0);
  ASSERT_EQ(::pcap_next_ex(pcap, &header, &data), 1) << ::pcap_geterr(pcap);
  EXPECT_EQ(header->ts.tv_usec, 123'456'790);
  EXPECT_EQ(header->caplen, 41U);
  EXPECT_EQ(header->len, 1000U);
  EXPECT_EQ(::pcap_next_ex(pcap, &header, &data), PCAP_ERROR_BREAK) << ::pcap_geterr(pcap);
  ::pcap_close(pcap);
}

std::string output_of(const std::string& command) {
  std::FILE* const pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return {};
  std::string text;
  std::array<char, 4096> chunk{};
  while (const std::size_t got = std::fread(chunk.data(), 1, chunk.size(), pipe)) text.append(chunk.data(), got);
  ::pclose(pipe);
  return text;
}

TEST(Pcapng, WeReadItBack) {
  const TemporaryFile file{".pcapng"};
  write_sample(file.path());
  auto reader = Reader::open(file.path());
  ASSERT_TRUE(reader);
  const auto first = reader->next();
  ASSERT_TRUE(first && *first);
  EXPECT_TRUE(std::ranges::equal((*first)->bytes, kArp));
  EXPECT_EQ((*first)->unix_ns, static_cast<std::int64_t>(kWhen));
  EXPECT_EQ((*first)->direction, Direction::kOutbound);
  EXPECT_EQ(reader->interfaces()[(*first)->interface].name, "lan");
  const auto second = reader->next();
  ASSERT_TRUE(second && *second);
  EXPECT_EQ((*second)->bytes.size(), 41U);
  EXPECT_EQ((*second)->original_length, 1000U);
  EXPECT_EQ((*second)->direction, Direction::kInbound);
  EXPECT_EQ(reader->interfaces()[(*second)->interface].name, "wan");
  EXPECT_FALSE(*reader->next());
  EXPECT_EQ(reader->damage(), nullptr);
}

TEST(Pcapng, TsharkReadsItBack) {
  if (output_of("command -v tshark").empty()) GTEST_SKIP() << "tshark is not installed";
  const TemporaryFile file{".pcapng"};
  write_sample(file.path());
  const std::string fields =
      output_of("tshark -n -r '" + file.path() +
                "' -T fields -e frame.time_epoch -e frame.interface_name -e frame.cap_len -e frame.len "
                "-e frame.packet_flags_direction -e frame.comment -e arp.dst.proto_ipv4 2>&1");
  EXPECT_THAT(fields,
              HasSubstr("1700000000.123456789\tlan\t42\t42\t0x00000002\tclients[17] → 10.0.255.1\t10.0.255.1\n"));
  EXPECT_THAT(fields, HasSubstr("1700000000.123456790\twan\t41\t1000\t0x00000001\t\t"));
  const std::string about = output_of("capinfos '" + file.path() + "' 2>&1");
  EXPECT_THAT(about, HasSubstr("myriad test"));
  EXPECT_THAT(about, HasSubstr("nanosecond"));
  EXPECT_THAT(about, HasSubstr("arp or ip"));  // the filter
  // The statistics blocks: capinfos counts them, tshark shows the drops.
  EXPECT_THAT(about, HasSubstr("Number of stat entries = 1"));
}

TEST(Pcapng, EveryBlockStatesItsLengthAtBothEnds) {
  const TemporaryFile file{".pcapng"};
  write_sample(file.path(), 101);
  const std::string bytes = file.text();
  ASSERT_EQ(bytes.size() % 4, 0U);
  std::map<std::uint32_t, int> blocks;
  std::size_t at = 0;
  const auto word = [&](std::size_t where) {
    std::uint32_t value = 0;
    std::memcpy(&value, bytes.data() + where, sizeof value);
    return value;
  };
  while (at < bytes.size()) {
    ASSERT_LE(at + 12, bytes.size());
    const std::uint32_t length = word(at + 4);
    ASSERT_EQ(length % 4, 0U);
    ASSERT_GE(length, 12U);
    ASSERT_LE(at + length, bytes.size());
    ASSERT_EQ(word(at + length - 4), length);
    ++blocks[word(at)];
    at += length;
  }
  EXPECT_EQ(blocks, (std::map<std::uint32_t, int>{{0x0a0d0d0a, 1}, {1, 2}, {6, 101}, {5, 2}}));
}

TEST(Pcapng, AVeryLongCommentIsCut) {
  const TemporaryFile file{".pcapng"};
  auto writer = PcapngWriter::create(file.path(), std::string(1'000'000, 'a'));
  ASSERT_TRUE(writer);
  writer->add_interface({.name = std::string(100'000, 'b')});
  const std::string comment(1'000'000, 'c');
  EXPECT_TRUE(writer->write({.unix_ns = kWhen, .bytes = {}, .comment = comment}));
  ASSERT_TRUE(writer->close());
  EXPECT_LT(std::filesystem::file_size(file.path()), 20'000U);
}

TEST(Pcapng, APathThatCannotBeWrittenIsAnError) {
  const auto writer = PcapngWriter::create("/nowhere/at/all.pcapng", "x");
  ASSERT_FALSE(writer);
  EXPECT_THAT(writer.error().message(), HasSubstr("No such file"));
}

TEST(Pcapng, AFullDiskIsSaidAtTheEnd) {
  auto writer = PcapngWriter::create("/dev/full", "x");
  ASSERT_TRUE(writer);
  writer->add_interface({.name = "lan"});
  bool refused = false;
  for (int i = 0; i < 30'000 && !refused; ++i)
    refused = !writer->write({.unix_ns = kWhen, .bytes = kArp, .comment = kComment});
  EXPECT_TRUE(refused);
  const auto closed = writer->close();
  ASSERT_FALSE(closed);
  EXPECT_THAT(closed.error().message(), HasSubstr("No space left"));
}

}  // namespace
}  // namespace myriad::capture
