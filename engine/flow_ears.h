// Hears signed frames: of each flow that arrives at this shard, how many came, which twice and which late, and how long
// they took. A host's frames all come to the same shard, so what is counted here is whole for the hosts of this shard.
//
// Frames of another run (another Myriad) are counted by run and flow. How long they took is only known where both
// clocks are one, that is on the same machine: times that cannot be are left out.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "engine/counters.h"
#include "engine/place.h"

namespace myriad::engine {

class FlowEars {
 public:
  // Flows of other runs that are told apart; frames of further ones are counted as those of nobody.
  static constexpr std::size_t kStrangers = 256;

  FlowEars(const Placement& placement, std::uint16_t run);

  // True when the frame was signed: it is nobody else's business then.
  bool hear(Bytes frame, Instant now) {
    for (const std::size_t at : places_) {
      if (frame.size() >= at + 2 && load_be16(frame.data() + at) == kMagic) return take(frame, at, now);
    }
    return false;
  }
  void write_counters(std::vector<FlowCounters>& own, std::vector<StrangerCounters>& others) const;

 private:
  static constexpr std::uint16_t kMagic = 0x4d59;  // of craft/signature.h
  // How far back a number may lie to be told from one that came before.
  static constexpr std::uint64_t kWindow = 65'536;

  struct Ear {
    std::uint64_t highest = 0;        // number, plus one
    std::vector<std::uint64_t> seen;  // a bit for each number of the window
    std::int64_t last_transit_ns = 0;
    bool has_transit = false;
    FlowCounters counters;

    void take(std::uint32_t sequence, std::size_t bytes);
    void time(std::int64_t transit_ns);
  };

  bool take(Bytes frame, std::size_t at, Instant now);
  [[nodiscard]] Ear* ear_of(std::uint16_t run, std::uint16_t flow);

  std::uint16_t run_;
  std::vector<std::size_t> places_;  // where signatures may begin
  std::vector<Ear> own_;             // by index in the plan
  std::map<std::pair<std::uint16_t, std::uint16_t>, Ear> others_;
};

}  // namespace myriad::engine
