// Files, variables and what the command line says about a scenario.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "templates/plan/yaml.h"
#include "tests/plan/plan_of.h"

namespace myriad::plan {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kScenario = std::string(kHead) + R"(
hosts: {clients: {port: lan, count: 10, ipv4: 10.0.0.1/8, vlan: [5, 6]}}
workloads:
  talk: {from: clients, to: "10.0.9.9:7", tcp: {script: [send: hi, close]}}
)";

LoadOptions setting(std::vector<std::string> set) {
  LoadOptions options;
  options.set = std::move(set);
  return options;
}

TEST(Options, SetReplacesAndAdds) {
  const Plan plan =
      plan_of(kScenario, setting({"hosts.clients.count=20", "seed=7", "hosts.servers={port: lan, ipv4: 11.0.0.1/8}",
                                  "workloads.talk.load.concurrent=5", "workloads.talk.tcp.script.0.send=\"bye\\n\"",
                                  "hosts.clients.vlan.1=9", "thresholds.talk.tcp.rto=[\"== 0\"]"}));
  EXPECT_EQ(plan.groups[0].count, 20U);
  EXPECT_EQ(plan.seed, 7U);
  EXPECT_EQ(plan.groups.at(1).name, "servers");
  EXPECT_EQ(plan.workloads[0].load.concurrent, 5U);
  EXPECT_EQ(std::get<SendText>(std::get<TcpWorkload>(plan.workloads[0].kind).script[0]).text, "bye\n");
  EXPECT_EQ(plan.groups[0].vlan.tags, (VlanTags{5, 9}));
  EXPECT_EQ(plan.thresholds.at(0).metric, "talk.tcp.rto");
}

TEST(Options, TheLaterSetWins) { EXPECT_EQ(plan_of(kScenario, setting({"seed=1", "seed=2"})).seed, 2U); }

TEST(Options, SetChangesOneUseOfAnAliasAlone) {
  const Plan plan = plan_of(
      std::string(kHead) + "hosts:\n  a: &a {port: lan, count: 2, ipv6: fd00::1/64, vlan: 1}\n  b: {<<: *a, vlan: 2}\n",
      setting({"hosts.b.count=5"}));
  EXPECT_EQ(plan.groups[0].count, 2U);
  EXPECT_EQ(plan.groups[1].count, 5U);
}

TEST(Options, AValueOfSetMayHoldEqualsAndDots) {
  const Plan plan =
      plan_of(kScenario, setting({"workloads.talk={from: clients, to: 10.0.9.9, http: {get: \"/a?b=c.d\"}}"}));
  EXPECT_EQ(std::get<HttpWorkload>(plan.workloads[0].kind).list[0].path, "/a?b=c.d");
}

TEST(Options, SetToNothing) {
  const Plan plan = plan_of(kScenario, setting({"workloads="}));
  EXPECT_TRUE(plan.workloads.empty());
}

TEST(Options, InterfacesByNameAndAlone) {
  LoadOptions options;
  options.interfaces = {"lan=veth0"};
  options.need_interfaces = true;
  EXPECT_EQ(plan_of(kScenario, options).ports[0].interface, "veth0");
  options.interfaces = {"veth1"};
  EXPECT_EQ(plan_of(kScenario, options).ports[0].interface, "veth1");
  options.interfaces = {"lan=eth0.100@x"};
  EXPECT_EQ(plan_of(kScenario, options).ports[0].interface, "eth0.100@x")
      << "an option is taken as it is, never as YAML";
}

TEST(Options, SeedAndDuration) {
  LoadOptions options;
  options.seed = "18446744073709551615";
  options.duration = "1.5s";
  const Plan plan = plan_of(kScenario, options);
  EXPECT_EQ(plan.seed, UINT64_MAX);
  EXPECT_EQ(plan.duration, Duration{1500ms});
}

TEST(Options, DurationWithoutAScenario) {
  EXPECT_EQ(*read_duration_option("--duration", "30s"), Duration{30s});
  const auto wrong = read_duration_option("--duration", "30");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().fault, Fault::kUsage);
  EXPECT_EQ(wrong.error().what, "--duration: a duration needs a unit: '30' of what?");
}

