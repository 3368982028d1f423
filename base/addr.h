// Addresses as values: MAC, IPv4, IPv6, either of them, prefixes, ports, VLAN tags. All are ordered, hashable as bytes,
// and support "the n-th after this one", which is how a group of hosts is described.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace myriad {

struct MacAddress {
  std::array<std::uint8_t, 6> octets{};

  static constexpr MacAddress broadcast() { return {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}; }
  static MacAddress from_bytes(const std::uint8_t* at) {
    MacAddress mac;
    std::memcpy(mac.octets.data(), at, 6);
    return mac;
  }
  static MacAddress from_number(std::uint64_t low48);
  // RFC 2464 section 7: 33:33 and the last four bytes of the group.
  static MacAddress ipv6_multicast(const std::array<std::uint8_t, 16>& group);
  static std::optional<MacAddress> parse(std::string_view text);

  [[nodiscard]] std::uint64_t number() const {
    // Four bytes and two, as compilers copy six: a read across the two stores of a copy would have to wait for both.
    return (std::uint64_t{load_be32(octets.data())} << 16) | load_be16(octets.data() + 4);
  }
  void store(std::uint8_t* at) const { std::memcpy(at, octets.data(), 6); }
  [[nodiscard]] constexpr bool is_group() const { return (octets[0] & 1) != 0; }
  [[nodiscard]] bool is_zero() const { return number() == 0; }
  [[nodiscard]] std::string text() const;
  friend constexpr auto operator<=>(const MacAddress&, const MacAddress&) = default;
  friend bool operator==(const MacAddress& a, const MacAddress& b) { return a.number() == b.number(); }
};

struct Ipv4Address {
  std::uint32_t value = 0;  // host order: 10.0.0.1 is 0x0a000001

  static Ipv4Address from_bytes(const std::uint8_t* at) { return {load_be32(at)}; }
  static std::optional<Ipv4Address> parse(std::string_view text);
  void store(std::uint8_t* at) const { store_be32(at, value); }
  [[nodiscard]] constexpr bool is_multicast() const { return (value >> 28) == 0xe; }
  [[nodiscard]] constexpr bool is_unspecified() const { return value == 0; }
  // RFC 1122 section 3.2.1.3: an address that may stand for one host on the wire.
  [[nodiscard]] constexpr bool is_unicast() const {
    return value != 0 && value != 0xffffffffU && !is_multicast() && (value >> 28) != 0xf && (value >> 24) != 127;
  }
  [[nodiscard]] std::string text() const;
  friend constexpr auto operator<=>(Ipv4Address, Ipv4Address) = default;
  friend constexpr Ipv4Address operator+(Ipv4Address a, std::uint32_t n) { return {a.value + n}; }
};

struct Ipv6Address {
  std::array<std::uint8_t, 16> octets{};

