#include "cli/collect.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string_view>

#include "cli/kernel_release.h"
#include "engine/flow_schedule.h"
#include "engine/pacer.h"
#include "report/thresholds.h"

namespace myriad::cli {
namespace {

report::WorkloadResult empty_workload(const plan::Plan& plan, const plan::Workload& workload) {
  report::WorkloadResult result;
  result.name = workload.name;
  result.group = plan.groups[workload.from].name;
  result.has_tcp = !std::holds_alternative<plan::IcmpEchoWorkload>(workload.kind) &&
                   !std::holds_alternative<plan::UdpWorkload>(workload.kind);
  if (const auto* const http = std::get_if<plan::HttpWorkload>(&workload.kind)) {
    result.verifies = http->verifies();
  }
  if (const auto* const smb2 = std::get_if<plan::Smb2Workload>(&workload.kind)) result.verifies = smb2->verify.any();
  if (const auto* const dns = std::get_if<plan::DnsWorkload>(&workload.kind)) {
    const auto& queries = dns->questions.queries;
    result.verifies = std::all_of(queries.begin(), queries.end(), [](const auto& query) { return query.expect.any(); });
  }
  for (const std::string_view name : engine::kFailureNames) result.failures.emplace_back(name, 0);
  for (const char* const name : {"2xx", "3xx", "4xx", "5xx"}) result.responses.emplace_back(name, 0);
  return result;
}

// Frames lost outside the stack, by the names they have in the document.
report::Reasons port_drops(const PortReport& counters) {
  report::Reasons drops;
  for (std::size_t i = 0; i < stack::kDropNames.size(); ++i) {
    drops.emplace_back(stack::kDropNames[i], counters.drops.count[i]);
  }
  drops.emplace_back("no_socket", counters.steering.no_socket);
  drops.emplace_back("rx_dropped", counters.xdp.rx_dropped);
  drops.emplace_back("rx_ring_full", counters.xdp.rx_ring_full);
  drops.emplace_back("rx_fill_ring_empty", counters.xdp.rx_fill_ring_empty_descs);
  drops.emplace_back("tx_far_end_full", counters.port.ebusy_lost);
  drops.emplace_back("tx_invalid", counters.xdp.tx_invalid_descs);
  drops.emplace_back("tx_left_behind", counters.tx_left_behind);
  drops.emplace_back("inside_no_frame", counters.inside_dropped);
  return drops;
}

// Whatever TCP counts is shown: a counter that is added to one side alone does not compile.
report::TcpResult tcp_result(const tcp::Counters& tcp) {
  const auto& [segments_tx, segments_rx, retransmits, rto, fast_retransmits, resets_rx, resets_tx, out_of_order_rx,
               duplicate_rx, bad_checksum_rx, zero_window_probes_tx, tail_loss_probes_tx, keep_alives_tx, dsacks_rx,
               challenge_acks_tx] = tcp;
  return {.segments_tx = segments_tx,
          .segments_rx = segments_rx,
          .retransmits = retransmits,
          .rto = rto,
          .fast_retransmits = fast_retransmits,
          .resets_rx = resets_rx,
          .out_of_order_rx = out_of_order_rx,
          .duplicate_rx = duplicate_rx,
          .bad_checksum_rx = bad_checksum_rx,
          .resets_tx = resets_tx,
          .zero_window_probes_tx = zero_window_probes_tx,
          .tail_loss_probes_tx = tail_loss_probes_tx,
          .keep_alives_tx = keep_alives_tx,
          .dsacks_rx = dsacks_rx,
          .challenge_acks_tx = challenge_acks_tx};
}
static_assert(sizeof(report::TcpResult) == sizeof(tcp::Counters),
              "the tcp block has what TCP counts, no more, no less");

void fill(const engine::WorkloadCounters& from, report::WorkloadResult& to) {
  to.sessions_started = from.sessions_started;
  to.sessions_succeeded = from.sessions_succeeded;
  to.sessions_failed = from.sessions_failed;
  to.sessions_open = from.sessions_open();
  to.sessions_warm_up = from.sessions_warm_up;
  to.sessions_verified = from.sessions_verified;
  to.hosts_succeeded = from.hosts_succeeded;
  to.hosts_failed = from.hosts_failed;
  for (std::size_t i = 0; i < from.failures.size(); ++i) to.failures[i].second = from.failures[i];
  to.bytes_tx = from.bytes_tx;
  to.bytes_rx = from.bytes_rx;
  to.concurrent_max = from.concurrent_max;
  const auto ours = [&](engine::Failure why) { return from.failures[static_cast<std::size_t>(why)]; };
  to.generator_limited =
      from.starts_missed != 0 || ours(engine::Failure::kNoPort) != 0 || ours(engine::Failure::kNoRoom) != 0;
  to.connect = from.connect;
  to.first_byte = from.first_byte;
  to.round_trip = from.round_trip;
  to.echo_tx = from.echo_tx;
  to.echo_rx = from.echo_rx;
  to.echo_lost = from.echo_lost;
  to.session = from.session;
  to.requests = from.said.requests;
  for (std::size_t i = 0; i < from.said.status_classes.size(); ++i)
    to.responses[i].second = from.said.status_classes[i];
  to.request = from.said.request;
  to.tls_handshakes = from.said.tls_handshakes;
  to.tls_resumed = from.said.tls_resumed;
  to.tls_handshake = from.said.tls_handshake;
  to.tcp = tcp_result(from.tcp);
}

void fill(const stack::GroupCounters& from, report::GroupResult& to) {
  to.arp_requests_tx = from.arp_requests_tx;
  to.arp_replies_tx = from.arp_replies_tx;
  to.neighbour_solicitations_tx = from.neighbour_solicitations_tx;
  to.neighbour_advertisements_tx = from.neighbour_advertisements_tx;
  to.announcements_tx = from.announcements_tx;
  to.echo_requests_tx = from.echo_requests_tx;
  to.echo_replies_tx = from.echo_replies_tx;
  to.icmp_errors_tx = from.icmp_errors_tx;
  to.icmp_errors_limited = from.icmp_errors_limited;
  to.resolved = from.resolved;
  to.unresolved = from.unresolved;
  to.duplicate_address = from.duplicate_address;
}

void fill(const plan::FlowPlan& plan, bool comes_back, const engine::FlowCounters& from, report::FlowResult& to) {
  to.frames_tx = from.frames_tx;
  to.bytes_tx = from.bytes_tx;
  to.unresolved = from.unresolved;
  to.frames_rx = from.frames_rx;
  to.bytes_rx = from.bytes_rx;
  to.reordered = from.reordered;
  to.duplicated = from.duplicated;
  const std::uint64_t arrived = from.frames_rx - from.duplicated;
  if (comes_back || from.frames_rx != 0) to.lost = from.frames_tx > arrived ? from.frames_tx - arrived : 0;
  const double seconds = static_cast<double>(from.ended_ns - from.begun_ns) * 1e-9;
  if (from.frames_tx != 0 && from.ended_ns > from.begun_ns) {
    const bool bits = plan.rate.kind == plan::FlowRateKind::kBits;
    const auto frames = static_cast<double>(from.frames_tx);
    const double each = bits ? 8 * (static_cast<double>(from.bytes_tx) / frames + plan.rate.overhead_bytes) : 1;
    to.rate_achieved = frames * each / seconds;
    if (to.rate_target > 0) to.rate_error = std::abs(to.rate_achieved - to.rate_target) / to.rate_target;
  }
  to.generator_limited = from.slipped > Duration::zero();
  to.latency = from.latency;
  to.jitter = from.jitter;
  to.lateness = from.lateness;
}

// A port that stalls now and then has not been too slow for it.
constexpr std::uint64_t kLateOnesThatMatter = 100;  // one frame of so many

void fill(const engine::ReplayCounters& from, report::ReplayResult& to) {
  to.frames_read = from.frames_read;
  to.frames_tx = from.frames_tx;
  to.bytes_tx = from.bytes_tx;
  for (std::size_t i = 0; i < from.skipped.size(); ++i) to.frames_skipped[i].second = from.skipped[i];
  to.loops = from.loops;
  to.sources = from.sources;
  to.frames_late = from.frames_late;
  to.generator_limited = from.frames_late > from.frames_tx / kLateOnesThatMatter;
  to.lateness = from.lateness;
  to.seconds = from.ended_ns > from.begun_ns ? static_cast<double>(from.ended_ns - from.begun_ns) * 1e-9 : 0;
}

const char* state_name(PortState state) {
  switch (state) {
    case PortState::kUp:
      return "up";
    case PortState::kDown:
      return "down";
    case PortState::kGone:
      return "gone";
  }
  return "gone";
}

report::Comparison comparison_of(plan::Comparison comparison) {
  switch (comparison) {
    case plan::Comparison::kEqual:
      return report::Comparison::kEqual;
    case plan::Comparison::kNotEqual:
      return report::Comparison::kNotEqual;
    case plan::Comparison::kLess:
      return report::Comparison::kLess;
    case plan::Comparison::kLessOrEqual:
      return report::Comparison::kLessOrEqual;
    case plan::Comparison::kGreater:
      return report::Comparison::kGreater;
    case plan::Comparison::kGreaterOrEqual:
      return report::Comparison::kGreaterOrEqual;
  }
  return report::Comparison::kEqual;
}

report::Measure measure_of(plan::Measure measure) {
  switch (measure) {
    case plan::Measure::kItself:
      return report::Measure::kItself;
    case plan::Measure::kPerSecond:
      return report::Measure::kPerSecond;
    case plan::Measure::kShare:
      return report::Measure::kShare;
  }
  return report::Measure::kItself;
}

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("model name")) continue;
    const std::size_t colon = line.find(": ");
    return colon == std::string::npos ? "" : line.substr(colon + 2);
  }
  return "unknown";
}

}  // namespace

