// IPv6 packets and their extension headers (RFC 8200).
//
// The walk passes hop-by-hop options, destination options and routing headers that have nothing left to route, and
// stops at a fragment header (what follows is a header chain only once the datagram is whole; an atomic fragment is
// whole, RFC 6946). Refused: more than 8 extension headers, hop-by-hop options elsewhere than first, a routing header
// with segments left (hosts do not forward; type 0 is dead, RFC 5095), options whose type says "discard" to those who
// do not know them, and jumbograms. Any other next header ends the walk: it is the protocol, known or not.
#pragma once

#include <cassert>
#include <cstdint>
#include <tl/expected.hpp>

#include "base/addr.h"
#include "base/bytes.h"
#include "stack/wire/drop.h"
#include "stack/wire/ipv4.h"

namespace myriad::wire {

inline constexpr std::size_t kIpv6HeaderBytes = 40;
inline constexpr std::size_t kIpv6FragmentHeaderBytes = 8;
inline constexpr int kMaxExtensionHeaders = 8;

inline constexpr std::uint8_t kHeaderHopByHop = 0;
inline constexpr std::uint8_t kHeaderRouting = 43;
inline constexpr std::uint8_t kHeaderFragment = 44;
inline constexpr std::uint8_t kHeaderNoNext = 59;
inline constexpr std::uint8_t kHeaderDestinationOptions = 60;

// Where a chain of headers ends.
struct HeaderChain {
  std::uint8_t protocol = kHeaderNoNext;
  bool has_fragment_header = false;
  bool is_fragment = false;  // atomic fragments are none
  bool more_fragments = false;
  std::uint16_t fragment_offset = 0;  // in bytes
  std::uint32_t fragment_id = 0;
  std::size_t offset = 0;  // of the payload behind the last header
};

[[nodiscard]] constexpr bool is_extension_header(std::uint8_t next) {
  return next == kHeaderHopByHop || next == kHeaderRouting || next == kHeaderFragment ||
         next == kHeaderDestinationOptions;
}

// Walks the headers in `bytes`, the first of which is of type `first`.
[[nodiscard]] tl::expected<HeaderChain, stack::Drop> walk_headers(std::uint8_t first, Bytes bytes);

class Ipv6View {
 public:
  // `packet` is the payload of the frame, and must outlive the view.
  [[nodiscard]] static tl::expected<Ipv6View, stack::Drop> parse(Bytes packet,
                                                                 PacketExtent extent = PacketExtent::kWhole) {
    using stack::Drop;
    if (packet.size() < kIpv6HeaderBytes) return tl::unexpected(Drop::kTruncated);
    if (packet[0] >> 4 != 6) return tl::unexpected(Drop::kBadVersion);
    std::size_t total = kIpv6HeaderBytes + load_be16(packet.data() + 4);
    if (total > packet.size()) {
      if (extent == PacketExtent::kWhole) return tl::unexpected(Drop::kTruncated);
      total = packet.size();
    }
    Ipv6View view{packet.first(total)};
    view.chain_.protocol = packet[6];
    if (is_extension_header(packet[6])) {
      const auto chain = walk_headers(packet[6], view.packet_.subspan(kIpv6HeaderBytes));
      if (!chain) return tl::unexpected(chain.error());
      view.chain_ = *chain;
    }
    return view;
  }

  [[nodiscard]] std::uint8_t traffic_class() const { return static_cast<std::uint8_t>(load_be16(packet_.data()) >> 4); }
  [[nodiscard]] std::uint32_t flow_label() const { return load_be32(packet_.data()) & 0xfffffU; }
  [[nodiscard]] std::uint8_t hop_limit() const { return packet_[7]; }
  [[nodiscard]] Ipv6Address src() const { return Ipv6Address::from_bytes(packet_.data() + 8); }
  [[nodiscard]] Ipv6Address dst() const { return Ipv6Address::from_bytes(packet_.data() + 24); }
  // Behind all extension headers that could be walked.
  [[nodiscard]] std::uint8_t protocol() const { return chain_.protocol; }
  [[nodiscard]] Bytes payload() const { return packet_.subspan(kIpv6HeaderBytes + chain_.offset); }
  [[nodiscard]] const HeaderChain& chain() const { return chain_; }
  [[nodiscard]] Bytes packet() const { return packet_; }

 private:
  explicit Ipv6View(Bytes packet) : packet_(packet) {}
  Bytes packet_;
  HeaderChain chain_;
};

struct Ipv6Repr {
  Ipv6Address src{};
  Ipv6Address dst{};
  std::uint8_t next_header = kHeaderNoNext;
  std::uint8_t hop_limit = 64;
  std::uint8_t traffic_class = 0;
  std::uint32_t flow_label = 0;    // 20 bits
  std::size_t payload_length = 0;  // extension headers included; at most 65,535

  [[nodiscard]] std::size_t emitted_size() const { return kIpv6HeaderBytes; }
  void emit(MutableBytes out) const {
    assert(out.size() == emitted_size());
    emit_header(out.data());
  }
  void emit_header(std::uint8_t* out) const {
    assert(payload_length <= 0xffff && flow_label <= 0xfffff);
    store_be32(out, 0x60000000U | std::uint32_t{traffic_class} << 20 | flow_label);
    store_be32(out + 4, static_cast<std::uint32_t>(payload_length) << 16 | std::uint32_t{next_header} << 8 | hop_limit);
    src.store(out + 8);
    dst.store(out + 24);
  }
};

struct Ipv6FragmentRepr {
  std::uint8_t next_header = kHeaderNoNext;
  std::uint16_t fragment_offset = 0;  // in bytes, a multiple of 8
  bool more_fragments = false;
  std::uint32_t id = 0;

  [[nodiscard]] std::size_t emitted_size() const { return kIpv6FragmentHeaderBytes; }
  void emit(MutableBytes out) const {
    assert(out.size() == emitted_size() && fragment_offset % 8 == 0);
    store_be32(out.data(), std::uint32_t{next_header} << 24 | fragment_offset | (more_fragments ? 1U : 0U));
    store_be32(out.data() + 4, id);
  }
};

}  // namespace myriad::wire
