#include "craft/signature.h"

#include <algorithm>

namespace myriad::craft {

void Signature::store(std::uint8_t* at) const {
  store_be32(at, kSignatureMagic);
  store_be64(at + 4, run);
  store_be32(at + 12, flow);
  store_be64(at + 16, sequence);
  store_be64(at + 24, static_cast<std::uint64_t>(sent_ns));
  store_be32(at + 32, check(seed(run, flow), sequence, sent_ns));
}

std::optional<Signature> Signature::at(Bytes frame, std::size_t offset) {
  if (offset > frame.size() || frame.size() - offset < kSignatureBytes) return std::nullopt;
  const std::uint8_t* const at = frame.data() + offset;
  if (load_be32(at) != kSignatureMagic) return std::nullopt;
  const Signature found{load_be64(at + 4), load_be32(at + 12), load_be64(at + 16),
                        static_cast<std::int64_t>(load_be64(at + 24))};
  if (load_be32(at + 32) != check(seed(found.run, found.flow), found.sequence, found.sent_ns)) return std::nullopt;
  return found;
}

std::optional<Signature> Signature::find(Bytes frame, std::size_t& likely) {
  if (auto found = at(frame, likely)) return found;
  if (frame.size() < kSignatureBytes) return std::nullopt;
  const std::size_t last = std::min(frame.size() - kSignatureBytes, kSearchedBytes);
  constexpr auto kFirstByte = static_cast<std::uint8_t>(kSignatureMagic >> 24);
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
