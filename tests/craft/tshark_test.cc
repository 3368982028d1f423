// A second opinion: frames of every protocol, written to a capture file, read by tshark. Skipped where it is not there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

#include "tests/craft/pieces.h"

namespace myriad::craft {
namespace {

using K = LayerKind;
using ::testing::HasSubstr;
using ::testing::Not;

std::string said_by(const std::string& command) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command.c_str(), "r"), &pclose);
  std::string text;
  std::array<char, 4096> some{};
  for (std::size_t count = 0; pipe && (count = std::fread(some.data(), 1, some.size(), pipe.get())) > 0;) {
    text.append(some.data(), count);
  }
  return text;
}

// Classic pcap in the byte order of this machine.
void write_capture(const std::filesystem::path& path, const std::vector<Frame>& frames) {
  std::ofstream out(path, std::ios::binary);
  const auto put = [&](std::initializer_list<std::uint32_t> words) {
    for (const std::uint32_t word : words) out.write(reinterpret_cast<const char*>(&word), sizeof word);
  };
  put({0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1});  // version 2.4, Ethernet
  for (const Frame& frame : frames) {
    const auto length = static_cast<std::uint32_t>(frame.size());
    put({0, 0, length, length});
    out.write(reinterpret_cast<const char*>(frame.data()), static_cast<std::streamsize>(frame.size()));
  }
}

Frame vxlan() { return {8, 0, 0, 0, 0, 0, 42, 0}; }

// Some frames of each kind of packet.
std::vector<Frame> everything() {
  const auto port = [](FieldValue value) {
    return layer(K::kUdp, {{"src", RandomBetween{20000, 20999}}, {"dst", std::move(value)}});
  };
  const auto vlan = [] { return layer(K::kVlan, {{"id", Counting{100, 1, 50, false}}}); };
  const Layer arp = layer(K::kArp, {{"sender_mac", Constant{kNear}},
                                    {"sender_ip", Counting{0x0a000001, 1, 9, false}},
                                    {"target_ip", Constant{0x0a000002}}});
  const Packet packets[] = {
      {{ethernet(), arp}, {}},
      {{ethernet(), ipv4({{"dscp", Counting{0, 1, 64, false}}, {"flags", Constant{2}}}),
        port(RandomBetween{30000, 30999})},
       text("datagram")},
      {{ethernet(), vlan(), vlan(), ipv4({}, {0x94, 4, 0, 0}),
        layer(K::kTcp, {{"dst", Constant{30000}}, {"seq_num", RandomBetween{0, UINT32_MAX}}}, {2, 4, 5, 0xb4, 4, 2})},
       {}},
      {{ethernet(), ipv4(), layer(K::kIcmp, {{"sequence_number", Counting{0, 1, {}, false}}})},
       of_kind(PayloadKind::kSequence)},
      {{ethernet(), ipv6({{"flow_label", RandomBetween{0, 0xfffff}}}), layer(K::kIcmp6, {{"identifier", Constant{7}}})},
       text("ping")},
      {{ethernet(), ipv6(), layer(K::kHopByHop, {}, {5, 2, 0, 0}), layer(K::kDestination), layer(K::kFragment),
        port(Constant{30000})},
       text("x")},
      {{ethernet(), ipv6(), layer(K::kTcp, {{"dst", Constant{30000}}, {"flags", Constant{0x12}}})}, {}},
      {{ethernet(), ipv4(), ipv4({{"identification", Counting{0, 1, {}, false}}}), port(Constant{30000})},
       text("inside")},
      {{ethernet(), ipv4(), ipv6(), port(Constant{30000})}, text("inside")},
      {{ethernet(), ipv6(), ipv4(), layer(K::kIcmp)}, text("inside")},
      {{ethernet(), ipv4(), layer(K::kUdp, {{"dst", Constant{4789}}}), layer(K::kRaw, {}, vxlan()), ethernet(),
        ipv4({{"ttl", RandomBetween{1, 255}}}), port(Constant{30000})},
       text("inside")},
  };
  std::vector<Frame> frames;
  for (const Packet& packet : packets) {
    for (Frame& frame : make(program_of(packet), 5).frames) frames.push_back(std::move(frame));
  }
  const Packet sized_packet{{ethernet(), ipv4(), port(Constant{30000})}, of_kind(PayloadKind::kRandom)};
  for (Frame& frame : make(program_of(sized_packet, sized(RandomBetween{64, 1518})), 20).frames)
    frames.push_back(std::move(frame));
  return frames;
}

TEST(Tshark, HasNoRemark) {
  if (std::system("command -v tshark >/dev/null 2>&1") != 0) GTEST_SKIP() << "tshark is not installed";
  const auto path = std::filesystem::temp_directory_path() / ("myriad_craft_" + std::to_string(getpid()) + ".pcap");
  const std::vector<Frame> frames = everything();
  write_capture(path, frames);
  const std::string checks = "-o ip.check_checksum:TRUE -o udp.check_checksum:TRUE -o tcp.check_checksum:TRUE ";
  const std::string fields =
      "-T fields -e _ws.malformed -e _ws.expert.message -e ip.checksum.status -e udp.checksum.status "
      "-e tcp.checksum.status -e icmp.checksum.status -e icmpv6.checksum.status -e frame.protocols ";
  const std::string said = said_by("tshark -n -r " + path.string() + " " + checks + fields + " 2>/dev/null");
  std::filesystem::remove(path);
  EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(said, '\n')), frames.size()) << said;
  EXPECT_THAT(said, Not(HasSubstr("alformed")));
  std::size_t verified = 0;
  std::string_view rest = said;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    std::size_t column = 0;
    for (std::size_t at = 0; at < line.size(); ++at) {
      if (line[at] == '\t') {
        ++column;
      } else if (column >= 2 && column <= 6) {
        // 1: good. Several in one column are those of a tunnel.
        EXPECT_TRUE(line[at] == '1' || line[at] == ',') << line;
        verified += line[at] == '1' ? 1 : 0;
      }
    }
    EXPECT_THAT(line, Not(HasSubstr("ad checksum"))) << "an expert's remark";
  }
  EXPECT_GT(verified, frames.size());
}

}  // namespace
}  // namespace myriad::craft
