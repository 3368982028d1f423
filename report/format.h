// Numbers as people read them, for the table and the summary.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace myriad::report {

[[nodiscard]] std::string count_text(std::uint64_t count);    // 1234567 → "1,234,567"
[[nodiscard]] std::string seconds_text(double seconds);       // 0.001234 → "1.23 ms"; 0 → "0"; 3 significant digits
[[nodiscard]] std::string bits_rate_text(double per_second);  // 1.2e9 → "1.20 Gbps"
[[nodiscard]] std::string rate_in(double per_second, std::string_view unit);  // 12345, "pps" → "12.35 kpps"
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);                    // 1048576 → "1.00 MiB"

// The same text with everything that is not UTF-8 replaced by U+FFFD, byte by byte.
[[nodiscard]] std::string valid_utf8(std::string_view text);

// Bytes of strangers: printable ASCII as it is, but \\ for a backslash; \r, \n, \t; of the rest \x and two digits.
[[nodiscard]] std::string escaped(std::string_view bytes);

// How many terminal columns UTF-8 text takes, counting one per code point (we print no wide ones).
[[nodiscard]] std::size_t columns(std::string_view text);
// Cut to at most `width` columns, never inside a code point.
[[nodiscard]] std::string_view cut(std::string_view text, std::size_t width);
// Filled up with blanks to `width` columns.
[[nodiscard]] std::string left(std::string_view text, std::size_t width);
[[nodiscard]] std::string right(std::string_view text, std::size_t width);

}  // namespace myriad::report
