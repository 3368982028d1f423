// The Plan: a scenario, read and checked once, then never changed. Nothing downstream sees a YAML node.
// Names refer to nothing any more: groups, ports and services are indices into the vectors of the Plan.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "app/script.h"
#include "base/addr.h"
#include "base/time.h"
#include "templates/plan/plan_dns.h"
#include "templates/plan/plan_flows.h"
#include "templates/plan/plan_http.h"
#include "templates/plan/plan_replays.h"
#include "templates/plan/plan_smb2.h"
#include "templates/plan/plan_verify.h"

namespace myriad::plan {

enum class PortMode { kAuto, kZeroCopy, kCopy, kSkb };

struct PortPlan {
  std::string name;
  std::string interface;
  std::optional<std::uint32_t> queues;  // how many of the device's queues to use; nullopt = all
  std::optional<std::uint32_t> shards;  // nullopt = one per queue, at most one per core
  PortMode mode = PortMode::kAuto;
};

enum class Resolve { kShared, kEach };

struct VlanPlan {
  VlanTags tags;          // of the first host
  std::uint32_t per = 0;  // hosts per VLAN before the (innermost) identifier goes up by one; 0 = all in the same
};

enum class Congestion { kNewReno, kCubic };

struct WindowScale {
  std::optional<std::uint8_t> shift;  // nullopt: the option is not offered
};

// How the hosts of a group speak TCP. What the scenario does not say is left to the stack, which alone has defaults.
struct TcpPersonality {
  std::optional<std::uint16_t> mss;
  std::optional<std::uint32_t> window_bytes;
  std::optional<WindowScale> window_scale;
  std::optional<bool> timestamps;
  std::optional<bool> sack;
  std::optional<bool> rack_tlp;
  std::optional<Congestion> congestion;
  std::optional<std::uint8_t> ttl;
  std::optional<std::uint8_t> initial_window;  // segments
  std::optional<bool> nagle;
  std::optional<Duration> delayed_ack;  // 0: never delayed
  std::optional<Duration> rto_min;
  std::optional<Duration> rto_initial;
  std::optional<Duration> rto_max;
  std::optional<Duration> time_wait;
  std::optional<Duration> fin_wait2;
  std::optional<std::uint8_t> syn_retries;
  std::optional<std::uint8_t> syn_ack_retries;
  std::optional<std::uint8_t> retries;
  std::optional<Duration> keep_alive;  // 0: off
  std::optional<Duration> keep_alive_interval;
  std::optional<std::uint8_t> keep_alive_probes;
  std::optional<bool> repeat_fin;
};

struct HostGroup {
  std::string name;
  std::size_t port = 0;  // index into Plan::ports
  std::uint32_t count = 1;
  MacAddress mac;  // of the first host, then +1 each; already resolved when the scenario said from-ipv4
  std::optional<Ipv4Prefix> ipv4;
  std::optional<Ipv6Prefix> ipv6;
  std::optional<Ipv4Address> gateway;
  std::optional<Ipv6Address> gateway6;
  VlanPlan vlan;
  std::uint16_t mtu = 1500;  // of IP packets
  Resolve resolve = Resolve::kShared;
  bool announce = false;
  TcpPersonality tcp;
};

struct HttpService {
  HttpBody body = std::uint64_t{1024};
  std::string type = "application/octet-stream";
};
struct EchoService {};
struct DiscardService {};
struct ChargenService {};
// Every port of the hosts that has no service of its own.
struct CatchAllService {
  bool closes = false;             // at once; a datagram is refused
  std::string banner;              // what every connection is told first
  std::uint32_t first_bytes = 64;  // of what is said first, to be remembered for each address and port
  std::uint32_t most = 1000;       // addresses and ports that are listed
};

// In place of a port: all that have no service of their own.
inline constexpr Port kEveryOtherPort{0};

struct Service {
  std::string name;
  std::size_t group = 0;  // index into Plan::groups
  Port port;              // kEveryOtherPort of a catch_all
  std::variant<HttpService, EchoService, DiscardService, DnsService, ChargenService, CatchAllService> kind;
};

struct IcmpEchoWorkload {
  std::uint32_t count = 1;
  Duration interval = std::chrono::seconds{1};
  std::uint32_t size_bytes = 56;  // of the echo data
};

using app::CloseStream;
using app::ExpectBytes;
using app::ExpectMatch;
using app::ExpectText;
using app::ResetStream;
using app::ScriptStep;
using app::SendBytes;
using app::SendText;
using app::Sleep;

struct TcpWorkload {
  std::vector<ScriptStep> script;
};
struct UdpWorkload {
  std::vector<ScriptStep> script;
};

enum class LoadStageOf { kConcurrent, kRate };
struct LoadStage {
  Duration duration{};
  double target = 0;  // sessions, or sessions per second; reached linearly from the stage before (the first: from 0)
};

struct LoadPlan {
  std::optional<std::uint64_t> concurrent;
  std::optional<double> rate;  // new sessions per second
  std::optional<std::uint64_t> total;
  std::uint32_t per_host = 1;
  std::vector<LoadStage> stages;
  LoadStageOf stages_of = LoadStageOf::kConcurrent;
  Duration hold{};
  Duration think{};
  Duration timeout = std::chrono::seconds{10};
  std::uint32_t retries = 0;
  Duration back_off = std::chrono::milliseconds{100};  // before the first retry; each further one waits twice as long
  Duration warm_up{};                                  // sessions that begin in this time are in no statistics
  bool at_random = false;                              // the turns of hosts
};

// Where sessions go: a fixed address, or the hosts of a group in turn.
struct Target {
  std::variant<IpAddress, std::size_t> address;  // size_t: index into Plan::groups
  Port port;                                     // 0 for icmp_echo
  bool prefer_v6 = false;                        // of a group with both families
};

struct Workload {
  std::string name;
  std::size_t from = 0;  // index into Plan::groups
  Target to;
  std::variant<HttpWorkload, IcmpEchoWorkload, TcpWorkload, DnsWorkload, UdpWorkload, Smb2Workload> kind;
  LoadPlan load;
  std::optional<std::size_t> after;  // index into Plan::workloads: begins when that one is over
  Duration start{};                  // later than the run, or than the end of the other one
  // Instead of what the group says, for the connections of this workload.
  std::optional<Congestion> congestion;
  std::optional<std::uint8_t> initial_window;  // segments
};

enum class Comparison { kEqual, kNotEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual };

// What of a metric is compared.
enum class Measure {
  kItself,
  kPerSecond,  // over the time of the run
  kShare,      // of `whole`
};

struct Threshold {
  std::string expression;  // as the report shows it: "fetch.session_seconds p(99) < 2s"
  std::string metric;      // "fetch.session_seconds", or "workloads.fetch.…" when the name alone would be ambiguous
  std::string statistic;  // "" | "min" "mean" "max" "count" | a percentile, two digits and decimals: "p50" "p99" "p999"
  Comparison comparison = Comparison::kEqual;
  double value = 0;  // seconds, bytes, sessions, any of these a second, or a fraction for %
  Measure measure = Measure::kItself;
  std::vector<std::string> whole;  // metrics whose sum is 100 %
};

struct Plan {
  std::string file;
  std::string text;  // as it was read: reports show it
  std::uint64_t seed = 1;
  std::optional<Duration> duration;
  std::vector<PortPlan> ports;
  std::vector<HostGroup> groups;
  std::vector<Service> services;
  std::vector<Workload> workloads;
  std::vector<FlowPlan> flows;
  std::vector<ReplayPlan> replays;
  std::vector<Threshold> thresholds;
};

}  // namespace myriad::plan
