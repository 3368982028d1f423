// One port of the simulated network: its hosts, their stack, and a batch to write to.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/frame.h"
#include "stack/stack.h"

namespace myriad::sim {

class Network;

class Station {
 public:
  static constexpr std::uint32_t kChunk = 2048;

  // `chunk`: bytes for a frame, a power of two.
  Station(std::vector<stack::HostGroup> groups, const stack::StackOptions& options, std::uint32_t chunk = kChunk)
      : memory_(std::size_t{kFrames} * chunk),
        area_{memory_.data(), chunk, kFrames, 1},
        pool_(area_, 0),
        batch_(area_, 256),
        hosts_(std::move(groups)),
        stack_(std::in_place, hosts_, options) {}

  [[nodiscard]] stack::Stack& stack() { return *stack_; }
  [[nodiscard]] const stack::HostTable& hosts() const { return hosts_; }
  [[nodiscard]] TxBatch& batch() { return batch_; }
  // Frames lost by this station itself; zero unless something leaks.
  [[nodiscard]] std::uint32_t frames_missing() const { return kFrames - pool_.size() - batch_.held(); }

  // As after a power cut: the same hosts know nothing of what was, and what they had written has not been sent. The
  // stack is made anew in its old place; listeners are the caller's to set again.
  void forget_everything(const stack::StackOptions& options) {
    batch_.release(pool_);
    stack_.emplace(hosts_, options);
  }

  // Type-erased here: in the simulation only, so that stations with different applications share a wire.
  std::function<void(Bytes, Instant)> on_frame;
  std::function<void(Instant)> on_time;
  std::function<Instant()> deadline = [this] { return stack_->next_deadline(); };

  template <class App>
  void attach(App& app) {
    on_frame = [this, &app](Bytes frame, Instant now) { stack_->on_frame(frame, now, app, batch_); };
    on_time = [this, &app](Instant now) {
      stack_->on_timers(now, app);
      stack_->transmit(now, app, batch_);
    };
  }

 private:
  friend class Network;
  static constexpr std::uint32_t kFrames = 512;

  std::vector<std::uint8_t> memory_;
  FrameArea area_;
  FramePool pool_;
  TxBatch batch_;
  Instant wire_free_at_;  // when the last frame has left, on a wire that has a rate
  stack::HostTable hosts_;
  std::optional<stack::Stack> stack_;
};

}  // namespace myriad::sim
