#include "engine/place.h"

#include <algorithm>
#include <optional>

#include "app/script.h"

#include "engine/place_http.h"

#include "base/rng.h"
#include "engine/place_smb2.h"
#include "templates/plan/host_range.h"

namespace myriad::engine {
namespace {

// Streams of different purpose must not be equal by accident of the same seed.
constexpr std::uint64_t kBodySeed = 0x626f6479;
// So much of the pattern that http services send is kept, with its sums; what lies beyond is made on the spot.
constexpr std::size_t kBodyKept = 256 * 1024;
constexpr std::uint64_t kPutSeed = 0x707574;
constexpr std::uint64_t kScriptSeed = 0x736372697074;

std::vector<std::uint8_t> bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

std::shared_ptr<const app::SummedBytes> start_of(const app::Pattern& pattern) {
  std::vector<std::uint8_t> bytes(kBodyKept);
  pattern.fill(0, bytes);
  return std::make_shared<const app::SummedBytes>(std::move(bytes));
}

template <class T>
void say(const std::optional<T>& said, T& into) {
  if (said) into = *said;
}

tcp::Congestion congestion(plan::Congestion congestion) {
  return congestion == plan::Congestion::kCubic ? tcp::Congestion::kCubic : tcp::Congestion::kNewReno;
}

// The most that the window field carries when it counts in units of 1 << scale bytes.
std::uint32_t most_window(std::optional<std::uint8_t> scale) { return 0x10000U << scale.value_or(0); }

// Of window and scale, the one that is not said follows the one that is.
void window_of(const plan::TcpPersonality& said, tcp::Personality& out) {
  say(said.window_bytes, out.receive_window);
  if (said.window_scale) {
    out.window_scale = said.window_scale->shift;
    out.receive_window = std::min(out.receive_window, most_window(out.window_scale));
  }
  while (out.window_scale && out.receive_window > most_window(out.window_scale)) ++*out.window_scale;
}

tcp::Personality personality(const plan::TcpPersonality& said) {
  tcp::Personality out;
  say(said.mss, out.mss);
  window_of(said, out);
  say(said.timestamps, out.timestamps);
  say(said.sack, out.sack);
  say(said.rack_tlp, out.rack_tlp);
  out.rack_tlp = out.rack_tlp && out.sack;
  if (said.congestion) out.congestion = congestion(*said.congestion);
  say(said.ttl, out.hop_limit);
  say(said.initial_window, out.initial_window);
  say(said.nagle, out.nagle);
  say(said.delayed_ack, out.delayed_ack);
  say(said.rto_min, out.rto_min);
  say(said.rto_initial, out.rto_initial);
  say(said.rto_max, out.rto_max);
  say(said.time_wait, out.time_wait);
  say(said.fin_wait2, out.fin_wait2);
  say(said.syn_retries, out.syn_retries);
  say(said.syn_ack_retries, out.syn_ack_retries);
  say(said.retries, out.retries);
  say(said.keep_alive, out.keep_alive);
  say(said.keep_alive_interval, out.keep_alive_interval);
  say(said.keep_alive_probes, out.keep_alive_probes);
  say(said.repeat_fin, out.repeat_fin);
  return out;
}

stack::HostGroup stack_group(const plan::HostGroup& group) {
  stack::HostGroup out;
  out.name = group.name;
  out.count = group.count;
  out.first_mac = group.mac;
  out.ipv4 = group.ipv4;
  out.ipv6 = group.ipv6;
  out.gateway = group.gateway;
  out.gateway6 = group.gateway6;
  out.vlan = group.vlan.tags;
  out.hosts_per_vlan = group.vlan.per;
  out.mtu = group.mtu;
  out.resolve_each = group.resolve == plan::Resolve::kEach;
  out.announce = group.announce;
  out.tcp = personality(group.tcp);
  return out;
}

// The family that both groups speak; the wanted one when they speak both.
bool speak_v6(const plan::HostGroup& from, const plan::HostGroup& to, bool prefer_v6) {
  const bool v4 = from.ipv4 && to.ipv4;
  const bool v6 = from.ipv6 && to.ipv6;
  return v6 && (prefer_v6 || !v4);
}

Destination destination(const plan::Plan& plan, const plan::Workload& workload) {
  Destination to;
  to.port = workload.to.port;
  if (const auto* const address = std::get_if<IpAddress>(&workload.to.address)) {
    to.first = *address;
    return to;
  }
  const plan::HostGroup& group = plan.groups[std::get<std::size_t>(workload.to.address)];
  to.count = group.count;
  const bool v6 = speak_v6(plan.groups[workload.from], group, workload.to.prefer_v6) || !group.ipv4;
  if (v6 && group.ipv6) {
    to.first = group.ipv6->address;
  } else if (group.ipv4) {
    to.first = group.ipv4->address;
  }
  return to;
}

std::shared_ptr<const app::Role> script(const plan::Plan& plan, const std::vector<plan::ScriptStep>& steps,
                                        app::Transport transport) {
  return std::make_shared<const app::ScriptRole>(app::Script{steps, plan.seed ^ kScriptSeed, transport});
}

// What the port can carry is known when it is open.
void place_replays(const plan::Plan& plan, std::size_t port, std::vector<ReplayPlace>& out) {
  const auto hosts = [&](const std::optional<std::size_t>& group) -> std::optional<craft::HostRange> {
    return group ? std::optional{plan::host_range(plan.groups[*group])} : std::nullopt;
  };
  for (std::size_t i = 0; i < plan.replays.size(); ++i) {
    const plan::ReplayPlan& replay = plan.replays[i];
    const bool two_ports = replay.answers_port && *replay.answers_port != replay.port;
    const auto add = [&](std::optional<craft::Role> only) {
      ReplayPlace& r = out.emplace_back();
      r.index = i;
      r.plan = replay;
      r.rewriting.askers = hosts(replay.clients);
      r.rewriting.answerers = hosts(replay.servers);
      r.rewriting.tell_roles = two_ports;
      r.rewriting.seed = plan.seed;
      r.only = only;
    };
    if (replay.port == port) add(two_ports ? std::optional{craft::Role::kAsks} : std::nullopt);
    if (two_ports && *replay.answers_port == port) add(craft::Role::kAnswers);
  }
}

}  // namespace

Placement place(const plan::Plan& plan, std::size_t port) {
  Placement out;
  out.plan_workloads = plan.workloads.size();
  out.plan_services = plan.services.size();
  out.plan_flows = plan.flows.size();
  out.plan_group_count = plan.groups.size();
  std::vector<std::optional<stack::GroupIndex>> place_of(plan.groups.size());
  std::vector<std::uint32_t> first_host(plan.groups.size(), 0);
  std::uint32_t hosts = 0;
  for (std::size_t i = 0; i < plan.groups.size(); ++i) {
    if (plan.groups[i].port != port) continue;
    place_of[i] = static_cast<stack::GroupIndex>(out.groups.size());
    first_host[i] = hosts;
    hosts += plan.groups[i].count;
    out.groups.push_back(stack_group(plan.groups[i]));
    out.plan_groups.push_back(i);
  }
  for (std::size_t i = 0; i < plan.workloads.size(); ++i) {
    const plan::Workload& workload = plan.workloads[i];
    if (!place_of[workload.from]) continue;
    WorkloadPlace& w = out.workloads.emplace_back();
    w.index = i;
    w.group = *place_of[workload.from];
    w.first_host = first_host[workload.from];
    w.hosts = plan.groups[workload.from].count;
    w.to = destination(plan, workload);
    w.load = workload.load;
    w.after = workload.after;
    w.awaited = std::any_of(plan.workloads.begin(), plan.workloads.end(),
                            [i](const plan::Workload& other) { return other.after == i; });
    w.start = workload.start;
    if (workload.congestion) w.congestion = congestion(*workload.congestion);
    w.initial_window = workload.initial_window;
    w.tally = static_cast<tcp::Tally>(i);
    w.seed = mix64(plan.seed ^ mix64(i));
    if (const auto* const http = std::get_if<plan::HttpWorkload>(&workload.kind)) {
      auto kind = place_http(plan, workload, *http, w.to);
      if (kind) {
        w.kind = std::move(*kind);
      } else if (!out.trouble) {
        out.trouble = kind.error();
      }
    } else if (const auto* const ping = std::get_if<plan::IcmpEchoWorkload>(&workload.kind)) {
      w.kind = Pings{ping->count, ping->interval, ping->size_bytes};
    } else if (const auto* const dns = std::get_if<plan::DnsWorkload>(&workload.kind)) {
      w.kind = std::make_shared<const app::DnsRole>(dns->questions);
    } else if (const auto* const udp = std::get_if<plan::UdpWorkload>(&workload.kind)) {
      w.kind = script(plan, udp->script, app::Transport::kDatagrams);
    } else if (const auto* const smb2 = std::get_if<plan::Smb2Workload>(&workload.kind)) {
      w.kind = smb2_role(*smb2, plan.seed ^ kPutSeed);
    } else {
      w.kind = script(plan, std::get<plan::TcpWorkload>(workload.kind).script, app::Transport::kStream);
    }
  }
  std::shared_ptr<const app::SummedBytes> body_start;
  for (std::size_t i = 0; i < plan.services.size(); ++i) {
    const plan::Service& service = plan.services[i];
    if (!place_of[service.group]) continue;
    ServicePlace& s = out.services.emplace_back();
    s.index = i;
    s.group = *place_of[service.group];
    s.port = service.port;
    s.tally = static_cast<tcp::Tally>(plan.workloads.size() + i);
    if (const auto* const http = std::get_if<plan::HttpService>(&service.kind)) {
      s.kind = ServiceKind::kHttp;
      if (const auto* const size = std::get_if<std::uint64_t>(&http->body)) s.http.body_bytes = *size;
      if (const auto* const text = std::get_if<std::shared_ptr<const std::string>>(&http->body)) {
        s.http.page = std::make_shared<const app::SummedBytes>(bytes_of(**text));
        s.http.body_bytes = s.http.page->size();
      }
      s.http.type = http->type;
      s.http.pattern = app::Pattern{plan.seed ^ kBodySeed};
      if (!body_start) body_start = start_of(s.http.pattern);
      s.http.start = body_start;
    } else if (const auto* const dns = std::get_if<plan::DnsService>(&service.kind)) {
      s.kind = ServiceKind::kDns;
      s.zone = dns->zone;
    } else if (std::holds_alternative<plan::ChargenService>(service.kind)) {
      s.kind = ServiceKind::kChargen;
    } else if (const auto* const catch_all = std::get_if<plan::CatchAllService>(&service.kind)) {
      static_assert(plan::kEveryOtherPort == stack::kEveryPort);
      s.kind = ServiceKind::kCatchAll;
      s.catch_all = *catch_all;
    } else {
      s.kind = std::holds_alternative<plan::EchoService>(service.kind) ? ServiceKind::kEcho : ServiceKind::kDiscard;
    }
  }
  for (std::size_t i = 0; i < plan.flows.size(); ++i) {
    const plan::FlowPlan& flow = plan.flows[i];
    if (flow.program->has_sequence()) out.signatures_at.push_back(flow.program->signature_at());
    if (flow.port != port) continue;
    FlowPlace& f = out.flows.emplace_back();
    f.index = i;
    f.plan = flow;
    if (!flow.group) continue;
    const plan::HostGroup& group = plan.groups[*flow.group];
    f.first_host = first_host[*flow.group];
    f.hosts = group.count;
    f.each_asks = group.resolve == plan::Resolve::kEach || group.vlan.per != 0;
  }
  place_replays(plan, port, out.replays);
  return out;
}

}  // namespace myriad::engine
