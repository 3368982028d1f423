// One shard's plug into the port: its own socket on every queue, the socket it sends through, and the FILL and
// COMPLETION rings of the queues whose number is its own modulo the number of shards. Models engine::FramePort.
//
// All calls come from the shard's thread, but interrupt() and statistics(), which may come from any. Nothing is locked,
// nothing allocated after set-up, and a turn of spinning makes a system call only to wake the kernel.
//
// Frames: refill() and submit() give them to the kernel, receive() and reap() take them back. What is reaped may have
// been sent by another shard (more shards than queues), what is received may be at home with another shard: the caller
// sends each frame home. When the port is closed every frame is home by definition: pools are made new with the port.
#pragma once

#include <poll.h>

#include <cstdint>
#include <span>
#include <vector>

#include "base/frame.h"
#include "base/port_state.h"
#include "base/time.h"
#include "xsk/link_watch.h"
#include "xsk/ring.h"

namespace myriad::xsk {

// Written by the shard's thread alone. Sums over the shards of a port are what happened on the wire; frames_tx and
// bytes_tx of one shard are what came back through its COMPLETION rings, whoever had sent it.
struct PortCounters {
  std::uint64_t frames_tx = 0;  // completed by the kernel
  std::uint64_t bytes_tx = 0;
  std::uint64_t frames_rx = 0;
  std::uint64_t bytes_rx = 0;
  std::uint64_t tx_kicks = 0;    // wake-ups for sending
  std::uint64_t rx_kicks = 0;    // wake-ups for receiving
  std::uint64_t eagain = 0;      // a wake-up did not send everything: kicked again later, nothing is lost
  std::uint64_t enobufs = 0;     // the kernel had no memory for a frame: kicked again later, nothing is lost
  std::uint64_t ebusy_lost = 0;  // frames that the device or the far end had no place for: completed, but lost
  std::uint64_t tx_down = 0;     // wake-ups that found the link down: the frames wait in the TX ring
  std::uint64_t tx_errors = 0;   // wake-ups that failed in any other way
};

// What the kernel counts per socket, summed over the shard's sockets; those of a queue's FILL ring are counted by the
// shard that owns it, so that the sum over the shards of a port counts everything once. Names as in the kernel.
struct XdpStatistics {
  std::uint64_t rx_dropped = 0;  // frame did not fit into a chunk, or no chunk at all
  std::uint64_t rx_invalid_descs = 0;
  std::uint64_t tx_invalid_descs = 0;          // our bug: such a frame never completes
  std::uint64_t rx_ring_full = 0;              // this shard did not receive fast enough
  std::uint64_t rx_fill_ring_empty_descs = 0;  // this shard did not refill fast enough
  std::uint64_t tx_ring_empty_descs = 0;       // times the kernel looked and found nothing to send
};

// A socket of the shard, as receive() sees it.
struct RxQueue {
  RxRing ring;
  int fd = -1;
};

// The rings of a queue that the shard owns.
struct OwnedQueue {
  FillRing fill;
  CompletionRing completion;
  std::uint32_t queue = 0;
};

class alignas(64) ShardPort {
 public:
  struct Wiring {
    FrameArea area;
    std::vector<RxQueue> rx;  // [queue]
    TxRing tx;
    std::uint32_t tx_queue = 0;     // the queue of rx whose socket sends
    std::vector<OwnedQueue> owned;  // may be empty: more shards than queues
    std::uint32_t primed = 0;       // the first so many frames at home with the shard are in the owned FILL rings
    FrameLengths* lengths = nullptr;
  };

  ShardPort(Wiring wiring, LinkWatch link, FileDescriptor wake_event);
  ShardPort(const ShardPort&) = delete;
  ShardPort& operator=(const ShardPort&) = delete;

  // Hands every completed frame of the owned queues to done(FrameIndex), whoever sent it; returns how many.
  template <class Done>
  std::uint32_t reap(Done&& done);
  // Tops up the owned FILL rings from the pool, which keeps kSendReserve frames (a quarter of a small pool) for
  // sending.
  void refill(FramePool& pool);
  // Takes frames from all queues in turn; the bytes may start anywhere in the chunk. Returns how many; they are the
  // caller's until a pool has them.
  std::uint32_t receive(std::span<RxFrame> out);
  // Queues frames for sending in order; returns how many were taken: fewer when the TX ring is full, none when the
  // interface is gone. While the link is down they are taken, and leave when it comes back.
  std::uint32_t submit(std::span<const TxFrame> frames);
  // Wakes the kernel where it asks for it: at most one system call for sending and one for receiving. To be called
  // every turn, since one call may not send everything that is queued. Looks for news of the link every kLinkTurns
  // turns.
  void kick();
  // Sleeps until a frame arrives, interrupt() is called, the link changes or `at_most` is over. Returns at once when a
  // frame or a completion is there. May return early: at most kUnfinishedNap passes while something is on its way out.
  void wait(Duration at_most);
  // Any thread: ends the present sleep or else the next. Costs a system call only while the shard sleeps.
  void interrupt() { doorbell_.ring(); }
  [[nodiscard]] PortState state() const { return state_; }

