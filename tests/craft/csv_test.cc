// CSV: what RFC 4180 allows, in pieces of any size, and every refusal with its place.
#include "craft/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/addr.h"

namespace myriad::craft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Read {
  RowBlock block;
  std::optional<CsvError> error;
  std::vector<std::string> names;

  [[nodiscard]] std::vector<std::string> texts(std::size_t column) const {
    std::vector<std::string> all;
    for (std::size_t row = 0; row < block.count; ++row) {
      const Bytes bytes = block.bytes(column, row);
      all.emplace_back(bytes.begin(), bytes.end());
    }
    return all;
  }
};

Read read(std::string_view text, const std::vector<ColumnUse>& uses, std::size_t piece = SIZE_MAX) {
  CsvReader reader(uses);
  Read result;
  reader.begin(result.block);
  for (std::size_t at = 0; at < text.size() && !reader.error();) {
    const std::size_t taken = reader.read(text.substr(at, piece), result.block);
    EXPECT_TRUE(taken > 0 || reader.error());
    at += taken;
  }
  reader.finish(result.block);
  result.error = reader.error();
  result.names = reader.names();
  return result;
}

const ColumnUse kPort{"port", ColumnType::kNumber, 65535};
const ColumnUse kText{"text", ColumnType::kText, 100};

TEST(Csv, EveryTypeOfColumn) {
  const std::vector<ColumnUse> uses = {kPort,
                                       {"mac", ColumnType::kMac, UINT64_MAX},
                                       {"v4", ColumnType::kIpv4, UINT64_MAX},
                                       {"v6", ColumnType::kIpv6, UINT64_MAX},
                                       {"hex", ColumnType::kHex, 10},
                                       kText,
                                       {"port", ColumnType::kNumber, UINT64_MAX}};
  const Read result = read(
      "text,hex,v6,v4,mac,unused,port\nhi,dead be:ef,fd00::1:2,10.0.0.1,02:00:00:00:00:01,x,80\n"
      ",,::,255.255.255.255,ff:ff:ff:ff:ff:ff,,0xffff\n",
      uses);
  ASSERT_FALSE(result.error) << result.error->what;
  ASSERT_EQ(result.block.count, 2U);
  EXPECT_THAT(result.block.columns[0].low, ElementsAre(80, 65535));
  EXPECT_THAT(result.block.columns[1].low, ElementsAre(0x020000000001, 0xffffffffffff));
  EXPECT_THAT(result.block.columns[2].low, ElementsAre(0x0a000001, 0xffffffff));
  EXPECT_THAT(result.block.columns[3].low, ElementsAre(0x10002, 0));
  EXPECT_THAT(result.block.columns[3].high, ElementsAre(0xfd00000000000000, 0));
  EXPECT_THAT(result.texts(4), ElementsAre("\xde\xad\xbe\xef", ""));
  EXPECT_THAT(result.texts(5), ElementsAre("hi", ""));
  EXPECT_THAT(result.block.columns[6].low, ElementsAre(80, 65535));
  EXPECT_THAT(result.names, ElementsAre("text", "hex", "v6", "v4", "mac", "unused", "port"));
}

TEST(Csv, IsTheSameInPiecesOfAnySize) {
  const std::string text =
      "\xef\xbb\xbf\"te\"\"xt\", port \r\n\"a,b\"\"c\nd\r\n\",1\r\n\r\nplain, 2 \n\"\",3\n\xc3\xa4,4";
  for (const std::size_t piece : {1, 2, 3, 5, 7, 1000}) {
    const Read result = read(text, {{"te\"xt", ColumnType::kText, 100}, kPort}, static_cast<std::size_t>(piece));
    ASSERT_FALSE(result.error) << result.error->what;
    EXPECT_THAT(result.texts(0), ElementsAre("a,b\"c\nd\r\n", "plain", "", "\xc3\xa4"));
    EXPECT_THAT(result.block.columns[1].low, ElementsAre(1, 2, 3, 4));
  }
}

TEST(Csv, ComesInBlocks) {
  std::string text = "port\n";
  for (int i = 0; i < 3000; ++i) text += std::to_string(i) + "\n";
  const std::vector<ColumnUse> uses = {kPort};
  CsvReader reader(uses);
  RowBlock block;
  std::uint64_t expected = 0;
  std::size_t at = 0;
  for (const std::size_t rows : {1024U, 1024U, 952U}) {
    reader.begin(block);
    at += reader.read(std::string_view(text).substr(at), block);
    EXPECT_EQ(block.first, expected);
    ASSERT_EQ(block.count, rows);
    for (const std::uint64_t value : block.columns[0].low) EXPECT_EQ(value, expected++);
  }
  EXPECT_EQ(at, text.size());
  reader.finish(block);
  EXPECT_EQ(reader.rows(), 3000U);
}

