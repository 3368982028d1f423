// What a compiled packet consists of: bytes that never change and operations for what does. Private to craft/.
//
// An operation makes one value for each frame and puts it somewhere. How checksums follow without being summed again:
// a one's complement sum of 16-bit words is a number modulo 65535, 2^16 is 1 there, so a field adds its value times a
// power of two that only depends on where the field ends. The constant bytes are summed when the packet is compiled;
// each operation adds what its values contribute, and the checksum is what all of them fold to.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "craft/language.h"

namespace myriad::craft {

inline constexpr std::size_t kMostOperations = 64;
inline constexpr std::size_t kMostChecksums = 8;

// What the value of a frame comes from. Those named Wide have 128 bits.
enum class Make : std::uint8_t {
  kCount,
  kCountWide,
  kTable,
  kTableWide,
  kRandom,
  kRandomWide,
  kHost,
  kHostWide,
  kHostVlan,
  kColumn,
  kColumnWide,
  kLength,    // of the frame, less `start`
  kPrefix,    // sum of the payload's first bytes, of those that the frame has
  kChecksum,  // complement of what sum `index` folds to
  // These put their bytes themselves.
  kRandomBytes,
  kColumnBytes,
  kSignature,
};

enum class Put : std::uint8_t {
  kNothing,
  kLength,  // is the length of the frame
  k8,
  k16,
  k32,
  k48,
  k64,
  k128,
  // Some bits of a big-endian word of 1, 2, 4 or 8 bytes.
  kBits8,
  kBits16,
  kBits32,
  kBits64,
};

// The value, times 2^rotate, is part of sum `checksum`.
struct Contribution {
  std::uint8_t checksum = 0;
  std::uint8_t rotate = 0;
};

struct Operation {
  Make make = Make::kCount;
  Put put = Put::kNothing;
  std::uint8_t shift = 0;  // of kBits*: the field's last bit from the word's last
  std::uint8_t contributions = 0;
  std::uint16_t at = 0;     // in the frame
  std::uint32_t index = 0;  // kTable*: first of the table; kColumn*: column; kChecksum: which; kPrefix, kSignature, …
  std::uint64_t start = 0, start_high = 0;
  std::uint64_t step = 0, step_high = 0;   // kHostVlan: 2^48 / hosts per VLAN, rounded up
  std::uint64_t count = 0;                 // kCount*: until it repeats; kTable*: entries; kRandom*: values, 0 = 2^64
  std::uint64_t count_high = 0;            // kRandomWide
  std::uint64_t seed = 0;                  // kRandom*
  std::uint64_t mask = ~std::uint64_t{0};  // of the value; kCountWide: of the upper half
  bool narrow = false;                     // values are below 2^32
  bool wrong = false;                      // kChecksum: surely not the right one
  bool never_zero = false;                 // kChecksum: UDP's zero means that there is none
  // Each checksum counts a field at most twice: as it stands, and in the pseudo-header.
  std::array<Contribution, 2 * kMostChecksums> contributes{};
};

struct Resolve {
  bool needed = false;
  bool v6 = false;
  std::uint16_t destination_at = 0;  // of the IP destination in the frame
  std::optional<IpAddress> common;   // destination of all frames, when they have one in common
};

struct ProgramParts {
  std::vector<std::uint8_t> bytes;  // of the longest frame, with zeros where operations put something
  std::size_t copied = 0;           // of `bytes` that a frame must hold before it is patched
  std::size_t payload_at = 0;
  std::size_t least = 0;  // bytes of the shortest frame
  bool varies_in_length = false;
  bool grows_by_row = false;          // the length is what comes before the payload and the row's bytes
  std::uint32_t length_column = 0;    // of grows_by_row
  std::vector<Operation> operations;  // the one that makes the length, if there is one, is the first
  std::vector<std::uint64_t> sums;    // of the constants of each checksum
  std::vector<std::uint64_t> table;   // of kTable*; wide ones are pairs, the upper half first
  std::vector<std::uint16_t> prefix;  // folded sums of the payload's first 0, 1, 2, … bytes
  std::vector<std::uint8_t> fill;     // behind a row's bytes; empty: zeros
  Resolve resolve;
  bool has_signature = false;
  std::uint16_t signature_at = 0;
  std::uint16_t flow = 0;
};

}  // namespace myriad::craft
