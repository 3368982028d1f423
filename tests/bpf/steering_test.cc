// Steering on a real interface: a veth pair between two namespaces, AF_XDP sockets, the kernel's own ping and TCP.
#include "bpf/steering.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <numeric>

#include "tests/bpf/oracle/frames.h"
#include "tests/bpf/veth_lab.h"
#include "tests/bpf/xdp_receiver.h"

namespace myriad::bpf {
namespace {

using oracle::Frame;
using testing::HasSubstr;

constexpr std::uint32_t kHosts = 1000;
constexpr std::chrono::milliseconds kPatience{5000};

std::vector<HostRange> hosts() {
  return {{.first_host = 0,
           .count = kHosts,
           .first_mac = MacAddress::parse("02:4d:00:00:00:01").value(),
           .first_ipv4 = Ipv4Address::parse("10.9.1.1"),
           .first_ipv6 = Ipv6Address::parse("fd09::1:1"),
           .vlan = {},
           .hosts_per_vlan = 0}};
}
MacAddress mac_of(std::uint32_t host) { return MacAddress::from_number(hosts()[0].first_mac.number() + host); }

class SteeringTest : public testing::Test {
 protected:
  void make_lab(const VethOptions& options = {}) {
    if (geteuid() != 0) GTEST_SKIP() << "network namespaces need root";
    auto lab = VethLab::make(options);
    ASSERT_TRUE(lab) << lab.error().message();
    lab_ = std::move(*lab);
  }
  Result<Steering> attach(AttachMode mode, std::uint32_t shards = 1, std::uint32_t queues = 1) {
    Result<Steering> steering = fail(Fault::kRun, "not tried");
    lab_->in_near([&] {
      steering =
          Steering::attach({.interface = "near", .shards = shards, .queues = queues, .hosts = hosts(), .mode = mode});
    });
    return steering;
  }
  std::vector<AttachedProgram> programs() {
    std::vector<AttachedProgram> found;
    lab_->in_near([&] {
      auto result = attached_programs(lab_->near_index());
      ASSERT_TRUE(result) << result.error().message();
      found = std::move(*result);
    });
    return found;
  }
  // Sends frames as they are from the far end.
  void send_far(const std::vector<Frame>& frames) {
    lab_->in_far([&] {
      const int raw = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
      ASSERT_GE(raw, 0) << std::strerror(errno);
      sockaddr_ll to{};
      to.sll_family = AF_PACKET;
      to.sll_ifindex = static_cast<int>(if_nametoindex("far"));
      for (const Frame& frame : frames) {
        ASSERT_EQ(sendto(raw, frame.data(), frame.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to),
                  static_cast<ssize_t>(frame.size()))
            << std::strerror(errno);
      }
      close(raw);
    });
  }
  std::unique_ptr<VethLab> lab_;
};

#define LAB(...)         \
  make_lab(__VA_ARGS__); \
  if (IsSkipped() || HasFatalFailure()) return

// A TCP exchange between the kernels of both ends through the interface, over IPv4 or IPv6.
bool tcp_through(const VethLab& lab, int family) {
  sockaddr_storage address{};
  socklen_t length = 0;
  if (family == AF_INET) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(address);
    v4.sin_family = AF_INET;
    inet_pton(AF_INET, "10.9.0.1", &v4.sin_addr);
    length = sizeof v4;
  } else {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
    v6.sin6_family = AF_INET6;
    inet_pton(AF_INET6, "fd09::1", &v6.sin6_addr);
    length = sizeof v6;
  }
  auto* const where = reinterpret_cast<sockaddr*>(&address);
  const timeval patience{5, 0};
  int listener = -1;
  int client = -1;
  bool through = false;
  lab.in_near([&] {
    listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (bind(listener, where, length) != 0 || listen(listener, 1) != 0) return;
    getsockname(listener, where, &length);
  });
  lab.in_far([&] {
    client = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(client, where, length) != 0) return;
    const int server = accept(listener, nullptr, nullptr);
    if (server < 0) return;
    setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    std::vector<char> sent(30'000);
    std::iota(sent.begin(), sent.end(), char{0});
    std::vector<char> received(sent.size());
    through = send(client, sent.data(), sent.size(), 0) == static_cast<ssize_t>(sent.size()) &&
              recv(server, received.data(), received.size(), MSG_WAITALL) == static_cast<ssize_t>(sent.size()) &&
              received == sent;
    close(server);
  });
  if (client >= 0) close(client);
  close(listener);
  return through;
}

class SteeringModes : public SteeringTest, public testing::WithParamInterface<AttachMode> {};

TEST_P(SteeringModes, EveryFrameReachesTheShardOfItsHost) {
  constexpr std::uint32_t kShards = 2;
  LAB();
  std::unique_ptr<XdpReceiver> receiver;
  auto steering = attach(GetParam(), kShards);
  ASSERT_TRUE(steering) << steering.error().message() << '\n' << steering.error().cure;
  lab_->in_near([&] {
    auto opened = XdpReceiver::open("near", 0, kShards);
    ASSERT_TRUE(opened) << opened.error().message();
    receiver = std::move(*opened);
  });
  ASSERT_TRUE(receiver);
  for (std::uint32_t shard = 0; shard < kShards; ++shard) {
    const auto set = steering->set_socket(0, shard, receiver->socket(shard));
    ASSERT_TRUE(set) << set.error().message();
  }
  const auto before = steering->counters();
  ASSERT_TRUE(before);

  std::vector<Frame> frames;
  std::array<std::vector<Frame>, kShards> expected;
  for (std::uint32_t host = 0; host < kHosts; host += 7) {
    frames.push_back(oracle::unicast(mac_of(host), {}));
    frames.push_back(oracle::arp(MacAddress::broadcast(), {}, {0x0a090002}, *hosts()[0].first_ipv4 + host));
    frames.push_back(oracle::solicitation({}, hosts()[0].first_ipv6->plus(host)));
    for (auto frame = frames.end() - 3; frame != frames.end(); ++frame) expected[host % kShards].push_back(*frame);
  }
  send_far(frames);
  for (std::uint32_t shard = 0; shard < kShards; ++shard) {
    auto received = receiver->receive(shard, expected[shard].size(), kPatience);
    EXPECT_EQ(received, expected[shard]) << "shard " << shard;
    EXPECT_THAT(receiver->receive(shard, 1, std::chrono::milliseconds{0}), testing::IsEmpty());
  }
  const auto counters = steering->counters();
  ASSERT_TRUE(counters);
  EXPECT_EQ(counters->redirected - before->redirected, frames.size());
  EXPECT_EQ(counters->no_socket, 0U);
}

TEST_P(SteeringModes, TheKernelKeepsTheInterface) {
  LAB();
  auto steering = attach(GetParam());
  ASSERT_TRUE(steering) << steering.error().message() << '\n' << steering.error().cure;
  const auto before = steering->counters();
  EXPECT_EQ(lab_->shell_far("ping -q -c 2 -i 0.01 -W 5 10.9.0.1 >/dev/null"), 0);
  EXPECT_EQ(lab_->shell_far("ping -q -c 2 -i 0.01 -W 5 fd09::1 >/dev/null"), 0);
  EXPECT_EQ(lab_->shell_near("ping -q -c 2 -i 0.01 -W 5 10.9.0.2 >/dev/null"), 0);
  EXPECT_EQ(lab_->shell_near("ping -q -c 2 -i 0.01 -W 5 fd09::2 >/dev/null"), 0);
  EXPECT_TRUE(tcp_through(*lab_, AF_INET));
  EXPECT_TRUE(tcp_through(*lab_, AF_INET6));
  const auto after = steering->counters();
  ASSERT_TRUE(before && after);
  EXPECT_GT((*after)[Passed::kOtherMac], (*before)[Passed::kOtherMac]) << "the kernel's own traffic was seen and left";
  EXPECT_EQ(after->no_socket, 0U);
}

TEST_P(SteeringModes, WithoutASocketFramesOfHostsAreDropped) {
  LAB();
  auto steering = attach(GetParam(), 2, 1);
  ASSERT_TRUE(steering) << steering.error().message() << '\n' << steering.error().cure;
  const std::vector<Frame> frames(50, oracle::unicast(mac_of(3), {}));
  send_far(frames);
  // The ping is answered after the frames have been through: they share a queue.
  EXPECT_EQ(lab_->shell_far("ping -q -c 1 -W 5 10.9.0.1 >/dev/null"), 0);
  const auto counters = steering->counters();
  ASSERT_TRUE(counters);
  EXPECT_EQ(counters->no_socket, frames.size());
  EXPECT_EQ(counters->redirected, 0U);
}

INSTANTIATE_TEST_SUITE_P(Modes, SteeringModes, testing::Values(AttachMode::kNative, AttachMode::kSkb),
                         [](const auto& mode) { return mode.param == AttachMode::kNative ? "Native" : "Skb"; });

// Which entry of the socket map a frame is sent to, for every queue and shard: only one entry has a socket at a time.
TEST_F(SteeringTest, OneSocketPerQueueAndShard) {
  constexpr std::uint32_t kQueues = 2;
  constexpr std::uint32_t kShards = 3;
  LAB({.near_queues = kQueues, .far_queues = kQueues});
  for (std::uint32_t place = 0; place < kQueues * kShards; ++place) {
    auto steering = attach(AttachMode::kNative, kShards, kQueues);
    ASSERT_TRUE(steering) << steering.error().message();
    const int unbound = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
    ASSERT_GE(unbound, 0);
    ASSERT_TRUE(steering->set_socket(place / kShards, place % kShards, unbound));
    const int program = bpf_prog_get_fd_by_id(steering->program_id());
    ASSERT_GE(program, 0);
    for (std::uint32_t queue = 0; queue < kQueues; ++queue) {
      for (std::uint32_t host = 0; host < 2 * kShards; ++host) {
        const Frame frame = oracle::unicast(mac_of(host), {});
        xdp_md context{};
        context.data_end = static_cast<__u32>(frame.size());
        context.ingress_ifindex = lab_->near_index();
        context.rx_queue_index = queue;
        bpf_test_run_opts run{};
        run.sz = sizeof run;
        run.data_in = frame.data();
        run.data_size_in = static_cast<__u32>(frame.size());
        run.ctx_in = &context;
        run.ctx_size_in = sizeof context;
        run.repeat = 1;
        int error = 0;
        lab_->in_near([&] { error = bpf_prog_test_run_opts(program, &run); });
        ASSERT_EQ(error, 0);
        const bool here = queue * kShards + host % kShards == place;
        EXPECT_EQ(run.retval, static_cast<__u32>(here ? XDP_REDIRECT : XDP_DROP))
            << "queue " << queue << ", host " << host << ", socket at " << place;
      }
    }
    close(program);
    close(unbound);
  }
}

TEST_F(SteeringTest, PlacesThatAreNot) {
  LAB();
  auto steering = attach(AttachMode::kAuto, 2, 1);
  ASSERT_TRUE(steering) << steering.error().message();
  const int unbound = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
  EXPECT_TRUE(steering->set_socket(0, 1, unbound));
  EXPECT_FALSE(steering->set_socket(0, 2, unbound));
  EXPECT_FALSE(steering->set_socket(1, 0, unbound));
  close(unbound);
  const int other = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  EXPECT_FALSE(steering->set_socket(0, 0, other)) << "not an AF_XDP socket";
  close(other);
}

TEST_F(SteeringTest, SecondSteeringIsRefusedAndTheFirstStays) {
  LAB();
  for (const AttachMode first : {AttachMode::kNative, AttachMode::kSkb}) {
    auto steering = attach(first);
    ASSERT_TRUE(steering) << steering.error().message();
    for (const AttachMode second : {AttachMode::kAuto, AttachMode::kNative, AttachMode::kSkb}) {
      const auto refused = attach(second);
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().fault, Fault::kMachine);
      EXPECT_THAT(refused.error().message(),
                  HasSubstr("XDP program " + std::to_string(steering->program_id()) + " (steer"));
      EXPECT_THAT(refused.error().cure, HasSubstr("bpftool link"));
    }
    const auto there = programs();
    ASSERT_EQ(there.size(), 1U);
    EXPECT_EQ(there[0].id, steering->program_id());
    EXPECT_EQ(there[0].name, "steer");
    EXPECT_EQ(there[0].mode, steering->mode());
    EXPECT_TRUE(there[0].link);
  }
  EXPECT_THAT(programs(), testing::IsEmpty()) << "gone with their owners";
}

