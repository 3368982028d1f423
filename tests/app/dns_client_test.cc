#include "app/dns_client.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "tests/app/dns_messages.h"
#include "tests/app/pieces.h"

namespace myriad::app {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

DnsQuery ask_for(std::string_view name, DnsType type = DnsType::kA) {
  DnsQuery query;
  query.name = DnsName::parse(name).value();
  query.type = type;
  return query;
}

DnsExpect answers(DnsType type, const std::vector<std::string>& texts) {
  DnsExpect expect;
  expect.answers.emplace();
  for (const std::string& text : texts) expect.answers->push_back(dns_data(type, text, DnsName{}).value());
  std::ranges::sort(*expect.answers);
  return expect;
}

// What the example zone answers to a query, by datagram or over TCP.
std::string answer_of(Bytes query, bool over_tcp) {
  std::string out(kDnsMaxBytes, '\0');
  out.resize(example_zone().answer(query, over_tcp, {reinterpret_cast<std::uint8_t*>(out.data()), out.size()}));
  return out;
}

// Carries out the steps of a session against the example zone.
class Session {
 public:
  explicit Session(const DnsQuestions& questions, std::uint64_t number = 0, std::uint64_t seed = 7)
      : dialogue_(questions, number, seed) {}

  // To the end, of which it returns the step. `cut`: bytes a piece of a stream has at most.
  Step play(std::size_t cut = 1 << 20) {
    Step step = dialogue_.begin(now_);
    for (int turns = 0; turns < 100; ++turns) {
      if (step.progress == Progress::kReconnect) {
        ++reconnected;
        stream_ = 0;
        step = dialogue_.begin(now_);
      } else if (step.progress != Progress::kMore) {
        return step;
      } else if (dialogue_.transport() == Transport::kDatagrams) {
        const std::string query = as_text(step.datagram);
        EXPECT_FALSE(query.empty());
        asked.push_back(query);
        step = dialogue_.take(as_bytes(answer_of(as_bytes(query), false)), now_);
      } else {
        step = answer_stream(step.grown, cut);
      }
    }
    ADD_FAILURE() << "it does not come to an end";
    return step;
  }

  DnsDialogue& dialogue() { return dialogue_; }
  std::vector<std::string> asked;  // without the length
  int reconnected = 0;

 private:
  Step answer_stream(std::uint64_t grown, std::size_t cut) {
    std::string query(grown, '\0');
    dialogue_.read(stream_, {reinterpret_cast<std::uint8_t*>(query.data()), query.size()});
    stream_ += grown;
    EXPECT_EQ(load_be16(as_bytes(query).data()), query.size() - 2);
    asked.push_back(query.substr(2));
    std::string reply = answer_of(as_bytes(query).subspan(2), true);
    reply = std::string{static_cast<char>(reply.size() >> 8), static_cast<char>(reply.size())} + reply;
    Step step;
    for (std::size_t at = 0; at < reply.size() && step.progress == Progress::kMore; at += cut) {
      step = dialogue_.take(as_bytes(std::string_view{reply}.substr(at, cut)), now_);
      EXPECT_TRUE(at + cut >= reply.size() || (step.progress == Progress::kMore && step.grown == 0));
    }
    return step;
  }

