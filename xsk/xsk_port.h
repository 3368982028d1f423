// A network interface, opened for AF_XDP by all shards at once: the matrix of sockets over one UMEM. What an AF_XDP
// socket is, and its four rings, is told in ring.h; what a shard does with its part, in shard_port.h.
//
// An AF_XDP socket gets only frames that came in on its own queue, and the device has chosen the queue before the XDP
// program runs. So every shard has a socket on every queue; the program redirects a frame to
// sockets[queue * shards + shard] and it reaches the shard that owns its host, whichever queue it came on. All sockets
// share the memory, sockets of one queue share that queue's FILL and COMPLETION rings, which belong to shard
// queue % shards. Shard s sends through its own socket on queue s % queues.
//
// The order that works for every driver:
//   1. attach the XDP program (some drivers need one even to bind or to send)
//   2. Port::open(); FILL rings hold frames from before the first bind on, since some drivers look only then
//   3. every shard: refill() with a fresh pool, before anything else takes frames of it; kick()
//   4. put socket_fd(queue, shard) into the steering map: traffic begins
// and at the end: take the program off (or clear the map), stop the shards, destroy the port. The caller loads,
// attaches and detaches the program; the port knows nothing of it, but whether it runs in generic (skb) mode.
//
// Owns the memory, all sockets, the shards' plugs and the promiscuous membership. Everything is undone by the
// destructor, and by the kernel when the process dies. Belongs to the network namespace it was opened in.
// Needs CAP_NET_RAW; CAP_IPC_LOCK where the limit of locked memory is small.
// Refuses: sizes that are no powers of two, more queues than the device has, an MTU whose frames fit no chunk.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/frame.h"
#include "base/result.h"
#include "base/time.h"
#include "xsk/device.h"
#include "xsk/shard_port.h"
#include "xsk/socket.h"
#include "xsk/umem.h"

namespace myriad::xsk {

enum class BindMode : std::uint8_t { kZeroCopy, kCopy };
enum class BindRequest : std::uint8_t { kAuto, kZeroCopy, kCopy };

[[nodiscard]] constexpr const char* name(BindMode mode) { return mode == BindMode::kZeroCopy ? "zero-copy" : "copy"; }

struct PortOptions {
  std::string interface;                  // name of the interface; needed
  std::uint32_t queues = 0;               // use queues 0 … n-1; 0 = all the device has, since frames come on each
  std::uint32_t shards = 1;               // one per thread that will call; at most kMaxShards
  BindRequest mode = BindRequest::kAuto;  // zero-copy where the driver has it, else copy
  bool generic = false;                // the XDP program is attached in generic (skb) mode: only copy is possible then
  bool need_wakeup = true;             // the kernel says when it waits for a system call; spares most of them
  std::uint32_t mtu_bytes = 0;         // largest IP packet to be received; 0 = the interface's MTU. Decides the chunk
  std::uint32_t chunk_bytes = 0;       // 0 = 2048 where the MTU allows (more frames in cache), else 4096
  std::uint32_t frames_per_shard = 0;  // 0 = as many as the rings can hold at once, so that none starves another
  // Per queue: frames that may come in while a shard looks elsewhere (4 ms at 2 Mpps). A thousand bulk transfers keep
  // at least a few segments each on their way, however congested: the ring is the queue that they share.
  std::uint32_t fill_entries = 8192;
  std::uint32_t rx_entries = 8192;          // per socket: as many as FILL can give, so that RX never overflows first
  std::uint32_t tx_entries = 2048;          // per shard: many turns' worth, small enough to stay in cache
  std::uint32_t completion_entries = 2048;  // per queue: in copy mode bounds the frames in flight inside the kernel
  std::uint32_t tx_budget = 256;  // frames one wake-up sends in copy mode, where the kernel lets us choose (it says 32)
  Duration bind_retry = std::chrono::seconds{2};  // a queue is busy for up to 0.1 s after its last owner ended
  bool promiscuous = true;                        // a real NIC drops frames to MAC addresses it does not know