// Somebody else's program, attached by netlink; the cure we name takes it off.
TEST_F(SteeringTest, ForeignProgramIsRefusedAndTheCureWorks) {
  LAB();
  const bpf_insn pass[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = XDP_PASS},
                           {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
  const int program = bpf_prog_load(BPF_PROG_TYPE_XDP, "somebody", "GPL", pass, 2, nullptr);
  ASSERT_GE(program, 0);
  for (const __u32 flags : {XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE}) {
    lab_->in_near([&] { ASSERT_EQ(bpf_xdp_attach(static_cast<int>(lab_->near_index()), program, flags, nullptr), 0); });
    const auto refused = attach(AttachMode::kAuto);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::kMachine);
    EXPECT_THAT(refused.error().message(), HasSubstr("somebody"));
    const std::string cure = refused.error().cure;
    ASSERT_THAT(cure, HasSubstr("ip link set dev near xdp"));
    EXPECT_EQ(lab_->shell_near(cure.substr(cure.find("ip link"))), 0) << cure;
    EXPECT_TRUE(attach(AttachMode::kAuto));
  }
  close(program);
}

// Runs `what` in a child process and gives back what it wrote; the child ends when `what` returns.
std::string in_child(const std::function<std::string()>& what) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return "no pipe";
  const pid_t child = fork();
  if (child == 0) {
    const std::string said = what();
    const bool all = write(ends[1], said.data(), said.size()) == static_cast<ssize_t>(said.size());
    _exit(all ? 0 : 1);
  }
  close(ends[1]);
  std::string said;
  std::array<char, 4096> part;
  for (ssize_t n = 0; (n = read(ends[0], part.data(), part.size())) > 0;)
    said.append(part.data(), static_cast<std::size_t>(n));
  close(ends[0]);
  waitpid(child, nullptr, 0);
  return said;
}

