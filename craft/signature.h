// What a `sequence` payload begins with, so that whoever receives the frame can tell loss, reordering, duplication and
// latency: 18 bytes, big-endian. It fits in the smallest frame of UDP over IPv4.
//
//   offset  0      2      4     6           10         16      18
//           magic  flow   run   sequence    sent, ns   check
//
// The run is drawn anew for each run, so that leftovers of an earlier one are not counted; the flow is its index in the
// scenario; frames of a flow are numbered from 0, modulo 2^32. The time is what the sender's clock says, modulo 2^48 ns
// (78 hours): latency is meaningful where sender and receiver share the clock. The check is a hash of the rest: with
// the magic, 32 bits must fit by chance before foreign bytes pass for a signature, and 16 more to pass for one of this
// run.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/rng.h"

namespace myriad::craft {

inline constexpr std::size_t kSignatureBytes = 18;
inline constexpr std::uint16_t kSignatureMagic = 0x4d59;  // "MY"

struct Signature {
  std::uint16_t run = 0;
  std::uint16_t flow = 0;
  std::uint32_t sequence = 0;
  std::uint64_t sent_ns = 0;  // 48 bits

  static constexpr std::uint64_t kTimeMask = (std::uint64_t{1} << 48) - 1;

  // The check of everything before it. `of_flow` is seed() of run and flow.
  [[nodiscard]] static constexpr std::uint16_t check(std::uint64_t of_flow, std::uint32_t sequence,
                                                     std::uint64_t sent_ns) {
    return static_cast<std::uint16_t>(mix64(mix64(of_flow ^ sequence) + sent_ns) >> 48);
  }
  [[nodiscard]] static constexpr std::uint64_t seed(std::uint16_t run, std::uint16_t flow) {
    return mix64(run ^ mix64(flow));
  }
  // How long ago it was sent, when it is `now_ns` on the sender's clock; negative when it is still to be sent. Of times
  // that are 39 hours or more apart it tells something else.
  [[nodiscard]] std::int64_t age_ns(std::int64_t now_ns) const {
    constexpr int kSpareBits = 16;  // the time has 48
    const std::uint64_t ago = static_cast<std::uint64_t>(now_ns) - sent_ns;
    return static_cast<std::int64_t>(ago << kSpareBits) >> kSpareBits;
  }

  // Writes kSignatureBytes.
  void store(std::uint8_t* at) const;
  // The signature that begins at `offset` of `frame`, if there is one.
  [[nodiscard]] static std::optional<Signature> at(Bytes frame, std::size_t offset);
  // The first signature within the frame. `likely` is where it is when nothing was inserted or taken on the way; then
  // any offset up to kSearchedBytes is tried. Sets `likely` to where it was found.
  [[nodiscard]] static std::optional<Signature> find(Bytes frame, std::size_t& likely);
  static constexpr std::size_t kSearchedBytes = 256;  // headers are not longer, tunnels included

  friend bool operator==(const Signature&, const Signature&) = default;
};

}  // namespace myriad::craft
