// Can this machine and this port do it? One line per check, ✓ good, ! works but, ✗ does not work, with the command that
// mends it. Nothing is changed.
//
// The checks are functions of facts, so that each can be tried without the machine that has the trouble.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "bpf/xdp_query.h"
#include "cli/command_line.h"
#include "cli/exit_code.h"
#include "cli/netdev.h"
#include "cli/preflight.h"

namespace myriad::cli {

enum class Mark { kGood, kWarning, kBad };

struct Check {
  Mark mark = Mark::kGood;
  std::string what;
  std::string cure;  // empty when nothing is to be done
};

struct MachineFacts {
  std::string kernel_release;
  unsigned cores = 1;
  Capabilities capabilities{0};
  std::optional<std::uint64_t> locked_memory_limit;  // bytes; nullopt = none
};
[[nodiscard]] MachineFacts read_machine_facts();
[[nodiscard]] std::vector<Check> check_machine(const MachineFacts& machine);

struct PortFacts {
  Interface interface;
  std::optional<std::uint32_t> peer_mtu;  // of the other end of a veth in this namespace
  bool default_route = false;
  DriverFacts driver;
  std::optional<bpf::XdpFeatures> features;  // nullopt: the kernel does not say
  std::vector<bpf::AttachedProgram> programs;
};
[[nodiscard]] Result<PortFacts> read_port_facts(const NetworkState& network, const std::string& interface);
[[nodiscard]] std::vector<Check> check_port(const PortFacts& port);

// "✓ kernel 6.18" and, below it, the cure.
[[nodiscard]] std::string checks_text(const std::vector<Check>& checks);

// To stdout. kDone when nothing is ✗, else kMachine.
ExitCode doctor(const DoctorCommand& command);

// One line per Ethernet interface of this namespace: what it is, how it stands, whether a run may use it.
[[nodiscard]] Result<std::string> interfaces_text();

}  // namespace myriad::cli
