// Where shards meet, and the only place where they do: a ring of 8-byte messages from each shard to each other one.
// A message hands over a frame: either to be received inside (a host of this shard spoke to a host of that one), or
// because it is at home there. Rings are as long as the port has frames, so they can never be full.
#pragma once

#include <atomic>
#include <bit>
#include <cassert>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/frame.h"

namespace myriad::engine {

// Single producer, single consumer.
class MailRing {
 public:
  explicit MailRing(std::uint32_t frames)
      : slots_(std::bit_ceil(frames + 1)), mask_(static_cast<std::uint32_t>(slots_.size()) - 1) {}

  void push(TxFrame message) {
    const std::uint32_t head = head_.load(std::memory_order_relaxed);
    assert(head - tail_.load(std::memory_order_acquire) <= mask_ && "no more messages than frames");
    slots_[head & mask_] = message;
    head_.store(head + 1, std::memory_order_release);
  }
  // Calls `take(TxFrame)` for all that is there.
  template <class Take>
  std::uint32_t drain(Take&& take) {
    const std::uint32_t tail = tail_.load(std::memory_order_relaxed);
    const std::uint32_t head = head_.load(std::memory_order_acquire);
    for (std::uint32_t at = tail; at != head; ++at) take(slots_[at & mask_]);
    tail_.store(head, std::memory_order_release);
    return head - tail;
  }
  [[nodiscard]] bool empty() const {
    return head_.load(std::memory_order_acquire) == tail_.load(std::memory_order_relaxed);
  }

 private:
  std::vector<TxFrame> slots_;
  std::uint32_t mask_;
  alignas(64) std::atomic<std::uint32_t> head_{0};
  alignas(64) std::atomic<std::uint32_t> tail_{0};
};

// All rings of one port. Shards call it with their own number.
class Mailboxes {
 public:
  explicit Mailboxes(const FrameArea& area) : shards_(area.shards), sleeping_(area.shards) {
    for (std::uint32_t i = 0; i < shards_ * shards_; ++i) {
      const bool used = i / shards_ != i % shards_;
      rings_.push_back(used ? std::make_unique<MailRing>(area.count()) : nullptr);
    }
  }

  // `length` 0: the frame goes home. Else it holds that many bytes for a host of `to`.
  void send(std::uint32_t from, std::uint32_t to, TxFrame message) { ring(from, to).push(message); }
  template <class Take>
  std::uint32_t receive(std::uint32_t me, Take&& take) {
    std::uint32_t taken = 0;
    for (std::uint32_t from = 0; from < shards_; ++from) {
      if (from != me) taken += ring(from, me).drain(take);
    }
    return taken;
  }
  [[nodiscard]] bool has_mail(std::uint32_t me) const {
    for (std::uint32_t from = 0; from < shards_; ++from) {
      if (from != me && !ring(from, me).empty()) return true;
    }
    return false;
  }
  // A shard that is about to sleep says so first and looks for mail once more; a sender that finds it asleep wakes it.
  // Sequentially consistent on both sides: either the sleeper sees the mail or the sender sees the sleeper.
  void set_sleeping(std::uint32_t me, bool asleep) {
    sleeping_[me].asleep.store(asleep, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }
  [[nodiscard]] bool is_sleeping(std::uint32_t shard) const {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return sleeping_[shard].asleep.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint32_t shards() const { return shards_; }

 private:
  struct alignas(64) Sleeper {
    std::atomic<bool> asleep{false};
  };
  [[nodiscard]] MailRing& ring(std::uint32_t from, std::uint32_t to) { return *rings_[from * shards_ + to]; }
  [[nodiscard]] const MailRing& ring(std::uint32_t from, std::uint32_t to) const {
    return *rings_[from * shards_ + to];
  }

  std::uint32_t shards_;
  std::vector<std::unique_ptr<MailRing>> rings_;
  std::vector<Sleeper> sleeping_;
};

}  // namespace myriad::engine
