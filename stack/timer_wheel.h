// Timers of one shard: a hierarchical timing wheel (Varghese and Lauck 1987, scheme 7). Arming, cancelling and firing
// cost the same whatever the number of timers; nothing is ever scanned.
//
// Time is cut into ticks of 2^16 ns (65.5 µs). A timer never fires before its deadline, and fires at the first
// advance() that comes a tick or more behind it. Eight levels of 64 slots cover all of time: a timer lies on the level
// of the highest 6-bit digit in which its tick differs from the present one, and comes down a level when the present
// reaches its slot. Bitmaps say which slots are occupied, so a jump of hours costs as much as a tick.
//
// The wheel owns its nodes (24 bytes a timer that is armed, lent in blocks that go back) and knows timers by a kind and
// a subject, which it hands back and does not understand. It refuses nothing: a deadline in the past fires at the next
// advance(), Instant::never() is no timer.
#pragma once

#include <array>
#include <bit>
#include <cassert>
#include <cstdint>
#include <limits>
#include <utility>

#include "base/lending.h"
#include "base/time.h"

namespace myriad::stack {

// Names one arming of a timer. Once that has fired or been cancelled the name means nothing, and using it does nothing.
struct TimerId {
  std::uint32_t node = 0xffffffff;
  std::uint32_t generation = 0;
  friend constexpr bool operator==(TimerId, TimerId) = default;
};

class TimerWheel {
 public:
  static constexpr int kTickBits = 16;
  static constexpr Duration kTick{std::int64_t{1} << kTickBits};

  explicit TimerWheel(Instant start = {})
      : present_(start.ns <= 0 ? 0 : static_cast<std::uint64_t>(start.ns) >> kTickBits) {
    for (std::uint32_t i = 0; i < kFirstTimer; ++i) {
      const std::uint32_t head = nodes_.take();
      nodes_[head].next = nodes_[head].previous = head;
    }
    heads_ = &nodes_[0];
  }

  TimerId arm(Instant deadline, std::uint8_t kind, std::uint32_t subject) {
    if (deadline.is_never()) return {};
    const std::uint32_t index = spare_ != 0 ? std::exchange(spare_, 0) : nodes_.take();
    if (++armings_ == 0) ++armings_;
    Node& node = nodes_[index];
    node.tick = tick_of(deadline) & kLastTick;
    node.kind = kind;
    node.subject = subject;
    node.generation = armings_;
    place(index, node);
    return {index, armings_};
  }

  // Afterwards `id` names no timer.
  void cancel(TimerId& id) {
    if (is_armed(id)) {
      Node& node = nodes_[id.node];
      unlink(node);
      free_node(id.node, node);
    }
    id = {};
  }

  // As cancel() and arm(), but putting a deadline off, which a busy connection does with every segment, only writes it
  // down: the timer moves when its old slot comes up.
  void rearm(TimerId& id, Instant deadline, std::uint8_t kind, std::uint32_t subject) {
    if (!is_armed(id)) {
      id = arm(deadline, kind, subject);
      return;
    }
    if (deadline.is_never()) return cancel(id);
    Node& node = nodes_[id.node];
    const std::uint64_t tick = tick_of(deadline);
    const bool later = tick >= node.tick;
    node.tick = tick & kLastTick;
    node.kind = kind;
    node.subject = subject;
    if (later) return;
    unlink(node);
    place(id.node, node);
  }

