// How the control thread gets a consistent copy of what a shard owns, without a lock and without the shard ever
// waiting: it asks, the shard copies at the end of a turn, it looks. One slot, one asker, one answerer.
//
//            ask()              answer()             ask()
//   kIdle ─────────▶ kAsked ─────────────▶ kReady ─────────▶ kAsked …
//
// While kAsked the value belongs to the shard, else to the control thread.
#pragma once

#include <atomic>
#include <utility>

namespace myriad::engine {

template <class T>
class Snapshot {
 public:
  // Control thread. Nothing happens when the last question is still open. Pointers from ready() end here.
  void ask() {
    if (state_.load(std::memory_order_relaxed) != State::kAsked) state_.store(State::kAsked, std::memory_order_release);
  }
  // Control thread. The answer to the last ask(), or nullptr as long as there is none.
  [[nodiscard]] const T* ready() const {
    return state_.load(std::memory_order_acquire) == State::kReady ? &value_ : nullptr;
  }

  // Shard, once a turn: one load of a line that is rarely written.
  [[nodiscard]] bool asked() const { return state_.load(std::memory_order_acquire) == State::kAsked; }
  // Shard, when asked(). `fill(T&)` writes the copy; it finds the one before, whose memory it may use again.
  template <class Fill>
  void answer(Fill&& fill) {
    std::forward<Fill>(fill)(value_);
    state_.store(State::kReady, std::memory_order_release);
  }

 private:
  enum class State : unsigned char { kIdle, kAsked, kReady };

  alignas(64) std::atomic<State> state_{State::kIdle};
  alignas(64) T value_{};
};

}  // namespace myriad::engine
