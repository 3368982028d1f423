// A tap on a shard's line, for --capture: frames are copied into a ring of bytes that another thread empties into a
// file. The data path never waits: when the ring is full, frames are not captured, and counted.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"

namespace myriad::engine {

enum class TapDirection : std::uint8_t { kIn, kOut };

// Single producer (the shard), single consumer (who writes the file).
class Tap {
 public:
  explicit Tap(std::size_t bytes = std::size_t{16} << 20) : ring_(std::bit_ceil(bytes)) {}

  void record(Bytes frame, Instant at, TapDirection direction) {
    const std::uint64_t head = head_.load(std::memory_order_relaxed);
    const std::size_t need = slot_bytes(frame.size());
    const std::uint64_t dropped = dropped_.load(std::memory_order_relaxed);
    if (head + need - tail_.load(std::memory_order_acquire) > ring_.size()) {
      dropped_.store(dropped + 1, std::memory_order_relaxed);
      return;
    }
    const Header header{at.ns, dropped - told_, static_cast<std::uint32_t>(frame.size()), direction};
    told_ = dropped;
    put(head, &header, sizeof header);
    put(head + sizeof header, frame.data(), frame.size());
    head_.store(head + need, std::memory_order_release);
  }
  // Calls `take(Bytes, Instant, TapDirection, lost)` for each frame recorded so far, with how many were dropped between
  // the one before and this one; returns how many.
  template <class Take>
  std::uint64_t drain(Take&& take) {
    const std::uint64_t head = head_.load(std::memory_order_acquire);
    std::uint64_t tail = tail_.load(std::memory_order_relaxed);
    std::uint64_t frames = 0;
    for (; tail != head; ++frames) {
      Header header;
      get(tail, &header, sizeof header);
      frame_.resize(header.length);
      get(tail + sizeof header, frame_.data(), frame_.size());
      take(Bytes{frame_}, Instant{header.at_ns}, header.direction, header.lost);
      tail += slot_bytes(header.length);
      tail_.store(tail, std::memory_order_release);
    }
    return frames;
  }
  // Frames for which the ring had no room.
  [[nodiscard]] std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  struct Header {
    std::int64_t at_ns;
    std::uint64_t lost;
    std::uint32_t length;
    TapDirection direction;
  };
  static std::size_t slot_bytes(std::size_t frame_bytes) {
    return (sizeof(Header) + frame_bytes + 7) & ~std::size_t{7};
  }

  void put(std::uint64_t at, const void* from, std::size_t bytes) {
    const std::size_t place = at & (ring_.size() - 1);
    const std::size_t first = std::min(bytes, ring_.size() - place);
    std::memcpy(ring_.data() + place, from, first);
    if (first < bytes) std::memcpy(ring_.data(), static_cast<const std::uint8_t*>(from) + first, bytes - first);
  }
  void get(std::uint64_t at, void* to, std::size_t bytes) const {
    const std::size_t place = at & (ring_.size() - 1);
    const std::size_t first = std::min(bytes, ring_.size() - place);
    std::memcpy(to, ring_.data() + place, first);
    if (first < bytes) std::memcpy(static_cast<std::uint8_t*>(to) + first, ring_.data(), bytes - first);
  }

  std::vector<std::uint8_t> ring_;
  std::vector<std::uint8_t> frame_;  // the consumer's copy
  alignas(64) std::atomic<std::uint64_t> head_{0};
  std::atomic<std::uint64_t> dropped_{0};
  std::uint64_t told_ = 0;  // of dropped_, what headers have said; the producer's
  alignas(64) std::atomic<std::uint64_t> tail_{0};
};

}  // namespace myriad::engine
