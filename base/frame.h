// Frames and who holds them. One area of memory (the UMEM when a device is behind it) is cut into chunks of equal size;
// a FrameIndex names a chunk. At each instant a frame is in exactly one place: a pool, a batch, the kernel's TX or FILL
// side, or the hands of the receive call. Every frame has a home: the shard whose part of the area it was cut from.
// When someone else is done with it, it goes home.
#pragma once

#include <cassert>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace myriad {

enum class FrameIndex : std::uint32_t {};

// The memory all frames of one port live in. A plain view: the port owns the memory.
struct FrameArea {
  std::uint8_t* memory = nullptr;
  std::uint32_t chunk_bytes = 0;       // a power of two
  std::uint32_t frames_per_shard = 0;  // consecutive chunks that are at home with one shard
  std::uint32_t shards = 0;

  [[nodiscard]] MutableBytes chunk(FrameIndex frame) const {
    return {memory + std::size_t{static_cast<std::uint32_t>(frame)} * chunk_bytes, chunk_bytes};
  }
  [[nodiscard]] std::uint32_t home(FrameIndex frame) const {
    return static_cast<std::uint32_t>(frame) / frames_per_shard;
  }
  [[nodiscard]] std::uint32_t count() const { return frames_per_shard * shards; }
};

// A frame that came in. `bytes` may start anywhere inside the chunk.
struct RxFrame {
  MutableBytes bytes;
  FrameIndex frame{};
};

// A frame that is to go out; its bytes start at the chunk's start.
struct TxFrame {
  FrameIndex frame{};
  std::uint32_t length = 0;
};

// The free frames at home with one shard. Last in, first out: the warmest frame is used next.
class FramePool {
 public:
  FramePool(const FrameArea& area, std::uint32_t shard)
      : first_(shard * area.frames_per_shard), count_(area.frames_per_shard) {
    free_.reserve(count_);
    for (std::uint32_t i = count_; i > 0; --i) free_.push_back(FrameIndex{first_ + i - 1});
  }
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;
  FramePool(FramePool&&) = default;
  FramePool& operator=(FramePool&&) = default;
  ~FramePool() = default;

  [[nodiscard]] std::optional<FrameIndex> take() {
    if (free_.empty()) return std::nullopt;
    const FrameIndex frame = free_.back();
    free_.pop_back();
    return frame;
  }
  void give(FrameIndex frame) {
    assert(static_cast<std::uint32_t>(frame) - first_ < count_ && "a frame goes home, nowhere else");
    assert(free_.size() < count_ && "a frame was given back twice");
    free_.push_back(frame);
  }
  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(free_.size()); }
  [[nodiscard]] std::uint32_t capacity() const { return count_; }

 private:
  std::vector<FrameIndex> free_;
  std::uint32_t first_;
  std::uint32_t count_;
};

// What one turn wants to send. The engine fills it with empty frames before anything is read, so that every answer has
// a place; the stack opens a frame, writes it and commits. Owns its frames until the engine takes them out.
//
// Who sends many frames that are almost the same leaves a mark on them, and finds it when a frame comes round again
// with its bytes as they were: then only what differs has to be written. The frames of a batch are at home with its
// shard, which says so when one of them has been received into.
class TxBatch {
 public:
  using Mark = std::uint16_t;
  static constexpr Mark kNoMark = 0;

  TxBatch(const FrameArea& area, std::uint32_t capacity)
      : area_(area), marks_(area.frames_per_shard, kNoMark), capacity_(capacity) {
    frames_.reserve(capacity);
  }
  TxBatch(const TxBatch&) = delete;
  TxBatch& operator=(const TxBatch&) = delete;

  // Engine: tops the batch up with empty frames, as far as the pool has them.
  void reserve(FramePool& pool) {
    while (frames_.size() < capacity_) {
      const auto frame = pool.take();
      if (!frame) return;
      frames_.push_back({*frame, 0});
    }
  }
  // Stack: how many frames can still be written.
  [[nodiscard]] std::uint32_t room() const { return static_cast<std::uint32_t>(frames_.size()) - used_; }
  // Stack: the bytes of the next frame, empty when there is no room. Stays the same until commit().
  [[nodiscard]] MutableBytes open() {
    if (room() == 0) return {};
    return area_.chunk(frames_[used_].frame);
  }
  // Stack: the opened frame now holds `length` bytes and will be sent.
  void commit(std::size_t length) {
    assert(room() > 0 && length > 0 && length <= area_.chunk_bytes);
    mark_of(frames_[used_].frame) = kNoMark;
    frames_[used_++].length = static_cast<std::uint32_t>(length);
  }

  // Many at once: the bytes of the frame that is the `ahead`-th after the next one, and the mark it still has.
  [[nodiscard]] std::uint8_t* bytes_ahead(std::uint32_t ahead) {
    assert(ahead < room());
    return area_.chunk(frames_[used_ + ahead].frame).data();
  }
  [[nodiscard]] Mark mark_ahead(std::uint32_t ahead) { return mark_of(frames_[used_ + ahead].frame); }
  // The next frames hold so many bytes each and `mark` of them is true; of length 0: written, but not to be sent.
  void commit_many(std::span<const std::uint32_t> lengths, Mark mark) {
    assert(lengths.size() <= room());
    for (std::uint32_t at = used_; const std::uint32_t length : lengths) {
      assert(length <= area_.chunk_bytes);
      mark_of(frames_[at].frame) = mark;
      if (length != 0) {
        frames_[at].length = length;
        std::swap(frames_[used_++], frames_[at]);
      }
      ++at;
    }
  }
  // Somebody else has written into that frame.
  void forget(FrameIndex frame) { mark_of(frame) = kNoMark; }
  [[nodiscard]] std::span<const TxFrame> committed() const { return {frames_.data(), used_}; }
  [[nodiscard]] std::uint32_t committed_count() const { return used_; }
  [[nodiscard]] Bytes bytes(const TxFrame& frame) const { return area_.chunk(frame.frame).first(frame.length); }

  // Engine: the first `count` committed frames have left; the rest moves to the front and stays committed.
  void consume(std::uint32_t count) {
    assert(count <= used_);
    frames_.erase(frames_.begin(), frames_.begin() + count);
    used_ -= count;
  }
  // Engine: everything, written or not, goes back to its pool.
  void release(FramePool& pool) {
    for (const TxFrame& frame : frames_) pool.give(frame.frame);
    frames_.clear();
    used_ = 0;
  }
  // How many frames the batch owns, written or not.
  [[nodiscard]] std::uint32_t held() const { return static_cast<std::uint32_t>(frames_.size()); }

 private:
  Mark& mark_of(FrameIndex frame) { return marks_[static_cast<std::uint32_t>(frame) % area_.frames_per_shard]; }

  FrameArea area_;
  std::vector<TxFrame> frames_;
  std::vector<Mark> marks_;
  std::uint32_t capacity_;
  std::uint32_t used_ = 0;
};

}  // namespace myriad
