// Whether what a workload wants can be: the target is somebody its hosts can talk to, and the load is one that so many
// hosts can carry.
#include <algorithm>

#include "templates/plan/reading.h"

namespace myriad::plan {
namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;
constexpr std::uint16_t kSmb2Port = 445;
constexpr std::uint64_t kIcmpHeader = 8;
constexpr std::uint64_t kIpv4Header = 20;
constexpr std::uint64_t kIpv6Header = 40;

std::string_view family(bool v6) { return v6 ? "IPv6" : "IPv4"; }
bool has_family(const HostGroup& group, bool v6) { return v6 ? group.ipv6.has_value() : group.ipv4.has_value(); }
bool is_echo(const Workload& workload) { return std::holds_alternative<IcmpEchoWorkload>(workload.kind); }
bool is_smb2(const Workload& workload) { return std::holds_alternative<Smb2Workload>(workload.kind); }

std::string prefix_text(const HostGroup& group, bool v6) { return v6 ? group.ipv6->text() : group.ipv4->text(); }

// One workload and what it was read from.
class WorkloadCheck {
 public:
  WorkloadCheck(Reading& reading, std::size_t index)
      : reading_(reading),
        workload_(reading.plan.workloads[index]),
        places_(reading.workload_places[index]),
        from_(reading.plan.groups[workload_.from]) {}

  void run() {
    check_port();
    const bool to_group = std::holds_alternative<std::size_t>(workload_.to.address);
    const bool good = to_group ? check_group() : check_address();
    if (!good) return;
    if (is_echo(workload_)) check_echo_size();
    check_pauses();
    check_load();
    check_after();
  }

 private:
  bool wrong(Place at, std::string what, std::string suggestion = {}) {
    reading_.wrong(at, std::move(what), std::move(suggestion));
    return false;
  }

  void check_port() {
    if (is_echo(workload_)) {
      if (places_.port_given) wrong(places_.to, "icmp_echo has no port", "write the address alone");
    } else if (!places_.port_given) {
      if (const HttpWorkload* const http = std::get_if<HttpWorkload>(&workload_.kind)) {
        workload_.to.port = Port{http->tls ? kHttpsPort : kHttpPort};
      } else if (std::holds_alternative<DnsWorkload>(workload_.kind)) {
        workload_.to.port = Port{app::kDnsPort};
      } else if (is_smb2(workload_)) {
        workload_.to.port = Port{kSmb2Port};
      } else {
        wrong(places_.to, fmt::format("workload '{}' needs a port", workload_.name),
              "as in 10.0.255.1:7, [fd00::1]:7 or NAME:7");
      }
    }
  }

  bool check_address() {
    const IpAddress& to = std::get<IpAddress>(workload_.to.address);
    if (places_.v6)
      return wrong(places_.family, "'family' is for a group as the target: an address has its own", "remove it");
    const bool v6 = to.is_v6();
    const bool loopback = v6 ? to.v6().is_loopback() : (to.v4().value >> 24) == 127;
    if (to.is_unspecified() || to.is_multicast() || loopback || (!v6 && !to.v4().is_unicast())) {
      return wrong(places_.to, fmt::format("{} is not the address of a machine", to.text()),
                   v6 ? "as in fd00::1" : "as in 10.0.255.1");
    }
    if (!has_family(from_, v6)) {
      return wrong(places_.to, fmt::format("{} is {}, and hosts '{}' have none", to.text(), family(v6), from_.name),
                   fmt::format("give them '{}', or a target of the other family", v6 ? "ipv6" : "ipv4"));
    }
    if (!v6 && from_.ipv4->length <= 30 && from_.ipv4->contains(to.v4()) &&
        (to.v4() == from_.ipv4->broadcast() || to.v4().value == (from_.ipv4->address.value & from_.ipv4->mask()))) {
      return wrong(places_.to,
                   fmt::format("{} is the network or broadcast address of {}", to.text(), from_.ipv4->text()),
                   "the address of one machine");
    }
    return check_route(to);
  }

