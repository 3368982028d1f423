// Timers of one shard: a hierarchical timing wheel (Varghese and Lauck 1987, scheme 7). Arming, cancelling and firing
// cost the same whatever the number of timers; nothing is ever scanned.
//
// Time is cut into ticks of 2^16 ns (65.5 µs). A timer never fires before its deadline, and fires at the first
// advance() that comes a tick or more behind it. Eight levels of 64 slots cover all of time: a timer lies on the level
// of the highest 6-bit digit in which its tick differs from the present one, and comes down a level when the present
// reaches its slot. Bitmaps say which slots are occupied, so a jump of hours costs as much as a tick.
//
// The wheel owns its nodes (24 bytes a timer, reused) and knows timers by a kind and a subject, which it hands back and
// does not understand. It refuses nothing: a deadline in the past fires at the next advance(), Instant::never() is no
// timer.
#pragma once

#include <array>
#include <bit>
#include <cassert>
#include <cstdint>
#include <limits>
#include <vector>

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
    nodes_.resize(kFirstTimer);
    for (std::uint32_t i = 0; i < kFirstTimer; ++i) nodes_[i].next = nodes_[i].previous = i;
  }

  // Makes room for `timers` at once, so that arm() does not allocate up to there.
  void reserve(std::size_t timers) { nodes_.reserve(kFirstTimer + timers); }

  TimerId arm(Instant deadline, std::uint8_t kind, std::uint32_t subject) {
    if (deadline.is_never()) return {};
    const std::uint32_t index = take_node();
    Node& node = nodes_[index];
    node.tick = tick_of(deadline);
    node.kind = kind;
    node.subject = subject;
    ++armed_;
    place(index);
    return {index, node.generation};
  }

  // Afterwards `id` names no timer.
  void cancel(TimerId& id) {
    if (is_armed(id)) {
      unlink(id.node);
      free_node(id.node);
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
    node.tick = tick;
    node.kind = kind;
    node.subject = subject;
    if (later) return;
    unlink(id.node);
    place(id.node);
  }

  // The name of a timer that is armed, from its node alone, for owners who forget it when it fires or is cancelled.
  [[nodiscard]] TimerId at(std::uint32_t node) const {
    return node == TimerId{}.node ? TimerId{} : TimerId{node, nodes_[node].generation};
  }
  [[nodiscard]] bool is_armed(TimerId id) const {
    return id.node < nodes_.size() && nodes_[id.node].generation == id.generation && id.node >= kFirstTimer;
  }
  // Not before this will it fire; never for one that is not armed.
  [[nodiscard]] Instant due(TimerId id) const {
    return is_armed(id) ? instant_of(nodes_[id.node].tick) : Instant::never();
  }
  [[nodiscard]] std::size_t armed() const { return armed_; }

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
        const std::uint32_t index = nodes_[kFiring].next;
        unlink(index);
        const Node node = nodes_[index];
        if (node.tick > present_) {  // put off meanwhile, or down from a higher level
          place(index);
          continue;
        }
        free_node(index);
        ++fired;
        fire(static_cast<std::uint8_t>(node.kind), node.subject);
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
    std::uint64_t tick = 0;
    std::uint32_t next = 0;  // in its list; of a free node the next free one
    std::uint32_t previous = 0;
    std::uint32_t subject = 0;
    std::uint32_t generation : 24 = 0;  // counts how often the node was freed
    std::uint32_t kind : 8 = 0;
  };
  static_assert(sizeof(Node) == 24);

  static std::size_t level_index(int level) { return static_cast<std::size_t>(level); }
  // The first tick that begins at or after the deadline.
  static std::uint64_t tick_of(Instant deadline) {
    if (deadline.ns <= 0) return 0;
    const std::uint64_t tick = (static_cast<std::uint64_t>(deadline.ns) + ((1U << kTickBits) - 1)) >> kTickBits;
    return tick < kLastTick ? tick : kLastTick;
  }
  static Instant instant_of(std::uint64_t tick) { return {static_cast<std::int64_t>(tick << kTickBits)}; }

  [[nodiscard]] bool is_empty(std::uint32_t head) const { return nodes_[head].next == head; }

  // The tick at which the first occupied slot begins; levels_ != 0. Lower levels come before higher ones.
  [[nodiscard]] std::uint64_t first_occupied() const {
    const int level = std::countr_zero(levels_);
    const int shift = level * kDigitBits;
    const auto slot = static_cast<std::uint64_t>(std::countr_zero(occupied_[level_index(level)]));
    return (present_ >> shift & ~kDigitMask) << shift | slot << shift;
  }

  std::uint32_t take_node() {
    if (free_ != 0) {
      const std::uint32_t index = free_;
      free_ = nodes_[index].next;
      return index;
    }
    nodes_.emplace_back();
    return static_cast<std::uint32_t>(nodes_.size() - 1);
  }
  void free_node(std::uint32_t index) {
    ++nodes_[index].generation;
    nodes_[index].next = free_;
    free_ = index;
    --armed_;
  }

  // Into the slot where its tick belongs, seen from the present.
  void place(std::uint32_t index) {
    const std::uint64_t tick = nodes_[index].tick;
    if (tick <= present_) return link(index, kDue);
    const int level = (63 - std::countl_zero(tick ^ present_)) / kDigitBits;
    const auto slot = static_cast<std::uint32_t>(tick >> (level * kDigitBits) & kDigitMask);
    occupied_[level_index(level)] |= std::uint64_t{1} << slot;
    levels_ |= 1U << level;
    link(index, static_cast<std::uint32_t>(level * kSlotsPerLevel) + slot);
  }
  void link(std::uint32_t index, std::uint32_t head) {
    const std::uint32_t last = nodes_[head].previous;
    nodes_[index].next = head;
    nodes_[index].previous = last;
    nodes_[last].next = index;
    nodes_[head].previous = index;
  }
  void unlink(std::uint32_t index) {
    const Node& node = nodes_[index];
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
    const std::uint32_t first = nodes_[from].next;
    const std::uint32_t last = nodes_[from].previous;
    nodes_[from].next = nodes_[from].previous = from;
    mark_empty(from);
    const std::uint32_t end = nodes_[to].previous;
    nodes_[end].next = first;
    nodes_[first].previous = end;
    nodes_[last].next = to;
    nodes_[to].previous = last;
  }

  std::vector<Node> nodes_;
  std::array<std::uint64_t, kLevels> occupied_{};  // a bit for each slot
  std::uint32_t levels_ = 0;                       // a bit for each level that has an occupied slot
  std::uint32_t free_ = 0;                         // 0 is a head, so it means none
  std::uint64_t present_;                          // every tick up to this one has been worked off
  std::size_t armed_ = 0;
};

}  // namespace myriad::stack
