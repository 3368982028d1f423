// Quantities as scenarios write them: a number and its unit, without a space. A number alone is refused where a unit
// matters, and so are signs, exponents, what is finer than the base unit and what does not fit.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "base/time.h"

namespace myriad::plan {

struct NotAQuantity {
  std::string what;        // "needs a unit", "'10 MS' is not a duration"
  std::string suggestion;  // names the units
};

template <class T>
using Quantity = tl::expected<T, NotAQuantity>;

inline constexpr std::string_view kDurationUnits = "ns, us, ms, s, m (minutes), h";
inline constexpr std::string_view kSizeUnits = "B, kB, MB, GB, TB, KiB, MiB, GiB, TiB";
inline constexpr std::string_view kSessionRateUnits = "/s, /m (a minute), /h";
inline constexpr std::string_view kFrameRateUnits = "pps, kpps, Mpps, Gpps";
inline constexpr std::string_view kBitRateUnits = "bps, kbps, Mbps, Gbps";

[[nodiscard]] Quantity<Duration> parse_duration(std::string_view text);      // 250ms 1.5s 2m
[[nodiscard]] Quantity<std::uint64_t> parse_size(std::string_view text);     // bytes: 1500B 64KiB 1MB
[[nodiscard]] Quantity<double> parse_session_rate(std::string_view text);    // per second: 200/s 30/m
[[nodiscard]] Quantity<double> parse_frame_rate(std::string_view text);      // per second: 500pps 2Mpps
[[nodiscard]] Quantity<double> parse_bit_rate(std::string_view text);        // per second: 100Mbps
[[nodiscard]] Quantity<double> parse_percent(std::string_view text);         // 1% = 0.01, at most 100%
[[nodiscard]] Quantity<std::uint64_t> parse_integer(std::string_view text);  // 5000; no unit
[[nodiscard]] Quantity<double> parse_number(std::string_view text);          // 5000 0.5; no unit

// The shortest text in the largest unit that loses nothing: "1m30s" is never written, "90s" is.
[[nodiscard]] std::string duration_text(Duration duration);
[[nodiscard]] std::string size_text(std::uint64_t bytes);

}  // namespace myriad::plan
