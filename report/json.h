// The result document (SCENARIO.md section 3) and the event lines, as JSON text. The only place that knows a JSON
// library is json.cc. Text that is not UTF-8 (an argument of the command line may be anything) comes out with U+FFFD in
// place.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "report/result.h"

namespace myriad::report {

// The whole document: exactly one JSON object, indented, with a newline at its end.
[[nodiscard]] std::string to_json(const RunResult& result);

// One line of the events file, without its newline: {"event": "...", "seconds": s, ...}.
// Progress: the totals so far, and what was added since `before`, which is `interval` seconds older.
[[nodiscard]] std::string progress_line(const RunResult& now, const RunResult& before, double interval);
// Anything else: "start", "link", "stop", … with one word or sentence of detail, and the port it is about, if any.
[[nodiscard]] std::string event_line(std::string_view event, double seconds, std::string_view detail,
                                     std::optional<std::string_view> port = std::nullopt);

}  // namespace myriad::report
