// Capture files in memory, byte by byte: of either order, whole or wrong as a test wants them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "capture/record.h"

namespace myriad::capture {

// Numbers in the order of the file.
class ByteMaker {
 public:
  explicit ByteMaker(ByteOrder order) : order_(order) {}

  ByteMaker& u8(std::uint8_t value) { return number(value, 1); }
  ByteMaker& u16(std::uint16_t value) { return number(value, 2); }
  ByteMaker& u32(std::uint32_t value) { return number(value, 4); }
  ByteMaker& u64(std::uint64_t value) { return number(value, 8); }
  ByteMaker& bytes(Bytes some) {
    out_.insert(out_.end(), some.begin(), some.end());
    return *this;
  }
  ByteMaker& pad() {
    out_.resize((out_.size() + 3) & ~std::size_t{3});
    return *this;
  }

  [[nodiscard]] std::size_t size() const { return out_.size(); }
  [[nodiscard]] ByteOrder order() const { return order_; }
  [[nodiscard]] const std::vector<std::uint8_t>& out() const { return out_; }

 protected:
  ByteMaker& number(std::uint64_t value, std::size_t width) {
    for (std::size_t i = 0; i < width; ++i) {
      const std::size_t place = order_ == ByteOrder::kLittle ? i : width - 1 - i;
      out_.push_back(static_cast<std::uint8_t>(value >> (8 * place)));
    }
    return *this;
  }

  ByteOrder order_;
  std::vector<std::uint8_t> out_;
};

struct PcapHeader {
  std::uint32_t magic = 0xa1b2c3d4;
  std::uint16_t major = 2;
  std::uint16_t minor = 4;
  std::uint32_t snap_length = 262144;
  std::uint32_t link = kLinkEthernet;
};

class PcapMaker : public ByteMaker {
 public:
  explicit PcapMaker(ByteOrder order, const PcapHeader& header = {}) : ByteMaker(order) {
    u32(header.magic).u16(header.major).u16(header.minor).u32(0).u32(0).u32(header.snap_length).u32(header.link);
  }
  PcapMaker& record(std::uint32_t seconds, std::uint32_t fraction, Bytes frame, std::uint32_t original) {
    u32(seconds).u32(fraction).u32(static_cast<std::uint32_t>(frame.size())).u32(original).bytes(frame);
    return *this;
  }
};

class PcapngMaker : public ByteMaker {
 public:
  explicit PcapngMaker(ByteOrder order) : ByteMaker(order) { section(order); }

  PcapngMaker& section(ByteOrder order) {
    order_ = order;
    return block(0x0a0d0d0a, ByteMaker{order}.u32(0x1a2b3c4d).u16(1).u16(0).u64(~std::uint64_t{0}));
  }
  // Whatever stands between the two lengths.
  PcapngMaker& block(std::uint32_t type, const ByteMaker& body) {
    const auto length = static_cast<std::uint32_t>((body.size() + 3) / 4 * 4 + 12);
    u32(type).u32(length).bytes(body.out()).pad().u32(length);
    return *this;
  }
  [[nodiscard]] ByteMaker body() const { return ByteMaker{order_}; }

  PcapngMaker& interface(LinkType link, std::uint32_t snap_length = 0, const ByteMaker* options = nullptr) {
    ByteMaker idb = body().u16(static_cast<std::uint16_t>(link)).u16(0).u32(snap_length);
    if (options != nullptr) idb.bytes(options->out());
    return block(1, idb);
  }
  PcapngMaker& enhanced(std::uint32_t number, std::uint64_t units, Bytes frame, std::uint32_t original,
                        const ByteMaker* options = nullptr) {
    ByteMaker epb = timed(body().u32(number), units, frame, original);
    if (options != nullptr) epb.bytes(options->out());
    return block(6, epb);
  }
  PcapngMaker& obsolete(std::uint16_t number, std::uint64_t units, Bytes frame, std::uint32_t original) {
    return block(2, timed(body().u16(number).u16(0), units, frame, original));
  }
  PcapngMaker& simple(Bytes frame, std::uint32_t original) { return block(3, body().u32(original).bytes(frame)); }

  [[nodiscard]] ByteMaker option(std::uint16_t code, const ByteMaker& value) const {
    ByteMaker out = body().u16(code).u16(static_cast<std::uint16_t>(value.size()));
    return out.bytes(value.out()).pad();
  }

 private:
  static ByteMaker timed(ByteMaker start, std::uint64_t units, Bytes frame, std::uint32_t original) {
    start.u32(static_cast<std::uint32_t>(units >> 32)).u32(static_cast<std::uint32_t>(units));
    return start.u32(static_cast<std::uint32_t>(frame.size())).u32(original).bytes(frame).pad();
  }
};

// A frame that no other number has.
inline std::vector<std::uint8_t> frame_of(std::size_t bytes, std::uint32_t number) {
  std::vector<std::uint8_t> frame(bytes);
  for (std::size_t i = 0; i < bytes; ++i) frame[i] = static_cast<std::uint8_t>(i * 7 + number * 31 + (number >> 5));
  return frame;
}

// One member; several are put behind one another by who wants them.
[[nodiscard]] std::vector<std::uint8_t> gzip(Bytes plain);

}  // namespace myriad::capture
