// Data that arrived ahead of its turn. Blocks of a pool that a shard's connections share; each connection has a list of
// them, ordered by sequence number and without overlap. The pool grows as needed up to its bound, and shrinks again;
// when it is full, data out of order is dropped and the peer sends it again.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/lending.h"
#include "base/seq.h"

namespace myriad::tcp {

class ReassemblyPool {
 public:
  static constexpr std::uint32_t kNone = 0xffffffff;
  static constexpr std::uint32_t kBlockBytes = 2048 - 16;
  // Of one connection: twice what a full window of full segments takes, so that one peer's crumbs cannot take them all.
  static constexpr std::uint32_t kMostBlocks = 384;

  explicit ReassemblyPool(std::uint32_t limit) : limit_(limit) {}

  struct Block {
    SeqNum seq;
    std::uint32_t length = 0;
    std::uint32_t next = kNone;
    std::uint32_t previous = kNone;
    std::array<std::uint8_t, kBlockBytes> data;

    [[nodiscard]] SeqNum end() const { return seq + length; }
    std::uint32_t& next_free() { return next; }
  };

  [[nodiscard]] Block& operator[](std::uint32_t index) { return blocks_[index]; }
  [[nodiscard]] std::uint32_t take();
  // The block's bytes stay readable until recycle().
  void release(std::uint32_t index) { released_.push_back(index); }
  // The application has seen what was delivered: released blocks may be used again.
  void recycle() {
    for (const std::uint32_t index : released_) blocks_.give_back(index);
    released_.clear();
  }
  [[nodiscard]] std::uint32_t in_use() const { return blocks_.live() - static_cast<std::uint32_t>(released_.size()); }

 private:
  Lending<Block> blocks_;
  std::vector<std::uint32_t> released_;
  std::uint32_t limit_;
};

// One connection's list.
class Reassembly {
 public:
  enum class Insert : std::uint8_t { kStored, kDuplicate, kNoRoom };
  struct Range {
    SeqNum left;
    SeqNum right;
  };

  // Keeps the part of `data` at `seq` that is not there yet. `again`: the first piece that was, empty if none.
  Insert insert(ReassemblyPool& pool, SeqNum seq, Bytes data, Range& again);
  // Takes the next block if it starts at or before `next`; `data` is what lies beyond `next` and stays readable until
  // pool.recycle(). False when there is a gap. `again`: the first piece that had come another way, empty if none.
  bool pop(ReassemblyPool& pool, SeqNum next, Bytes& data, Range& again);
  void clear(ReassemblyPool& pool);
  [[nodiscard]] bool empty() const { return head_ == ReassemblyPool::kNone; }

  // Contiguous ranges that are held, the one with the latest arrival first and then by recency (RFC 2018 section 4).
  static constexpr std::uint32_t kRanges = 4;  // as many as an option list has room for
  [[nodiscard]] std::span<const Range> ranges() const { return {ranges_.data(), range_count_}; }

 private:
  bool store(ReassemblyPool& pool, std::uint32_t& after, SeqNum seq, Bytes data);
  void note_arrival(ReassemblyPool& pool, std::uint32_t block, Range run);
  void forget_range(std::uint32_t index);

  std::uint32_t head_ = ReassemblyPool::kNone;
  std::uint32_t tail_ = ReassemblyPool::kNone;
  std::uint32_t blocks_ = 0;
  std::uint32_t range_count_ = 0;
  bool ranges_lost_ = false;  // there are more than are kept in `ranges_`
  std::array<Range, kRanges> ranges_{};
};

}  // namespace myriad::tcp
