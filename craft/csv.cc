#include "craft/csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/addr.h"

namespace myriad::craft {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::size_t kMostShown = 40;

std::string shown(std::string_view text) {
  std::string out = "'";
  for (const char c : text.substr(0, kMostShown)) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte >= 0x7f ? fmt::format("\\x{:02x}", byte) : std::string(1, c);
  }
  return out + (text.size() > kMostShown ? "…'" : "'");
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 16;
}

// Decimal, or hexadecimal behind 0x.
std::optional<std::uint64_t> number_of(std::string_view text) {
  unsigned base = 10;
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    base = 16;
    text.remove_prefix(2);
  }
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    const auto d = static_cast<unsigned>(digit(c));
    if (d >= base || value > (UINT64_MAX - d) / base) return std::nullopt;
    value = value * base + d;
  }
  return value;
}

bool append_hex(std::string_view text, std::vector<std::uint8_t>& bytes) {
  int high = -1;
  for (const char c : text) {
    if (high < 0 && (c == ' ' || c == ':')) continue;
    const int d = digit(c);
    if (d == 16) return false;
    if (high < 0) {
      high = d;
    } else {
      bytes.push_back(static_cast<std::uint8_t>(high << 4 | d));
      high = -1;
    }
  }
  return high < 0;
}

struct TypeText {
  std::string_view name;
  std::string_view example;
};
TypeText text_of(ColumnType type) {
  switch (type) {
    case ColumnType::kNumber:
      return {"a number", "digits, or hexadecimal ones behind 0x"};
    case ColumnType::kMac:
      return {"a MAC address", "as in 02:4d:00:00:00:01"};
    case ColumnType::kIpv4:
      return {"an IPv4 address", "as in 10.0.0.1"};
    case ColumnType::kIpv6:
      return {"an IPv6 address", "as in fd00::1"};
    case ColumnType::kText:
      return {"text", ""};
    case ColumnType::kHex:
      return {"hexadecimal bytes", "two digits a byte, as in deadbeef"};
  }
  return {};
}

}  // namespace

CsvReader::CsvReader(std::span<const ColumnUse> uses) : uses_(uses) {}

void CsvReader::begin(RowBlock& block) const {
  block.first = rows_;
  block.count = 0;
  block.columns.resize(uses_.size());
  for (RowColumn& column : block.columns) {
    column.low.clear();
    column.high.clear();
    column.bytes.clear();
    column.begins.assign(1, 0);
  }
}

std::size_t CsvReader::read(std::string_view text, RowBlock& block) {
  std::size_t taken = 0;
  while (taken < text.size() && block.count < kRowsPerBlock && !error_) {
    const std::string_view rest = text.substr(taken);
    const auto end = end_of_record(rest);
    if (kept_.size() + end.value_or(rest.size()) > kMostRecordBytes) {
      fail({}, 0, fmt::format("a record longer than {} bytes", kMostRecordBytes), "is a quote missing?");
      return taken;
    }
    if (!end) {
      kept_ += rest;
      return text.size();
    }
    taken += *end + 1;
    if (kept_.empty()) {
      take_record(rest.substr(0, *end), block);
    } else {
      kept_ += rest.substr(0, *end);
      const std::string record = std::move(kept_);
      kept_.clear();
      take_record(record, block);
    }
  }
  return taken;
}

void CsvReader::finish(RowBlock& block) {
  if (error_) return;
  const std::string record = std::move(kept_);
  kept_.clear();
  if (!record.empty()) take_record(record, block);
  if (!error_ && names_.empty()) fail({}, 0, "the file is empty", "its first line names the columns");
}

