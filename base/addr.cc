#include "base/addr.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>

namespace myriad {
namespace {

// inet_pton() wants a terminated string; addresses are short.
bool to_binary(int family, std::string_view text, void* out) {
  char terminated[INET6_ADDRSTRLEN + 1];
  if (text.empty() || text.size() >= sizeof terminated || text.find('\0') != text.npos) return false;
  std::memcpy(terminated, text.data(), text.size());
  terminated[text.size()] = '\0';
  return inet_pton(family, terminated, out) == 1;
}

// Splits "address/length"; a missing length is `whole`.
bool split_prefix(std::string_view text, unsigned whole, std::string_view& address, std::uint8_t& length) {
  const auto slash = text.find('/');
  address = text.substr(0, slash);
  if (slash == text.npos) {
    length = static_cast<std::uint8_t>(whole);
    return true;
  }
  const std::string_view digits = text.substr(slash + 1);
  unsigned value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size() || value > whole) return false;
  length = static_cast<std::uint8_t>(value);
  return true;
}

}  // namespace

MacAddress MacAddress::from_number(std::uint64_t low48) {
  MacAddress mac;
  store_be32(mac.octets.data(), static_cast<std::uint32_t>(low48 >> 16));
  store_be16(mac.octets.data() + 4, static_cast<std::uint16_t>(low48));
  return mac;
}

MacAddress MacAddress::ipv6_multicast(const std::array<std::uint8_t, 16>& group) {
  return {{0x33, 0x33, group[12], group[13], group[14], group[15]}};
}

std::optional<MacAddress> MacAddress::parse(std::string_view text) {
  if (text.size() != 17) return std::nullopt;
  MacAddress mac;
  for (std::size_t i = 0; i < 6; ++i) {
    const char* at = text.data() + 3 * i;
    if (i > 0 && at[-1] != ':' && at[-1] != '-') return std::nullopt;
    const auto [end, error] = std::from_chars(at, at + 2, mac.octets[i], 16);
    if (error != std::errc{} || end != at + 2) return std::nullopt;
  }
  return mac;
}

std::string MacAddress::text() const { return fmt::format("{:02x}", fmt::join(octets, ":")); }

std::optional<Ipv4Address> Ipv4Address::parse(std::string_view text) {
  std::uint8_t bytes[4];
  if (!to_binary(AF_INET, text, bytes)) return std::nullopt;
  return from_bytes(bytes);
}

std::string Ipv4Address::text() const {
  return fmt::format("{}.{}.{}.{}", value >> 24, (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff);
}

std::optional<Ipv6Address> Ipv6Address::parse(std::string_view text) {
  Ipv6Address address;
  if (!to_binary(AF_INET6, text, address.octets.data())) return std::nullopt;
  return address;
}

std::string Ipv6Address::text() const {
  char buffer[INET6_ADDRSTRLEN];
  return inet_ntop(AF_INET6, octets.data(), buffer, sizeof buffer);
}

Ipv6Address Ipv6Address::plus(std::uint64_t n) const {
  Ipv6Address sum;
  const std::uint64_t new_low = low() + n;
  store_be64(sum.octets.data() + 8, new_low);
  store_be64(sum.octets.data(), high() + (new_low < n ? 1 : 0));
  return sum;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (const auto v4 = Ipv4Address::parse(text)) return IpAddress{*v4};
  if (const auto v6 = Ipv6Address::parse(text)) return IpAddress{*v6};
  return std::nullopt;
}

std::optional<Ipv4Prefix> Ipv4Prefix::parse(std::string_view text) {
  Ipv4Prefix prefix;
  std::string_view address;
  if (!split_prefix(text, 32, address, prefix.length)) return std::nullopt;
  const auto parsed = Ipv4Address::parse(address);
  if (!parsed) return std::nullopt;
  prefix.address = *parsed;
  return prefix;
}

std::string Ipv4Prefix::text() const { return fmt::format("{}/{}", address.text(), length); }

std::optional<Ipv6Prefix> Ipv6Prefix::parse(std::string_view text) {
  Ipv6Prefix prefix;
  std::string_view address;
  if (!split_prefix(text, 128, address, prefix.length)) return std::nullopt;
  const auto parsed = Ipv6Address::parse(address);
  if (!parsed) return std::nullopt;
  prefix.address = *parsed;
  return prefix;
}

bool Ipv6Prefix::contains(const Ipv6Address& a) const {
  const auto masked = [](std::uint64_t x, unsigned bits) {
    return bits == 0 ? 0 : x & (~std::uint64_t{0} << (64 - bits));
  };
  const unsigned high_bits = length < 64 ? length : 64U;
  const unsigned low_bits = length < 64 ? 0 : length - 64U;
  return masked(a.high() ^ address.high(), high_bits) == 0 && masked(a.low() ^ address.low(), low_bits) == 0;
}

std::string Ipv6Prefix::text() const { return fmt::format("{}/{}", address.text(), length); }

}  // namespace myriad
