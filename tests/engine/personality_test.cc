// From what a scenario says about TCP to what the hosts of a group are told, and to what they put on the wire.
#include <gtest/gtest.h>

#include <map>

#include "stack/wire/ip.h"
#include "stack/wire/tcp.h"
#include "templates/plan/keys.h"
#include "templates/plan/load.h"
#include "tests/engine/site.h"

namespace myriad::engine {
namespace {

using std::chrono::milliseconds;

tcp::Personality personality_of(std::vector<std::string> set) {
  plan::LoadOptions options;
  options.set = std::move(set);
  const auto plan = plan::load_text(
      "scenario.yaml", "version: 1\nports: {lan: {}}\nhosts: {c: {port: lan, ipv4: 10.0.0.1/8, tcp: {}}}\n", options);
  if (!plan) {
    ADD_FAILURE() << plan.error().front().text();
    return {};
  }
  return place(*plan, 0).groups.at(0).tcp;
}

// Everything there is, as text: a member that is added to the personality must be named here, or this does not compile.
std::map<std::string, std::string> members_of(const tcp::Personality& personality) {
  const auto& [mss, receive_window, window_scale, timestamps, sack, rack_tlp, congestion, initial_window, hop_limit,
               nagle, delayed_ack, rto_min, rto_initial, rto_max, time_wait, fin_wait2, syn_retries, syn_ack_retries,
               retries, keep_alive, keep_alive_interval, keep_alive_probes, repeat_fin] = personality;
  const auto number = [](auto value) { return std::to_string(value); };
  return {{"mss", number(mss)},
          {"window", number(receive_window)},
          {"window_scale", window_scale ? number(*window_scale) : "none"},
          {"timestamps", number(timestamps)},
          {"sack", number(sack)},
          {"rack_tlp", number(rack_tlp)},
          {"congestion", number(static_cast<int>(congestion))},
          {"initial_window", number(initial_window)},
          {"ttl", number(hop_limit)},
          {"nagle", number(nagle)},
          {"delayed_ack", number(delayed_ack.count())},
          {"rto_min", number(rto_min.count())},
          {"rto_initial", number(rto_initial.count())},
          {"rto_max", number(rto_max.count())},
          {"time_wait", number(time_wait.count())},
          {"fin_wait2", number(fin_wait2.count())},
          {"syn_retries", number(syn_retries)},
          {"syn_ack_retries", number(syn_ack_retries)},
          {"retries", number(retries)},
          {"keep_alive", number(keep_alive.count())},
          {"keep_alive_interval", number(keep_alive_interval.count())},
          {"keep_alive_probes", number(keep_alive_probes)},
          {"repeat_fin", number(repeat_fin)}};
}

const std::map<std::string, std::string> kDefaults = members_of(tcp::Personality{});

TEST(Personality, EveryMemberHasItsKeyAndEveryKeyItsMember) {
  EXPECT_EQ(kDefaults.size(), std::size(plan::kTcpPersonalityKeys));
  for (const plan::Key& key : plan::kTcpPersonalityKeys)
    EXPECT_TRUE(kDefaults.contains(std::string(key.name))) << key.name;
}

TEST(Personality, NothingSaidIsTheStacksDefault) { EXPECT_EQ(members_of(personality_of({})), kDefaults); }

// The defaults that are documented are those that hosts have.
TEST(Personality, TheDocumentedDefaultsAreTrue) {
  for (const plan::Key& key : plan::kTcpPersonalityKeys) {
    const std::string set = "hosts.c.tcp." + std::string(key.name) + "=" + std::string(key.fallback);
    EXPECT_EQ(members_of(personality_of({set})), kDefaults) << set;
  }
}

TEST(Personality, EveryKeyChangesItsMemberAlone) {
  const std::map<std::string, std::string> others = {{"mss", "1400"},
                                                     {"window", "128KiB"},
                                                     {"window_scale", "4"},
                                                     {"timestamps", "false"},
                                                     {"sack", "false"},
                                                     {"rack_tlp", "false"},
                                                     {"congestion", "newreno"},
                                                     {"ttl", "65"},
                                                     {"initial_window", "11"},
                                                     {"nagle", "false"},
                                                     {"delayed_ack", "41ms"},
                                                     {"rto_min", "201ms"},
                                                     {"rto_initial", "2s"},
                                                     {"rto_max", "61s"},
                                                     {"time_wait", "61s"},
                                                     {"fin_wait2", "301s"},
                                                     {"syn_retries", "7"},
                                                     {"syn_ack_retries", "4"},
                                                     {"retries", "13"},
                                                     {"keep_alive", "2h"},
                                                     {"keep_alive_interval", "76s"},
                                                     {"keep_alive_probes", "9"},
                                                     {"repeat_fin", "true"}};
  for (const plan::Key& key : plan::kTcpPersonalityKeys) {
    const std::string name(key.name);
    auto members = members_of(personality_of({"hosts.c.tcp." + name + "=" + others.at(name)}));
    EXPECT_NE(members[name], kDefaults.at(name)) << name;
    members[name] = kDefaults.at(name);
    if (name == "sack") members["rack_tlp"] = kDefaults.at("rack_tlp");  // which cannot be without it
    EXPECT_EQ(members, kDefaults) << name;
  }
}

TEST(Personality, OfWindowAndScaleTheUnsaidFollowsTheSaid) {
  const auto large = personality_of({"hosts.c.tcp.window=1MiB"});
  EXPECT_EQ(large.receive_window, 1U << 20);
  EXPECT_EQ(large.window_scale, 4);
  EXPECT_EQ(personality_of({"hosts.c.tcp.window=1GiB"}).window_scale, 14);
  const auto unscaled = personality_of({"hosts.c.tcp.window_scale=none"});
  EXPECT_EQ(unscaled.window_scale, std::nullopt);
  EXPECT_EQ(unscaled.receive_window, 64U << 10);
  EXPECT_EQ(personality_of({"hosts.c.tcp.window_scale=1"}).receive_window, 128U << 10);
}

TEST(Personality, WithoutSackThereIsNoRack) { EXPECT_FALSE(personality_of({"hosts.c.tcp.sack=false"}).rack_tlp); }

// Timeouts of which only some are said never contradict the defaults of the others.
TEST(Personality, TheEndsOfTheRangesAgreeWithTheDefaults) {
  for (const char* const set : {"rto_min=1m", "rto_initial=1m", "rto_max=1s"}) {
    const auto personality = personality_of({std::string("hosts.c.tcp.") + set});
    EXPECT_LE(personality.rto_min, personality.rto_max) << set;
    EXPECT_LE(personality.rto_initial, personality.rto_max) << set;
  }
}

TEST(Personality, AWorkloadCarriesWhatItSaysAlone) {
  Site site;
  site.add("plain", plan::HttpWorkload{}, 80);
  plan::Workload& own = site.add("own", plan::HttpWorkload{}, 80);
  own.congestion = plan::Congestion::kCubic;
  own.initial_window = 3;
  const Placement placement = place(site.plan, 0);
  EXPECT_EQ(placement.workloads[0].congestion, std::nullopt);
  EXPECT_EQ(placement.workloads[0].initial_window, std::nullopt);
  EXPECT_EQ(placement.workloads[1].congestion, tcp::Congestion::kCubic);
  EXPECT_EQ(placement.workloads[1].initial_window, 3);
}

// What a SYN shows of its sender.
struct Syn {
  std::uint16_t window = 0;
  std::uint8_t ttl = 0;
  wire::TcpOptions options;
};

// The SYNs, and SYN-ACKs, by the address they come from.
std::map<std::string, Syn> collect_syns(Site& site) {
  std::map<std::string, Syn> syns;
  site.start();
  site.network->filter = [&syns](Bytes frame, Instant) {
    const auto ethernet = wire::EthernetView::parse(frame);
    const auto ip = wire::IpView::parse(ethernet->payload(), ethernet->ether_type());
    if (!ip || ip->protocol() != wire::kProtocolTcp) return true;
    const auto segment = wire::TcpView::parse(ip->payload());
    if (segment && segment->has(wire::kTcpSyn)) {
      syns[ip->src().text()] = {segment->window(), ip->hop_limit(), segment->options()};
    }
    return true;
  };
  EXPECT_TRUE(site.run());
  return syns;
}

TEST(Personality, TwoGroupsSendDifferentSyns) {
  Site site{2};
  plan::HostGroup old = site.plan.groups[Site::kClients];
  old.name = "old";
  old.mac = *MacAddress::parse("02:4d:00:00:09:01");
  old.ipv4 = Ipv4Prefix::parse("10.0.9.1/8");
  old.ipv6 = Ipv6Prefix::parse("fd00::9:1/64");
  old.tcp.mss = 1200;
  old.tcp.window_bytes = 20'000;
  old.tcp.window_scale = plan::WindowScale{};
  old.tcp.timestamps = false;
  old.tcp.sack = false;
  old.tcp.ttl = 128;
  site.plan.groups.push_back(old);
  plan::HostGroup& servers = site.plan.groups[Site::kServers];
  servers.tcp.window_bytes = 1 << 20;
  servers.tcp.window_scale = plan::WindowScale{7};
  servers.tcp.ttl = 63;
  site.add("modern", plan::HttpWorkload{}, 80);
  site.add("old", plan::HttpWorkload{}, 80).from = 2;
  site.add("old6", plan::HttpWorkload{}, 80).from = 2;
  site.plan.workloads.back().to.address = *IpAddress::parse("fd00::2:1");
  const auto syns = collect_syns(site);
  ASSERT_EQ(site.workload(0).sessions_succeeded, 2U);
  ASSERT_EQ(site.workload(1).sessions_succeeded, 2U);
  ASSERT_EQ(site.workload(2).sessions_succeeded, 2U);

  for (const char* const address : {"10.0.1.1", "10.0.1.2"}) {
    const Syn& modern = syns.at(address);
    EXPECT_EQ(modern.window, 65'535);
    EXPECT_EQ(modern.ttl, 64);
    EXPECT_EQ(modern.options.mss, 1460);
    EXPECT_EQ(modern.options.window_scale, 3);
    EXPECT_TRUE(modern.options.has_timestamps);
    EXPECT_TRUE(modern.options.sack_permitted);
  }
  for (const char* const address : {"10.0.9.1", "10.0.9.2", "fd00::9:1", "fd00::9:2"}) {
    const Syn& aged = syns.at(address);
    EXPECT_EQ(aged.window, 20'000) << address;
    EXPECT_EQ(aged.ttl, 128);
    EXPECT_EQ(aged.options.mss, 1200);
    EXPECT_EQ(aged.options.window_scale, std::nullopt);
    EXPECT_FALSE(aged.options.has_timestamps);
    EXPECT_FALSE(aged.options.sack_permitted);
  }
  EXPECT_EQ(syns.at("10.0.2.1").ttl, 63) << "serving hosts have the personality of their group as well";
}

}  // namespace
}  // namespace myriad::engine
