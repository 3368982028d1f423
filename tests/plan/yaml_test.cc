// The YAML layer alone: what it makes of a text, where it says things stand, and what it refuses byte by byte.
#include "templates/plan/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace myriad::plan {
namespace {

struct Read {
  Problems problems;
  NodePtr root;
};

Read read(const std::string& text) {
  Read r;
  const std::uint32_t source = r.problems.add_source("f.yaml", text);
  if (check_text(source, r.problems)) r.root = parse_yaml(r.problems.source_text(source), {source, 1, 1}, r.problems);
  return r;
}

// "f.yaml:1:2: what" of the first report; empty when there is none.
std::string first_report(const std::string& text) {
  const auto reports = read(text).problems.list();
  if (reports.empty()) return "";
  const std::string shown = reports[0].text();
  return shown.substr(0, shown.find('\n'));
}

const Node& at(const NodePtr& node, std::string_view key) {
  const Entry* const entry = node->find(key);
  EXPECT_NE(entry, nullptr) << key;
  static const Node nothing;
  return entry == nullptr ? nothing : *entry->value;
}

TEST(Yaml, KindsAndPlaces) {
  const Read r = read("a: word\nb:\n  - 1\n  - {c: 'x y'}\nd:\n");
  ASSERT_TRUE(r.root);
  EXPECT_TRUE(at(r.root, "a").is_scalar());
  EXPECT_EQ(at(r.root, "a").text, "word");
  EXPECT_EQ(at(r.root, "a").at, (Place{0, 1, 4}));
  const Node& list = at(r.root, "b");
  ASSERT_EQ(list.items.size(), 2U);
  EXPECT_EQ(list.items[1]->find("c")->value->text, "x y");
  EXPECT_EQ(list.items[1]->find("c")->at, (Place{0, 4, 6}));
  EXPECT_TRUE(at(r.root, "d").is_null());
  EXPECT_EQ(at(r.root, "d").at, (Place{0, 5, 1})) << "nothing stands where its key does";
}

TEST(Yaml, MergesTakeOverKeysAndOwnOnesWin) {
  const Read r =
      read("a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc: {y: 0, <<: *a}\nd: {<<: [*a, *b], w: 5}\ne: {<<: {q: 1}}\n");
  ASSERT_TRUE(r.root) << r.problems.list()[0].text();
  EXPECT_EQ(at(r.root, "c").find("x")->value->text, "1");
  EXPECT_EQ(at(r.root, "c").find("y")->value->text, "0");
  EXPECT_EQ(at(r.root, "c").entries.size(), 2U);
  EXPECT_EQ(at(r.root, "d").find("y")->value->text, "2") << "the earlier mapping wins";
  EXPECT_EQ(at(r.root, "d").find("z")->value->text, "4");
  EXPECT_EQ(at(r.root, "d").entries[0].key, "w") << "own keys come first";
  EXPECT_EQ(at(r.root, "e").find("q")->value->text, "1");
}

TEST(Yaml, MergesOfMerges) {
  const Read r = read("a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: *b}\n");
  ASSERT_TRUE(r.root);
  EXPECT_EQ(at(r.root, "c").find("x")->value->text, "1");
}

TEST(Yaml, AQuotedMergeKeyIsAKeyLikeAnyOther) {
  const Read r = read("\"<<\": 5\n");
  ASSERT_TRUE(r.root);
  EXPECT_EQ(at(r.root, "<<").text, "5");
}

TEST(Yaml, AliasesShareTheirNode) {
  const Read r = read("a: &a [1, 2]\nb: *a\n");
  ASSERT_TRUE(r.root);
  EXPECT_EQ(r.root->find("a")->value, r.root->find("b")->value);
}

TEST(Yaml, EscapesOfDoubleQuotes) {
  const Read r = read(R"(a: "x\r\n\t\"\\\x41" )");
  ASSERT_TRUE(r.root);
  EXPECT_EQ(at(r.root, "a").text, "x\r\n\t\"\\A");
}

TEST(Yaml, WindowsLineEnds) {
  const Read r = read("a: 1\r\nb: [x,\r\n  y]\r\n");
  ASSERT_TRUE(r.root) << r.problems.list()[0].text();
  EXPECT_EQ(at(r.root, "b").items[1]->at, (Place{0, 3, 3}));
}

TEST(Yaml, OneDocumentMayHaveItsMarks) {
  EXPECT_TRUE(read("---\na: 1\n...\n").root);
  EXPECT_TRUE(read("%YAML 1.2\n---\na: 1\n").root);
  EXPECT_EQ(first_report("a: 1\n---\nb: 1\n"), "f.yaml:2:1: a second document begins here");
  EXPECT_EQ(first_report("[a]\n[b]\n"), "f.yaml:2:1: text after the end of the document");
}

TEST(Yaml, BytesThatNoScenarioHolds) {
  EXPECT_EQ(first_report("a:\n\tb: 1\n"), "f.yaml:2:1: a tab");
  EXPECT_EQ(first_report("a: 1\tx\n"), "f.yaml:1:5: a tab");
  EXPECT_EQ(first_report(std::string("a: 1\nb: \0\n", 10)), "f.yaml:2:4: a control character (0x00)");
  EXPECT_EQ(first_report("a: \x1b[31m\n"), "f.yaml:1:4: a control character (0x1b)");
  EXPECT_EQ(first_report("a: 1\rb: 2\n"), "f.yaml:1:5: a carriage return without a line feed");
  EXPECT_EQ(first_report("a: 1\n# a\tcomment\n"), "");
}

TEST(Yaml, OnlyUtf8) {
  EXPECT_EQ(first_report("größe: 1\nζ: 2\n語: 3\n😀: 4\n"), "");
  for (const char* bad :
       {"\xff", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80", "\x80", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc3("}) {
    EXPECT_EQ(first_report(std::string("ab: ") + bad), "f.yaml:1:5: not UTF-8");
  }
  EXPECT_EQ(first_report("ä: \xff"), "f.yaml:1:4: not UTF-8") << "columns count characters";
  EXPECT_EQ(first_report(std::string("\xff\xfe"
                                     "a\0:\0",
                                     6)),
            "f.yaml:1:1: not UTF-8")
      << "UTF-16";
}

TEST(Yaml, NestingIsBounded) {
  const auto nested = [](std::size_t depth) { return "a: " + std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(first_report(nested(kMostNesting - 1)), "");
  EXPECT_EQ(first_report(nested(kMostNesting)), "f.yaml:1:67: nested deeper than 64 levels");
  EXPECT_EQ(first_report(nested(10'000)), "f.yaml:1:67: nested deeper than 64 levels");
}

TEST(Yaml, ValuesAreBounded) {
  std::string text = "a: [x";
  for (std::uint64_t i = 0; i < kMostValues; ++i) text += ",x";
  EXPECT_EQ(first_report(text + "]"), "f.yaml:1:399999: more than 200000 values");
}

TEST(Yaml, WeightCountsWhatAliasesWouldCopy) {
  std::string text = "a: &a " + std::string(100'000, 'x') + "\nb: [*a";
  for (int i = 0; i < 100; ++i) text += ", *a";
  EXPECT_EQ(first_report(text + "]"), "") << "10 MB";
  for (int i = 0; i < 100; ++i) text += ", *a";
  EXPECT_THAT(first_report(text + "]"), ::testing::HasSubstr("too much once every alias is replaced"));
}

TEST(Yaml, AMergeThatExplodes) {
  std::string text = "a0: &a0 {k: v}\n";
  for (int i = 1; i < 40; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " {<<: [" + before + ", " + before + ", " + before +
            "]}\n";
  }
  EXPECT_THAT(first_report(text), ::testing::HasSubstr("too much once every alias is replaced"));
}

TEST(Yaml, ManyDuplicatesAreReportedOnlySoFar) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "a: 1\n";
  EXPECT_EQ(read(text).problems.list().size(), Problems::kMost);
}

TEST(Nearest, FindsWhatWasMeant) {
  const std::string_view keys[] = {"count", "mac", "ipv4", "ipv6", "gateway", "gateway6"};
  EXPECT_EQ(nearest("cuont", keys), "count") << "two letters swapped are one mistake";
  EXPECT_EQ(nearest("ipv", keys), "ipv4");
  EXPECT_EQ(nearest("getaway", keys), "gateway");
  EXPECT_EQ(nearest("colour", keys), "");
  EXPECT_EQ(nearest("", keys), "");
  EXPECT_EQ(nearest("x", keys), "") << "one letter has nothing in common with anything";
  EXPECT_EQ(nearest(std::string(1000, 'c'), keys), "");
}

}  // namespace
}  // namespace myriad::plan
