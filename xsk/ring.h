// The four rings of AF_XDP, and the little that threads share beside them.
//
// An AF_XDP socket moves frames between this process and one queue of a network device without copying descriptors
// through system calls. Both sides see one area of memory, the UMEM, cut into chunks; what travels through the rings is
// only who owns which chunk. Each ring has one producer and one consumer, so neither ever takes a lock:
//
//          this process                                         kernel (driver, or copy in software)
//                             .---------------------------.
//     refill()  --empty-----> |  FILL        u64 address  | ------------> takes an empty chunk,
//                             '---------------------------'               writes a frame from the wire into it
//                             .---------------------------.                      |
//     receive() <--frame----- |  RX   address + length    | <--------------------'
//                             '---------------------------'
//                             .---------------------------.
//     submit()  --frame-----> |  TX   address + length    | ------------> reads the frame onto the wire
//                             '---------------------------'                      |
//                             .---------------------------.                      |
//     reap()    <--empty----- |  COMPLETION  u64 address  | <--------------------'
//                             '---------------------------'
//
// A chunk makes one round at a time, FILL to RX or TX to COMPLETION, and is in exactly one place. RX and TX belong to a
// socket, FILL and COMPLETION to a (device, queue) pair: several sockets may share a queue, and then whichever socket's
// frame it was, its chunk left through the one FILL ring and comes back through the one COMPLETION ring.
//
//     shard              0          1          2          3         S shards, Q queues: a socket for every pair, so
//     queue 0        [socket]   [socket]   [socket]   [socket]      that the XDP program reaches the shard it wants on
//     queue 1        [socket]   [socket]   [socket]   [socket]      whichever queue the frame came (xsk_port.h)
//
// The rings below are typed views over memory that the kernel shares with us (socket.h maps and unmaps it); they are
// copied freely while only one copy is used. They are built on libxdp's accessors, which hold the memory barriers.
// Refused: more than one thread at a ring.
#pragma once

#include <xdp/xsk.h>

#include <atomic>
#include <cassert>
#include <cstdint>
#include <memory>
#include <type_traits>

#include "base/frame.h"
#include "xsk/file_descriptor.h"

namespace myriad::xsk {

// A ring that we write and the kernel reads: Entry is a std::uint64_t (FILL) or an xdp_desc (TX).
template <class Entry>
class ProducerRing {
 public:
  ProducerRing() = default;
  explicit ProducerRing(const xsk_ring_prod& mapped) : ring_(mapped) {}

  // How many entries can be produced. Looks at the kernel's side only when fewer than `wanted` are known to be free.
  [[nodiscard]] std::uint32_t room(std::uint32_t wanted) { return xsk_prod_nb_free(&ring_, wanted); }

  // Produces `count` entries, for which there is room: write(entry, i) fills the i-th. The kernel sees all at once.
  template <class Write>
  void produce(std::uint32_t count, Write&& write) {
    std::uint32_t first = 0;
    [[maybe_unused]] const std::uint32_t reserved = xsk_ring_prod__reserve(&ring_, count, &first);
    assert(reserved == count && "room() comes first");
    for (std::uint32_t i = 0; i < count; ++i) write(*entry(first + i), i);
    xsk_ring_prod__submit(&ring_, count);
  }

  // How many entries the kernel has not taken yet.
  [[nodiscard]] std::uint32_t pending() const {
    return ring_.cached_prod - __atomic_load_n(ring_.consumer, __ATOMIC_ACQUIRE);
  }
  // For whoever goes on with the ring.
  [[nodiscard]] const xsk_ring_prod& state() const { return ring_; }
  // Whether the kernel waits for a system call before it looks at the ring.
  [[nodiscard]] bool needs_wakeup() const { return xsk_ring_prod__needs_wakeup(&ring_) != 0; }

 private:
  Entry* entry(std::uint32_t at) {
    if constexpr (std::is_same_v<Entry, xdp_desc>) {
      return xsk_ring_prod__tx_desc(&ring_, at);
    } else {
      return reinterpret_cast<Entry*>(xsk_ring_prod__fill_addr(&ring_, at));
    }
  }

  xsk_ring_prod ring_{};
};

// A ring that the kernel writes and we read: Entry is a std::uint64_t (COMPLETION) or an xdp_desc (RX).
template <class Entry>
class ConsumerRing {
 public:
  ConsumerRing() = default;
  explicit ConsumerRing(const xsk_ring_cons& mapped) : ring_(mapped) {}

  // Reads up to `at_most` entries in order: read(entry). Returns how many.
  template <class Read>
  std::uint32_t consume(std::uint32_t at_most, Read&& read) {
    std::uint32_t first = 0;
    const std::uint32_t count = xsk_ring_cons__peek(&ring_, at_most, &first);
    if (count == 0) return 0;
    for (std::uint32_t i = 0; i < count; ++i) read(*entry(first + i));
    xsk_ring_cons__release(&ring_, count);
    return count;
  }

  [[nodiscard]] bool is_empty() const { return ring_.cached_cons == __atomic_load_n(ring_.producer, __ATOMIC_ACQUIRE); }

 private:
  const Entry* entry(std::uint32_t at) const {
    if constexpr (std::is_same_v<Entry, xdp_desc>) {
      return xsk_ring_cons__rx_desc(&ring_, at);
    } else {
      return reinterpret_cast<const Entry*>(xsk_ring_cons__comp_addr(&ring_, at));
    }
  }

  xsk_ring_cons ring_{};
};

using FillRing = ProducerRing<std::uint64_t>;
using CompletionRing = ConsumerRing<std::uint64_t>;
using TxRing = ProducerRing<xdp_desc>;
using RxRing = ConsumerRing<xdp_desc>;

// Bytes of every frame that is on its way out. The sender writes, the owner of the queue's COMPLETION ring reads when
// the frame is back; between them stands the kernel, which orders the two, so that relaxed access (a plain move) is
// enough.
class FrameLengths {
 public:
  explicit FrameLengths(std::uint32_t frames) : lengths_(std::make_unique<std::atomic<std::uint32_t>[]>(frames)) {}

  void set(FrameIndex frame, std::uint32_t bytes) {
    lengths_[static_cast<std::uint32_t>(frame)].store(bytes, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint32_t of(FrameIndex frame) const {
    return lengths_[static_cast<std::uint32_t>(frame)].load(std::memory_order_relaxed);
  }

 private:
  std::unique_ptr<std::atomic<std::uint32_t>[]> lengths_;
};

// A total that one thread adds to and any thread may read. Says nothing about what else the writer has done.
class SharedTotal {
 public:
  void add(std::uint64_t count) {
    total_.store(total_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t value() const { return total_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> total_{0};
};

// Ends one thread's sleep from any other. Ringing costs a system call only while the sleeper really sleeps; a ring that
// comes before the sleep is not lost: the sleep does not begin. What the ringer wrote before, the woken thread sees.
class Doorbell {
 public:
  explicit Doorbell(FileDescriptor event) : event_(std::move(event)) {}

  // To be polled for reading during the sleep.
  [[nodiscard]] int fd() const { return event_.get(); }
  // Any thread.
  void ring();
  // The sleeper, before it sleeps; false: it rang already, do not sleep. end_sleep() follows in both cases.
  [[nodiscard]] bool begin_sleep();
  // The sleeper, awake again. `event_seen`: the descriptor was readable.
  void end_sleep(bool event_seen);

 private:
  FileDescriptor event_;
  std::atomic<bool> rung_{false};
  std::atomic<bool> asleep_{false};
};

}  // namespace myriad::xsk
