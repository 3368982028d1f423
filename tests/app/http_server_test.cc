#include "app/http_server.h"

#include <gtest/gtest.h>

#include <optional>

#include "app/http_client.h"
#include "app/http_request.h"
#include "tests/app/pieces.h"

namespace myriad::app {
namespace {

using namespace std::string_view_literals;

// The first bytes of bodies are kept, the others made on the spot.
std::shared_ptr<const SummedBytes> start() {
  std::vector<std::uint8_t> bytes(200);
  Pattern{3}.fill(0, bytes);
  return std::make_shared<const SummedBytes>(bytes);
}
const HttpService& service() {
  static const HttpService kService{.body_bytes = 10, .pattern = Pattern{3}, .start = start(), .backlog_limit = 4096};
  return kService;
}

std::string read(const HttpServer& server, std::uint64_t from, std::size_t length,
                 const HttpService& service = app::service()) {
  std::string text(length, '?');
  const MutableBytes out{reinterpret_cast<std::uint8_t*>(text.data()), length};
  const std::uint64_t sum = server.read(from, out, service);
  EXPECT_EQ(checksum_fold(1 + sum), checksum_fold(checksum_add(1, out)));
  return text;
}

// A server and everything it has said; acknowledges only when told.
struct Talk {
  HttpServer server;
  std::string said;
  bool closed = false;
  bool overflow = false;

