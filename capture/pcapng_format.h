// pcapng (draft-ietf-opsawg-pcapng): blocks that say their length at both ends. A section header sets the byte order
// and forgets the interfaces of the section before; an interface description brings a link type, a snap length and a
// clock of its own; enhanced, obsolete and simple packet blocks hold frames. All other blocks are passed over.
//
// Memory: the interfaces of one section, of which there may be kMaxInterfaces.
#pragma once

#include <span>
#include <vector>

#include "capture/record.h"
#include "capture/window.h"

namespace myriad::capture {

class PcapngFormat {
 public:
  static constexpr std::size_t kMaxInterfaces = 65'536;
  // A block that must be looked at as a whole is no longer; as other readers have it.
  static constexpr std::uint32_t kMaxBlockBytes = 16U << 20;

  // Of the first four bytes.
  [[nodiscard]] static bool looks_like(Bytes first);

  // The next record; blocks that hold none are read on the way.
  Step next(Window& window, Record& record, Damage& damage);

  // Of the section that holds the last record.
  [[nodiscard]] std::span<const Interface> interfaces() const { return interfaces_; }

 private:
  // How a clock's 64 bits become nanoseconds: times `factor`, or through `divisor`, or `shift` bits of a fraction.
  struct Clock {
    enum class Kind : std::uint8_t { kMultiply, kDivide, kShift };

    static Clock of(std::uint8_t resolution, std::int64_t offset_seconds);
    // False when 64 bits do not hold it.
    [[nodiscard]] bool read(std::uint64_t units, std::int64_t& unix_ns) const;

    Kind kind = Kind::kMultiply;
    std::uint8_t shift = 0;
    std::uint64_t factor = 1000;  // or divisor; 0: none of 64 bits is as large
    std::int64_t offset_seconds = 0;
  };
  struct Block {
    const std::uint8_t* at = nullptr;
    std::uint32_t length = 0;  // of all of it
  };
  // What a packet block says of its frame, wherever in it that stands.
  struct Packet {
    std::uint32_t interface = 0;
    std::uint32_t captured = 0;
    std::uint32_t original = 0;
    std::uint32_t data_at = 0;  // offset in the block
  };

  // Each returns null, or what is wrong; kCutOff for a file that ends in the block.
  using Complaint = const char*;
  Complaint read_section(Window& window);
  Complaint read_interface(Window& window, std::uint32_t length);
  Complaint read_interface_options(const Block& block, Interface& interface, Clock& clock) const;
  Complaint read_packet(Window& window, std::uint32_t type, std::uint32_t length, Record& record) const;
  Complaint describe_simple(const std::uint8_t* at, Packet& packet) const;
  Complaint read_packet_options(const Block& block, std::size_t at, Record& record) const;
  Complaint pass_over(Window& window, std::uint32_t length) const;
  Complaint whole(Window& window, std::uint32_t length, Block& block) const;

  ByteOrder order_ = ByteOrder::kLittle;
  std::vector<Interface> interfaces_;
  std::vector<Clock> clocks_;  // of interfaces_
};

}  // namespace myriad::capture
