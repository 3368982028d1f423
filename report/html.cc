#include "report/html.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "report/json.h"
#include "report/page_parts.h"
#include "report/summary.h"

namespace myriad::report {
namespace {

using Json = nlohmann::ordered_json;

std::string text(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json to_document(const Timeline& timeline) {
  Json charts = Json::array();
  for (const Chart& chart : timeline.charts()) {
    Json series = Json::array();
    for (const Series& line : chart.series) series.push_back({{"name", line.name}, {"values", line.values}});
    charts.push_back({{"title", chart.title}, {"unit", chart.unit}, {"series", std::move(series)}});
  }
  return {{"seconds", timeline.seconds()}, {"charts", std::move(charts)}};
}

// JSON that cannot end the element it stands in: '<' is written otherwise, which it may be inside strings, and it is
// nowhere else.
std::string harmless(const std::string& json) {
  std::string out;
  out.reserve(json.size());
  for (const char c : json) {
    if (c == '<') {
      out += "\\u003c";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string html_report(const RunResult& result, const Timeline& timeline, std::string_view scenario_name,
                        std::string_view scenario_text) {
  const Json headline_and_scenario = {{"headline", headline(result)},
                                      {"scenario", {{"name", scenario_name}, {"text", scenario_text}}},
                                      {"timeline", to_document(timeline)}};
  return fmt::format(
      R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Myriad: report of a run</title>
<style>
{}
{}
</style>
</head>
<body>
<main id="page"></main>
<noscript>The numbers of this report are in the JSON documents below; with scripts they become tables and plots.</noscript>
<script type="application/json" id="result">{}</script>
<script type="application/json" id="more">{}</script>
<script>
/*! uPlot
{}
*/
{}
</script>
<script>
{}
</script>
</body>
</html>
)",
      kUplotStyle, kPageStyle, harmless(to_json(result)), harmless(text(headline_and_scenario)), kUplotLicense,
      kUplotScript, kPageScript);
}

}  // namespace myriad::report
