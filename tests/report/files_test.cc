// The events file: written, then read back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "report/events.h"
#include "tests/report/sample.h"

namespace myriad::report {
namespace {

using ::testing::HasSubstr;

// A path of this test alone; the file goes at the end.
class TemporaryFile {
 public:
  explicit TemporaryFile(const char* suffix)
      : path_(std::filesystem::temp_directory_path() /
              ("myriad-report-" + std::to_string(::getpid()) + "-" +
               ::testing::UnitTest::GetInstance()->current_test_info()->name() + suffix)) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  [[nodiscard]] std::string path() const { return path_.string(); }
  [[nodiscard]] std::string text() const {
    std::ifstream in(path_);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
  }

 private:
  std::filesystem::path path_;
};

TEST(Events, AreLinesThatAreThereAtOnce) {
  const TemporaryFile file{".jsonl"};
  auto log = EventLog::create(file.path());
  ASSERT_TRUE(log);
  log->event("start", 0, "");
  EXPECT_EQ(file.text(), "{\"event\":\"start\",\"seconds\":0.0}\n");
  log->progress(sample_result(), sample_result(), 1.0);
  log->event("stop", 2, "duration");
  ASSERT_TRUE(log->close());
  const std::string text = file.text();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3);
  EXPECT_THAT(text, HasSubstr("{\"event\":\"stop\",\"seconds\":2.0,\"detail\":\"duration\"}\n"));
}

TEST(Events, APathThatCannotBeWrittenIsAnError) {
  const auto log = EventLog::create("/nowhere/at/all/events");
  ASSERT_FALSE(log);
  EXPECT_THAT(log.error().message(), HasSubstr("/nowhere/at/all/events: No such file"));
}

TEST(Events, AFullDiskIsSaidAtTheEnd) {
  auto log = EventLog::create("/dev/full");
  ASSERT_TRUE(log);
  log->event("start", 0, "");
  const auto closed = log->close();
  ASSERT_FALSE(closed);
  EXPECT_THAT(closed.error().message(), HasSubstr("No space left"));
}

}  // namespace
}  // namespace myriad::report