  DnsDialogue dialogue_;
  Instant now_{};
  std::uint64_t stream_ = 0;
};

DnsQuestions one(DnsQuery query, DnsTransport transport = DnsTransport::kAuto) {
  DnsQuestions questions;
  questions.queries.push_back(std::move(query));
  questions.transport = transport;
  return questions;
}

Failure failure_of(const DnsQuestions& questions) {
  const Step step = Session{questions}.play();
  EXPECT_EQ(step.progress, Progress::kFailed);
  return step.failure;
}

void expect_success(const DnsQuestions& questions, bool verified) {
  const Step step = Session{questions}.play();
  ASSERT_EQ(step.progress, Progress::kComplete) << failure_name(step.failure);
  EXPECT_EQ(step.verified, verified);
}

TEST(DnsDialogue, EveryTypeIsAskedForAndVerified) {
  const std::tuple<const char*, DnsType, std::vector<std::string>> cases[] = {
      {"www.example.test", DnsType::kA, {"10.0.255.2", "10.0.255.1"}},
      {"www.example.test", DnsType::kAaaa, {"fd00::1"}},
      {"1.255.0.10.example.test", DnsType::kPtr, {"WWW.example.test"}},
      {"known.any.example.test", DnsType::kTxt, {"hides the wildcard"}},
      {"_sip._udp.example.test", DnsType::kSrv, {"0 5 5060 sip.example.test."}},
      {"example.test", DnsType::kMx, {"10 mail.example.test"}},
      {"ftp.example.test", DnsType::kA, {"10.0.255.1", "10.0.255.2"}},
      {"ftp.example.test", DnsType::kCname, {"www.example.test"}},
  };
  for (const auto transport : {DnsTransport::kAuto, DnsTransport::kUdp, DnsTransport::kTcp}) {
    for (const auto& [name, type, texts] : cases) {
      SCOPED_TRACE(name);
      DnsQuery query = ask_for(name, type);
      expect_success(one(query, transport), false);
      query.expect = answers(type, texts);
      expect_success(one(query, transport), true);
      auto fewer = texts;
      fewer.pop_back();
      query.expect = answers(type, fewer);
      EXPECT_EQ(failure_of(one(query, transport)), Failure::kVerifyMismatch);
    }
  }
}

TEST(DnsDialogue, CodesFailByTheirNamesUnlessExpected) {
  EXPECT_EQ(failure_of(one(ask_for("nowhere.example.test"))), Failure::kDnsNxDomain);
  EXPECT_EQ(failure_of(one(ask_for("www.example.org"))), Failure::kDnsRefused);
  EXPECT_EQ(failure_of(one(ask_for("mail.example.test", DnsType::kAaaa))), Failure::kDnsNoData);
  DnsQuery query = ask_for("nowhere.example.test");
  query.expect.rcode = DnsRcode::kNxDomain;
  expect_success(one(query), true);
  query.name = DnsName::parse("www.example.test").value();
  EXPECT_EQ(failure_of(one(query)), Failure::kVerifyMismatch);
  query = ask_for("mail.example.test", DnsType::kAaaa);
  query.expect.answers.emplace();
  expect_success(one(query), true);
}

TEST(DnsDialogue, WhatIsTooLongIsAskedForAgainOverTcp) {
  DnsQuestions questions = one(ask_for("huge.example.test", DnsType::kTxt));
  for (const std::size_t cut : {1, 2, 3, 100, 100'000}) {
    Session session{questions};
    EXPECT_EQ(session.play(cut).progress, Progress::kComplete);
    EXPECT_EQ(session.reconnected, 1);
    EXPECT_EQ(session.asked.size(), 2U);
  }
  questions.transport = DnsTransport::kUdp;
  EXPECT_EQ(failure_of(questions), Failure::kDnsTruncated);
  questions.transport = DnsTransport::kAuto;
  questions.queries.push_back(ask_for("www.example.test"));
  questions.per_session = 4;
  Session session{questions};
  EXPECT_EQ(session.play().progress, Progress::kComplete);
  EXPECT_EQ(session.reconnected, 4) << "to TCP and back, twice; but not back at the end";
}

TEST(DnsDialogue, SeveralQuestionsShareOneStream) {
  DnsQuestions questions = one(ask_for("www.example.test"), DnsTransport::kTcp);
  questions.queries.push_back(ask_for("huge.example.test", DnsType::kTxt));
  questions.per_session = 5;
  Session session{questions};
  EXPECT_EQ(session.play().progress, Progress::kComplete);
  EXPECT_EQ(session.reconnected, 0);
  EXPECT_EQ(session.asked.size(), 5U);
  // Everything that was said can be read again from the beginning, at any offset.
  std::string stream;
  for (const std::string& query : session.asked) {
    stream += std::string{static_cast<char>(query.size() >> 8), static_cast<char>(query.size())} + query;
  }
  for (std::size_t at = 0; at < stream.size(); at += 7) {
    std::string out(stream.size() - at, '\0');
    session.dialogue().read(at, {reinterpret_cast<std::uint8_t*>(out.data()), out.size()});
    ASSERT_EQ(out, stream.substr(at)) << at;
  }
}

TEST(DnsDialogue, TheListIsTakenInOrderOrAtRandom) {
  DnsQuestions questions;
  for (const char* name : {"www.example.test", "mail.example.test", "a.any.example.test"}) {
    questions.queries.push_back(ask_for(name));
  }
  questions.per_session = 2;
  const auto names = [&](std::uint64_t number, std::uint64_t seed) {
    Session session{questions, number, seed};
    EXPECT_EQ(session.play().progress, Progress::kComplete);
    std::string out;
    for (const std::string& query : session.asked) out += query[kDnsHeaderBytes + 1];
    return out;
  };
  EXPECT_EQ(names(0, 1), "wm");
  EXPECT_EQ(names(1, 1), "aw");
  EXPECT_EQ(names(2, 1), "ma");
  questions.at_random = true;
  std::string all;
  for (std::uint64_t seed = 0; seed < 50; ++seed) all += names(0, seed);
  for (const char c : {'w', 'm', 'a'}) EXPECT_GT(std::ranges::count(all, c), 10) << c;
  EXPECT_EQ(names(0, 5), names(0, 5));
}

TEST(DnsDialogue, AQuestionIsRepeatedWithAnotherIdentifierLaterEachTime) {
  DnsQuestions questions = one(ask_for("www.example.test"));
  questions.retry = 1s;
  questions.tries = 3;
  DnsDialogue dialogue{questions, 0, 7};
  Instant now{};
  const std::string first = as_text(dialogue.begin(now).datagram);
  EXPECT_EQ(dialogue.wake_at(), now + 1s);
  EXPECT_TRUE(dialogue.on_time(now + 500ms).datagram.empty()) << "not before its time";
  now = now + 1s;
  const std::string second = as_text(dialogue.on_time(now).datagram);
  EXPECT_EQ(dialogue.wake_at(), now + 2s);
  EXPECT_NE(first.substr(0, 2), second.substr(0, 2));
  EXPECT_EQ(first.substr(2), second.substr(2));
  now = now + 2s;
  EXPECT_FALSE(dialogue.on_time(now).datagram.empty());
  EXPECT_EQ(dialogue.wake_at(), now + 4s);
  // A late answer to the first try is an answer.
  DnsDialogue late{questions, 0, 7};
  (void)late.begin(Instant{});
  (void)late.on_time(Instant{} + 1s);
  EXPECT_EQ(late.take(as_bytes(answer_of(as_bytes(first), false)), now).progress, Progress::kComplete);
  const Step end = dialogue.on_time(now + 4s);
  EXPECT_EQ(end.progress, Progress::kFailed);
  EXPECT_EQ(end.failure, Failure::kResponseTimeout);
  EXPECT_TRUE(dialogue.wake_at().is_never());
}

TEST(DnsDialogue, WhatIsAboutSomethingElseIsNotLookedAt) {
  const DnsQuestions questions = one(ask_for("www.example.test"));
  DnsDialogue dialogue{questions, 0, 7};
  const std::string query = as_text(dialogue.begin(Instant{}).datagram);
  std::string reply = answer_of(as_bytes(query), false);
  std::string other = reply;
  other[0] = static_cast<char>(other[0] ^ 1);
  EXPECT_EQ(dialogue.take(as_bytes(other), Instant{}).progress, Progress::kMore) << "another identifier";
  other = reply;
  other[kDnsHeaderBytes + 1] = 'x';
  EXPECT_EQ(dialogue.take(as_bytes(other), Instant{}).progress, Progress::kMore) << "another name";
  EXPECT_EQ(dialogue.take(as_bytes(reply), Instant{}).progress, Progress::kComplete);
  EXPECT_EQ(dialogue.take(as_bytes(reply), Instant{}).progress, Progress::kMore) << "a second time";
}

TEST(DnsDialogue, WhatIsNoAnswerFails) {
  const DnsQuestions questions = one(ask_for("www.example.test"));
  const auto fails = [&](const std::function<std::string(const std::string&)>& change) {
    DnsDialogue dialogue{questions, 0, 7};
    const Step step = dialogue.take(as_bytes(change(as_text(dialogue.begin(Instant{}).datagram))), Instant{});
    return step.progress == Progress::kFailed ? step.failure : Failure::kCount;
  };
  EXPECT_EQ(fails([](const std::string& query) { return query; }), Failure::kDnsMalformed) << "an echo";
  EXPECT_EQ(fails([](const std::string&) { return "hello"s; }), Failure::kDnsMalformed);
  EXPECT_EQ(fails([](const std::string& query) { return query.substr(0, 2) + "\x81\x85" + std::string(8, '\0'); }),
            Failure::kDnsRefused)
      << "a refusal need not repeat the question";
  EXPECT_EQ(fails([](const std::string& query) { return query.substr(0, 2) + "\x81\x80" + std::string(8, '\0'); }),
            Failure::kDnsMalformed);
}

TEST(DnsDialogue, AnAnswerCutAnywhereIsMalformedAndNeverReadBeyond) {
  const DnsQuestions questions = one(ask_for("ftp.example.test"));
  DnsDialogue dialogue{questions, 0, 7};
  const std::string reply = answer_of(dialogue.begin(Instant{}).datagram, false);
  for (std::size_t length = 0; length < reply.size(); ++length) {
    const std::vector<std::uint8_t> exact(reply.begin(), reply.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_EQ(judge_dns(exact, questions.queries[0]).failure, Failure::kDnsMalformed) << length;
  }
}

TEST(DnsDialogue, ACircleOfAliasesIsMalformed) {
  EXPECT_EQ(failure_of(one(ask_for("round.example.test"))), Failure::kDnsMalformed);
}

TEST(DnsDialogue, DataThatAreNotWhatTheirTypeSaysAreMalformed) {
  const DnsQuery query = ask_for("www.example.test");
  std::string reply = answer_of(as_bytes(query_for("www.example.test", 1)), false);
  ASSERT_EQ(judge_dns(as_bytes(reply), query).kind, DnsReply::Kind::kAnswered);
  // The length of the last record's data: four bytes of address.
  reply[reply.size() - 5] = 3;
  reply.pop_back();
  EXPECT_EQ(judge_dns(as_bytes(reply), query).failure, Failure::kDnsMalformed);
}

TEST(DnsDialogue, AnErrorBeyondTheHeaderIsReadFromEdns) {
  const DnsQuery query = ask_for("www.example.test");
  std::string reply = answer_of(as_bytes(query_for("www.example.test", 1, 1232)), false);
  ASSERT_EQ(judge_dns(as_bytes(reply), query).kind, DnsReply::Kind::kAnswered);
  reply[reply.size() - 6] = 1;
  EXPECT_EQ(judge_dns(as_bytes(reply), query).failure, Failure::kDnsRcode);
}

TEST(DnsDialogue, AServerMayCloseBetweenAnswerAndQuestion) {
  DnsQuestions questions = one(ask_for("www.example.test"), DnsTransport::kTcp);
  questions.per_session = 2;
  DnsDialogue dialogue{questions, 0, 7};
  const auto answer = [&] {
    std::string query(dialogue.begin(Instant{}).grown, '\0');
    dialogue.read(0, {reinterpret_cast<std::uint8_t*>(query.data()), query.size()});
    std::string reply = answer_of(as_bytes(query).subspan(2), true);
    return std::string{static_cast<char>(reply.size() >> 8), static_cast<char>(reply.size())} + reply;
  };
  EXPECT_EQ(dialogue.take(as_bytes(answer()), Instant{}).progress, Progress::kMore);
  EXPECT_EQ(dialogue.peer_closed(Instant{}).progress, Progress::kReconnect);
  const std::string reply = answer();
  EXPECT_EQ(dialogue.take(as_bytes(reply).first(5), Instant{}).progress, Progress::kMore);
  EXPECT_EQ(dialogue.peer_closed(Instant{}).failure, Failure::kClosedEarly);
}

TEST(DnsData, IsReadAsPeopleWriteIt) {
  const DnsName origin = DnsName::parse("example.test").value();
  EXPECT_EQ(dns_data(DnsType::kA, "10.0.0.1", origin), "\x0a\0\0\1"s);
  EXPECT_EQ(dns_data(DnsType::kMx, "10 mail", origin), "\0\x0a\4mail\7example\4test\0"s);
  EXPECT_EQ(dns_data(DnsType::kMx, "10  mail.", origin), "\0\x0a\4mail\0"s);
  EXPECT_EQ(dns_data(DnsType::kTxt, "two words", origin), "\x09two words"s);
  EXPECT_EQ(dns_data(DnsType::kTxt, "\"a\" \"\"", origin), "\1a\0"s);
  EXPECT_EQ(dns_data(DnsType::kTxt, std::string(256, 'a'), origin), "\xff" + std::string(255, 'a') + "\1a");
  for (const auto& [type, wrong] : std::initializer_list<std::pair<DnsType, const char*>>{
           {DnsType::kA, "fd00::1"},
           {DnsType::kA, ""},
           {DnsType::kAaaa, "10.0.0.1"},
           {DnsType::kMx, "mail"},
           {DnsType::kMx, "x mail"},
           {DnsType::kMx, "65536 mail"},
           {DnsType::kMx, "10 mail more"},
           {DnsType::kSrv, "0 5 sip"},
           {DnsType::kPtr, "a..b"},
           {DnsType::kTxt, "\"a"},
           {DnsType::kTxt, "\"a\" b"},
       }) {
    EXPECT_FALSE(dns_data(type, wrong, origin)) << wrong;
  }
}

}  // namespace
}  // namespace myriad::app
