// Services on every port: what is asked for, what is answered, and that strangers cannot fill the memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/asked.h"
#include "engine/sessions.h"
#include "tests/engine/site.h"

namespace myriad::engine {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Bytes bytes(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

const IpAddress kHost = *IpAddress::parse("10.0.2.1");

TEST(Asked, CountsByAddressProtocolAndPort) {
  Asked asked{10, 64};
  const Instant now = Instant{5};
  const std::uint32_t first = asked.note(kHost, true, Port{22}, now);
  EXPECT_EQ(asked.note(kHost, true, Port{22}, now + seconds{1}), first);
  EXPECT_NE(asked.note(kHost, false, Port{22}, now), first);
  EXPECT_NE(asked.note(kHost, true, Port{23}, now), first);
  EXPECT_NE(asked.note(*IpAddress::parse("10.0.2.2"), true, Port{22}, now), first);
  EXPECT_NE(asked.note(*IpAddress::parse("fd00::1"), true, Port{22}, now), first);
  ASSERT_EQ(asked.entries().size(), 5U);
  EXPECT_EQ(asked.entries()[first].times, 2U);
  EXPECT_EQ(asked.entries()[first].first_at, now);
  EXPECT_EQ(asked.entries()[1].times, 1U);
  EXPECT_EQ(asked.unlisted(), 0U);
}

TEST(Asked, RemembersNoMoreThanItMay) {
  Asked asked{3, 8};
  for (std::uint16_t round = 0; round < 4; ++round) {
    for (std::uint16_t port = 1; port <= 1000; ++port) {
      const std::uint32_t entry = asked.note(kHost, true, Port{port}, Instant{});
      EXPECT_EQ(entry == Asked::kNone, port > 3) << port;
      asked.hear(entry, 0, bytes("more than eight bytes"));
      asked.leave(entry, 0);
    }
  }
  ASSERT_EQ(asked.entries().size(), 3U);
  for (const Asked::Entry& entry : asked.entries()) {
    EXPECT_EQ(entry.first, "more tha");
    EXPECT_EQ(entry.times, 4U);
  }
  EXPECT_EQ(asked.unlisted(), 4 * 997U);
}

TEST(Asked, TheFirstBytesAreThoseOfOneConversation) {
  Asked asked{3, 8};
  const std::uint32_t entry = asked.note(kHost, true, Port{1}, Instant{});
  asked.leave(entry, 4);  // it has said nothing
  asked.hear(entry, 5, bytes(""));
  asked.hear(entry, 6, bytes("abc"));
  asked.hear(entry, 7, bytes("XYZ"));
  EXPECT_FALSE(asked.listens(entry, 7));
  EXPECT_TRUE(asked.listens(entry, 6));
  asked.hear(entry, 6, bytes("de"));
  EXPECT_EQ(asked.entries()[entry].first, "abcde");
  asked.leave(entry, 7);
  EXPECT_TRUE(asked.listens(entry, 6));
  asked.leave(entry, 6);
  asked.hear(entry, 6, bytes("another one of that number"));
  EXPECT_EQ(asked.entries()[entry].first, "abcde");
}

TEST(Asked, MayRememberNoBytesAtAll) {
  Asked asked{3, 0};
  const std::uint32_t entry = asked.note(kHost, true, Port{1}, Instant{});
  EXPECT_FALSE(asked.listens(entry, 1));
  asked.hear(entry, 1, bytes("abc"));
  EXPECT_EQ(asked.entries()[entry].first, "");
}

struct Scene {
  Site site;
  explicit Scene(plan::CatchAllService all, std::uint32_t hosts = 3) : site{hosts} {
    site.plan.services.push_back({"all", Site::kServers, plan::kEveryOtherPort, std::move(all)});
  }
  plan::Workload& tcp(std::string name, std::uint16_t port, std::vector<plan::ScriptStep> steps) {
    return site.add(std::move(name), plan::TcpWorkload{std::move(steps)}, port);
  }
  plan::Workload& udp(std::string name, std::uint16_t port, std::vector<plan::ScriptStep> steps) {
    return site.add(std::move(name), plan::UdpWorkload{std::move(steps)}, port);
  }
  [[nodiscard]] std::vector<std::string> asked() const {
    std::vector<std::string> lines;
    for (const Asked::Entry& entry : site.servers->sessions().services().asked_of(3)->entries()) {
      lines.push_back(entry.address.text() + (entry.tcp ? " tcp " : " udp ") + std::to_string(entry.port.number) + " " +
                      std::to_string(entry.times) + " " + entry.first);
    }
    return lines;
  }
  [[nodiscard]] ServiceCounters service() const { return site.counters().services[3]; }
};

TEST(CatchAll, AcceptsWhateverIsAskedAndListens) {
  Scene scene{{}};
  scene.tcp("ssh", 22, {plan::SendText{"SSH-2.0-x"}, plan::SendBytes{100'000}, plan::CloseStream{}});
  scene.tcp("high", 65'535, {plan::SendText{"hi"}, plan::CloseStream{}}).after = 0;
  ASSERT_TRUE(scene.site.run());
  EXPECT_EQ(scene.site.workload(0).sessions_succeeded, 3U);
  EXPECT_EQ(scene.site.workload(1).sessions_succeeded, 3U);
  const std::vector<std::string> asked = scene.asked();
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_TRUE(asked[0].starts_with("10.0.2.1 tcp 22 3 SSH-2.0-x")) << asked[0];
  EXPECT_EQ(asked[0].size(), std::string("10.0.2.1 tcp 22 3 ").size() + 64);
  EXPECT_EQ(asked[1], "10.0.2.1 tcp 65535 3 hi");
  EXPECT_EQ(scene.service().sessions, 6U);
  EXPECT_EQ(scene.service().bytes_rx, 3 * (9 + 100'000 + 2U));
  EXPECT_EQ(scene.service().bytes_tx, 0U);
  scene.site.run_for(seconds{600});
  EXPECT_EQ(scene.site.servers->sessions().services().open(), 0U);
  EXPECT_EQ(scene.site.servers->sessions().services().busy(), 0U);
}

TEST(CatchAll, ServicesWithAPortOfTheirOwnAreAskedFirst) {
  Scene scene{{.closes = true, .banner = ""}};
  scene.tcp("echo", 7, {plan::SendText{"x"}, plan::ExpectText{"x"}, plan::CloseStream{}});
  scene.udp("echo_too", 7, {plan::SendText{"x"}, plan::ExpectText{"x"}});
  ASSERT_TRUE(scene.site.run());
  EXPECT_EQ(scene.site.workload(0).sessions_succeeded, 3U);
  EXPECT_EQ(scene.site.workload(1).sessions_succeeded, 3U);
  EXPECT_THAT(scene.asked(), IsEmpty());
}

TEST(CatchAll, SaysItsBannerToEverybody) {
  Scene scene{{.banner = "220 ready\r\n", .first_bytes = 4}};
  scene.site.wire.loss = 0.05;
  scene.tcp("polite", 25, {plan::ExpectText{"220 ready\r\n"}, plan::SendText{"HELO"}, plan::CloseStream{}});
  scene.tcp("rude", 21, {plan::SendText{"USER x"}, plan::ExpectText{"ready\r\n"}, plan::CloseStream{}}).after = 0;
  for (plan::Workload& workload : scene.site.plan.workloads) workload.load.timeout = seconds{100};
  ASSERT_TRUE(scene.site.run());
  EXPECT_EQ(scene.site.workload(0).sessions_succeeded, 3U);
  EXPECT_EQ(scene.site.workload(1).sessions_succeeded, 3U);
  EXPECT_THAT(scene.asked(), ElementsAre("10.0.2.1 tcp 25 3 HELO", "10.0.2.1 tcp 21 3 USER"));
  EXPECT_EQ(scene.service().bytes_tx, 6 * 11U);
  scene.site.run_for(seconds{600});
  EXPECT_EQ(scene.site.servers->sessions().services().busy(), 0U);
}

TEST(CatchAll, MayCloseAtOnce) {
  for (const char* banner : {"", "421 busy\r\n"}) {
    Scene scene{{.closes = true, .banner = banner}};
    std::vector<plan::ScriptStep> steps;
    if (*banner != '\0') steps.emplace_back(plan::ExpectText{banner});
    steps.emplace_back(plan::SendText{"late"});
    steps.emplace_back(plan::ExpectBytes{1});
    scene.tcp("any", 80, {});
    std::get<plan::TcpWorkload>(scene.site.plan.workloads[0].kind).script = steps;
    scene.site.plan.workloads[0].to.port = Port{8080};
    ASSERT_TRUE(scene.site.run());
    EXPECT_EQ(failures(scene.site.workload(), Failure::kClosedEarly), 3U);
    ASSERT_EQ(scene.asked().size(), 1U);
    EXPECT_TRUE(scene.asked()[0].starts_with("10.0.2.1 tcp 8080 3 ")) << scene.asked()[0];
    scene.site.run_for(seconds{600});
    EXPECT_EQ(scene.site.servers->sessions().services().open(), 0U);
  }
}

TEST(CatchAll, HearsDatagramsAndAnswersNone) {
  Scene scene{{.banner = "hello"}};
  scene.udp("query", 161, {plan::SendText{"get"}, plan::ExpectBytes{1}}).load.timeout = seconds{3};
  ASSERT_TRUE(scene.site.run());
  EXPECT_EQ(failures(scene.site.workload(), Failure::kExpectTimeout), 3U);
  EXPECT_THAT(scene.asked(), ElementsAre("10.0.2.1 udp 161 3 get"));
  EXPECT_EQ(scene.service().sessions, 3U);
  EXPECT_EQ(scene.service().bytes_rx, 9U);
  EXPECT_EQ(scene.service().bytes_tx, 0U);
}

TEST(CatchAll, WhenItClosesItRefusesDatagrams) {
  Scene scene{{.closes = true, .banner = ""}};
  scene.udp("query", 161, {plan::SendText{"get"}, plan::ExpectBytes{1}});
  ASSERT_TRUE(scene.site.run());
  EXPECT_EQ(failures(scene.site.workload(), Failure::kRefused), 3U);
  EXPECT_THAT(scene.asked(), ElementsAre("10.0.2.1 udp 161 3 get"));
}

TEST(CatchAll, ItsHostsStillFindPortsToSpeakFrom) {
  Scene scene{{}};
  scene.site.plan.services.push_back({"there", Site::kClients, Port{7}, plan::EchoService{}});
  scene.tcp("ask", 7, {plan::SendText{"x"}, plan::ExpectText{"x"}, plan::CloseStream{}});
  scene.udp("ask_too", 7, {plan::SendText{"x"}, plan::ExpectText{"x"}});
  for (plan::Workload& workload : scene.site.plan.workloads) {
    workload.from = Site::kServers;
    workload.to.address = *IpAddress::parse("10.0.1.1");
  }
  scene.site.start();
  scene.site.run_for(seconds{5});
  EXPECT_EQ(scene.site.workload(0).sessions_succeeded, 1U);
  EXPECT_EQ(scene.site.workload(1).sessions_succeeded, 1U);
  EXPECT_THAT(scene.asked(), IsEmpty());
}

TEST(CatchAll, ListsOverIpv6WhatWasAskedByIpv6) {
  Scene scene{{}};
  scene.tcp("six", 443, {plan::SendText{"x"}, plan::CloseStream{}}).to.address = *IpAddress::parse("fd00::2:1");
  ASSERT_TRUE(scene.site.run());
  EXPECT_THAT(scene.asked(), ElementsAre("fd00::2:1 tcp 443 3 x"));
}

}  // namespace
}  // namespace myriad::engine
