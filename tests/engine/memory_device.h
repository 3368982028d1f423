// A network device made of memory, with the rings of AF_XDP: Q queues, S shards, one area of frames, a FILL and a
// COMPLETION ring per queue owned by shard q % S, an RX ring per (queue, shard), and steering by the host of a frame.
// Two devices face each other as the ends of a cable. Safe to use from several threads: one lock a device.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "base/frame.h"
#include "base/port_state.h"
#include "base/time.h"
#include "engine/switchboard.h"
#include "stack/host_table.h"

namespace myriad::engine {

class MemoryDevice;

// The plug of one shard; models FramePort.
class MemoryPort {
 public:
  MemoryPort(MemoryDevice& device, std::uint32_t shard) : device_(device), shard_(shard) {}

  template <class Done>
  std::uint32_t reap(Done&& done);
  void refill(FramePool& pool);
  std::uint32_t receive(std::span<RxFrame> out);
  std::uint32_t submit(std::span<const TxFrame> frames);
  void kick();
  void wait(Duration at_most);
  void interrupt();
  [[nodiscard]] PortState state() const { return PortState::kUp; }

 private:
  MemoryDevice& device_;
  std::uint32_t shard_;
};

class MemoryDevice {
 public:
  static constexpr std::uint32_t kChunkBytes = 2048;
  static constexpr std::uint32_t kFillFrames = 128;
  static constexpr std::uint32_t kTxFrames = 64;  // short, so that submit() is refused now and then

  MemoryDevice(const stack::HostTable& hosts, std::uint32_t queues, std::uint32_t shards,
               std::uint32_t frames_per_shard = 1024)
      : hosts_(hosts),
        queues_(queues),
        shards_(shards),
        memory_(std::size_t{frames_per_shard} * shards * kChunkBytes),
        area_{memory_.data(), kChunkBytes, frames_per_shard, shards},
        cable_(queues),
        fill_(queues),
        completion_(queues),
        rx_(std::size_t{queues} * shards),
        tx_(shards),
        wakes_(shards) {
    for (std::uint32_t s = 0; s < shards; ++s) ports_.push_back(std::make_unique<MemoryPort>(*this, s));
  }

  [[nodiscard]] const FrameArea& area() const { return area_; }
  [[nodiscard]] MemoryPort& port(std::uint32_t shard) { return *ports_[shard]; }
  void plug_into(MemoryDevice& other) {
    peer_ = &other;
    other.peer_ = this;
  }
  [[nodiscard]] std::uint64_t delivered() const { return delivered_; }
  [[nodiscard]] std::uint32_t frames_in_kernel() const {
    std::size_t count = 0;
    for (const auto& ring : fill_) count += ring.size();
    for (const auto& ring : completion_) count += ring.size();
    for (const auto& ring : rx_) count += ring.size();
    for (const auto& ring : tx_) count += ring.size();
    return static_cast<std::uint32_t>(count);
  }

 private:
  friend class MemoryPort;

  // A frame comes in on a queue that has nothing to do with the shard of its host, as with RSS. It waits on the cable
  // until that queue has a frame to receive into: nothing is lost here, so that every loss a test sees is the engine's.
  void deliver(std::vector<std::uint8_t> bytes) {
    const std::lock_guard lock{mutex_};
    const auto host = engine::deliver(hosts_, bytes).inside;
    if (!host) return;  // the kernel's
    const std::uint32_t queue = static_cast<std::uint32_t>(delivered_++ * 7 % queues_);
    cable_[queue].push_back({static_cast<std::uint32_t>(*host) % shards_, std::move(bytes)});
    receive_into(queue);
  }
  void receive_into(std::uint32_t queue) {
    for (auto& cable = cable_[queue]; !cable.empty() && !fill_[queue].empty(); cable.pop_front()) {
      const auto& [shard, bytes] = cable.front();
      const FrameIndex frame = fill_[queue].front();
      fill_[queue].pop_front();
      std::copy(bytes.begin(), bytes.end(), area_.chunk(frame).begin() + kHeadroom);
      rx_[queue * shards_ + shard].push_back({frame, static_cast<std::uint32_t>(bytes.size())});
      wakes_[shard].woken = true;
      wakes_[shard].condition.notify_one();
    }
  }

