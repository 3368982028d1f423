// Captures from anybody on hosts of any shape: nothing is read or written that is not a frame's, what is not mapped
// stays as it was, an IPv4 header's checksum is as good as before, and no frame depends on those made before it.
//
// Three bytes are the map and the port, then records: link type, what else is known of it, length, bytes.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "base/checksum.h"
#include "craft/rewrite.h"

namespace {

using namespace myriad;

constexpr std::size_t kHeadBytes = 3;
constexpr std::size_t kRecordHeadBytes = 4;
constexpr std::size_t kEthernetBytes = 14;

void require(bool holds) {
  if (!holds) std::abort();
}

craft::HostRange hosts(std::uint8_t shape, std::uint8_t count, std::uint64_t first) {
  craft::HostRange range;
  range.count = 1U + count;
  range.mac = MacAddress::from_number(first);
  if ((shape & 1) != 0) range.ipv4 = Ipv4Address{0x0a000001U + (std::uint32_t{count} << 16)};
  if ((shape & 2) != 0) range.ipv6 = Ipv6Address::parse("fd00::ffff:fffe");
  if ((shape & 4) == 0) return range;
  range.vlan.outer = 4000;
  if ((shape & 8) != 0) range.vlan.inner = 7;
  if ((shape & 16) != 0) range.hosts_per_vlan = 3;
  return range;
}

// 0x20 and 0x40 of the first byte: who is mapped; 0x80: whether only roles are asked for.
craft::RewriterOptions options(Bytes head) {
  craft::RewriterOptions options;
  if ((head[0] & 0x20) != 0) options.askers = hosts(head[0], head[1], 0x024d00000001);
  if ((head[0] & 0x40) != 0)
    options.answerers = hosts(static_cast<std::uint8_t>(head[0] ^ head[2]), head[2], 0x024efffffff0);
  options.tell_roles = (head[0] & 0x80) != 0;
  options.mtu = (head[2] & 1) != 0 ? 1500 : 576;
  options.most_frame_bytes = (head[2] & 2) != 0 ? 2048 : 600;
  options.seed = head[1];
  return options;
}

// A record whose bytes end where its memory does.
struct Captured {
  std::unique_ptr<std::uint8_t[]> memory;
  capture::Record record;
};

std::vector<Captured> records(Bytes input) {
  static constexpr capture::LinkType kLinks[] = {
      capture::kLinkEthernet, capture::kLinkRaw,        capture::kLinkNull,     capture::kLinkSll,
      capture::kLinkSll2,     capture::kLinkRawOpenBsd, capture::kLinkLoop,     capture::kLinkIpv4,
      capture::kLinkIpv6,     capture::kLinkRawOld,     capture::LinkType{127},
  };
  std::vector<Captured> captured;
  while (input.size() >= kRecordHeadBytes) {
    const std::uint8_t link = input[0], more = input[1];
    const std::size_t length = std::min<std::size_t>(load_be16(input.data() + 2), input.size() - kRecordHeadBytes);
    const Bytes bytes = input.subspan(kRecordHeadBytes, length);
    Captured& made = captured.emplace_back();
    made.memory = std::make_unique<std::uint8_t[]>(length);
    std::copy(bytes.begin(), bytes.end(), made.memory.get());
    made.record.bytes = {made.memory.get(), length};
    made.record.link = kLinks[link % std::size(kLinks)];
    made.record.fcs_bytes = more % 7 == 1 ? 4 : 0;
    made.record.original_length = static_cast<std::uint32_t>(length + (more % 7 == 2 ? 1 : 0));
    input = input.subspan(kRecordHeadBytes + length);
  }
  return captured;
}

// Room for one frame, and not a byte more.
class Room {
 public:
  explicit Room(std::size_t most)
      : most_(most), memory_(std::make_unique_for_overwrite<std::uint8_t[]>(most + craft::Rewriter::kSlackBytes)) {}

  // Valid until the next one is made.
  Bytes make(craft::Rewriter& rewriter, const capture::Record& record) {
    const auto made = rewriter.make(record, memory_.get());
    require(made.length <= most_ && made.skip < craft::Skip::kCount);
    return {memory_.get(), made.length};
  }

 private:
  std::size_t most_;
  std::unique_ptr<std::uint8_t[]> memory_;
};

// Of Ethernet, without tags: whether the header's checksum is right; a frame without such a header has none.
enum class Sum { kNone, kRight, kWrong };
Sum ipv4_sum(Bytes frame) {
  if (frame.size() < kEthernetBytes + 20) return Sum::kNone;
  const Bytes packet = frame.subspan(kEthernetBytes);
  const std::size_t header = std::size_t{packet[0] & 15U} * 4;
  if (load_be16(frame.data() + 12) != 0x0800 || packet[0] >> 4 != 4 || header < 20 || packet.size() < header)
    return Sum::kNone;
  return checksum_fold(checksum_add(0, packet.first(header))) == 0xffff ? Sum::kRight : Sum::kWrong;
}

void check(const craft::RewriterOptions& options, const capture::Record& record, Bytes frame) {
  if (frame.empty() || record.link != capture::kLinkEthernet) return;
  const Bytes whole = record.bytes.first(record.bytes.size() - record.fcs_bytes);
  if (!options.askers && !options.answerers) {
    require(std::ranges::equal(frame, whole));
    return;
  }
  const std::uint16_t type = load_be16(whole.data() + 12);
  const bool tagged = type == 0x8100 || type == 0x88a8 || type == 0x9100;
  const bool gets_tags =
      (options.askers && options.askers->vlan.outer != 0) || (options.answerers && options.answerers->vlan.outer != 0);
  if (tagged || gets_tags) return;  // it may be longer or shorter
  require(frame.size() == whole.size());
  require(ipv4_sum(frame) == ipv4_sum(whole));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < kHeadBytes) return 0;
  const craft::RewriterOptions how = options({data, kHeadBytes});
  const std::vector<Captured> captured = records({data + kHeadBytes, size - kHeadBytes});
  craft::Rewriter rewriter{how};
  if (rewriter.must_meet()) {
    for (const Captured& one : captured) rewriter.meet(one.record);
  }
  Room room{how.most_frame_bytes};
  std::vector<std::vector<std::uint8_t>> frames;
  for (const Captured& one : captured) {
    const Bytes frame = room.make(rewriter, one.record);
    check(how, one.record, frame);
    frames.emplace_back(frame.begin(), frame.end());
  }
  for (std::size_t i = captured.size(); i-- > 0;)
    require(std::ranges::equal(room.make(rewriter, captured[i].record), frames[i]));
  return 0;
}
