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
  HttpFailure failure = HttpFailure::kNone;
  unsigned status = 0;
  std::uint64_t body_bytes = 0;
  friend bool operator==(const Result&, const Result&) = default;
};

Result feed(const std::vector<std::string_view>& pieces, bool then_close, const HttpVerify& verify = {}) {
  HttpResponse response;
  Sha256 digest;
  Sha256* const used = verify.sha256 ? &digest : nullptr;
  Outcome outcome = Outcome::kMore;
  for (const auto piece : pieces) outcome = response.take(as_bytes(piece), verify, used);
  if (then_close) outcome = response.peer_closed(verify, used);
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
  EXPECT_EQ(result.failure, HttpFailure::kMalformed) << text;
}

Sha256::Digest digest_of(std::string_view text) {
  Sha256 digest;
  digest.add(as_bytes(text));
  return digest.finish();
}

TEST(HttpRequest, IsWhatAServerExpects) {
  EXPECT_EQ(http_request("10.0.0.1", "/file.bin", false),
            "GET /file.bin HTTP/1.1\r\nHost: 10.0.0.1\r\nUser-Agent: myriad/" MYRIAD_VERSION
            "\r\nAccept: */*\r\nConnection: close\r\n\r\n");
  EXPECT_NE(http_request("h", "/", true).find("Connection: keep-alive\r\n"), std::string::npos);
}

TEST(HttpRequest, NoPathCanBreakOutOfTheRequestLine) {
  const std::string request = http_request("h", "x y\r\nEvil: 1\x80", false);
  EXPECT_EQ(request.substr(0, request.find("\r\n")), "GET /x%20y%0D%0AEvil:%201%80 HTTP/1.1");
}

TEST(HttpRequest, HostFieldOfAnAddress) {
  EXPECT_EQ(http_host(*IpAddress::parse("10.0.0.1"), Port{80}), "10.0.0.1");
  EXPECT_EQ(http_host(*IpAddress::parse("fd00::1"), Port{8080}), "[fd00::1]:8080");
}

TEST(HttpResponse, ByContentLength) {
  const Result result = read("HTTP/1.1 200 OK\r\nServer: x\r\ncontent-LENGTH:  5 \r\nDate: now\r\n\r\nhello");
  EXPECT_EQ(result, (Result{Outcome::kDone, HttpFailure::kNone, 200, 5}));
}

TEST(HttpResponse, WaitsForTheLastByte) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello").outcome, Outcome::kMore);
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", true).failure, HttpFailure::kClosedEarly);
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n", true).failure, HttpFailure::kClosedEarly);
  EXPECT_EQ(feed({}, true).failure, HttpFailure::kClosedEarly);
}

TEST(HttpResponse, EmptyBody) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), (Result{Outcome::kDone, HttpFailure::kNone, 200, 0}));
  EXPECT_EQ(read("HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n"),
            (Result{Outcome::kDone, HttpFailure::kNone, 204, 0}));
}

TEST(HttpResponse, Chunked) {
  const Result result = read(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: CHUNKED\r\n\r\n"
      "5\r\nhello\r\nA;name=\"v\"\r\n0123456789\r\n000\r\nTrailer: 1\r\n\r\n");
  EXPECT_EQ(result, (Result{Outcome::kDone, HttpFailure::kNone, 200, 15}));
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").outcome, Outcome::kDone);
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", true).failure,
            HttpFailure::kClosedEarly);
}

TEST(HttpResponse, UntilClose) {
  EXPECT_EQ(read("HTTP/1.0 200 OK\r\n\r\nhello").outcome, Outcome::kMore);
  EXPECT_EQ(read("HTTP/1.0 200 OK\r\n\r\nhello", true), (Result{Outcome::kDone, HttpFailure::kNone, 200, 5}));
}

