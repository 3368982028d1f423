// A whole run without threads or devices: a plan, its ports on the simulated network of tests/sim, one station for
// every shard, on a virtual clock.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/place.h"
#include "engine/sessions.h"
#include "stack/wire/ethernet.h"
#include "templates/plan/plan.h"
#include "tests/sim/network.h"

namespace myriad::engine {

// One shard of one port.
class ShardOnWire {
 public:
  ShardOnWire(sim::Network& network, const Placement& placement, std::uint32_t shard, std::uint32_t shards,
              const tcp::Limits& limits = {}, Milestones* milestones = nullptr);

  [[nodiscard]] Sessions& sessions() { return sessions_; }
  [[nodiscard]] stack::Stack& stack() { return station_.stack(); }
  [[nodiscard]] sim::Station& station() { return station_; }

 private:
  sim::Station& station_;
  Sessions sessions_;
};

// Hosts "clients" (10.0.1.x, fd00::1:x) on port 0 and "servers" (10.0.2.x, fd00::2:x) on port 1, with services "web" 80
// (1,000 bytes), "echo" 7 and "sink" 9 on all servers.
class Site {
 public:
  static constexpr std::size_t kClients = 0;
  static constexpr std::size_t kServers = 1;

  plan::Plan plan;
  sim::WireOptions wire;
  std::uint32_t shards = 1;               // of the clients' port
  tcp::Limits limits;                     // of the clients' shards
  std::shared_ptr<const app::Role> role;  // if set, what the sessions of the first workload play
  bool host_details = false;

  explicit Site(std::uint32_t client_count = 10, std::uint32_t server_count = 1);

  // A workload from the clients to 10.0.2.1, or to all servers in turn.
  plan::Workload& add(std::string name, decltype(plan::Workload::kind) kind, std::uint16_t port) {
    plan::Workload& workload = plan.workloads.emplace_back();
    workload.name = std::move(name);
    workload.from = kClients;
    workload.to.address = *IpAddress::parse("10.0.2.1");
    workload.to.port = Port{port};
    workload.kind = std::move(kind);
    return workload;
  }

  void start();
  // Starts if need be, and goes on until every workload is over. False: it is not, after `at_most`.
  bool run(Duration at_most = std::chrono::seconds{600});
  [[nodiscard]] bool finished() const {
    for (const auto& shard : client_shards) {
      if (!shard->sessions().finished()) return false;
    }
    return true;
  }
  void run_for(Duration time) {
    if (!network) start();
    network->run(time);
  }
  [[nodiscard]] ShardCounters counters() const;
  [[nodiscard]] WorkloadCounters workload(std::size_t index = 0) const { return counters().workloads[index]; }
  [[nodiscard]] ShardOnWire& clients() { return *client_shards[0]; }
  // The body of the web service.
  [[nodiscard]] std::vector<std::uint8_t> body(std::size_t bytes) const {
    std::vector<std::uint8_t> out(bytes);
    placements[1]->services[0].http.pattern.fill(0, out);
    return out;
  }

  std::unique_ptr<sim::Network> network;
  std::unique_ptr<Milestones> milestones;
  std::vector<std::unique_ptr<Placement>> placements;
  std::vector<std::unique_ptr<ShardOnWire>> client_shards;
  std::unique_ptr<ShardOnWire> servers;
};

inline std::uint64_t failures(const WorkloadCounters& counters, Failure why) {
  return counters.failures[static_cast<std::size_t>(why)];
}

}  // namespace myriad::engine
