#include "app/http_client.h"

#include <gtest/gtest.h>

#include <optional>

#include "tests/app/pieces.h"

namespace myriad::app {
namespace {

using namespace std::string_view_literals;

using Outcome = HttpResponse::Outcome;

struct Result {
  Outcome outcome = Outcome::kMore;
  Failure failure = Failure::kCount;
  unsigned status = 0;
  std::uint64_t body_bytes = 0;
  friend bool operator==(const Result&, const Result&) = default;
};

Outcome take(HttpResponse& response, std::string_view text, const HttpAsked& asked, const HttpKept& kept = {}) {
  Bytes data = as_bytes(text);
  return response.take(data, asked, kept);
}

Result feed(const std::vector<std::string_view>& pieces, bool then_close, const HttpVerify& verify = {}) {
  HttpResponse response;
  HttpAsked asked;
  asked.verify = verify;
  Sha256 digest;
  const HttpKept kept{verify.sha256 ? &digest : nullptr, nullptr};
  Outcome outcome = Outcome::kMore;
  for (const auto piece : pieces) outcome = take(response, piece, asked, kept);
  if (then_close) outcome = response.peer_closed(asked, kept);
  return {outcome, response.failure(), response.status(), response.body_bytes()};
}

// The same result for every way of splitting.
Result read(std::string_view text, bool then_close = false, const HttpVerify& verify = {}) {
  std::optional<Result> first;
  every_split(text, 50, [&](const std::vector<std::string_view>& pieces) {
    const Result result = feed(pieces, then_close, verify);
    if (!first) first = result;
    EXPECT_EQ(result, *first) << text;
  });
  return *first;
}

void expect_malformed(std::string_view text) {
  const Result result = read(text);
  EXPECT_EQ(result.outcome, Outcome::kFailed) << text;
  EXPECT_EQ(result.failure, Failure::kHttpMalformed) << text;
}

Sha256::Digest digest_of(std::string_view text) {
  Sha256 digest;
  digest.add(as_bytes(text));
  return digest.finish();
}

TEST(HttpResponse, ByContentLength) {
  const Result result = read("HTTP/1.1 200 OK\r\nServer: x\r\ncontent-LENGTH:  5 \r\nDate: now\r\n\r\nhello");
  EXPECT_EQ(result, (Result{Outcome::kDone, Failure::kCount, 200, 5}));
}

TEST(HttpResponse, WaitsForTheLastByte) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello").outcome, Outcome::kMore);
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", true).failure, Failure::kClosedEarly);
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n", true).failure, Failure::kClosedEarly);
  EXPECT_EQ(feed({}, true).failure, Failure::kClosedEarly);
}

TEST(HttpResponse, EmptyBody) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), (Result{Outcome::kDone, Failure::kCount, 200, 0}));
  EXPECT_EQ(read("HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n"),
            (Result{Outcome::kDone, Failure::kCount, 204, 0}));
}

TEST(HttpResponse, Chunked) {
  const Result result = read(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: CHUNKED\r\n\r\n"
      "5\r\nhello\r\nA;name=\"v\"\r\n0123456789\r\n000\r\nTrailer: 1\r\n\r\n");
  EXPECT_EQ(result, (Result{Outcome::kDone, Failure::kCount, 200, 15}));
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").outcome, Outcome::kDone);
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", true).failure,
            Failure::kClosedEarly);
}

TEST(HttpResponse, UntilClose) {
  EXPECT_EQ(read("HTTP/1.0 200 OK\r\n\r\nhello").outcome, Outcome::kMore);
  EXPECT_EQ(read("HTTP/1.0 200 OK\r\n\r\nhello", true), (Result{Outcome::kDone, Failure::kCount, 200, 5}));
}

