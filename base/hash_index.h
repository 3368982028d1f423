// A hash index: finds by key what lives elsewhere under a 32-bit number. It keeps no keys: of each entry it knows the
// number and eight bits of the hash, so a search that finds nothing touches one cache line of the index and nothing
// that has not been used for long. (The layout is that of Facebook's F14: lines of many slots, which count how many
// entries had to go on to the next line.)
//
// Four bytes a slot, 15 slots a line, at most 12 of them in use on average: 5.3 to 10.7 bytes an entry. Numbers end
// below kLimit. Not for hashes that strangers can foresee: key them.
#pragma once

#include <bit>
#include <cassert>
#include <cstdint>
#include <span>
#include <vector>

#include "base/pages.h"

namespace myriad {

class HashIndex {
 public:
  static constexpr std::uint32_t kNone = 0xffffffff;
  static constexpr std::uint32_t kLimit = 0x00ffffff;  // numbers are smaller

  // The entry of that hash for which `is(number)` holds, or kNone.
  template <class Is>
  [[nodiscard]] std::uint32_t find(std::uint64_t hash, Is&& is) const {
    for (std::size_t at = hash & mask_;; at = (at + 1) & mask_) {
      const Line& line = lines_[at];
      for (std::uint32_t left = line.matches(tag_of(hash)); left != 0; left &= left - 1) {
        const std::uint32_t number = line.slots[std::countr_zero(left)] & kLimit;
        if (is(number)) return number;
      }
      if (line.gone_on() == 0) return kNone;
    }
  }

  // Precondition: that number is not in the index. `hash_of(number)` of every entry is asked when the index grows.
  template <class HashOf>
  void insert(std::uint64_t hash, std::uint32_t number, HashOf&& hash_of) {
    assert(number < kLimit);
    if (size_ >= lines_.size() * kFill) grow(hash_of);
    place(hash, number);
    ++size_;
  }

  // Precondition: that number is in the index under that hash.
  void erase(std::uint64_t hash, std::uint32_t number) {
    const std::uint32_t slot = tag_of(hash) | number;
    for (std::size_t at = hash & mask_;; at = (at + 1) & mask_) {
      Line& line = lines_[at];
      if (const std::uint32_t found = line.equal(slot); found != 0) {
        line.slots[std::countr_zero(found)] = kNone;
        --size_;
        return;
      }
      assert(line.gone_on() > 0 && "what is erased was inserted");
      --line.gone_on();
    }
  }

  // The line where a search for that hash begins will be needed soon. (In line always, like all who call it: GCC takes
  // a function that only prefetches for one without effect, and drops the call.)
  [[gnu::always_inline]] void prefetch(std::uint64_t hash) const { __builtin_prefetch(&lines_[hash & mask_]); }
  [[nodiscard]] std::uint32_t size() const { return size_; }

 private:
  static constexpr std::uint32_t kFill = 12;  // entries a line, on average

  // Slot 15 counts the entries that would be here if there had been room.
  struct alignas(64) Line {
    static constexpr std::size_t kSlots = 15;
    std::uint32_t slots[16] = {kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone,
                               kNone, kNone, kNone, kNone, kNone, kNone, kNone, 0};

    [[nodiscard]] std::uint32_t& gone_on() { return slots[kSlots]; }
    [[nodiscard]] std::uint32_t gone_on() const { return slots[kSlots]; }
    [[nodiscard]] std::span<std::uint32_t> entries() { return {slots, kSlots}; }
    // A bit for each slot whose tag is this one. An empty slot looks like tag 0xff.
    [[nodiscard]] std::uint32_t matches(std::uint32_t tag) const { return equal(tag, ~kLimit); }
    // A bit for each slot that is `value` where `mask` has ones.
    [[nodiscard]] std::uint32_t equal(std::uint32_t value, std::uint32_t mask = 0xffffffff) const {
      using Four = std::uint32_t __attribute__((vector_size(16), may_alias));
      using FourSigned = std::int32_t __attribute__((vector_size(16)));
      const auto* const four = reinterpret_cast<const Four*>(slots);
#if defined(__SSE2__)
      const auto pair = [&](int first) {
        const FourSigned one = (four[first] & mask) == value;
        const FourSigned two = (four[first + 1] & mask) == value;
        return __builtin_ia32_packssdw128(one, two);
      };
      using Sixteen = char __attribute__((vector_size(16)));
      const auto bytes = reinterpret_cast<Sixteen>(__builtin_ia32_packsswb128(pair(0), pair(2)));
      return static_cast<std::uint32_t>(__builtin_ia32_pmovmskb128(bytes)) & 0x7fffU;
#else
      const FourSigned bits = (((four[0] & mask) == value) & FourSigned{1, 2, 4, 8}) |
                              (((four[1] & mask) == value) & FourSigned{16, 32, 64, 128}) |
                              (((four[2] & mask) == value) & FourSigned{256, 512, 1024, 2048}) |
                              (((four[3] & mask) == value) & FourSigned{4096, 8192, 16384, 0});
      return static_cast<std::uint32_t>(bits[0] | bits[1] | bits[2] | bits[3]);
#endif
    }
  };
  static_assert(sizeof(Line) == 64);
  using Lines = std::vector<Line, PageAllocator<Line>>;

  // Never that of an empty slot.
  static std::uint32_t tag_of(std::uint64_t hash) {
    const auto tag = static_cast<std::uint32_t>(hash >> 32) & ~kLimit;
    return tag == ~kLimit ? 0 : tag;
  }
  void place(std::uint64_t hash, std::uint32_t number) {
    for (std::size_t at = hash & mask_;; at = (at + 1) & mask_) {
      Line& line = lines_[at];
      if (const std::uint32_t empty = line.equal(kNone); empty != 0) {
        line.slots[std::countr_zero(empty)] = tag_of(hash) | number;
        return;
      }
      ++line.gone_on();
    }
  }
  template <class HashOf>
  void grow(HashOf&& hash_of) {
    Lines old(lines_.size() * 2);
    old.swap(lines_);
    mask_ = lines_.size() - 1;
    for (Line& line : old) {
      for (const std::uint32_t slot : line.entries()) {
        if (slot != kNone) place(hash_of(slot & kLimit), slot & kLimit);
      }
    }
  }

  Lines lines_ = Lines(64);  // a power of two; at first a page
  std::size_t mask_ = lines_.size() - 1;
  std::uint32_t size_ = 0;
};

}  // namespace myriad
