// A port of the plan at work: hosts, steering, sockets, and a thread for each shard. The one place where the rooms
// meet: Shard is compiled here for the AF_XDP port and the sessions of the engine.
//
// open() touches the device, start() begins the run, stop() ends it; everything taken is given back by the destructor.
// All calls come from the control thread. It meets the shards' threads in a few atomics and in their snapshots.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/port_state.h"
#include "base/result.h"
#include "base/time.h"
#include "bpf/steering.h"
#include "engine/asked.h"
#include "engine/counters.h"
#include "engine/host_tallies.h"
#include "engine/milestones.h"
#include "engine/place.h"
#include "engine/replay_start.h"
#include "engine/tap.h"
#include "stack/host_table.h"
#include "stack/wire/drop.h"
#include "templates/plan/plan.h"
#include "xsk/xsk_port.h"

namespace myriad::cli {

// What all shards of a port have counted, added up.
struct PortReport {
  engine::ShardCounters sessions;
  stack::DropCounters drops;
  xsk::PortCounters port;
  xsk::XdpStatistics xdp;
  bpf::SteeringCounters steering;
  std::uint64_t frames_inside = 0;
  std::uint64_t inside_dropped = 0;
  std::uint64_t tx_left_behind = 0;  // frames that had not left when the run had ended, and were not going to
  PortState state = PortState::kUp;
};

// What all ports of a run begin with.
struct RunStart {
  Instant at;
  std::uint16_t run = 0;           // in the signatures of frames: another for each run
  engine::Milestones* milestones;  // outlives the ports' threads
  std::vector<engine::Tap*> taps;  // of this port: one per shard, or none
  std::vector<int> cores;          // to which the shards are pinned in turn; none: to no core
  bool spin = false;               // shards may spin for a moment while idle, since each has a core of its own
  std::span<engine::ReplayStart> replay_starts;  // one for each replay of the plan; outlives the ports
};

class PortRun {
 public:
  // `host_details`: sessions and times are kept for each host as well.
  static Result<std::unique_ptr<PortRun>> open(const plan::Plan& plan, std::size_t port, bool host_details);
  PortRun(const PortRun&) = delete;
  PortRun& operator=(const PortRun&) = delete;
  ~PortRun();

  [[nodiscard]] const stack::HostTable& hosts() const;
  [[nodiscard]] std::uint32_t shards() const;
  [[nodiscard]] const xsk::Port& port() const;
  [[nodiscard]] const bpf::Steering& steering() const;
  // What the user ought to know about how the port was opened, one sentence each.
  [[nodiscard]] const std::vector<std::string>& notes() const;

  // Hosts answer from now on; sessions begin. Returns what went wrong with the steering map.
  Result<void> start(const RunStart& start);

  // Every workload is over, in all shards. Services never are: true for a port without workloads.
  [[nodiscard]] bool finished() const;
  [[nodiscard]] PortState state() const;
  // Nothing new begins; what is open goes on.
  void stop_starting();
  // Resets what is open, sends what is queued, ends the threads. Afterwards report() is final.
  void stop();
  // What became of the sessions of one host, after stop(): `workload` by its index in the plan, on this port; `host` by
  // its place in the group.
  [[nodiscard]] engine::HostTally tally(std::size_t workload, std::uint32_t host) const;
  // What a service, by its index in the plan, was asked for in each shard, after stop(); none: it is not a catch_all of
  // this port.
  [[nodiscard]] std::vector<const engine::Asked*> asked(std::size_t service) const;
  // Frames that are nowhere, after stop(); anything but 0 is a defect of ours.
  [[nodiscard]] std::int64_t frames_missing() const;

  // The counters of this moment: asks every shard and waits for the answers, which takes less than a turn; a shard that
  // does not answer within `patience` is taken as it was.
  [[nodiscard]] PortReport report(Duration patience = std::chrono::milliseconds{100});

 private:
  struct Crew;
  explicit PortRun(std::unique_ptr<Crew> crew);
  std::unique_ptr<Crew> crew_;
};

}  // namespace myriad::cli
