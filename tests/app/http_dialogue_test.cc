#include "app/http_dialogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/http_server.h"
#include "tests/app/dialogue_owner.h"

namespace myriad::app {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace std::string_literals;

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr std::string_view kLast = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";

HttpExchange get(std::string path) {
  HttpExchange exchange;
  exchange.path = std::move(path);
  return exchange;
}

HttpScript script_of(std::vector<HttpExchange> exchanges, std::uint64_t requests) {
  HttpScript script;
  script.exchanges = std::move(exchanges);
  script.host = "h.test";
  script.requests = requests;
  return script;
}

// A role, a session of it and its owner.
struct Session {
  explicit Session(HttpScript script, std::uint64_t seed = 1)
      : role(std::move(script)), owner(role.make(facts(seed))) {}

  SessionFacts facts(std::uint64_t seed) {
    SessionFacts facts;
    facts.target = *IpAddress::parse("10.0.0.1");
    facts.port = Port{80};
    facts.seed = seed;
    facts.counts = &counts;
    return facts;
  }

  Counts counts;
  HttpRole role;
  DialogueOwner owner;
};

// The paths asked for, in order.
std::vector<std::string> paths(const std::string& said) {
  std::vector<std::string> found;
  for (std::size_t at = 0; (at = said.find(" HTTP/1.1\r\n", at)) != said.npos; ++at) {
    const std::size_t begin = said.rfind(' ', at - 1) + 1;
    found.push_back(said.substr(begin, at - begin));
  }
  return found;
}
using Paths = std::vector<std::string>;

TEST(HttpDialogue, OneRequestSaysThatItIsTheLast) {
  Session s(script_of({get("/x")}, 1));
  EXPECT_EQ(s.owner.said, http_request("h.test", "/x", false));
  s.owner.hear(kLast);
  EXPECT_TRUE(s.owner.complete);
  EXPECT_FALSE(s.owner.verified);
  EXPECT_EQ(s.counts.requests, 1U);
  s.owner.leave();
  EXPECT_FALSE(s.owner.over()) << "the server is about to close";
}

TEST(HttpDialogue, SeveralRequestsOneAfterTheOther) {
  Session s(script_of({get("/a"), get("/b")}, 3));
  EXPECT_EQ(s.owner.new_words(), http_request("h.test", "/a", true));
  s.owner.now = s.owner.now + std::chrono::milliseconds{5};
  s.owner.hear(kOk);
  EXPECT_EQ(s.owner.new_words(), http_request("h.test", "/b", true));
  s.owner.hear(kOk);
  EXPECT_EQ(s.owner.new_words(), http_request("h.test", "/a", false));
  EXPECT_FALSE(s.owner.complete);
  s.owner.hear(kLast);
  EXPECT_TRUE(s.owner.complete);
  EXPECT_EQ(s.owner.connections, 1);
  EXPECT_EQ(s.counts.requests, 3U);
  EXPECT_EQ(s.counts.status_classes[0], 3U);
  EXPECT_EQ(s.counts.request.max(), 5'000'000U);
}

TEST(HttpDialogue, TheSameWhereverAnswersAreSplit) {
  const std::string answers = std::string(kOk) + "HTTP/1.1 100 Continue\r\n\r\n" +
                              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nT: x\r\n\r\n" +
                              std::string(kLast);
  every_split(answers, 100, [&](const std::vector<std::string_view>& pieces) {
    HttpScript script = script_of({get("/a"), get("/b"), get("/c")}, 3);
    script.pipeline = 3;
    Session s(std::move(script));
    for (const auto piece : pieces) {
      s.owner.hear(piece);
      s.owner.read_again();
    }
    EXPECT_TRUE(s.owner.complete);
    EXPECT_EQ(paths(s.owner.said), (Paths{"/a", "/b", "/c"}));
  });
}

TEST(HttpDialogue, PipelinesAsManyAsItMay) {
  HttpScript script = script_of({get("/")}, 10);
  script.pipeline = 4;
  Session s(std::move(script));
  EXPECT_EQ(paths(s.owner.said).size(), 4U);
  s.owner.hear(std::string(kOk) + std::string(kOk));
  EXPECT_EQ(paths(s.owner.said).size(), 6U);
  EXPECT_THAT(s.owner.said, ::testing::Not(HasSubstr("close")));
}

TEST(HttpDialogue, RandomOrderIsThatOfTheSeed) {
  const auto order = [](std::uint64_t seed) {
    HttpScript script = script_of({get("/a"), get("/b"), get("/c")}, 64);
    script.random = true;
    script.pipeline = 64;
    return paths(Session(std::move(script), seed).owner.said);
  };
  EXPECT_EQ(order(1).size(), 64U);
  EXPECT_EQ(order(1), order(1));
  EXPECT_NE(order(1), order(2));
}

TEST(HttpDialogue, PausesBetweenRequests) {
  HttpScript script = script_of({get("/")}, 2);
  script.think = std::chrono::seconds{3};
  Session s(std::move(script));
  s.owner.new_words();
  s.owner.hear(kOk);
  EXPECT_EQ(s.owner.new_words(), "");
  const Instant before = s.owner.now;
  ASSERT_TRUE(s.owner.sleep());
  EXPECT_EQ(s.owner.now - before, std::chrono::seconds{3});
  EXPECT_THAT(s.owner.new_words(), StartsWith("GET / "));
  EXPECT_FALSE(s.owner.sleep());
  EXPECT_EQ(s.counts.request.max(), 1U) << "a pause is nobody's time";
}

TEST(HttpDialogue, BodiesAreWrittenAgainFromTheirOffsets) {
  HttpExchange text;
  text.method = "POST";
  text.body = HttpBody{std::make_shared<const std::string>("name=value")};
  HttpExchange made;
  made.method = "PUT";
  made.body = HttpBody{Pattern{3}, 1000};
  HttpExchange none;
  none.method = "POST";
  HttpScript script = script_of({text, made, none}, 3);
  script.pipeline = 3;
  Session s(std::move(script));
  EXPECT_THAT(s.owner.said, HasSubstr("POST / HTTP/1.1\r\n"));
  EXPECT_THAT(s.owner.said,
              HasSubstr("Content-Length: 10\r\nConnection: keep-alive\r\n\r\nname=valuePUT / HTTP/1.1\r\n"));
  EXPECT_THAT(s.owner.said, HasSubstr("Content-Length: 0\r\nConnection: close\r\n\r\n"));
  std::string body(1000, ' ');
  Pattern{3}.fill(0, {reinterpret_cast<std::uint8_t*>(body.data()), body.size()});
  EXPECT_THAT(s.owner.said, HasSubstr(body + "POST / "));
  s.owner.read_again();
  // What the peer has is not asked for again; what it has only in part is.
  for (const std::uint64_t upto : {5U, 150U, 400U, 1200U}) {
    s.owner.acknowledge(upto);
    s.owner.hear(upto == 400 ? kOk : "");
    s.owner.read_again();
  }
  s.owner.hear(std::string(kOk) + std::string(kOk));
  EXPECT_TRUE(s.owner.complete);
  s.owner.read_again();
  s.owner.acknowledge_all();
}

TEST(HttpDialogue, HeadIsAnsweredWithoutABody) {
  HttpExchange head = get("/");
  head.method = "HEAD";
  Session s(script_of({head, get("/")}, 2));
  s.owner.hear("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n");
  s.owner.hear(kOk);
  EXPECT_TRUE(s.owner.complete);
}

TEST(HttpDialogue, EveryAnswerIsVerified) {
  HttpExchange a = get("/a");
  a.asked.verify.bytes = 2;
  HttpExchange b = get("/b");
  Sha256 digest;
  digest.add(as_bytes("ok"));
  b.asked.verify.sha256 = digest.finish();
  Session right(script_of({a, b}, 4));
  for (int i = 0; i < 4; ++i) right.owner.hear(kOk);
  EXPECT_TRUE(right.owner.complete);
  EXPECT_TRUE(right.owner.verified);
  Session wrong(script_of({a, b}, 4));
  for (int i = 0; i < 3; ++i) wrong.owner.hear(kOk);
  wrong.owner.hear("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno");
  EXPECT_EQ(wrong.owner.failure(), Failure::kVerifyMismatch);
}

TEST(HttpDialogue, AnotherStatusFailsAndIsCounted) {
  Session s(script_of({get("/")}, 2));
  s.owner.hear("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(s.owner.failure(), Failure::kHttpStatus5xx);
  EXPECT_EQ(s.counts.status_classes[3], 1U);
}

// --- connections that end --------------------------------------------------------------------------------------------

TEST(HttpDialogue, AServerThatClosesAfterEachAnswerIsAskedAgain) {
  Session s(script_of({get("/a"), get("/b"), get("/c")}, 3));
  s.owner.hear(kLast);
  EXPECT_EQ(s.owner.connections, 2);
  EXPECT_EQ(paths(s.owner.said), Paths{"/b"});
  s.owner.hear("HTTP/1.0 200 OK\r\n\r\nuntil close");
  s.owner.peer_closes();
  EXPECT_EQ(s.owner.connections, 3);
  EXPECT_EQ(paths(s.owner.said), Paths{"/c"});
  s.owner.hear(kOk);
  EXPECT_TRUE(s.owner.complete);
}

TEST(HttpDialogue, WithoutKeepAliveEachHasItsConnection) {
  HttpScript script = script_of({get("/")}, 3);
  script.keep_alive = false;
  script.pipeline = 5;
  Session s(std::move(script));
  for (int i = 1; i <= 3; ++i) {
    EXPECT_EQ(s.owner.connections, i);
    EXPECT_EQ(s.owner.said, http_request("h.test", "/", false));
    s.owner.hear(kLast);
  }
  EXPECT_TRUE(s.owner.complete);
}

TEST(HttpDialogue, WhatWasPipelinedBehindTheLastAnswerIsAskedAgainInOrder) {
  HttpScript script = script_of({get("/a"), get("/b"), get("/c"), get("/d")}, 4);
  script.pipeline = 4;
  Session s(script);
  s.owner.hear(kLast);
  EXPECT_EQ(s.owner.connections, 2);
  EXPECT_EQ(paths(s.owner.said), (Paths{"/b", "/c", "/d"}));
  s.owner.hear(kOk);
  s.owner.peer_closes();  // without a word
  EXPECT_EQ(s.owner.connections, 3);
  EXPECT_EQ(paths(s.owner.said), (Paths{"/c", "/d"}));
  s.owner.peer_closes();
  EXPECT_EQ(s.owner.failure(), Failure::kClosedEarly) << "a connection that brings nothing is the last";
}

TEST(HttpDialogue, APostIsNotRepeatedUnlessTheServerSaidThatItWouldClose) {
  HttpExchange post = get("/");
  post.method = "POST";
  HttpScript script = script_of({post}, 3);
  script.pipeline = 2;
  Session silent(script);
  silent.owner.hear(kOk);
  silent.owner.peer_closes();
  EXPECT_EQ(silent.owner.failure(), Failure::kClosedEarly);
  Session said(script);
  said.owner.hear(kLast);
  EXPECT_EQ(said.owner.connections, 2);
}

TEST(HttpDialogue, WhatWasSaidToAnAnswerThatIsFollowedByTheLastIsSaidOnTheNextConnection) {
  HttpScript script = script_of({get("/a"), get("/b"), get("/c"), get("/d")}, 4);
  script.pipeline = 2;
  Session s(std::move(script));
  s.owner.hear(std::string(kOk) + std::string(kLast));  // in one piece: /c was to be said in between
  EXPECT_EQ(s.owner.connections, 2);
  EXPECT_EQ(paths(s.owner.said), (Paths{"/c", "/d"}));
}

TEST(HttpDialogue, AServerThatClosesDuringAPauseIsMetAgainAfterIt) {
  HttpScript script = script_of({get("/")}, 2);
  script.think = std::chrono::seconds{1};
  Session s(std::move(script));
  s.owner.hear(kOk);
  s.owner.peer_closes();
  EXPECT_EQ(s.owner.connections, 1);
  EXPECT_TRUE(s.owner.sleep());
  EXPECT_EQ(s.owner.connections, 2);
  s.owner.hear(kOk);
  EXPECT_TRUE(s.owner.complete);
}

TEST(HttpDialogue, AnAnswerCutShortFails) {
  Session s(script_of({get("/")}, 2));
  s.owner.hear("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  EXPECT_EQ(s.owner.dialogue().impatience(), Failure::kTimeout);
  s.owner.peer_closes();
  EXPECT_EQ(s.owner.failure(), Failure::kClosedEarly);
  Session nothing(script_of({get("/")}, 2));
  EXPECT_EQ(nothing.owner.dialogue().impatience(), Failure::kResponseTimeout);
  nothing.owner.peer_closes();
  EXPECT_EQ(nothing.owner.failure(), Failure::kClosedEarly);
}

TEST(HttpDialogue, BytesThatNobodyAskedForFail) {
  HttpScript script = script_of({get("/")}, 2);
  script.think = std::chrono::seconds{1};
  Session s(std::move(script));
  s.owner.hear(std::string(kOk) + std::string(kOk));
  EXPECT_EQ(s.owner.failure(), Failure::kHttpMalformed);
}

TEST(HttpDialogue, AConnectionThatIsHeldStaysOpen) {
  HttpScript script = script_of({get("/")}, 1);
  script.holds = true;
  Session s(std::move(script));
  EXPECT_THAT(s.owner.said, HasSubstr("keep-alive"));
  s.owner.hear(kOk);
  EXPECT_TRUE(s.owner.complete);
  s.owner.hear("whatever comes now");
  EXPECT_FALSE(s.owner.failed());
  s.owner.leave();
  EXPECT_TRUE(s.owner.over());
}

// --- redirects -------------------------------------------------------------------------------------------------------

HttpScript following(std::uint32_t redirects, HttpExchange exchange = get("/start")) {
  HttpScript script = script_of({std::move(exchange)}, 1);
  script.redirects = redirects;
  return script;
}

std::string redirect(int status, std::string_view location, std::string_view more = "") {
  return "HTTP/1.1 " + std::to_string(status) + " Found\r\nLocation: " + std::string(location) + "\r\n" +
         std::string(more) + "Content-Length: 4\r\n\r\ngone";
}

TEST(HttpDialogue, FollowsRedirectsOnTheSameConnection) {
  Session s(following(3));
  s.owner.new_words();
  s.owner.hear(redirect(302, "next?x=1"));
  EXPECT_THAT(s.owner.new_words(), StartsWith("GET /next?x=1 HTTP/1.1\r\nHost: h.test\r\n"));
  s.owner.hear(redirect(301, "http://www.other.test/"));
  EXPECT_THAT(s.owner.new_words(), StartsWith("GET / HTTP/1.1\r\nHost: www.other.test\r\n"));
  s.owner.hear(redirect(308, "deeper"));
  EXPECT_THAT(s.owner.new_words(), StartsWith("GET /deeper HTTP/1.1\r\nHost: www.other.test\r\n"));
  s.owner.hear(kOk);
  EXPECT_TRUE(s.owner.complete);
  EXPECT_EQ(s.counts.requests, 4U);
  EXPECT_EQ(s.counts.status_classes[1], 3U);
  s.owner.leave();
  EXPECT_TRUE(s.owner.over());
}

TEST(HttpDialogue, FollowsRedirectsToAnotherConnection) {
  Session s(following(3));
  s.owner.hear(redirect(302, "/next", "Connection: close\r\n"));
  EXPECT_EQ(s.owner.connections, 2);
  EXPECT_EQ(paths(s.owner.said), Paths{"/next"});
  s.owner.hear(kOk);
  EXPECT_TRUE(s.owner.complete);
}

TEST(HttpDialogue, RedirectsAreBounded) {
  Session s(following(2));
  for (int i = 0; i < 3; ++i) s.owner.hear(redirect(302, "/again"));
  EXPECT_EQ(s.owner.failure(), Failure::kHttpTooManyRedirects);
  Session unfollowed(following(0));
  unfollowed.owner.hear(redirect(302, "/again"));
  EXPECT_EQ(unfollowed.owner.failure(), Failure::kHttpStatus3xx);
}

TEST(HttpDialogue, RedirectsElsewhereFail) {
  Session elsewhere(following(2));
  elsewhere.owner.hear(redirect(302, "http://10.0.0.2/"));
  EXPECT_EQ(elsewhere.owner.failure(), Failure::kHttpRedirectElsewhere);
  Session nonsense(following(2));
  nonsense.owner.hear(redirect(302, "http://["));
  EXPECT_EQ(nonsense.owner.failure(), Failure::kHttpMalformed);
}

TEST(HttpDialogue, APostBecomesAGetWhereAllMakeItOne) {
  HttpExchange post = get("/form");
  post.method = "POST";
  post.body = HttpBody{std::make_shared<const std::string>("a=b")};
  for (const auto& [status, method] :
       {std::pair{301, "GET"}, {302, "GET"}, {303, "GET"}, {307, "POST"}, {308, "POST"}}) {
    Session s(following(1, post));
    s.owner.new_words();
    s.owner.hear(redirect(status, "/done"));
    const std::string words = s.owner.new_words();
    EXPECT_THAT(words, StartsWith(std::string(method) + " /done ")) << status;
    EXPECT_EQ(words.ends_with("a=b"), method == "POST"s) << status;
  }
  HttpExchange head = get("/");
  head.method = "HEAD";
  Session s(following(1, head));
  s.owner.new_words();
  s.owner.hear("HTTP/1.1 303 See Other\r\nLocation: /x\r\nContent-Length: 9\r\n\r\n");
  EXPECT_THAT(s.owner.new_words(), StartsWith("HEAD /x "));
}

TEST(HttpDialogue, RedirectsOfPipelinedRequestsComeBehindThem) {
  HttpScript script = script_of({get("/a"), get("/b"), get("/c"), get("/d")}, 4);
  script.pipeline = 2;
  script.redirects = 1;
  Session s(std::move(script));
  s.owner.hear(redirect(302, "/a2"));
  for (int i = 0; i < 4; ++i) s.owner.hear(kOk);
  EXPECT_TRUE(s.owner.complete);
  EXPECT_EQ(paths(s.owner.said), (Paths{"/a", "/b", "/a2", "/c", "/d"}));
  EXPECT_EQ(s.counts.requests, 5U);
}

// --- the other half of the house -------------------------------------------------------------------------------------

TEST(HttpDialogue, UnderstandsOurOwnServer) {
  HttpService service;
  Rng rng{5};
  for (int round = 0; round < 50; ++round) {
    HttpExchange head = get("/bytes/77");
    head.method = "HEAD";
    HttpExchange body = get("/bytes/70000");
    body.asked.verify.bytes = 70000;
    HttpScript script = script_of({body, head, get("/bytes/0")}, 30);
    script.pipeline = static_cast<std::uint32_t>(1 + rng.below(10));
    Session s(std::move(script));
    HttpServer server;
    std::uint64_t sent = 0;
    for (int turns = 0; !s.owner.complete && turns < 10'000; ++turns) {
      std::uint64_t grown = server.take(as_bytes(s.owner.new_words()), service).grown;
      while (grown > 0) {
        std::string piece(static_cast<std::size_t>(1 + rng.below(std::min<std::uint64_t>(grown, 20'000))), ' ');
        server.read(sent, {reinterpret_cast<std::uint8_t*>(piece.data()), piece.size()}, service);
        sent += piece.size();
        grown -= piece.size();
        grown += server.acknowledged(sent, service).grown;
        s.owner.hear(piece);
      }
      s.owner.acknowledge_all();
    }
    ASSERT_TRUE(s.owner.complete);
    EXPECT_EQ(s.counts.requests, 30U);
  }
}

TEST(HttpDialogue, RandomAnswersNeverDoHarm) {
  static constexpr std::string_view kPieces[] = {"HTTP/1.1 200 OK\r\n",
                                                 "HTTP/1.1 302 X\r\n",
                                                 "HTTP/1.0 200\r\n",
                                                 "Content-Length: 3\r\n",
                                                 "Location: /x\r\n",
                                                 "Location: //\r\n",
                                                 "\r\n",
                                                 "abc",
                                                 "Connection: close\r\n",
                                                 "Transfer-Encoding: chunked\r\n",
                                                 "3\r\nabc\r\n",
                                                 "0\r\n\r\n",
                                                 "\xff",
                                                 "HTTP/1.1 100 C\r\n\r\n"};
  Rng rng{9};
  for (int round = 0; round < 20'000; ++round) {
    HttpExchange post = get("/p");
    post.method = "POST";
    post.body = HttpBody{Pattern{1}, 50};
    HttpScript script = script_of({get("/a"), post}, 8);
    script.pipeline = static_cast<std::uint32_t>(1 + rng.below(4));
    script.redirects = static_cast<std::uint32_t>(rng.below(3));
    Session s(std::move(script));
    for (int i = 0; i < 30 && !s.owner.failed() && !s.owner.complete; ++i) {
      if (rng.below(12) == 0) {
        s.owner.peer_closes();
      } else {
        s.owner.hear(kPieces[rng.below(std::size(kPieces))]);
      }
      if (rng.below(3) == 0) s.owner.acknowledge(rng.below(s.owner.said.size() + 1));
      if (rng.below(8) == 0) s.owner.read_again();
    }
    EXPECT_LE(s.owner.connections, 31);
  }
}

}  // namespace
}  // namespace myriad::app
