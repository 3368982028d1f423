// The program as the shell sees it: exit codes, and what goes to stdout and stderr. Needs no privilege and no device.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

class Program : public ::testing::Test {
 protected:
  Program()
      : folder_(std::filesystem::temp_directory_path() /
                ("myriad-cli-" + std::to_string(::getpid()) + "-" +
                 ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::create_directories(folder_);
  }
  ~Program() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string file(const std::string& name, const std::string& text) const {
    std::ofstream{folder_ / name} << text;
    return (folder_ / name).string();
  }
  [[nodiscard]] std::string text_of(const char* name) const {
    std::ifstream in(folder_ / name);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
  }
  [[nodiscard]] Outcome run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), MYRIAD_BINARY);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    const std::string out = (folder_ / "stdout").string();
    const std::string err = (folder_ / "stderr").string();
    const pid_t child = ::fork();
    if (child == 0) {
      ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 1);
      ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 2);
      ::execv(MYRIAD_BINARY, argv.data());
      ::_exit(127);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), text_of("stdout"), text_of("stderr")};
  }
  static constexpr const char* kScenario =
      "version: 1\nports: {lan: {interface: no-such-if0}}\nhosts: {clients: {port: lan, count: 10, ipv4: "
      "10.0.1.1/16}}\n"
      "workloads: {ping: {from: clients, to: 10.0.255.1, icmp_echo: {count: 1}}}\n";

 private:
  std::filesystem::path folder_;
};

TEST_F(Program, WithoutArgumentsIsUsage) {
  const Outcome outcome = run({});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, HasSubstr("--help"));
}

TEST_F(Program, VersionAndHelpSucceed) {
  EXPECT_EQ(run({"--version"}).code, 0);
  EXPECT_THAT(run({"--version"}).out, StartsWith("myriad "));
  EXPECT_EQ(run({"--help"}).code, 0);
  EXPECT_EQ(run({"run", "--help"}).code, 0);
}

TEST_F(Program, UnknownOptionsAreUsage) {
  const std::string scenario = file("a.yaml", kScenario);
  for (const char* option : {"--metric", "--frobnicate"}) {
    const Outcome outcome = run({"run", scenario, option, "x"});
    EXPECT_EQ(outcome.code, 2) << option;
    EXPECT_THAT(outcome.err, HasSubstr(option));
  }
}

TEST_F(Program, AWrongFilterIsUsageInTheWordsOfLibpcap) {
  const std::string scenario = file("a.yaml", kScenario);
  const std::string capture = file("a.pcapng", "kept");
  const Outcome wrong = run({"run", scenario, "--capture", capture, "--capture-filter", "tcp prot 80"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("--capture-filter 'tcp prot 80': "));
  EXPECT_THAT(wrong.err, HasSubstr("syntax error"));
  const Outcome alone = run({"run", scenario, "--capture-filter", "tcp"});
  EXPECT_EQ(alone.code, 2);
  EXPECT_THAT(alone.err, HasSubstr("--capture-filter without --capture"));
  // A good one, and then the interface is missing.
  EXPECT_EQ(run({"run", scenario, "--capture", capture, "--capture-filter", "tcp port 80"}).code, 3);
}

TEST_F(Program, ValidatePrintsThePlan) {
  const Outcome outcome = run({"validate", file("a.yaml", kScenario)});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("clients"));
  EXPECT_THAT(outcome.out, HasSubstr("ping"));
  EXPECT_EQ(outcome.err, "");
}

TEST_F(Program, AWrongScenarioShowsThePlace) {
  const std::string path = file("wrong.yaml", "version: 1\nports: {lan: {interfaze: eth1}}\n");
  for (const char* verb : {"validate", "run"}) {
    const Outcome outcome = run({verb, path});
    EXPECT_EQ(outcome.code, 2);
    EXPECT_THAT(outcome.err, HasSubstr("wrong.yaml:2:15: "));
    EXPECT_THAT(outcome.err, HasSubstr("^"));
    EXPECT_EQ(outcome.out, "");
  }
}

TEST_F(Program, AMissingFileIsUsage) { EXPECT_EQ(run({"validate", "/nowhere/at/all.yaml"}).code, 2); }

TEST_F(Program, AMissingInterfaceIsTheMachine) {
  const Outcome outcome = run({"run", file("a.yaml", kScenario)});
  EXPECT_EQ(outcome.code, 3);
  EXPECT_THAT(outcome.err, HasSubstr("no-such-if0"));
  EXPECT_THAT(outcome.err, HasSubstr("→"));
  EXPECT_EQ(outcome.out, "");
}

TEST_F(Program, AnUnknownMetricInAThresholdIsFoundBeforeTheRun) {
  const std::string path = file("a.yaml", std::string(kScenario) + "thresholds: {ping.drops_of_sweat: [\"== 0\"]}\n");
  const Outcome outcome = run({"run", path});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("drops_of_sweat"));
}

TEST_F(Program, HostsWithoutAnInterfaceThatExists) {
  const Outcome outcome = run({"hosts", "-i", "no-such-if0", "--ipv4", "10.0.1.1/16", "--count", "10"});
  EXPECT_EQ(outcome.code, 3);
  EXPECT_THAT(outcome.err, HasSubstr("no-such-if0"));
}

TEST_F(Program, HostsThatCannotBe) {
  EXPECT_EQ(run({"hosts", "-i", "eth1", "--ipv4", "10.0.1.1/30", "--count", "10"}).code, 2);
  EXPECT_EQ(run({"hosts", "-i", "eth1", "--ipv4", "ten"}).code, 2);
}

TEST_F(Program, DoctorOfNothing) {
  const Outcome outcome = run({"doctor", "no-such-if0"});
  EXPECT_EQ(outcome.code, 3);
  EXPECT_THAT(outcome.err, HasSubstr("no-such-if0"));
}

TEST_F(Program, DoctorOfTheLoopbackSaysNo) {
  const Outcome outcome = run({"doctor", "lo"});
  EXPECT_EQ(outcome.code, 3);
  EXPECT_THAT(outcome.out, HasSubstr("✗ lo is not an Ethernet interface"));
  EXPECT_THAT(outcome.out, HasSubstr("kernel "));
}

TEST_F(Program, Lists) {
  EXPECT_EQ(run({"list", "interfaces"}).code, 0);
  EXPECT_THAT(run({"list", "metrics"}).out, HasSubstr("WORKLOAD.sessions_failed"));
  EXPECT_THAT(run({"list", "protocols"}).out, HasSubstr("RFC 8200"));
  EXPECT_THAT(run({"list", "fields"}).out, HasSubstr("ipv4.dscp"));
  EXPECT_EQ(run({"list", "stars"}).code, 2);
}

}  // namespace
