#include "app/dns_name.h"

#include <gtest/gtest.h>

#include "tests/app/pieces.h"

namespace myriad::app {
namespace {

using namespace std::string_literals;

DnsName name(std::string_view text) { return DnsName::parse(text).value(); }

std::optional<DnsName> read(const std::string& message, std::size_t at) { return DnsName::read(as_bytes(message), at); }

TEST(DnsName, IsWrittenAsOnTheWire) {
  EXPECT_EQ(as_text(name("www.example.test").wire()), "\3www\7example\4test\0"s);
  EXPECT_EQ(as_text(name("www.example.test.").wire()), "\3www\7example\4test\0"s);
  EXPECT_EQ(as_text(name(".").wire()), "\0"s);
  EXPECT_EQ(name(".").text(), ".");
  EXPECT_EQ(name("a.b").text(), "a.b.");
}

TEST(DnsName, EscapesAreThoseOfZoneFiles) {
  EXPECT_EQ(as_text(name("a\\.b.c").wire()), "\3a.b\1c\0"s);
  EXPECT_EQ(as_text(name("\\000\\255").wire()), "\2\0\xff\0"s);
  EXPECT_EQ(name("a\\.b\\032\\\\.c").text(), "a\\.b\\032\\\\.c.");
  for (const char* wrong : {"a\\", "a\\25", "a\\256", "a\\2x5"}) EXPECT_FALSE(DnsName::parse(wrong)) << wrong;
}

TEST(DnsName, HasTheLimitsOfTheWire) {
  EXPECT_TRUE(DnsName::parse(std::string(63, 'a')));
  EXPECT_FALSE(DnsName::parse(std::string(64, 'a')));
  const std::string label = std::string(63, 'a') + ".";
  EXPECT_EQ(name(label + label + label + std::string(61, 'a')).wire().size(), 255U);
  EXPECT_FALSE(DnsName::parse(label + label + label + std::string(62, 'a')));
  for (const char* wrong : {"", "..", ".a", "a..b"}) EXPECT_FALSE(DnsName::parse(wrong)) << wrong;
}

TEST(DnsName, IsReadThroughPointers) {
  const std::string message = "\4test\0\3www\xc0\0\1a\xc0\6"s;
  std::size_t at = 6;
  EXPECT_EQ(DnsName::read(as_bytes(message), at)->text(), "www.test.");
  EXPECT_EQ(at, 12U);
  EXPECT_EQ(DnsName::read(as_bytes(message), at)->text(), "a.www.test.");
  EXPECT_EQ(at, message.size());
}

TEST(DnsName, NoMessageCanMakeItGoRound) {
  EXPECT_FALSE(read("\xc0\0"s, 0)) << "to itself";
  EXPECT_FALSE(read("\1a\xc0\0"s, 0)) << "to the beginning of its own run";
  EXPECT_FALSE(read("\xc0\2\xc0\0"s, 0)) << "forward";
  EXPECT_FALSE(read("\xc0\2\xc0\0"s, 2)) << "in a circle";
  EXPECT_FALSE(read("\1a\xc0\2"s, 0)) << "to a pointer to itself";
  // Two runs that each lead before themselves, again and again: ends, since every jump goes further back.
  std::string chain = "\0"s;
  for (std::size_t i = 0; i < 300; ++i) {
    const std::size_t before = i == 0 ? 0 : 1 + (i - 1) * 2;
    chain += static_cast<char>(0xc0 | before >> 8);
    chain += static_cast<char>(before & 0xff);
  }
  EXPECT_TRUE(read(chain, chain.size() - 2)->is_root());
}

TEST(DnsName, WhatGrowsByPointersStaysWithin255Bytes) {
  // Each run is a label of 60 bytes and a pointer to the run before.
  std::string message = "\0"s;
  std::size_t before = 0;
  for (int i = 0; i < 6; ++i) {
    const std::size_t here = message.size();
    message += '\x3c' + std::string(60, 'x');
    message += static_cast<char>(0xc0 | before >> 8);
    message += static_cast<char>(before & 0xff);
    before = here;
    EXPECT_EQ(read(message, here).has_value(), i < 4) << i;
  }
}

TEST(DnsName, IsRefusedWhereTheMessageEnds) {
  const std::string whole = "\3www\7example\0"s;
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_FALSE(read(whole.substr(0, length), 0)) << length;
  EXPECT_FALSE(read("\xc0"s, 0));
  EXPECT_FALSE(read(whole, whole.size()));
}

TEST(DnsName, RetiredLabelTypesAreRefused) {
  EXPECT_FALSE(read("\x41\1\0\0"s, 0));
  EXPECT_FALSE(read("\x80\1\0\0"s, 0));
}

TEST(DnsName, CaseDoesNotMatter) {
  EXPECT_EQ(name("WWW.Example.TEST"), name("www.example.test"));
  EXPECT_EQ(as_text(name("WWW.X").lowered().wire()), "\3www\1x\0"s);
  EXPECT_NE(name("www.example.test"), name("www.example.tess"));
}

TEST(DnsName, LiesWithinWhatIsAboveIt) {
  EXPECT_TRUE(name("a.B.test").is_within(name("b.TEST")));
  EXPECT_TRUE(name("b.test").is_within(name("b.test")));
  EXPECT_TRUE(name("b.test").is_within(name(".")));
  EXPECT_FALSE(name("ab.test").is_within(name("b.test")));
  EXPECT_FALSE(name("test").is_within(name("b.test")));
  EXPECT_FALSE(name(".").is_within(name("test")));
  EXPECT_EQ(name("a.b.test").parent(), name("b.test"));
  EXPECT_EQ(name("test").parent(), name("."));
  EXPECT_EQ(name("a.b").under(name("c.d")), name("a.b.c.d"));
  EXPECT_FALSE(name(std::string(63, 'a'))
                   .under(name(std::string(63, 'b') + "." + std::string(63, 'c') + "." + std::string(62, 'd'))));
}

}  // namespace
}  // namespace myriad::app