TEST_F(SteeringTest, KilledProcessLeavesNothing) {
  LAB();
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto steering = attach(AttachMode::kAuto);
    const char ready = steering ? 'y' : 'n';
    if (write(ends[1], &ready, 1) != 1) _exit(1);
    for (;;) pause();
  }
  close(ends[1]);
  char ready = '?';
  EXPECT_EQ(read(ends[0], &ready, 1), 1);
  EXPECT_EQ(ready, 'y');
  EXPECT_EQ(programs().size(), 1U);
  EXPECT_FALSE(attach(AttachMode::kAuto)) << "the child has it";
  ASSERT_EQ(kill(child, SIGKILL), 0);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  close(ends[0]);
  EXPECT_THAT(programs(), testing::IsEmpty());
  const auto again = attach(AttachMode::kAuto);
  EXPECT_TRUE(again) << again.error().message();
}

TEST_F(SteeringTest, TooFewQueuesForNative) {
  LAB({.near_queues = 1, .far_queues = 2});
  const auto native = attach(AttachMode::kNative);
  ASSERT_FALSE(native);
  EXPECT_EQ(native.error().fault, Fault::kMachine);
  EXPECT_EQ(native.error().os_error, ENOSPC);
  EXPECT_THAT(native.error().what, HasSubstr("queues"));
  EXPECT_THAT(native.error().cure, HasSubstr("numrxqueues"));
  const auto fallen_back = attach(AttachMode::kAuto);
  ASSERT_TRUE(fallen_back) << fallen_back.error().message();
  EXPECT_EQ(fallen_back->mode(), XdpMode::kSkb);
  EXPECT_EQ(fallen_back->native_refusal(), native.error().what);
}

