#include "cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/exit_code.h"

namespace myriad::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <class Wanted>
Wanted parsed(const std::vector<std::string>& arguments) {
  auto command = parse_command_line(arguments);
  EXPECT_TRUE(command) << (command ? "" : command.error().what);
  if (!command || !std::holds_alternative<Wanted>(*command)) {
    ADD_FAILURE() << "another command";
    return {};
  }
  return std::get<Wanted>(*command);
}

Error refused(const std::vector<std::string>& arguments) {
  const auto command = parse_command_line(arguments);
  EXPECT_FALSE(command);
  if (command) return {};
  EXPECT_EQ(exit_code(command.error().fault), ExitCode::kUsage);
  EXPECT_FALSE(command.error().what.empty());
  EXPECT_FALSE(command.error().cure.empty());
  return command.error();
}

TEST(CommandLine, RunTakesEveryOptionOfTheContract) {
  const auto run = parsed<RunCommand>({"run",
                                       "a.yaml",
                                       "-i",
                                       "lan=eth1",
                                       "-i",
                                       "wan=eth2",
                                       "--set",
                                       "seed=3",
                                       "--set",
                                       "workloads.fetch.load.total=10",
                                       "--duration",
                                       "30s",
                                       "--seed",
                                       "7",
                                       "--mode",
                                       "copy",
                                       "--json",
                                       "-",
                                       "--hosts-json",
                                       "h.jsonl",
                                       "--report",
                                       "r.html",
                                       "--metrics",
                                       "127.0.0.1:9477",
                                       "--events",
                                       "e.jsonl",
                                       "--capture",
                                       "c.pcapng",
                                       "--quiet",
                                       "-v",
                                       "--allow-default-route",
                                       "--capture-filter",
                                       "arp or icmp"});
  EXPECT_EQ(run.scenario.file, "a.yaml");
  EXPECT_THAT(run.scenario.interfaces, ElementsAre("lan=eth1", "wan=eth2"));
  EXPECT_THAT(run.scenario.set, ElementsAre("seed=3", "workloads.fetch.load.total=10"));
  EXPECT_EQ(run.scenario.duration, "30s");
  EXPECT_EQ(run.scenario.seed, "7");
  EXPECT_EQ(run.run.mode, plan::PortMode::kCopy);
  EXPECT_EQ(run.run.json, "-");
  EXPECT_EQ(run.run.hosts_json, "h.jsonl");
  EXPECT_EQ(run.run.report, "r.html");
  EXPECT_EQ(run.run.metrics, "127.0.0.1:9477");
  EXPECT_EQ(run.run.events, "e.jsonl");
  EXPECT_EQ(run.run.capture, "c.pcapng");
  EXPECT_EQ(run.run.capture_filter, "arp or icmp");
  EXPECT_TRUE(run.run.quiet);
  EXPECT_TRUE(run.run.verbose);
  EXPECT_TRUE(run.run.allow_default_route);
}

TEST(CommandLine, OptionsMayComeBeforeTheFile) {
  const auto run = parsed<RunCommand>({"run", "-i", "eth1", "--set", "a=b", "file.yaml"});
  EXPECT_EQ(run.scenario.file, "file.yaml");
  EXPECT_THAT(run.scenario.interfaces, ElementsAre("eth1"));
}

TEST(CommandLine, DefaultsAreModest) {
  const auto run = parsed<RunCommand>({"run", "a.yaml"});
  EXPECT_FALSE(run.run.mode);
  EXPECT_FALSE(run.run.json);
  EXPECT_FALSE(run.run.quiet);
  EXPECT_FALSE(run.run.allow_default_route);
}

TEST(CommandLine, EveryMode) {
  using plan::PortMode;
  for (const auto& [text, mode] : {std::pair{"auto", PortMode::kAuto},
                                   {"zero-copy", PortMode::kZeroCopy},
                                   {"copy", PortMode::kCopy},
                                   {"skb", PortMode::kSkb}}) {
    EXPECT_EQ(parsed<RunCommand>({"run", "a.yaml", "--mode", text}).run.mode, mode);
  }
  EXPECT_THAT(refused({"run", "a.yaml", "--mode", "fast"}).what, HasSubstr("fast"));
}

TEST(CommandLine, WhatDoesNotExistIsUnknown) {
  for (const char* option : {"--frobnicate", "--metric"}) {
    EXPECT_THAT(refused({"run", "a.yaml", option, "x"}).what, HasSubstr(option));
  }
  EXPECT_THAT(refused({"fly", "x"}).what, HasSubstr("fly"));
  EXPECT_THAT(refused({"replay", "x"}).what, HasSubstr("--interface"));
}