report::RunResult empty_result(const plan::Plan& plan) {
  report::RunResult result;
  result.seed = plan.seed;
  for (const plan::PortPlan& port : plan.ports) {
    report::PortResult& entry = result.ports.emplace_back();
    entry.name = port.name;
    entry.interface = port.interface;
    entry.drops = port_drops({});
  }
  for (const plan::HostGroup& group : plan.groups) {
    report::GroupResult& entry = result.hosts.emplace_back();
    entry.name = group.name;
    entry.count = group.count;
  }
  for (const plan::Workload& workload : plan.workloads) result.workloads.push_back(empty_workload(plan, workload));
  for (const plan::Service& service : plan.services) result.services.emplace_back().name = service.name;
  for (const plan::FlowPlan& flow : plan.flows) {
    report::FlowResult& entry = result.flows.emplace_back();
    entry.name = flow.name;
    entry.rate_unit = flow.rate.kind == plan::FlowRateKind::kBits ? "bps" : "pps";
    entry.rate_target = engine::FlowSchedule::target(flow);
  }
  for (const plan::ReplayPlan& replay : plan.replays) {
    report::ReplayResult& entry = result.replays.emplace_back();
    entry.name = replay.name;
    for (const std::string_view name : craft::kSkipNames) entry.frames_skipped.emplace_back(name, 0);
  }
  return result;
}

