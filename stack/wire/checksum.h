// Checksums of TCP, UDP and ICMPv6, which also cover a pseudo-header of addresses, length and protocol (RFC 9293
// section 3.1, RFC 768, RFC 8200 section 8.1). One function serves both families.
#pragma once

#include <cassert>
#include <cstdint>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/checksum.h"

namespace myriad::wire {

inline constexpr std::uint8_t kProtocolIcmp = 1;
inline constexpr std::uint8_t kProtocolTcp = 6;
inline constexpr std::uint8_t kProtocolUdp = 17;
inline constexpr std::uint8_t kProtocolIcmpv6 = 58;

// The running sum of the pseudo-header. IPv4 addresses are held as ::ffff:a.b.c.d, whose prefix adds 0xffff, and that
// is zero in one's complement: so all 16 bytes are added whatever the family.
[[nodiscard]] inline std::uint64_t pseudo_header_sum(const IpAddress& source, const IpAddress& destination,
                                                     std::uint8_t protocol, std::size_t length) {
  // Word by word with the carry brought round: addresses were often written a word at a time just before, and a wider
  // read would have to wait for that to reach the cache.
  std::uint64_t sum = 0;
  const auto add = [&sum](const std::uint8_t* at) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    sum += word;
    sum += sum < word ? 1U : 0U;
  };
  add(source.octets().data());
  add(source.octets().data() + 8);
  add(destination.octets().data());
  add(destination.octets().data() + 8);
  return (sum & 0xffffffffU) + (sum >> 32) + checksum_word(protocol) +
         checksum_word(static_cast<std::uint16_t>(length)) + checksum_word(static_cast<std::uint16_t>(length >> 16));
}

// Adds `bytes` of even length to a running sum, inline: for headers, where a call costs more than the sum.
[[nodiscard]] inline std::uint64_t checksum_add_header(std::uint64_t sum, const std::uint8_t* at, std::size_t length) {
  assert(length % 2 == 0);
  for (; length >= 4; at += 4, length -= 4) {
    std::uint32_t word;
    std::memcpy(&word, at, sizeof word);
    sum += word;
  }
  if (length != 0) {
    std::uint16_t word;
    std::memcpy(&word, at, sizeof word);
    sum += word;
  }
  return sum;
}

inline constexpr std::size_t kShortSum = 256;  // beyond it the wide sum is worth its call

// The same for bytes that came in: nobody has just written them in smaller pieces, so they are read eight at a time.
[[nodiscard]] inline std::uint64_t checksum_add_received(std::uint64_t sum, Bytes bytes) {
  return bytes.size() > kShortSum ? checksum_add(sum, bytes) : checksum_add_short(sum, bytes.data(), bytes.size());
}

// The same for a segment that has just been written: a header in words of four bytes, then payload.
[[nodiscard]] inline std::uint64_t checksum_add_segment(std::uint64_t sum, Bytes bytes) {
  constexpr std::size_t kHeader = 40;  // of a SYN; others have at most 32 bytes of header, but for SACK
  if (bytes.size() >= kHeader) {
    sum = checksum_add_header(sum, bytes.data(), kHeader);
    return checksum_add_received(sum, bytes.subspan(kHeader));
  }
  const std::size_t even = bytes.size() & ~std::size_t{1};
  sum = checksum_add_header(sum, bytes.data(), even);
  if (even != bytes.size()) sum += bytes[even];
  return sum;
}

enum class ChecksumState : std::uint8_t {
  kGood,
  kPending,  // the sender left it to its device: the field holds the folded pseudo-header sum, not complemented
  kBad,
};

// Where the checksum field lies in a segment of TCP, UDP or ICMPv6.
[[nodiscard]] constexpr std::size_t checksum_offset(std::uint8_t protocol) {
  return protocol == kProtocolTcp ? 16 : protocol == kProtocolUdp ? 6 : 2;
}

// `segment` is a whole transport segment whose header has been parsed: the checksum field is there. `accept_pending`
// says that the port may hand over frames before a device has finished the checksum (veth).
// UDP without checksum is good over IPv4 (RFC 768) and bad over IPv6 (RFC 8200 section 8.1).
[[nodiscard]] inline ChecksumState transport_checksum(const IpAddress& source, const IpAddress& destination,
                                                      std::uint8_t protocol, Bytes segment, bool accept_pending) {
  const std::size_t offset = checksum_offset(protocol);
  assert(segment.size() >= offset + 2);
  std::uint16_t field;
  std::memcpy(&field, segment.data() + offset, sizeof field);
  if (protocol == kProtocolUdp && field == 0) return source.is_v4() ? ChecksumState::kGood : ChecksumState::kBad;
  const std::uint64_t pseudo = pseudo_header_sum(source, destination, protocol, segment.size());
  if (accept_pending && field == checksum_fold(pseudo)) return ChecksumState::kPending;
  return checksum_fold(checksum_add_received(pseudo, segment)) == 0xffff ? ChecksumState::kGood : ChecksumState::kBad;
}

// Finishes an emitted segment whose checksum field is still zero. `sum` is the pseudo-header's, and the payload's when
// that is known: `segment` is only the header then. A UDP checksum that comes out as zero goes on the wire as all ones
// (RFC 768).
inline void finish_transport_checksum(std::uint64_t sum, std::uint8_t protocol, MutableBytes segment) {
  auto folded = static_cast<std::uint16_t>(~checksum_fold(checksum_add_segment(sum, segment)));
  if (protocol == kProtocolUdp && folded == 0) folded = 0xffff;
  std::memcpy(segment.data() + checksum_offset(protocol), &folded, sizeof folded);
}

}  // namespace myriad::wire
