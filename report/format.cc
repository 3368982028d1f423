#include "report/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/utf8.h"

namespace myriad::report {
namespace {

// Three significant digits of a number in [1, 1000), which rounding may have made 1000.
std::string three_digits(double value) {
  if (value < 9.995) return fmt::format("{:.2f}", value);
  if (value < 99.95) return fmt::format("{:.1f}", value);
  return fmt::format("{:.0f}", value);
}

}  // namespace

std::string count_text(std::uint64_t count) {
  std::string digits = std::to_string(count);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
  return digits;
}

std::string seconds_text(double seconds) {
  if (seconds <= 0) return "0";
  if (seconds < 1e-6) return three_digits(seconds * 1e9) + " ns";
  if (seconds < 1e-3) return three_digits(seconds * 1e6) + " µs";
  if (seconds < 1) return three_digits(seconds * 1e3) + " ms";
  if (seconds < 1000) return three_digits(seconds) + " s";
  return fmt::format("{:.0f} s", seconds);
}

std::string bits_rate_text(double per_second) {
  static constexpr std::array<const char*, 5> kUnits = {"bps", "kbps", "Mbps", "Gbps", "Tbps"};
  std::size_t unit = 0;
  while (per_second >= 999.5 && unit + 1 < kUnits.size()) {
    per_second /= 1000;
    ++unit;
  }
  if (unit == 0) return fmt::format("{:.0f} bps", per_second);
  return three_digits(per_second) + " " + kUnits[unit];
}

std::string rate_in(double per_second, std::string_view unit) {
  const char* const prefix = per_second >= 1e9 ? "G" : per_second >= 1e6 ? "M" : per_second >= 1e3 ? "k" : "";
  const double scale = per_second >= 1e9 ? 1e9 : per_second >= 1e6 ? 1e6 : per_second >= 1e3 ? 1e3 : 1;
  return fmt::format("{:.4g} {}{}", per_second / scale, prefix, unit);
}

std::string bytes_text(std::uint64_t bytes) {
  static constexpr std::array<const char*, 7> kUnits = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1023.5 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  if (unit == 0) return fmt::format("{} B", bytes);
  return three_digits(value) + " " + kUnits[unit];
}

std::string valid_utf8(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t bytes = utf8_bytes(text);
    out += bytes == 0 ? std::string_view("\xef\xbf\xbd") : text.substr(0, bytes);
    text.remove_prefix(std::max<std::size_t>(bytes, 1));
  }
  return out;
}

std::string escaped(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\\') {
      text += "\\\\";
    } else if (byte >= 0x20 && byte < 0x7f) {
      text += c;
    } else if (c == '\r' || c == '\n' || c == '\t') {
      text += c == '\r' ? "\\r" : c == '\n' ? "\\n" : "\\t";
    } else {
      text += fmt::format("\\x{:02x}", byte);
    }
  }
  return text;
}

std::size_t columns(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xc0U) != 0x80U ? 1U : 0U;
  return count;
}

std::string_view cut(std::string_view text, std::size_t width) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool starts = (static_cast<unsigned char>(text[i]) & 0xc0U) != 0x80U;
    if (starts && ++count > width) return text.substr(0, i);
  }
  return text;
}

std::string left(std::string_view text, std::size_t width) {
  std::string out(text);
  const std::size_t used = columns(text);
  if (used < width) out.append(width - used, ' ');
  return out;
}

std::string right(std::string_view text, std::size_t width) {
  const std::size_t used = columns(text);
  return (used < width ? std::string(width - used, ' ') : std::string{}) + std::string(text);
}

}  // namespace myriad::report