  bool check_route(const IpAddress& to) {
    const bool v6 = to.is_v6();
    const bool near = v6 ? from_.ipv6->contains(to.v6()) : from_.ipv4->contains(to.v4());
    const bool gateway = v6 ? from_.gateway6.has_value() : from_.gateway.has_value();
    if (near || gateway) return true;
    return wrong(places_.to,
                 fmt::format("hosts '{}' ({}) have no way to {}", from_.name, prefix_text(from_, v6), to.text()),
                 fmt::format("the target lies outside their prefix: give them a '{}'", v6 ? "gateway6" : "gateway"));
  }

  bool check_group() {
    const std::size_t index = std::get<std::size_t>(workload_.to.address);
    const HostGroup& to = reading_.plan.groups[index];
    if (is_smb2(workload_)) {
      return wrong(places_.to, fmt::format("'{}' are hosts of ours, and these serve no files", to.name),
                   "the address of a file server, as in 10.0.255.1");
    }
    const bool both4 = from_.ipv4 && to.ipv4;
    const bool both6 = from_.ipv6 && to.ipv6;
    const bool v6 = places_.v6.value_or(!both4);
    if (v6 ? !both6 : !both4) {
      const std::string what = places_.v6
                                   ? fmt::format("'{}' and '{}' do not both have {}", from_.name, to.name, family(v6))
                                   : fmt::format("'{}' and '{}' have no family in common", from_.name, to.name);
      return wrong(places_.v6 ? places_.family : places_.to, what, "give both an address of it");
    }
    workload_.to.prefer_v6 = v6;
    if (index == workload_.from && to.count == 1)
      return wrong(places_.to, fmt::format("'{}' is one host and would talk to itself", to.name),
                   "another group, or more hosts");
    const IpAddress first = v6 ? IpAddress{to.ipv6->address} : IpAddress{to.ipv4->address};
    const IpAddress last =
        v6 ? IpAddress{to.ipv6->address.plus(to.count - 1)} : IpAddress{to.ipv4->address + (to.count - 1)};
    if (!check_route(first) || !check_route(last)) return false;
    return is_echo(workload_) || workload_.to.port.number == 0 || check_service(index, to);
  }

  // Somebody listens there, and speaks what the workload speaks.
  bool check_service(std::size_t group, const HostGroup& to) {
    const HttpWorkload* const web = std::get_if<HttpWorkload>(&workload_.kind);
    if (web != nullptr && web->tls) {
      return wrong(places_.to, fmt::format("the services of '{}' do not speak TLS", to.name),
                   "an address as the target, or 'http'");
    }
    const bool http = web != nullptr;
    const bool dns = std::holds_alternative<DnsWorkload>(workload_.kind);
    const bool udp = std::holds_alternative<UdpWorkload>(workload_.kind);
    const auto& services = reading_.plan.services;
    const auto speaks = [&](const Service& s) {
      if (s.group != group) return false;
      if (std::holds_alternative<CatchAllService>(s.kind)) return !http && !dns;
      if (udp) return !std::holds_alternative<HttpService>(s.kind);
      return http ? std::holds_alternative<HttpService>(s.kind) : !dns || std::holds_alternative<DnsService>(s.kind);
    };
    auto at = reading_.service_at.find({group, workload_.to.port.number});
    if (at == reading_.service_at.end() && !http && !dns)
      at = reading_.service_at.find({group, kEveryOtherPort.number});
    const Service* const here = at == reading_.service_at.end() ? nullptr : &services[at->second];
    if (here != nullptr && speaks(*here)) return true;
    const auto other = std::find_if(services.begin(), services.end(), speaks);
    const std::string suggestion =
        other != services.end()
            ? fmt::format("'{}' is on port {}: did you mean '{}:{}'?", other->name, other->port.number, to.name,
                          other->port.number)
            : fmt::format("add one: 'NAME: {{on: {}, port: {}, {}: {{{}}}}}'", to.name, workload_.to.port.number,
                          http  ? "http"
                          : dns ? "dns"
                                : "echo",
                          dns ? "zone: example.test, records: [{name: www, type: A, data: 10.0.255.1}]" : "");
    const std::string what = here != nullptr
                                 ? fmt::format("the service '{}' of '{}' does not speak {}", here->name, to.name,
                                               http  ? "HTTP"
                                               : udp ? "UDP"
                                                     : "DNS")
                                 : fmt::format("no service of '{}' is on port {}", to.name, workload_.to.port.number);
    return wrong(places_.to, what, suggestion);
  }