TEST(HttpResponse, InterimResponsesAreSkipped) {
  const Result result = read(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Length: 9\r\n\r\n"
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_EQ(result, (Result{Outcome::kDone, Failure::kCount, 200, 2}));
  std::string endless;
  while (endless.size() < 2 * HttpFields::kMaxBytes) endless += "HTTP/1.1 100 Continue\r\n\r\n";
  EXPECT_EQ(feed({endless}, false).failure, Failure::kHttpMalformed);
}

TEST(HttpResponse, StatusesThatAreNotSuccess) {
  EXPECT_EQ(read("HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\n"),
            (Result{Outcome::kFailed, Failure::kHttpStatus4xx, 404, 0}));
  EXPECT_EQ(read("HTTP/1.1 301\r\n\r\n").failure, Failure::kHttpStatus3xx);
  EXPECT_EQ(read("HTTP/1.1 304 Not Modified\r\n\r\n").failure, Failure::kHttpStatus3xx);
  EXPECT_EQ(read("HTTP/1.1 503 \r\n\r\n").failure, Failure::kHttpStatus5xx);
}

TEST(HttpResponse, ObsoleteFoldIsWhiteSpace) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nX: a\r\n  b\r\nContent-Length:\r\n 2\r\n \r\nTransfer: x\r\n\r\nok").outcome,
            Outcome::kDone);
  expect_malformed("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 2\r\n\r\n");
  expect_malformed("HTTP/1.1 200 OK\r\n folded: nothing\r\n\r\n");
}

TEST(HttpResponse, BareLineFeedsAreUnderstood) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\nContent-Length: 2\n\nok").outcome, Outcome::kDone);
}

TEST(HttpResponse, Malformed) {
  for (const std::string_view text : {
           "HTTQ/1.1 200 OK\r\n\r\n",
           "HTTP/2.0 200 OK\r\n\r\n",
           "HTTP/1.x 200 OK\r\n\r\n",
           "HTTP/1.1  200 OK\r\n\r\n",
           "HTTP/1.1 2x0 OK\r\n\r\n",
           "HTTP/1.1 2000 OK\r\n\r\n",
           "HTTP/1.1 099 Low\r\n\r\n",
           "HTTP/1.1 600 High\r\n\r\n",
           "HTTP/1.1 101 Switching\r\n\r\n",
           "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
           "HTTP/1.1 200 OK\r\n: no name\r\n\r\n",
           "HTTP/1.1 200 OK\r\nName : blank before\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1 2\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\rx\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunke\r\n\r\n",
           "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
           "HTTP/1.1 200 OK\r\n\rx",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\rX",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
       }) {
    expect_malformed(text);
  }
}

TEST(HttpResponse, RepeatedEqualContentLengthIsOne) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok").outcome, Outcome::kDone);
}

