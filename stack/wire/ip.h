// One IP layer over both families: everything above IP is written once, against IpView and IpRepr.
//
// Besides what ipv4.h and ipv6.h refuse, the View refuses sources that no packet on a wire may have: group, limited
// broadcast and loopback addresses (RFC 1122 section 3.2.1.3, RFC 4291 section 2.7), and IPv4-mapped IPv6 addresses,
// which would pass for IPv4. An unspecified source is let through (DHCP, duplicate address detection); whoever answers
// packets has to look at it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <tl/expected.hpp>

#include "base/addr.h"
#include "base/bytes.h"
#include "stack/wire/checksum.h"
#include "stack/wire/drop.h"
#include "stack/wire/ethernet.h"
#include "stack/wire/ipv4.h"
#include "stack/wire/ipv6.h"

namespace myriad::wire {

inline constexpr std::size_t kIpMaxHeaderBytes = kIpv6HeaderBytes;  // of what IpRepr emits

class IpView {
  struct Unchecked {
    explicit Unchecked() = default;
  };
  using Parsed = tl::expected<IpView, stack::Drop>;

 public:
  // A packet as received; `ether_type` is the frame's, and must be IPv4's or IPv6's. `packet` must outlive the view.
  [[nodiscard]] static Parsed parse(Bytes packet, std::uint16_t ether_type) {
    if (ether_type == kEtherTypeIpv4) return parse_v4(packet, PacketExtent::kWhole);
    if (ether_type == kEtherTypeIpv6) return parse_v6(packet, PacketExtent::kWhole);
    return tl::unexpected(stack::Drop::kUnknownEtherType);
  }
  // A packet put together from fragments. What its fragments carried must be no header that comes before a fragment
  // header, nor another of those (RFC 8200 section 4.5).
  [[nodiscard]] static Parsed parse_reassembled(Bytes packet, bool v6) {
    auto view = v6 ? parse_v6(packet, PacketExtent::kWhole) : parse_v4(packet, PacketExtent::kWhole);
    if (view && v6 && (view->was_fragmented_ || packet[6] == kHeaderHopByHop)) {
      return tl::unexpected(stack::Drop::kBadExtension);
    }
    if (view) view->was_fragmented_ = true;
    return view;
  }
  // The beginning of a packet as an ICMP error quotes it. Its payload may be cut anywhere.
  [[nodiscard]] static Parsed parse_quoted(Bytes packet, bool v6) {
    return v6 ? parse_v6(packet, PacketExtent::kQuoted) : parse_v4(packet, PacketExtent::kQuoted);
  }

  [[nodiscard]] const IpAddress& src() const { return src_; }
  [[nodiscard]] const IpAddress& dst() const { return dst_; }
  [[nodiscard]] bool is_v6() const { return v6_; }
  [[nodiscard]] std::uint8_t protocol() const { return protocol_; }
  [[nodiscard]] std::uint8_t hop_limit() const { return hop_limit_; }
  [[nodiscard]] std::uint8_t traffic_class() const { return traffic_class_; }
  // What is behind all headers; of a fragment its part of the datagram.
  [[nodiscard]] Bytes payload() const { return payload_; }
  // Headers and payload without padding: what ICMP errors quote.
  [[nodiscard]] Bytes packet() const { return packet_; }

  [[nodiscard]] bool is_fragment() const { return is_fragment_; }
  [[nodiscard]] std::uint32_t fragment_id() const { return fragment_id_; }
  [[nodiscard]] std::uint16_t fragment_offset() const { return fragment_offset_; }  // in bytes
  [[nodiscard]] bool more_fragments() const { return more_fragments_; }
  // Is a fragment, was put together from some, or had a fragment header for no reason: neighbour discovery must not
  // believe it (RFC 6980 section 5).
  [[nodiscard]] bool was_fragmented() const { return was_fragmented_; }

 private:
  [[nodiscard]] static Parsed parse_v4(Bytes packet, PacketExtent extent) {
    const auto v4 = Ipv4View::parse(packet, extent);
    if (!v4) return tl::unexpected(v4.error());
    if (!v4->src().is_unicast() && !v4->src().is_unspecified()) return tl::unexpected(stack::Drop::kBadSource);
    return Parsed{tl::in_place, Unchecked{}, *v4};
  }
  [[nodiscard]] static Parsed parse_v6(Bytes packet, PacketExtent extent) {
    const auto v6 = Ipv6View::parse(packet, extent);
    if (!v6) return tl::unexpected(v6.error());
    const Ipv6Address src = v6->src();
    if (is_mapped(src) || src.is_multicast() || src.is_loopback()) return tl::unexpected(stack::Drop::kBadSource);
    if (is_mapped(v6->dst())) return tl::unexpected(stack::Drop::kNotOurs);
    return Parsed{tl::in_place, Unchecked{}, *v6};
  }