  void after(const HttpServer::Step& step) {
    said += read(server, said.size(), step.grown);
    closed = closed || step.close;
    overflow = overflow || step.overflow;
  }
  void hear(std::string_view text) { after(server.take(as_bytes(text), service())); }
  void acknowledge(std::uint64_t upto) { after(server.acknowledged(upto, service())); }
};

std::string body(std::size_t length) {
  std::string text(length, 0);
  Pattern{3}.fill(0, {reinterpret_cast<std::uint8_t*>(text.data()), length});
  return text;
}

std::string response(std::size_t length, std::string_view connection = "") {
  return "HTTP/1.1 200 OK\r\nServer: myriad/" MYRIAD_VERSION
         "\r\nContent-Type: application/octet-stream\r\nContent-Length: " +
         std::to_string(length) + std::string{connection} + "\r\n\r\n" + body(length);
}

// What the server says to `text`, the same for every way of splitting it.
Talk answer(std::string_view text) {
  std::optional<Talk> first;
  every_split(text, 30, [&](const std::vector<std::string_view>& pieces) {
    Talk talk;
    for (const auto piece : pieces) talk.hear(piece);
    if (first) {
      EXPECT_EQ(talk.said, first->said) << text;
      EXPECT_EQ(talk.closed, first->closed) << text;
    } else {
      first = std::move(talk);
    }
  });
  return std::move(*first);
}

TEST(HttpServer, ServesItsBodyAndBytesByNumber) {
  EXPECT_EQ(answer("GET / HTTP/1.1\r\nHost: h\r\n\r\n").said, response(10));
  EXPECT_EQ(answer("GET /bytes/300 HTTP/1.1\r\nHost: h\r\n\r\n").said, response(300));
  EXPECT_EQ(answer("GET /bytes/0 HTTP/1.1\r\nHost: h\r\n\r\n").said, response(0));
  EXPECT_EQ(answer("GET /bytes/7?x=1 HTTP/1.1\r\nHost: h\r\n\r\n").said, response(7));
  EXPECT_EQ(answer("GET http://h:80/bytes/7 HTTP/1.1\r\nHost: h\r\n\r\n").said, response(7));
}

TEST(HttpServer, OtherPathsHaveTheServicesSize) {
  for (const std::string path :
       {"/bytes/", "/bytes/x", "/bytes/7x", "/byte/7", "/bytes", "/x/bytes/7", "*", "httpx", "http://h", "/bytes/?7"}) {
    EXPECT_EQ(answer("GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n").said, response(10)) << path;
  }
}

TEST(HttpServer, HeadHasTheHeadAlone) {
  const std::string whole = response(10);
  EXPECT_EQ(answer("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n").said, whole.substr(0, whole.size() - 10));
}

TEST(HttpServer, KeepsOrClosesAsTheClientSays) {
  EXPECT_FALSE(answer("GET / HTTP/1.1\r\nHost: h\r\n\r\n").closed);
  const Talk close = answer("GET / HTTP/1.1\r\nHost: h\r\nConnection: x, CLOSE\r\n\r\n");
  EXPECT_TRUE(close.closed);
  EXPECT_EQ(close.said, response(10, "\r\nConnection: close"));
  EXPECT_TRUE(answer("GET / HTTP/1.0\r\n\r\n").closed);
  const Talk keep = answer("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_FALSE(keep.closed);
  EXPECT_EQ(keep.said, response(10, "\r\nConnection: keep-alive"));
  EXPECT_FALSE(answer("GET / HTTP/1.1\r\nHost: h\r\nConnection: closed, not close\r\n\r\n").closed);
  EXPECT_TRUE(answer("GET / HTTP/1.1\r\nHost: h\r\nConnection:\r\n close\r\n\r\n").closed);
}

TEST(HttpServer, RefusesAndCloses) {
  const std::pair<std::string, std::string> rows[] = {
      {"POST / HTTP/1.1\r\n", "405"},
      {"get / HTTP/1.1\r\n", "405"},
      {"GETT / HTTP/1.1\r\n", "405"},
      {"G\x01T / HTTP/1.1\r\n", "400"},
      {" GET / HTTP/1.1\r\n", "400"},
      {"GET  / HTTP/1.1\r\n", "400"},
      {"GET /\r\n", "400"},
      {"GET / HTTQ/1.1\r\n", "400"},
      {"GET / HTTP/1.1 \r\n", "400"},
      {"GET / HTTP/1.1\rx", "400"},
      {"GET / HTTP/2.0\r\n", "505"},
      {"GET /bytes/281474976710656 HTTP/1.1\r\n", "400"},
      {"GET /bytes/99999999999999999999999999 HTTP/1.1\r\n", "400"},
      {"GET / HTTP/1.1\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n", "413"},
      {"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "413"},
  };
  for (const auto& [request, status] : rows) {
    const Talk talk = answer(request);
    EXPECT_EQ(talk.said.substr(0, 12), "HTTP/1.1 " + status) << request;
    EXPECT_NE(talk.said.find("Connection: close\r\n\r\n"), std::string::npos) << request;
    EXPECT_TRUE(talk.closed) << request;
  }
  EXPECT_NE(answer("PUT / HTTP/1.1\r\n").said.find("Allow: GET, HEAD\r\n"), std::string::npos);
}

TEST(HttpServer, BoundsTheHeader) {
  Talk talk;
  talk.hear("GET / HTTP/1.1\r\nHost: h\r\n");
  for (int i = 0; i < 2000 && !talk.closed; ++i) talk.hear("X-Field: 0123456789\r\n");
  EXPECT_EQ(talk.said.substr(0, 12), "HTTP/1.1 431");
  Talk target;
  for (int i = 0; i < 20 && !target.closed; ++i) target.hear(i == 0 ? "GET /" : std::string(1024, 'x'));
  EXPECT_EQ(target.said.substr(0, 12), "HTTP/1.1 431");
  Talk blank;
  for (int i = 0; i < 20 && !blank.closed; ++i) blank.hear(std::string(1024, '\n'));
  EXPECT_EQ(blank.said.substr(0, 12), "HTTP/1.1 431");
}

TEST(HttpServer, NothingIsReadAfterTheLastRequest) {
  Talk talk;
  talk.hear("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n");
  talk.hear("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(talk.said, response(10, "\r\nConnection: close"));
}

TEST(HttpServer, PipelinedRequestsAreAnsweredInOrder) {
  const Talk talk = answer(
      "GET /bytes/1 HTTP/1.1\r\nHost: h\r\n\r\n\r\nHEAD / HTTP/1.1\r\nHost: h\r\n\r\nGET /bytes/2 HTTP/1.1\r\nHost: "
      "h\r\n\r\n");
  EXPECT_EQ(talk.said, response(1) + response(10).substr(0, response(10).size() - 10) + response(2));
}

TEST(HttpServer, APageIsSentAsItIs) {
  const std::string text = "<p>hello, world</p>\n";
  HttpService pages{.body_bytes = text.size(), .pattern = Pattern{3}, .start = start()};
  pages.page = std::make_shared<const SummedBytes>(std::vector<std::uint8_t>(text.begin(), text.end()));
  pages.type = "text/html; charset=utf-8";
  HttpServer server;
  const std::string_view requests =
      "GET / HTTP/1.1\r\nHost: h\r\n\r\nHEAD /x HTTP/1.1\r\nHost: h\r\n\r\nGET /bytes/3 HTTP/1.1\r\nHost: h\r\n\r\n";
  const auto step = server.take(as_bytes(requests), pages);
  const std::string head = "HTTP/1.1 200 OK\r\nServer: myriad/" MYRIAD_VERSION
                           "\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 20\r\n\r\n";
  const std::string expected = head + text + head + response(3);
  ASSERT_EQ(step.grown, expected.size());
  EXPECT_EQ(read(server, 0, expected.size(), pages), expected);
  for (std::size_t from = 0; from < expected.size(); ++from) {
    ASSERT_EQ(read(server, from, expected.size() - from, pages), expected.substr(from));
  }
}

TEST(HttpServer, BeyondFourResponsesRequestsWaitUntilTheOldestIsAcknowledged) {
  Talk talk;
  std::string all;
  std::string expected;
  for (std::size_t i = 0; i < 40; ++i) {
    all += "GET /bytes/" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n\r\n";
    expected += response(i);
  }
  talk.hear(all.substr(0, 300));
  talk.hear(all.substr(300));
  EXPECT_EQ(talk.said, response(0) + response(1) + response(2) + response(3));
  EXPECT_GT(talk.server.unread(), 0U);
  EXPECT_FALSE(talk.overflow);
  // Acknowledge 37 bytes at a time: responses partly acknowledged stay readable.
  std::uint64_t acknowledged = 0;
  while (acknowledged < expected.size()) {
    ASSERT_LT(acknowledged, talk.said.size()) << "stuck";
    acknowledged = std::min<std::uint64_t>(acknowledged + 37, talk.said.size());
    talk.acknowledge(acknowledged);
    ASSERT_EQ(read(talk.server, acknowledged, talk.said.size() - acknowledged), talk.said.substr(acknowledged));
  }
  EXPECT_EQ(talk.said, expected);
  EXPECT_EQ(talk.server.unread(), 0U);
}

TEST(HttpServer, APeerThatIgnoresItsWindowIsReported) {
  Talk talk;
  for (int i = 0; i < 4; ++i) talk.hear("GET /bytes/1 HTTP/1.1\r\nHost: h\r\n\r\n");
  talk.hear(std::string(service().backlog_limit, 'x'));
  EXPECT_FALSE(talk.overflow);
  talk.hear("x");
  EXPECT_TRUE(talk.overflow);
}

TEST(HttpServer, RandomBytesNeverDoHarm) {
  static constexpr std::string_view kAlphabet =
      "GETHEAD /bytes/123 HTTP/1.1\r\nHost: h\r\n\r\nconnection: close,\t\x00\xff"sv;
  Rng rng{1};
  for (int round = 0; round < 20000; ++round) {
    Talk talk;
    if (round % 2 == 0) talk.server.take(as_bytes("GET /bytes/3 HTTP/1.1\r\n"), service());
    std::uint64_t grown = 0;
    for (int i = 0; i < 20; ++i) {
      std::string piece;
      for (std::uint64_t n = rng.below(30); n > 0; --n) piece += kAlphabet[rng.below(kAlphabet.size())];
      grown += talk.server.take(as_bytes(piece), service()).grown;
      grown += talk.server.acknowledged(rng.below(grown + 1), service()).grown;
    }
  }
}

TEST(HttpServer, OurClientUnderstandsIt) {
  Talk talk;
  talk.hear(http_request("h", "/bytes/5000", false));
  Sha256 digest;
  digest.add(as_bytes(body(5000)));
  HttpAsked asked;
  asked.verify = {5000, digest.finish()};
  HttpResponse client;
  Bytes said = as_bytes(talk.said);
  EXPECT_EQ(client.take(said, asked, {&digest, nullptr}), HttpResponse::Outcome::kDone);
}

TEST(HttpServer, IsSmall) { EXPECT_LE(sizeof(HttpServer), 120U); }

}  // namespace
}  // namespace myriad::app
