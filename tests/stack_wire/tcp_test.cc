#include "stack/wire/tcp.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "stack/wire/checksum.h"
#include "tests/stack_wire/bytes_of.h"

namespace myriad::wire {
namespace {

using stack::Drop;

IpAddress ip(const char* text) { return *IpAddress::parse(text); }

// A SYN as Linux sends it: MSS 1460, SACK-permitted, timestamps, window scale 7.
const std::vector<std::uint8_t> kSynSegment = bytes_of(
    "c350 0050 12345678 00000000 a002 faf0 0000 0000"
    "020405b4 0402080a 00010203 00000000 01030307");

TEST(Tcp, ReadsTheOptionsOfASyn) {
  const auto view = TcpView::parse(kSynSegment);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->source_port().number, 50000);
  EXPECT_EQ(view->dest_port().number, 80);
  EXPECT_EQ(view->seq(), SeqNum{0x12345678});
  EXPECT_EQ(view->flags(), kTcpSyn);
  EXPECT_EQ(view->window(), 64240);
  EXPECT_EQ(view->options().mss, 1460);
  EXPECT_EQ(view->options().window_scale, 7);
  EXPECT_TRUE(view->options().sack_permitted);
  EXPECT_TRUE(view->options().has_timestamps);
  EXPECT_EQ(view->options().ts_value, 0x00010203U);
  EXPECT_TRUE(view->payload().empty());
  EXPECT_EQ(view->sequence_length(), 1U);
}

TEST(Tcp, EmitsTheSynThatLinuxWouldSend) {
  TcpRepr repr{.source = {50000},
               .dest = {80},
               .seq = SeqNum{0x12345678},
               .ack = {},
               .flags = kTcpSyn,
               .window = 64240,
               .options = {}};
  repr.options.mss = 1460;
  repr.options.window_scale = 7;
  repr.options.sack_permitted = true;
  repr.options.has_timestamps = true;
  repr.options.ts_value = 0x00010203;
  ASSERT_EQ(repr.header_size(), 40U);
  std::vector<std::uint8_t> out(40, 0xee);
  repr.emit(out);
  EXPECT_EQ(out, kSynSegment);
}

TEST(Tcp, ReadsTimestampsInTheUsualPlaceAndElsewhere) {
  const auto usual = bytes_of("0001 0002 00000001 00000002 8010 0010 0000 0000 0101080a 00000007 00000008 6869");
  const auto other = bytes_of("0001 0002 00000001 00000002 8010 0010 0000 0000 080a00000007000000080101 6869");
  for (const auto& segment : {usual, other}) {
    const auto view = TcpView::parse(segment);
    ASSERT_TRUE(view);
    EXPECT_TRUE(view->options().has_timestamps);
    EXPECT_EQ(view->options().ts_value, 7U);
    EXPECT_EQ(view->options().ts_echo, 8U);
    EXPECT_EQ(view->payload().size(), 2U);
    EXPECT_EQ(view->payload()[1], 'i');
  }
}

TEST(Tcp, ReadsSackBlocks) {
  const auto segment = bytes_of(
      "0001 0002 00000001 00000002 b010 0010 0000 0000 0101 0512 00000010 00000020 00000030 00000040 00000000");
  const auto view = TcpView::parse(segment);
  ASSERT_TRUE(view);
  ASSERT_EQ(view->options().sack_blocks().size(), 2U);
  EXPECT_EQ(view->options().sack[1], (TcpOptions::SackBlock{SeqNum{0x30}, SeqNum{0x40}}));
}

TEST(Tcp, EmitsOnlyAsManySackBlocksAsFit) {
  TcpRepr repr;
  repr.options.sack_count = 4;
  EXPECT_EQ(repr.sack_blocks_emitted(), 4U);
  EXPECT_EQ(repr.header_size(), 56U);
  repr.options.has_timestamps = true;
  EXPECT_EQ(repr.sack_blocks_emitted(), 3U);
  EXPECT_EQ(repr.header_size(), 60U);
  repr.options.mss = 1460;
  repr.options.window_scale = 1;
  EXPECT_EQ(repr.sack_blocks_emitted(), 2U);
  EXPECT_EQ(repr.header_size(), 60U);
}

TEST(Tcp, SkipsUnknownOptionsByTheirLength) {
  // Kind 34 (fast open cookie), then MSS.
  const auto segment = bytes_of("0001 0002 00000001 00000000 8002 0010 0000 0000 2206aabbccdd 020405b4 0101");
  const auto view = TcpView::parse(segment);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->options().mss, 1460);
}

TEST(Tcp, EndOfListEndsTheList) {
  const auto segment = bytes_of("0001 0002 00000001 00000000 6002 0010 0000 0000 00 ffffff");
  EXPECT_TRUE(TcpView::parse(segment));
}

TEST(Tcp, ReadsAWindowScaleAboveFourteenAsFourteen) {
  const auto segment = bytes_of("0001 0002 00000001 00000000 6002 0010 0000 0000 0103 03ff");
  EXPECT_EQ(TcpView::parse(segment)->options().window_scale, 14);
}