  [[nodiscard]] const PortCounters& counters() const { return counters_; }
  // Asks the kernel, a system call per queue.
  [[nodiscard]] XdpStatistics statistics() const;
  // Frames given to the kernel minus frames taken back by this shard. Meaningful as the sum over all shards of a port
  // while they rest (Port::frames_in_kernel), since what one shard gives another may take.
  [[nodiscard]] std::int64_t kernel_balance() const;

  // Something is queued here, or sent through an owned queue, by whichever shard, and not back yet.
  [[nodiscard]] bool has_unfinished() const;
  // Frames submitted minus frames reaped; as kernel_balance(): what no shard of the port has seen completed.
  [[nodiscard]] std::int64_t tx_balance() const {
    return static_cast<std::int64_t>(submitted_.value()) - static_cast<std::int64_t>(reaped_);
  }

  // Set-up, before any other call: this shard sends on a queue that `owner` reaps.
  void send_on_queue_of(ShardPort& owner);

  static constexpr std::uint32_t kSendReserve = 256;
  // What refill() leaves in a pool of this capacity: a quarter when it is small.
  static constexpr std::uint32_t send_reserve(std::uint32_t capacity) {
    return kSendReserve < capacity / 4 ? kSendReserve : capacity / 4;
  }
  static constexpr std::uint32_t kLinkTurns = 1024;
  static constexpr Duration kUnfinishedNap = std::chrono::milliseconds{1};

 private:
  // After so many frames the owner of the queue is woken, lest frames lie completed while it sleeps.
  static constexpr std::uint64_t kWakeOwnerEvery = 256;

  [[nodiscard]] FrameIndex frame_of(std::uint64_t address) const {
    return FrameIndex{static_cast<std::uint32_t>(address >> chunk_shift_)};
  }
  [[nodiscard]] std::uint64_t address_of(FrameIndex frame) const {
    return std::uint64_t{static_cast<std::uint32_t>(frame)} << chunk_shift_;
  }
  void withdraw_primed(FramePool& pool);
  void kick_tx();
  void kick_rx();
  void wake_owner();
  void read_link_news();
  // Something to receive or to reap is there already.
  [[nodiscard]] bool has_frames() const;
  void sleep(Duration at_most);

  FrameArea area_;
  unsigned chunk_shift_;
  PortState state_ = PortState::kDown;
  TxRing tx_;
  int tx_fd_;
  FrameLengths* lengths_;
  std::vector<OwnedQueue> owned_;
  std::vector<RxQueue> rx_;
  std::uint32_t first_rx_ = 0;      // queue that receive() starts with, one further each time
  std::uint32_t next_rx_kick_ = 0;  // index into owned_
  std::uint32_t turns_ = 0;
  ShardPort* owner_ = nullptr;    // of the queue we send on; null when it is this shard
  std::uint64_t told_owner_ = 0;  // value of submitted_ when the owner was woken last
  std::uint64_t reaped_ = 0;
  std::uint64_t refilled_;
  std::uint32_t primed_;  // still to be taken out of the pool
  PortCounters counters_;
  LinkWatch link_;
  std::vector<pollfd> sleepers_;           // the sockets, then the doorbell, then the link
  std::vector<const ShardPort*> senders_;  // all that send on queues we own
  alignas(64) SharedTotal submitted_;
  alignas(64) Doorbell doorbell_;
};

template <class Done>
std::uint32_t ShardPort::reap(Done&& done) {
  std::uint32_t total = 0;
  for (OwnedQueue& queue : owned_) {
    total += queue.completion.consume(UINT32_MAX, [&](std::uint64_t address) {
      const FrameIndex frame = frame_of(address);
      counters_.bytes_tx += lengths_->of(frame);
      done(frame);
    });
  }
  counters_.frames_tx += total;
  reaped_ += total;
  return total;
}

}  // namespace myriad::xsk