  static constexpr std::uint32_t kMaxShards = 256;
  static constexpr std::uint32_t kMaxFrames = 1U << 22;  // 8 GiB of 2 KiB chunks: above this it is a mistake
};

class Port {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Port>> open(const PortOptions& options);
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;
  ~Port();

  [[nodiscard]] const Device& device() const { return device_; }
  [[nodiscard]] std::uint32_t queues() const { return queues_; }
  [[nodiscard]] std::uint32_t shard_count() const { return area_.shards; }
  [[nodiscard]] const FrameArea& area() const { return area_; }
  // Lives as long as the port. `index` < shard_count().
  [[nodiscard]] ShardPort& shard(std::uint32_t index) { return *shards_[index]; }
  [[nodiscard]] const ShardPort& shard(std::uint32_t index) const { return *shards_[index]; }
  // For entry queue * shard_count() + shard of the steering map.
  [[nodiscard]] int socket_fd(std::uint32_t queue, std::uint32_t shard) const {
    return matrix_.sockets[std::size_t{queue} * area_.shards + shard]->fd();
  }

  // As the kernel tells it, not as it was asked for.
  [[nodiscard]] BindMode mode() const { return mode_; }
  // Why the mode is copy although zero-copy would have been taken; empty when that is not so.
  [[nodiscard]] const std::string& why_copy() const { return why_copy_; }
  // Frames that one wake-up sends in copy mode.
  [[nodiscard]] std::uint32_t tx_budget() const { return tx_budget_; }
  // What was done to the process on the way, for the user to know; one sentence each.
  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }

  // Frames that are in FILL, in TX, or inside the kernel. Only while all shards rest.
  [[nodiscard]] std::int64_t frames_in_kernel() const;

 private:
  struct Matrix {
    std::unique_ptr<Umem> umem;
    std::vector<std::unique_ptr<Socket>> sockets;  // [queue * shards + shard]

    Matrix() = default;
    Matrix(Matrix&&) noexcept = default;
    Matrix& operator=(Matrix&&) noexcept = default;
    ~Matrix() { close(); }
    void close();
  };

  explicit Port(FrameMemory memory) : memory_(std::move(memory)) {}
  // `options` from here on: complete and checked, nothing is 0 that stands for "choose".
  [[nodiscard]] Result<void> bind(const PortOptions& options);
  // Leaves no socket behind when it fails. Takes what it pauses off `patience`.
  [[nodiscard]] Result<void> bind_all(const PortOptions& options, BindMode mode, Duration& patience);
  [[nodiscard]] Result<std::unique_ptr<Socket>> bind_patiently(const SocketOptions& options, std::uint32_t shard,
                                                               Duration& patience);
  [[nodiscard]] Result<std::unique_ptr<Socket>> bind_one(const SocketOptions& options, std::uint32_t shard);
  // The frames that open() puts into the FILL ring of a queue: the first ones at home with the queue's owner.
  [[nodiscard]] PrimedFrames primed(std::uint32_t queue) const;
  [[nodiscard]] Result<void> make_shards(const PortOptions& options);
  [[nodiscard]] Result<void> join_promiscuous();
  void read_mode();
  void set_tx_budget(const PortOptions& options);

  Device device_;
  std::uint32_t queues_ = 0;
  FrameArea area_;
  BindMode mode_ = BindMode::kCopy;
  std::string why_copy_;
  std::uint32_t tx_budget_ = 0;
  std::vector<std::string> notes_;
  // In the order in which they need each other.
  FrameMemory memory_;
  FileDescriptor membership_;
  Matrix matrix_;
  std::unique_ptr<FrameLengths> lengths_;
  std::vector<std::unique_ptr<ShardPort>> shards_;
};

// The options with everything chosen that was left to choose, or what is wrong with them. For `doctor` and tests;
// open() does it by itself.
[[nodiscard]] Result<PortOptions> complete(const PortOptions& options, const Device& device);

}  // namespace myriad::xsk
