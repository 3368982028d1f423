// Preflight and doctor on machines that are made up.
#include "cli/preflight.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>

#include "cli/doctor.h"
#include "cli/kernel_release.h"

namespace myriad::cli {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t bit(unsigned capability) { return std::uint64_t{1} << capability; }
constexpr std::uint64_t kEnough = bit(CAP_NET_ADMIN) | bit(CAP_NET_RAW) | bit(CAP_BPF);

Interface ethernet(const char* name, unsigned index, const char* mac) {
  Interface interface;
  interface.name = name;
  interface.index = index;
  interface.mac = *MacAddress::parse(mac);
  interface.mtu = 1500;
  interface.up = interface.carrier = interface.ethernet = true;
  return interface;
}

// eth0 has the default route and 192.168.1.5; eth1 is for us.
class Preflight : public ::testing::Test {
 protected:
  Preflight() {
    Interface eth0 = ethernet("eth0", 2, "52:54:00:00:00:01");
    eth0.addresses = {{*IpAddress::parse("192.168.1.5"), 24}, {*IpAddress::parse("fd00:1::5"), 64}};
    facts_.network.interfaces = {eth0, ethernet("eth1", 3, "52:54:00:00:00:02")};
    facts_.network.default_routes = {{2, false, *IpAddress::parse("192.168.1.1")}};
    facts_.capabilities = Capabilities{kEnough};
    plan_.ports = {{.name = "lan", .interface = "eth1", .queues = {}, .shards = {}}};
    plan::HostGroup clients;
    clients.name = "clients";
    clients.count = 1000;
    clients.mac = *MacAddress::parse("02:4d:00:00:00:01");
    clients.ipv4 = *Ipv4Prefix::parse("10.0.1.1/16");
    clients.ipv6 = *Ipv6Prefix::parse("fd00:2::1/64");
    clients.gateway = *Ipv4Address::parse("10.0.255.254");
    plan_.groups = {clients};
  }
  Interface& eth1() { return facts_.network.interfaces[1]; }
  plan::HostGroup& clients() { return plan_.groups[0]; }
  [[nodiscard]] Error refusal(bool allow_default_route = false) const {
    const auto result = preflight(plan_, facts_, allow_default_route);
    EXPECT_FALSE(result);
    if (result) return {};
    EXPECT_EQ(result.error().fault, Fault::kMachine);
    EXPECT_FALSE(result.error().cure.empty()) << result.error().what;
    return result.error();
  }
  void expect_good(bool allow_default_route = false) const {
    const auto result = preflight(plan_, facts_, allow_default_route);
    EXPECT_TRUE(result) << (result ? "" : result.error().what);
  }