TEST(Tcp, RefusesLengthsThatLie) {
  const auto with_options = [](const char* four_bytes) {
    return bytes_of(std::string("0001 0002 00000001 00000000 6002 0010 0000 0000 ") + four_bytes);
  };
  for (const char* options : {"02000101", "02010101", "02030101", "02050101", "03020101", "04030101", "08020101",
                              "05020101", "05040101", "010101ff", "22ff0101", "01010102"}) {
    EXPECT_EQ(TcpView::parse(with_options(options)).error(), Drop::kBadHeaderLength) << options;
  }
  auto segment = bytes_of("0001 0002 00000001 00000000 4002 0010 0000 0000");
  EXPECT_EQ(TcpView::parse(segment).error(), Drop::kBadHeaderLength);
  segment[12] = 0x60;
  EXPECT_EQ(TcpView::parse(segment).error(), Drop::kTruncated);
  segment[12] = 0x50;
  EXPECT_TRUE(TcpView::parse(segment));
  segment.pop_back();
  EXPECT_EQ(TcpView::parse(segment).error(), Drop::kTruncated);
}

TEST(TransportChecksum, KnowsGoodPendingAndBad) {
  for (const auto& [from, to] : {std::pair{ip("10.0.0.1"), ip("10.0.0.2")}, std::pair{ip("fd00::1"), ip("fd00::2")}}) {
    auto segment = kSynSegment;
    segment.push_back('x');  // odd length
    const std::uint64_t pseudo = pseudo_header_sum(from, to, kProtocolTcp, segment.size());
    finish_transport_checksum(pseudo, kProtocolTcp, segment);
    EXPECT_EQ(transport_checksum(from, to, kProtocolTcp, segment, false), ChecksumState::kGood);
    segment[30] ^= 1;
    EXPECT_EQ(transport_checksum(from, to, kProtocolTcp, segment, true), ChecksumState::kBad);
    segment[30] ^= 1;
    const std::uint16_t pending = checksum_fold(pseudo);
    std::memcpy(segment.data() + 16, &pending, 2);
    EXPECT_EQ(transport_checksum(from, to, kProtocolTcp, segment, true), ChecksumState::kPending);
    EXPECT_EQ(transport_checksum(from, to, kProtocolTcp, segment, false), ChecksumState::kBad);
  }
}

// From 192.168.1.2 to 192.168.1.1, summed by hand word by word (RFC 1071).
TEST(TransportChecksum, AgreesWithTheSumDoneByHand) {
  const auto segment = bytes_of("0400 0050 00000000 00000000 5002 2000 0000 0000");
  // 0400+0050+5002+2000 + c0a8+0102+c0a8+0101 + 0006+0014 = 1f7bf -> f7c0; complement 083f
  auto with_checksum = segment;
  with_checksum[16] = 0x08;
  with_checksum[17] = 0x3f;
  EXPECT_EQ(transport_checksum(ip("192.168.1.2"), ip("192.168.1.1"), kProtocolTcp, with_checksum, false),
            ChecksumState::kGood);
}

// Word by word and in the order of the wire, as RFC 1071 has it, over pseudo-header and segment.
std::uint16_t slow_checksum(const IpAddress& from, const IpAddress& to, Bytes segment) {
  std::vector<std::uint8_t> all;
  for (const IpAddress* address : {&from, &to}) {
    const std::size_t unused = address->is_v4() ? 12 : 0;
    all.insert(all.end(), address->octets().begin() + static_cast<std::ptrdiff_t>(unused), address->octets().end());
  }
  all.insert(all.end(), {0, kProtocolTcp, static_cast<std::uint8_t>(segment.size() >> 8),
                         static_cast<std::uint8_t>(segment.size())});
  all.insert(all.end(), segment.begin(), segment.end());
  all.resize((all.size() + 1) / 2 * 2);
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < all.size(); i += 2) sum += load_be16(all.data() + i);
  while ((sum >> 16) != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

// Short and long segments are summed in different ways; what is sent and what is checked, too.
TEST(TransportChecksum, AgreesWithTheWordByWordSumAtEveryLength) {
  for (const auto& [from, to] : {std::pair{ip("10.0.0.1"), ip("10.0.0.2")}, std::pair{ip("fd00::1"), ip("fd00::2")}}) {
    for (const std::uint32_t seed : {0U, 1U}) {  // all ones, so that every addition carries; then anything
      std::vector<std::uint8_t> bytes(700, 0xff);
      for (std::uint32_t i = 0; seed != 0 && i < bytes.size(); ++i) {
        bytes[i] = static_cast<std::uint8_t>((i + seed) * 2654435761U >> 24);
      }
      for (std::size_t length = kTcpHeaderBytes; length <= bytes.size(); ++length) {
        std::vector<std::uint8_t> segment(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
        store_be16(segment.data() + 16, 0);
        const std::uint16_t expected = slow_checksum(from, to, segment);
        finish_transport_checksum(pseudo_header_sum(from, to, kProtocolTcp, length), kProtocolTcp, segment);
        ASSERT_EQ(load_be16(segment.data() + 16), expected) << length;
        ASSERT_EQ(transport_checksum(from, to, kProtocolTcp, segment, false), ChecksumState::kGood) << length;
        segment[length - 1] ^= 0x10;
        ASSERT_EQ(transport_checksum(from, to, kProtocolTcp, segment, false), ChecksumState::kBad) << length;
      }
    }
  }
}

TEST(TransportChecksum, UdpMayDoWithoutItOverIpv4Only) {
  const auto datagram = bytes_of("0001 0002 000a 0000 6869");
  EXPECT_EQ(transport_checksum(ip("10.0.0.1"), ip("10.0.0.2"), kProtocolUdp, datagram, false), ChecksumState::kGood);
  EXPECT_EQ(transport_checksum(ip("fd00::1"), ip("fd00::2"), kProtocolUdp, datagram, false), ChecksumState::kBad);
}

}  // namespace
}  // namespace myriad::wire
