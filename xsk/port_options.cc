#include <algorithm>
#include <bit>
#include <string>

#include "xsk/xsk_port.h"

namespace myriad::xsk {
namespace {

constexpr std::uint32_t kXdpHeadroom = 256;       // bytes that the kernel keeps free before a received frame
constexpr std::uint32_t kEthernetBytes = 14 + 8;  // header and two VLAN tags

constexpr std::uint32_t largest_mtu(std::uint32_t chunk_bytes) { return chunk_bytes - kXdpHeadroom - kEthernetBytes; }

Failure refuse(std::string what, std::string cure) { return fail(Fault::kUsage, std::move(what), std::move(cure)); }

Result<void> check_ring(const char* ring, std::uint32_t entries) {
  if (std::has_single_bit(entries) && entries >= 64 && entries <= 32768) return {};
  return refuse(std::string{"a "} + ring + " ring of " + std::to_string(entries) + " entries",
                "take a power of two from 64 to 32768");
}

Result<void> check_rings(const PortOptions& options) {
  return check_ring("FILL", options.fill_entries)
      .and_then([&] { return check_ring("RX", options.rx_entries); })
      .and_then([&] { return check_ring("TX", options.tx_entries); })
      .and_then([&] { return check_ring("COMPLETION", options.completion_entries); });
}

Result<void> choose_queues(PortOptions& options, const Device& device) {
  if (options.queues == 0) options.queues = device.queues;
  if (options.queues > device.queues) {
    return refuse(device.name + " has " + std::to_string(device.queues) + " receive queues, " +
                      std::to_string(options.queues) + " were asked for",
                  "use fewer, or give the device more: ethtool -L " + device.name);
  }
  if (options.shards == 0 || options.shards > PortOptions::kMaxShards) {
    return refuse(std::to_string(options.shards) + " shards", "take 1 to " + std::to_string(PortOptions::kMaxShards));
  }
  return {};
}

Result<void> choose_chunk(PortOptions& options, const Device& device) {
  if (options.mtu_bytes == 0) options.mtu_bytes = device.mtu_bytes;
  if (options.chunk_bytes == 0) options.chunk_bytes = options.mtu_bytes <= largest_mtu(2048) ? 2048 : 4096;
  if (options.chunk_bytes != 2048 && options.chunk_bytes != 4096) {
    return refuse("a chunk of " + std::to_string(options.chunk_bytes) + " bytes", "take 2048 or 4096");
  }
  if (options.mtu_bytes > largest_mtu(options.chunk_bytes)) {
    const std::string limit = std::to_string(largest_mtu(4096));
    return fail(Fault::kMachine,
                "frames of MTU " + std::to_string(options.mtu_bytes) + " do not fit into a chunk of " +
                    std::to_string(options.chunk_bytes) + " bytes",
                "an MTU of at most " + limit + " can be used: ip link set dev " + device.name + " mtu " + limit);
  }
  return {};
}

Result<void> choose_frames(PortOptions& options) {
  // All rings full at once, and some to write the next frames into.
  const std::uint32_t owned_queues = (options.queues + options.shards - 1) / options.shards;
  const std::uint32_t enough =
      owned_queues * options.fill_entries + options.tx_entries + options.completion_entries + ShardPort::kSendReserve;
  if (options.frames_per_shard == 0) options.frames_per_shard = enough;
  constexpr std::uint32_t kLeast = 64;
  const std::uint64_t all = std::uint64_t{options.frames_per_shard} * options.shards;
  if (options.frames_per_shard < kLeast || all > PortOptions::kMaxFrames) {
    return refuse(
        std::to_string(options.frames_per_shard) + " frames for each of " + std::to_string(options.shards) + " shards",
        "take at least " + std::to_string(kLeast) + ", and at most " + std::to_string(PortOptions::kMaxFrames) +
            " for all shards together");
  }
  return {};
}

}  // namespace

Result<PortOptions> complete(const PortOptions& options, const Device& device) {
  PortOptions chosen = options;
  chosen.interface = device.name;
  if (chosen.generic && chosen.mode == BindRequest::kZeroCopy) {
    return refuse("zero-copy with an XDP program in generic (skb) mode", "use mode zero-copy or skb, not both");
  }
  if (chosen.bind_retry < Duration::zero()) return refuse("a negative time to retry", "take 0 or more");
  return check_rings(chosen)
      .and_then([&] { return choose_queues(chosen, device); })
      .and_then([&] { return choose_chunk(chosen, device); })
      .and_then([&] { return choose_frames(chosen); })
      .map([&] { return chosen; });
}

}  // namespace myriad::xsk
