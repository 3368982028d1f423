#include "app/dns_zone.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "app/dns_server.h"
#include "tests/app/dns_messages.h"
#include "tests/app/pieces.h"

namespace myriad::app {
namespace {

using namespace std::string_literals;

struct Answer {
  DnsHeader header;
  std::vector<std::string> answers;  // "owner TYPE data in hex or as a name"
  std::vector<std::uint16_t> authorities;
  std::size_t size = 0;
};

std::string reply_to(const std::string& query, bool over_tcp = false) {
  std::string out(kDnsMaxBytes, '\0');
  out.resize(
      example_zone().answer(as_bytes(query), over_tcp, {reinterpret_cast<std::uint8_t*>(out.data()), out.size()}));
  return out;
}

Answer ask(std::string_view name, std::uint16_t type, std::uint16_t payload = 0, bool over_tcp = false) {
  const std::string reply = reply_to(query_for(name, type, payload), over_tcp);
  Answer out;
  out.size = reply.size();
  const auto header = DnsHeader::read(as_bytes(reply));
  EXPECT_TRUE(header);
  if (!header) return out;
  out.header = *header;
  DnsReader reader{as_bytes(reply)};
  EXPECT_EQ(reader.question()->name, DnsName::parse(name));
  for (int i = 0; i < header->answers; ++i) {
    const auto record = reader.record();
    EXPECT_TRUE(record);
    if (!record) return out;
    const std::string data = dns_canonical(as_bytes(reply), *record).value_or("?");
    out.answers.push_back(record->owner.text() + " " + std::string{dns_type_name(static_cast<DnsType>(record->type))} +
                          " " + data);
  }
  for (int i = 0; i < header->authorities; ++i) out.authorities.push_back(reader.record().value().type);
  return out;
}

std::uint16_t rcode(const Answer& answer) { return answer.header.flags & 0xf; }

TEST(DnsZone, AnswersWithItsRecords) {
  const Answer www = ask("WWW.example.test", 1);
  EXPECT_EQ(rcode(www), 0);
  EXPECT_TRUE(www.header.is(DnsHeader::kAuthoritative));
  EXPECT_TRUE(www.header.is(DnsHeader::kRecursionDesired)) << "copied from the query";
  EXPECT_EQ(www.header.id, 0x1234);
  EXPECT_EQ(www.answers, (std::vector{"WWW.example.test. A \x0a\0\xff\1"s, "WWW.example.test. A \x0a\0\xff\2"s}));
  EXPECT_EQ(ask("example.test", 15).answers, (std::vector{"example.test. MX \0\x0a\4mail\7example\4test\0"s}));
  EXPECT_EQ(ask("_sip._udp.example.test", 33).answers.size(), 1U);
}

TEST(DnsZone, SaysNoInEachOfItsWays) {
  const Answer nothing = ask("nowhere.example.test", 1);
  EXPECT_EQ(rcode(nothing), 3);
  EXPECT_EQ(nothing.authorities, (std::vector<std::uint16_t>{6}));
  const Answer other_type = ask("www.example.test", 16);
  EXPECT_EQ(rcode(other_type), 0);
  EXPECT_TRUE(other_type.answers.empty());
  EXPECT_EQ(other_type.authorities, (std::vector<std::uint16_t>{6}));
  const Answer between = ask("_udp.example.test", 1);
  EXPECT_EQ(rcode(between), 0) << "a name between two that exist exists";
  EXPECT_EQ(rcode(ask("www.example.org", 1)), 5);
  EXPECT_EQ(rcode(ask("test", 1)), 5);
  EXPECT_EQ(rcode(ask("example.test", 252)), 4) << "zone transfer";
}

TEST(DnsZone, FollowsAliasesInsideTheZone) {
  const Answer alias = ask("ftp.example.test", 1);
  EXPECT_EQ(alias.answers.size(), 3U);
  EXPECT_EQ(alias.answers[0], "ftp.example.test. CNAME \3www\7example\4test\0"s);
  EXPECT_EQ(ask("ftp.example.test", 5).answers.size(), 1U);
  const Answer away = ask("away.example.test", 1);
  EXPECT_EQ(rcode(away), 0);
  EXPECT_EQ(away.answers.size(), 1U);
  const Answer round = ask("round.example.test", 1);
  EXPECT_EQ(rcode(round), 0);
  EXPECT_LE(round.answers.size(), 10U) << "a circle ends";
  const Answer broken = ask("broken.example.test", 1);
  EXPECT_EQ(rcode(broken), 3) << "of the last name (RFC 6604)";
}

TEST(DnsZone, WildcardsAnswerForWhatIsNotThere) {
  EXPECT_EQ(ask("a.any.example.test", 1).answers, (std::vector{"a.any.example.test. A \x0a\0\xff\x09"s}));
  EXPECT_EQ(ask("a.b.any.example.test", 1).answers.size(), 1U);
  EXPECT_EQ(rcode(ask("known.any.example.test", 1)), 0);
  EXPECT_TRUE(ask("known.any.example.test", 1).answers.empty()) << "what is there hides the wildcard";
  EXPECT_EQ(rcode(ask("x.known.any.example.test", 1)), 3) << "and below it as well (RFC 4592 section 2.2.1)";
  EXPECT_TRUE(ask("any.example.test", 1).answers.empty());
}

TEST(DnsZone, WhatDoesNotFitIsTruncated) {
  const Answer plain = ask("big.example.test", 16);
  EXPECT_TRUE(plain.header.is(DnsHeader::kTruncated));
  EXPECT_TRUE(plain.answers.empty());
  EXPECT_LE(plain.size, 512U);
  const Answer offered = ask("big.example.test", 16, 4096);
  EXPECT_FALSE(offered.header.is(DnsHeader::kTruncated));
  EXPECT_LE(offered.size, DnsZone::kMostByUdp);
  const Answer huge = ask("huge.example.test", 16, 65535);
  EXPECT_TRUE(huge.header.is(DnsHeader::kTruncated)) << "never more than fits in a packet";
  EXPECT_EQ(huge.header.additionals, 1);
  const Answer tcp = ask("huge.example.test", 16, 0, true);
  EXPECT_FALSE(tcp.header.is(DnsHeader::kTruncated));
  EXPECT_EQ(tcp.answers.size(), 12U);
}

TEST(DnsZone, NeverAnswersAnAnswerAndRefusesWhatIsMalformed) {
  std::string query = query_for("www.example.test", 1);
  query[2] = static_cast<char>(query[2] | 0x80);
  EXPECT_TRUE(reply_to(query).empty());
  EXPECT_TRUE(reply_to(query_for("www.example.test", 1).substr(0, 11)).empty());
  const std::string cut = reply_to(query_for("www.example.test", 1).substr(0, 20));
  EXPECT_EQ(cut.size(), 12U);
  EXPECT_EQ(cut[3] & 0xf, 1);
  std::string update = query_for("www.example.test", 1);
  update[2] = static_cast<char>(update[2] | 5 << 3);
  EXPECT_EQ(reply_to(update)[3] & 0xf, 4);
  std::string version = query_for("www.example.test", 1, 1232);
  version[version.size() - 5] = 1;
  const std::string bad_version = reply_to(version);
  EXPECT_EQ(bad_version[bad_version.size() - 6], 1) << "BADVERS is 16: its upper bits are in the OPT record";
}

TEST(DnsServer, AnswersOverAStreamWhereverItIsSplit) {
  std::string stream;
  for (const char* name : {"www.example.test", "big.example.test", "nowhere.example.test"}) {
    const std::string query = query_for(name, 16);
    stream += static_cast<char>(query.size() >> 8);
    stream += static_cast<char>(query.size());
    stream += query;
  }
  std::string expected;
  every_split(stream, 20, [&](const std::vector<std::string_view>& pieces) {
    DnsServer server{100};
    std::uint64_t grown = 0;
    for (const auto piece : pieces) {
      const auto step = server.take(as_bytes(piece), example_zone(), 64 * 1024);
      ASSERT_FALSE(step.overflow);
      grown += step.grown;
    }
    std::string out(grown, '\0');
    server.read(100, {reinterpret_cast<std::uint8_t*>(out.data()), out.size()});
    if (expected.empty()) expected = out;
    ASSERT_EQ(out, expected);
    EXPECT_EQ(server.acknowledged(100 + grown, example_zone()).grown, 0U);
    EXPECT_TRUE(server.idle());
  });
  EXPECT_GT(expected.size(), 500U);
}

TEST(DnsServer, KeepsOnlySoMuchAndAnswersTheRestLater) {
  std::string query = query_for("huge.example.test", 16);
  query = std::string{static_cast<char>(query.size() >> 8), static_cast<char>(query.size())} + query;
  std::string stream;
  for (int i = 0; i < 200; ++i) stream += query;
  DnsServer server;
  std::uint64_t grown = server.take(as_bytes(stream), example_zone(), 64 * 1024).grown;
  EXPECT_LE(grown, DnsServer::kMostKept + 2 + kDnsMaxBytes);
  EXPECT_GT(server.unread(), 0U);
  EXPECT_TRUE(server.take(as_bytes(std::string(64 * 1024, 'x')), example_zone(), 64 * 1024).overflow);
  while (server.unread() > 0) {
    const std::uint64_t more = server.acknowledged(grown, example_zone()).grown;
    ASSERT_GT(more, 0U);
    grown += more;
  }
  const std::string one = reply_to(query_for("huge.example.test", 16), true);
  EXPECT_EQ(grown, 200 * (2 + one.size()));
}

TEST(DnsServer, AQueryThatIsTooLongEndsTheConnection) {
  DnsServer server;
  EXPECT_TRUE(server.take(as_bytes("\x04\x01"), example_zone(), 64 * 1024).overflow);
}

}  // namespace
}  // namespace myriad::app
