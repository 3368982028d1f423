// ICMP for IPv4 (RFC 792, RFC 1122 section 3.2.2) and for IPv6 (RFC 4443). The messages have one shape: type, code,
// checksum, a parameter of four bytes, data; they differ in numbers and in the pseudo-header that ICMPv6 sums as well.
//
// Refused: messages of less than 8 bytes (every known type has them) and wrong checksums. What a type means is said by
// kind(); types that hosts do not answer are kOther. Neighbour discovery is in wire/ndp.h.
#pragma once

#include <cassert>
#include <cstdint>
#include <tl/expected.hpp>

#include "base/addr.h"
#include "base/bytes.h"
#include "stack/wire/checksum.h"
#include "stack/wire/drop.h"
#include "stack/wire/ip.h"

namespace myriad::wire {

inline constexpr std::size_t kIcmpHeaderBytes = 8;

inline constexpr std::uint8_t kIcmpv4EchoReply = 0;
inline constexpr std::uint8_t kIcmpv4Unreachable = 3;
inline constexpr std::uint8_t kIcmpv4SourceQuench = 4;
inline constexpr std::uint8_t kIcmpv4Redirect = 5;
inline constexpr std::uint8_t kIcmpv4EchoRequest = 8;
inline constexpr std::uint8_t kIcmpv4TimeExceeded = 11;
inline constexpr std::uint8_t kIcmpv4ParameterProblem = 12;

inline constexpr std::uint8_t kIcmpv4CodeProtocolUnreachable = 2;
inline constexpr std::uint8_t kIcmpv4CodePortUnreachable = 3;
inline constexpr std::uint8_t kIcmpv4CodeFragmentationNeeded = 4;
inline constexpr std::uint8_t kIcmpv4CodeNetworkProhibited = 9;  // administratively, as the next two
inline constexpr std::uint8_t kIcmpv4CodeHostProhibited = 10;
inline constexpr std::uint8_t kIcmpv4CodeCommunicationProhibited = 13;  // RFC 1812 section 5.2.7.1

inline constexpr std::uint8_t kIcmpv6Unreachable = 1;
inline constexpr std::uint8_t kIcmpv6PacketTooBig = 2;
inline constexpr std::uint8_t kIcmpv6TimeExceeded = 3;
inline constexpr std::uint8_t kIcmpv6ParameterProblem = 4;
inline constexpr std::uint8_t kIcmpv6EchoRequest = 128;
inline constexpr std::uint8_t kIcmpv6EchoReply = 129;
inline constexpr std::uint8_t kIcmpv6NeighbourSolicitation = 135;
inline constexpr std::uint8_t kIcmpv6NeighbourAdvertisement = 136;

inline constexpr std::uint8_t kIcmpv6CodeAdministrativelyProhibited = 1;
inline constexpr std::uint8_t kIcmpv6CodePortUnreachable = 4;
inline constexpr std::uint8_t kIcmpv6CodeSourceFailedPolicy = 5;  // RFC 4443 section 3.1: kinds of code 1
inline constexpr std::uint8_t kIcmpv6CodeRouteRejects = 6;

enum class IcmpKind : std::uint8_t {
  kEchoRequest,
  kEchoReply,
  kUnreachable,   // with any code but "fragmentation needed"
  kPacketTooBig,  // IPv4: unreachable, fragmentation needed
  kTimeExceeded,
  kParameterProblem,
  kOtherError,  // quotes a packet, but nobody acts on it; must not be answered by an error either
  kNeighbourSolicitation,
  kNeighbourAdvertisement,
  kOther,
};

class IcmpView {
 public:
  // `ip` carries protocol 1 over IPv4 or 58 over IPv6 and is no fragment. The bytes behind it must outlive the view.
  [[nodiscard]] static tl::expected<IcmpView, stack::Drop> parse(const IpView& ip) {
    return parse(ip.payload(), ip.src(), ip.dst());
  }
  [[nodiscard]] static tl::expected<IcmpView, stack::Drop> parse(Bytes message, const IpAddress& src,
                                                                 const IpAddress& dst) {
    if (message.size() < kIcmpHeaderBytes) return tl::unexpected(stack::Drop::kTruncated);
    const std::uint64_t pseudo = pseudo_sum(src, dst, message.size());
    if (checksum_fold(checksum_add_segment(pseudo, message)) != 0xffff) {
      return tl::unexpected(stack::Drop::kBadIcmpChecksum);
    }
    return IcmpView{message, dst.is_v6()};
  }

