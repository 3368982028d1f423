// --capture: what the capturing thread makes of the taps, read back by our own reader; the filter; the taps themselves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "capture/reader.h"
#include "cli/capture.h"

namespace myriad::cli {
namespace {

using ::testing::HasSubstr;

stack::HostTable three_hosts() {
  stack::HostGroup group;
  group.name = "clients";
  group.count = 3;
  group.first_mac = *MacAddress::parse("02:4d:00:00:00:01");
  group.ipv4 = *Ipv4Prefix::parse("10.0.1.1/16");
  return stack::HostTable{{group}};
}

std::vector<std::uint8_t> arp_request(const char* from_mac, const char* from_ip, const char* to_ip) {
  std::vector<std::uint8_t> frame(42);
  MacAddress::broadcast().store(frame.data());
  MacAddress::parse(from_mac)->store(frame.data() + 6);
  store_be16(frame.data() + 12, 0x0806);
  store_be64(frame.data() + 14, 0x0001080006040001);
  MacAddress::parse(from_mac)->store(frame.data() + 22);
  Ipv4Address::parse(from_ip)->store(frame.data() + 28);
  Ipv4Address::parse(to_ip)->store(frame.data() + 38);
  return frame;
}

TEST(Capture, CommentsNameOurHosts) {
  const stack::HostTable hosts = three_hosts();
  EXPECT_EQ(frame_comment(hosts, arp_request("02:4d:00:00:00:02", "10.0.1.2", "10.0.255.1")),
            "clients[1] → 10.0.255.1");
  EXPECT_EQ(frame_comment(hosts, arp_request("52:54:00:00:00:02", "10.0.255.1", "10.0.1.3")),
            "10.0.255.1 → clients[2]");
  EXPECT_EQ(frame_comment(hosts, arp_request("02:4d:00:00:00:02", "10.0.1.2", "10.0.1.1")), "clients[1] → clients[0]");
  std::vector<std::uint8_t> unknown(60);
  MacAddress::parse("02:4d:00:00:00:03")->store(unknown.data());
  MacAddress::parse("52:54:00:00:00:02")->store(unknown.data() + 6);
  store_be16(unknown.data() + 12, 0x88cc);
  EXPECT_EQ(frame_comment(hosts, unknown), "52:54:00:00:00:02 → clients[2]");
  EXPECT_EQ(frame_comment(hosts, Bytes{unknown}.first(13)), "");
}

using Options = std::map<unsigned, std::uint64_t>;

// The options of 8 bytes of every block of a type: statistics blocks (5), whose options begin at byte 20, or packets
// (6).
std::vector<Options> options_of(const std::string& file, std::uint32_t type) {
  const auto* const at = reinterpret_cast<const std::uint8_t*>(file.data());
  const auto u32 = [at](std::size_t where) { return load32(ByteOrder::kLittle, at + where); };
  const auto u16 = [at](std::size_t where) { return load16(ByteOrder::kLittle, at + where); };
  std::vector<Options> all;
  for (std::size_t block = 0; block + 12 <= file.size() && block + u32(block + 4) <= file.size();
       block += u32(block + 4)) {
    if (u32(block) != type) continue;
    Options& options = all.emplace_back();
    std::size_t option = block + (type == 5 ? 20 : 28 + (u32(block + 20) + 3) / 4 * 4);
    for (; u16(option) != 0; option += 4 + (u16(option + 2) + 3U) / 4 * 4) {
      if (u16(option + 2) == 8) options[u16(option)] = load64(ByteOrder::kLittle, at + option + 4);
    }
  }
  return all;
}

class CaptureFile : public ::testing::Test {
 protected:
  ~CaptureFile() override { std::filesystem::remove(path_); }
  [[nodiscard]] std::string bytes() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  [[nodiscard]] std::uint64_t records() const {
    auto reader = capture::Reader::open(path_);
    EXPECT_TRUE(reader);
    capture::Record record;
    while (reader->read(record) == capture::Step::kRecord) {}
    EXPECT_EQ(reader->damage(), nullptr);
    return reader->records();
  }