TEST(HttpResponse, InterimResponsesAreSkipped) {
  const Result result = read(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Length: 9\r\n\r\n"
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_EQ(result, (Result{Outcome::kDone, HttpFailure::kNone, 200, 2}));
  std::string endless;
  while (endless.size() < 2 * HttpFields::kMaxBytes) endless += "HTTP/1.1 100 Continue\r\n\r\n";
  EXPECT_EQ(feed({endless}, false).failure, HttpFailure::kMalformed);
}

TEST(HttpResponse, StatusesThatAreNotSuccess) {
  EXPECT_EQ(read("HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\n"),
            (Result{Outcome::kFailed, HttpFailure::kStatus4xx, 404, 0}));
  EXPECT_EQ(read("HTTP/1.1 301\r\n\r\n").failure, HttpFailure::kStatus3xx);
  EXPECT_EQ(read("HTTP/1.1 304 Not Modified\r\n\r\n").failure, HttpFailure::kStatus3xx);
  EXPECT_EQ(read("HTTP/1.1 503 \r\n\r\n").failure, HttpFailure::kStatus5xx);
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
  EXPECT_EQ(feed({"HTTP/1.1 200 ", big, "\r\n"}, false).failure, HttpFailure::kMalformed);
  EXPECT_EQ(feed({"HTTP/1.1 200 OK\r\nX: ", big}, false).failure, HttpFailure::kMalformed);
  EXPECT_EQ(feed({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", big}, false).failure,
            HttpFailure::kMalformed);
  EXPECT_EQ(feed({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nT: ", big}, false).failure,
            HttpFailure::kMalformed);
}

TEST(HttpResponse, VerifiesLengthAndDigest) {
  const std::string_view text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
  EXPECT_EQ(read(text, false, {5, digest_of("hello")}).outcome, Outcome::kDone);
  EXPECT_EQ(read(text, false, {5, digest_of("hellp")}).failure, HttpFailure::kVerifyMismatch);
  EXPECT_EQ(read(text, false, {6, std::nullopt}).failure, HttpFailure::kVerifyMismatch);
  EXPECT_EQ(read(text, false, {4, std::nullopt}).failure, HttpFailure::kVerifyMismatch);
  EXPECT_EQ(read("HTTP/1.1 204 No\r\n\r\n", false, {std::nullopt, digest_of("")}).outcome, Outcome::kDone);
}

TEST(HttpResponse, AnEndlessBodyIsCutAtTheExpectedLength) {
  HttpResponse response;
  const HttpVerify verify{3, std::nullopt};
  EXPECT_EQ(response.take(as_bytes("HTTP/1.1 200 OK\r\n\r\nabc"), verify, nullptr), Outcome::kMore);
  EXPECT_EQ(response.take(as_bytes("d"), verify, nullptr), Outcome::kFailed);
  EXPECT_EQ(response.failure(), HttpFailure::kVerifyMismatch);
}

TEST(HttpResponse, WhatFollowsTheEndIsNotLookedAt) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokgarbage", true),
            (Result{Outcome::kDone, HttpFailure::kNone, 200, 2}));
}

TEST(HttpResponse, RandomBytesNeverDoHarm) {
  static constexpr std::string_view kAlphabet =
      "HTP/1. 20OK\r\n:;,xcontent-length transfer-encoding chunked\t\x00\xff"sv;
  Rng rng{1};
  for (int round = 0; round < 20000; ++round) {
    HttpResponse response;
    response.take(as_bytes(round % 2 == 0 ? "HTTP/1.1 200 OK\r\n" : ""), {}, nullptr);
    for (int i = 0; i < 20; ++i) {
      std::string piece;
      for (std::uint64_t n = rng.below(30); n > 0; --n) piece += kAlphabet[rng.below(kAlphabet.size())];
      response.take(as_bytes(piece), {}, nullptr);
    }
    response.peer_closed({}, nullptr);
    EXPECT_LE(response.body_bytes(), 600U);
  }
}

TEST(HttpResponse, IsSmall) { EXPECT_LE(sizeof(HttpResponse), 64U); }

}  // namespace
}  // namespace myriad::app
