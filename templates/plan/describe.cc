// The plan in a few lines of plain language: what `myriad validate` prints.
#include <fmt/format.h>

#include <algorithm>

#include "templates/plan/load.h"
#include "templates/plan/units.h"

namespace myriad::plan {
namespace {

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

std::string_view mode_name(PortMode mode) {
  switch (mode) {
    case PortMode::kAuto:
      return "auto";
    case PortMode::kZeroCopy:
      return "zero-copy";
    case PortMode::kCopy:
      return "copy";
    case PortMode::kSkb:
      return "skb";
  }
  return "";
}

// 1000000 → "1,000,000"
std::string thousands(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return digits;
}

std::string plural(std::uint64_t number, std::string_view one) {
  return fmt::format("{} {}{}", thousands(number), one, number == 1 ? "" : "s");
}

std::string port_line(const PortPlan& port) {
  std::string line =
      fmt::format("port {}: {}", port.name, port.interface.empty() ? "no interface yet" : port.interface);
  line += port.queues ? ", " + plural(*port.queues, "queue") : std::string(", all queues");
  if (port.shards) line += ", " + plural(*port.shards, "shard");
  return line + fmt::format(", mode {}", mode_name(port.mode));
}

std::string range(const std::string& first, const std::string& last) {
  return first == last ? first : first + " to " + last;
}

std::string vlan_text(const HostGroup& group) {
  const VlanTags& tags = group.vlan.tags;
  const std::uint32_t more = group.vlan.per == 0 ? 0 : (group.count - 1) / group.vlan.per;
  const std::uint32_t innermost = tags.inner != 0 ? tags.inner : tags.outer;
  const std::string ids = range(std::to_string(innermost), std::to_string(innermost + more));
  return fmt::format(", VLAN {}{}", tags.inner != 0 ? fmt::format("{}.", tags.outer) : "", ids);
}

// What the group says about its TCP, each as "key value" in the order of SCHEMA.md.
class Said {
 public:
  void add(std::string_view key, const std::optional<std::uint8_t>& value) {
    if (value) put(key, std::to_string(*value));
  }
  void add(std::string_view key, const std::optional<bool>& value) {
    if (value) put(key, *value ? "on" : "off");
  }
  void add(std::string_view key, const std::optional<Duration>& value) {
    if (value) put(key, value->count() == 0 ? "off" : duration_text(*value));
  }
  void put(std::string_view key, std::string_view value) {
    text_ += fmt::format("{}{} {}", text_.empty() ? ", TCP with " : ", ", key, value);
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string_view congestion_name(Congestion congestion) {
  return congestion == Congestion::kCubic ? "cubic" : "newreno";
}

std::string tcp_text(const TcpPersonality& tcp) {
  Said said;
  if (tcp.mss) said.put("mss", std::to_string(*tcp.mss));
  if (tcp.window_bytes) said.put("window", size_text(*tcp.window_bytes));
  if (tcp.window_scale) {
    said.put("window_scale", tcp.window_scale->shift ? std::to_string(*tcp.window_scale->shift) : "none");
  }
  said.add("timestamps", tcp.timestamps);
  said.add("sack", tcp.sack);
  said.add("rack_tlp", tcp.rack_tlp);
  if (tcp.congestion) said.put("congestion", congestion_name(*tcp.congestion));
  said.add("ttl", tcp.ttl);
  said.add("initial_window", tcp.initial_window);
  said.add("nagle", tcp.nagle);
  said.add("delayed_ack", tcp.delayed_ack);
  said.add("rto_min", tcp.rto_min);
  said.add("rto_initial", tcp.rto_initial);
  said.add("rto_max", tcp.rto_max);
  said.add("time_wait", tcp.time_wait);
  said.add("fin_wait2", tcp.fin_wait2);
  said.add("syn_retries", tcp.syn_retries);
  said.add("syn_ack_retries", tcp.syn_ack_retries);
  said.add("retries", tcp.retries);
  said.add("keep_alive", tcp.keep_alive);
  said.add("keep_alive_interval", tcp.keep_alive_interval);
  said.add("keep_alive_probes", tcp.keep_alive_probes);
  said.add("repeat_fin", tcp.repeat_fin);
  return said.text();
}

std::string group_line(const Plan& plan, const HostGroup& group) {
  const std::uint32_t behind = group.count - 1;
  std::string line =
      fmt::format("hosts {}: {} on {}, MAC {}", group.name, thousands(group.count), plan.ports[group.port].name,
                  range(group.mac.text(), MacAddress::from_number(group.mac.number() + behind).text()));
  if (group.ipv4)
    line += fmt::format(", {}/{}", range(group.ipv4->address.text(), (group.ipv4->address + behind).text()),
                        group.ipv4->length);
  if (group.gateway) line += ", gateway " + group.gateway->text();
  if (group.ipv6)
    line += fmt::format(", {}/{}", range(group.ipv6->address.text(), group.ipv6->address.plus(behind).text()),
                        group.ipv6->length);
  if (group.gateway6) line += ", gateway " + group.gateway6->text();
  if (group.vlan.tags.depth() > 0) line += vlan_text(group);
  if (group.mtu != 1500) line += fmt::format(", MTU {}", group.mtu);
  if (group.resolve == Resolve::kEach) line += ", each resolves for itself";
  if (group.announce) line += ", announced";
  return line + tcp_text(group.tcp);
}

std::string service_line(const Plan& plan, const Service& service) {
  const std::string kind = std::visit(
      Overloaded{
          [](const HttpService& http) {
            if (const auto* const size = std::get_if<std::uint64_t>(&http.body)) {
              return fmt::format("http, body {}", size_text(*size));
            }
            const auto& page = std::get<std::shared_ptr<const std::string>>(http.body);
            return fmt::format("http, a page of {}, {}", size_text(page->size()), http.type);
          },
          [](const EchoService&) { return std::string("echo"); },
          [](const DiscardService&) { return std::string("discard"); },
          [](const DnsService& dns) { return fmt::format("dns, {} of {}", plural(dns.records, "record"), dns.origin); },
          [](const ChargenService&) { return std::string("chargen"); },
          [](const CatchAllService& all) {
            return fmt::format("catch_all, {}{}", all.banner.empty() ? "" : "a banner, then ",
                               all.closes ? "closes" : "accepts");
          },
      },
      service.kind);
  const std::string& group = plan.groups[service.group].name;
  if (service.port == kEveryOtherPort)
    return fmt::format("service {}: {} on every other port of {}", service.name, kind, group);
  return fmt::format("service {}: {} on port {} of {}", service.name, kind, service.port.number, group);
}

std::string target_text(const Plan& plan, const Workload& workload) {
  const Target& to = workload.to;
  const std::string port = to.port.number == 0 ? "" : fmt::format(":{}", to.port.number);
  if (const auto* const group = std::get_if<std::size_t>(&to.address)) {
    return fmt::format("{}{}{}", plan.groups[*group].name, port, to.prefer_v6 ? " over IPv6" : "");
  }
  const IpAddress& address = std::get<IpAddress>(to.address);
  return (address.is_v6() && !port.empty() ? "[" + address.text() + "]" : address.text()) + port;
}

std::string smb2_text(const Smb2Workload& smb2) {
  std::string text = fmt::format("smb2 share {}", smb2.share);
  text += smb2.user.empty() ? ", anonymous" : fmt::format(", user {}", smb2.user);
  if (smb2.signing_required) text += ", signed";
  if (smb2.get) text += fmt::format(", get {}{}", *smb2.get, smb2.verify.any() ? ", verified" : "");
  if (smb2.put) text += fmt::format(", put {} of {}", size_text(smb2.put->bytes), smb2.put->name);
  if (smb2.list) text += fmt::format(", list {}", *smb2.list);
  return text;
}

std::string_view method_name(HttpMethod method) {
  switch (method) {
    case HttpMethod::kGet:
      return "GET";
    case HttpMethod::kHead:
      return "HEAD";
    case HttpMethod::kPost:
      return "POST";
    case HttpMethod::kPut:
      return "PUT";
  }
  return "";
}

std::string http_text(const HttpWorkload& http) {
  std::string text = http.tls ? "https " : "http ";
  if (http.list.size() == 1) {
    text += fmt::format("{} {}", method_name(http.list[0].method), http.list[0].path);
    if (http.requests != 1) text += fmt::format(", {} times", thousands(http.requests));
  } else {
    text += fmt::format("{} {} {}", plural(http.requests, "request"), http.random ? "drawn from" : "of a list of",
                        thousands(http.list.size()));
  }
  if (http.pipeline > 1) text += fmt::format(", {} pipelined", http.pipeline);
  if (http.redirects > 0) text += ", redirects followed";
  if (http.think > Duration{0}) text += fmt::format(", {} in between", duration_text(http.think));
  if (!http.keep_alive) text += ", a connection each";
  if (http.tls && !http.tls->verify) text += ", certificates not verified";
  if (http.verifies()) text += ", verified";
  return text;
}

std::string dns_text(const app::DnsQuestions& dns) {
  const app::DnsQuery& first = dns.queries.front();
  std::string text = fmt::format("dns {} {}", first.name.text(), app::dns_type_name(first.type));
  if (dns.queries.size() > 1) text += fmt::format(" and {} more", thousands(dns.queries.size() - 1));
  if (dns.queries.size() > 1 && dns.at_random) text += " at random";
  if (dns.per_session > 1) text += fmt::format(", {} a session", thousands(dns.per_session));
  if (dns.transport != app::DnsTransport::kAuto) {
    text += dns.transport == app::DnsTransport::kTcp ? ", by TCP" : ", by UDP";
  }
  const bool verified =
      std::any_of(dns.queries.begin(), dns.queries.end(), [](const auto& q) { return q.expect.any(); });
  return text + (verified ? ", verified" : "");
}

std::string kind_text(const Workload& workload) {
  return std::visit(Overloaded{
                        [](const HttpWorkload& http) { return http_text(http); },
                        [](const IcmpEchoWorkload& echo) {
                          return fmt::format("{} of {}, one every {}", plural(echo.count, "ping"),
                                             size_text(echo.size_bytes), duration_text(echo.interval));
                        },
                        [](const Smb2Workload& smb2) { return smb2_text(smb2); },
                        [](const DnsWorkload& dns) { return dns_text(dns.questions); },
                        [](const UdpWorkload& udp) { return "udp, a script of " + plural(udp.script.size(), "step"); },
                        [](const TcpWorkload& tcp) { return "tcp, a script of " + plural(tcp.script.size(), "step"); },
                    },
                    workload.kind);
}

std::string load_text(const LoadPlan& load) {
  std::string text;
  if (load.concurrent) text = fmt::format("{} at a time", thousands(*load.concurrent));
  if (load.rate) text = fmt::format("{:g} a second", *load.rate);
  if (!load.stages.empty()) {
    Duration length{};
    double most = 0;
    for (const LoadStage& stage : load.stages) {
      length += stage.duration;
      most = std::max(most, stage.target);
    }
    text = fmt::format("{} over {}, up to {:g} {}", plural(load.stages.size(), "stage"), duration_text(length), most,
                       load.stages_of == LoadStageOf::kRate ? "a second" : "at a time");
  }
  if (load.total) text += fmt::format("{}{} in all", text.empty() ? "" : ", ", plural(*load.total, "session"));
  if (text.empty()) text = "one session per host";
  if (load.per_host != 1) text += fmt::format(", {} per host", thousands(load.per_host));
  if (load.hold.count() != 0) text += ", held " + duration_text(load.hold);
  if (load.warm_up.count() != 0) text += ", not counted in the first " + duration_text(load.warm_up);
  return text;
}

std::string rate_text(const FlowRate& rate) {
  switch (rate.kind) {
    case FlowRateKind::kMax:
      return "as fast as possible";
    case FlowRateKind::kFrames:
      return fmt::format("{:g} frames a second", rate.per_second);
    case FlowRateKind::kBits:
      break;
  }
  return fmt::format("{:g} bit/s of layer {}", rate.per_second, rate.overhead_bytes > 4 ? 1 : 2);
}

std::string flow_line(const Plan& plan, const FlowPlan& flow) {
  std::string line =
      fmt::format("flow {}: {}: {}; {}", flow.name,
                  flow.group ? "from " + plan.groups[*flow.group].name : "from port " + plan.ports[flow.port].name,
                  flow.summary, rate_text(flow.rate));
  if (flow.seconds) line += ", for " + duration_text(*flow.seconds);
  if (flow.packets) line += ", " + plural(*flow.packets, "frame");
  if (flow.bursts) {
    line +=
        fmt::format(", bursts of {}, {} apart", plural(flow.bursts->packets, "frame"), duration_text(flow.bursts->gap));
    if (flow.bursts->count) line += fmt::format(", {} of them", thousands(*flow.bursts->count));
  }
  if (!flow.data.empty()) line += ", one frame for each row of " + flow.data;
  return line;
}

std::string replay_line(const Plan& plan, const ReplayPlan& replay) {
  std::string line = fmt::format("replay {}: {} by {}", replay.name, replay.pcap, plan.ports[replay.port].name);
  if (replay.answers_port) line += fmt::format(", its answers by {}", plan.ports[*replay.answers_port].name);
  const ReplaySpeed& speed = replay.speed;
  switch (speed.kind) {
    case ReplaySpeedKind::kCaptured:
      line +=
          speed.multiplier == 1 ? "; as captured" : fmt::format("; {:g} times as fast as captured", speed.multiplier);
      break;
    case ReplaySpeedKind::kFrames:
      line += fmt::format("; {:g} frames a second", speed.per_second);
      break;
    case ReplaySpeedKind::kBits:
      line += fmt::format("; {:g} bit/s of layer {}", speed.per_second, speed.overhead_bytes > 4 ? 1 : 2);
      break;
    case ReplaySpeedKind::kMax:
      line += "; as fast as possible";
      break;
  }
  if (!replay.loops) line += ", for ever";
  if (replay.loops && *replay.loops != 1) line += fmt::format(", {} times", thousands(*replay.loops));
  if (replay.limit) line += ", at most " + plural(*replay.limit, "frame");
  if (replay.duration) line += ", for " + duration_text(*replay.duration);
  if (replay.clients) {
    line += fmt::format("; {} become hosts of {}", replay.servers ? "clients" : "sources",
                        plan.groups[*replay.clients].name);
  }
  if (replay.servers) line += fmt::format("; servers become hosts of {}", plan.groups[*replay.servers].name);
  return line;
}

}  // namespace

std::string describe(const Plan& plan) {
  std::string text =
      fmt::format("{}: seed {}, {}\n", plan.file, plan.seed,
                  plan.duration ? duration_text(*plan.duration) : "until every workload, flow and replay has ended");
  for (const PortPlan& port : plan.ports) text += port_line(port) + "\n";
  for (const HostGroup& group : plan.groups) text += group_line(plan, group) + "\n";
  for (const Service& service : plan.services) text += service_line(plan, service) + "\n";
  for (const Workload& workload : plan.workloads) {
    text += fmt::format("workload {}: {} to {}: {}; {}", workload.name, plan.groups[workload.from].name,
                        target_text(plan, workload), kind_text(workload), load_text(workload.load));
    if (workload.after) text += fmt::format("; after {}", plan.workloads[*workload.after].name);
    if (workload.start.count() != 0) text += fmt::format("; {} later", duration_text(workload.start));
    if (workload.congestion) text += fmt::format("; congestion {}", congestion_name(*workload.congestion));
    if (workload.initial_window) text += fmt::format("; initial_window {}", *workload.initial_window);
    text += "\n";
  }
  for (const FlowPlan& flow : plan.flows) text += flow_line(plan, flow) + "\n";
  for (const ReplayPlan& replay : plan.replays) text += replay_line(plan, replay) + "\n";
  for (const Threshold& threshold : plan.thresholds) text += fmt::format("threshold {}\n", threshold.expression);
  return text;
}

}  // namespace myriad::plan
