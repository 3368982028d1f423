// --capture: a thread that empties the taps of all shards into one pcapng file. Shards never wait for it; what it
// cannot keep up with is counted as dropped and said in the file's statistics and in the run's notes.
//
// Every frame is there once: one that goes from a host of ours to another of the same port is recorded where it was
// sent. Frames of one shard are in order; those of several are put in order within each round of emptying.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "engine/tap.h"
#include "report/pcapng.h"
#include "stack/host_table.h"

namespace myriad::cli {

// "clients[17] → 10.0.255.1": the ends of a frame, our hosts by name, others by their address.
[[nodiscard]] std::string frame_comment(const stack::HostTable& hosts, Bytes frame);

class Capture {
 public:
  static Result<std::unique_ptr<Capture>> create(const std::string& path);
  Capture(report::PcapngWriter writer, std::int64_t unix_minus_monotonic_ns)
      : writer_(std::move(writer)), unix_offset_ns_(unix_minus_monotonic_ns) {}
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  ~Capture();

  // Before start(). The hosts outlive the capture; the taps, one per shard, belong to it.
  std::vector<engine::Tap*> add_port(const std::string& name, const stack::HostTable& hosts, std::uint32_t shards);
  void start();
  // After the shards' last turn. Takes what is left, writes the statistics, closes the file.
  Result<void> finish();

  [[nodiscard]] std::uint64_t frames() const { return frames_; }  // after finish()
  [[nodiscard]] std::uint64_t dropped() const;

 private:
  struct Line {
    const stack::HostTable* hosts = nullptr;
    std::uint32_t interface = 0;
    std::vector<std::unique_ptr<engine::Tap>> taps;
    std::uint64_t frames = 0;
  };
  struct Recorded {
    std::int64_t at_ns = 0;
    std::uint32_t line = 0;
    engine::TapDirection direction{};
    std::size_t offset = 0;  // into bytes_
    std::size_t size = 0;
  };
  void work();
  // One round; true when there was anything.
  bool empty_taps();
  void write(const Recorded& recorded);

  report::PcapngWriter writer_;
  std::int64_t unix_offset_ns_;
  std::vector<Line> lines_;
  std::vector<Recorded> round_;
  std::vector<std::uint8_t> bytes_;
  std::uint64_t frames_ = 0;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace myriad::cli