  static Ipv6Address from_bytes(const std::uint8_t* at) {
    Ipv6Address a;
    std::memcpy(a.octets.data(), at, 16);
    return a;
  }
  static std::optional<Ipv6Address> parse(std::string_view text);
  static constexpr Ipv6Address all_nodes() { return {{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}; }
  // RFC 4291 section 2.7.1: ff02::1:ff and the low 24 bits.
  [[nodiscard]] constexpr Ipv6Address solicited_node() const {
    return {{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, octets[13], octets[14], octets[15]}};
  }
  void store(std::uint8_t* at) const { std::memcpy(at, octets.data(), 16); }
  [[nodiscard]] constexpr bool is_multicast() const { return octets[0] == 0xff; }
  [[nodiscard]] constexpr bool is_unspecified() const { return octets == std::array<std::uint8_t, 16>{}; }
  [[nodiscard]] constexpr bool is_link_local() const { return octets[0] == 0xfe && (octets[1] & 0xc0) == 0x80; }
  [[nodiscard]] constexpr bool is_loopback() const {
    return *this == Ipv6Address{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
  }
  [[nodiscard]] std::uint64_t high() const { return load_be64(octets.data()); }
  [[nodiscard]] std::uint64_t low() const { return load_be64(octets.data() + 8); }
  [[nodiscard]] std::string text() const;  // RFC 5952
  friend constexpr auto operator<=>(const Ipv6Address&, const Ipv6Address&) = default;
  // The n-th address after this one; carries through all 128 bits.
  [[nodiscard]] Ipv6Address plus(std::uint64_t n) const;
};

// An IPv4 or an IPv6 address in 16 bytes: IPv4 is held as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2), which never
// appears on a wire. One type, so that everything above IP is written once.
class IpAddress {
 public:
  constexpr IpAddress() = default;
  IpAddress(Ipv4Address v4) {  // NOLINT(google-explicit-constructor): an IPv4 address is an IP address
    // One store, so that the reads of eight bytes that follow can be forwarded from it.
    store_be64(octets_.data() + 8, 0x0000ffff00000000U | v4.value);
  }
  IpAddress(const Ipv6Address& v6) : octets_(v6.octets) {}  // NOLINT(google-explicit-constructor)
  static std::optional<IpAddress> parse(std::string_view text);

  [[nodiscard]] bool is_v4() const {
    return load_be64(octets_.data()) == 0 && load_be32(octets_.data() + 8) == 0x0000ffffU;
  }
  [[nodiscard]] bool is_v6() const { return !is_v4(); }
  [[nodiscard]] Ipv4Address v4() const { return Ipv4Address::from_bytes(octets_.data() + 12); }
  [[nodiscard]] Ipv6Address v6() const { return {octets_}; }
  [[nodiscard]] const std::array<std::uint8_t, 16>& octets() const { return octets_; }
  [[nodiscard]] bool is_multicast() const { return is_v4() ? v4().is_multicast() : v6().is_multicast(); }
  [[nodiscard]] bool is_unspecified() const { return is_v4() ? v4().value == 0 : v6().is_unspecified(); }
  [[nodiscard]] std::string text() const { return is_v4() ? v4().text() : v6().text(); }
  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) = default;
  friend bool operator==(const IpAddress& a, const IpAddress& b) {  // no call of memcmp
    return load_be64(a.octets_.data()) == load_be64(b.octets_.data()) &&
           load_be64(a.octets_.data() + 8) == load_be64(b.octets_.data() + 8);
  }

 private:
  std::array<std::uint8_t, 16> octets_{};
};

struct Ipv4Prefix {
  Ipv4Address address;  // as written: host bits are kept
  std::uint8_t length = 32;

  static std::optional<Ipv4Prefix> parse(std::string_view text);  // a.b.c.d/n; /32 when there is no slash
  [[nodiscard]] constexpr std::uint32_t mask() const { return length == 0 ? 0 : ~std::uint32_t{0} << (32 - length); }
  [[nodiscard]] constexpr bool contains(Ipv4Address a) const { return ((a.value ^ address.value) & mask()) == 0; }
  [[nodiscard]] constexpr Ipv4Address broadcast() const { return {address.value | ~mask()}; }
  [[nodiscard]] std::string text() const;
  friend constexpr bool operator==(const Ipv4Prefix&, const Ipv4Prefix&) = default;
};

struct Ipv6Prefix {
  Ipv6Address address;
  std::uint8_t length = 128;

  static std::optional<Ipv6Prefix> parse(std::string_view text);
  [[nodiscard]] bool contains(const Ipv6Address& a) const;
  [[nodiscard]] std::string text() const;
  friend constexpr bool operator==(const Ipv6Prefix&, const Ipv6Prefix&) = default;
};

// A TCP or UDP port number.
struct Port {
  std::uint16_t number = 0;
  friend constexpr auto operator<=>(Port, Port) = default;
};

// Up to two VLAN identifiers, the outer first; 0 = no tag. Equal tags = the same broadcast domain.
struct VlanTags {
  std::uint16_t outer = 0;
  std::uint16_t inner = 0;

  [[nodiscard]] constexpr int depth() const { return (outer != 0 ? 1 : 0) + (inner != 0 ? 1 : 0); }
  friend constexpr auto operator<=>(VlanTags, VlanTags) = default;
};

}  // namespace myriad
