#include "cli/doctor.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "cli/kernel_release.h"
#include "cli/print.h"
#include "report/format.h"

namespace myriad::cli {
namespace {

Check good(std::string what) { return {Mark::kGood, std::move(what), {}}; }
Check warning(std::string what, std::string cure) { return {Mark::kWarning, std::move(what), std::move(cure)}; }
Check bad(std::string what, std::string cure) { return {Mark::kBad, std::move(what), std::move(cure)}; }

Check check_kernel(const std::string& release) {
  const KernelRelease version = KernelRelease::parse(release);

  if (version < KernelRelease{5, 9}) {
    return bad("kernel " + release + " has no BPF links for XDP (those came with 5.9)", "use a kernel of 6.1 or newer");
  }
  if (version < KernelRelease{6, 15}) {
    return warning(
        "kernel " + release +
            ": sockets that share a UMEM race in copy mode before 6.15 (CVE-2025-37920), so one shard is used",
        "use a kernel of 6.15 or newer for several shards, or a distribution's with the fix and `shards:`");
  }
  return good("kernel " + release);
}

Check check_capabilities(const Capabilities& capabilities) {
  const auto missing = capabilities.missing();
  if (missing.empty()) return good("capabilities NET_ADMIN, NET_RAW, BPF");
  return bad(fmt::format("capabilities missing: {}", fmt::join(missing, ", ")),
             "run with sudo, or once: sudo setcap cap_net_admin,cap_net_raw,cap_bpf+ep $(command -v myriad)");
}

// What one shard's frames take with the usual ring sizes: 2048 bytes for each place in FILL, RX, TX and COMPLETION.
constexpr std::uint64_t kUsualFrameMemory = std::uint64_t{4} * 2048 * 2048;

Check check_locked_memory(const MachineFacts& machine) {
  if (machine.capabilities.has(CAP_IPC_LOCK)) return good("locked memory: no limit (CAP_IPC_LOCK)");
  if (!machine.locked_memory_limit) return good("locked memory: no limit");
  const std::string limit = report::bytes_text(*machine.locked_memory_limit);
  if (*machine.locked_memory_limit >= kUsualFrameMemory) return good("locked memory: up to " + limit);
  const std::string text = fmt::format("locked memory is limited to {}; the frames of one shard take {}", limit,
                                       report::bytes_text(kUsualFrameMemory));
  if (machine.capabilities.has(CAP_SYS_RESOURCE)) return warning(text + "; it is raised at the start of a run", "");
  return bad(text, "ulimit -l unlimited, or run with sudo");
}

Check check_driver(const PortFacts& port) {
  const std::string name = port.driver.driver.empty() ? "a driver that does not tell its name" : port.driver.driver;
  return good(fmt::format("{}: driver {}, {}, MTU {}", port.interface.name, name, port.interface.mac.text(),
                          port.interface.mtu));
}

Check check_link(const Interface& interface) {
  if (!interface.up) return bad("the interface is down", "sudo ip link set " + interface.name + " up");
  if (!interface.carrier)
    return warning("no link: nobody at the other end", "check the cable, or bring the other end up");
  return good("link is up");
}

Check check_features(const PortFacts& port) {
  if (!port.features) {
    return warning("XDP features unknown: this kernel does not tell (6.3 and newer do)",
                   "a run tries zero-copy, then copy, then skb, and says what it got");
  }
  const bpf::XdpFeatures& f = *port.features;
  if (!f.basic || !f.redirect) {
    return warning("the driver has no native XDP: the slower skb mode is used",
                   "use a NIC whose driver has XDP for full rate");
  }
  if (!f.xsk_zerocopy) {
    return warning("native XDP, no zero-copy: frames are copied (mode copy)", "");
  }
  if (const std::string doubt = zero_copy_doubt(port.driver); !doubt.empty()) {
    return warning("native XDP with zero-copy, but " + doubt, "mode auto takes copy here; --mode zero-copy insists");
  }
  return good(fmt::format("native XDP with zero-copy{}",
                          f.xdp_zc_max_segs > 1 ? fmt::format(", frames of up to {} pieces", f.xdp_zc_max_segs) : ""));
}

Check check_programs(const PortFacts& port) {
  if (port.programs.empty()) return good("no other XDP program");
  const bpf::AttachedProgram& program = port.programs.front();
  return bad(program.description() + " is attached: two cannot be", program.removal(port.interface.name));
}

Check check_queues(const PortFacts& port, unsigned cores) {
  const DriverFacts& d = port.driver;
  const std::string text = fmt::format("{} of {} queues in use, {} cores", d.queues, d.queues_max, cores);
  if (d.queues > cores) {
    return warning(text + ": each queue has its rings, but a core serves several",
                   fmt::format("sudo ethtool -L {} combined {}", port.interface.name, cores));
  }
  return good(text);
}

void check_offload(const PortFacts& port, const Offload& offload, std::vector<Check>& checks) {
  struct Harm {
    const char* name;
    Mark mark;
    const char* what;
  };
  static constexpr Harm kHarms[] = {
      {"rx-vlan-offload", Mark::kWarning,
       "the card takes VLAN tags off before XDP sees them: hosts in VLANs get nothing"},
      {"lro", Mark::kBad, "the card merges frames: XDP refuses or sees other frames than the wire"},
      {"rx-gro-hw", Mark::kBad, "the card merges frames: XDP refuses or sees other frames than the wire"}};
  // A veth has no card: VLAN tags that its peer's kernel puts on travel beside the frame, and native XDP puts them
  // back.
  if (!offload.on || port.interface.kind == "veth") return;
  for (const Harm& harm : kHarms) {
    if (offload.name != harm.name) continue;
    const std::string cure = offload.fixed
                                 ? std::string("the driver does not let it be switched off: use another port")
                                 : fmt::format("sudo ethtool -K {} {} off", port.interface.name, offload.name);
    checks.push_back({harm.mark, fmt::format("{} is on: {}", offload.name, harm.what), cure});
  }
}

std::vector<Check> check_offloads(const PortFacts& port) {
  std::vector<Check> checks;
  for (const Offload& offload : port.driver.offloads) check_offload(port, offload, checks);
  if (checks.empty()) checks.push_back(good("no offload hides the wire (VLAN, LRO, hardware GRO)"));
  return checks;
}

// Native XDP without multi-buffer support wants a frame, its headroom and the skb's tail in one page.
constexpr std::uint32_t kNativeVethPeerMtu = 3498;
// A chunk of 4,096 bytes has 256 bytes of headroom and must hold 14 + 8 bytes of Ethernet and VLAN tags.
constexpr std::uint32_t kChunkMtu = 4096 - 256 - 22;

Check check_mtu(const PortFacts& port) {
  const std::uint32_t mtu = port.interface.mtu;
  if (mtu > kChunkMtu) {
    return bad(fmt::format("MTU {}: a frame must fit a chunk of 4,096 bytes, so at most {}", mtu, kChunkMtu),
               fmt::format("sudo ip link set {} mtu 1500", port.interface.name));
  }
  const std::uint32_t peer = port.peer_mtu.value_or(mtu);
  if (port.interface.kind == "veth" && peer > kNativeVethPeerMtu) {
    return warning(
        fmt::format("the peer's MTU {} is too large for native XDP on a veth (at most about {}): skb mode is used",
                    peer, kNativeVethPeerMtu),
        "give the other end an MTU of 1500");
  }
  return good(fmt::format("MTU {} fits", mtu));
}

Check check_default_route(const PortFacts& port) {
  if (!port.default_route) return good("does not carry the default route");
  return warning("carries this machine's default route: a run is refused",
                 "use another port, or say --allow-default-route");
}

std::string without_trailing_blanks(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') out.erase(out.find_last_not_of(' ') + 1);
    out += c;
  }
  return out;
}

}  // namespace

