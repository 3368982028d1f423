// Frames as captures have them, made byte by byte: any depth of VLAN tags, IPv4 and IPv6 with options, extension
// headers and fragments, TCP, UDP, ICMP, errors that quote packets, ARP, neighbour discovery; checksums right, wrong or
// absent.
#pragma once

#include <cstdint>
#include <vector>

#include "base/addr.h"
#include "base/checksum.h"
#include "base/rng.h"

namespace myriad::craft {

using Octets = std::vector<std::uint8_t>;

inline void append(Octets& to, Bytes bytes) {
  for (const std::uint8_t byte : bytes) to.push_back(byte);
}
inline void append16(Octets& to, std::uint16_t value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8));
  to.push_back(static_cast<std::uint8_t>(value));
}

enum class Sum { kGood, kBad, kNone };

// What stands at `at` becomes the checksum of all bytes with `start` added before.
inline void set_checksum(Octets& bytes, std::size_t at, std::uint64_t start, Sum how) {
  bytes[at] = bytes[at + 1] = 0;
  if (how == Sum::kNone) return;
  checksum_store(bytes.data() + at, checksum_add(start, bytes));
  if (bytes[at] == 0 && bytes[at + 1] == 0) bytes[at] = bytes[at + 1] = 0xff;
  if (how == Sum::kBad) bytes[at + 1] = static_cast<std::uint8_t>(bytes[at + 1] ^ 0x55);
}

inline std::uint64_t pseudo_sum(Bytes addresses, std::uint8_t protocol, std::size_t length) {
  return checksum_add(0, addresses) + checksum_word(protocol) + checksum_word(static_cast<std::uint16_t>(length));
}

inline Octets addresses_of(const IpAddress& src, const IpAddress& dst) {
  Octets out;
  for (const IpAddress* ip : {&src, &dst}) append(out, Bytes{ip->octets()}.subspan(ip->is_v4() ? 12 : 0));
  return out;
}

// `protocol` of kTcp and the like, whose checksum lies at `at` and covers the addresses.
inline Octets segment(const IpAddress& src, const IpAddress& dst, std::uint8_t protocol, std::size_t header,
                      std::size_t at, Bytes payload, Sum how) {
  Octets out(header, 0x11);
  if (protocol == 6) out[12] = static_cast<std::uint8_t>(header / 4 << 4);
  append(out, payload);
  if (protocol == 17) store_be16(out.data() + 4, static_cast<std::uint16_t>(out.size()));
  set_checksum(out, at, pseudo_sum(addresses_of(src, dst), protocol, out.size()), how);
  return out;
}
inline Octets tcp(const IpAddress& src, const IpAddress& dst, Bytes payload, Sum how, std::uint8_t flags = 0x10) {
  Octets out = segment(src, dst, 6, 20, 16, payload, how);
  out[13] = flags;
  if (how != Sum::kNone) set_checksum(out, 16, pseudo_sum(addresses_of(src, dst), 6, out.size()), how);
  return out;
}
inline Octets udp(const IpAddress& src, const IpAddress& dst, Bytes payload, Sum how) {
  return segment(src, dst, 17, 8, 6, payload, how);
}

// An ICMP message of either family; `body` is behind type, code and checksum.
inline Octets icmp(const IpAddress& src, const IpAddress& dst, std::uint8_t type, Bytes body, Sum how) {
  Octets out{type, 0, 0, 0};
  append(out, body);
  set_checksum(out, 2, src.is_v4() ? 0 : pseudo_sum(addresses_of(src, dst), 58, out.size()), how);
  return out;
}

struct Ipv4Shape {
  std::size_t option_words = 0;
  std::uint16_t fragment = 0;  // flags and offset as they stand
  Sum sum = Sum::kGood;
};
inline Octets ipv4(Ipv4Address src, Ipv4Address dst, std::uint8_t protocol, Bytes payload,
                   const Ipv4Shape& shape = {}) {
  const std::size_t header = 20 + 4 * shape.option_words;
  Octets out(header, 1);  // options: no operation
  out[0] = static_cast<std::uint8_t>(0x40 | header / 4);
  store_be16(out.data() + 2, static_cast<std::uint16_t>(header + payload.size()));
  store_be16(out.data() + 6, shape.fragment);
  out[9] = protocol;
  src.store(out.data() + 12);
  dst.store(out.data() + 16);
  set_checksum(out, 10, 0, shape.sum);
  append(out, payload);
  return out;
}

// `chain`: types of extension headers, in order: 0, 43 without segments left, 44 (not a later fragment), 60, 51.
inline Octets ipv6(const Ipv6Address& src, const Ipv6Address& dst, std::uint8_t protocol, Bytes payload,
                   const std::vector<std::uint8_t>& chain = {}) {
  Octets body;
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const std::uint8_t next = i + 1 < chain.size() ? chain[i + 1] : protocol;
    Octets header(chain[i] == 51 ? 12 : 8, 0);
    header[0] = next;
    if (chain[i] == 51) header[1] = 1;
    append(body, header);
  }
  append(body, payload);
  Octets out(40, 0);
  out[0] = 0x60;
  store_be16(out.data() + 4, static_cast<std::uint16_t>(body.size()));
  out[6] = chain.empty() ? protocol : chain[0];
  out[7] = 64;
  src.store(out.data() + 8);
  dst.store(out.data() + 24);
  append(out, body);
  return out;
}

inline Octets arp(std::uint16_t operation, MacAddress sender, Ipv4Address sender_ip, MacAddress target,
                  Ipv4Address target_ip) {
  Octets out{0, 1, 8, 0, 6, 4};
  append16(out, operation);
  out.resize(28);
  sender.store(out.data() + 8);
  sender_ip.store(out.data() + 14);
  target.store(out.data() + 18);
  target_ip.store(out.data() + 24);
  return out;
}

inline Octets ethernet(MacAddress dst, MacAddress src, const std::vector<std::uint16_t>& vlans, std::uint16_t type,
                       Bytes packet) {
  Octets out(12);
  dst.store(out.data());
  src.store(out.data() + 6);
  for (std::size_t i = 0; i < vlans.size(); ++i) {
    append16(out, vlans.size() == 2 && i == 0 ? 0x88a8 : 0x8100);
    append16(out, vlans[i]);
  }
  append16(out, type);
  append(out, packet);
  return out;
}

}  // namespace myriad::craft
