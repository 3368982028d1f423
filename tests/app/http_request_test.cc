#include "app/http_request.h"

#include <gtest/gtest.h>

#include "app/http_redirect.h"
#include "tests/app/pieces.h"

namespace myriad::app {
namespace {

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

TEST(HttpRequest, HostFieldLeavesOutThePortOfTheScheme) {
  EXPECT_EQ(http_host(*IpAddress::parse("10.0.0.1"), Port{443}, true), "10.0.0.1");
  EXPECT_EQ(http_host(*IpAddress::parse("10.0.0.1"), Port{80}, true), "10.0.0.1:80");
}

TEST(HttpRequest, FieldsOfOnesOwnReplaceOurs) {
  const std::vector<HttpField> fields = {{"user-agent", "curl/8"}, {"X-Test", "1"}};
  EXPECT_EQ(http_head({.method = "POST", .host = "h", .path = "/p", .fields = fields, .content_length = 3}),
            "POST /p HTTP/1.1\r\nHost: h\r\nAccept: */*\r\nuser-agent: curl/8\r\nX-Test: 1\r\nContent-Length: 3\r\n");
}

TEST(HttpBody, IsReadFromAnyOffset) {
  const HttpBody text{std::make_shared<const std::string>("hello")};
  std::string got(3, ' ');
  text.read(1, {reinterpret_cast<std::uint8_t*>(got.data()), got.size()});
  EXPECT_EQ(got, "ell");
  const HttpBody made{Pattern{7}, 100};
  EXPECT_EQ(made.size(), 100U);
  std::string all(100, ' ');
  made.read(0, {reinterpret_cast<std::uint8_t*>(all.data()), all.size()});
  std::string part(20, ' ');
  made.read(33, {reinterpret_cast<std::uint8_t*>(part.data()), part.size()});
  EXPECT_EQ(part, all.substr(33, 20));
  EXPECT_TRUE(HttpBody{}.none());
}

// "host path", "elsewhere" or "malformed".
std::string lead(std::string_view location, std::string_view path = "/a/b/c?q", bool tls = false,
                 std::uint16_t port = 80) {
  const HttpRedirect to =
      resolve_redirect({*IpAddress::parse("10.0.0.1"), Port{port}, tls, "own.test", path}, location);
  switch (to.way) {
    case HttpRedirect::Way::kHere:
      return to.host + " " + to.path;
    case HttpRedirect::Way::kElsewhere:
      return "elsewhere";
    case HttpRedirect::Way::kMalformed:
      break;
  }
  return "malformed";
}

TEST(HttpRedirect, RelativeOnesStayWithTheHost) {
  EXPECT_EQ(lead("/x"), "own.test /x");
  EXPECT_EQ(lead("/x?y=/../z#part"), "own.test /x?y=/../z");
  EXPECT_EQ(lead("d"), "own.test /a/b/d");
  EXPECT_EQ(lead("./d/"), "own.test /a/b/d/");
  EXPECT_EQ(lead("../d"), "own.test /a/d");
  EXPECT_EQ(lead("../../../../d"), "own.test /d");
  EXPECT_EQ(lead("/a/./b/.."), "own.test /a/");
  EXPECT_EQ(lead("?r"), "own.test /a/b/c?r");
  EXPECT_EQ(lead("#part"), "own.test /a/b/c?q");
  EXPECT_EQ(lead("x:y/z", "/"), "elsewhere") << "that is a scheme";
  EXPECT_EQ(lead("./x:y", "/"), "own.test /x:y");
}

TEST(HttpRedirect, NamesAreVirtualHostsOfTheSameServer) {
  EXPECT_EQ(lead("http://other.test/x"), "other.test /x");
  EXPECT_EQ(lead("HTTP://other.test"), "other.test /");
  EXPECT_EQ(lead("http://other.test:80?q"), "other.test:80 /?q");
  EXPECT_EQ(lead("//other.test/x"), "other.test /x");
  EXPECT_EQ(lead("http://10.0.0.1/x"), "10.0.0.1 /x");
  EXPECT_EQ(lead("https://other.test/x", "/", true, 443), "other.test /x");
  EXPECT_EQ(lead("http://other.test:8080/x", "/", false, 8080), "other.test:8080 /x");
}

TEST(HttpRedirect, OtherAddressesPortsAndSchemesAreElsewhere) {
  for (const std::string_view location : {"http://10.0.0.2/", "http://[fd00::1]/", "http://other.test:81/",
                                          "https://other.test/", "ftp://other.test/", "mailto:somebody"}) {
    EXPECT_EQ(lead(location), "elsewhere") << location;
  }
  EXPECT_EQ(lead("http://other.test/", "/", true, 443), "elsewhere");
}

TEST(HttpRedirect, Malformed) {
  for (const std::string_view location :
       {"http://", "http:/x", "http:x", "http://:80/", "http://h:0/", "http://h:99999/", "http://h:8x/",
        "http://[fd00::1/", "http://[x]/", "http://a b/", "http://user@h/", "http://h\r\nx/"}) {
    EXPECT_EQ(lead(location), "malformed") << location;
  }
  EXPECT_EQ(lead(std::string(20000, 'x')), "malformed");
}

}  // namespace
}  // namespace myriad::app