TEST(HttpResponse, HeadersAndChunkLinesAreBounded) {
  const std::string big(HttpFields::kMaxBytes, 'x');
  EXPECT_EQ(feed({"HTTP/1.1 200 ", big, "\r\n"}, false).failure, Failure::kHttpMalformed);
  EXPECT_EQ(feed({"HTTP/1.1 200 OK\r\nX: ", big}, false).failure, Failure::kHttpMalformed);
  EXPECT_EQ(feed({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", big}, false).failure,
            Failure::kHttpMalformed);
  EXPECT_EQ(feed({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nT: ", big}, false).failure,
            Failure::kHttpMalformed);
}

TEST(HttpResponse, VerifiesLengthAndDigest) {
  const std::string_view text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
  EXPECT_EQ(read(text, false, {5, digest_of("hello")}).outcome, Outcome::kDone);
  EXPECT_EQ(read(text, false, {5, digest_of("hellp")}).failure, Failure::kVerifyMismatch);
  EXPECT_EQ(read(text, false, {6, std::nullopt}).failure, Failure::kVerifyMismatch);
  EXPECT_EQ(read(text, false, {4, std::nullopt}).failure, Failure::kVerifyMismatch);
  EXPECT_EQ(read("HTTP/1.1 204 No\r\n\r\n", false, {std::nullopt, digest_of("")}).outcome, Outcome::kDone);
}

TEST(HttpResponse, AnEndlessBodyIsCutAtTheExpectedLength) {
  HttpResponse response;
  HttpAsked asked;
  asked.verify.bytes = 3;
  EXPECT_EQ(take(response, "HTTP/1.1 200 OK\r\n\r\nabc", asked), Outcome::kMore);
  EXPECT_EQ(take(response, "d", asked), Outcome::kFailed);
  EXPECT_EQ(response.failure(), Failure::kVerifyMismatch);
}

TEST(HttpResponse, WhatFollowsTheEndIsNotLookedAt) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokgarbage", true),
            (Result{Outcome::kDone, Failure::kCount, 200, 2}));
}

TEST(HttpResponse, RandomBytesNeverDoHarm) {
  static constexpr std::string_view kAlphabet =
      "HTP/1. 20OK\r\n:;,xcontent-length transfer-encoding chunked\t\x00\xff"sv;
  Rng rng{1};
  for (int round = 0; round < 20000; ++round) {
    HttpResponse response;
    take(response, round % 2 == 0 ? "HTTP/1.1 200 OK\r\n" : "", {});
    for (int i = 0; i < 20; ++i) {
      std::string piece;
      for (std::uint64_t n = rng.below(30); n > 0; --n) piece += kAlphabet[rng.below(kAlphabet.size())];
      take(response, piece, {});
    }
    response.peer_closed({}, {});
    EXPECT_LE(response.body_bytes(), 600U);
  }
}

TEST(HttpResponse, WhatFollowsIsLeftToTheCaller) {
  HttpResponse response;
  Bytes data = as_bytes("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 404");
  EXPECT_EQ(response.take(data, {}, {}), Outcome::kDone);
  EXPECT_EQ(as_text(data), "HTTP/1.1 404");
}

TEST(HttpResponse, WhetherTheConnectionPersists) {
  const auto persists = [](std::string_view head) {
    HttpResponse response;
    EXPECT_EQ(take(response, std::string(head) + "Content-Length: 0\r\n\r\n", {}), Outcome::kDone) << head;
    return response.persists();
  };
  EXPECT_TRUE(persists("HTTP/1.1 200 OK\r\n"));
  EXPECT_FALSE(persists("HTTP/1.1 200 OK\r\nConnection: close\r\n"));
  EXPECT_FALSE(persists("HTTP/1.1 200 OK\r\nConnection: x, CLOSE\r\n"));
  EXPECT_FALSE(persists("HTTP/1.0 200 OK\r\n"));
  EXPECT_TRUE(persists("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n"));
  HttpResponse chunked;
  EXPECT_EQ(take(chunked, "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {}),
            Outcome::kDone);
  EXPECT_FALSE(chunked.persists());
}

TEST(HttpResponse, AnswersToHeadHaveNoBody) {
  HttpAsked asked;
  asked.head = true;
  HttpResponse response;
  EXPECT_EQ(take(response, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", asked), Outcome::kDone);
}

TEST(HttpResponse, OtherStatusesWhenTheyAreExpected) {
  HttpAsked asked;
  asked.statuses = {};
  asked.statuses.add(404);
  asked.statuses.add_class(3);
  const auto outcome = [&](std::string_view status) {
    HttpResponse response;
    take(response, "HTTP/1.1 " + std::string(status) + " x\r\nContent-Length: 0\r\n\r\n", asked);
    return response.failure();
  };
  EXPECT_EQ(outcome("404"), Failure::kCount);
  EXPECT_EQ(outcome("302"), Failure::kCount);
  EXPECT_EQ(outcome("200"), Failure::kHttpUnexpectedStatus);
  EXPECT_EQ(outcome("403"), Failure::kHttpStatus4xx);
  EXPECT_EQ(outcome("599"), Failure::kHttpStatus5xx);
}

TEST(HttpResponse, KeepsTheLocationOfARedirectThatIsFollowed) {
  HttpAsked asked;
  asked.follows = true;
  asked.verify.bytes = 1;  // of the content, which a redirect is not
  every_split(
      "HTTP/1.1 103 Early\r\nLocation: /no\r\n\r\nHTTP/1.1 302 Found\r\nLOCATION:  /a b?c \r\n"
      "Locations: /x\r\nContent-Length: 3\r\n\r\nbye",
      50, [&](const std::vector<std::string_view>& pieces) {
        HttpResponse response;
        std::string location;
        Outcome outcome{};
        for (const auto piece : pieces) outcome = take(response, piece, asked, {nullptr, &location});
        EXPECT_EQ(outcome, Outcome::kDone);
        EXPECT_TRUE(response.redirects());
        EXPECT_EQ(location, "/a b?c");
      });
  HttpResponse nowhere;
  std::string location;
  EXPECT_EQ(take(nowhere, "HTTP/1.1 302 Found\r\n\r\n", asked, {nullptr, &location}), Outcome::kFailed);
  EXPECT_EQ(nowhere.failure(), Failure::kHttpStatus3xx);
}

TEST(HttpResponse, IsSmall) { EXPECT_LE(sizeof(HttpResponse), 64U); }

}  // namespace
}  // namespace myriad::app
