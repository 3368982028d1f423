#include "app/echo.h"

#include <gtest/gtest.h>

#include "tests/app/pieces.h"

namespace myriad::app {
namespace {

std::string read(const Echo& echo, std::uint64_t offset, std::size_t length) {
  std::string out(length, '?');
  echo.read(offset, {reinterpret_cast<std::uint8_t*>(out.data()), length});
  return out;
}

TEST(Echo, GivesBackUnacknowledgedBytesAsOftenAsAsked) {
  Echo echo;
  ASSERT_TRUE(echo.take(as_bytes("hello "), 64));
  ASSERT_TRUE(echo.take(as_bytes("world"), 64));
  EXPECT_EQ(read(echo, 0, 11), "hello world");
  EXPECT_EQ(read(echo, 0, 11), "hello world");
  echo.acknowledged(6);
  EXPECT_EQ(echo.unread(), 5U);
  EXPECT_EQ(read(echo, 6, 5), "world");
  echo.acknowledged(3);  // an old acknowledgement takes nothing back
  EXPECT_EQ(read(echo, 8, 3), "rld");
}

TEST(Echo, RefusesWhatIsBeyondTheWindowAndKeepsTheRest) {
  Echo echo;
  ASSERT_TRUE(echo.take(as_bytes("12345678"), 8));
  EXPECT_FALSE(echo.take(as_bytes("9"), 8));
  EXPECT_EQ(read(echo, 0, 8), "12345678");
  echo.acknowledged(8);
  EXPECT_TRUE(echo.take(as_bytes("9"), 8));
  EXPECT_EQ(read(echo, 8, 1), "9");
}

TEST(Echo, AnAcknowledgedFinIsNotAByte) {
  Echo echo;
  ASSERT_TRUE(echo.take(as_bytes("ab"), 8));
  echo.acknowledged(3);
  EXPECT_EQ(echo.unread(), 0U);
}

}  // namespace
}  // namespace myriad::app
