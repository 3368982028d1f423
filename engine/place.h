// From the Plan to what runs on one port: its host groups as the stack wants them, the services on them, the workloads
// from them, each with everything worked out that all its sessions share. Made once per port before the run; read-only
// and shared by the port's shards, which take their part by arithmetic (LoadSlice).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "app/dialogue.h"
#include "app/dns_zone.h"
#include "app/http_client.h"
#include "app/http_server.h"
#include "base/addr.h"
#include "base/result.h"
#include "base/time.h"
#include "engine/replay_source.h"
#include "stack/host_table.h"
#include "stack/tcp/personality.h"
#include "stack/tcp/tcp.h"
#include "templates/plan/plan.h"

namespace myriad::engine {

// Whom sessions talk to: the n-th session the (n % count)-th address.
struct Destination {
  IpAddress first;
  std::uint32_t count = 1;
  Port port;  // 0 for icmp_echo

  [[nodiscard]] IpAddress at(std::uint32_t place) const {
    return first.is_v4() ? IpAddress{first.v4() + place} : IpAddress{first.v6().plus(place)};
  }
};

// One GET on a connection of its own, which is most of what there is.
struct Fetch {
  std::string request;  // the bytes every session sends
  app::HttpAsked asked;
};
struct Pings {
  std::uint32_t count = 1;
  Duration interval{};
  std::uint32_t size_bytes = 0;
};

using WorkloadKind = std::variant<Fetch, Pings, std::shared_ptr<const app::Role>>;

struct WorkloadPlace {
  std::size_t index = 0;         // in the plan, and of its counters
  stack::GroupIndex group = 0;   // that its sessions come from
  std::uint32_t first_host = 0;  // id of the group's first host
  std::uint32_t hosts = 0;
  Destination to;
  plan::LoadPlan load;
  std::optional<std::size_t> after;  // the workload of the plan that has to be over first
  bool awaited = false;              // another one comes after this one
  Duration start{};                  // later than the run, or than the end of the other one
  // Where they differ from what the personality of the group says.
  std::optional<tcp::Congestion> congestion;
  std::optional<std::uint8_t> initial_window;  // segments
  WorkloadKind kind;
  std::uint64_t seed = 0;  // of its sessions' luck
  tcp::Tally tally = 0;
  bool host_details = false;  // sessions and times of each host are wanted
};

enum class ServiceKind : std::uint8_t { kHttp, kEcho, kDiscard, kDns, kChargen, kCatchAll };

struct ServicePlace {
  std::size_t index = 0;
  stack::GroupIndex group = 0;
  Port port;  // kEveryPort of kCatchAll
  ServiceKind kind{};
  app::HttpService http;
  std::shared_ptr<const app::DnsZone> zone;  // of kDns
  plan::CatchAllService catch_all;           // of kCatchAll
  tcp::Tally tally = 0;
};

struct FlowPlace {
  std::size_t index = 0;  // in the plan, and of its counters and signatures
  plan::FlowPlan plan;
  std::uint32_t first_host = 0;  // id of the group's first host
  std::uint32_t hosts = 0;       // 0: nobody's frames
  bool each_asks = false;        // hosts do not all share one next hop: each asks for itself, or in VLANs of their own
};

struct Placement {
  std::vector<stack::HostGroup> groups;    // in the order of their GroupIndex
  std::vector<std::size_t> plan_groups;    // the index in the plan of each
  std::vector<WorkloadPlace> workloads;    // from groups of this port
  std::vector<ServicePlace> services;      // on groups of this port
  std::vector<FlowPlace> flows;            // that leave by this port
  std::vector<ReplayPlace> replays;        // that leave by this port, at least one side of them
  std::vector<std::size_t> signatures_at;  // in frames of flows, of any port
  std::size_t plan_workloads = 0;          // how many the plan has altogether
  std::size_t plan_services = 0;
  std::size_t plan_flows = 0;
  std::size_t plan_group_count = 0;
  // What only the library that is to do it can find wrong with a plan that has been checked; then there is no run.
  std::optional<Error> trouble;
};

// `port`: index into plan.ports.
[[nodiscard]] Placement place(const plan::Plan& plan, std::size_t port);

}  // namespace myriad::engine
