// How RapidCheck makes our values.
#pragma once

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <vector>

#include "base/addr.h"
#include "base/seq.h"

namespace myriad::property {

template <class T>
T any() {
  return *rc::gen::arbitrary<T>();
}
inline std::uint64_t below(std::uint64_t bound) { return *rc::gen::inRange<std::uint64_t>(0, bound); }
// RapidCheck makes small numbers first; addresses want all their bits.
inline std::uint64_t bits() {
  return *rc::gen::noShrink(rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint64_t>()));
}

inline std::vector<std::uint8_t> bytes(std::size_t at_most) {
  const auto size = static_cast<std::size_t>(below(at_most + 1));
  return *rc::gen::container<std::vector<std::uint8_t>>(size, rc::gen::arbitrary<std::uint8_t>());
}
// A station's: neither group nor zero.
inline MacAddress mac() { return MacAddress::from_number((bits() & 0xfeffffffffffULL) | 0x020000000000ULL); }
inline Ipv4Address ipv4() { return {static_cast<std::uint32_t>(0x0a000000U | (bits() & 0xffffffU))}; }
inline Ipv6Address ipv6() {
  Ipv6Address address;
  store_be64(address.octets.data(), bits());
  store_be64(address.octets.data() + 8, bits());
  address.octets[0] = 0xfd;
  return address;
}
inline Port port() { return {any<std::uint16_t>()}; }
inline SeqNum seq() { return SeqNum{static_cast<std::uint32_t>(bits())}; }
inline VlanTags vlan() {
  VlanTags tags;
  const auto depth = below(3);
  if (depth > 0) tags.outer = static_cast<std::uint16_t>(1 + below(4094));
  if (depth > 1) tags.inner = static_cast<std::uint16_t>(1 + below(4094));
  return tags;
}

}  // namespace myriad::property
