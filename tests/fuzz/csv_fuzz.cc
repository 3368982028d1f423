// A data file from anybody, in pieces: every row is complete or there is an error with its place, and the size of the
// pieces changes nothing. The first byte is the size of a piece.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "base/rng.h"
#include "craft/csv.h"

namespace {

using namespace myriad::craft;

const std::vector<ColumnUse> kUses = {
    {"n", ColumnType::kNumber, 65535},    {"m", ColumnType::kMac, UINT64_MAX}, {"4", ColumnType::kIpv4, UINT64_MAX},
    {"6", ColumnType::kIpv6, UINT64_MAX}, {"t", ColumnType::kText, 20},        {"x", ColumnType::kHex, 20},
};

void require(bool holds) {
  if (!holds) std::abort();
}

struct Outcome {
  std::uint64_t rows = 0;
  std::uint64_t hash = 0;
  std::uint64_t line = 0, column = 0;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

void take(const RowBlock& block, std::size_t uses, Outcome& outcome) {
  require(block.first == outcome.rows && block.count <= CsvReader::kRowsPerBlock);
  outcome.rows += block.count;
  for (std::size_t c = 0; c < uses; ++c) {
    const RowColumn& column = block.columns[c];
    const bool is_bytes = kUses[c].type == ColumnType::kText || kUses[c].type == ColumnType::kHex;
    require(is_bytes || column.low.size() == block.count);
    require(!is_bytes || (column.begins.size() == block.count + 1 && column.bytes.size() == column.begins.back()));
    require(kUses[c].type != ColumnType::kIpv6 || column.high.size() == block.count);
    for (std::size_t row = 0; row < block.count; ++row) {
      if (!is_bytes) outcome.hash = myriad::mix64(outcome.hash ^ column.low[row]);
      if (!is_bytes) continue;
      const auto bytes = block.bytes(c, row);
      require(bytes.size() <= kUses[c].most);
      for (const std::uint8_t byte : bytes) outcome.hash = myriad::mix64(outcome.hash ^ byte);
    }
  }
}

Outcome read(std::string_view text, std::size_t piece, std::size_t uses) {
  CsvReader reader(std::span{kUses}.first(uses));
  RowBlock block;
  Outcome outcome;
  reader.begin(block);
  for (std::size_t at = 0; at < text.size() && !reader.error();) {
    const std::size_t taken = reader.read(text.substr(at, piece), block);
    require(taken > 0 || reader.error());
    at += taken;
    if (block.count < CsvReader::kRowsPerBlock) continue;
    take(block, uses, outcome);
    reader.begin(block);
  }
  reader.finish(block);
  take(block, uses, outcome);
  require(outcome.rows == reader.rows());
  if (reader.error()) {
    require(!reader.error()->what.empty() && reader.error()->line > 0 && reader.error()->column > 0);
    outcome.line = reader.error()->line;
    outcome.column = reader.error()->column;
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t uses = data[0] % (kUses.size() + 1);
  const Outcome whole = read(text, SIZE_MAX, uses);
  require(read(text, 1 + data[0] / 8, uses) == whole);
  return 0;
}