  static constexpr std::size_t kHeadroom = 256;  // RX addresses are not those of chunks
  struct Wake {
    std::condition_variable condition;
    bool woken = false;
  };

  const stack::HostTable& hosts_;
  std::uint32_t queues_;
  std::uint32_t shards_;
  std::vector<std::uint8_t> memory_;
  FrameArea area_;
  MemoryDevice* peer_ = nullptr;
  std::mutex mutex_;
  struct OnCable {
    std::uint32_t shard;
    std::vector<std::uint8_t> bytes;
  };
  std::vector<std::deque<OnCable>> cable_;
  std::vector<std::deque<FrameIndex>> fill_;
  std::vector<std::deque<FrameIndex>> completion_;
  std::vector<std::deque<TxFrame>> rx_;
  std::vector<std::deque<TxFrame>> tx_;
  std::vector<std::unique_ptr<MemoryPort>> ports_;
  std::deque<Wake> wakes_;
  std::uint64_t delivered_ = 0;
};

template <class Done>
std::uint32_t MemoryPort::reap(Done&& done) {
  std::vector<FrameIndex> sent;
  {
    const std::lock_guard lock{device_.mutex_};
    for (std::uint32_t queue = shard_; queue < device_.queues_; queue += device_.shards_) {
      sent.insert(sent.end(), device_.completion_[queue].begin(), device_.completion_[queue].end());
      device_.completion_[queue].clear();
    }
  }
  for (const FrameIndex frame : sent) done(frame);
  return static_cast<std::uint32_t>(sent.size());
}

inline void MemoryPort::refill(FramePool& pool) {
  const std::lock_guard lock{device_.mutex_};
  for (std::uint32_t queue = shard_; queue < device_.queues_; queue += device_.shards_) {
    while (device_.fill_[queue].size() < MemoryDevice::kFillFrames && pool.size() > pool.capacity() / 8) {
      device_.fill_[queue].push_back(*pool.take());
    }
    device_.receive_into(queue);
  }
}

inline std::uint32_t MemoryPort::receive(std::span<RxFrame> out) {
  const std::lock_guard lock{device_.mutex_};
  std::uint32_t taken = 0;
  for (std::uint32_t queue = 0; queue < device_.queues_; ++queue) {
    auto& ring = device_.rx_[queue * device_.shards_ + shard_];
    for (; taken < out.size() && !ring.empty(); ring.pop_front()) {
      const TxFrame got = ring.front();
      out[taken++] = {device_.area_.chunk(got.frame).subspan(MemoryDevice::kHeadroom, got.length), got.frame};
    }
  }
  return taken;
}

inline std::uint32_t MemoryPort::submit(std::span<const TxFrame> frames) {
  const std::lock_guard lock{device_.mutex_};
  std::uint32_t taken = 0;
  while (taken < frames.size() && device_.tx_[shard_].size() < MemoryDevice::kTxFrames) {
    device_.tx_[shard_].push_back(frames[taken++]);
  }
  return taken;
}

inline void MemoryPort::kick() {
  std::vector<std::vector<std::uint8_t>> leaving;
  {
    const std::lock_guard lock{device_.mutex_};
    for (auto& ring = device_.tx_[shard_]; !ring.empty(); ring.pop_front()) {
      const Bytes bytes = device_.area_.chunk(ring.front().frame).first(ring.front().length);
      leaving.emplace_back(bytes.begin(), bytes.end());
      device_.completion_[shard_ % device_.queues_].push_back(ring.front().frame);
    }
  }
  if (device_.peer_ == nullptr) return;
  for (auto& bytes : leaving) device_.peer_->deliver(std::move(bytes));
}

inline void MemoryPort::wait(Duration at_most) {
  std::unique_lock lock{device_.mutex_};
  auto& wake = device_.wakes_[shard_];
  wake.condition.wait_for(lock, at_most, [&] { return wake.woken; });
  wake.woken = false;
}

inline void MemoryPort::interrupt() {
  const std::lock_guard lock{device_.mutex_};
  device_.wakes_[shard_].woken = true;
  device_.wakes_[shard_].condition.notify_one();
}

}  // namespace myriad::engine
