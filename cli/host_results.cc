#include "cli/host_results.h"

#include <algorithm>
#include <cstdio>

#include "app/failure.h"

namespace myriad::cli {
namespace {

// A group of the plan among the hosts of its port.
struct GroupOnPort {
  const PortRun& port;
  stack::HostId first;
  std::vector<std::size_t> workloads;  // in the plan, that come from it

  [[nodiscard]] stack::Host host(std::uint32_t index) const {
    return port.hosts().at(stack::HostId{static_cast<std::uint32_t>(first) + index});
  }
  [[nodiscard]] std::string address(const stack::Host& host, bool v6) const {
    const auto own = port.hosts().address(host, v6);
    return own ? own->text() : std::string{};
  }
};

GroupOnPort on_port(const plan::Plan& plan, const StoppedPorts& ports, std::size_t group) {
  const std::size_t port = plan.groups[group].port;
  // A port has its groups in the order of the plan.
  const auto before = std::count_if(plan.groups.begin(), plan.groups.begin() + static_cast<std::ptrdiff_t>(group),
                                    [port](const plan::HostGroup& other) { return other.port == port; });
  GroupOnPort found{*ports[port], ports[port]->hosts().first_of(static_cast<stack::GroupIndex>(before)), {}};
  for (std::size_t i = 0; i < plan.workloads.size(); ++i) {
    if (plan.workloads[i].from == group) found.workloads.push_back(i);
  }
  return found;
}

// Adds the failures of one workload to those of others.
void add(report::Reasons& sum, const engine::HostTally& tally) {
  for (const auto& [why, count] : tally.failures) {
    const std::string name{app::failure_name(why)};
    const auto same = std::find_if(sum.begin(), sum.end(), [&](const auto& reason) { return reason.first == name; });
    if (same == sum.end()) {
      sum.emplace_back(name, count);
    } else {
      same->second += count;
    }
  }
}

report::HostTrouble trouble_of(const GroupOnPort& group, const stack::Host& host, const report::Reasons& failures) {
  report::HostTrouble trouble;
  trouble.host = group.port.hosts().name(host.id);
  trouble.address = group.address(host, false);
  if (trouble.address.empty()) trouble.address = group.address(host, true);
  trouble.sessions_failed = report::total(failures);
  const auto most = std::max_element(failures.begin(), failures.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  trouble.reason = most == failures.end() ? "still_open" : most->first;
  return trouble;
}

report::TimesResult times_of(const engine::TimesOfHost& times) {
  if (times.count == 0) return {};
  return {.count = times.count,
          .min = static_cast<double>(times.min_ns) / 1e9,
          .mean = static_cast<double>(times.sum_ns) / 1e9 / times.count,
          .max = static_cast<double>(times.max_ns) / 1e9};
}

void add_outcome_of_host(const GroupOnPort& group, std::uint32_t index, report::GroupResult& result,
                         std::vector<report::WorkloadResult>& workloads) {
  bool started = false;
  bool succeeded = false;
  report::Reasons failures;
  for (const std::size_t workload : group.workloads) {
    const engine::HostTally tally = group.port.tally(workload, index);
    started = started || tally.started;
    succeeded = succeeded || tally.succeeded;
    add(failures, tally);
    auto& troubled = workloads[workload].troubled;
    // With one workload alone, what the group says is all there is to say.
    const bool failed = tally.sessions_failed != 0 && !tally.succeeded;
    if (group.workloads.size() == 1 || !failed || troubled.size() >= report::kTroubledShown) continue;
    report::Reasons own;
    add(own, tally);
    troubled.push_back(trouble_of(group, group.host(index), own));
  }
  if (succeeded) ++result.hosts_succeeded;
  if (!started || succeeded) return;
  ++result.hosts_failed;
  if (result.troubled.size() < report::kTroubledShown)
    result.troubled.push_back(trouble_of(group, group.host(index), failures));
}

}  // namespace

void add_host_outcomes(const plan::Plan& plan, const StoppedPorts& ports, report::RunResult& result) {
  for (std::size_t i = 0; i < plan.groups.size(); ++i) {
    const GroupOnPort group = on_port(plan, ports, i);
    if (group.workloads.empty()) continue;
    for (std::uint32_t index = 0; index < plan.groups[i].count; ++index)
      add_outcome_of_host(group, index, result.hosts[i], result.workloads);
  }
}

void for_each_host(const plan::Plan& plan, const StoppedPorts& ports,
                   const std::function<void(const report::HostResult&)>& take) {
  for (std::size_t i = 0; i < plan.groups.size(); ++i) {
    const GroupOnPort group = on_port(plan, ports, i);
    for (std::uint32_t index = 0; index < plan.groups[i].count; ++index) {
      const stack::Host host = group.host(index);
      report::HostResult line;
      line.name = group.port.hosts().name(host.id);
      line.group = plan.groups[i].name;
      line.index = index;
      line.mac = host.mac.text();
      line.ipv4 = group.address(host, false);
      line.ipv6 = group.address(host, true);
      if (host.vlan.outer != 0) line.vlan.push_back(host.vlan.outer);
      if (host.vlan.inner != 0) line.vlan.push_back(host.vlan.inner);
      for (const std::size_t workload : group.workloads) {
        const engine::HostTally tally = group.port.tally(workload, index);
        report::HostSessions& sessions = line.sessions.emplace_back();
        sessions.workload = plan.workloads[workload].name;
        sessions.started = tally.sessions_started;
        sessions.succeeded = tally.sessions_succeeded;
        sessions.failed = tally.sessions_failed;
        add(sessions.failures, tally);
        sessions.connect = times_of(tally.connect);
        sessions.first_byte = times_of(tally.first_byte);
        sessions.session = times_of(tally.session);
      }
      take(line);
    }
  }
}

Result<void> write_hosts(const std::string& path, const plan::Plan& plan, const StoppedPorts& ports) {
  std::FILE* const file = std::fopen(path.c_str(), "we");
  if (file == nullptr) return fail(Fault::kRun, "cannot write the hosts to " + path, {}, errno);
  bool written = true;
  for_each_host(plan, ports, [&](const report::HostResult& host) {
    const std::string line = report::host_line(host) + "\n";
    written = written && std::fwrite(line.data(), 1, line.size(), file) == line.size();
  });
  if (std::fclose(file) == 0 && written) return {};
  return fail(Fault::kRun, "the file of hosts " + path + " is not complete", "is the disk full?", errno);
}

}  // namespace myriad::cli