  static bool is_mapped(const Ipv6Address& address) { return IpAddress{address}.is_v4(); }

 public:
  // For parse() alone: nobody else can name the tag. The view is made where the caller wants it and never copied.
  IpView(Unchecked, const Ipv4View& v4) noexcept
      : src_(v4.src()),
        dst_(v4.dst()),
        packet_(v4.packet()),
        payload_(v4.payload()),
        fragment_id_(v4.id()),
        fragment_offset_(v4.fragment_offset()),
        protocol_(v4.protocol()),
        hop_limit_(v4.ttl()),
        traffic_class_(v4.tos()),
        v6_(false),
        is_fragment_(v4.is_fragment()),
        more_fragments_(v4.more_fragments()),
        was_fragmented_(v4.is_fragment()) {}
  IpView(Unchecked, const Ipv6View& v6) noexcept
      : src_(v6.src()),
        dst_(v6.dst()),
        packet_(v6.packet()),
        payload_(v6.payload()),
        fragment_id_(v6.chain().fragment_id),
        fragment_offset_(v6.chain().fragment_offset),
        protocol_(v6.protocol()),
        hop_limit_(v6.hop_limit()),
        traffic_class_(v6.traffic_class()),
        v6_(true),
        is_fragment_(v6.chain().is_fragment),
        more_fragments_(v6.chain().more_fragments),
        was_fragmented_(v6.chain().has_fragment_header) {}

 private:
  IpAddress src_;
  IpAddress dst_;
  Bytes packet_;
  Bytes payload_;
  std::uint32_t fragment_id_;
  std::uint16_t fragment_offset_;
  std::uint8_t protocol_;
  std::uint8_t hop_limit_;
  std::uint8_t traffic_class_;
  bool v6_;
  bool is_fragment_;
  bool more_fragments_;
  bool was_fragmented_;
};

// A header of either family; the family is that of the addresses.
struct IpRepr {
  IpAddress src{};
  IpAddress dst{};
  std::uint8_t protocol = 0;
  std::uint8_t hop_limit = 64;
  std::uint8_t traffic_class = 0;
  std::uint16_t id = 0;        // IPv4 only
  bool dont_fragment = false;  // IPv4 only: IPv6 routers never fragment
  std::size_t payload_length = 0;

  [[nodiscard]] std::uint16_t ether_type() const { return dst.is_v4() ? kEtherTypeIpv4 : kEtherTypeIpv6; }
  [[nodiscard]] std::size_t header_size() const { return dst.is_v4() ? kIpv4HeaderBytes : kIpv6HeaderBytes; }
  [[nodiscard]] std::size_t emitted_size() const { return header_size(); }
  void emit(MutableBytes out) const {
    assert(out.size() == emitted_size());
    emit_header(out.data());
  }
  // Writes header_size() bytes.
  void emit_header(std::uint8_t* out) const {
    assert(src.is_v4() == dst.is_v4());
    if (dst.is_v4()) {
      Ipv4Repr{.src = src.v4(),
               .dst = dst.v4(),
               .protocol = protocol,
               .ttl = hop_limit,
               .tos = traffic_class,
               .id = id,
               .dont_fragment = dont_fragment,
               .payload_length = payload_length}
          .emit_header(out);
    } else {
      Ipv6Repr{.src = src.v6(),
               .dst = dst.v6(),
               .next_header = protocol,
               .hop_limit = hop_limit,
               .traffic_class = traffic_class,
               .payload_length = payload_length}
          .emit_header(out);
    }
  }
};

// How much of a packet an ICMP error about it may quote: the error must not exceed 576 bytes over IPv4 (RFC 1812
// section 4.3.2.3) and the minimum MTU of 1,280 over IPv6 (RFC 4443 section 2.4 c). 8 bytes are the ICMP header.
[[nodiscard]] inline Bytes quotation(const IpView& about) {
  const std::size_t most = about.is_v6() ? 1280 - kIpv6HeaderBytes - 8 : 576 - kIpv4HeaderBytes - 8;
  return about.packet().first(std::min(most, about.packet().size()));
}

}  // namespace myriad::wire
