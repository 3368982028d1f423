// Questions about XDP on an interface, for the refusals of steering and for `myriad doctor`. Nothing is changed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace myriad::bpf {

// Where a program runs: in the driver, behind it on the kernel's skb, or on the card.
enum class XdpMode : std::uint8_t { kNative, kSkb, kHardware };

[[nodiscard]] constexpr std::string_view xdp_mode_name(XdpMode mode) {
  switch (mode) {
    case XdpMode::kNative:
      return "native";
    case XdpMode::kSkb:
      return "skb";
    case XdpMode::kHardware:
      return "hardware";
  }
  return "unknown";
}

struct AttachedProgram {
  std::uint32_t id = 0;
  std::string name;  // empty when we may not ask: that takes CAP_SYS_ADMIN
  XdpMode mode = XdpMode::kNative;
  std::optional<std::uint32_t> link;  // number of the BPF link that holds it; nullopt: attached by netlink, or hidden

  // "XDP program 17 (xdp_filter, native)"
  [[nodiscard]] std::string description() const;
  // The command that takes it off `interface`.
  [[nodiscard]] std::string removal(std::string_view interface) const;
};

// The programs that sit on the interface of this network namespace; empty = none.
Result<std::vector<AttachedProgram>> attached_programs(std::uint32_t ifindex);

// What the driver of an interface can do (the kernel's Documentation/netlink/specs/netdev.yaml).
struct XdpFeatures {
  bool basic = false;                 // ABORTED, DROP, PASS, TX
  bool redirect = false;              // REDIRECT
  bool ndo_xmit = false;              // frames can be redirected to it
  bool xsk_zerocopy = false;          // AF_XDP without copying
  bool hw_offload = false;            // programs run on the card
  bool rx_sg = false;                 // frames in several pieces come in
  bool ndo_xmit_sg = false;           // and can be redirected to it
  std::uint32_t xdp_zc_max_segs = 0;  // pieces of a frame in zero-copy; 0 = the kernel does not say
};

// Asks the generic-netlink family `netdev`, which kernels since 6.3 have; fails with kMachine on older ones.
Result<XdpFeatures> xdp_features(std::uint32_t ifindex);

}  // namespace myriad::bpf
