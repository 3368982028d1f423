#include "templates/plan/units.h"

#include <gtest/gtest.h>

namespace myriad::plan {
namespace {

using namespace std::chrono_literals;

TEST(Units, Durations) {
  EXPECT_EQ(parse_duration("250ms"), Duration{250ms});
  EXPECT_EQ(parse_duration("30s"), Duration{30s});
  EXPECT_EQ(parse_duration("2m"), Duration{2min});
  EXPECT_EQ(parse_duration("1h"), Duration{1h});
  EXPECT_EQ(parse_duration("100us"), Duration{100us});
  EXPECT_EQ(parse_duration("7ns"), Duration{7ns});
  EXPECT_EQ(parse_duration("1.5s"), Duration{1500ms});
  EXPECT_EQ(parse_duration("0.25m"), Duration{15s});
  EXPECT_EQ(parse_duration("0s"), Duration{0});
}

TEST(Units, Sizes) {
  EXPECT_EQ(parse_size("64KiB"), 65536U);
  EXPECT_EQ(parse_size("1500B"), 1500U);
  EXPECT_EQ(parse_size("1MB"), 1'000'000U);
  EXPECT_EQ(parse_size("1kB"), 1000U);
  EXPECT_EQ(parse_size("1KB"), 1000U);
  EXPECT_EQ(parse_size("1.5KiB"), 1536U);
  EXPECT_EQ(parse_size("2TiB"), 2ULL << 40);
}

TEST(Units, Rates) {
  EXPECT_DOUBLE_EQ(*parse_session_rate("200/s"), 200);
  EXPECT_DOUBLE_EQ(*parse_session_rate("30/m"), 0.5);
  EXPECT_DOUBLE_EQ(*parse_session_rate("1800/h"), 0.5);
  EXPECT_DOUBLE_EQ(*parse_frame_rate("500pps"), 500);
  EXPECT_DOUBLE_EQ(*parse_frame_rate("10kpps"), 10'000);
  EXPECT_DOUBLE_EQ(*parse_frame_rate("2Mpps"), 2e6);
  EXPECT_DOUBLE_EQ(*parse_bit_rate("100Mbps"), 1e8);
  EXPECT_DOUBLE_EQ(*parse_bit_rate("2.5Gbps"), 2.5e9);
  EXPECT_DOUBLE_EQ(*parse_percent("1%"), 0.01);
  EXPECT_DOUBLE_EQ(*parse_percent("0.1%"), 0.001);
  EXPECT_DOUBLE_EQ(*parse_percent("100%"), 1);
}

TEST(Units, Numbers) {
  EXPECT_EQ(parse_integer("0"), 0U);
  EXPECT_EQ(parse_integer("18446744073709551615"), UINT64_MAX);
  EXPECT_DOUBLE_EQ(*parse_number("0.5"), 0.5);
}

TEST(Units, ANumberAloneIsRefusedAndTheUnitsAreNamed) {
  EXPECT_EQ(parse_duration("30").error().what, "a duration needs a unit: '30' of what?");
  EXPECT_EQ(parse_duration("30").error().suggestion, "units are ns, us, ms, s, m (minutes), h; for example 30s");
  EXPECT_EQ(parse_size("0").error().what, "a size needs a unit: '0' of what?");
  EXPECT_EQ(parse_frame_rate("500").error().suggestion, "units are pps, kpps, Mpps, Gpps; for example 10kpps");
  EXPECT_EQ(parse_bit_rate("1.5").error().what, "a bit rate needs a unit: '1.5' of what?");
  EXPECT_EQ(parse_session_rate("5").error().what, "a rate of sessions needs a unit: '5' of what?");
  EXPECT_EQ(parse_percent("5").error().what, "a percentage needs a unit: '5' of what?");
}

TEST(Units, AUnitThatWasMeantIsSuggested) {
  EXPECT_EQ(parse_size("64kib").error().suggestion, "did you mean '64KiB'?");
  EXPECT_EQ(parse_duration("10 MS").error().suggestion, "did you mean '10ms'?");
  EXPECT_EQ(parse_bit_rate("1.5mbps").error().suggestion, "did you mean '1.5Mbps'?");
}

TEST(Units, WhatIsNoQuantity) {
  for (const char* text : {"",
                           " ",
                           "s",
                           "-1s",
                           "+1s",
                           "1e3s",
                           "nan",
                           "nans",
                           "inf",
                           "infs",
                           "1.s",
                           ".5s",
                           "1..5s",
                           "1.5.2s",
                           "1s ",
                           " 1s",
                           "0x10s",
                           "1s1s",
                           "1,5s",
                           "1d",
                           "1S",
                           "１s",
                           "1234567890123456789s",
                           "1\n2s"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
  for (const char* text :
       {"", "-1", "+1", "1.5", "1e3", "0x10", "nan", " 1", "1 ", "18446744073709551616", "99999999999999999999999"}) {
    EXPECT_FALSE(parse_integer(text)) << text;
  }
  for (const char* text : {"", "-1", "1e3", "nan", "inf", "1.", ".1", "1.2.3"})
    EXPECT_FALSE(parse_number(text)) << text;
  EXPECT_FALSE(parse_percent("100.1%"));
  EXPECT_FALSE(parse_percent("-1%"));
}

TEST(Units, BoundsAreExact) {
  EXPECT_EQ(parse_duration("9223372036854775us"), Duration{std::chrono::microseconds{9223372036854775}});
  EXPECT_FALSE(parse_duration("2562048h"));  // above 2^63 ns
  EXPECT_TRUE(parse_duration("2562047h"));
  EXPECT_FALSE(parse_size("99999999TiB"));
  EXPECT_FALSE(parse_duration("0.5ns"));
  EXPECT_FALSE(parse_size("0.3B"));
}

TEST(Units, TextsGoBothWays) {
  for (const char* text : {"0s", "1ns", "250ms", "90s", "2m", "36h", "1500us"})
    EXPECT_EQ(duration_text(*parse_duration(text)), text);
  for (const char* text : {"0B", "56B", "1500B", "64KiB", "1MiB", "1MB", "5kB", "3GiB"})
    EXPECT_EQ(size_text(*parse_size(text)), text);
}

}  // namespace
}  // namespace myriad::plan
