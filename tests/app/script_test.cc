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

// A session that is told what arrives; what it sends is acknowledged at once.
class Told {
 public:
  explicit Told(const Script& script) : dialogue_(script) { step = note(dialogue_.begin(now)); }
  Step take(std::string_view text) { return step = note(dialogue_.take(as_bytes(text), now)); }
  Step at(Instant when) {
    now = when;
    return step = note(dialogue_.on_time(now));
  }
  [[nodiscard]] bool done() const { return done_; }
  [[nodiscard]] bool expecting() const { return dialogue_.impatience() == Failure::kExpectTimeout; }
  ScriptDialogue& dialogue() { return dialogue_; }

  Instant now{};
  Step step;

 private:
  Step note(Step s) {
    sent_ += s.grown;
    if (s.progress == Progress::kMore && s.datagram.empty()) {
      const Step after = dialogue_.acknowledged(sent_, now);
      if (after.progress != Progress::kMore) s.progress = after.progress;
      s.reset = s.reset || after.reset;
    }
    done_ = done_ || s.progress == Progress::kComplete || s.progress == Progress::kOver;
    return s;
  }
  ScriptDialogue dialogue_;
  std::uint64_t sent_ = 0;
  bool done_ = false;
};

Script script_of(const std::vector<ScriptStep>& steps) { return Script{steps, 1}; }

ExpectMatch match(std::string_view expression) {
  std::string why;
  ExpectMatch step{Regex::compile(expression, why)};
  EXPECT_TRUE(step.regex) << why;
  return step;
}

TEST(Script, GoesAsFarAsItCanAndNoFurther) {
  const Script script =
      script_of({SendText{"HELO\r\n"}, ExpectText{"250"}, SendBytes{1000}, ExpectBytes{4}, CloseStream{}});
  Told run{script};
  EXPECT_EQ(run.step.grown, 6U);
  EXPECT_FALSE(run.done() || run.step.finish);
  EXPECT_TRUE(run.expecting());
  EXPECT_EQ(run.take("220 hi 25").grown, 0U);
  EXPECT_EQ(run.take("0ab").grown, 1000U);
  EXPECT_FALSE(run.done());
  EXPECT_TRUE(run.take("cdefg").finish);
  EXPECT_TRUE(run.done());
  EXPECT_FALSE(run.expecting());
  EXPECT_FALSE(run.dialogue().rests()) << "its connection ends";
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
        Told run{script};
        for (const auto piece : pieces) run.take(piece);
        // One more byte after the text proves that the search stopped exactly at its end.
        EXPECT_EQ(run.done(), found != std::string_view::npos && found + text.size() < stream.size())
            << text << " in " << stream;
      });
    }
  }
}

TEST(Script, TextsThatOverlapAreNotCountedTwice) {
  const Script script = script_of({ExpectText{"aa"}, ExpectText{"aa"}});
  Told run{script};
  run.take("aaa");
  EXPECT_FALSE(run.done());
  run.take("a");
  EXPECT_TRUE(run.done());
  EXPECT_TRUE(run.dialogue().rests());
}

TEST(Script, EmptyStepsAreNone) {
  const Script script = script_of({SendText{""}, ExpectText{""}, SendBytes{0}, ExpectBytes{0}});
  Told run{script};
  EXPECT_TRUE(run.done());
  EXPECT_EQ(run.step.grown, 0U);
}

TEST(Script, NothingIsSentAfterClose) {
  const Script script = script_of({SendText{"a"}, CloseStream{}, SendText{"b"}, CloseStream{}, ExpectText{"x"}});
  EXPECT_EQ(script.sends_bytes(), 1U);
  Told run{script};
  EXPECT_EQ(run.step.grown, 1U);
  EXPECT_TRUE(run.step.finish);
  EXPECT_FALSE(run.done());
  run.take("x");
  EXPECT_TRUE(run.done());
}

