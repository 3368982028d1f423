// AF_XDP sockets that only receive, one per shard, all on one queue of an interface and sharing one UMEM: the smallest
// thing that shows where steering sends a frame.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace myriad::bpf {

class XdpReceiver {
 public:
  // To be called in the interface's namespace.
  static Result<std::unique_ptr<XdpReceiver>> open(const std::string& interface, std::uint32_t queue,
                                                   std::uint32_t shards);
  XdpReceiver(const XdpReceiver&) = delete;
  XdpReceiver& operator=(const XdpReceiver&) = delete;
  ~XdpReceiver();

  [[nodiscard]] int socket(std::uint32_t shard) const;
  // The next frames of a shard, at most `count` of them and no longer than `patience` after the last one.
  std::vector<std::vector<std::uint8_t>> receive(std::uint32_t shard, std::size_t count,
                                                 std::chrono::milliseconds patience);

 private:
  struct State;
  explicit XdpReceiver(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace myriad::bpf
