// What a capture file holds: frames, and the interfaces on which they were seen.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "capture/link_type.h"

namespace myriad::capture {

// As seen from who captured.
enum class Direction : std::uint8_t { kUnknown = 0, kInbound = 1, kOutbound = 2 };

struct Interface {
  LinkType link = kLinkEthernet;
  std::uint32_t snap_length = 0;  // no frame was captured longer; 0: whole frames
  std::uint8_t fcs_bytes = 0;     // of a frame check sequence at the end of each frame
  std::string name;               // empty where the file does not say
};

struct Record {
  Bytes bytes;                        // as captured; valid until the reader goes on
  std::int64_t unix_ns = 0;           // since 1970; 0 when !has_time
  std::uint64_t offset = 0;           // of the record in the file, after decompression
  std::uint32_t original_length = 0;  // on the wire. More than bytes.size(): the frame was cut
  std::uint32_t interface = 0;        // index into Reader::interfaces()
  LinkType link = kLinkEthernet;
  Direction direction = Direction::kUnknown;
  std::uint8_t fcs_bytes = 0;  // of a frame check sequence at the end of `bytes`
  // False for simple packet blocks, which have no time, and for times that 64 bits of nanoseconds do not hold.
  bool has_time = false;
};

// No frame is longer, as other readers of captures have it too; a length above is a corrupt one.
inline constexpr std::uint32_t kMaxCapturedBytes = 262'144;

// Why a file ends before its end.
struct Damage {
  enum class Kind : std::uint8_t {
    kCutOff,      // the file ends inside a record: its writer was interrupted
    kCorrupt,     // what is there cannot be right
    kUnreadable,  // the system, or the decompression, gives no more
  };
  Kind kind = Kind::kCorrupt;
  std::uint64_t offset = 0;  // of the record or block that is not whole
  std::string what;
};

enum class Step : std::uint8_t { kRecord, kEnd, kDamage };

}  // namespace myriad::capture
