#include "capture/pcap_format.h"

#include <algorithm>
#include <utility>

namespace myriad::capture {
namespace {

constexpr std::uint32_t kMicroseconds = 0xa1b2c3d4;
constexpr std::uint32_t kNanoseconds = 0xa1b23c4d;
constexpr std::uint32_t kKuznetzov = 0xa1b2cd34;
constexpr std::size_t kFileHeaderBytes = 24;
constexpr std::uint8_t kRecordHeaderBytes = 16;
constexpr std::uint8_t kKuznetzovHeaderBytes = 24;  // and interface, protocol, packet type

// The word of the link type: bits 0 to 25 of type and class, bit 26 "the length of the FCS is known", 28 to 31 that
// length in words of 16 bits.
constexpr std::uint32_t kLinkMask = 0x03ff'ffff;
constexpr std::uint32_t kFcsKnown = 0x0400'0000;
constexpr int kFcsShift = 28;

// The packet type of Linux, in Kuznetzov's header.
constexpr std::uint8_t kPacketOutgoing = 4;

bool is_magic(std::uint32_t word) { return word == kMicroseconds || word == kNanoseconds || word == kKuznetzov; }

}  // namespace

bool PcapFormat::looks_like(Bytes first) {
  return first.size() >= 4 &&
         (is_magic(load32(ByteOrder::kLittle, first.data())) || is_magic(load32(ByteOrder::kBig, first.data())));
}

std::optional<PcapFormat> PcapFormat::open(Window& window, Damage& damage) {
  damage.offset = window.offset();
  const std::uint8_t* const header = window.need(kFileHeaderBytes);
  if (header == nullptr) {
    damage.kind = Damage::Kind::kCutOff;
    damage.what = "the file ends inside its header";
    return std::nullopt;
  }
  PcapFormat format;
  format.order_ = is_magic(load32(ByteOrder::kLittle, header)) ? ByteOrder::kLittle : ByteOrder::kBig;
  const std::uint32_t magic = load32(format.order_, header);
  if (magic == kNanoseconds) format.ns_per_fraction_ = 1;
  format.header_bytes_ = magic == kKuznetzov ? kKuznetzovHeaderBytes : kRecordHeaderBytes;

  const std::uint16_t major = load16(format.order_, header + 4);
  const std::uint16_t minor = load16(format.order_, header + 6);
  if (major != 2 || minor > 4) {
    damage.kind = Damage::Kind::kCorrupt;
    damage.what = "pcap of version " + std::to_string(major) + "." + std::to_string(minor) + ", where 2.4 is known";
    return std::nullopt;
  }
  if (minor < 3) format.lengths_ = Lengths::kOriginalFirst;
  if (minor == 3) format.lengths_ = Lengths::kLesserIsCaptured;
  format.interface_.snap_length = load32(format.order_, header + 16);
  const std::uint32_t link = load32(format.order_, header + 20);
  format.interface_.link = link & kLinkMask;
  if (link & kFcsKnown) format.interface_.fcs_bytes = static_cast<std::uint8_t>((link >> kFcsShift) * 2);
  window.consume(kFileHeaderBytes);
  return format;
}

Step PcapFormat::next(Window& window, Record& record, Damage& damage) const {
  record.offset = window.offset();
  const std::uint8_t* at = window.need(header_bytes_);
  if (at == nullptr) {
    if (window.here().empty() && !window.trouble()) return Step::kEnd;
    damage = {Damage::Kind::kCutOff, record.offset, "the file ends inside the header of a record"};
    return Step::kDamage;
  }
  std::uint32_t captured = load32(order_, at + 8);
  std::uint32_t original = load32(order_, at + 12);
  if (lengths_ == Lengths::kOriginalFirst || (lengths_ == Lengths::kLesserIsCaptured && captured > original)) {
    std::swap(captured, original);
  }
  if (captured > kMaxCapturedBytes) {
    damage = {
        Damage::Kind::kCorrupt, record.offset,
        "a captured length of " + std::to_string(captured) + " bytes, above " + std::to_string(kMaxCapturedBytes)};
    return Step::kDamage;
  }
  at = window.need(header_bytes_ + captured);
  if (at == nullptr) {
    damage = {Damage::Kind::kCutOff, record.offset,
              "the file ends inside a record of " + std::to_string(captured) + " bytes"};
    return Step::kDamage;
  }
  record.bytes = Bytes{at + header_bytes_, captured};
  record.unix_ns =
      std::int64_t{load32(order_, at)} * 1'000'000'000 + std::int64_t{load32(order_, at + 4)} * ns_per_fraction_;
  record.has_time = true;
  record.original_length = original;
  record.interface = 0;
  record.link = interface_.link;
  record.fcs_bytes = interface_.fcs_bytes;
  record.direction = Direction::kUnknown;
  if (header_bytes_ == kKuznetzovHeaderBytes) {
    record.direction = at[22] == kPacketOutgoing ? Direction::kOutbound : Direction::kInbound;
  }
  window.consume(header_bytes_ + captured);
  return Step::kRecord;
}

}  // namespace myriad::capture
