#include "app/script.h"

#include <gtest/gtest.h>

#include "tests/app/pieces.h"

namespace myriad::app {
namespace {

std::string read(const Script& script, std::uint64_t offset, std::size_t length) {
  std::string out(length, '?');
  script.read(offset, {reinterpret_cast<std::uint8_t*>(out.data()), length});
  return out;
}

TEST(Script, GoesAsFarAsItCanAndNoFurther) {
  const Script script{{SendText{"HELO\r\n"}, ExpectText{"250"}, SendBytes{1000}, ExpectBytes{4}, CloseStream{}}, 1};
  ScriptRun run;
  auto advance = run.take(script, {});
  EXPECT_EQ(advance.grown, 6U);
  EXPECT_FALSE(advance.done || advance.close);
  EXPECT_TRUE(run.expecting(script));
  advance = run.take(script, as_bytes("220 hi 25"));
  EXPECT_EQ(advance.grown, 0U);
  advance = run.take(script, as_bytes("0ab"));
  EXPECT_EQ(advance.grown, 1000U);
  EXPECT_FALSE(advance.done);
  advance = run.take(script, as_bytes("cdefg"));
  EXPECT_TRUE(advance.close);
  EXPECT_TRUE(advance.done);
  EXPECT_FALSE(run.expecting(script));
}

TEST(Script, ReadsItsStreamAtAnyOffset) {
  const Script script{{SendText{"abc"}, ExpectText{"x"}, SendBytes{10}, SendText{"de"}}, 7};
  ASSERT_EQ(script.sends_bytes(), 15U);
  std::string whole = "abc" + std::string(10, 0) + "de";
  Pattern{7}.fill(0, {reinterpret_cast<std::uint8_t*>(whole.data()) + 3, 10});
  for (std::size_t from = 0; from <= 15; ++from) {
    for (std::size_t length = 0; from + length <= 15; ++length) {
      ASSERT_EQ(read(script, from, length), whole.substr(from, length)) << from << " " << length;
    }
  }
}

TEST(Script, FindsTextWhereverItStandsAndIsSplit) {
  const std::string_view texts[] = {"aab", "aabaabaaa", "\r\n.\r\n", "a"};
  const std::string_view streams[] = {"aaaaab", "xaabaabaabaaay", "text\r\n..\r\n.\r\n", "bbbba", "aabaab"};
  for (const auto text : texts) {
    const Script script{{ExpectText{std::string{text}}, ExpectBytes{1}}, 1};
    for (const auto stream : streams) {
      const std::size_t found = stream.find(text);
      every_split(stream, 20, [&](const std::vector<std::string_view>& pieces) {
        ScriptRun run;
        bool done = false;
        for (const auto piece : pieces) done = run.take(script, as_bytes(piece)).done || done;
        // One more byte after the text proves that the search stopped exactly at its end.
        EXPECT_EQ(done, found != std::string_view::npos && found + text.size() < stream.size())
            << text << " in " << stream;
      });
    }
  }
}

TEST(Script, TextsThatOverlapAreNotCountedTwice) {
  const Script script{{ExpectText{"aa"}, ExpectText{"aa"}}, 1};
  ScriptRun run;
  EXPECT_FALSE(run.take(script, as_bytes("aaa")).done);
  EXPECT_TRUE(run.take(script, as_bytes("a")).done);
}

TEST(Script, EmptyStepsAreNone) {
  const Script script{{SendText{""}, ExpectText{""}, SendBytes{0}, ExpectBytes{0}}, 1};
  ScriptRun run;
  const auto advance = run.take(script, {});
  EXPECT_TRUE(advance.done);
  EXPECT_EQ(advance.grown, 0U);
}

TEST(Script, NothingIsSentAfterClose) {
  const Script script{{SendText{"a"}, CloseStream{}, SendText{"b"}, CloseStream{}, ExpectText{"x"}}, 1};
  EXPECT_EQ(script.sends_bytes(), 1U);
  ScriptRun run;
  const auto advance = run.take(script, {});
  EXPECT_EQ(advance.grown, 1U);
  EXPECT_TRUE(advance.close);
  EXPECT_FALSE(advance.done);
  EXPECT_TRUE(run.take(script, as_bytes("x")).done);
}

TEST(Script, AnAdversarialTextIsSearchedInLinearTime) {
  // KMP makes this 3 million steps; a search that starts over at each byte would make 10^11 and run into the time
  // limit.
  const Script script{{ExpectText{std::string(100'000, 'a') + "b"}}, 1};
  const std::string stream(1'000'000, 'a');
  ScriptRun run;
  EXPECT_FALSE(run.take(script, as_bytes(stream)).done);
  EXPECT_TRUE(run.take(script, as_bytes("b")).done);
}

TEST(Script, APlaceIsSmall) { EXPECT_LE(sizeof(ScriptRun), 16U); }

}  // namespace
}  // namespace myriad::app
