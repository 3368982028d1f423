// Objects by index: taken from blocks that never move, reused last in first out, never given back to the system. Taking
// and giving back cost the same whatever the number, and free objects cost nothing but themselves: each says which one
// is free after it, in a place that it does not need itself meanwhile. Memory of a block counts from its first use on.
#pragma once

#include <bit>
#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <vector>

#include "base/pages.h"

namespace myriad::engine {

template <class T>
concept Reusable = requires(T object) {
  { object.next_free() } -> std::same_as<std::uint32_t&>;  // the slab's from give_back() to take()
};

template <Reusable T>
requires std::is_trivially_destructible_v<T>
class Slab {
 public:
  // No index.
  static constexpr std::uint32_t kNone = 0xffffffff;

  // An object as the last user left it, but for next_free(), or a fresh one.
  [[nodiscard]] std::uint32_t take() {
    ++live_;
    if (free_ != kNone) {
      const std::uint32_t index = free_;
      free_ = (*this)[index].next_free();
      return index;
    }
    if (size_ % kBlock == 0) blocks_.emplace_back(PageAllocator<T>{}.allocate(kBlock));
    std::construct_at(&(*this)[size_]);
    return size_++;
  }
  void give_back(std::uint32_t index) {
    assert(index < size_ && live_ > 0);
    --live_;
    (*this)[index].next_free() = free_;
    free_ = index;
  }
  [[nodiscard]] T& operator[](std::uint32_t index) { return blocks_[index / kBlock][index % kBlock]; }
  [[nodiscard]] const T& operator[](std::uint32_t index) const { return blocks_[index / kBlock][index % kBlock]; }
  // Indices handed out so far, free ones included.
  [[nodiscard]] std::uint32_t size() const { return size_; }
  [[nodiscard]] std::uint32_t live() const { return live_; }

 private:
  // Of half a MiB at least: the system rounds each up to whole pages.
  static constexpr std::uint32_t kBlock = std::bit_ceil(static_cast<std::uint32_t>(512 * 1024 / sizeof(T)));

  struct GiveBack {
    void operator()(T* block) const { PageAllocator<T>{}.deallocate(block, kBlock); }
  };
  std::vector<std::unique_ptr<T[], GiveBack>> blocks_;
  std::uint32_t free_ = kNone;
  std::uint32_t size_ = 0;
  std::uint32_t live_ = 0;
};

}  // namespace myriad::engine
