// UDP datagrams (RFC 768). What follows the declared length is cut off. The checksum is judged by wire/checksum.h.
#pragma once

#include <cassert>
#include <cstdint>
#include <tl/expected.hpp>

#include "base/addr.h"
#include "base/bytes.h"
#include "stack/wire/drop.h"

namespace myriad::wire {

inline constexpr std::size_t kUdpHeaderBytes = 8;

class UdpView {
 public:
  // `segment` is the whole IP payload, and must outlive the view.
  [[nodiscard]] static tl::expected<UdpView, stack::Drop> parse(Bytes segment) {
    if (segment.size() < kUdpHeaderBytes) return tl::unexpected(stack::Drop::kTruncated);
    const std::size_t length = load_be16(segment.data() + 4);
    if (length < kUdpHeaderBytes) return tl::unexpected(stack::Drop::kBadHeaderLength);
    if (length > segment.size()) return tl::unexpected(stack::Drop::kTruncated);
    return UdpView{segment.first(length)};
  }

  [[nodiscard]] Port source_port() const { return {load_be16(segment_.data())}; }
  [[nodiscard]] Port dest_port() const { return {load_be16(segment_.data() + 2)}; }
  [[nodiscard]] Bytes payload() const { return segment_.subspan(kUdpHeaderBytes); }
  // Header and payload: what the checksum covers.
  [[nodiscard]] Bytes segment() const { return segment_; }

 private:
  explicit UdpView(Bytes segment) : segment_(segment) {}
  Bytes segment_;
};

// A header with a zero checksum: finish_transport_checksum() fills it in once the payload is there.
struct UdpRepr {
  Port source{};
  Port dest{};
  std::size_t payload_length = 0;  // at most 65,527

  [[nodiscard]] std::size_t emitted_size() const { return kUdpHeaderBytes; }
  void emit(MutableBytes out) const {
    assert(out.size() == emitted_size());
    emit_header(out.data());
  }
  void emit_header(std::uint8_t* out) const {
    assert(payload_length <= 0xffff - kUdpHeaderBytes);
    store_be32(out, std::uint32_t{source.number} << 16 | dest.number);
    store_be32(out + 4, static_cast<std::uint32_t>(kUdpHeaderBytes + payload_length) << 16);
  }
};

}  // namespace myriad::wire
