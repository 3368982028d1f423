// `myriad replay` and `myriad send`: what each option becomes, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/exit_code.h"
#include "cli/replay.h"

namespace myriad::cli {
namespace {

using namespace std::chrono_literals;
using plan::ReplaySpeedKind;
using ::testing::HasSubstr;

const std::string kCapture = MYRIAD_SAMPLES "/http_us.pcap";

Result<Command> command_of(const std::vector<std::string>& options) {
  std::vector<std::string> words = {"replay", "-i", "eth1", kCapture};
  words.insert(words.end(), options.begin(), options.end());
  return parse_command_line(words);
}

plan::Plan plan_of(const std::vector<std::string>& options) {
  const auto command = command_of(options);
  EXPECT_TRUE(command) << (command ? "" : command.error().what);
  if (!command) return {};
  auto plan = replay_plan(std::get<ReplayCommand>(*command));
  EXPECT_TRUE(plan) << (plan ? "" : plan.error().what);
  return plan ? std::move(*plan) : plan::Plan{};
}
plan::ReplayPlan replay_of(const std::vector<std::string>& options) {
  const plan::Plan plan = plan_of(options);
  EXPECT_EQ(plan.replays.size(), 1U);
  return plan.replays.empty() ? plan::ReplayPlan{} : plan.replays[0];
}

// By the command line or by the plan that it stands for.
Error refused(const std::vector<std::string>& options) {
  const auto command = command_of(options);
  if (!command) {
    EXPECT_EQ(exit_code(command.error().fault), ExitCode::kUsage);
    return command.error();
  }
  const auto plan = replay_plan(std::get<ReplayCommand>(*command));
  EXPECT_FALSE(plan);
  if (plan) return {};
  EXPECT_EQ(exit_code(plan.error().fault), ExitCode::kUsage);
  EXPECT_FALSE(plan.error().cure.empty());
  return plan.error();
}

TEST(ReplayOptions, AloneSendTheCaptureOnceAsItWasCaptured) {
  const plan::Plan plan = plan_of({});
  ASSERT_EQ(plan.ports.size(), 1U);
  EXPECT_EQ(plan.ports[0].interface, "eth1");
  EXPECT_TRUE(plan.groups.empty());
  ASSERT_EQ(plan.replays.size(), 1U);
  const plan::ReplayPlan& replay = plan.replays[0];
  EXPECT_EQ(replay.pcap, kCapture);
  EXPECT_EQ(replay.speed.kind, ReplaySpeedKind::kCaptured);
  EXPECT_EQ(replay.speed.multiplier, 1);
  EXPECT_EQ(replay.loops, 1U);
  EXPECT_FALSE(replay.limit || replay.duration || replay.clients || replay.servers || replay.answers_port);
}

TEST(ReplayOptions, SpeedIsSaidInOneOfFourWays) {
  EXPECT_EQ(replay_of({"-x", "2.5"}).speed.multiplier, 2.5);
  EXPECT_EQ(replay_of({"--multiplier", "0.1"}).speed.multiplier, 0.1);
  for (const char* const pps : {"5000", "5kpps", "5000pps"}) {
    const plan::ReplaySpeed speed = replay_of({"--pps", pps}).speed;
    EXPECT_EQ(speed.kind, ReplaySpeedKind::kFrames);
    EXPECT_EQ(speed.per_second, 5000);
  }
  for (const char* const mbps : {"2.5", "2500kbps"}) {
    const plan::ReplaySpeed speed = replay_of({"-M", mbps}).speed;
    EXPECT_EQ(speed.kind, ReplaySpeedKind::kBits);
    EXPECT_EQ(speed.per_second, 2'500'000);
    EXPECT_EQ(speed.overhead_bytes, 4U) << "frames with FCS";
  }
  EXPECT_EQ(replay_of({"-t"}).speed.kind, ReplaySpeedKind::kMax);
  refused({"-t", "-p", "100"});
  refused({"--multiplier", "2", "--mbps", "10"});
}

TEST(ReplayOptions, LoopsLimitAndDuration) {
  EXPECT_EQ(replay_of({"--loop", "7"}).loops, 7U);
  EXPECT_FALSE(replay_of({"-l", "0"}).loops.has_value()) << "until ^C";
  EXPECT_EQ(replay_of({"-L", "70"}).limit, 70U);
  EXPECT_EQ(replay_of({"--duration", "3"}).duration, 3s);
  EXPECT_EQ(replay_of({"--duration", "1.5"}).duration, 1500ms);
  EXPECT_EQ(replay_of({"--duration", "2m"}).duration, 2min);
}

TEST(ReplayOptions, SourcesBecomeHosts) {
  const plan::Plan plan = plan_of({"--map-ipv4", "10.9.0.1/16", "--map-ipv6", "fd09::1/64", "--map-mac",
                                   "02:aa:00:00:00:01", "--map-vlan", "100,7", "--map-hosts", "50"});
  ASSERT_EQ(plan.groups.size(), 1U);
  const plan::HostGroup& hosts = plan.groups[0];
  EXPECT_EQ(hosts.count, 50U);
  EXPECT_EQ(hosts.ipv4->text(), "10.9.0.1/16");
  EXPECT_EQ(hosts.ipv6->text(), "fd09::1/64");
  EXPECT_EQ(hosts.mac.text(), "02:aa:00:00:00:01");
  EXPECT_EQ(hosts.vlan.tags.outer, 100);
  EXPECT_EQ(hosts.vlan.tags.inner, 7);
  EXPECT_EQ(plan.replays[0].clients, 0U);
  EXPECT_FALSE(plan.replays[0].servers.has_value());
  EXPECT_EQ(plan_of({"--map-ipv4", "10.9.0.1/16"}).groups[0].count, 1U);
}

TEST(ReplayOptions, MistakesAreRefusedInTheirOwnWords) {
  EXPECT_THAT(refused({"-x", "0"}).what, HasSubstr("'0' times as fast"));
  EXPECT_THAT(refused({"-x", "fast"}).what, HasSubstr("fast"));
  EXPECT_THAT(refused({"-p", "0"}).what, HasSubstr("no rate to send at"));
  EXPECT_THAT(refused({"-p", "10Mbps"}).what, HasSubstr("10Mbps"));
  EXPECT_THAT(refused({"-M", "-5"}).what, HasSubstr("-5"));
  EXPECT_THAT(refused({"-l", "-1"}).what, HasSubstr("-1"));
  EXPECT_THAT(refused({"-L", "0"}).what, HasSubstr("0"));
  EXPECT_THAT(refused({"--duration", "soon"}).what, HasSubstr("soon"));
  EXPECT_THAT(refused({"--map-ipv4", "10.9.0.1"}).what, HasSubstr("10.9.0.1"));
  EXPECT_THAT(refused({"--map-hosts", "0"}).what, HasSubstr("0"));
  EXPECT_THAT(refused({"--map-ipv4", "10.9.0.1/16", "--map-vlan", "5000"}).what, HasSubstr("5000"));
}

TEST(ReplayOptions, AFileThatIsNoCaptureIsRefusedByName) {
  ReplayCommand command;
  command.interface = "eth1";
  command.file = "no such ${HOME} \"file\".pcap";
  auto plan = replay_plan(command);
  ASSERT_FALSE(plan);
  EXPECT_THAT(plan.error().what, HasSubstr(command.file)) << "a path means itself";
  command.file = MYRIAD_SAMPLES "/MANIFEST";
  plan = replay_plan(command);
  ASSERT_FALSE(plan);
  EXPECT_THAT(plan.error().what, HasSubstr("MANIFEST"));
}

TEST(SendOptions, BecomeThoseOfTheFlow) {
  const auto command =
      parse_command_line({"send",     "-i",         "eth1",   "--packet", "ethernet: {dst: 02:00:00:00:00:01}",
                          "--size",   "128B",       "--rate", "10kpps",   "--count",
                          "100",      "--duration", "30s",    "--data",   "rows.csv",
                          "--mutate", "{bits: 1%}", "--seed", "7",        "--mode",
                          "copy",     "--json",     "-",      "-q"});
  ASSERT_TRUE(command) << command.error().what;
  const auto& send = std::get<SendCommand>(*command);
  EXPECT_EQ(send.flow.interface, "eth1");
  EXPECT_EQ(send.flow.packet, "ethernet: {dst: 02:00:00:00:00:01}");
  EXPECT_EQ(send.flow.size, "128B");
  EXPECT_EQ(send.flow.rate, "10kpps");
  EXPECT_EQ(send.flow.count, "100");
  EXPECT_EQ(send.flow.duration, "30s");
  EXPECT_EQ(send.flow.data, "rows.csv");
  EXPECT_EQ(send.flow.mutate, "{bits: 1%}");
  EXPECT_EQ(send.flow.seed, "7");
  EXPECT_EQ(send.flow.mode, plan::PortMode::kCopy);
  EXPECT_EQ(send.run.json, "-");
  EXPECT_TRUE(send.run.quiet);
}

TEST(SendOptions, NeedAnInterfaceAndAPacket) {
  const auto refused_for = [](const std::vector<std::string>& words) {
    const auto command = parse_command_line(words);
    EXPECT_FALSE(command);
    return command ? std::string{} : command.error().what;
  };
  EXPECT_THAT(refused_for({"send", "--packet", "ethernet"}), HasSubstr("--interface"));
  EXPECT_THAT(refused_for({"send", "-i", "eth1"}), HasSubstr("--packet"));
  EXPECT_THAT(refused_for({"send", "-i", "eth1", "--packet", "ethernet", "--mode", "fast"}), HasSubstr("fast"));
  EXPECT_THAT(refused_for({"send", "-i", "eth1", "--packet", "ethernet", "--loop", "2"}), HasSubstr("--loop"));
}

}  // namespace
}  // namespace myriad::cli