  // The name of a timer that is armed, from its node alone, for owners who forget it when it fires or is cancelled.
  [[nodiscard]] TimerId at(std::uint32_t node) const {
    return node == TimerId{}.node ? TimerId{} : TimerId{node, nodes_[node].generation};
  }
  [[nodiscard]] bool is_armed(TimerId id) const {
    return id.generation != 0 && nodes_.has(id.node) && nodes_[id.node].generation == id.generation;
  }
  // Not before this tick will it fire. Precondition: it is armed.
  [[nodiscard]] std::uint64_t due_tick(std::uint32_t node) const {
    assert(node >= kFirstTimer && nodes_.has(node));
    return nodes_[node].tick;
  }
  // That timer will be cancelled soon, and has not been touched for long: its node, and once that is at hand, those
  // beside it in its list. `node` may be that of no timer.
  [[gnu::always_inline]] void expect(std::uint32_t node) const {
    if (node != TimerId{}.node) __builtin_prefetch(&nodes_[node]);
  }
  [[gnu::always_inline]] void expect_neighbours(std::uint32_t node) const {
    if (node == TimerId{}.node) return;
    __builtin_prefetch(&nodes_[nodes_[node].next]);
    __builtin_prefetch(&nodes_[nodes_[node].previous]);
  }
  [[nodiscard]] std::size_t armed() const { return nodes_.live() - kFirstTimer - (spare_ != 0 ? 1 : 0); }
  // Timers for which there is memory now.
  [[nodiscard]] std::size_t room() const { return nodes_.capacity() - kFirstTimer; }

  // When to call advance() next. Never later than the next timer can fire, so sleeping until then costs at most the
  // tick; it may come out earlier, when all that will happen is that timers come down a level, at most 8 times each.
  // In the past when advance() has something to do already.
  [[nodiscard]] Instant next_deadline() const {
    if (!is_empty(kDue) || !is_empty(kFiring)) return instant_of(present_);
    if (levels_ == 0) return Instant::never();
    return instant_of(first_occupied());
  }

  // Fires every timer that is due, in the order of their ticks: fire(kind, subject). The timer is gone by then; `fire`
  // may arm, cancel and rearm any timer, and one that it arms in the past waits for the next call. Touches at most
  // `most` timers, the rest stays due. Time never goes back: an earlier `now` only fires what is due already. Returns
  // how many fired.
  template <class F>
  std::size_t advance(Instant now, F&& fire, std::size_t most = std::numeric_limits<std::size_t>::max()) {
    const std::uint64_t target = now.ns <= 0 ? 0 : static_cast<std::uint64_t>(now.ns) >> kTickBits;
    append(kFiring, kDue);
    std::size_t fired = 0;
    for (;;) {
      while (!is_empty(kFiring)) {
        if (most == 0) return fired;
        --most;
        const std::uint32_t index = heads_[kFiring].next;
        Node& node = nodes_[index];
        unlink(node);
        if (node.tick > present_) {  // put off meanwhile, or down from a higher level
          place(index, node);
          continue;
        }
        const auto kind = static_cast<std::uint8_t>(node.kind);
        const std::uint32_t subject = node.subject;
        free_node(index, node);
        ++fired;
        fire(kind, subject);
      }
      if (target <= present_) return fired;
      const std::uint64_t slot_start = levels_ == 0 ? target + 1 : first_occupied();
      if (slot_start > target) {
        // No occupied slot begins in between, so every timer still differs from the present in the same digit.
        present_ = target;
        return fired;
      }
      present_ = slot_start;
      const int level = std::countr_zero(levels_);
      const auto list =
          static_cast<std::uint32_t>(level * kSlotsPerLevel + std::countr_zero(occupied_[level_index(level)]));
      append(kFiring, list);
    }
  }

 private:
  static constexpr int kLevels = 8;
  static constexpr int kDigitBits = 6;
  static constexpr int kSlotsPerLevel = 1 << kDigitBits;
  static constexpr std::uint64_t kDigitMask = kSlotsPerLevel - 1;
  // Lists are rings through a head node. The heads are the first nodes: one for each slot, and two more.
  static constexpr std::uint32_t kDue = kLevels * kSlotsPerLevel;  // armed with a deadline that had passed
  static constexpr std::uint32_t kFiring = kDue + 1;               // what advance() is working on
  static constexpr std::uint32_t kFirstTimer = kFiring + 1;
  static constexpr std::uint64_t kLastTick = std::uint64_t{INT64_MAX} >> kTickBits;

  struct Node {
    std::uint64_t tick : 48 = 0;
    std::uint64_t kind : 8 = 0;
    std::uint32_t next = 0;  // in its list; of a free node the next free one
    std::uint32_t previous = 0;
    std::uint32_t subject = 0;
    std::uint32_t generation = 0;  // which arming of all; 0: a head, or free

