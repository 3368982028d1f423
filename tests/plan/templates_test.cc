// Every scenario that ships is good, as it stands and bound to an interface.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "tests/plan/plan_of.h"

namespace myriad::plan {
namespace {

std::vector<std::string> shipped() {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(MYRIAD_TEMPLATES)) {
    if (entry.path().extension() == ".yaml") paths.push_back(entry.path().stem().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string path_of(const std::string& name) { return std::string(MYRIAD_TEMPLATES) + "/" + name + ".yaml"; }

LoadOptions without_variables() {
  LoadOptions options;
  options.variable = [](const std::string&) -> std::optional<std::string> { return std::nullopt; };
  return options;
}

Plan shipped_plan(const std::string& name) {
  auto plan = load(path_of(name), without_variables());
  if (plan) return std::move(*plan);
  ADD_FAILURE() << plan.error().what;
  return {};
}

class TemplateTest : public ::testing::TestWithParam<std::string> {};

TEST_P(TemplateTest, LoadsWithItsDefaults) {
  const Plan plan = shipped_plan(GetParam());
  ASSERT_EQ(plan.ports.size(), 1U);
  EXPECT_EQ(plan.ports[0].interface, "") << "sends nowhere by itself";
  EXPECT_FALSE(describe(plan).empty());
}

TEST_P(TemplateTest, RunsOnceAnInterfaceIsNamed) {
  LoadOptions options = without_variables();
  options.need_interfaces = true;
  EXPECT_FALSE(load(path_of(GetParam()), options));
  options.interfaces = {"eth1"};
  EXPECT_TRUE(load(path_of(GetParam()), options));
}

INSTANTIATE_TEST_SUITE_P(Shipped, TemplateTest, ::testing::ValuesIn(shipped()),
                         [](const auto& row) { return row.param; });

TEST(Templates, AreThese) {
  EXPECT_THAT(shipped(),
              ::testing::ElementsAre("catch_all", "dns_storm", "dual_stack", "flows_imix", "flows_rows", "hosts_talk",
                                     "http_clients", "https_clients", "idle_connections", "personalities", "ping_all",
                                     "ramp", "replay_hosts", "servers", "smb_hold_300", "smb_mount_storm", "tcp_script",
                                     "vlan_building", "web_browsing"));
}

TEST(Templates, IdleConnectionsHolds18000) {
  const Plan plan = shipped_plan("idle_connections");
  EXPECT_EQ(plan.workloads.at(0).load.concurrent, 18'000U);
  EXPECT_EQ(plan.groups.at(0).count, 1000U);
}

TEST(Templates, TargetsComeFromVariables) {
  LoadOptions options = without_variables();
  options.variable = [](const std::string& name) -> std::optional<std::string> {
    if (name == "TARGET") return "10.0.7.7:8080";
    return std::nullopt;
  };
  const auto plan = load(path_of("http_clients"), options);
  ASSERT_TRUE(plan) << plan.error().what;
  EXPECT_EQ(std::get<IpAddress>(plan->workloads[0].to.address).text(), "10.0.7.7");
  EXPECT_EQ(plan->workloads[0].to.port, Port{8080});
}

}  // namespace
}  // namespace myriad::plan
