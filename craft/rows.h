// Rows of a data file as columns of numbers and bytes: what a reader fills and frames are made from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace myriad::craft {

enum class ColumnType : std::uint8_t { kNumber, kMac, kIpv4, kIpv6, kText, kHex };

// One use of a column by a packet.
struct ColumnUse {
  std::string name;
  ColumnType type = ColumnType::kNumber;
  std::uint64_t most = UINT64_MAX;  // of kNumber: the largest value; of kText and kHex: the largest number of bytes

  friend bool operator==(const ColumnUse&, const ColumnUse&) = default;
};

struct RowColumn {
  std::vector<std::uint64_t> low;     // numbers, MAC and IPv4 addresses; the lower half of IPv6 addresses
  std::vector<std::uint64_t> high;    // the upper half of IPv6 addresses
  std::vector<std::uint32_t> begins;  // of kText and kHex: where each row's bytes begin; one more than there are rows
  std::vector<std::uint8_t> bytes;
};

// Some consecutive rows. Columns are in the order of the ColumnUses.
struct RowBlock {
  std::uint64_t first = 0;  // number of the first row, from 0
  std::size_t count = 0;
  std::vector<RowColumn> columns;

  [[nodiscard]] Bytes bytes(std::size_t column, std::size_t row) const {
    const RowColumn& c = columns[column];
    return Bytes{c.bytes}.subspan(c.begins[row], c.begins[row + 1] - c.begins[row]);
  }
};

}  // namespace myriad::craft
