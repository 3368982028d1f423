// --report: the run as one page that needs nothing but a browser: verdict, plots over time, tables, the scenario
// itself.
//
// Whatever the page tells is in it as data, never as markup or program: names, texts of the scenario and of the wire
// may say what they like. Its policy forbids it to load anything.
#pragma once

#include <string>
#include <string_view>

#include "report/result.h"
#include "report/timeline.h"

namespace myriad::report {

[[nodiscard]] std::string html_report(const RunResult& result, const Timeline& timeline, std::string_view scenario_name,
                                      std::string_view scenario_text);

}  // namespace myriad::report
