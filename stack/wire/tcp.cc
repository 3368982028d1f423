#include "stack/wire/tcp.h"

namespace myriad::wire {
namespace {

// Option kinds (RFC 9293 section 3.1, RFC 7323, RFC 2018).
constexpr std::uint8_t kEndOfList = 0;
constexpr std::uint8_t kNoOperation = 1;
constexpr std::uint8_t kMss = 2;
constexpr std::uint8_t kWindowScale = 3;
constexpr std::uint8_t kSackPermitted = 4;
constexpr std::uint8_t kSack = 5;
constexpr std::uint8_t kTimestamps = 8;

// One option, of `length` bytes with its kind and length. False when that length is illegal for its kind.
bool read_option(const std::uint8_t* at, std::size_t length, TcpOptions& options) {
  switch (at[0]) {
    case kMss:
      if (length != 4) return false;
      options.mss = load_be16(at + 2);
      return true;
    case kWindowScale:
      if (length != 3) return false;
      options.window_scale = std::min(at[2], kTcpMaxWindowScale);
      return true;
    case kSackPermitted:
      if (length != 2) return false;
      options.sack_permitted = true;
      return true;
    case kSack:
      if (length < 10 || (length - 2) % 8 != 0) return false;  // 40 bytes of options hold at most 4 blocks
      options.sack_count = static_cast<std::uint8_t>((length - 2) / 8);
      for (std::size_t i = 0; i < options.sack_count; ++i) {
        options.sack[i] = {SeqNum{load_be32(at + 2 + 8 * i)}, SeqNum{load_be32(at + 6 + 8 * i)}};
      }
      return true;
    case kTimestamps:
      if (length != 10) return false;
      options.has_timestamps = true;
      options.ts_value = load_be32(at + 2);
      options.ts_echo = load_be32(at + 6);
      return true;
    default:
      return true;
  }
}

}  // namespace

bool parse_tcp_options(Bytes list, TcpOptions& options) {
  assert(list.size() <= kTcpMaxHeaderBytes - kTcpHeaderBytes);
  std::size_t at = 0;
  while (at < list.size()) {
    const std::uint8_t kind = list[at];
    if (kind == kEndOfList) return true;
    if (kind == kNoOperation) {
      ++at;
      continue;
    }
    if (at + 1 >= list.size()) return false;
    const std::size_t length = list[at + 1];
    if (length < 2 || length > list.size() - at) return false;
    if (!read_option(list.data() + at, length, options)) return false;
    at += length;
  }
  return true;
}

}  // namespace myriad::wire
