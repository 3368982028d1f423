// What it costs to make frames of a capture: rewriting alone, and all that the thread does that reads for a replay
// (reading, rewriting, when it is due), with the copy into a port's frames. No device. Captures of 76 MB, frames of
// 1,000 sources in turn; `captured` sends them as they are, `mapped` on 1,000 hosts.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "craft/rewrite.h"
#include "engine/replay_source.h"

namespace myriad::engine {
namespace {

constexpr std::uint32_t kSources = 1000;
constexpr std::size_t kCaptureBytes = 76'000'000;  // 1,000,000 frames of 60 bytes
constexpr std::size_t kChunks = 4096;
constexpr std::size_t kChunkBytes = 2048;

using Octets = std::vector<std::uint8_t>;

// A datagram of one of the sources, `bytes` of Ethernet. Checksums are not looked at by who follows them.
Octets frame4(std::uint32_t source, std::size_t bytes) {
  Octets frame(bytes, 0);
  MacAddress::from_number(0x020000000001).store(frame.data());
  MacAddress::from_number(0x020000000002).store(frame.data() + 6);
  store_be16(frame.data() + 12, 0x0800);
  std::uint8_t* const ip = frame.data() + 14;
  ip[0] = 0x45;
  store_be16(ip + 2, static_cast<std::uint16_t>(bytes - 14));
  ip[8] = 64;
  ip[9] = 17;
  store_be16(ip + 10, 0x1234);
  store_be32(ip + 12, 0x0a4d0101 + source);
  store_be32(ip + 16, 0x0a4d0002);
  store_be16(ip + 20, 4096);
  store_be16(ip + 22, 9);
  store_be16(ip + 24, static_cast<std::uint16_t>(bytes - 34));
  store_be16(ip + 26, 0x5678);
  return frame;
}

// A TCP segment over IPv6, between two of the sources.
Octets frame6(std::uint32_t source, std::size_t bytes) {
  Octets frame(bytes, 0);
  MacAddress::from_number(0x020000000001).store(frame.data());
  MacAddress::from_number(0x020000000100 + source).store(frame.data() + 6);
  store_be16(frame.data() + 12, 0x86dd);
  std::uint8_t* const ip = frame.data() + 14;
  ip[0] = 0x60;
  store_be16(ip + 4, static_cast<std::uint16_t>(bytes - 54));
  ip[6] = 6;
  ip[7] = 64;
  for (std::uint8_t* const at : {ip + 8, ip + 24}) store_be32(at, 0x20010db8);
  store_be32(ip + 20, source);
  store_be32(ip + 36, (source + 1) % kSources);
  ip[52] = 0x50;
  store_be16(ip + 56, 0x1234);
  return frame;
}

std::vector<Octets> frames_of(bool v6, std::size_t bytes) {
  std::vector<Octets> frames;
  for (std::uint32_t i = 0; i < kSources; ++i) frames.push_back(v6 ? frame6(i, bytes) : frame4(i, bytes));
  return frames;
}

craft::RewriterOptions options(bool mapped) {
  craft::RewriterOptions options;
  options.seed = 7;
  if (!mapped) return options;
  craft::HostRange& hosts = options.askers.emplace();
  hosts.count = kSources;
  hosts.mac = MacAddress::from_number(0x024d00000001);
  hosts.ipv4 = Ipv4Address::parse("10.79.1.1");
  hosts.ipv6 = Ipv6Address::parse("fd79::1");
  return options;
}

void count_frames(benchmark::State& state, double frames) {
  state.counters["frame"] = benchmark::Counter(frames, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void rewrite(benchmark::State& state, bool mapped, bool v6) {
  const std::vector<Octets> frames = frames_of(v6, static_cast<std::size_t>(state.range(0)));
  std::vector<capture::Record> records(frames.size());
  craft::Rewriter rewriter(options(mapped));
  for (std::size_t i = 0; i < frames.size(); ++i) {
    records[i].bytes = frames[i];
    records[i].original_length = static_cast<std::uint32_t>(frames[i].size());
    if (rewriter.must_meet()) rewriter.meet(records[i]);
  }
  Octets out(2048 + craft::Rewriter::kSlackBytes);
  for (auto _ : state) {
    for (const capture::Record& record : records) benchmark::DoNotOptimize(rewriter.make(record, out.data()).length);
    benchmark::ClobberMemory();
  }
  count_frames(state, static_cast<double>(state.iterations()) * static_cast<double>(records.size()));
}

// A classic capture, 1 µs apart; gone with the object.
class CaptureFile {
 public:
  explicit CaptureFile(std::size_t bytes) {
    std::string name = (std::filesystem::temp_directory_path() / "myriad-bench-XXXXXX").string();
    const int descriptor = ::mkstemp(name.data());
    if (descriptor < 0) std::abort();
    path_ = name;
    FILE* const file = ::fdopen(descriptor, "wb");
    const auto put32 = [&](std::uint32_t value) { std::fwrite(&value, sizeof value, 1, file); };
    for (const std::uint32_t word : {0xa1b2c3d4U, 0x00040002U, 0U, 0U, 65535U, 1U}) put32(word);
    const std::vector<Octets> frames = frames_of(false, bytes);
    for (std::uint32_t n = 0; n < kCaptureBytes / (bytes + 16); ++n) {
      put32(n / 1'000'000);
      put32(n % 1'000'000);
      put32(static_cast<std::uint32_t>(bytes));
      put32(static_cast<std::uint32_t>(bytes));
      std::fwrite(frames[n % kSources].data(), bytes, 1, file);
    }
    if (std::fclose(file) != 0) std::abort();
  }
  CaptureFile(const CaptureFile&) = delete;
  CaptureFile& operator=(const CaptureFile&) = delete;
  ~CaptureFile() { std::filesystem::remove(path_); }

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Blocks in turn, as a feed has them, each copied into frames of a port. An iteration is a block.
void replay(benchmark::State& state, bool mapped) {
  const CaptureFile file(static_cast<std::size_t>(state.range(0)));
  ReplayPlace place;
  place.plan.pcap = file.path();
  place.plan.loops.reset();
  place.plan.speed.kind = plan::ReplaySpeedKind::kMax;
  place.rewriting = options(mapped);
  ReplaySource source(place);
  std::vector<ReplayBlock> blocks(8);
  const auto wanted = [] { return false; };
  source.fill(blocks[0], wanted);  // meets everybody
  Octets port(kChunks * kChunkBytes);
  std::uint64_t frames = 0;
  std::size_t turn = 0;
  for (auto _ : state) {
    ReplayBlock& block = blocks[turn++ % blocks.size()];
    source.fill(block, wanted);
    for (const ReplayBlock::Frame& frame : block.frames) {
      std::memcpy(port.data() + (frames++ % kChunks) * kChunkBytes, block.bytes.data() + frame.at, frame.length);
    }
    benchmark::ClobberMemory();
  }
  count_frames(state, static_cast<double>(frames));
}

BENCHMARK_CAPTURE(rewrite, captured_ipv4, false, false)->Arg(60);
BENCHMARK_CAPTURE(rewrite, mapped_ipv4, true, false)->Arg(60)->Arg(1514);
BENCHMARK_CAPTURE(rewrite, mapped_ipv6, true, true)->Arg(74)->Arg(1514);
BENCHMARK_CAPTURE(replay, captured, false)->Arg(60);
BENCHMARK_CAPTURE(replay, mapped, true)->Arg(60)->Arg(1514);

}  // namespace
}  // namespace myriad::engine
