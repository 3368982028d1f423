// Objects that are lent for a while, by index: many at once now and then, few most of the time. Lending and giving back
// cost the same whatever the number, and are no allocation but for one in hundreds of objects.
//
// Objects come in blocks. Those lent crowd together in few of them, and a block of which nothing is lent is given back
// to the system, but for one that is kept for the next need; so a storm leaves nothing behind.
#pragma once

#include <bit>
#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/pages.h"

namespace myriad {

template <class T>
concept Lendable = requires(T object) {
  { object.next_free() } -> std::same_as<std::uint32_t&>;  // the owner's while it is not lent
};

template <Lendable T>
class Lending {
 public:
  // No index.
  static constexpr std::uint32_t kNone = 0xffffffff;
  // At least. So many that the system is rarely asked, so few that a spare one is nothing beside a thousand
  // connections.
  static constexpr std::size_t kBlockBytes = 32 * 1024;

  Lending() = default;
  Lending(const Lending&) = delete;
  Lending& operator=(const Lending&) = delete;
  ~Lending() {
    for (Block& block : blocks_) release(block);
  }

  // An object as the last user left it, but for next_free(), or a fresh one. It stays where it is until given back.
  [[nodiscard]] std::uint32_t take() {
    if (roomy_ == kNone) link(spare_ != kNone ? std::exchange(spare_, kNone) : new_block());
    const std::uint32_t number = roomy_;
    Block& block = blocks_[number];
    std::uint32_t index = block.free;
    if (index != kNone) {
      block.free = (*this)[index].next_free();
    } else {
      std::construct_at(block.objects + block.made);
      index = number * kBlock + block.made++;
    }
    ++live_;
    if (++block.live == kBlock) unlink(number);
    return index;
  }
  void give_back(std::uint32_t index) {
    const std::uint32_t number = index / kBlock;
    Block& block = blocks_[number];
    assert(block.live > 0);
    (*this)[index].next_free() = block.free;
    block.free = index;
    --live_;
    if (block.live-- == kBlock) link(number);
    if (block.live > 0) return;
    unlink(number);
    if (spare_ == kNone) {
      spare_ = number;
    } else {
      release(block);
      block.next = std::exchange(vacant_, number);
    }
  }
  [[nodiscard]] T& operator[](std::uint32_t index) { return blocks_[index / kBlock].objects[index % kBlock]; }
  [[nodiscard]] const T& operator[](std::uint32_t index) const {
    return blocks_[index / kBlock].objects[index % kBlock];
  }
  // Whether there is memory behind that index: true for all that are lent, but also for others.
  [[nodiscard]] bool has(std::uint32_t index) const {
    const std::uint32_t number = index / kBlock;
    return number < blocks_.size() && index % kBlock < blocks_[number].made;
  }
  [[nodiscard]] std::uint32_t live() const { return live_; }
  // Objects for which there is room in the blocks that are not with the system.
  [[nodiscard]] std::size_t capacity() const { return held_ * kBlock; }

  static constexpr std::uint32_t kBlock = std::bit_ceil(static_cast<std::uint32_t>(kBlockBytes / sizeof(T) + 1));

 private:
  struct Block {
    T* objects = nullptr;  // room for kBlock, of which the first `made` live; nullptr: with the system
    std::uint32_t made = 0;
    std::uint32_t live = 0;
    std::uint32_t free = kNone;
    std::uint32_t previous = kNone;  // in the list of blocks that have room and of which something is lent
    std::uint32_t next = kNone;      // there, or in the list of numbers whose block is with the system
  };

  std::uint32_t new_block() {
    if (vacant_ == kNone) {
      vacant_ = static_cast<std::uint32_t>(blocks_.size());
      blocks_.emplace_back();
    }
    const std::uint32_t number = vacant_;
    Block& block = blocks_[number];
    block.objects = PageAllocator<T>{}.allocate(kBlock);
    vacant_ = block.next;
    ++held_;
    return number;
  }
  void release(Block& block) {
    if (block.objects == nullptr) return;
    std::destroy_n(block.objects, block.made);
    PageAllocator<T>{}.deallocate(block.objects, kBlock);
    block = {};
    --held_;
  }
  // Behind the block in use, so that what is lent stays together.
  void link(std::uint32_t number) {
    Block& block = blocks_[number];
    if (roomy_ == kNone) {
      block.previous = block.next = kNone;
      roomy_ = number;
      return;
    }
    block.previous = roomy_;
    block.next = std::exchange(blocks_[roomy_].next, number);
    if (block.next != kNone) blocks_[block.next].previous = number;
  }
  void unlink(std::uint32_t number) {
    const Block& block = blocks_[number];
    (block.previous == kNone ? roomy_ : blocks_[block.previous].next) = block.next;
    if (block.next != kNone) blocks_[block.next].previous = block.previous;
  }

  std::vector<Block> blocks_;
  std::uint32_t roomy_ = kNone;   // the first block that has room and of which something is lent
  std::uint32_t spare_ = kNone;   // a block of which nothing is lent
  std::uint32_t vacant_ = kNone;  // the first number without a block
  std::uint32_t live_ = 0;
  std::size_t held_ = 0;
};

}  // namespace myriad
