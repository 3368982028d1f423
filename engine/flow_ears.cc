#include "engine/flow_ears.h"

#include <algorithm>
#include <cstdlib>

#include "craft/signature.h"

namespace myriad::engine {
namespace {

// Longer than any network keeps a frame: a time beyond it is that of another clock.
constexpr std::int64_t kLongestTransitNs = 10'000'000'000;

}  // namespace

FlowEars::FlowEars(const Placement& placement, std::uint16_t run) : run_(run), own_(placement.plan_flows) {
  static_assert(kMagic == craft::kSignatureMagic);
  // UDP over IPv4 and IPv6, with and without a VLAN tag; and where our own flows have theirs, or a tag less or more.
  places_ = {42, 62, 46, 66, 50, 70};
  for (const std::size_t at : placement.signatures_at) {
    for (const std::size_t place : {at, at + 4, at - 4}) {
      if (std::find(places_.begin(), places_.end(), place) == places_.end()) places_.push_back(place);
    }
  }
}

FlowEars::Ear* FlowEars::ear_of(std::uint16_t run, std::uint16_t flow) {
  if (run == run_) return flow < own_.size() ? &own_[flow] : nullptr;
  const auto found = others_.find({run, flow});
  if (found != others_.end()) return &found->second;
  if (others_.size() >= kStrangers) return nullptr;
  return &others_[{run, flow}];
}

bool FlowEars::take(Bytes frame, std::size_t at, Instant now) {
  const auto signature = craft::Signature::at(frame, at);
  if (!signature) return false;
  Ear* const ear = ear_of(signature->run, signature->flow);
  if (ear == nullptr) return true;
  ear->take(signature->sequence, frame.size());
  std::int64_t transit = signature->age_ns(now.ns);
  // Shards read their clock once a turn: to the one that hears, what another one has sent since then comes too early.
  if (signature->run == run_) transit = std::max<std::int64_t>(transit, 0);
  if (transit >= 0 && transit < kLongestTransitNs) ear->time(transit);
  return true;
}

void FlowEars::Ear::take(std::uint32_t sequence, std::size_t bytes) {
  // The number that is nearest to the highest so far, of all that end in these 32 bits.
  const auto ahead = static_cast<std::int32_t>(sequence - static_cast<std::uint32_t>(highest));
  const bool before_the_first = ahead < 0 && static_cast<std::uint64_t>(-std::int64_t{ahead}) > highest;
  const std::uint64_t number = before_the_first ? sequence : highest + static_cast<std::uint64_t>(std::int64_t{ahead});
  if (seen.empty()) seen.assign(kWindow / 64, 0);
  ++counters.frames_rx;
  counters.bytes_rx += bytes;
  const auto bit = [&](std::uint64_t n) -> std::uint64_t& { return seen[n % kWindow / 64]; };
  const std::uint64_t mask = std::uint64_t{1} << (number % 64);
  if (number >= highest) {
    // What lies between has not been seen; numbers that left the window are forgotten.
    if (number - highest >= kWindow) {
      std::fill(seen.begin(), seen.end(), 0);
    } else {
      for (std::uint64_t n = highest; n <= number; ++n) bit(n) &= ~(std::uint64_t{1} << (n % 64));
    }
    highest = number + 1;
    counters.highest = highest;
  } else if (highest - number > kWindow) {
    ++counters.reordered;  // so late that nobody knows whether it came before
    return;
  } else if ((bit(number) & mask) != 0) {
    ++counters.duplicated;
    return;
  } else {
    ++counters.reordered;
  }
  bit(number) |= mask;
}

// RFC 3550 section 6.4.1 calls the difference of two transit times jitter; here it is kept whole instead of smoothed.
void FlowEars::Ear::time(std::int64_t transit_ns) {
  counters.latency.record(static_cast<std::uint64_t>(transit_ns));
  if (has_transit) counters.jitter.record(static_cast<std::uint64_t>(std::abs(transit_ns - last_transit_ns)));
  has_transit = true;
  last_transit_ns = transit_ns;
}

void FlowEars::write_counters(std::vector<FlowCounters>& own, std::vector<StrangerCounters>& others) const {
  own.resize(own_.size());
  for (std::size_t i = 0; i < own_.size(); ++i) own[i] = own_[i].counters;
  others.clear();
  for (const auto& [who, ear] : others_) others.push_back({who.first, who.second, ear.counters});
}

}  // namespace myriad::engine