TEST(Csv, RefusalsHaveTheirPlace) {
  const auto refused = [](std::string_view text, std::string_view what, std::uint64_t line, std::uint64_t column,
                          std::vector<ColumnUse> uses = {kPort, kText}, std::size_t rows = 0) {
    const Read result = read(text, uses);
    ASSERT_TRUE(result.error) << text;
    EXPECT_THAT(result.error->what, HasSubstr(std::string(what)));
    EXPECT_EQ(result.error->line, line) << what;
    EXPECT_EQ(result.error->column, column) << what;
    EXPECT_FALSE(result.error->suggestion.empty());
    EXPECT_EQ(result.block.count, rows) << what;
    for (std::size_t i = 0; i < uses.size(); ++i) {
      const bool is_bytes = uses[i].type == ColumnType::kText || uses[i].type == ColumnType::kHex;
      EXPECT_EQ(is_bytes ? result.block.columns[i].begins.size() - 1 : result.block.columns[i].low.size(), rows);
    }
  };
  refused("", "the file is empty", 1, 1);
  refused("\n\n", "the file is empty", 3, 1);
  refused("port,,text\n", "a column without a name", 1, 6);
  refused("port,text,port\n", "two columns have the name 'port'", 1, 11);
  refused("port,words\n", "there is no column 'text'", 1, 1);
  refused("port,text\n1,a\n2\n", "1 field; the first line names 2", 3, 2, {kPort, kText}, 1);
  refused("port,text\n1,a,b\n", "more fields than the 2", 2, 5);
  refused("port,text\n1,a\n65536,b\n", "'65536' does not fit its field", 3, 1, {kPort, kText}, 1);
  refused("port,text\n1,a\n2,b\nx,c\n", "'x' is not a number", 4, 1, {kPort, kText}, 2);
  refused("port,text\n-1,c\n", "'-1' is not a number", 2, 1);
  refused("port,text\n99999999999999999999,c\n", "is not a number", 2, 1);
  refused("port,text\n,c\n", "'' is not a number", 2, 1);
  refused("port,text\n0x,c\n", "'0x' is not a number", 2, 1);
  refused("text,port\n\"a\nb\",x\n", "'x' is not a number", 3, 4);
  refused("port,text\n1,\"a\n", "a quote that does not end", 2, 3);
  refused("port,text\n1,\"a\"b\n", "text behind the closing quote", 2, 6);
  refused("port,text\n1,a\"b\"\n", "a quote inside a field without quotes", 2, 4);
  refused("port,text\n1," + std::string(101, 'a') + "\n", "is too long for the frame", 2, 3);
  refused("port,text\n1," + std::string(70000, 'a') + "\n", "longer than 65536 bytes", 2, 1);
  refused("port,text\n1,\"" + std::string(70000, 'a'), "longer than 65536 bytes", 2, 1);
  refused("a\n0g\n", "'0g' is not hexadecimal bytes", 2, 1, {{"a", ColumnType::kHex, 9}});
  refused("a\n012\n", "'012' is not hexadecimal bytes", 2, 1, {{"a", ColumnType::kHex, 9}});
  refused("a\n010203\n", "'010203' is too long for the frame", 2, 1, {{"a", ColumnType::kHex, 2}});
  refused("a\n1.2.3\n", "'1.2.3' is not an IPv4 address", 2, 1, {{"a", ColumnType::kIpv4, 9}});
  refused("a\n1.2.3.4\n", "'1.2.3.4' is not an IPv6 address", 2, 1, {{"a", ColumnType::kIpv6, 9}});
  refused("a\n02:00\n", "'02:00' is not a MAC address", 2, 1, {{"a", ColumnType::kMac, 9}});
}

TEST(Csv, IsCheckedEvenWhenNothingIsUsed) {
  const Read result = read("a,b\n1,2\n3,4\n", {});
  EXPECT_FALSE(result.error);
  EXPECT_EQ(result.block.count, 2U);
  EXPECT_TRUE(read("a,b\n1\n", {}).error);
}

}  // namespace
}  // namespace myriad::craft
