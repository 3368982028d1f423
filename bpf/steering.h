// Which received frames are ours, and whose. Steering loads the XDP program of bpf/steer.bpf.c with the host ranges of
// a port, attaches it, and hands each frame of a host to the AF_XDP socket of the host's shard on the frame's queue.
// Every other frame stays with the kernel: the interface keeps working for everybody else.
//
// A Steering owns the attachment: when it is destroyed, or its process dies in whatever way, the program is gone and
// nothing is left (a BPF link, nothing pinned). It refuses an interface that has an XDP program already. It knows
// sockets as numbers only; they leave the program by themselves when they are closed.
//
// Set-up and counters belong to the control thread; nothing here is called per frame.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bpf/host_range.h"
#include "bpf/xdp_query.h"

namespace myriad::bpf {

enum class AttachMode : std::uint8_t {
  kAuto,    // native, else skb
  kNative,  // in the driver, or not at all
  kSkb,     // behind the driver: slower, works everywhere
};

struct SteeringOptions {
  std::string interface;         // of this network namespace
  std::uint32_t shards = 1;      // a host belongs to shard (number % shards)
  std::uint32_t queues = 1;      // RX queues that have sockets; frames for hosts on further queues are dropped
  std::vector<HostRange> hosts;  // none: everything passes
  AttachMode mode = AttachMode::kAuto;
};

// Why frames were left to the kernel.
enum class Passed : std::uint8_t {
  kTruncated,     // ends inside a header that had to be read
  kManyVlanTags,  // more than two
  kOtherMac,      // unicast to nobody of ours in that VLAN
  kOtherArp,      // ARP about an address that is not ours
  kOtherSolicit,  // neighbour solicitation for an address that is not ours
  kGroup,         // other broadcast and multicast
  kCount
};
inline constexpr std::array<std::string_view, static_cast<std::size_t>(Passed::kCount)> kPassedNames = {
    "truncated", "many_vlan_tags", "other_mac", "other_arp", "other_solicit", "group"};

struct SteeringCounters {
  std::uint64_t redirected = 0;  // to a socket; what the socket then drops is among the socket's statistics
  std::uint64_t no_socket = 0;   // for a host, but no socket at its queue and shard: dropped
  std::array<std::uint64_t, static_cast<std::size_t>(Passed::kCount)> passed_by_reason{};

  [[nodiscard]] std::uint64_t passed() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t count : passed_by_reason) sum += count;
    return sum;
  }
  [[nodiscard]] std::uint64_t operator[](Passed reason) const {
    return passed_by_reason[static_cast<std::size_t>(reason)];
  }
};

class Steering {
 public:
  // Faults: kUsage for ranges that cannot be, kMachine for all that the machine refuses, with the cure.
  static Result<Steering> attach(const SteeringOptions& options);
  Steering(Steering&&) noexcept;
  Steering& operator=(Steering&&) noexcept;
  ~Steering();

  // From now on frames of that shard's hosts on that queue go to this AF_XDP socket, in place of the one before.
  Result<void> set_socket(std::uint32_t queue, std::uint32_t shard, int socket);
  // Since attach(), over all CPUs. While frames come in, the counts of different reasons are not of the same instant.
  [[nodiscard]] Result<SteeringCounters> counters() const;

  [[nodiscard]] XdpMode mode() const;
  // When kAuto took skb: why native was refused, one sentence. Empty otherwise.
  [[nodiscard]] const std::string& native_refusal() const;
  [[nodiscard]] std::uint32_t program_id() const;

 private:
  struct State;
  explicit Steering(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace myriad::bpf