report::MachineResult machine_result() {
  const long cores = ::sysconf(_SC_NPROCESSORS_ONLN);
  return {kernel_release_text(), cpu_name(), static_cast<std::uint64_t>(std::max(1L, cores))};
}

void describe_port(const PortRun& run, report::PortResult& port) {
  port.driver = run.port().device().driver;
  const bool generic = run.steering().mode() == bpf::XdpMode::kSkb;
  port.mode = generic ? "skb" : xsk::name(run.port().mode());
  port.xdp = bpf::xdp_mode_name(run.steering().mode());
  port.queues = run.port().queues();
  port.shards = run.shards();
}

void add_port(const plan::Plan& plan, std::size_t index, const PortReport& counters, report::RunResult& result) {
  report::PortResult& port = result.ports[index];
  port.link = state_name(counters.state);
  port.frames_tx = counters.port.frames_tx;
  port.frames_rx = counters.port.frames_rx;
  port.bytes_tx = counters.port.bytes_tx;
  port.bytes_rx = counters.port.bytes_rx;
  port.frames_passed = counters.steering.passed();
  port.frames_inside = counters.frames_inside;
  port.drops = port_drops(counters);

  const engine::ShardCounters& sessions = counters.sessions;
  const auto on_this_port = [&](std::size_t group) { return plan.groups[group].port == index; };
  for (std::size_t i = 0; i < plan.workloads.size() && i < sessions.workloads.size(); ++i) {
    if (on_this_port(plan.workloads[i].from)) fill(sessions.workloads[i], result.workloads[i]);
  }
  for (std::size_t i = 0; i < plan.services.size() && i < sessions.services.size(); ++i) {
    if (!on_this_port(plan.services[i].group)) continue;
    result.services[i].sessions = sessions.services[i].sessions;
    result.services[i].bytes_tx = sessions.services[i].bytes_tx;
    result.services[i].bytes_rx = sessions.services[i].bytes_rx;
  }
  for (std::size_t i = 0; i < plan.groups.size() && i < sessions.groups.size(); ++i) {
    if (on_this_port(i)) fill(sessions.groups[i], result.hosts[i]);
  }
}