  void check_echo_size() {
    const bool v6 = std::holds_alternative<IpAddress>(workload_.to.address)
                        ? std::get<IpAddress>(workload_.to.address).is_v6()
                        : workload_.to.prefer_v6;
    const std::uint64_t headers = kIcmpHeader + (v6 ? kIpv6Header : kIpv4Header);
    const std::uint64_t size = std::get<IcmpEchoWorkload>(workload_.kind).size_bytes;
    if (size + headers <= from_.mtu) return;
    wrong(places_.kind,
          fmt::format("an echo request with {} of data is larger than the MTU of '{}', and hosts do not send fragments",
                      size_text(size), from_.name),
          fmt::format("at most {}B", from_.mtu - headers));
  }

  // A session has its time for everything, pauses included.
  void check_pauses() {
    const HttpWorkload* const http = std::get_if<HttpWorkload>(&workload_.kind);
    if (http == nullptr || http->think == Duration{0}) return;
    const double pauses = to_seconds(http->think) * static_cast<double>(http->requests - 1);
    if (pauses < to_seconds(workload_.load.timeout)) return;
    wrong(places_.kind,
          fmt::format("the pauses between {} requests are {:g}s, and a session ends after {}", http->requests, pauses,
                      duration_text(workload_.load.timeout)),
          fmt::format("load: {{timeout: {:.0f}s}}", 2 * pauses + 10));
  }

  void check_load() {
    const LoadPlan& load = workload_.load;
    const std::uint64_t most = std::uint64_t{from_.count} * load.per_host;
    double wanted = load.concurrent ? static_cast<double>(*load.concurrent) : 0;
    if (load.stages_of == LoadStageOf::kConcurrent) {
      for (const LoadStage& stage : load.stages) wanted = std::max(wanted, stage.target);
    }
    if (wanted <= static_cast<double>(most)) return;
    const auto sessions = static_cast<std::uint64_t>(wanted);
    wrong(places_.load,
          fmt::format("{} hosts with {} session{} each hold {} at a time, not {}", from_.count, load.per_host,
                      load.per_host == 1 ? "" : "s", most, sessions),
          fmt::format("per_host: {}", (sessions + from_.count - 1) / from_.count));
  }

  // The one that it waits for comes to an end by itself, and does not wait for this one.
  void check_after() {
    if (places_.after_name.empty()) return;
    const std::vector<Workload>& all = reading_.plan.workloads;
    const auto other = reading_.workloads.find(places_.after_name);
    if (!other) {
      wrong(places_.after, fmt::format("there is no workload {}", quoted(places_.after_name)),
            did_you_mean(places_.after_name, reading_.workloads.all()));
      return;
    }
    const std::size_t self = static_cast<std::size_t>(&workload_ - all.data());
    std::size_t at = *other;
    for (std::size_t steps = 0; at != self && steps < all.size(); ++steps) {
      const auto next = reading_.workloads.find(reading_.workload_places[at].after_name);
      if (!next) break;
      at = *next;
    }
    if (at == self) {
      wrong(places_.after, fmt::format("'{}' would wait for itself to end", workload_.name),
            "the first workload of a chain comes after none");
      return;
    }
    const LoadPlan& load = all[*other].load;
    if ((load.concurrent || load.rate) && !load.total) {
      wrong(places_.after,
            fmt::format("'{}' never ends by itself: its new sessions follow ended ones", all[*other].name),
            "give its load a 'total'");
    }
    workload_.after = *other;
  }

  Reading& reading_;
  Workload& workload_;
  const WorkloadPlaces& places_;
  const HostGroup& from_;
};

}  // namespace

void check_workloads(Reading& reading) {
  for (std::size_t i = 0; i < reading.plan.workloads.size() && !reading.problems.full(); ++i)
    WorkloadCheck(reading, i).run();
}

}  // namespace myriad::plan