TEST_F(SteeringTest, TooLargeAnMtuForNative) {
  LAB({.near_queues = 1, .far_queues = 1, .far_mtu = 9000});
  const auto native = attach(AttachMode::kNative);
  ASSERT_FALSE(native);
  EXPECT_EQ(native.error().os_error, ERANGE);
  EXPECT_THAT(native.error().what, HasSubstr("MTU"));
  {
    const auto fallen_back = attach(AttachMode::kAuto);
    ASSERT_TRUE(fallen_back) << fallen_back.error().message();
    EXPECT_EQ(fallen_back->mode(), XdpMode::kSkb);
    EXPECT_THAT(fallen_back->native_refusal(), HasSubstr("MTU"));
  }
  ASSERT_EQ(lab_->shell_far("ip link set far mtu 3498"), 0) << "what the cure says";
  EXPECT_TRUE(attach(AttachMode::kNative));
}

TEST_F(SteeringTest, NativeIsTakenWhereItIsThere) {
  LAB();
  const auto steering = attach(AttachMode::kAuto);
  ASSERT_TRUE(steering) << steering.error().message();
  EXPECT_EQ(steering->mode(), XdpMode::kNative);
  EXPECT_EQ(steering->native_refusal(), "");
}

TEST_F(SteeringTest, NoSuchInterface) {
  const auto steering = Steering::attach({.interface = "nosuch0", .hosts = hosts()});
  ASSERT_FALSE(steering);
  EXPECT_EQ(steering.error().fault, Fault::kMachine);
  EXPECT_THAT(steering.error().what, HasSubstr("nosuch0"));
  EXPECT_FALSE(steering.error().cure.empty());
}

