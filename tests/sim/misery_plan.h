// What happens in one run of misery: drawn from a seed, so that the seed alone says everything about the run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "stack/host_table.h"
#include "stack/stack.h"
#include "tests/sim/network.h"

namespace myriad::sim {

inline constexpr std::uint32_t kMiseryHosts = 100;  // on each of the two stations
inline constexpr std::uint16_t kMiseryPort = 1000;  // the first of the ports that servers listen on

// When an end that has nothing left to send says so.
enum class Farewell : std::uint8_t { kAfterSending, kWhenAllHasCome, kWhenPeerHasClosed };

// One end of a conversation.
struct Part {
  std::uint64_t sends = 0;  // bytes
  Farewell farewell = Farewell::kAfterSending;
  bool nodelay = false;
  std::uint32_t holds = 0;                 // bytes it leaves unread at first
  Duration holds_for{};                    // afterwards it reads
  std::optional<std::uint64_t> aborts_at;  // as soon as that many bytes have come
};

struct ConversationPlan {
  Duration starts{};  // after the start of the run
  bool v6 = false;
  Part client;
  Part server;
};

// A stretch of time; empty when there is none.
struct Stretch {
  Duration begin{};
  Duration end{};
  [[nodiscard]] bool is_empty() const { return begin == end; }
  [[nodiscard]] bool holds(Duration at) const { return begin <= at && at < end; }
};

struct MiseryPlan {
  WireOptions wire;
  std::vector<stack::HostGroup> left;   // clients
  std::vector<stack::HostGroup> right;  // servers
  stack::StackOptions options;          // of either station
  std::vector<ConversationPlan> conversations;
  std::uint16_t ports = 1;  // that servers listen on, each for one conversation of a host
  Stretch link_down;
  std::optional<Duration> left_forgets;  // the whole station starts anew, and its hosts call again
  std::optional<Duration> right_forgets;

  [[nodiscard]] static MiseryPlan draw(std::uint64_t seed);

  // Nothing but the wire is against them: every conversation must come to its end.
  [[nodiscard]] bool is_calm() const { return link_down.is_empty() && !left_forgets && !right_forgets; }
  // Conversation i is between client i and server i modulo the hosts, on the port that its number leaves over.
  [[nodiscard]] static stack::HostId host(std::uint32_t conversation) {
    return stack::HostId{conversation % kMiseryHosts};
  }
  [[nodiscard]] static Port port(std::uint32_t conversation) {
    return {static_cast<std::uint16_t>(kMiseryPort + conversation / kMiseryHosts)};
  }
  [[nodiscard]] static std::uint32_t conversation_of(stack::HostId host, Port port) {
    return static_cast<std::uint32_t>(host) + kMiseryHosts * (port.number - std::uint32_t{kMiseryPort});
  }
};

}  // namespace myriad::sim
