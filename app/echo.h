// Echo (RFC 862): what comes in goes out. The bytes between the two have to be kept until the peer has acknowledged
// them, since they may have to be sent again; they are bounded by the receive window of the connection, which the owner
// of the session makes smaller by unread() as long as the peer does not acknowledge.
#pragma once

#include <cstdint>

#include "app/byte_ring.h"
#include "base/bytes.h"

namespace myriad::app {

class Echo {
 public:
  // The stream that we send continues at offset `sent`.
  explicit Echo(std::uint64_t sent = 0) : first_(sent) {}

  // Takes what arrived: the stream that we send is longer by data.size(). False: over `limit`, the bytes are not taken;
  // the peer has sent beyond its window.
  [[nodiscard]] bool take(Bytes data, std::uint32_t limit) { return kept_.append(data, limit); }
  // The peer has everything before stream offset `upto`.
  void acknowledged(std::uint64_t upto) {
    if (upto <= first_) return;
    const std::uint64_t count = std::min<std::uint64_t>(upto - first_, kept_.size());
    kept_.drop(static_cast<std::uint32_t>(count));
    first_ += count;
  }
  // Bytes of the stream that we send; all of them have been announced and are not acknowledged.
  void read(std::uint64_t offset, MutableBytes out) const {
    assert(offset >= first_);
    kept_.copy(static_cast<std::uint32_t>(offset - first_), out);
  }
  [[nodiscard]] std::uint32_t unread() const { return kept_.size(); }
  // Nothing is kept: a new echo that continues where this one stopped would be the same.
  [[nodiscard]] bool idle() const { return kept_.empty(); }

 private:
  std::uint64_t first_ = 0;  // stream offset of the oldest byte kept
  ByteRing kept_;
};

}  // namespace myriad::app