TEST_F(SteeringTest, OptionsThatCannotBe) {
  for (const auto& [queues, shards] : {std::pair{0U, 1U}, {1U, 0U}, {65536U, 2U}, {65536U, 65536U}}) {
    const auto steering = Steering::attach({.interface = "lo", .shards = shards, .queues = queues, .hosts = {}});
    ASSERT_FALSE(steering);
    EXPECT_EQ(steering.error().fault, Fault::kUsage) << queues << " queues, " << shards << " shards";
  }
}

// Drops every capability but those given, for the calling process.
void keep_capabilities(std::initializer_list<unsigned> kept) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  for (const unsigned number : kept) {
    data[number / 32].effective |= 1U << (number % 32);
    data[number / 32].permitted |= 1U << (number % 32);
  }
  syscall(SYS_capset, &header, data.data());
}

TEST_F(SteeringTest, CapabilitiesAreNamedAndTwoAreEnough) {
  LAB();
  const auto attach_with = [&](std::initializer_list<unsigned> kept) {
    std::string said;
    lab_->in_near([&] {
      said = in_child([&]() -> std::string {
        keep_capabilities(kept);
        const auto steering = Steering::attach({.interface = "near", .hosts = hosts()});
        return steering ? "attached" : steering.error().message() + " / " + steering.error().cure;
      });
    });
    return said;
  };
  EXPECT_THAT(attach_with({}), HasSubstr("needs CAP_BPF and CAP_NET_ADMIN"));
  EXPECT_THAT(attach_with({CAP_NET_ADMIN}), HasSubstr("needs CAP_BPF:"));
  EXPECT_THAT(attach_with({CAP_BPF}), HasSubstr("needs CAP_NET_ADMIN:"));
  EXPECT_EQ(attach_with({CAP_BPF, CAP_NET_ADMIN}), "attached");
}

TEST_F(SteeringTest, FeaturesOfDrivers) {
  LAB();
  lab_->in_near([&] {
    const auto veth = xdp_features(lab_->near_index());
    if (!veth && veth.error().what.find("this kernel does not tell") != std::string::npos)
      GTEST_SKIP() << veth.error().what;
    ASSERT_TRUE(veth) << veth.error().message();
    EXPECT_TRUE(veth->basic);
    EXPECT_TRUE(veth->redirect);
    EXPECT_TRUE(veth->rx_sg);
    EXPECT_FALSE(veth->xsk_zerocopy);
    EXPECT_FALSE(veth->hw_offload);
    const auto loopback = xdp_features(if_nametoindex("lo"));
    ASSERT_TRUE(loopback) << loopback.error().message();
    EXPECT_FALSE(loopback->basic);
    EXPECT_FALSE(loopback->redirect);
    const auto nothing = xdp_features(9999);
    ASSERT_FALSE(nothing);
    EXPECT_EQ(nothing.error().fault, Fault::kMachine);
  });
}

}  // namespace
}  // namespace myriad::bpf