TEST(Script, IsCompleteWhenThePeerHasAllOfIt) {
  const Script script = script_of({SendText{"abc"}});
  ScriptDialogue dialogue{script};
  EXPECT_EQ(dialogue.begin(Instant{}).progress, Progress::kMore);
  EXPECT_EQ(dialogue.acknowledged(2, Instant{}).progress, Progress::kMore);
  EXPECT_EQ(dialogue.impatience(), Failure::kTimeout);
  EXPECT_EQ(dialogue.acknowledged(3, Instant{}).progress, Progress::kComplete);
}

TEST(Script, ResetsWhenThePeerHasAllOfIt) {
  const Script script = script_of({SendText{"abc"}, ResetStream{}, SendText{"never"}});
  EXPECT_EQ(script.sends_bytes(), 3U);
  ScriptDialogue dialogue{script};
  EXPECT_EQ(dialogue.begin(Instant{}).progress, Progress::kMore);
  const Step end = dialogue.acknowledged(3, Instant{});
  EXPECT_EQ(end.progress, Progress::kOver);
  EXPECT_TRUE(end.reset);
}

TEST(Script, SleepsAndHearsWhatCameMeanwhile) {
  const Script script = script_of({SendText{"a"}, Sleep{std::chrono::seconds{2}}, ExpectText{"yes"}, SendText{"b"}});
  Told run{script};
  EXPECT_EQ(run.step.grown, 1U);
  const Instant due = Instant{} + std::chrono::seconds{2};
  EXPECT_EQ(run.dialogue().wake_at(), due);
  EXPECT_EQ(run.take("ye").grown, 0U);
  EXPECT_EQ(run.take("s").grown, 0U);
  EXPECT_EQ(run.at(due - Duration{1}).grown, 0U);
  EXPECT_EQ(run.at(due).grown, 1U);
  EXPECT_TRUE(run.done());
  EXPECT_TRUE(run.dialogue().wake_at().is_never());
}

TEST(Script, KeepsOnlySoMuchOfWhatComesDuringASleep) {
  const Script script = script_of({Sleep{std::chrono::seconds{2}}, ExpectText{"begin"}, ExpectText{"end"}});
  for (const std::size_t between : {std::size_t{1000}, Script::kMostKept}) {
    Told run{script};
    run.take("begin");
    run.take(std::string(between, 'x'));
    run.take("end");
    run.at(Instant{} + std::chrono::seconds{2});
    EXPECT_EQ(run.done(), between == 1000);
  }
}

TEST(Script, APeerThatClosesTooEarlyIsToldFromOneThatIsDone) {
  const Script waits = script_of({SendText{"a"}, ExpectText{"b"}});
  EXPECT_EQ(Told{waits}.dialogue().peer_closed(Instant{}).failure, Failure::kClosedEarly);
  const Script talks = script_of({Sleep{std::chrono::seconds{1}}, SendText{"a"}});
  EXPECT_EQ(Told{talks}.dialogue().peer_closed(Instant{}).progress, Progress::kMore);
}

TEST(Script, AMatchIsFoundWhereverTheStreamIsSplit) {
  const std::tuple<const char*, std::string, std::size_t> cases[] = {
      // expression, stream, where the shortest match ends
      {"^220 [a-z.]+ ESMTP", "220 mail.example.test ESMTP ready", 27},
      {"a+b", "xaaaab", 6},
      {"a+", "xaaaa", 2},
      {"[0-9]{3}", "12x4567", 6},
      {"(?i)welcome", "You are WelCome here", 15},
      {"\\x00\\xff", std::string("ab\0\xff", 4), 4},
      {"foo|foobar", "foobar", 3},
      {"^b", "ab", std::string::npos},
      {"a.c", "a\nc", std::string::npos},
  };
  for (const auto& [expression, stream, end] : cases) {
    SCOPED_TRACE(expression);
    const Script script = script_of({match(expression), ExpectBytes{1}});
    every_split(stream + std::string(1, '!'), 20, [&, ends = end](const std::vector<std::string_view>& pieces) {
      std::size_t had = 0;
      Told run{script};
      for (const auto piece : pieces) {
        run.take(piece);
        had += piece.size();
        // The byte behind the match is the one that is counted.
        ASSERT_EQ(run.done(), ends != std::string::npos && had > ends) << had;
      }
    });
  }
}