TEST(CommandLine, IncompleteOnesAreRefused) {
  refused({});
  EXPECT_THAT(refused({"run"}).what, HasSubstr("FILE"));
  EXPECT_THAT(refused({"run"}).cure, HasSubstr("myriad run --help"));
  refused({"run", "a.yaml", "b.yaml"});
  refused({"run", "a.yaml", "--json"});
  refused({"validate"});
  refused({"list"});
  EXPECT_THAT(refused({"hosts", "-i", "eth1"}).what, HasSubstr("addresses"));
  EXPECT_THAT(refused({"hosts", "--ipv4", "10.0.0.1/16"}).what, HasSubstr("interface"));
  EXPECT_THAT(refused({"hosts", "-i", "eth1", "--ipv4", "10.0.0.1/16", "--count", "0"}).what, HasSubstr("0"));
  refused({"hosts", "-i", "eth1", "--ipv4", "10.0.0.1/16", "--count", "many"});
}

TEST(CommandLine, Hosts) {
  const auto hosts = parsed<HostsCommand>({"hosts", "-i", "eth1", "--ipv4", "10.0.1.1/16", "--count", "1000", "--ipv6",
                                           "fd00::1/64", "--mac", "from-ipv4", "--gateway", "10.0.255.254", "--vlan",
                                           "100,7", "--duration", "5s", "--allow-default-route"});
  EXPECT_EQ(hosts.interface, "eth1");
  EXPECT_EQ(hosts.count, 1000U);
  EXPECT_EQ(hosts.ipv4, "10.0.1.1/16");
  EXPECT_EQ(hosts.ipv6, "fd00::1/64");
  EXPECT_EQ(hosts.mac, "from-ipv4");
  EXPECT_EQ(hosts.gateway, "10.0.255.254");
  EXPECT_EQ(hosts.vlan, "100,7");
  EXPECT_EQ(hosts.duration, "5s");
  EXPECT_TRUE(hosts.run.allow_default_route);
}

TEST(CommandLine, OtherVerbs) {
  EXPECT_EQ(parsed<ValidateCommand>({"validate", "a.yaml"}).scenario.file, "a.yaml");
  EXPECT_EQ(parsed<DoctorCommand>({"doctor", "eth1"}).interface, "eth1");
  EXPECT_FALSE(parsed<DoctorCommand>({"doctor"}).interface);
  EXPECT_EQ(parsed<ListCommand>({"list", "interfaces"}).what, ListCommand::What::kInterfaces);
  EXPECT_EQ(parsed<ListCommand>({"list", "protocols"}).what, ListCommand::What::kProtocols);
  EXPECT_EQ(parsed<ListCommand>({"list", "fields"}).what, ListCommand::What::kFields);
  EXPECT_EQ(parsed<ListCommand>({"list", "metrics"}).what, ListCommand::What::kMetrics);
  EXPECT_EQ(parsed<DemoCommand>({"demo", "--json", "-"}).run.json, "-");
}

TEST(CommandLine, OtherListsAreRefused) { EXPECT_THAT(refused({"list", "stars"}).cure, HasSubstr("interfaces")); }

TEST(CommandLine, VersionAndHelpArePrinted) {
  for (const char* library : {"libbpf ", "libxdp ", "yaml-cpp ", "Boost 1.", "OpenSSL 3"}) {
    EXPECT_THAT(parsed<PrintCommand>({"--version"}).text, HasSubstr(library));
  }
  EXPECT_THAT(parsed<PrintCommand>({"--help"}).text, HasSubstr("doctor"));
  EXPECT_THAT(parsed<PrintCommand>({"--help"}).text, HasSubstr("99"));
  EXPECT_THAT(parsed<PrintCommand>({"run", "--help"}).text, HasSubstr("--capture"));
}

TEST(ExitCodes, AreThoseOfTheContract) {
  EXPECT_EQ(static_cast<int>(exit_code(Fault::kRun)), 1);
  EXPECT_EQ(static_cast<int>(exit_code(Fault::kUsage)), 2);
  EXPECT_EQ(static_cast<int>(exit_code(Fault::kMachine)), 3);
  EXPECT_EQ(static_cast<int>(exit_code(report::Verdict::kPass)), 0);
  EXPECT_EQ(static_cast<int>(exit_code(report::Verdict::kError)), 1);
  EXPECT_EQ(static_cast<int>(exit_code(report::Verdict::kNoAnswer)), 4);
  EXPECT_EQ(static_cast<int>(exit_code(report::Verdict::kFail)), 99);
  EXPECT_EQ(static_cast<int>(exit_code(report::Verdict::kInterrupted)), 130);
}

}  // namespace
}  // namespace myriad::cli