MachineFacts read_machine_facts() {
  MachineFacts facts;
  facts.kernel_release = kernel_release_text();
  const long cores = ::sysconf(_SC_NPROCESSORS_ONLN);
  facts.cores = cores > 0 ? static_cast<unsigned>(cores) : 1;
  facts.capabilities = Capabilities::of_this_process();
  rlimit limit{};
  if (::getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    facts.locked_memory_limit = limit.rlim_cur;
  return facts;
}

std::vector<Check> check_machine(const MachineFacts& machine) {
  return {check_kernel(machine.kernel_release), check_capabilities(machine.capabilities), check_locked_memory(machine)};
}

Result<PortFacts> read_port_facts(const NetworkState& network, const std::string& name) {
  const auto interface = find_interface(network, name);
  if (!interface) return tl::unexpected(interface.error());
  PortFacts port;
  port.interface = **interface;
  if (port.interface.kind == "veth") {
    if (const Interface* const peer = network.find(port.interface.lower)) port.peer_mtu = peer->mtu;
  }
  port.default_route = network.carries_default_route(port.interface);
  port.driver = read_driver(name);
  if (auto features = bpf::xdp_features(port.interface.index)) port.features = *features;
  auto programs = bpf::attached_programs(port.interface.index);
  if (!programs) return tl::unexpected(programs.error());
  port.programs = std::move(*programs);
  return port;
}

std::vector<Check> check_port(const PortFacts& port) {
  if (port.interface.loopback || !port.interface.ethernet) {
    return {bad(port.interface.name + " is not an Ethernet interface", "myriad list interfaces shows those that are")};
  }
  const long cores = ::sysconf(_SC_NPROCESSORS_ONLN);
  std::vector<Check> checks = {check_driver(port), check_link(port.interface), check_features(port),
                               check_programs(port), check_queues(port, cores > 0 ? static_cast<unsigned>(cores) : 1)};
  for (Check& check : check_offloads(port)) checks.push_back(std::move(check));
  checks.push_back(check_mtu(port));
  checks.push_back(check_default_route(port));
  return checks;
}

std::string checks_text(const std::vector<Check>& checks) {
  std::string text;
  for (const Check& check : checks) {
    const char* const mark = check.mark == Mark::kGood ? "✓" : check.mark == Mark::kWarning ? "!" : "✗";
    text += fmt::format("{} {}\n", mark, check.what);
    if (!check.cure.empty()) text += fmt::format("    → {}\n", check.cure);
  }
  return text;
}

Result<std::string> interfaces_text() {
  const auto network = read_network_state();
  if (!network) return tl::unexpected(network.error());
  std::string text = fmt::format("{} {} {} {} {} {}\n", report::left("interface", 15), report::left("driver", 12),
                                 report::left("link", 8), report::left("queues", 6), report::left("XDP", 17), "");
  for (const Interface& interface : network->interfaces) {
    if (interface.loopback || !interface.ethernet) continue;
    const auto port = read_port_facts(*network, interface.name);
    if (!port) continue;  // gone in the meantime
    const char* const xdp = !port->features                ? "unknown"
                            : port->features->xsk_zerocopy ? "zero-copy"
                            : port->features->redirect     ? "native, copy"
                                                           : "skb only";
    std::string remarks;
    if (port->default_route) remarks += "default route; ";
    if (!port->programs.empty()) remarks += port->programs.front().description() + "; ";
    if (interface.master != 0) {
      const Interface* const master = network->find(interface.master);
      remarks += fmt::format("belongs to {}; ", master != nullptr ? master->name : "another interface");
    }
    if (!remarks.empty()) remarks.resize(remarks.size() - 2);
    text += fmt::format("{} {} {} {} {} {}\n", report::left(interface.name, 15), report::left(port->driver.driver, 12),
                        report::left(!interface.up       ? "down"
                                     : interface.carrier ? "up"
                                                         : "no link",
                                     8),
                        report::right(std::to_string(port->driver.queues), 6), report::left(xdp, 17), remarks);
  }
  return without_trailing_blanks(text);
}

ExitCode doctor(const DoctorCommand& command) {
  std::vector<Check> checks = check_machine(read_machine_facts());
  std::string tail;
  if (command.interface) {
    const auto network = read_network_state();
    if (!network) return complain(network.error());
    const auto port = read_port_facts(*network, *command.interface);
    if (!port) return complain(port.error());
    for (Check& check : check_port(*port)) checks.push_back(std::move(check));
  } else {
    const auto interfaces = interfaces_text();
    if (!interfaces) return complain(interfaces.error());
    tail = "\n" + *interfaces + "\nmyriad doctor IFACE looks at one of them.\n";
  }
  print_out(checks_text(checks) + tail);
  const bool any_bad = std::any_of(checks.begin(), checks.end(), [](const Check& c) { return c.mark == Mark::kBad; });
  return any_bad ? ExitCode::kMachine : ExitCode::kDone;
}

}  // namespace myriad::cli
