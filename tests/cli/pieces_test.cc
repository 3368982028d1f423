// The smaller pieces: hosts without YAML, collecting, the control loop, capture, the built-in server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "cli/collect.h"
#include "cli/control_loop.h"
#include "cli/hosts.h"
#include "cli/kernel_http.h"
#include "cli/list_metrics.h"
#include "cli/rest.h"
#include "cli/socket_address.h"
#include "templates/plan/load.h"

namespace myriad::cli {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

// --- rest ------------------------------------------------------------------------------------------------------------

TEST(Rest, BeginsOnceAfterMuchTraffic) {
  Rest rest;
  EXPECT_FALSE(rest.begins(0)) << "nothing has happened";
  EXPECT_FALSE(rest.begins(100'000));
  EXPECT_FALSE(rest.begins(1001)) << "still at work";
  EXPECT_TRUE(rest.begins(1000));
  EXPECT_FALSE(rest.begins(0)) << "the same rest";
  EXPECT_FALSE(rest.begins(Rest::kMuch - 1));
  EXPECT_FALSE(rest.begins(0)) << "that was not much";
  EXPECT_FALSE(rest.begins(Rest::kMuch));
  EXPECT_TRUE(rest.begins(0)) << "the next one";
}

// --- hosts -----------------------------------------------------------------------------------------------------------

HostsCommand some_hosts() {
  HostsCommand hosts;
  hosts.interface = "eth1";
  hosts.count = 1000;
  hosts.ipv4 = "10.0.1.1/16";
  return hosts;
}

TEST(Hosts, OptionsBecomeAPlan) {
  HostsCommand hosts = some_hosts();
  hosts.ipv6 = "fd00::1:1/64";
  hosts.mac = "02:4d:00:00:10:00";
  hosts.gateway = "10.0.255.254";
  hosts.vlan = "100,7";
  hosts.duration = "5s";
  const auto plan = hosts_plan(hosts);
  ASSERT_TRUE(plan) << plan.error().what;
  ASSERT_EQ(plan->groups.size(), 1U);
  const plan::HostGroup& group = plan->groups[0];
  EXPECT_EQ(group.count, 1000U);
  EXPECT_EQ(group.ipv4->text(), "10.0.1.1/16");
  EXPECT_EQ(group.ipv6->text(), "fd00::1:1/64");
  EXPECT_EQ(group.mac.text(), "02:4d:00:00:10:00");
  EXPECT_EQ(group.gateway->text(), "10.0.255.254");
  EXPECT_EQ(group.vlan.tags, (VlanTags{100, 7}));
  EXPECT_EQ(plan->ports[0].interface, "eth1");
  EXPECT_EQ(plan->duration, Duration{5s});
  EXPECT_TRUE(plan->workloads.empty());
}

TEST(Hosts, WithoutDurationTheyStay) { EXPECT_FALSE(hosts_plan(some_hosts())->duration); }

TEST(Hosts, MistakesAreUsage) {
  HostsCommand hosts = some_hosts();
  hosts.ipv4 = "10.0.1.300/16";
  const auto plan = hosts_plan(hosts);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().fault, Fault::kUsage);
  EXPECT_THAT(plan.error().what, HasSubstr("10.0.1.300/16"));
  hosts = some_hosts();
  hosts.duration = "5";
  EXPECT_FALSE(hosts_plan(hosts));
}

TEST(Hosts, TextIsTextWhateverItHolds) {
  for (const char* evil : {"eth1\", x: \"", "eth1\nservices: {}", "${HOME}", "a: b", "*alias", "\t", "\\"}) {
    HostsCommand hosts = some_hosts();
    hosts.mac = evil;
    const auto plan = hosts_plan(hosts);
    ASSERT_FALSE(plan) << evil;
    EXPECT_EQ(plan.error().fault, Fault::kUsage);
    hosts = some_hosts();
    hosts.vlan = evil;
    EXPECT_FALSE(hosts_plan(hosts)) << evil;
  }
}

// --- collect ---------------------------------------------------------------------------------------------------------

plan::Plan two_port_plan() {
  auto plan = plan::load_text("test", R"(
version: 1
seed: 9
ports: {lan: {interface: a0}, wan: {interface: b0}}
hosts:
  clients: {port: lan, count: 10, ipv4: 10.0.1.1/16}
  servers: {port: wan, count: 2, mac: "02:4d:01:00:00:01", ipv4: 10.1.1.1/16}
services:
  web: {on: servers, port: 80, http: {body: 1KiB}}
workloads:
  fetch: {from: clients, to: "10.0.255.1:80", http: {get: /, verify: {bytes: 1024}}}
  ping: {from: servers, to: 10.1.255.1, icmp_echo: {count: 1}}
thresholds:
  fetch.sessions_failed: ["== 0"]
  fetch.session_seconds: ["p(99) < 2s"]
)");
  if (!plan) {
    for (const auto& problem : plan.error()) ADD_FAILURE() << problem.text();
    return {};
  }
  return *plan;
}

TEST(Collect, AnEmptyResultHasAllNames) {
  const report::RunResult result = empty_result(two_port_plan());
  EXPECT_EQ(result.seed, 9U);
  ASSERT_EQ(result.ports.size(), 2U);
  EXPECT_EQ(result.ports[1].interface, "b0");
  EXPECT_FALSE(result.ports[0].drops.empty());
  EXPECT_EQ(report::total(result.ports[0].drops), 0U);
  ASSERT_EQ(result.workloads.size(), 2U);
  EXPECT_TRUE(result.workloads[0].verifies);
  EXPECT_TRUE(result.workloads[0].has_tcp);
  EXPECT_FALSE(result.workloads[1].has_tcp);
  EXPECT_EQ(result.workloads[0].failures.size(), engine::kFailureNames.size());
  EXPECT_EQ(result.hosts[0].count, 10U);
  EXPECT_EQ(result.services[0].name, "web");
}

TEST(Collect, DropReasonsHaveNamesOfTheirOwn) {
  std::vector<std::string> names;
  const report::RunResult result = empty_result(two_port_plan());
  for (const auto& [name, count] : result.ports[0].drops) names.push_back(name);
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

TEST(Collect, EachPortFillsInItsOwn) {
  const plan::Plan plan = two_port_plan();
  report::RunResult result = empty_result(plan);
  PortReport lan;
  lan.sessions.workloads.resize(2);
  lan.sessions.workloads[0].sessions_started = 10;
  lan.sessions.workloads[0].sessions_succeeded = 7;
  lan.sessions.workloads[0].sessions_failed = 2;
  lan.sessions.workloads[0].failures[static_cast<std::size_t>(engine::Failure::kRefused)] = 2;
  lan.sessions.workloads[1].sessions_started = 99;  // not of this port: must not show
  lan.sessions.services.resize(1);
  lan.sessions.services[0].sessions = 99;
  lan.sessions.groups.resize(2);
  lan.sessions.groups[0].arp_replies_tx = 5;
  lan.port.frames_tx = 123;
  lan.drops[stack::Drop::kTruncated] = 4;
  lan.state = PortState::kDown;
  add_port(plan, 0, lan, result);
  PortReport wan;
  wan.sessions.workloads.resize(2);
  wan.sessions.workloads[1].sessions_started = 2;
  wan.sessions.services.resize(1);
  wan.sessions.services[0].sessions = 3;
  wan.steering.passed_by_reason[0] = 6;
  add_port(plan, 1, wan, result);

  EXPECT_EQ(result.workloads[0].sessions_started, 10U);
  EXPECT_EQ(result.workloads[0].sessions_open, 1U);
  EXPECT_EQ(report::total(result.workloads[0].failures), 2U);
  EXPECT_EQ(result.workloads[1].sessions_started, 2U);
  EXPECT_EQ(result.services[0].sessions, 3U);
  EXPECT_EQ(result.hosts[0].arp_replies_tx, 5U);
  EXPECT_EQ(result.ports[0].frames_tx, 123U);
  EXPECT_EQ(result.ports[0].link, "down");
  EXPECT_EQ(report::total(result.ports[0].drops), 4U);
  EXPECT_EQ(result.ports[1].frames_passed, 6U);
}

TEST(Collect, GeneratorLimitedIsOurFaultOnly) {
  const plan::Plan plan = two_port_plan();
  const auto limited = [&](auto&& change) {
    report::RunResult result = empty_result(plan);
    PortReport lan;
    lan.sessions.workloads.resize(2);
    change(lan.sessions.workloads[0]);
    add_port(plan, 0, lan, result);
    return result.workloads[0].generator_limited;
  };
  using engine::Failure;
  EXPECT_FALSE(limited([](auto& w) { w.failures[static_cast<std::size_t>(Failure::kRefused)] = 1; }));
  EXPECT_TRUE(limited([](auto& w) { w.failures[static_cast<std::size_t>(Failure::kNoPort)] = 1; }));
  EXPECT_TRUE(limited([](auto& w) { w.failures[static_cast<std::size_t>(Failure::kNoRoom)] = 1; }));
  EXPECT_TRUE(limited([](auto& w) { w.starts_missed = 1; }));
}

TEST(Collect, ThresholdsAreJudged) {
  const plan::Plan plan = two_port_plan();
  report::RunResult result = empty_result(plan);
  result.workloads[0].session.record(1'000'000'000);
  auto judged = judge(plan, result);
  ASSERT_TRUE(judged) << judged.error().what;
  ASSERT_EQ(judged->size(), 2U);
  EXPECT_TRUE((*judged)[0].holds);
  EXPECT_TRUE((*judged)[1].holds);
  result.workloads[0].sessions_failed = 1;
  result.workloads[0].session.record_n(3'000'000'000, 9);
  judged = judge(plan, result);
  EXPECT_FALSE((*judged)[0].holds);
  EXPECT_FALSE((*judged)[1].holds);
}

TEST(Collect, NobodyAnswered) {
  engine::ShardCounters all;
  EXPECT_FALSE(nobody_answered(all));
  all.workloads.resize(2);
  EXPECT_FALSE(nobody_answered(all));  // nothing was asked
  all.workloads[0].sessions_started = 5;
  EXPECT_TRUE(nobody_answered(all));
  all.workloads[1].target_answered = true;
  EXPECT_FALSE(nobody_answered(all));
}

// --- control loop ----------------------------------------------------------------------------------------------------

LoopTimes quick() {
  LoopTimes times;
  times.question = 1ms;
  times.tick = 1ms;
  return times;
}

TEST(ControlLoop, EndsWhenEverythingIsFinished) {
  ControlLoop loop;
  int asked = 0;
  LoopHooks hooks;
  hooks.finished = [&] { return ++asked == 3; };
  EXPECT_EQ(loop.run(hooks, quick()), LoopEnd::kFinished);
  EXPECT_EQ(asked, 3);
}

TEST(ControlLoop, EndsWithTheDuration) {
  ControlLoop loop;
  int ticks = 0;
  LoopHooks hooks;
  hooks.on_tick = [&] { ++ticks; };
  hooks.finished = [] { return false; };
  LoopTimes times = quick();
  times.duration = 50ms;
  EXPECT_EQ(loop.run(hooks, times), LoopEnd::kDuration);
  EXPECT_GT(ticks, 0);
}

TEST(ControlLoop, EndsWhenSomethingBreaks) {
  ControlLoop loop;
  LoopHooks hooks;
  hooks.finished = [] { return true; };
  hooks.broken = [] { return true; };
  EXPECT_EQ(loop.run(hooks, quick()), LoopEnd::kBroken);
}

TEST(ControlLoop, ASignalStopsGently) {
  ControlLoop loop;
  bool stopping = false;
  int asked_after = 0;
  LoopHooks hooks;
  hooks.finished = [] { return true; };  // must not count any more once it is stopping
  hooks.begin_stop = [&] { stopping = true; };
  hooks.all_closed = [&] {
    EXPECT_TRUE(stopping);
    return ++asked_after == 3;
  };
  std::raise(SIGINT);
  LoopTimes times = quick();
  times.question = 20ms;  // the signal comes first
  EXPECT_EQ(loop.run(hooks, times), LoopEnd::kSignal);
  EXPECT_EQ(asked_after, 3);
}

TEST(ControlLoop, ASecondSignalStopsAtOnce) {
  ControlLoop loop;
  LoopHooks hooks;
  hooks.begin_stop = [] { std::raise(SIGTERM); };
  hooks.all_closed = [] { return false; };
  LoopTimes times = quick();
  times.grace = 1h;
  std::raise(SIGTERM);
  EXPECT_EQ(loop.run(hooks, times), LoopEnd::kSignal);
}

TEST(ControlLoop, OpenSessionsHaveTheirTime) {
  ControlLoop loop;
  LoopHooks hooks;
  hooks.all_closed = [] { return false; };
  LoopTimes times = quick();
  times.grace = 20ms;
  std::raise(SIGINT);
  EXPECT_EQ(loop.run(hooks, times), LoopEnd::kSignal);
}

// --- the built-in server ---------------------------------------------------------------------------------------------

class Server : public ::testing::Test {
 protected:
  void SetUp() override {
    for (std::size_t i = 0; i < body_.size(); ++i) body_[i] = static_cast<std::uint8_t>(i * 7);
    // Any free port will do.
    for (std::uint16_t number = 20000; number < 21000 && !server_; ++number) {
      port_ = Port{static_cast<std::uint16_t>(number + ::getpid() % 20000)};
      auto server = KernelHttp::listen({*IpAddress::parse("127.0.0.1")}, port_, body_);
      if (server) server_.emplace(std::move(*server));
    }
    ASSERT_TRUE(server_);
    ASSERT_EQ(::pipe(stop_.data()), 0);
    thread_ = std::thread([this] { server_->serve_until(stop_[0]); });
  }
  void TearDown() override {
    ASSERT_EQ(::write(stop_[1], "x", 1), 1);
    thread_.join();
    for (const int end : stop_) ::close(end);
  }
  [[nodiscard]] int connect() const {
    const SocketAddress address{*IpAddress::parse("127.0.0.1"), port_};
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(::connect(socket, address.get(), address.size()), 0);
    return socket;
  }
  static void say(int socket, std::string_view text) {
    EXPECT_EQ(::send(socket, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  static std::string hear_all(int socket) {
    std::string all;
    std::array<char, 65536> chunk{};
    for (;;) {
      const ssize_t got = ::recv(socket, chunk.data(), chunk.size(), 0);
      if (got <= 0) break;
      all.append(chunk.data(), static_cast<std::size_t>(got));
    }
    ::close(socket);
    return all;
  }

  std::vector<std::uint8_t> body_ = std::vector<std::uint8_t>(3'000'000);
  Port port_;
  std::optional<KernelHttp> server_;
  std::array<int, 2> stop_{};
  std::thread thread_;
};

TEST_F(Server, SendsTheWholeBody) {
  const int socket = connect();
  say(socket, "GET /file HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string answer = hear_all(socket);
  EXPECT_THAT(answer.substr(0, 200), HasSubstr("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer.substr(0, 200), HasSubstr("Content-Length: 3000000\r\n"));
  const std::size_t body = answer.find("\r\n\r\n") + 4;
  ASSERT_EQ(answer.size() - body, body_.size());
  EXPECT_TRUE(std::equal(body_.begin(), body_.end(), reinterpret_cast<const std::uint8_t*>(answer.data()) + body));
}

TEST_F(Server, TakesARequestInPieces) {
  const int socket = connect();
  for (const char c : std::string_view{"GET / HTTP/1.1\r\n\r\n"}) say(socket, {&c, 1});
  EXPECT_GT(hear_all(socket).size(), body_.size());
}

TEST_F(Server, ManyAtOnce) {
  std::vector<int> sockets;
  for (int i = 0; i < 20; ++i) sockets.push_back(connect());
  for (const int socket : sockets) say(socket, "GET / HTTP/1.1\r\n\r\n");
  for (const int socket : sockets) EXPECT_GT(hear_all(socket).size(), body_.size());
}

TEST_F(Server, RefusesWhatItDoesNotKnow) {
  int socket = connect();
  say(socket, "POST / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(hear_all(socket), "");
  socket = connect();
  const std::string endless(100'000, 'a');
  (void)::send(socket, endless.data(), endless.size(), MSG_NOSIGNAL);  // it may close in the middle
  EXPECT_EQ(hear_all(socket), "");
}

// --- list ------------------------------------------------------------------------------------------------------------

TEST(ListMetrics, NamesThem) {
  const std::string text = metrics_text();
  EXPECT_THAT(text, HasSubstr("WORKLOAD.sessions_failed "));
  EXPECT_THAT(text, HasSubstr("WORKLOAD.failures[.REASON] "));
  EXPECT_THAT(text, HasSubstr("WORKLOAD.tcp.retransmits "));
  EXPECT_THAT(text, HasSubstr("PORT.frames_tx "));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("PORT.driver")));
}

}  // namespace
}  // namespace myriad::cli
