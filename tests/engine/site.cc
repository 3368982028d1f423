#include "tests/engine/site.h"

#include <algorithm>
#include <utility>

namespace myriad::engine {
namespace {

stack::StackOptions options(std::uint32_t shard, std::uint32_t shards, const tcp::Limits& limits) {
  stack::StackOptions options;
  options.tcp = limits;
  options.seed = 7;
  options.shard = shard;
  options.shards = shards;
  return options;
}

plan::HostGroup group(const std::string& name, std::size_t port, std::uint32_t net, std::uint32_t count) {
  plan::HostGroup g;
  g.name = name;
  g.port = port;
  g.count = count;
  g.mac = MacAddress::from_number(0x024d00000000ULL + (std::uint64_t{net} << 24) + 1);
  g.ipv4 = Ipv4Prefix{Ipv4Address{0x0a000001U + (net << 8)}, 8};
  g.ipv6 = Ipv6Prefix{*Ipv6Address::parse("fd00::" + std::to_string(net) + ":1"), 64};
  return g;
}

}  // namespace

ShardOnWire::ShardOnWire(sim::Network& network, const Placement& placement, std::uint32_t shard, std::uint32_t shards,
                         const tcp::Limits& limits, Milestones* milestones)
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

Site::Site(std::uint32_t client_count, std::uint32_t server_count) {
  plan.ports.resize(2);
  plan.groups.push_back(group("clients", 0, 1, client_count));
  plan.groups.push_back(group("servers", 1, 2, server_count));
  plan.services.push_back({"web", kServers, Port{80}, plan::HttpService{1000U}});
  plan.services.push_back({"echo", kServers, Port{7}, plan::EchoService{}});
  plan.services.push_back({"sink", kServers, Port{9}, plan::DiscardService{}});
}

void Site::start() {
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

bool Site::run(Duration at_most) {
  if (!network) start();
  return network->run_until([this] { return finished(); }, at_most);
}

ShardCounters Site::counters() const {
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

}  // namespace myriad::engine
