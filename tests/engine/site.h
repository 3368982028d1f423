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
              const tcp::Limits& limits = {}, Milestones* milestones = nullptr)
      : station_(network.add(placement.groups, options(shard, shards, limits))),
        sessions_(placement, station_.stack(), station_.batch(),
                  {.shard = shard, .shards = shards, .start = network.now(), .milestones = milestones}) {
    station_.on_frame = [this, shard, shards](Bytes frame, Instant now) {
      // What steering does: a unicast frame comes to the shard that owns its host.
      const auto view = wire::EthernetView::parse(frame);
      if (view && !view->dst().is_group()) {
        const auto host = station_.hosts().by_mac(view->dst(), view->vlan());
        if (host && static_cast<std::uint32_t>(host->id) % shards != shard) return;
      }
      station_.stack().on_frame(frame, now, sessions_, station_.batch());
    };
    station_.on_time = [this](Instant now) {
      station_.stack().on_timers(now, sessions_);
      sessions_.on_time(now, station_.batch());
      sessions_.start_due(now, station_.batch());
      station_.stack().transmit(now, sessions_, station_.batch());
    };
    station_.deadline = [this] { return std::min(station_.stack().next_deadline(), sessions_.next_deadline()); };
  }

  [[nodiscard]] Sessions& sessions() { return sessions_; }
  [[nodiscard]] stack::Stack& stack() { return station_.stack(); }
  [[nodiscard]] sim::Station& station() { return station_; }

 private:
  static stack::StackOptions options(std::uint32_t shard, std::uint32_t shards, const tcp::Limits& limits) {
    stack::StackOptions options;
    options.tcp = limits;
    options.seed = 7;
    options.shard = shard;
    options.shards = shards;
    return options;
  }

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

  explicit Site(std::uint32_t client_count = 10, std::uint32_t server_count = 1) {
    plan.ports.resize(2);
    plan.groups.push_back(group("clients", 0, 1, client_count));
    plan.groups.push_back(group("servers", 1, 2, server_count));
    plan.services.push_back({"web", kServers, Port{80}, plan::HttpService{1000}});
    plan.services.push_back({"echo", kServers, Port{7}, plan::EchoService{}});
    plan.services.push_back({"sink", kServers, Port{9}, plan::DiscardService{}});
  }

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

  void start() {
    network = std::make_unique<sim::Network>(plan.seed, wire);
    for (std::size_t port = 0; port < plan.ports.size(); ++port) {
      placements.push_back(std::make_unique<Placement>(place(plan, port)));
      for (WorkloadPlace& workload : placements.back()->workloads) workload.host_details = host_details;
    }
    if (role) placements[0]->workloads[0].kind = role;
    milestones = std::make_unique<Milestones>(std::vector<std::uint32_t>(plan.workloads.size(), shards));
    for (std::uint32_t shard = 0; shard < shards; ++shard) {
      client_shards.push_back(
          std::make_unique<ShardOnWire>(*network, *placements[0], shard, shards, limits, milestones.get()));
    }
    servers = std::make_unique<ShardOnWire>(*network, *placements[1], 0, 1);
  }
  // Starts if need be, and goes on until every workload is over. False: it is not, after `at_most`.
  bool run(Duration at_most = std::chrono::seconds{600}) {
    if (!network) start();
    return network->run_until([this] { return finished(); }, at_most);
  }
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
  [[nodiscard]] ShardCounters counters() const {
    ShardCounters all;
    for (const auto& shard : client_shards) {
      ShardCounters own;
      shard->sessions().write_counters(own);
      all.merge(own);
    }
    ShardCounters own;
    servers->sessions().write_counters(own);
    all.merge(own);
    return all;
  }
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

 private:
  static plan::HostGroup group(const std::string& name, std::size_t port, std::uint32_t net, std::uint32_t count) {
    plan::HostGroup g;
    g.name = name;
    g.port = port;
    g.count = count;
    g.mac = MacAddress::from_number(0x024d00000000ULL + (std::uint64_t{net} << 24) + 1);
    g.ipv4 = Ipv4Prefix{Ipv4Address{0x0a000001U + (net << 8)}, 8};
    g.ipv6 = Ipv6Prefix{*Ipv6Address::parse("fd00::" + std::to_string(net) + ":1"), 64};
    return g;
  }
};

inline std::uint64_t failures(const WorkloadCounters& counters, Failure why) {
  return counters.failures[static_cast<std::size_t>(why)];
}

}  // namespace myriad::engine
