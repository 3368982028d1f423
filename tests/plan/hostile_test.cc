// Files made to hurt. There is nothing to assert about most of them but that they end, in time (ctest's) and cleanly
// (the sanitizers').
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>

#include "base/rng.h"
#include "templates/plan/yaml.h"
#include "tests/plan/plan_of.h"

namespace myriad::plan {
namespace {

std::string repeated(const std::string& piece, std::size_t bytes = kMostTextBytes) {
  std::string text;
  while (text.size() + piece.size() <= bytes) text += piece;
  return text;
}

std::string numbered(const std::function<std::string(int)>& line, std::size_t bytes = kMostTextBytes) {
  std::string text;
  for (int i = 0;; ++i) {
    const std::string next = line(i);
    if (text.size() + next.size() > bytes) return text;
    text += next;
  }
}

// One piece over and over, up to the bound.
constexpr const char* kPieces[] = {"[",        "{",     "[\n",    "- ",    "? ",   "a: ",     "a",          "a: b\n",
                                   "\"",       "'",     "\"\\",   "&a ",   "*a ",  "!a ",     "%a\n",       "---\n",
                                   "--- a\n",  "...\n", ":",      ": ",    ",",    "]",       "}",          "[],",
                                   "#",        "#\n",   " ",      "\n",    "\r\n", "- - a\n", "? a\n: b\n", "{a,",
                                   "[a: ",     "|\n",   "a: >\n", "<<: ",  "${",   "\"\" ",   "- &a *a\n",  "a:\n ",
                                   "\xc3\xa4", "@",     "`",      "~: ~\n"};

class PieceTest : public ::testing::TestWithParam<std::size_t> {};

TEST_P(PieceTest, IsRefused) { EXPECT_FALSE(refusal_of(repeated(kPieces[GetParam()])).what.empty()); }

INSTANTIATE_TEST_SUITE_P(Hostile, PieceTest, ::testing::Range(std::size_t{0}, std::size(kPieces)));

TEST(Hostile, TenThousandLevels) {
  EXPECT_EQ(refusal_of(repeated("[", 10'000) + repeated("]", 10'000)).what, "nested deeper than 64 levels");
  std::string stairs;
  for (std::size_t i = 0; i < 1400; ++i) stairs += std::string(i, ' ') + "a:\n";
  EXPECT_EQ(refusal_of(stairs).what, "nested deeper than 64 levels");
}

TEST(Hostile, AHundredMegabytes) {
  EXPECT_EQ(refusal_of(std::string(100'000'000, 'a')).what, "the file is larger than 1MiB");
}

TEST(Hostile, ManyGroupsThatAllCollide) {
  const std::string text = std::string(kHead) +
                           "hosts:\n  g: &g {port: lan, count: 4000, ipv4: 10.0.0.1/8, vlan: {id: 1, per: 1}}\n" +
                           numbered([](int i) { return "  g" + std::to_string(i) + ": *g\n"; }, 900'000);
  EXPECT_FALSE(refusal_of(text).what.empty());
}

TEST(Hostile, ManyGroupsInEveryVlan) {
  const std::string text =
      std::string(kHead) + "hosts:\n  g: &g {port: lan, count: 4000, ipv4: 10.0.0.1/8, vlan: {id: 1, per: 1}}\n" +
      numbered(
          [](int i) {
            return "  g" + std::to_string(i) + ": {<<: *g, ipv4: 10." + std::to_string(i + 1) + ".0.1/8}\n";
          },
          8'000);
  EXPECT_EQ(refusal_of(text).what, "more than 262144 VLANs over all groups");
}

TEST(Hostile, ManyGoodGroups) {
  const std::string text = std::string(kHead) + "hosts:\n" +
                           numbered(
                               [](int i) {
                                 return "  g" + std::to_string(i) + ": {port: lan, count: 5, ipv4: 10." +
                                        std::to_string(i / 250) + "." + std::to_string(i % 250) + ".1/8}\n";
                               },
                               900'000);
  EXPECT_GT(plan_of(text).groups.size(), 10'000U);
}

TEST(Hostile, ManyMisspeltReferences) {
  const std::string text =
      std::string(kHead) + "hosts:\n" +
      numbered([](int i) { return "  a_rather_long_name_" + std::to_string(i) + ": {port: lan, ipv6: fd00::1/64}\n"; },
               500'000) +
      "workloads:\n" +
      numbered(
          [](int i) {
            return "  w" + std::to_string(i) + ": {from: a_rather_lnog_name_" + std::to_string(i) +
                   ", to: b, http: }\n";
          },
          400'000);
  EXPECT_THAT(refusal_of(text).suggestion, ::testing::StartsWith("did you mean 'a_rather_long_name_"));
}

// Changes of the shipped scenarios: bytes flipped, pieces removed, doubled, and swapped between them.
class Mutator {
 public:
  Mutator(std::vector<std::string> texts, std::uint64_t seed) : texts_(std::move(texts)), rng_(seed) {}

  std::string next() {
    std::string text = texts_[rng_.below(texts_.size())];
    const std::uint64_t changes = 1 + rng_.below(6);
    for (std::uint64_t i = 0; i < changes; ++i) change(text);
    return text;
  }

 private:
  std::pair<std::size_t, std::size_t> piece(const std::string& text) {
    if (text.empty()) return {0, 0};
    const std::size_t from = rng_.below(text.size());
    return {from, 1 + rng_.below(std::min<std::size_t>(40, text.size() - from))};
  }
  void change(std::string& text) {
    static constexpr std::string_view kTelling = "[]{}:,-?&*!|>'\"%@`#\n \t$<=.0123456789/\\\x00\x7f\xff\xc3";
    const auto [from, length] = piece(text);
    switch (rng_.below(6)) {
      case 0:
        text.erase(from, length);
        break;
      case 1:
        text.insert(from, text.substr(from, length));
        break;
      case 2:
        text.insert(from, 1, kTelling[rng_.below(kTelling.size())]);
        break;
      case 3:
        if (!text.empty()) text[from] = kTelling[rng_.below(kTelling.size())];
        break;
      case 4: {
        const std::string& other = texts_[rng_.below(texts_.size())];
        const auto [other_from, other_length] = piece(other);
        text.insert(from, other.substr(other_from, other_length));
        break;
      }
      default:
        text.resize(from);
        break;
    }
  }

  std::vector<std::string> texts_;
  Rng rng_;
};

std::vector<std::string> shipped_texts() {
  std::vector<std::string> texts;
  for (const auto& entry : std::filesystem::directory_iterator(MYRIAD_TEMPLATES)) {
    if (entry.path().extension() != ".yaml") continue;
    std::ifstream in(entry.path());
    texts.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  std::sort(texts.begin(), texts.end());
  return texts;
}

class MutationTest : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(MutationTest, EndsInAPlanOrInReports) {
  Mutator mutator(shipped_texts(), GetParam());
  LoadOptions options;
  options.variable = [](const std::string&) -> std::optional<std::string> { return std::nullopt; };
  for (int i = 0; i < 1500; ++i) {
    const std::string text = mutator.next();
    const auto plan = load_text("mutation.yaml", text, options);
    if (plan) {
      EXPECT_FALSE(describe(*plan).empty());
      continue;
    }
    ASSERT_FALSE(plan.error().empty());
    for (const Diagnostic& diagnostic : plan.error()) {
      ASSERT_FALSE(diagnostic.what.empty()) << text;
      ASSERT_LE(diagnostic.source_line.size(), 240U) << "a line is shown as a window";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Hostile, MutationTest, ::testing::Range(std::uint64_t{1}, std::uint64_t{5}));

}  // namespace
}  // namespace myriad::plan