  const stack::HostTable hosts_ = three_hosts();
  const std::vector<std::uint8_t> ours_ = arp_request("02:4d:00:00:00:02", "10.0.1.2", "10.0.1.1");
  const std::vector<std::uint8_t> theirs_ = arp_request("52:54:00:00:00:02", "10.0.255.1", "10.0.1.3");
  const std::string path_ = std::filesystem::temp_directory_path() /
                            ("myriad-capture-" + std::to_string(::getpid()) + "-" +
                             ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".pcapng");
};

constexpr std::uint32_t kStatisticsBlock = 5, kPacketBlock = 6;
constexpr unsigned kReceived = 4, kDropped = 5, kAccepted = 6, kWritten = 8;  // options of the first
constexpr unsigned kDropCount = 4;                                            // of the second

TEST_F(CaptureFile, HasEveryFrameOnce) {
  {
    auto capture = Capture::create(path_, std::nullopt);
    ASSERT_TRUE(capture);
    const auto taps = (*capture)->add_port("lan", hosts_, 2);
    ASSERT_EQ(taps.size(), 2U);
    (*capture)->start();
    for (int i = 0; i < 100; ++i) {
      taps[0]->record(ours_, Instant{1000 + i}, engine::TapDirection::kOut);
      taps[1]->record(ours_, Instant{1000 + i}, engine::TapDirection::kIn);  // the same frame, heard inside
      taps[1]->record(theirs_, Instant{1000 + i}, engine::TapDirection::kIn);
    }
    ASSERT_TRUE((*capture)->finish());
    EXPECT_EQ((*capture)->frames(), 200U);
    EXPECT_EQ((*capture)->dropped(), 0U);
  }
  EXPECT_EQ(records(), 200U);
  EXPECT_THAT(bytes(), HasSubstr("clients[1] → clients[0]"));
  EXPECT_THAT(bytes(), HasSubstr("10.0.255.1 → clients[2]"));
  EXPECT_EQ(options_of(bytes(), kStatisticsBlock).back(),
            (Options{{kReceived, 200}, {kDropped, 0}, {kAccepted, 200}, {kWritten, 200}}));
}

TEST_F(CaptureFile, HasWhatTheFilterTakes) {
  auto filter = CaptureFilter::compile("arp and ether src 52:54:00:00:00:02");
  ASSERT_TRUE(filter);
  auto capture = Capture::create(path_, std::move(*filter));
  ASSERT_TRUE(capture);
  const auto taps = (*capture)->add_port("lan", hosts_, 1);
  for (int i = 0; i < 10; ++i) {
    taps[0]->record(ours_, Instant{1000 + i}, engine::TapDirection::kOut);
    if (i < 3) taps[0]->record(theirs_, Instant{1000 + i}, engine::TapDirection::kIn);
  }
  (*capture)->start();
  ASSERT_TRUE((*capture)->finish());
  EXPECT_EQ(records(), 3U);
  EXPECT_EQ(options_of(bytes(), kStatisticsBlock).back(),
            (Options{{kReceived, 13}, {kDropped, 0}, {kAccepted, 3}, {kWritten, 3}}));
  EXPECT_THAT(bytes(), HasSubstr("arp and ether src 52:54:00:00:00:02"));
}

// A tap that is full loses frames; the file says how many, and before which frame.
TEST_F(CaptureFile, SaysWhatIsMissingAndWhere) {
  auto capture = Capture::create(path_, std::nullopt);
  ASSERT_TRUE(capture);
  const auto taps = (*capture)->add_port("lan", hosts_, 1);
  std::uint64_t kept = 0;
  while (taps[0]->dropped() < 5) {
    kept += taps[0]->dropped() == 0 ? 1 : 0;
    taps[0]->record(ours_, Instant{1}, engine::TapDirection::kOut);
  }
  --kept;  // the first that found no room
  (*capture)->start();
  std::uint64_t lost = 0;
  do {  // each that comes before the thread has made room is missing too
    lost = taps[0]->dropped();
    taps[0]->record(theirs_, Instant{2}, engine::TapDirection::kIn);
  } while (taps[0]->dropped() != lost);
  ASSERT_TRUE((*capture)->finish());
  EXPECT_EQ((*capture)->dropped(), lost);
  EXPECT_EQ(records(), kept + 1);
  const std::string file = bytes();
  EXPECT_EQ(options_of(file, kStatisticsBlock).back(),
            (Options{{kReceived, kept + 1 + lost}, {kDropped, lost}, {kAccepted, kept + 1}, {kWritten, kept + 1}}));
  const auto packets = options_of(file, kPacketBlock);
  ASSERT_EQ(packets.size(), kept + 1);
  EXPECT_EQ(packets.back(), (Options{{kDropCount, lost}}));
  EXPECT_EQ(packets[kept - 1], Options{});
}

// What a capture that was interrupted leaves: it was started, and its thread has been round once.
TEST_F(CaptureFile, IsThereWhileTheRunGoesOn) {
  auto capture = Capture::create(path_, std::nullopt);
  ASSERT_TRUE(capture);
  const auto taps = (*capture)->add_port("lan", hosts_, 1);
  taps[0]->record(ours_, Instant{1}, engine::TapDirection::kOut);
  (*capture)->start();
  std::string seen;
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds{30};
  while (options_of(seen, kStatisticsBlock).empty() && std::chrono::steady_clock::now() < patience) seen = bytes();
  EXPECT_EQ(options_of(seen, kStatisticsBlock).at(0).at(kWritten), 1U);
  EXPECT_EQ(options_of(seen, kPacketBlock).size(), 1U);
  EXPECT_EQ(records(), 1U);
  ASSERT_TRUE((*capture)->finish());
}

TEST(CaptureFilters, TakeWhatTheySay) {
  const auto frame = arp_request("02:4d:00:00:00:02", "10.0.1.2", "10.0.1.1");
  const auto takes = [&frame](const char* expression) { return CaptureFilter::compile(expression)->takes(frame); };
  EXPECT_TRUE(takes(""));
  EXPECT_TRUE(takes("arp"));
  EXPECT_TRUE(takes("arp net 10.0.0.0/16 and not host 10.0.1.3"));
  EXPECT_TRUE(takes("ether broadcast and less 42"));
  EXPECT_FALSE(takes("ip"));
  EXPECT_FALSE(takes("greater 43"));
  const auto wrong = CaptureFilter::compile("arp or");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().fault, Fault::kUsage);
  EXPECT_THAT(wrong.error().message(), HasSubstr("--capture-filter 'arp or': "));
}

}  // namespace
}  // namespace myriad::cli
