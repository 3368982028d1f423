// Classic pcap (draft-ietf-opsawg-pcap): a file header of 24 bytes with one link type for all, then records of 16 bytes
// and the frame. Either byte order, microseconds or nanoseconds; also Alexey Kuznetzov's variant of the 1990s, whose
// record headers are 24 bytes and tell the direction. Versions 2.0 to 2.3 had the two lengths the other way round.
#pragma once

#include <optional>

#include "capture/record.h"
#include "capture/window.h"

namespace myriad::capture {

class PcapFormat {
 public:
  // Of the first four bytes.
  [[nodiscard]] static bool looks_like(Bytes first);

  // Reads the file header, which stands at the cursor.
  static std::optional<PcapFormat> open(Window& window, Damage& damage);

  // The record at the cursor, which then is behind it.
  Step next(Window& window, Record& record, Damage& damage) const;

  [[nodiscard]] const Interface& interface() const { return interface_; }

 private:
  enum class Lengths : std::uint8_t { kCapturedFirst, kOriginalFirst, kLesserIsCaptured };

  ByteOrder order_ = ByteOrder::kLittle;
  Lengths lengths_ = Lengths::kCapturedFirst;
  std::uint8_t header_bytes_ = 16;        // of each record
  std::uint32_t ns_per_fraction_ = 1000;  // 1 in files with nanoseconds
  Interface interface_;
};

}  // namespace myriad::capture
