// The page as text; tests/netns/report_test.py looks at it with a browser.
#include "report/html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/report/sample.h"

namespace myriad::report {
namespace {

using Json = nlohmann::ordered_json;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kHostile = "</script><script>alert(1)</script><!--<script>\xff\"&'";

std::size_t how_often(const std::string& text, const std::string& what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

Json data(const std::string& page, const std::string& id) {
  const std::string opening = "<script type=\"application/json\" id=\"" + id + "\">";
  const std::size_t begin = page.find(opening) + opening.size();
  return Json::parse(page.substr(begin, page.find("</script>", begin) - begin));
}

TEST(Page, HasTheResultTheTimelineAndTheScenario) {
  Timeline timeline{sample_result()};
  RunResult end = sample_result();
  end.seconds += 1;
  timeline.finish(end);
  const std::string page = html_report(sample_result(), timeline, "a.yaml", "version: 1\n# <b>\n");
  EXPECT_THAT(page, StartsWith("<!DOCTYPE html>"));
  EXPECT_EQ(data(page, "result")["workloads"]["fetch"]["sessions_succeeded"], 4990);
  EXPECT_EQ(data(page, "more")["scenario"]["text"], "version: 1\n# <b>\n");
  EXPECT_EQ(data(page, "more")["timeline"]["seconds"], Json::parse("[3.5]"));
  EXPECT_THAT(page, HasSubstr("var uPlot=")) << "it is inside, not fetched";
  EXPECT_THAT(page, HasSubstr("Permission is hereby granted")) << "with its licence";
}

TEST(Page, NothingThatItTellsBecomesMarkup) {
  RunResult result = sample_result();
  const std::string harmless = html_report(result, Timeline{result}, "a", "b");
  for (std::string* text :
       {&result.version, &result.command[1], &result.machine.cpu, &result.ports[0].driver, &result.hosts[0].name,
        &result.hosts[0].troubled[0].reason, &result.workloads[0].name, &result.workloads[0].failures[0].first,
        &result.thresholds[0].expression, &result.notes[0]}) {
    *text = kHostile;
  }
  const std::string page = html_report(result, Timeline{result}, kHostile, kHostile);
  for (const char* mark : {"<script", "</script", "<!--"}) EXPECT_EQ(how_often(page, mark), how_often(harmless, mark));
  EXPECT_THAT(data(page, "more")["scenario"]["text"].get<std::string>(), StartsWith("</script><script>alert(1)"));
}

TEST(Page, LoadsNothing) {
  const std::string page = html_report(sample_result(), Timeline{sample_result()}, "", "");
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  for (const char* word : {" src=", "<link", "@import", "url("}) EXPECT_THAT(page, Not(HasSubstr(word)));
}

}  // namespace
}  // namespace myriad::report
