// Reading captures: 1,000,000 frames of 60 bytes from the page cache, as pcap, as pcapng and as either in gzip.
#include <benchmark/benchmark.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "capture/pcapng_writer.h"
#include "capture/reader.h"

namespace {

using namespace myriad;
using namespace myriad::capture;

constexpr std::int64_t kFrames = 1'000'000;
constexpr std::size_t kFrameBytes = 60;

// Every frame differs in some bytes, as frames do.
std::array<std::uint8_t, kFrameBytes> frame(std::int64_t number) {
  std::array<std::uint8_t, kFrameBytes> bytes{};
  const std::uint64_t mixed = static_cast<std::uint64_t>(number) * 0x9e3779b97f4a7c15;
  std::memcpy(bytes.data() + 6, &mixed, sizeof mixed);
  return bytes;
}

void write_pcap(const std::string& path) {
  std::ofstream file{path, std::ios::binary};
  const auto put = [&file](const auto& value) { file.write(reinterpret_cast<const char*>(&value), sizeof value); };
  put(std::array<std::uint32_t, 6>{0xa1b2c3d4, 2 | 4 << 16, 0, 0, 262144, 1});
  for (std::int64_t i = 0; i < kFrames; ++i) {
    const auto microseconds = static_cast<std::uint32_t>(i);
    put(std::array<std::uint32_t, 4>{1'700'000'000, microseconds, kFrameBytes, kFrameBytes});
    put(frame(i));
  }
}

void write_pcapng(const std::string& path) {
  auto writer = PcapngWriter::create(path, "bench");
  if (!writer) return;
  writer->add_interface({.name = "lan"});
  for (std::int64_t i = 0; i < kFrames; ++i) {
    const auto bytes = frame(i);
    FrameToWrite written;
    written.unix_ns = 1'700'000'000'000'000'000U + static_cast<std::uint64_t>(i);
    written.direction = Direction::kOutbound;
    written.bytes = bytes;
    writer->write(written);
  }
  (void)writer->close();
}

void compress(const std::string& from, const std::string& to) {
  std::ifstream in{from, std::ios::binary};
  const gzFile out = ::gzopen(to.c_str(), "wb6");
  std::vector<char> block(1U << 20);
  while (in.read(block.data(), std::ssize(block)) || in.gcount() != 0) {
    ::gzwrite(out, block.data(), static_cast<unsigned>(in.gcount()));
  }
  ::gzclose(out);
}

// The files, until the program ends.
class Files {
 public:
  Files() {
    std::filesystem::create_directory(folder_);
    write_pcap(path("a.pcap"));
    write_pcapng(path("a.pcapng"));
    compress(path("a.pcap"), path("a.pcap.gz"));
  }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;
  ~Files() { std::filesystem::remove_all(folder_); }
  [[nodiscard]] std::string path(const char* name) const { return (folder_ / name).string(); }

 private:
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("myriad-capture-read-" + std::to_string(::getpid()));
};

void read_all(benchmark::State& state, const char* name) {
  static const Files files;
  const ReaderOptions options{.read_bytes = static_cast<std::size_t>(state.range(0)) << 10};
  auto reader = Reader::open(files.path(name), options);
  if (!reader) return state.SkipWithError(reader.error().message().c_str());
  std::int64_t records = 0;
  std::uint64_t sum = 0;
  for (auto _ : state) {
    Record record;
    while (reader->read(record) == Step::kRecord) sum += record.bytes[6];  // touched, as who sends it does
    records += static_cast<std::int64_t>(reader->records());
    if (reader->damage() || !reader->rewind()) return state.SkipWithError("the capture is not whole");
  }
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(records);
}

BENCHMARK_CAPTURE(read_all, pcap, "a.pcap")->Arg(64)->Arg(256)->Arg(1024)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(read_all, pcapng, "a.pcapng")->Arg(64)->Arg(256)->Arg(1024)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(read_all, pcap_in_gzip, "a.pcap.gz")->Arg(256)->Unit(benchmark::kMillisecond);

}  // namespace
