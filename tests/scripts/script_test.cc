// Every script of this folder, one row each, over both families unless the script says otherwise.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "tests/scripts/player.h"
#include "tests/scripts/script_parser.h"

namespace myriad::scripts {
namespace {

std::vector<std::string> scripts() {
  std::vector<std::string> files;
  std::istringstream list{MYRIAD_SCRIPTS};
  for (std::string file; std::getline(list, file, ',');) files.push_back(file);
  return files;
}

std::string row_name(const testing::TestParamInfo<std::string>& row) {
  std::string name = row.param.substr(0, row.param.rfind('.'));
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

class Packetdrill : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Scripts, Packetdrill, testing::ValuesIn(scripts()), row_name);

TEST_P(Packetdrill, HappensAsWritten) {
  std::ifstream file{std::string(MYRIAD_SCRIPT_FOLDER "/") + GetParam()};
  ASSERT_TRUE(file) << GetParam();
  std::ostringstream text;
  text << file.rdbuf();
  const auto script = parse_script(text.str(), GetParam());
  ASSERT_TRUE(script) << script.error();
  EXPECT_EQ(script->skip, "");
  if (script->over_v4) {
    EXPECT_EQ(play(*script, false), "");
  }
  if (script->over_v6) {
    EXPECT_EQ(play(*script, true), "");
  }
}

}  // namespace
}  // namespace myriad::scripts
