// How fast a data file becomes rows of a flow: 100,000 records of an address, a port and a word, read as the engine
// reads them, in pieces of 256 KiB.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "craft/csv.h"

namespace myriad::craft {
namespace {

constexpr std::uint64_t kRows = 100'000;
constexpr std::size_t kPiece = 256 * 1024;

std::string records() {
  std::string text = "mac,who,port,words\n";
  for (std::uint64_t i = 0; i < kRows; ++i) {
    text += "02:4d:00:00:00:01,10.0." + std::to_string(i / 256 % 256) + "." + std::to_string(i % 256) + "," +
            std::to_string(i % 65536) + ",word " + std::to_string(i) + "\n";
  }
  return text;
}

void read_rows(benchmark::State& state, const std::vector<ColumnUse>& uses) {
  const std::string text = records();
  RowBlock block;
  for (auto _ : state) {
    CsvReader reader(uses);
    reader.begin(block);
    for (std::size_t at = 0; at < text.size();) {
      at += reader.read(std::string_view(text).substr(at, kPiece), block);
      if (block.count == CsvReader::kRowsPerBlock) reader.begin(block);
    }
    if (reader.error() || reader.rows() != kRows) std::abort();
  }
  const auto rows = static_cast<double>(state.iterations()) * static_cast<double>(kRows);
  state.counters["rows"] = benchmark::Counter(rows, benchmark::Counter::kIsRate);
  state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) * static_cast<std::int64_t>(state.iterations()));
}

void addresses_and_ports(benchmark::State& state) {
  read_rows(state, {{"who", ColumnType::kIpv4, UINT64_MAX}, {"port", ColumnType::kNumber, 65535}});
}
BENCHMARK(addresses_and_ports);

void all_columns(benchmark::State& state) {
  read_rows(state, {{"mac", ColumnType::kMac, UINT64_MAX},
                    {"who", ColumnType::kIpv4, UINT64_MAX},
                    {"port", ColumnType::kNumber, 65535},
                    {"words", ColumnType::kText, 100}});
}
BENCHMARK(all_columns);

}  // namespace
}  // namespace myriad::craft