TEST(Variables, AreExpandedInEveryValue) {
  LoadOptions options;
  options.variable = [](const std::string& name) -> std::optional<std::string> {
    if (name == "COUNT") return "12";
    if (name == "NET") return "10.3";
    if (name == "EMPTY") return "";
    return std::nullopt;
  };
  const Plan plan = plan_of(std::string(kHead) + R"(
seed: ${COUNT}
duration: ${UNSET:-5s}
hosts:
  c:
    port: lan
    count: ${COUNT:-99}
    ipv4: ${NET}.${COUNT}.1/${BITS:-16}
    mtu: ${EMPTY:-1400}
workloads:
  w: {from: c, to: 10.3.0.1, http: {get: "/$${COUNT}/${COUNT}/$x", host: "a${EMPTY}b"}}
)",
                            options);
  EXPECT_EQ(plan.seed, 12U);
  EXPECT_EQ(plan.duration, Duration{5s});
  EXPECT_EQ(plan.groups[0].count, 12U);
  EXPECT_EQ(plan.groups[0].ipv4->text(), "10.3.12.1/16");
  EXPECT_EQ(plan.groups[0].mtu, 1400);
  EXPECT_EQ(std::get<HttpWorkload>(plan.workloads[0].kind).list[0].path, "/${COUNT}/12/$x");
  EXPECT_EQ(std::get<HttpWorkload>(plan.workloads[0].kind).host, "ab");
}

TEST(Variables, AreNotExpandedTwice) {
  LoadOptions options;
  options.variable = [](const std::string&) -> std::optional<std::string> { return "${X}"; };
  const Diagnostic d =
      refusal_of(std::string(kHead) + "seed: ${X}\nhosts: {c: {port: lan, ipv4: 10.0.0.1/8}}\n", options);
  EXPECT_EQ(d.what, "'${X}' is not a whole number");
}

TEST(Variables, AreBoundedTogether) {
  LoadOptions options;
  options.variable = [](const std::string&) -> std::optional<std::string> { return std::string(300'000, 'x'); };
  const Diagnostic d =
      refusal_of(std::string(kHead) +
                     "hosts: {c: {port: lan, ipv4: 10.0.0.1/8}}\nworkloads:\n  w: {from: c, to: '10.0.0.9:1', tcp: " +
                     "{script: [send: '${A}', send: '${A}', send: '${A}', send: '${A}']}}\n",
                 options);
  EXPECT_EQ(d.what, "the variables of the scenario are longer than 1MiB together");
}

TEST(Variables, ComeFromTheEnvironment) {
  ASSERT_EQ(setenv("MYRIAD_TEST_OF_THE_READER", "31", 1), 0);
  EXPECT_EQ(
      plan_of(std::string(kHead) + "seed: ${MYRIAD_TEST_OF_THE_READER}\nhosts: {c: {port: lan, ipv4: 10.0.0.1/8}}\n")
          .seed,
      31U);
  unsetenv("MYRIAD_TEST_OF_THE_READER");
}

class File : public ::testing::Test {
 protected:
  File() : path_(std::filesystem::path(::testing::TempDir()) / ("myriad-plan-" + std::to_string(getpid()) + ".yaml")) {}
  ~File() override { std::filesystem::remove(path_); }
  void write(const std::string& text) { std::ofstream(path_, std::ios::binary) << text; }
  std::filesystem::path path_;
};

TEST_F(File, IsLoaded) {
  write(kScenario);
  const auto plan = load(path_.string());
  ASSERT_TRUE(plan) << plan.error().what;
  EXPECT_EQ(plan->file, path_.string());
}

TEST_F(File, MayBeginWithAByteOrderMark) {
  write("\xef\xbb\xbf" + kScenario);
  EXPECT_TRUE(load(path_.string()));
}

TEST_F(File, ReportsComeAsOneText) {
  write("version: 1\nsed: 5\n");
  const auto plan = load(path_.string());
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().fault, Fault::kUsage);
  EXPECT_THAT(
      plan.error().what,
      HasSubstr(path_.string() + ":2:1: unknown key 'sed' in the scenario\n  sed: 5\n  ^\n  did you mean 'seed'?"));
}

TEST_F(File, ThatIsMissing) {
  const auto plan = load(path_.string());
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().fault, Fault::kUsage);
  EXPECT_EQ(plan.error().os_error, ENOENT);
  EXPECT_THAT(plan.error().message(), HasSubstr("No such file"));
}

TEST_F(File, ThatIsAFolder) {
  const auto plan = load(::testing::TempDir());
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().os_error, EISDIR);
}

TEST_F(File, ThatIsTooLarge) {
  write(kScenario + "#" + std::string(kMostTextBytes, 'x'));
  const auto plan = load(path_.string());
  ASSERT_FALSE(plan);
  EXPECT_THAT(plan.error().what, StartsWith(path_.string() + ": the file is larger than 1MiB"));
}

TEST_F(File, WithoutEndIsReadNoFurtherThanTheBound) {
  const auto plan = load("/dev/zero");
  ASSERT_FALSE(plan);
  EXPECT_THAT(plan.error().what, HasSubstr("larger than 1MiB"));
}

}  // namespace
}  // namespace myriad::plan
