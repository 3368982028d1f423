// The world of the port's tests: two network namespaces without names, which die with the test however it ends, joined
// by a veth pair: "near" for the port, "far" for its peer; a steering program of a few instructions; a peer on a packet
// socket.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/addr.h"
#include "base/frame.h"
#include "xsk/file_descriptor.h"
#include "xsk/xsk_port.h"

namespace myriad::xsk::test {

// Every wait of the tests is bounded by this; reaching it fails the test.
inline constexpr std::chrono::seconds kPatience{20};

class Deadline {
 public:
  [[nodiscard]] bool passed() const { return std::chrono::steady_clock::now() > end_; }

 private:
  std::chrono::steady_clock::time_point end_ = std::chrono::steady_clock::now() + kPatience;
};

// True as soon as `condition` holds; false when patience ends.
template <class Condition>
bool eventually(Condition&& condition) {
  const Deadline deadline;
  while (!condition()) {
    if (deadline.passed()) return false;
  }
  return true;
}

// The thread that makes it stands in the near namespace, with `near` up and its peer `far` in the far namespace.
class VethWorld {
 public:
  explicit VethWorld(std::uint32_t queues = 1, std::uint32_t mtu_bytes = 1500);
  ~VethWorld();
  VethWorld(const VethWorld&) = delete;
  VethWorld& operator=(const VethWorld&) = delete;

  // Why the world could not be made: not root, no veth. Empty when it stands.
  [[nodiscard]] const std::string& missing() const { return missing_; }
  void in_far(const std::function<void()>& action);
  // The `ip` command in the near namespace; true when it succeeded.
  static bool ip(const std::string& arguments);
  static std::string ip_output(const std::string& arguments);

 private:
  void build(std::uint32_t queues, std::uint32_t mtu_bytes);

  FileDescriptor before_;
  FileDescriptor near_;
  FileDescriptor far_;
  std::string missing_;
};

// Redirects frames to 02:4d:… to entry queue * shards + (last byte of the MAC % shards), passes all others, and writes
// the queue into byte kQueueByte of the frame. Attached to the interface as long as it lives.
class Steering {
 public:
  static constexpr std::size_t kQueueByte = 63;

  Steering(unsigned interface_index, std::uint32_t queues, std::uint32_t shards, bool generic);
  // errno of the step that failed, 0 = attached.
  [[nodiscard]] int os_error() const { return os_error_; }
  void point_to(Port& port);

 private:
  FileDescriptor map_;
  FileDescriptor program_;
  FileDescriptor link_;
  int os_error_ = 0;
};

MacAddress host_mac(std::uint8_t last);

// An IPv4/UDP frame of `size` bytes (64 or more) to `destination`, with `number` in it. Different numbers are different
// flows, which the kernel spreads over queues.
std::vector<std::uint8_t> numbered_frame(const MacAddress& destination, std::uint32_t number, std::size_t size = 64);
std::uint32_t number_of(Bytes frame);

// A packet socket on the far end. Neither end has an address of its own, so the kernels are silent: whatever comes was
// sent by the port.
class FarPeer {
 public:
  explicit FarPeer(VethWorld& world);
  // Sends or says why not (errno).
  [[nodiscard]] int send(Bytes frame);
  // One frame, or nothing when none is there.
  [[nodiscard]] std::optional<std::vector<std::uint8_t>> receive();
  // How many frames the socket was offered so far, kept or not.
  [[nodiscard]] std::uint64_t offered();

 private:
  FileDescriptor socket_;
  std::uint64_t offered_ = 0;
};

// Turns every shard of a port from one thread, and keeps the pools.
class Crank {
 public:
  using OnFrame = std::function<void(std::uint32_t shard, MutableBytes bytes)>;

  explicit Crank(Port& port);
  void turn(const OnFrame& on_frame = {});
  // Takes a frame of the shard's pool, copies `bytes` into it and submits it; false when there was no room.
  bool send(std::uint32_t shard, Bytes bytes);
  [[nodiscard]] std::uint64_t in_pools() const;
  // Pools and kernel together hold every frame exactly once.
  [[nodiscard]] bool conserved() const;
  [[nodiscard]] PortCounters totals() const;
  [[nodiscard]] XdpStatistics statistics() const;
  [[nodiscard]] FramePool& pool(std::uint32_t shard) { return pools_[shard]; }

 private:
  void give_home(FrameIndex frame) { pools_[port_.area().home(frame)].give(frame); }

  Port& port_;
  std::vector<FramePool> pools_;
  std::vector<RxFrame> batch_;
};

}  // namespace myriad::xsk::test