// The first line end outside quotes. Keeps in mind whether the text that has none ends within quotes.
std::optional<std::size_t> CsvReader::end_of_record(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    if (in_quotes_) {
      const std::size_t quote = text.find('"', at);
      if (quote == text.npos) return std::nullopt;
      in_quotes_ = false;
      at = quote + 1;
      continue;
    }
    const auto* const from = text.data() + at;
    const auto* const line_end = static_cast<const char*>(std::memchr(from, '\n', text.size() - at));
    const std::size_t length = line_end == nullptr ? text.size() - at : static_cast<std::size_t>(line_end - from);
    const auto* const quote = static_cast<const char*>(std::memchr(from, '"', length));
    if (quote == nullptr) {
      if (line_end == nullptr) return std::nullopt;
      return at + length;
    }
    in_quotes_ = true;
    at += static_cast<std::size_t>(quote - from) + 1;
  }
  return std::nullopt;
}

void CsvReader::take_record(std::string_view record, RowBlock& block) {
  const std::uint64_t lines = 1 + static_cast<std::uint64_t>(std::ranges::count(record, '\n'));
  std::string_view text = record;
  if (text.ends_with('\r')) text.remove_suffix(1);
  if (names_.empty() && text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (!text.empty()) {
    if (names_.empty()) {
      take_header(text);
    } else {
      take_row(text, block);
    }
  }
  line_ += lines;
}

void CsvReader::take_header(std::string_view record) {
  std::size_t at = 0;
  bool more = true;
  std::vector<std::string> names;
  while (more) {
    const std::size_t begin = at;
    std::string_view field;
    if (!next_field(record, at, field)) return;
    more = at < record.size();
    ++at;
    const std::string_view name = trimmed(field);
    if (name.empty()) return fail(record, begin, "a column without a name", "the first line names the columns");
    if (std::ranges::find(names, name) != names.end()) {
      return fail(record, begin, fmt::format("two columns have the name {}", shown(name)), "rename one");
    }
    if (names.size() == kMostColumns)
      return fail(record, begin, fmt::format("more than {} columns", kMostColumns), "leave out what no field uses");
    names.emplace_back(name);
  }
  used_by_.resize(names.size());
  for (std::size_t use = 0; use < uses_.size(); ++use) {
    const auto found = std::ranges::find(names, uses_[use].name);
    if (found == names.end()) {
      return fail(record, 0, fmt::format("there is no column {}", shown(uses_[use].name)),
                  "the first line names the columns");
    }
    used_by_[static_cast<std::size_t>(found - names.begin())].push_back(static_cast<std::uint32_t>(use));
  }
  names_ = std::move(names);
}

void CsvReader::take_row(std::string_view record, RowBlock& block) {
  std::size_t at = 0;
  std::size_t index = 0;
  for (bool more = true; more; ++at, ++index) {
    const std::size_t begin = at;
    std::string_view field;
    if (!next_field(record, at, field)) return drop_row(block);
    more = at < record.size();
    if (index >= used_by_.size()) {
      fail(record, begin, fmt::format("more fields than the {} of the first line", used_by_.size()),
           "put a field with a comma in quotes");
      return drop_row(block);
    }
    for (const std::uint32_t use : used_by_[index]) {
      if (take_value(field, uses_[use], block.columns[use])) continue;
      const TypeText type = text_of(uses_[use].type);
      const bool is_number = uses_[use].type == ColumnType::kNumber;
      const bool is_bytes = uses_[use].type == ColumnType::kText || uses_[use].type == ColumnType::kHex;
      if (is_number && number_of(trimmed(field))) {
        fail(record, begin, fmt::format("{} does not fit its field", shown(field)),
             fmt::format("from 0 to {}", uses_[use].most));
      } else if (is_bytes && (uses_[use].type == ColumnType::kText || field.size() > uses_[use].most)) {
        fail(record, begin, fmt::format("{} is too long for the frame", shown(field)),
             fmt::format("at most {} bytes", uses_[use].most));
      } else {
        fail(record, begin, fmt::format("{} is not {}", shown(field), type.name), std::string(type.example));
      }
      return drop_row(block);
    }
  }
  if (index < used_by_.size()) {
    fail(record, record.size(),
         fmt::format("{} field{}; the first line names {}", index, index == 1 ? "" : "s", used_by_.size()),
         "one field for each column");
    return drop_row(block);
  }
  ++block.count;
  ++rows_;
}

// What a row that is not complete has left in the columns.
void CsvReader::drop_row(RowBlock& block) const {
  for (std::size_t i = 0; i < uses_.size(); ++i) {
    RowColumn& column = block.columns[i];
    if (column.low.size() > block.count) column.low.resize(block.count);
    if (column.high.size() > block.count) column.high.resize(block.count);
    if (column.begins.size() > block.count + 1) column.begins.resize(block.count + 1);
    column.bytes.resize(std::min<std::size_t>(column.bytes.size(), column.begins.back()));
  }
}

// The field that begins at `at`, which moves to the comma behind it or to the end.
bool CsvReader::next_field(std::string_view record, std::size_t& at, std::string_view& field) {
  if (at < record.size() && record[at] == '"') return next_quoted(record, at, field);
  const std::size_t begin = at;
  while (at < record.size() && record[at] != ',') {
    if (record[at] == '"') {
      fail(record, at, "a quote inside a field without quotes", "put the field in quotes, and double those inside");
      return false;
    }
    ++at;
  }
  field = record.substr(begin, at - begin);
  return true;
}

bool CsvReader::next_quoted(std::string_view record, std::size_t& at, std::string_view& field) {
  const std::size_t begin = at++;
  unquoted_.clear();
  while (true) {
    const std::size_t quote = record.find('"', at);
    if (quote == record.npos) {
      fail(record, begin, "a quote that does not end", "close it, and double quotes inside");
      return false;
    }
    unquoted_ += record.substr(at, quote - at);
    at = quote + 1;
    if (at >= record.size() || record[at] != '"') break;
    unquoted_ += '"';
    ++at;
  }
  if (at < record.size() && record[at] != ',') {
    fail(record, at, "text behind the closing quote", "a comma follows it; double quotes inside");
    return false;
  }
  field = unquoted_;
  return true;
}

bool CsvReader::take_value(std::string_view text, const ColumnUse& use, RowColumn& column) {
  const auto put = [&](std::uint64_t value) {
    column.low.push_back(value);
    return true;
  };
  switch (use.type) {
    case ColumnType::kNumber: {
      const auto value = number_of(trimmed(text));
      return value && *value <= use.most && put(*value);
    }
    case ColumnType::kMac: {
      const auto mac = MacAddress::parse(trimmed(text));
      return mac && put(mac->number());
    }
    case ColumnType::kIpv4: {
      const auto address = Ipv4Address::parse(trimmed(text));
      return address && put(address->value);
    }
    case ColumnType::kIpv6: {
      const auto address = Ipv6Address::parse(trimmed(text));
      if (!address) return false;
      column.high.push_back(address->high());
      return put(address->low());
    }
    case ColumnType::kText:
    case ColumnType::kHex: {
      const std::size_t before = column.bytes.size();
      if (use.type == ColumnType::kText) {
        if (text.size() > use.most) return false;
        column.bytes.insert(column.bytes.end(), text.begin(), text.end());
      } else if (!append_hex(text, column.bytes)) {
        return false;
      }
      if (column.bytes.size() - before > use.most) return false;
      column.begins.push_back(static_cast<std::uint32_t>(column.bytes.size()));
      return true;
    }
  }
  return false;
}

void CsvReader::fail(std::string_view record, std::size_t at, std::string what, std::string suggestion) {
  const std::string_view before = record.substr(0, at);
  const auto lines = static_cast<std::uint64_t>(std::ranges::count(before, '\n'));
  const std::size_t line_begin = lines == 0 ? 0 : before.rfind('\n') + 1;
  error_ = CsvError{line_ + lines, at - line_begin + 1, std::move(what), std::move(suggestion)};
}

}  // namespace myriad::craft