TEST(Script, AMatchLiesWithinAWindowAndTheBeginningIsTheBeginning) {
  const Script script = script_of({match("^b|ca*d")});
  for (const std::size_t piece : {1U, 7U, 4096U, 100'000U}) {
    Told run{script};
    const auto hear = [&](const std::string& stream) {
      for (std::size_t at = 0; at < stream.size(); at += piece) run.take(std::string_view{stream}.substr(at, piece));
    };
    hear(std::string(20'000, 'x') + std::string(4090, 'b'));
    EXPECT_FALSE(run.done()) << "a place in the middle is no beginning";
    hear("c" + std::string(3 * Script::kWindow, 'a') + "d");
    EXPECT_FALSE(run.done()) << "its beginning has been forgotten";
    hear("c" + std::string(Script::kWindow - 2, 'a') + "d");
    EXPECT_TRUE(run.done()) << piece;
  }
}

TEST(Script, AHostileStreamCannotMakeTheSearchSlow) {
  // A search that tries all ways would take 2^n steps.
  const Script script = script_of({match("(a*)*(a*)*(a*)*b$"), match("(x+x+)+y")});
  Told run{script};
  for (int i = 0; i < 50; ++i) run.take(std::string(4096, 'a'));
  run.take("b");
  for (int i = 0; i < 50; ++i) run.take(std::string(4096, 'x'));
  EXPECT_FALSE(run.done());
  run.take("y");
  EXPECT_TRUE(run.done());
}

TEST(Regex, WhatCannotBeWaitedForIsRefused) {
  std::string why;
  for (const std::string& expression : {std::string{}, std::string{"("}, std::string{"a*"}, std::string{"a{100000}"},
                                        std::string{"(?=a)"}, std::string(Regex::kLongest + 1, 'a')}) {
    why.clear();
    EXPECT_FALSE(Regex::compile(expression, why)) << expression;
    EXPECT_FALSE(why.empty()) << expression;
  }
}

TEST(DatagramScript, EveryStepThatSendsIsADatagram) {
  const Script script{{SendText{"one"}, SendBytes{5}, ExpectText{"yes"}, SendText{"two"}}, 1, Transport::kDatagrams};
  Told run{script};
  EXPECT_EQ(as_text(run.step.datagram), "one");
  EXPECT_EQ(run.dialogue().wake_at(), run.now);
  run.at(run.now);
  EXPECT_EQ(run.step.datagram.size(), 5U);
  EXPECT_TRUE(Pattern{1}.matches(0, run.step.datagram));
  EXPECT_TRUE(run.dialogue().wake_at().is_never());
  run.take("y");
  run.take("es");
  EXPECT_TRUE(run.expecting()) << "a text lies within one datagram";
  EXPECT_EQ(as_text(run.take("oh yes").datagram), "two");
  EXPECT_TRUE(run.done());
}

TEST(DatagramScript, AMatchLiesWithinOneDatagramAndBytesAreCountedOverAll) {
  const Script script{{match("^ab"), ExpectBytes{5}}, 1, Transport::kDatagrams};
  Told run{script};
  run.take("xab");
  run.take("a");
  run.take("b");
  EXPECT_TRUE(run.expecting());
  run.take("abc");
  run.take("d");
  EXPECT_FALSE(run.done());
  run.take("efg");
  EXPECT_TRUE(run.done());
}

TEST(Script, AnAdversarialTextIsSearchedInLinearTime) {
  // KMP makes this 3 million steps; a search that starts over at each byte would make 10^11 and run into the time
  // limit.
  const Script script = script_of({ExpectText{std::string(100'000, 'a') + "b"}});
  const std::string stream(1'000'000, 'a');
  Told run{script};
  run.take(stream);
  EXPECT_FALSE(run.done());
  run.take("b");
  EXPECT_TRUE(run.done());
}

}  // namespace
}  // namespace myriad::app