void add_targets(const plan::Plan& plan, double seconds, report::RunResult& result) {
  for (std::size_t i = 0; i < plan.workloads.size(); ++i) {
    const plan::LoadPlan& load = plan.workloads[i].load;
    report::WorkloadResult& entry = result.workloads[i];
    const double since_start = seconds - to_seconds(plan.workloads[i].start);
    // When one begins that comes after another is known only to the shards.
    if (plan.workloads[i].after || since_start < 0) continue;
    entry.rate_target = load.rate.value_or(0);
    entry.concurrent_target = static_cast<double>(load.concurrent.value_or(0));
    if (load.stages.empty()) continue;
    const double now = engine::Profile{load.stages}.value(since_start);
    (load.stages_of == plan::LoadStageOf::kRate ? entry.rate_target : entry.concurrent_target) = now;
  }
}

void add_flows(const plan::Plan& plan, const engine::ShardCounters& all, report::RunResult& result) {
  for (std::size_t i = 0; i < plan.flows.size() && i < all.flows.size(); ++i) {
    const bool comes_back = plan.flows[i].program->has_sequence() && plan.ports.size() > 1;
    fill(plan.flows[i], comes_back, all.flows[i], result.flows[i]);
  }
  for (const engine::StrangerCounters& stranger : all.strangers) {
    report::FlowResult& entry = result.flows.emplace_back();
    entry.name = fmt::format("flow {} of run {:04x}", stranger.flow, stranger.run);
    entry.of_another_run = true;
    entry.rate_unit = "pps";
    fill({}, false, stranger.counters, entry);
    const std::uint64_t arrived = stranger.counters.frames_rx - stranger.counters.duplicated;
    entry.lost = stranger.counters.highest > arrived ? stranger.counters.highest - arrived : 0;
  }
}

void add_replays(const plan::Plan& plan, const engine::ShardCounters& all, report::RunResult& result) {
  for (std::size_t i = 0; i < plan.replays.size() && i < all.replays.size(); ++i)
    fill(all.replays[i], result.replays[i]);
}

Result<std::vector<report::ThresholdResult>> judge(const plan::Plan& plan, const report::RunResult& result) {
  std::vector<report::ThresholdResult> judged;
  for (const plan::Threshold& threshold : plan.thresholds) {
    report::Condition condition{threshold.expression, threshold.metric,
                                threshold.statistic,  comparison_of(threshold.comparison),
                                threshold.value,      measure_of(threshold.measure),
                                threshold.whole};
    auto one = report::evaluate(result, condition);
    if (!one) {
      return fail(Fault::kUsage, "threshold '" + threshold.expression + "': " + one.error().what, one.error().cure);
    }
    judged.push_back(std::move(*one));
  }
  return judged;
}

bool nobody_answered(const engine::ShardCounters& all) {
  const auto started = [](const engine::WorkloadCounters& w) { return w.sessions_started != 0; };
  const auto answered = [](const engine::WorkloadCounters& w) { return w.target_answered; };
  return std::any_of(all.workloads.begin(), all.workloads.end(), started) &&
         std::none_of(all.workloads.begin(), all.workloads.end(), answered);
}

}  // namespace myriad::cli
