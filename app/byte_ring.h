// Bytes of a stream that must be kept for a while: received but not yet acknowledged back (echo), or not yet looked at
// (pipelined requests). Memory comes with the first byte, doubles up to the limit and goes when the ring is empty; a
// session that keeps nothing costs one pointer and a few words.
#pragma once

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "base/bytes.h"

namespace myriad::app {

class ByteRing {
 public:
  static constexpr std::uint32_t kFirstCapacity = 512;

  [[nodiscard]] std::uint32_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::uint32_t capacity() const { return capacity_; }

  // Appends all of `bytes`, or nothing (false) when more than `limit` would be held.
  [[nodiscard]] bool append(Bytes bytes, std::uint32_t limit) {
    if (bytes.size() > limit - std::min(limit, size_)) return false;
    const auto length = static_cast<std::uint32_t>(bytes.size());
    if (length == 0) return true;
    if (size_ + length > capacity_) grow(size_ + length);
    const std::uint32_t end = (start_ + size_) & (capacity_ - 1);
    const std::uint32_t first = std::min(length, capacity_ - end);
    std::memcpy(memory_.get() + end, bytes.data(), first);
    if (length > first) std::memcpy(memory_.get(), bytes.data() + first, length - first);
    size_ += length;
    return true;
  }

  // Copies bytes [from, from + out.size()) counted from the oldest; they must be held.
  void copy(std::uint32_t from, MutableBytes out) const {
    assert(from + out.size() <= size_);
    const auto length = static_cast<std::uint32_t>(out.size());
    if (length == 0) return;
    const std::uint32_t begin = (start_ + from) & (capacity_ - 1);
    const std::uint32_t first = std::min(length, capacity_ - begin);
    std::memcpy(out.data(), memory_.get() + begin, first);
    if (length > first) std::memcpy(out.data() + first, memory_.get(), length - first);
  }

  // The oldest bytes that lie in one piece; empty when there are none.
  [[nodiscard]] Bytes front() const { return {memory_.get() + start_, std::min(size_, capacity_ - start_)}; }

  // Forgets the `count` oldest bytes.
  void drop(std::uint32_t count) {
    assert(count <= size_);
    size_ -= count;
    if (size_ == 0) {
      memory_.reset();
      capacity_ = start_ = 0;
    } else {
      start_ = (start_ + count) & (capacity_ - 1);
    }
  }

 private:
  void grow(std::uint32_t wanted) {
    const std::uint32_t capacity = std::bit_ceil(std::max(wanted, kFirstCapacity));
    auto memory = std::make_unique_for_overwrite<std::uint8_t[]>(capacity);
    copy(0, {memory.get(), size_});
    memory_ = std::move(memory);
    capacity_ = capacity;
    start_ = 0;
  }

  std::unique_ptr<std::uint8_t[]> memory_;
  std::uint32_t capacity_ = 0;  // a power of two, or 0
  std::uint32_t start_ = 0;
  std::uint32_t size_ = 0;
};

}  // namespace myriad::app
