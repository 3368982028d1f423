// Objects by index: taken from blocks that never move, reused last in first out, never given back to the system. Taking
// and giving back cost the same whatever the number.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace myriad::engine {

template <class T>
class Slab {
 public:
  // An object as the last user left it, or a fresh one.
  [[nodiscard]] std::uint32_t take() {
    ++live_;
    if (!free_.empty()) {
      const std::uint32_t index = free_.back();
      free_.pop_back();
      return index;
    }
    if (size_ % kBlock == 0) blocks_.push_back(std::make_unique<T[]>(kBlock));
    return size_++;
  }
  void give_back(std::uint32_t index) {
    assert(index < size_ && live_ > 0);
    --live_;
    free_.push_back(index);
  }
  [[nodiscard]] T& operator[](std::uint32_t index) { return blocks_[index / kBlock][index % kBlock]; }
  [[nodiscard]] const T& operator[](std::uint32_t index) const { return blocks_[index / kBlock][index % kBlock]; }
  // Indices handed out so far, free ones included.
  [[nodiscard]] std::uint32_t size() const { return size_; }
  [[nodiscard]] std::uint32_t live() const { return live_; }

 private:
  static constexpr std::uint32_t kBlock = 256;

  std::vector<std::unique_ptr<T[]>> blocks_;
  std::vector<std::uint32_t> free_;
  std::uint32_t size_ = 0;
  std::uint32_t live_ = 0;
};

}  // namespace myriad::engine
