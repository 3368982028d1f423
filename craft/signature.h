// What a `sequence` payload begins with, so that whoever receives the frame can tell loss, reordering, duplication and
// latency: 36 bytes, big-endian.
//
//   offset  0      4             12     16            24           32      36
//           magic  run           flow   sequence      sent, ns     check
//
// The run is a number drawn anew for each run, so that leftovers of an earlier one are not counted; the flow is its
// index in the scenario; frames of a flow are numbered from 0. The time is what the sender's clock says: latency is
// meaningful where sender and receiver share the clock. The check is a hash of run, flow, sequence and time: with the
// magic, 64 bits must fit by chance before foreign bytes pass for a signature.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/rng.h"

namespace myriad::craft {

inline constexpr std::size_t kSignatureBytes = 36;
inline constexpr std::uint32_t kSignatureMagic = 0x4d595201;  // "MYR", version 1

struct Signature {
  std::uint64_t run = 0;
  std::uint32_t flow = 0;
  std::uint64_t sequence = 0;
  std::int64_t sent_ns = 0;

  // The check of everything before it. `of_flow` is signature_seed() of run and flow.
  [[nodiscard]] static constexpr std::uint32_t check(std::uint64_t of_flow, std::uint64_t sequence,
                                                     std::int64_t sent_ns) {
    return static_cast<std::uint32_t>(mix64(mix64(of_flow ^ sequence) + static_cast<std::uint64_t>(sent_ns)) >> 32);
  }
  [[nodiscard]] static constexpr std::uint64_t seed(std::uint64_t run, std::uint32_t flow) {
    return mix64(run ^ mix64(flow));
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
