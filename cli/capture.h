// --capture: a thread that empties the taps of all shards into one pcapng file. Shards never wait for it; what it
// cannot keep up with is counted as dropped and said in the file, with the next frame of that port and in the
// statistics, and in the run's notes. The filter is asked by this thread too.
//
// Every second the file gets what there is, and the statistics up to then: a run that is killed leaves a capture that
// lacks its last second.
//
// Every frame is there once: one that goes from a host of ours to another of the same port is recorded where it was
// sent. Frames of one shard are in order; those of several are put in order within each round of emptying.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "capture/pcapng_writer.h"
#include "cli/capture_filter.h"
#include "engine/tap.h"
#include "stack/host_table.h"

namespace myriad::cli {

// "clients[17] → 10.0.255.1": the ends of a frame, our hosts by name, others by their address.
[[nodiscard]] std::string frame_comment(const stack::HostTable& hosts, Bytes frame);

class Capture {
 public:
  // Without a filter every frame is taken.
  static Result<std::unique_ptr<Capture>> create(const std::string& path, std::optional<CaptureFilter> filter);
  Capture(capture::PcapngWriter writer, std::optional<CaptureFilter> filter, std::int64_t unix_minus_monotonic_ns)
      : writer_(std::move(writer)), filter_(std::move(filter)), unix_offset_ns_(unix_minus_monotonic_ns) {}
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  ~Capture();

  // Before start(). The hosts outlive the capture; the taps, one per shard, belong to it.
  std::vector<engine::Tap*> add_port(const std::string& name, const stack::HostTable& hosts, std::uint32_t shards);
  void start();
  // After the shards' last turn. Takes what is left, writes the statistics, closes the file.
  Result<void> finish();

  [[nodiscard]] std::uint64_t frames() const;  // in the file; after finish()
  [[nodiscard]] std::uint64_t dropped() const;

 private:
  struct Line {
    const stack::HostTable* hosts = nullptr;
    std::uint32_t interface = 0;
    std::vector<std::unique_ptr<engine::Tap>> taps;
    std::uint64_t seen = 0;  // out of the taps, each frame once
    std::uint64_t accepted = 0;
    std::uint64_t written = 0;
    std::uint64_t lost = 0;  // dropped since the last frame that was written
  };
  struct Recorded {
    std::int64_t at_ns = 0;
    std::uint32_t line = 0;
    engine::TapDirection direction{};
    std::uint64_t lost = 0;
    std::size_t offset = 0;  // into bytes_
    std::size_t size = 0;
  };
  void work();
  // One round; true when there was anything.
  bool empty_taps();
  void write(const Recorded& recorded);
  void write_statistics();

  capture::PcapngWriter writer_;
  std::optional<CaptureFilter> filter_;
  std::int64_t unix_offset_ns_;
  std::vector<Line> lines_;
  std::vector<Recorded> round_;
  std::vector<std::uint8_t> bytes_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace myriad::cli
