// Every checksum of a frame as somebody sees it who sums what it covers: also those in the packets that ICMP errors
// quote, as far as the quote is whole. "ip:good udp:bad". Knows nothing of how frames are rewritten.
#pragma once

#include <string>

#include "tests/craft/frame_maker.h"

namespace myriad::craft {

class SumsSeen {
 public:
  explicit SumsSeen(Bytes frame) {
    std::size_t at = 12;
    while (frame.size() >= at + 6 && (load_be16(frame.data() + at) == 0x8100 || load_be16(frame.data() + at) == 0x88a8))
      at += 4;
    if (frame.size() >= at + 2) packet(load_be16(frame.data() + at), frame.subspan(at + 2));
  }
  [[nodiscard]] const std::string& said() const { return said_; }

 private:
  void say(const char* what, std::uint64_t sum) {
    said_ += std::string(what) + (checksum_fold(sum) == 0xffff ? ":good " : ":bad ");
  }
  void packet(std::uint16_t type, Bytes bytes) {
    if (type == 0x0800) v4(bytes);
    if (type == 0x86dd) v6(bytes);
  }
  void v4(Bytes bytes) {
    if (bytes.size() < 20) return;
    const std::size_t header = std::size_t{bytes[0] & 0x0fU} * 4;
    if (header < 20 || header > bytes.size()) return;
    say("ip", checksum_add(0, bytes.first(header)));
    const std::size_t total = load_be16(bytes.data() + 2);
    if (total > bytes.size() || total < header) return;  // the rest of it is elsewhere
    if ((load_be16(bytes.data() + 6) & 0x3fff) != 0) return;
    segment(bytes[9], bytes.subspan(12, 8), bytes.first(total).subspan(header), true);
  }
  void v6(Bytes bytes) {
    if (bytes.size() < 40) return;
    const std::size_t length = load_be16(bytes.data() + 4);
    if (length + 40 > bytes.size()) return;
    std::uint8_t next = bytes[6];
    std::size_t at = 40;
    while (at + 8 <= 40 + length && (next == 0 || next == 43 || next == 44 || next == 60 || next == 51)) {
      if (next == 44 && load_be16(bytes.data() + at + 2) != 0) return;
      const std::size_t size = next == 44 ? 8 : next == 51 ? (bytes[at + 1] + 2U) * 4 : (bytes[at + 1] + 1U) * 8;
      next = bytes[at];
      at += size;
    }
    if (at < 40 + length) segment(next, bytes.subspan(8, 32), bytes.first(40 + length).subspan(at), false);
  }
  void segment(std::uint8_t protocol, Bytes addresses, Bytes bytes, bool is_v4) {
    const std::uint64_t pseudo = pseudo_sum(addresses, protocol, bytes.size());
    if (protocol == 6 && bytes.size() >= 20) say("tcp", checksum_add(pseudo, bytes));
    if (protocol == 17 && bytes.size() >= 8) {
      if (load_be16(bytes.data() + 6) == 0) {
        said_ += "udp:none ";
      } else {
        say("udp", checksum_add(pseudo, bytes));
      }
    }
    if (protocol == 1 && is_v4 && bytes.size() >= 8) {
      say("icmp", checksum_add(0, bytes));
      if (bytes[0] == 3 || bytes[0] == 5 || bytes[0] == 11 || bytes[0] == 12) v4(bytes.subspan(8));
    }
    if (protocol == 58 && !is_v4 && bytes.size() >= 8) {
      say("icmp6", checksum_add(pseudo, bytes));
      if (bytes[0] >= 1 && bytes[0] <= 4) v6(bytes.subspan(8));
    }
  }

  std::string said_;
};

inline std::string sums_seen(Bytes frame) { return SumsSeen{frame}.said(); }

}  // namespace myriad::craft
