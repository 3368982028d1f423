// Every kind of mistake, and word for word what is said about it: place, line, caret, suggestion.
#include "tests/plan/refusals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace myriad::plan {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;

const std::vector<Refusal>& refusals() {
  static const std::vector<Refusal> all = read_refusals(MYRIAD_REFUSALS, MYRIAD_SAMPLES);
  return all;
}

class RefusalTest : public ::testing::TestWithParam<std::size_t> {};

TEST_P(RefusalTest, SaysExactlyThis) {
  const Refusal& refusal = refusals()[GetParam()];
  EXPECT_EQ(reports_of(refusal), refusal.expected) << refusal.name;
}

TEST_P(RefusalTest, HasASuggestionForEveryReport) {
  const Refusal& refusal = refusals()[GetParam()];
  const auto plan = load_text("scenario.yaml", refusal.scenario, refusal.options);
  ASSERT_FALSE(plan.has_value());
  ASSERT_LE(plan.error().size(), Problems::kMost);
  for (const Diagnostic& diagnostic : plan.error()) {
    EXPECT_THAT(diagnostic.suggestion, Not(IsEmpty())) << diagnostic.text();
    if (diagnostic.line == 0) continue;
    EXPECT_GE(diagnostic.column, 1U);
    EXPECT_TRUE(diagnostic.caret.ends_with('^'));
  }
}

std::string row_name(const ::testing::TestParamInfo<std::size_t>& row) {
  std::string name = refusals()[row.param].file + "_" + refusals()[row.param].name;
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, RefusalTest, ::testing::Range(std::size_t{0}, refusals().size()), row_name);

TEST(Refusals, AreThere) { EXPECT_GT(refusals().size(), 70U); }

}  // namespace
}  // namespace myriad::plan
