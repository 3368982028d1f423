#include "templates/plan/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <span>

#include "base/rng.h"
#include "templates/plan/problems.h"

namespace myriad::plan {
namespace {

constexpr std::size_t kMostDigits = 18;  // digits × any unit stay below 2^127

struct Unit {
  std::string_view name;
  std::uint64_t factor;  // in base units
  std::uint64_t divisor = 1;
};

constexpr Unit kDuration[] = {
    {"ns", 1}, {"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}, {"m", 60'000'000'000}, {"h", 3'600'000'000'000}};
constexpr Unit kSize[] = {{"B", 1},
                          {"kB", 1'000},
                          {"KB", 1'000},
                          {"MB", 1'000'000},
                          {"GB", 1'000'000'000},
                          {"TB", 1'000'000'000'000},
                          {"KiB", 1ULL << 10},
                          {"MiB", 1ULL << 20},
                          {"GiB", 1ULL << 30},
                          {"TiB", 1ULL << 40}};
constexpr Unit kSessionRate[] = {{"/s", 1}, {"/m", 1, 60}, {"/h", 1, 3600}};
constexpr Unit kFrameRate[] = {{"pps", 1}, {"kpps", 1'000}, {"Mpps", 1'000'000}, {"Gpps", 1'000'000'000}};
constexpr Unit kBitRate[] = {{"bps", 1}, {"kbps", 1'000}, {"Mbps", 1'000'000}, {"Gbps", 1'000'000'000}};
constexpr Unit kPercent[] = {{"%", 1, 100}};

// A kind of quantity: how it is called, its units, and how they are listed.
struct Kind {
  std::string_view name;     // with its article
  std::string_view example;  // one good value
  std::span<const Unit> units;
  std::string_view listed;
};
constexpr Kind kDurations{"a duration", "30s", kDuration, kDurationUnits};
constexpr Kind kSizes{"a size", "64KiB", kSize, kSizeUnits};
constexpr Kind kSessionRates{"a rate of sessions", "200/s", kSessionRate, kSessionRateUnits};
constexpr Kind kFrameRates{"a rate of frames", "10kpps", kFrameRate, kFrameRateUnits};
constexpr Kind kBitRates{"a bit rate", "100Mbps", kBitRate, kBitRateUnits};
constexpr Kind kPercents{"a percentage", "1%", kPercent, "%"};

// An exact decimal: digits / 10^decimals.
struct Decimal {
  std::uint64_t digits = 0;
  unsigned decimals = 0;
};

// Takes digits[.digits] off the front of `text`; nullopt when there is none or there are too many digits.
std::optional<Decimal> take_decimal(std::string_view& text) {
  Decimal number;
  std::size_t count = 0;
  std::size_t at = 0;
  bool point = false;
  for (; at < text.size(); ++at) {
    if (text[at] == '.' && !point && count > 0) {
      point = true;
      continue;
    }
    if (text[at] < '0' || text[at] > '9') break;
    if (++count > kMostDigits) return std::nullopt;
    number.digits = number.digits * 10 + static_cast<std::uint64_t>(text[at] - '0');
    if (point) ++number.decimals;
  }
  if (count == 0 || text[at - 1] == '.') return std::nullopt;
  text.remove_prefix(at);
  return number;
}

std::uint64_t power_of_ten(unsigned exponent) {
  std::uint64_t power = 1;
  while (exponent-- > 0) power *= 10;
  return power;
}

bool same_but_for_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

bool all_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

// Why `text` is not a quantity of this kind, and what was probably meant.
NotAQuantity refusal(std::string_view text, const Kind& kind) {
  const std::string units = fmt::format("units are {}; for example {}", kind.listed, kind.example);
  std::string_view rest = text;
  const auto number = take_decimal(rest);
  if (number && rest.empty()) {
    return {fmt::format("{} needs a unit: {} of what?", kind.name, quoted(text)), units};
  }
  if (text.starts_with('-'))
    return {fmt::format("{} cannot be negative: {}", kind.name, quoted(text)), "write it without the sign"};
  NotAQuantity answer{fmt::format("{} is not {}", quoted(text), kind.name), units};
  if (!number) return answer;
  const std::string_view digits = text.substr(0, text.size() - rest.size());
  const std::string_view unit = rest.substr(std::min(rest.find_first_not_of(' '), rest.size()));
  for (const Unit& known : kind.units) {
    if (same_but_for_case(unit, known.name))
      answer.suggestion = fmt::format("did you mean '{}{}'?", digits, known.name);
  }
  return answer;
}

struct Exact {
  Uint128 numerator;  // of base units
  Uint128 denominator;
};

Quantity<Exact> read_exact(std::string_view text, const Kind& kind) {
  std::string_view rest = text;
  const auto number = take_decimal(rest);
  const auto unit = std::find_if(kind.units.begin(), kind.units.end(), [&](const Unit& u) { return u.name == rest; });
  if (!number || unit == kind.units.end()) {
    if (!number && all_digits(text.substr(0, text.find_first_not_of("0123456789.")))) {
      return tl::unexpected(NotAQuantity{fmt::format("{} is not a number that can be read", quoted(text)),
                                         fmt::format("at most {} digits, at most one point", kMostDigits)});
    }
    return tl::unexpected(refusal(text, kind));
  }
  return Exact{Uint128{number->digits} * unit->factor, Uint128{power_of_ten(number->decimals)} * unit->divisor};
}

Quantity<std::uint64_t> read_whole(std::string_view text, const Kind& kind, std::uint64_t most, std::string_view base) {
  const auto exact = read_exact(text, kind);
  if (!exact) return tl::unexpected(exact.error());
  if (exact->numerator % exact->denominator != 0) {
    return tl::unexpected(NotAQuantity{fmt::format("{} is not a whole number of {}", quoted(text), base),
                                       "write fewer digits behind the point"});
  }
  const Uint128 value = exact->numerator / exact->denominator;
  if (value > most) {
    return tl::unexpected(
        NotAQuantity{fmt::format("{} is too large", quoted(text)), fmt::format("at most {} {}", most, base)});
  }
  return static_cast<std::uint64_t>(value);
}

Quantity<double> read_real(std::string_view text, const Kind& kind) {
  return read_exact(text, kind).map([](const Exact& e) {
    return static_cast<double>(e.numerator) / static_cast<double>(e.denominator);
  });
}

}  // namespace

Quantity<Duration> parse_duration(std::string_view text) {
  return read_whole(text, kDurations, INT64_MAX, "nanoseconds").map([](std::uint64_t ns) {
    return Duration{static_cast<std::int64_t>(ns)};
  });
}
Quantity<std::uint64_t> parse_size(std::string_view text) { return read_whole(text, kSizes, INT64_MAX, "bytes"); }
Quantity<double> parse_session_rate(std::string_view text) { return read_real(text, kSessionRates); }
Quantity<double> parse_frame_rate(std::string_view text) { return read_real(text, kFrameRates); }
Quantity<double> parse_bit_rate(std::string_view text) { return read_real(text, kBitRates); }

Quantity<double> parse_percent(std::string_view text) {
  auto fraction = read_real(text, kPercents);
  if (fraction && *fraction > 1)
    return tl::unexpected(NotAQuantity{fmt::format("{} is more than 100%", quoted(text)), "from 0% to 100%"});
  return fraction;
}

Quantity<std::uint64_t> parse_integer(std::string_view text) {
  std::uint64_t value = 0;
  const bool digits =
      !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) {
    return tl::unexpected(
        NotAQuantity{fmt::format("{} is not a whole number", quoted(text)), "write digits alone, as in 1000"});
  }
  for (const char c : text) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (UINT64_MAX - digit) / 10)
      return tl::unexpected(
          NotAQuantity{fmt::format("{} is too large", quoted(text)), fmt::format("at most {}", UINT64_MAX)});
    value = value * 10 + digit;
  }
  return value;
}

Quantity<double> parse_number(std::string_view text) {
  std::string_view rest = text;
  const auto number = take_decimal(rest);
  if (!number || !rest.empty()) {
    return tl::unexpected(
        NotAQuantity{fmt::format("{} is not a number", quoted(text)), "write digits alone, as in 1000 or 0.5"});
  }
  return static_cast<double>(number->digits) / static_cast<double>(power_of_ten(number->decimals));
}

std::string duration_text(Duration duration) {
  const auto ns = static_cast<std::uint64_t>(duration.count());
  if (ns == 0) return "0s";
  const Unit* best = &kDuration[0];
  for (const Unit& unit : kDuration) {
    if (ns % unit.factor == 0) best = &unit;
  }
  return fmt::format("{}{}", ns / best->factor, best->name);
}

std::string size_text(std::uint64_t bytes) {
  if (bytes == 0) return "0B";
  const Unit* best = &kSize[0];
  for (const Unit& unit : kSize) {
    if (unit.factor > best->factor && bytes % unit.factor == 0 && unit.name != "KB") best = &unit;
  }
  return fmt::format("{}{}", bytes / best->factor, best->name);
}

}  // namespace myriad::plan
