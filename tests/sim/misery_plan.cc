#include "tests/sim/misery_plan.h"

#include <iterator>

#include "tests/sim/groups.h"

namespace myriad::sim {
namespace {

using namespace std::chrono_literals;

class Draw {
 public:
  explicit Draw(std::uint64_t seed) : rng_(seed) {}
  bool chance(double p) { return rng_.unit() < p; }
  std::uint64_t below(std::uint64_t bound) { return rng_.below(bound); }
  // Uniform in [0, most).
  Duration time(Duration most) {
    return Duration{static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>(most.count())))};
  }
  template <class T, std::size_t kCount>
  T one_of(const T (&choices)[kCount]) {
    return choices[rng_.below(kCount)];
  }

 private:
  Rng rng_;
};

WireOptions draw_wire(Draw& draw) {
  constexpr double kLoss[] = {0, 0.01, 0.03, 0.05, 0.1};
  constexpr double kRare[] = {0, 0.005, 0.02, 0.05};
  constexpr Duration kJitter[] = {0ms, 0ms, 1ms, 5ms};
  constexpr std::uint64_t kRate[] = {0, 0, 20'000'000, 1'000'000'000};
  WireOptions wire;
  wire.delay = 100us + draw.time(30ms);
  wire.jitter = draw.one_of(kJitter);
  wire.loss = draw.one_of(kLoss);
  wire.duplicate = draw.one_of(kRare);
  wire.corrupt = draw.one_of(kRare);
  wire.cut = draw.one_of(kRare);
  wire.reorder = draw.one_of(kRare);
  wire.reorder_by = draw.time(20ms);
  wire.bits_per_second = draw.one_of(kRate);
  return wire;
}

tcp::Personality draw_personality(Draw& draw) {
  constexpr std::uint32_t kWindow[] = {1024, 3000, 8192, 65535, 256 * 1024, 1U << 20};
  constexpr std::uint16_t kMss[] = {0, 0, 88, 536, 1000};
  constexpr std::uint8_t kInitialWindow[] = {1, 2, 4, 10};
  constexpr Duration kDelayedAck[] = {0ms, 40ms, 40ms, 200ms};
  tcp::Personality tcp;
  tcp.mss = draw.one_of(kMss);
  tcp.receive_window = draw.one_of(kWindow);
  tcp.window_scale = static_cast<std::uint8_t>(draw.below(8));
  if (draw.chance(0.25)) tcp.window_scale.reset();
  tcp.timestamps = draw.chance(0.7);
  tcp.sack = draw.chance(0.7);
  tcp.rack_tlp = draw.chance(0.7);
  tcp.congestion = draw.chance(0.5) ? tcp::Congestion::kCubic : tcp::Congestion::kNewReno;
  tcp.initial_window = draw.one_of(kInitialWindow);
  tcp.nagle = draw.chance(0.7);
  tcp.delayed_ack = draw.one_of(kDelayedAck);
  tcp.syn_ack_retries = 12;  // that a server forgets a call whose answers were lost is not what is tried here
  tcp.retries = 24;          // nor that a link which is down uses up the patience, and five losses in a row the rest
  return tcp;
}

// Four groups of different personalities.
std::vector<stack::HostGroup> draw_groups(Draw& draw, const std::string& side, int first_net) {
  constexpr std::uint32_t kGroups = 4;
  constexpr std::uint16_t kMtu[] = {1500, 1500, 1280, 1400};
  std::vector<stack::HostGroup> groups;
  for (std::uint32_t i = 0; i < kGroups; ++i) {
    groups.push_back(group(side + std::to_string(i), first_net + static_cast<int>(i), kMiseryHosts / kGroups,
                           draw_personality(draw)));
    groups.back().mtu = draw.one_of(kMtu);
    groups.back().resolve_each = draw.chance(0.3);
  }
  return groups;
}

stack::StackOptions draw_options(Draw& draw) {
  constexpr std::uint32_t kBlocks[] = {4, 64, 16 * 1024};
  constexpr std::uint32_t kTimeWait[] = {5, 64 * 1024};
  constexpr std::uint32_t kHalfOpen[] = {10, 16 * 1024};
  stack::StackOptions options;
  options.accept_pending_checksums = false;  // on this wire bits flip, and a checksum must be one
  options.neighbours.tries = 20;             // three questions or answers in a row are lost easily
  options.tcp.reassembly_blocks = draw.one_of(kBlocks);
  options.tcp.time_wait = draw.one_of(kTimeWait);
  options.tcp.half_open = draw.one_of(kHalfOpen);
  return options;
}

// From nothing over one byte and a page to more than any window.
std::uint64_t draw_size(Draw& draw) {
  constexpr std::uint64_t kBound[] = {1, 2, 300, 4'000, 4'000, 20'000, 60'000};
  return draw.below(draw.one_of(kBound)) + (draw.chance(0.5) ? 1U : 0U);
}

Part draw_part(Draw& draw, std::uint64_t bytes_from_peer) {
  Part part;
  part.sends = draw_size(draw);
  part.nodelay = draw.chance(0.3);
  if (draw.chance(0.05)) {
    part.holds = static_cast<std::uint32_t>(draw.below(300'000));
    part.holds_for = draw.time(5s);
  }
  if (draw.chance(0.03)) part.aborts_at = draw.below(bytes_from_peer + 1);
  return part;
}

ConversationPlan draw_conversation(Draw& draw) {
  ConversationPlan plan;
  plan.starts = draw.time(3s);
  plan.v6 = draw.chance(0.5);
  plan.client = draw_part(draw, 0);
  plan.server = draw_part(draw, plan.client.sends);
  if (plan.client.aborts_at) plan.client.aborts_at = draw.below(plan.server.sends + 1);
  constexpr Farewell kFarewell[] = {Farewell::kAfterSending, Farewell::kWhenAllHasCome, Farewell::kWhenPeerHasClosed};
  plan.client.farewell = draw.one_of(kFarewell);
  plan.server.farewell = draw.one_of(kFarewell);
  // Somebody has to begin.
  const bool both_wait =
      plan.client.farewell == Farewell::kWhenPeerHasClosed && plan.server.farewell == Farewell::kWhenPeerHasClosed;
  if (both_wait) plan.server.farewell = Farewell::kAfterSending;
  return plan;
}

}  // namespace

MiseryPlan MiseryPlan::draw(std::uint64_t seed) {
  Draw draw{mix64(seed)};
  MiseryPlan plan;
  plan.wire = draw_wire(draw);
  plan.left = draw_groups(draw, "left", 1);
  plan.right = draw_groups(draw, "right", 11);
  plan.options = draw_options(draw);
  plan.options.seed = seed;
  const std::uint64_t conversations = kMiseryHosts + draw.below(kMiseryHosts);
  for (std::uint64_t i = 0; i < conversations; ++i) plan.conversations.push_back(draw_conversation(draw));
  plan.ports = 2;
  if (draw.chance(0.3)) {
    plan.link_down.begin = draw.time(4s);
    plan.link_down.end = plan.link_down.begin + draw.time(20s);
  }
  if (draw.chance(0.15)) plan.left_forgets = draw.time(5s);
  if (draw.chance(0.15)) plan.right_forgets = draw.time(5s);
  return plan;
}

}  // namespace myriad::sim