  plan::Plan plan_;
  PreflightFacts facts_;
};

TEST_F(Preflight, NothingIsWrong) { expect_good(); }

TEST_F(Preflight, NoSuchInterfaceSuggestsTheNearest) {
  plan_.ports[0].interface = "eht1";
  EXPECT_THAT(refusal().what, HasSubstr("no interface"));
  EXPECT_THAT(refusal().cure, HasSubstr("eth1"));
}

TEST_F(Preflight, DownHasTheCommand) {
  eth1().up = false;
  EXPECT_THAT(refusal().cure, HasSubstr("ip link set eth1 up"));
}

TEST_F(Preflight, CapabilitiesAreNamed) {
  facts_.capabilities = Capabilities{bit(CAP_NET_ADMIN)};
  EXPECT_THAT(refusal().what, HasSubstr("NET_RAW, BPF"));
  facts_.capabilities = Capabilities{0};
  EXPECT_THAT(refusal().what, HasSubstr("NET_ADMIN, NET_RAW, BPF"));
}

TEST_F(Preflight, SysAdminStandsForBpf) {
  facts_.capabilities = Capabilities{bit(CAP_NET_ADMIN) | bit(CAP_NET_RAW) | bit(CAP_SYS_ADMIN)};
  expect_good();
}

TEST_F(Preflight, TheDefaultRouteIsProtected) {
  plan_.ports[0].interface = "eth0";
  EXPECT_THAT(refusal().cure, HasSubstr("--allow-default-route"));
  expect_good(true);
}

TEST_F(Preflight, TheDefaultRouteOfABridgeOrVlanIsThatOfItsPort) {
  Interface bridge = ethernet("br0", 7, "52:54:00:00:00:09");
  bridge.kind = "bridge";
  facts_.network.interfaces.push_back(bridge);
  facts_.network.default_routes = {{7, true, {}}};
  expect_good();
  eth1().master = 7;
  EXPECT_THAT(refusal().what, HasSubstr("default route"));
  eth1().master = 0;
  Interface vlan = ethernet("eth1.5", 8, "52:54:00:00:00:0a");
  vlan.kind = "vlan";
  vlan.lower = 3;
  vlan.master = 7;
  facts_.network.interfaces.push_back(vlan);
  EXPECT_THAT(refusal().what, HasSubstr("default route"));
}

TEST_F(Preflight, TheDefaultRouteBehindAVethIsNotItsPeers) {
  eth1().kind = "veth";
  Interface peer = ethernet("veth1", 8, "52:54:00:00:00:0a");
  peer.kind = "veth";
  peer.lower = 3;
  facts_.network.interfaces.push_back(peer);
  facts_.network.default_routes = {{8, false, {}}};
  expect_good();
}

TEST_F(Preflight, AMemberOfABondIsRefused) {
  Interface bond = ethernet("bond0", 7, "52:54:00:00:00:09");
  bond.kind = "bond";
  facts_.network.interfaces.push_back(bond);
  eth1().master = 7;
  EXPECT_THAT(refusal().what, HasSubstr("bond0"));
}

TEST_F(Preflight, LoopbackIsNoPort) {
  eth1().ethernet = false;
  EXPECT_THAT(refusal().what, HasSubstr("not an Ethernet interface"));
}

TEST_F(Preflight, AddressesOfThisMachineAreItsOwn) {
  eth1().addresses = {{*IpAddress::parse("10.0.1.7"), 16}};
  EXPECT_THAT(refusal().what, HasSubstr("clients[6] would have the address 10.0.1.7 of this machine's eth1"));
  eth1().addresses = {{*IpAddress::parse("10.0.1.0"), 16}, {*IpAddress::parse("10.0.4.233"), 16}};
  expect_good();  // just before the first and just behind the last
  eth1().addresses = {{*IpAddress::parse("10.0.4.232"), 16}};
  EXPECT_THAT(refusal().what, HasSubstr("clients[999]"));
  eth1().addresses = {{*IpAddress::parse("fd00:2::3e8"), 64}};
  EXPECT_THAT(refusal().what, HasSubstr("clients[999]"));
  eth1().addresses = {{*IpAddress::parse("fd00:2::3e9"), 64}, {*IpAddress::parse("fd00:2::"), 64}};
  expect_good();
}

TEST_F(Preflight, AddressesOfOtherInterfacesCountAsWell) {
  clients().ipv4 = *Ipv4Prefix::parse("192.168.1.1/24");
  clients().count = 100;
  clients().gateway.reset();
  EXPECT_THAT(refusal().what, HasSubstr("192.168.1.5 of this machine's eth0"));
}

TEST_F(Preflight, MacAddressesOfThisMachineAreItsOwn) {
  clients().mac = *MacAddress::parse("52:54:00:00:00:00");
  EXPECT_THAT(refusal().what, HasSubstr("MAC address 52:54:00:00:00:01"));
}

TEST_F(Preflight, TheGatewayIsNoHost) {
  clients().gateway = *Ipv4Address::parse("10.0.1.10");
  EXPECT_THAT(refusal().what, HasSubstr("clients[9] would have the address 10.0.1.10 of the group's own gateway"));
}

TEST_F(Preflight, TheMachinesGatewayIsNoHost) {
  plan_.ports[0].interface = "eth0";
  facts_.network.default_routes = {{2, false, *IpAddress::parse("10.0.1.2")}};
  EXPECT_THAT(refusal(true).what, HasSubstr("this machine's gateway"));
}

TEST_F(Preflight, HostsFitTheInterface) {
  clients().mtu = 1501;
  EXPECT_THAT(refusal().cure, HasSubstr("ip link set eth1 mtu 1501"));
}

TEST(Kernel, ReleaseIsParsed) {
  EXPECT_EQ(KernelRelease::parse("6.12.9-amd64"), (KernelRelease{6, 12}));
  EXPECT_EQ(KernelRelease::parse("nonsense"), KernelRelease{});
  EXPECT_LT(KernelRelease::parse("6.1.0"), (KernelRelease{6, 15}));
  EXPECT_GE(running_kernel(), (KernelRelease{4, 0}));
}

// --- doctor ----------------------------------------------------------------------------------------------------------

MachineFacts good_machine() { return {"6.18.0", 4, Capabilities{kEnough | bit(CAP_IPC_LOCK)}, {}}; }

PortFacts good_port() {
  PortFacts port;
  port.interface = ethernet("eth1", 3, "52:54:00:00:00:02");
  port.driver = {"ice", "1", 1, 64, 1, {{"rx-vlan-offload", false, false}, {"lro", false, true}, {"gro", true, false}}};
  port.features = bpf::XdpFeatures{};
  port.features->basic = port.features->redirect = port.features->xsk_zerocopy = true;
  return port;
}

// The check that is not good, if there is exactly one.
Check only_trouble(const std::vector<Check>& checks) {
  Check found;
  int count = 0;
  for (const Check& check : checks) {
    if (check.mark == Mark::kGood) continue;
    found = check;
    ++count;
  }
  EXPECT_EQ(count, 1) << checks_text(checks);
  return found;
}

TEST(Doctor, HasNothingToSayAboutAGoodMachine) {
  for (const Check& check : check_machine(good_machine())) EXPECT_EQ(check.mark, Mark::kGood) << check.what;
  for (const Check& check : check_port(good_port())) EXPECT_EQ(check.mark, Mark::kGood) << check.what;
}

TEST(Doctor, OldKernels) {
  MachineFacts machine = good_machine();
  machine.kernel_release = "6.1.0-18-amd64";
  EXPECT_EQ(only_trouble(check_machine(machine)).mark, Mark::kWarning);
  EXPECT_THAT(only_trouble(check_machine(machine)).what, HasSubstr("CVE-2025-37920"));
  machine.kernel_release = "4.19.0";
  EXPECT_EQ(only_trouble(check_machine(machine)).mark, Mark::kBad);
}

TEST(Doctor, Capabilities) {
  MachineFacts machine = good_machine();
  machine.capabilities = Capabilities{bit(CAP_IPC_LOCK)};
  EXPECT_EQ(only_trouble(check_machine(machine)).mark, Mark::kBad);
  EXPECT_THAT(only_trouble(check_machine(machine)).cure, HasSubstr("setcap"));
}

TEST(Doctor, LockedMemory) {
  MachineFacts machine = good_machine();
  machine.capabilities = Capabilities{kEnough};
  machine.locked_memory_limit = 65536;
  EXPECT_EQ(only_trouble(check_machine(machine)).mark, Mark::kBad);
  EXPECT_THAT(only_trouble(check_machine(machine)).cure, HasSubstr("ulimit -l"));
  machine.locked_memory_limit = std::uint64_t{1} << 30;
  for (const Check& check : check_machine(machine)) EXPECT_EQ(check.mark, Mark::kGood);
}

TEST(Doctor, Ports) {
  PortFacts port = good_port();
  port.interface.up = false;
  EXPECT_THAT(only_trouble(check_port(port)).cure, HasSubstr("ip link set eth1 up"));

  port = good_port();
  port.interface.carrier = false;
  EXPECT_EQ(only_trouble(check_port(port)).mark, Mark::kWarning);

  port = good_port();
  port.features->xsk_zerocopy = false;
  EXPECT_THAT(only_trouble(check_port(port)).what, HasSubstr("no zero-copy"));

  port = good_port();
  port.driver.driver = "virtio_net";
  for (const Check& check : check_port(port)) EXPECT_EQ(check.mark, Mark::kGood) << "built in: " << check.what;
  port.driver.is_module = true;
  EXPECT_EQ(only_trouble(check_port(port)).mark, Mark::kWarning);
  EXPECT_THAT(only_trouble(check_port(port)).what, HasSubstr("zero-copy"));
  EXPECT_THAT(only_trouble(check_port(port)).cure, HasSubstr("--mode zero-copy"));

  port = good_port();
  port.features->redirect = false;
  EXPECT_THAT(only_trouble(check_port(port)).what, HasSubstr("skb"));

  port = good_port();
  port.features.reset();
  EXPECT_THAT(only_trouble(check_port(port)).what, HasSubstr("unknown"));

  port = good_port();
  port.programs = {{17, "xdp_filter", bpf::XdpMode::kNative, {}}};
  EXPECT_EQ(only_trouble(check_port(port)).mark, Mark::kBad);
  EXPECT_THAT(only_trouble(check_port(port)).what, HasSubstr("xdp_filter"));
  EXPECT_THAT(only_trouble(check_port(port)).cure, HasSubstr("eth1"));

  port = good_port();
  port.default_route = true;
  EXPECT_THAT(only_trouble(check_port(port)).what, HasSubstr("default route"));

  port = good_port();
  port.driver.queues = 100'000;
  EXPECT_THAT(only_trouble(check_port(port)).cure, HasSubstr("ethtool -L eth1 combined"));
}

TEST(Doctor, OffloadsThatHideTheWire) {
  PortFacts port = good_port();
  port.driver.offloads = {{"rx-vlan-offload", true, false}};
  EXPECT_THAT(only_trouble(check_port(port)).cure, HasSubstr("ethtool -K eth1 rx-vlan-offload off"));
  port.driver.offloads = {{"lro", true, true}};
  EXPECT_EQ(only_trouble(check_port(port)).mark, Mark::kBad);
  EXPECT_THAT(only_trouble(check_port(port)).cure, HasSubstr("another port"));
  port.driver.offloads = {{"gro", true, false}, {"tx-checksumming", true, false}};
  for (const Check& check : check_port(port)) EXPECT_EQ(check.mark, Mark::kGood);
}

TEST(Doctor, Mtu) {
  PortFacts port = good_port();
  port.interface.mtu = 9000;
  EXPECT_EQ(only_trouble(check_port(port)).mark, Mark::kBad);
  port = good_port();
  port.interface.kind = "veth";
  port.peer_mtu = 3600;
  EXPECT_THAT(only_trouble(check_port(port)).what, HasSubstr("peer"));
  port.peer_mtu = 1500;
  for (const Check& check : check_port(port)) EXPECT_EQ(check.mark, Mark::kGood);
}

TEST(Doctor, WritesCuresBelow) {
  EXPECT_EQ(checks_text({{Mark::kGood, "a", ""}, {Mark::kWarning, "b", "mend b"}, {Mark::kBad, "c", "mend c"}}),
            "✓ a\n! b\n    → mend b\n✗ c\n    → mend c\n");
}

TEST(NetworkState, KnowsTheLoopback) {
  const auto state = read_network_state();
  ASSERT_TRUE(state) << state.error().message();
  const Interface* const lo = state->find("lo");
  ASSERT_NE(lo, nullptr);
  EXPECT_TRUE(lo->loopback);
  EXPECT_FALSE(lo->ethernet);
  EXPECT_EQ(state->find(lo->index), lo);
  EXPECT_EQ(state->find("no-such-thing"), nullptr);
}

}  // namespace
}  // namespace myriad::cli
