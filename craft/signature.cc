#include "craft/signature.h"

#include <algorithm>

namespace myriad::craft {

void Signature::store(std::uint8_t* at) const {
  store_be16(at, kSignatureMagic);
  store_be16(at + 2, flow);
  store_be16(at + 4, run);
  store_be32(at + 6, sequence);
  store_be16(at + 10, static_cast<std::uint16_t>(sent_ns >> 32));
  store_be32(at + 12, static_cast<std::uint32_t>(sent_ns));
  store_be16(at + 16, check(seed(run, flow), sequence, sent_ns & kTimeMask));
}

std::optional<Signature> Signature::at(Bytes frame, std::size_t offset) {
  if (offset > frame.size() || frame.size() - offset < kSignatureBytes) return std::nullopt;
  const std::uint8_t* const at = frame.data() + offset;
  if (load_be16(at) != kSignatureMagic) return std::nullopt;
  const Signature found{.run = load_be16(at + 4),
                        .flow = load_be16(at + 2),
                        .sequence = load_be32(at + 6),
                        .sent_ns = std::uint64_t{load_be16(at + 10)} << 32 | load_be32(at + 12)};
  if (load_be16(at + 16) != check(seed(found.run, found.flow), found.sequence, found.sent_ns)) return std::nullopt;
  return found;
}

std::optional<Signature> Signature::find(Bytes frame, std::size_t& likely) {
  if (auto found = at(frame, likely)) return found;
  if (frame.size() < kSignatureBytes) return std::nullopt;
  const std::size_t last = std::min(frame.size() - kSignatureBytes, kSearchedBytes);
  constexpr auto kFirstByte = static_cast<std::uint8_t>(kSignatureMagic >> 8);
  for (std::size_t offset = 0; offset <= last; ++offset) {
    if (frame[offset] != kFirstByte) continue;
    if (auto found = at(frame, offset)) {
      likely = offset;
      return found;
    }
  }
  return std::nullopt;
}

}  // namespace myriad::craft