  // Zero over IPv4, the pseudo-header over IPv6.
  [[nodiscard]] static std::uint64_t pseudo_sum(const IpAddress& src, const IpAddress& dst, std::size_t length) {
    return dst.is_v4() ? 0 : pseudo_header_sum(src, dst, kProtocolIcmpv6, length);
  }

  [[nodiscard]] bool is_v6() const { return v6_; }
  [[nodiscard]] IcmpKind kind() const { return kind_; }
  [[nodiscard]] std::uint8_t type() const { return message_[0]; }
  [[nodiscard]] std::uint8_t code() const { return message_[1]; }
  [[nodiscard]] std::uint32_t parameter() const { return load_be32(message_.data() + 4); }
  [[nodiscard]] Bytes data() const { return message_.subspan(kIcmpHeaderBytes); }
  [[nodiscard]] Bytes message() const { return message_; }

  // Of an echo request or reply.
  [[nodiscard]] std::uint16_t echo_id() const { return load_be16(message_.data() + 4); }
  [[nodiscard]] std::uint16_t echo_sequence() const { return load_be16(message_.data() + 6); }

  // True for messages that report an error: no error may be sent about them (RFC 1122 section 3.2.2, RFC 4443 section
  // 2.4 e), and data() is the packet that they are about (see IpView::parse_quoted).
  [[nodiscard]] bool is_error() const { return kind_ >= IcmpKind::kUnreachable && kind_ <= IcmpKind::kOtherError; }
  // Of kPacketTooBig; 0 when a router older than RFC 1191 did not say.
  [[nodiscard]] std::uint32_t next_hop_mtu() const { return v6_ ? parameter() : parameter() & 0xffffU; }

 private:
  IcmpView(Bytes message, bool v6)
      : message_(message), v6_(v6), kind_(v6 ? kind_v6(message[0]) : kind_v4(message[0], message[1])) {}

  static IcmpKind kind_v4(std::uint8_t type, std::uint8_t code) {
    switch (type) {
      case kIcmpv4EchoRequest:
        return IcmpKind::kEchoRequest;
      case kIcmpv4EchoReply:
        return IcmpKind::kEchoReply;
      case kIcmpv4Unreachable:
        return code == kIcmpv4CodeFragmentationNeeded ? IcmpKind::kPacketTooBig : IcmpKind::kUnreachable;
      case kIcmpv4TimeExceeded:
        return IcmpKind::kTimeExceeded;
      case kIcmpv4ParameterProblem:
        return IcmpKind::kParameterProblem;
      case kIcmpv4SourceQuench:
      case kIcmpv4Redirect:
        return IcmpKind::kOtherError;
      default:
        return IcmpKind::kOther;
    }
  }
  static IcmpKind kind_v6(std::uint8_t type) {
    switch (type) {
      case kIcmpv6EchoRequest:
        return IcmpKind::kEchoRequest;
      case kIcmpv6EchoReply:
        return IcmpKind::kEchoReply;
      case kIcmpv6Unreachable:
        return IcmpKind::kUnreachable;
      case kIcmpv6PacketTooBig:
        return IcmpKind::kPacketTooBig;
      case kIcmpv6TimeExceeded:
        return IcmpKind::kTimeExceeded;
      case kIcmpv6ParameterProblem:
        return IcmpKind::kParameterProblem;
      case kIcmpv6NeighbourSolicitation:
        return IcmpKind::kNeighbourSolicitation;
      case kIcmpv6NeighbourAdvertisement:
        return IcmpKind::kNeighbourAdvertisement;
      default:
        return type < 128 ? IcmpKind::kOtherError : IcmpKind::kOther;  // RFC 4443 section 2.1
    }
  }

