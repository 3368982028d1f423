// CSV as RFC 4180 has it, read as a stream into blocks of rows: the first record names the columns, fields may be in
// quotes (and then hold commas, line ends and doubled quotes), lines end in LF or CRLF, a byte order mark is skipped,
// and so are empty lines. Only the columns that a packet uses are looked into.
//
// The text comes in pieces of any size; no more than one record is kept. Refused, with line and column: records of
// another number of fields than the header, records longer than kMostRecordBytes, quotes that do not end, text behind a
// closing quote, values that are not of the type that their field needs.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "craft/rows.h"

namespace myriad::craft {

struct CsvError {
  std::uint64_t line = 0;    // from 1
  std::uint64_t column = 0;  // from 1, in bytes
  std::string what;
  std::string suggestion;
};

class CsvReader {
 public:
  static constexpr std::size_t kRowsPerBlock = 1024;
  static constexpr std::size_t kMostRecordBytes = 64 * 1024;
  static constexpr std::size_t kMostColumns = 1024;

  // `uses` may be empty: then the records are only checked.
  explicit CsvReader(std::span<const ColumnUse> uses);

  // Makes `block` empty and numbers it; its memory is kept.
  void begin(RowBlock& block) const;
  // Reads on until `block` is full or `text` ends. Returns how much was taken: all of it when the block is not full.
  // Nothing more is read after an error; the rows before it are in the block.
  std::size_t read(std::string_view text, RowBlock& block);
  // The text ends here: what was kept is the last record.
  void finish(RowBlock& block);

  [[nodiscard]] const std::optional<CsvError>& error() const { return error_; }
  // As the first record has them; empty before it was read.
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  [[nodiscard]] std::uint64_t rows() const { return rows_; }

 private:
  [[nodiscard]] std::optional<std::size_t> end_of_record(std::string_view text);
  void take_record(std::string_view record, RowBlock& block);
  void take_header(std::string_view record);
  void take_row(std::string_view record, RowBlock& block);
  bool next_field(std::string_view record, std::size_t& at, std::string_view& field);
  bool next_quoted(std::string_view record, std::size_t& at, std::string_view& field);
  bool take_value(std::string_view text, const ColumnUse& use, RowColumn& column);
  void drop_row(RowBlock& block) const;
  void fail(std::string_view record, std::size_t at, std::string what, std::string suggestion);

  std::span<const ColumnUse> uses_;
  std::vector<std::vector<std::uint32_t>> used_by_;  // of each column, the uses of it
  std::vector<std::string> names_;
  std::string kept_;        // the beginning of a record
  std::string unquoted_;    // a field without its quotes
  bool in_quotes_ = false;  // at the end of what is kept
  std::uint64_t line_ = 1;  // of the record that comes next
  std::uint64_t rows_ = 0;
  std::optional<CsvError> error_;
};

}  // namespace myriad::craft
