// The server's side of DNS over one TCP connection (RFC 7766): queries with their length before them, any number of
// them, answered in order.
//
// An answer is kept until the peer has acknowledged it. While more than kMostKept are kept, queries stay unread in a
// backlog, which the owner of the session keeps bounded by making the receive window smaller by unread().
// Refuses, by ending the connection: queries longer than kLongestQuery.
#pragma once

#include <cassert>
#include <cstdint>

#include "app/byte_ring.h"
#include "app/dns_zone.h"
#include "base/bytes.h"

namespace myriad::app {

class DnsServer {
 public:
  static constexpr std::uint32_t kMostKept = 64 * 1024;
  static constexpr std::uint32_t kLongestQuery = 1024;

  // The stream that we send continues at offset `sent`.
  explicit DnsServer(std::uint64_t sent = 0) : first_(sent) {}

  struct Step {
    std::uint64_t grown = 0;  // how many bytes the stream that we send has become longer
    bool overflow = false;    // the connection is beyond repair
  };
  // Takes what arrived. At most `limit` bytes wait in the backlog.
  Step take(Bytes data, const DnsZone& zone, std::uint32_t limit);
  // The peer has everything before stream offset `upto`.
  Step acknowledged(std::uint64_t upto, const DnsZone& zone);
  // Bytes of the stream that we send; all of them have been announced and are not acknowledged.
  void read(std::uint64_t offset, MutableBytes out) const {
    assert(offset >= first_);
    kept_.copy(static_cast<std::uint32_t>(offset - first_), out);
  }
  [[nodiscard]] std::uint32_t unread() const { return backlog_.size(); }
  // Queries wait until answers have been acknowledged.
  [[nodiscard]] bool waiting() const { return kept_.size() >= kMostKept && !backlog_.empty(); }
  [[nodiscard]] bool idle() const { return kept_.empty() && backlog_.empty(); }

 private:
  Step answer(const DnsZone& zone);

  std::uint64_t first_;  // stream offset of the oldest byte kept
  ByteRing kept_;
  ByteRing backlog_;
};

}  // namespace myriad::app
