// Two stacks that talk to each other with no device between them, on a virtual clock: what the benchmarks of TCP share.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "stack/stack.h"

namespace myriad::stack {

inline constexpr std::uint32_t kChunkBytes = 2048;
inline constexpr std::uint32_t kBatch = 256;
inline constexpr Port kService{80};
inline constexpr std::uint32_t kRequestBytes = 80;    // GET /bytes/64 with a Host field
inline constexpr std::uint32_t kResponseBytes = 160;  // a status line, three fields and 64 bytes

inline HostTable hosts(const char* first4, std::uint64_t mac, std::uint32_t count) {
  HostGroup group;
  group.name = "hosts";
  group.count = count;
  group.first_mac = MacAddress::from_number(mac);
  group.ipv4 = Ipv4Prefix::parse(first4);
  return HostTable{{group}};
}

// One port: hosts, stack, frames.
class Side {
 public:
  Side(HostTable table, const StackOptions& options)
      : table_(std::move(table)),
        memory_(std::size_t{kBatch} * kChunkBytes),
        area_{memory_.data(), kChunkBytes, kBatch, 1},
        pool_(area_, 0),
        batch_(area_, kBatch),
        stack_(table_, options) {
    batch_.reserve(pool_);
  }
  [[nodiscard]] Stack& stack() { return stack_; }
  [[nodiscard]] const HostTable& table() const { return table_; }
  [[nodiscard]] TxBatch& batch() { return batch_; }

  // Gives every frame that waits here to `hear`, and takes it back. Returns how many.
  template <class Hear>
  std::uint32_t deliver(Hear&& hear) {
    const std::uint32_t count = batch_.committed_count();
    for (std::uint32_t i = 0; i < count; ++i) hear(batch_.bytes(batch_.committed()[i]));
    for (std::uint32_t i = 0; i < count; ++i) pool_.give(batch_.committed()[i].frame);
    batch_.consume(count);
    batch_.reserve(pool_);
    return count;
  }

 private:
  HostTable table_;
  std::vector<std::uint8_t> memory_;
  FrameArea area_;
  FramePool pool_;
  TxBatch batch_;
  Stack stack_;
};

struct Served {
  Stack& stack;
  std::uint64_t responses = 0;

  void on_event(const Event& event, Instant) {
    if (event.kind == EventKind::kReceived) {
      stack.extend(event.connection, kResponseBytes);
      stack.finish(event.connection);
    } else if (event.kind == EventKind::kClosed) {
      ++responses;
    }
  }
  void read(Cookie, std::uint64_t, MutableBytes out) { std::fill(out.begin(), out.end(), 0x20); }
};

struct Asking {
  Stack& stack;
  std::uint64_t connected = 0;
  std::uint64_t bytes = 0;
  std::uint64_t closed = 0;
  std::uint64_t failed = 0;

  void on_event(const Event& event, Instant) {
    switch (event.kind) {
      case EventKind::kConnected:
        ++connected;
        stack.extend(event.connection, kRequestBytes);
        break;
      case EventKind::kReceived:
        bytes += event.data.size();
        break;
      case EventKind::kPeerClosed:
        stack.finish(event.connection);
        break;
      case EventKind::kClosed:
        ++closed;
        break;
      case EventKind::kFailed:
        ++failed;
        break;
      default:
        break;
    }
  }
  void read(Cookie, std::uint64_t, MutableBytes out) { std::fill(out.begin(), out.end(), 0x20); }
};

// SYN, request, response, FIN of both sides, TIME-WAIT: 32 connections open at a time, 1,000 hosts on either side.
class WholeConnections {
 public:
  WholeConnections() { right_.stack().listen_tcp(0, kService, 0, 0); }

  void turn() {
    now_ = now_ + std::chrono::microseconds{20};
    while (started_ - asking_.closed - asking_.failed < kOpen) {
      ++turn_;
      const IpAddress to = *right_.table().address(right_.table().at(HostId{turn_ * 7 % kHosts}), false);
      if (left_.stack().connect(HostId{turn_ % kHosts}, to, kService, 0, 0, now_)) ++started_;
    }
    left_.stack().on_timers(now_, asking_);
    left_.stack().transmit(now_, asking_, left_.batch());
    left_.deliver([&](Bytes frame) { right_.stack().on_frame(frame, now_, served_, right_.batch()); });
    right_.stack().on_timers(now_, served_);
    right_.stack().transmit(now_, served_, right_.batch());
    right_.deliver([&](Bytes frame) { left_.stack().on_frame(frame, now_, asking_, left_.batch()); });
  }
  [[nodiscard]] std::uint64_t closed() const { return asking_.closed; }
  [[nodiscard]] bool failed() const { return asking_.failed > 0 || asking_.bytes < asking_.closed * kResponseBytes; }
  [[nodiscard]] std::uint64_t segments() {
    return left_.stack().tcp_counters(0).segments_tx + right_.stack().tcp_counters(0).segments_tx;
  }

 private:
  static constexpr std::uint32_t kOpen = 32;
  static constexpr std::uint32_t kHosts = 1000;

  Side left_{hosts("10.0.0.1/8", 0x024d00000001, kHosts), {}};
  Side right_{hosts("10.1.0.1/8", 0x024e00000001, kHosts), {}};
  Asking asking_{left_.stack()};
  Served served_{right_.stack()};
  Instant now_{1'000'000'000};
  std::uint32_t turn_ = 0;
  std::uint64_t started_ = 0;
};

}  // namespace myriad::stack