  Bytes message_;
  bool v6_;
  IcmpKind kind_;
};

// A message of either family; the family is that of the addresses given to emit().
struct IcmpRepr {
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  std::uint32_t parameter = 0;
  Bytes data{};  // must outlive emit(); may be in its place already, 8 bytes behind the start of the output

  [[nodiscard]] static IcmpRepr echo_request(bool v6, std::uint16_t id, std::uint16_t sequence, Bytes data) {
    return {v6 ? kIcmpv6EchoRequest : kIcmpv4EchoRequest, 0, std::uint32_t{id} << 16 | sequence, data};
  }
  [[nodiscard]] static IcmpRepr echo_reply(bool v6, std::uint16_t id, std::uint16_t sequence, Bytes data) {
    return {v6 ? kIcmpv6EchoReply : kIcmpv4EchoReply, 0, std::uint32_t{id} << 16 | sequence, data};
  }
  // About a datagram to a port where nobody listens.
  [[nodiscard]] static IcmpRepr port_unreachable(const IpView& about) {
    return {about.is_v6() ? kIcmpv6Unreachable : kIcmpv4Unreachable,
            about.is_v6() ? kIcmpv6CodePortUnreachable : kIcmpv4CodePortUnreachable, 0, quotation(about)};
  }
  // About a packet that does not fit the next link.
  [[nodiscard]] static IcmpRepr packet_too_big(const IpView& about, std::uint16_t next_hop_mtu) {
    if (about.is_v6()) return {kIcmpv6PacketTooBig, 0, next_hop_mtu, quotation(about)};
    return {kIcmpv4Unreachable, kIcmpv4CodeFragmentationNeeded, next_hop_mtu, quotation(about)};
  }

  [[nodiscard]] std::size_t emitted_size() const { return kIcmpHeaderBytes + data.size(); }
  // Writes the whole message, with its checksum.
  void emit(MutableBytes out, const IpAddress& src, const IpAddress& dst) const {
    assert(out.size() == emitted_size());
    std::uint8_t* at = out.data();
    const std::uint32_t head = std::uint32_t{type} << 24 | std::uint32_t{code} << 16;
    if (!data.empty() && data.data() != at + kIcmpHeaderBytes) {
      std::memcpy(at + kIcmpHeaderBytes, data.data(), data.size());
    }
    store_be32(at, head);
    store_be32(at + 4, parameter);
    checksum_store(at + 2, checksum_add_segment(IcmpView::pseudo_sum(src, dst, out.size()), out));
  }
};

// The answer to an echo request, for addresses that are merely exchanged: then only the type changes the sum, and the
// data is copied without being summed again. `out` has the size of the request.
inline void emit_echo_reply(const IcmpView& request, MutableBytes out) {
  const Bytes message = request.message();
  assert(request.kind() == IcmpKind::kEchoRequest && out.size() == message.size());
  std::memcpy(out.data(), message.data(), message.size());
  out[0] = request.is_v6() ? kIcmpv6EchoReply : kIcmpv4EchoReply;
  const auto word = [&](std::uint8_t type) { return static_cast<std::uint16_t>(type << 8 | request.code()); };
  checksum_patch(out.data() + 2, word(request.type()), word(out[0]));
  // Zero and all ones are the same sum, except for a message of nothing but zeros, which needs all ones.
  if (load_be16(out.data() + 2) == 0) store_be16(out.data() + 2, 0xffff);
}

}  // namespace myriad::wire
