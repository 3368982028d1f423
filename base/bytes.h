// Byte order lives here and nowhere else. Network fields are read and written through these functions; no packed
// struct is ever laid over a frame and nobody else calls htons().
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace myriad {

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

static_assert(std::endian::native == std::endian::little, "load_be*/store_be* swap: the host is little-endian");

// Files say in which order they are: see capture/.
enum class ByteOrder : std::uint8_t { kLittle, kBig };

// Each reads or writes sizeof(T) bytes at `at`; the caller has checked that they are there.
[[nodiscard]] inline std::uint16_t load_be16(const std::uint8_t* at) {
  std::uint16_t value;
  std::memcpy(&value, at, sizeof value);
  return __builtin_bswap16(value);
}
[[nodiscard]] inline std::uint32_t load_be32(const std::uint8_t* at) {
  std::uint32_t value;
  std::memcpy(&value, at, sizeof value);
  return __builtin_bswap32(value);
}
[[nodiscard]] inline std::uint64_t load_be64(const std::uint8_t* at) {
  std::uint64_t value;
  std::memcpy(&value, at, sizeof value);
  return __builtin_bswap64(value);
}
inline void store_be16(std::uint8_t* at, std::uint16_t value) {
  value = __builtin_bswap16(value);
  std::memcpy(at, &value, sizeof value);
}
inline void store_be32(std::uint8_t* at, std::uint32_t value) {
  value = __builtin_bswap32(value);
  std::memcpy(at, &value, sizeof value);
}
inline void store_be64(std::uint8_t* at, std::uint64_t value) {
  value = __builtin_bswap64(value);
  std::memcpy(at, &value, sizeof value);
}
[[nodiscard]] inline std::uint16_t load_le16(const std::uint8_t* at) {
  std::uint16_t value;
  std::memcpy(&value, at, sizeof value);
  return value;
}
[[nodiscard]] inline std::uint32_t load_le32(const std::uint8_t* at) {
  std::uint32_t value;
  std::memcpy(&value, at, sizeof value);
  return value;
}
[[nodiscard]] inline std::uint64_t load_le64(const std::uint8_t* at) {
  std::uint64_t value;
  std::memcpy(&value, at, sizeof value);
  return value;
}
inline void store_le16(std::uint8_t* at, std::uint16_t value) { std::memcpy(at, &value, sizeof value); }
inline void store_le32(std::uint8_t* at, std::uint32_t value) { std::memcpy(at, &value, sizeof value); }
inline void store_le64(std::uint8_t* at, std::uint64_t value) { std::memcpy(at, &value, sizeof value); }
[[nodiscard]] inline std::uint16_t load16(ByteOrder order, const std::uint8_t* at) {
  if (order == ByteOrder::kBig) return load_be16(at);
  std::uint16_t value;
  std::memcpy(&value, at, sizeof value);
  return value;
}
[[nodiscard]] inline std::uint32_t load32(ByteOrder order, const std::uint8_t* at) {
  if (order == ByteOrder::kBig) return load_be32(at);
  std::uint32_t value;
  std::memcpy(&value, at, sizeof value);
  return value;
}
[[nodiscard]] inline std::uint64_t load64(ByteOrder order, const std::uint8_t* at) {
  if (order == ByteOrder::kBig) return load_be64(at);
  std::uint64_t value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

}  // namespace myriad
