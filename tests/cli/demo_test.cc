// `myriad demo`, whole: the verdict, with nginx and without, and that nothing is left behind however it ends.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

// A `myriad demo` that runs; its stdout and stderr come by pipes.
class Demo {
 public:
  explicit Demo(std::vector<std::string> arguments) {
    std::array<int, 2> out{};
    std::array<int, 2> err{};
    EXPECT_EQ(::pipe2(out.data(), O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(err.data(), O_CLOEXEC), 0);
    arguments.insert(arguments.begin(), {MYRIAD_BINARY, "demo"});
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    process_ = ::fork();
    if (process_ == 0) {
      ::dup2(out[1], 1);
      ::dup2(err[1], 2);
      ::execv(MYRIAD_BINARY, argv.data());
      ::_exit(127);
    }
    ::close(out[1]);
    ::close(err[1]);
    out_ = out[0];
    err_ = err[0];
  }
  Demo(const Demo&) = delete;
  Demo& operator=(const Demo&) = delete;
  ~Demo() {
    if (process_ > 0) {
      ::kill(process_, SIGKILL);
      ::waitpid(process_, nullptr, 0);
    }
    ::close(out_);
    ::close(err_);
  }

  [[nodiscard]] pid_t process() const { return process_; }
  // Until stderr has said this, or has ended.
  bool wait_for_words(const std::string& words) {
    std::array<char, 4096> chunk{};
    while (said_.find(words) == std::string::npos) {
      const ssize_t got = ::read(err_, chunk.data(), chunk.size());
      if (got <= 0) return false;
      said_.append(chunk.data(), static_cast<std::size_t>(got));
    }
    return true;
  }
  // Reads everything, then the exit code (or minus the signal).
  int finish() {
    std::array<pollfd, 2> ends{pollfd{out_, POLLIN, 0}, pollfd{err_, POLLIN, 0}};
    std::array<std::string*, 2> texts{&text_, &said_};
    std::array<char, 65536> chunk{};
    while (ends[0].fd >= 0 || ends[1].fd >= 0) {
      ::poll(ends.data(), ends.size(), -1);
      for (std::size_t i = 0; i < ends.size(); ++i) {
        if (ends[i].fd < 0 || ends[i].revents == 0) continue;
        const ssize_t got = ::read(ends[i].fd, chunk.data(), chunk.size());
        if (got > 0) texts[i]->append(chunk.data(), static_cast<std::size_t>(got));
        if (got <= 0) ends[i].fd = -1;
      }
    }
    int status = 0;
    ::waitpid(process_, &status, 0);
    process_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const std::string& said() const { return said_; }

 private:
  pid_t process_ = -1;
  int out_ = -1;
  int err_ = -1;
  std::string text_;
  std::string said_;
};

// All processes that descend from `ancestor`.
std::set<pid_t> descendants(pid_t ancestor) {
  std::set<pid_t> found;
  bool grew = true;
  while (grew) {
    grew = false;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const std::string name = entry.path().filename();
      if (name.find_first_not_of("0123456789") != std::string::npos) continue;
      std::ifstream file(entry.path() / "stat");
      std::string text{std::istreambuf_iterator<char>(file), {}};
      const std::size_t close = text.rfind(')');
      if (close == std::string::npos) continue;
      const pid_t parent = std::stoi(text.substr(close + 4));
      const pid_t process = std::stoi(name);
      if ((parent == ancestor || found.contains(parent)) && found.insert(process).second) grew = true;
    }
  }
  return found;
}

bool runs(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t close = text.rfind(')');
  return close != std::string::npos && text[close + 2] != 'Z';
}

// A killed process is gone as soon as the kernel gets to it.
bool all_gone(const std::set<pid_t>& processes) {
  for (int i = 0; i < 500; ++i) {
    bool any = false;
    for (const pid_t process : processes) any = any || runs(process);
    if (!any) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

std::set<std::string> interfaces() {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator("/sys/class/net")) names.insert(entry.path().filename());
  return names;
}

class DemoTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: it makes network namespaces";
    before_ = interfaces();
  }
  void TearDown() override { EXPECT_EQ(interfaces(), before_); }
  static void expect_pass(Demo& demo) {
    EXPECT_EQ(demo.finish(), 0) << demo.text() << demo.said();
    const Json result = Json::parse(demo.text(), nullptr, false);
    ASSERT_TRUE(result.is_object()) << demo.text() << demo.said();
    EXPECT_EQ(result["verdict"], "pass");
    for (const char* workload : {"fetch_ipv4", "fetch_ipv6"}) {
      EXPECT_EQ(result["workloads"][workload]["sessions_verified"], 1000);
      EXPECT_EQ(result["workloads"][workload]["hosts_succeeded"], 1000);
    }
    EXPECT_EQ(result["thresholds"].size(), 4U);
    EXPECT_GE(result["hosts"]["clients"]["echo_replies_tx"], 2000);
    for (const auto& note : result["notes"]) {
      EXPECT_EQ(note.get<std::string>().find("unaccounted"), std::string::npos) << note;
    }
  }

 private:
  std::set<std::string> before_;
};

TEST_F(DemoTest, PassesWithNginx) {
  if (::access("/usr/sbin/nginx", X_OK) != 0) GTEST_SKIP() << "nginx is not installed";
  Demo demo{{"--json", "-"}};
  ASSERT_TRUE(demo.wait_for_words("nginx/")) << demo.said();
  const auto processes = descendants(demo.process());
  EXPECT_GE(processes.size(), 2U);  // the far side and nginx
  expect_pass(demo);
  EXPECT_TRUE(all_gone(processes));
}

TEST_F(DemoTest, PassesWithoutNginx) {
  Demo demo{{"--json", "-", "--builtin-server"}};
  ASSERT_TRUE(demo.wait_for_words("built-in server")) << demo.said();
  expect_pass(demo);
}

TEST_F(DemoTest, KilledItLeavesNothing) {
  Demo demo{{"--json", "-"}};
  ASSERT_TRUE(demo.wait_for_words("lan: ")) << demo.said();  // the port is open
  const auto processes = descendants(demo.process());
  EXPECT_FALSE(processes.empty());
  ::kill(demo.process(), SIGKILL);
  EXPECT_EQ(demo.finish(), -SIGKILL);
  EXPECT_TRUE(all_gone(processes));
}

TEST_F(DemoTest, InterruptedItWritesWhatItHas) {
  Demo demo{{"--json", "-"}};
  ASSERT_TRUE(demo.wait_for_words("lan: ")) << demo.said();
  const auto processes = descendants(demo.process());
  ::kill(demo.process(), SIGINT);
  EXPECT_EQ(demo.finish(), 130) << demo.said();
  const Json result = Json::parse(demo.text(), nullptr, false);
  ASSERT_TRUE(result.is_object()) << demo.text();
  EXPECT_EQ(result["verdict"], "interrupted");
  EXPECT_TRUE(all_gone(processes));
}

}  // namespace
