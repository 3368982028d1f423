#include "capture/pcapng_format.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

namespace myriad::capture {
namespace {

constexpr std::uint32_t kSectionHeader = 0x0a0d0d0a;  // the same in both byte orders
constexpr std::uint32_t kInterfaceDescription = 1;
constexpr std::uint32_t kObsoletePacket = 2;
constexpr std::uint32_t kSimplePacket = 3;
constexpr std::uint32_t kEnhancedPacket = 6;
constexpr std::uint32_t kByteOrderMark = 0x1a2b3c4d;

constexpr std::uint32_t kFrameBytes = 12;  // type and both lengths, of any block
constexpr std::uint32_t kSectionBytes = 28;
constexpr std::uint32_t kInterfaceBytes = 20;
constexpr std::uint32_t kSimpleBytes = 16;
constexpr std::uint32_t kTimedBytes = 32;  // enhanced and obsolete: the same fields in other widths

constexpr std::uint16_t kOptionEnd = 0;
constexpr std::uint16_t kOptionName = 2;
constexpr std::uint16_t kOptionResolution = 9;
constexpr std::uint16_t kOptionFcsLength = 13;
constexpr std::uint16_t kOptionTimeOffset = 14;
constexpr std::uint16_t kOptionFlags = 2;  // of a packet: bits 0 and 1 direction, 5 to 8 length of the FCS

constexpr std::size_t kMaxNameBytes = 256;
constexpr std::int64_t kNsPerSecond = 1'000'000'000;
constexpr std::uint8_t kMicroseconds = 6;

constexpr const char* kCutOffInBlock = "the file ends inside a block";

constexpr std::uint64_t padded(std::uint64_t bytes) { return (bytes + 3) & ~std::uint64_t{3}; }

struct Option {
  std::uint16_t code = 0;
  Bytes value;
};

// The options that fill `rest`, up to the end mark where there is one. Calls take(Option); null, or what is wrong.
template <class Take>
const char* for_each_option(ByteOrder order, Bytes rest, Take&& take) {
  while (!rest.empty()) {  // a multiple of 4
    Option option{load16(order, rest.data()), {}};
    const std::size_t length = load16(order, rest.data() + 2);
    if (option.code == kOptionEnd) return nullptr;
    if (padded(length) > rest.size() - 4) return "an option is longer than its block";
    option.value = rest.subspan(4, length);
    take(option);
    rest = rest.subspan(4 + padded(length));
  }
  return nullptr;
}

}  // namespace

PcapngFormat::Clock PcapngFormat::Clock::of(std::uint8_t resolution, std::int64_t offset_seconds) {
  Clock clock;
  clock.offset_seconds = offset_seconds;
  const std::uint8_t exponent = resolution & 0x7f;
  if (resolution & 0x80) {  // a power of two
    clock.kind = Kind::kShift;
    clock.shift = exponent;
    return clock;
  }
  clock.kind = exponent <= 9 ? Kind::kMultiply : Kind::kDivide;
  int zeros = exponent <= 9 ? 9 - exponent : exponent - 9;
  clock.factor = zeros <= 19 ? 1 : 0;
  for (; clock.factor != 0 && zeros > 0; --zeros) clock.factor *= 10;
  return clock;
}

bool PcapngFormat::Clock::read(std::uint64_t units, std::int64_t& unix_ns) const {
  __extension__ using Wide = __int128;  // units of 2^-1 s and 64 bits need 94
  Wide ns = 0;
  switch (kind) {
    case Kind::kMultiply:
      ns = Wide{units} * factor;
      break;
    case Kind::kDivide:
      ns = factor == 0 ? 0 : units / factor;
      break;
    case Kind::kShift:
      ns = (Wide{units} * kNsPerSecond) >> shift;
      break;
  }
  ns += Wide{offset_seconds} * kNsPerSecond;
  unix_ns = static_cast<std::int64_t>(ns);
  return ns == unix_ns;
}

bool PcapngFormat::looks_like(Bytes first) {
  return first.size() >= 4 && load32(ByteOrder::kLittle, first.data()) == kSectionHeader;
}

Step PcapngFormat::next(Window& window, Record& record, Damage& damage) {
  for (;;) {
    const std::uint64_t offset = window.offset();
    const std::uint8_t* const at = window.need(kFrameBytes);
    if (at == nullptr) {
      if (window.here().empty() && !window.trouble()) return Step::kEnd;
      damage = {Damage::Kind::kCutOff, offset, kCutOffInBlock};
      return Step::kDamage;
    }
    const std::uint32_t type = load32(order_, at);
    const std::uint32_t length = load32(order_, at + 4);
    Complaint complaint = nullptr;
    bool is_record = false;
    if (type == kSectionHeader) {  // whose byte order may be another
      complaint = read_section(window);
    } else if (length < kFrameBytes || length % 4 != 0) {
      complaint = "a block with a length that no block can have";
    } else if (type == kEnhancedPacket || type == kSimplePacket || type == kObsoletePacket) {
      record.offset = offset;
      complaint = read_packet(window, type, length, record);
      is_record = true;
    } else if (type == kInterfaceDescription) {
      complaint = read_interface(window, length);
    } else {
      complaint = pass_over(window, length);
    }
    if (complaint != nullptr) {
      const bool cut = complaint == kCutOffInBlock;
      damage = {cut ? Damage::Kind::kCutOff : Damage::Kind::kCorrupt, offset, complaint};
      return Step::kDamage;
    }
    if (is_record) return Step::kRecord;
  }
}

// The block as a whole; past it. It stays where it is until the window is asked again.
PcapngFormat::Complaint PcapngFormat::whole(Window& window, std::uint32_t length, Block& block) const {
  if (length > kMaxBlockBytes) return "a block longer than 16 MiB";
  block = {window.need(length), length};
  if (block.at == nullptr) return kCutOffInBlock;
  if (load32(order_, block.at + length - 4) != length) return "a block whose two lengths differ";
  window.consume(length);
  return nullptr;
}

PcapngFormat::Complaint PcapngFormat::pass_over(Window& window, std::uint32_t length) const {
  if (!window.skip(length - 4)) return kCutOffInBlock;
  const std::uint8_t* const last = window.need(4);
  if (last == nullptr) return kCutOffInBlock;
  if (load32(order_, last) != length) return "a block whose two lengths differ";
  window.consume(4);
  return nullptr;
}

PcapngFormat::Complaint PcapngFormat::read_section(Window& window) {
  const std::uint8_t* const at = window.need(kSectionBytes);
  if (at == nullptr) return kCutOffInBlock;
  if (load32(ByteOrder::kLittle, at + 8) == kByteOrderMark) {
    order_ = ByteOrder::kLittle;
  } else if (load32(ByteOrder::kBig, at + 8) == kByteOrderMark) {
    order_ = ByteOrder::kBig;
  } else {
    return "a section header without the byte order mark";
  }
  const std::uint32_t length = load32(order_, at + 4);
  if (length < kSectionBytes || length % 4 != 0) return "a section header with a length that it cannot have";
  const std::uint16_t major = load16(order_, at + 12);
  const std::uint16_t minor = load16(order_, at + 14);
  // 1.2 is 1.0 by another name.
  if (major != 1 || (minor != 0 && minor != 2)) return "a section of another version than 1.0";
  interfaces_.clear();
  clocks_.clear();
  return pass_over(window, length);
}

PcapngFormat::Complaint PcapngFormat::read_interface(Window& window, std::uint32_t length) {
  if (length < kInterfaceBytes) return "an interface description with a length that it cannot have";
  if (interfaces_.size() == kMaxInterfaces) return "more than 65,536 interfaces in one section";
  Block block;
  if (const Complaint complaint = whole(window, length, block)) return complaint;
  Interface interface;
  interface.link = load16(order_, block.at + 8);
  interface.snap_length = load32(order_, block.at + 12);
  Clock clock;
  if (const Complaint complaint = read_interface_options(block, interface, clock)) return complaint;
  interfaces_.push_back(std::move(interface));
  clocks_.push_back(clock);
  return nullptr;
}

PcapngFormat::Complaint PcapngFormat::read_interface_options(const Block& block, Interface& interface,
                                                             Clock& clock) const {
  std::uint8_t resolution = kMicroseconds;
  std::int64_t offset_seconds = 0;
  bool lengths_right = true;
  const Bytes options{block.at + kInterfaceBytes - 4, block.length - kInterfaceBytes};
  const Complaint complaint = for_each_option(order_, options, [&](const Option& option) {
    const Bytes value = option.value;
    if (option.code == kOptionName) {
      const Bytes name = value.first(std::min(value.size(), kMaxNameBytes));
      interface.name.assign(name.begin(), name.end());
    } else if (option.code == kOptionResolution) {
      lengths_right = lengths_right && value.size() == 1;
      if (lengths_right) resolution = value[0];
    } else if (option.code == kOptionFcsLength) {
      lengths_right = lengths_right && value.size() == 1;
      if (lengths_right) interface.fcs_bytes = value[0];
    } else if (option.code == kOptionTimeOffset) {
      lengths_right = lengths_right && value.size() == 8;
      if (lengths_right) offset_seconds = static_cast<std::int64_t>(load64(order_, value.data()));
    }
  });
  if (complaint != nullptr) return complaint;
  if (!lengths_right) return "an option of an interface with a length that it cannot have";
  clock = Clock::of(resolution, offset_seconds);
  return nullptr;
}

PcapngFormat::Complaint PcapngFormat::read_packet(Window& window, std::uint32_t type, std::uint32_t length,
                                                  Record& record) const {
  const bool simple = type == kSimplePacket;
  const std::uint32_t least = simple ? kSimpleBytes : kTimedBytes;
  if (length < least) return "a packet block with a length that it cannot have";
  const std::uint8_t* const head = window.need(least);
  if (head == nullptr) return kCutOffInBlock;

  Packet packet;
  if (simple) {
    if (const Complaint complaint = describe_simple(head, packet)) return complaint;
  } else {
    packet.interface = type == kEnhancedPacket ? load32(order_, head + 8) : load16(order_, head + 8);
    packet.captured = load32(order_, head + 20);
    packet.original = load32(order_, head + 24);
    packet.data_at = 28;
    if (packet.interface >= interfaces_.size()) return "a frame of an interface that was not described";
  }
  // Before room is made for it.
  if (packet.captured > kMaxCapturedBytes) return "a captured length above 262144 bytes";
  if (padded(packet.captured) > length - least) return "a captured length that is longer than its block";

  Block block;
  if (const Complaint complaint = whole(window, length, block)) return complaint;
  const Interface& interface = interfaces_[packet.interface];
  record.bytes = Bytes{block.at + packet.data_at, packet.captured};
  record.original_length = packet.original;
  record.interface = packet.interface;
  record.link = interface.link;
  record.fcs_bytes = interface.fcs_bytes;
  record.direction = Direction::kUnknown;
  record.has_time = false;
  if (!simple) {
    const std::uint64_t units = std::uint64_t{load32(order_, block.at + 12)} << 32 | load32(order_, block.at + 16);
    record.has_time = clocks_[packet.interface].read(units, record.unix_ns);
  }
  if (!record.has_time) record.unix_ns = 0;
  return simple ? nullptr : read_packet_options(block, packet.data_at + padded(packet.captured), record);
}

// A simple packet block is of the first interface, whose snap length says how much was captured.
PcapngFormat::Complaint PcapngFormat::describe_simple(const std::uint8_t* at, Packet& packet) const {
  if (interfaces_.empty()) return "a frame of an interface that was not described";
  packet.original = load32(order_, at + 8);
  const std::uint32_t snap = interfaces_.front().snap_length;
  packet.captured = snap == 0 ? packet.original : std::min(packet.original, snap);
  packet.data_at = 12;
  return nullptr;
}

PcapngFormat::Complaint PcapngFormat::read_packet_options(const Block& block, std::size_t at, Record& record) const {
  const Bytes options{block.at + at, block.length - 4 - at};
  bool lengths_right = true;
  const Complaint complaint = for_each_option(order_, options, [&](const Option& option) {
    if (option.code != kOptionFlags) return;
    lengths_right = lengths_right && option.value.size() == 4;
    if (!lengths_right) return;
    const std::uint32_t flags = load32(order_, option.value.data());
    if (const std::uint32_t seen = flags & 3; seen != 3) record.direction = static_cast<Direction>(seen);
    if (const std::uint32_t fcs = flags >> 5 & 15; fcs != 0) record.fcs_bytes = static_cast<std::uint8_t>(fcs);
  });
  if (complaint != nullptr) return complaint;
  return lengths_right ? nullptr : "an option of a packet with a length that it cannot have";
}

}  // namespace myriad::capture
