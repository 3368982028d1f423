// IPv4 packets (RFC 791). Options are skipped by their length, source routes included: hosts do not forward.
//
// Refused: lengths that lie, a wrong header checksum. What follows the total length (Ethernet padding) is cut off.
// Addresses are not judged here: see wire/ip.h.
#pragma once

#include <cassert>
#include <cstdint>
#include <tl/expected.hpp>

#include "base/addr.h"
#include "base/bytes.h"
#include "stack/wire/checksum.h"
#include "stack/wire/drop.h"

namespace myriad::wire {

inline constexpr std::size_t kIpv4HeaderBytes = 20;

// Is this a packet as received, or the beginning of one that an ICMP error quotes? A quotation may end anywhere behind
// the IP header, and routers are known to have changed the header before they quoted it.
enum class PacketExtent : std::uint8_t { kWhole, kQuoted };

class Ipv4View {
 public:
  // `packet` is the payload of the frame, and must outlive the view.
  [[nodiscard]] static tl::expected<Ipv4View, stack::Drop> parse(Bytes packet,
                                                                 PacketExtent extent = PacketExtent::kWhole) {
    using stack::Drop;
    if (packet.size() < kIpv4HeaderBytes) return tl::unexpected(Drop::kTruncated);
    if (packet[0] >> 4 != 4) return tl::unexpected(Drop::kBadVersion);
    const std::size_t header = (packet[0] & 0xfU) * 4;
    if (header < kIpv4HeaderBytes) return tl::unexpected(Drop::kBadHeaderLength);
    if (header > packet.size()) return tl::unexpected(Drop::kTruncated);
    const std::size_t total = load_be16(packet.data() + 2);
    if (total < header) return tl::unexpected(Drop::kBadHeaderLength);
    if (extent == PacketExtent::kWhole) {
      if (total > packet.size()) return tl::unexpected(Drop::kTruncated);
      if (checksum_fold(checksum_add_received(0, packet.first(header))) != 0xffff) {
        return tl::unexpected(Drop::kBadIpChecksum);
      }
    }
    return Ipv4View{packet.first(total < packet.size() ? total : packet.size()), header};
  }

  [[nodiscard]] std::uint8_t tos() const { return packet_[1]; }
  [[nodiscard]] std::uint16_t id() const { return load_be16(packet_.data() + 4); }
  [[nodiscard]] bool dont_fragment() const { return (packet_[6] & 0x40) != 0; }
  [[nodiscard]] bool more_fragments() const { return (packet_[6] & 0x20) != 0; }
  // Of the payload in the datagram, in bytes.
  [[nodiscard]] std::uint16_t fragment_offset() const {
    return static_cast<std::uint16_t>(load_be16(packet_.data() + 6) << 3);
  }
  [[nodiscard]] bool is_fragment() const { return (load_be16(packet_.data() + 6) & 0x3fff) != 0; }
  [[nodiscard]] std::uint8_t ttl() const { return packet_[8]; }
  [[nodiscard]] std::uint8_t protocol() const { return packet_[9]; }
  [[nodiscard]] Ipv4Address src() const { return Ipv4Address::from_bytes(packet_.data() + 12); }
  [[nodiscard]] Ipv4Address dst() const { return Ipv4Address::from_bytes(packet_.data() + 16); }
  [[nodiscard]] std::size_t header_size() const { return header_; }
  [[nodiscard]] Bytes payload() const { return packet_.subspan(header_); }
  // Header and payload, without padding.
  [[nodiscard]] Bytes packet() const { return packet_; }

 private:
  Ipv4View(Bytes packet, std::size_t header) : packet_(packet), header_(header) {}
  Bytes packet_;
  std::size_t header_;
};

// A header without options, with its checksum.
struct Ipv4Repr {
  Ipv4Address src{};
  Ipv4Address dst{};
  std::uint8_t protocol = 0;
  std::uint8_t ttl = 64;
  std::uint8_t tos = 0;
  std::uint16_t id = 0;
  bool dont_fragment = false;
  bool more_fragments = false;
  std::uint16_t fragment_offset = 0;  // in bytes, a multiple of 8
  std::size_t payload_length = 0;     // at most 65,515

  [[nodiscard]] std::size_t emitted_size() const { return kIpv4HeaderBytes; }
  void emit(MutableBytes out) const {
    assert(out.size() == emitted_size());
    emit_header(out.data());
  }
  void emit_header(std::uint8_t* out) const {
    assert(payload_length <= 0xffff - kIpv4HeaderBytes && fragment_offset % 8 == 0);
    const std::uint32_t flags = (dont_fragment ? 0x4000U : 0U) | (more_fragments ? 0x2000U : 0U);
    const std::uint32_t word[3] = {
        0x45000000U | std::uint32_t{tos} << 16 | static_cast<std::uint32_t>(kIpv4HeaderBytes + payload_length),
        std::uint32_t{id} << 16 | flags | std::uint32_t{fragment_offset} >> 3,
        std::uint32_t{ttl} << 24 | std::uint32_t{protocol} << 16,
    };
    const std::uint64_t sum = std::uint64_t{word[0]} + word[1] + word[2] + src.value + dst.value;
    const std::uint16_t checksum = static_cast<std::uint16_t>(~checksum_fold(sum));
    store_be32(out, word[0]);
    store_be32(out + 4, word[1]);
    store_be32(out + 8, word[2] | checksum);
    src.store(out + 12);
    dst.store(out + 16);
  }
};

}  // namespace myriad::wire
