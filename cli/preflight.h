// What can be known to go wrong before any device is touched. All checks are functions of facts that were read before,
// so that each can be tried without the machine that has the trouble.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/netdev.h"
#include "templates/plan/plan.h"

namespace myriad::cli {

// The effective capabilities of this process, as the kernel's bit mask.
class Capabilities {
 public:
  explicit constexpr Capabilities(std::uint64_t effective) : effective_(effective) {}
  static Capabilities of_this_process();

  [[nodiscard]] constexpr bool has(unsigned capability) const { return (effective_ >> capability & 1) != 0; }
  // Those that a run needs and that are not there, by name: NET_ADMIN, NET_RAW, BPF (SYS_ADMIN stands for it).
  [[nodiscard]] std::vector<std::string> missing() const;

 private:
  std::uint64_t effective_;
};

struct PreflightFacts {
  NetworkState network;
  Capabilities capabilities{0};
};
[[nodiscard]] Result<PreflightFacts> read_preflight_facts();

// Every fault is kMachine and has a cure.
[[nodiscard]] Result<void> preflight(const plan::Plan& plan, const PreflightFacts& facts, bool allow_default_route);

// The interface by name, or a failure that suggests the nearest.
[[nodiscard]] Result<const Interface*> find_interface(const NetworkState& network, const std::string& name);

}  // namespace myriad::cli