    std::uint32_t& next_free() { return next; }
  };
  static_assert(sizeof(Node) == 24 && kLastTick < std::uint64_t{1} << 48);
  static_assert(Lending<Node>::kBlock >= kFirstTimer, "the first block is never given back");

  static std::size_t level_index(int level) { return static_cast<std::size_t>(level); }
  // The first tick that begins at or after the deadline.
  static std::uint64_t tick_of(Instant deadline) {
    if (deadline.ns <= 0) return 0;
    const std::uint64_t tick = (static_cast<std::uint64_t>(deadline.ns) + ((1U << kTickBits) - 1)) >> kTickBits;
    return tick < kLastTick ? tick : kLastTick;
  }
  static Instant instant_of(std::uint64_t tick) { return {static_cast<std::int64_t>(tick << kTickBits)}; }

  [[nodiscard]] bool is_empty(std::uint32_t head) const { return heads_[head].next == head; }

  // The tick at which the first occupied slot begins; levels_ != 0. Lower levels come before higher ones.
  [[nodiscard]] std::uint64_t first_occupied() const {
    const int level = std::countr_zero(levels_);
    const int shift = level * kDigitBits;
    const auto slot = static_cast<std::uint64_t>(std::countr_zero(occupied_[level_index(level)]));
    return (present_ >> shift & ~kDigitMask) << shift | slot << shift;
  }

  void free_node(std::uint32_t index, Node& node) {
    node.generation = 0;
    if (spare_ == 0) {
      spare_ = index;
    } else {
      nodes_.give_back(index);
    }
  }

  // Into the slot where its tick belongs, seen from the present.
  void place(std::uint32_t index, Node& node) {
    const std::uint64_t tick = node.tick;
    if (tick <= present_) return link(index, node, kDue);
    const int level = (63 - std::countl_zero(tick ^ present_)) / kDigitBits;
    const auto slot = static_cast<std::uint32_t>(tick >> (level * kDigitBits) & kDigitMask);
    occupied_[level_index(level)] |= std::uint64_t{1} << slot;
    levels_ |= 1U << level;
    link(index, node, static_cast<std::uint32_t>(level * kSlotsPerLevel) + slot);
  }
  void link(std::uint32_t index, Node& node, std::uint32_t head) {
    const std::uint32_t last = std::exchange(heads_[head].previous, index);
    node.next = head;
    node.previous = last;
    nodes_[last].next = index;
  }
  void unlink(const Node& node) {
    nodes_[node.next].previous = node.previous;
    nodes_[node.previous].next = node.next;
    if (node.next == node.previous) mark_empty(node.next);  // two neighbours in one: the head is all that is left
  }
  void mark_empty(std::uint32_t head) {
    if (head >= kDue || !is_empty(head)) return;
    const int level = static_cast<int>(head) / kSlotsPerLevel;
    std::uint64_t& slots = occupied_[level_index(level)];
    slots &= ~(std::uint64_t{1} << (head & kDigitMask));
    if (slots == 0) levels_ &= ~(1U << level);
  }
  // Moves all of `from` to the end of `to`.
  void append(std::uint32_t to, std::uint32_t from) {
    if (is_empty(from)) return;
    const std::uint32_t first = heads_[from].next;
    const std::uint32_t last = heads_[from].previous;
    heads_[from].next = heads_[from].previous = from;
    mark_empty(from);
    const std::uint32_t end = std::exchange(heads_[to].previous, last);
    nodes_[end].next = first;
    nodes_[first].previous = end;
    nodes_[last].next = to;
  }

  Lending<Node> nodes_;
  Node* heads_ = nullptr;                          // the first of them, which stay where they are
  std::array<std::uint64_t, kLevels> occupied_{};  // a bit for each slot
  std::uint32_t levels_ = 0;                       // a bit for each level that has an occupied slot
  std::uint32_t spare_ = 0;                        // a free node at hand: who fires often arms again; 0 = none
  std::uint32_t armings_ = 0;                      // which wraps, passing over 0
  std::uint64_t present_;                          // every tick up to this one has been worked off
};

}  // namespace myriad::stack
