#include "engine/counters.h"

#include <algorithm>

namespace myriad::engine {

void WorkloadCounters::merge(const WorkloadCounters& other) {
  sessions_started += other.sessions_started;
  sessions_succeeded += other.sessions_succeeded;
  sessions_failed += other.sessions_failed;
  sessions_warm_up += other.sessions_warm_up;
  sessions_verified += other.sessions_verified;
  retries += other.retries;
  starts_missed += other.starts_missed;
  hosts_succeeded += other.hosts_succeeded;
  hosts_failed += other.hosts_failed;
  bytes_tx += other.bytes_tx;
  bytes_rx += other.bytes_rx;
  concurrent_max += other.concurrent_max;
  for (std::size_t i = 0; i < failures.size(); ++i) failures[i] += other.failures[i];
  connect.merge(other.connect);
  first_byte.merge(other.first_byte);
  round_trip.merge(other.round_trip);
  echo_tx += other.echo_tx;
  echo_rx += other.echo_rx;
  echo_lost += other.echo_lost;
  session.merge(other.session);
  said.merge(other.said);
  tcp.add(other.tcp);
  target_answered = target_answered || other.target_answered;
}

void ServiceCounters::merge(const ServiceCounters& other) {
  sessions += other.sessions;
  bytes_tx += other.bytes_tx;
  bytes_rx += other.bytes_rx;
  tcp.add(other.tcp);
}

void FlowCounters::merge(const FlowCounters& other) {
  frames_tx += other.frames_tx;
  bytes_tx += other.bytes_tx;
  unresolved += other.unresolved;
  frames_rx += other.frames_rx;
  bytes_rx += other.bytes_rx;
  duplicated += other.duplicated;
  reordered += other.reordered;
  highest = std::max(highest, other.highest);
  latency.merge(other.latency);
  jitter.merge(other.jitter);
  lateness.merge(other.lateness);
  begun_ns = std::min(begun_ns, other.begun_ns);
  ended_ns = std::max(ended_ns, other.ended_ns);
  slipped = std::max(slipped, other.slipped);
  if (data_error.empty()) data_error = other.data_error;
}

void ReplayCounters::merge(const ReplayCounters& other) {
  frames_read += other.frames_read;
  frames_tx += other.frames_tx;
  bytes_tx += other.bytes_tx;
  for (std::size_t i = 0; i < skipped.size(); ++i) skipped[i] += other.skipped[i];
  loops += other.loops;
  sources += other.sources;
  frames_late += other.frames_late;
  lateness.merge(other.lateness);
  begun_ns = std::min(begun_ns, other.begun_ns);
  ended_ns = std::max(ended_ns, other.ended_ns);
  if (trouble.empty()) trouble = other.trouble;
}

namespace {
template <class T>
void merge_each(std::vector<T>& into, const std::vector<T>& from) {
  if (into.size() < from.size()) into.resize(from.size());
  for (std::size_t i = 0; i < from.size(); ++i) into[i].merge(from[i]);
}
}  // namespace

void ShardCounters::merge(const ShardCounters& other) {
  merge_each(workloads, other.workloads);
  merge_each(services, other.services);
  merge_each(flows, other.flows);
  for (const StrangerCounters& stranger : other.strangers) {
    const auto same = std::find_if(strangers.begin(), strangers.end(), [&](const StrangerCounters& s) {
      return s.run == stranger.run && s.flow == stranger.flow;
    });
    if (same == strangers.end()) {
      strangers.push_back(stranger);
    } else {
      same->counters.merge(stranger.counters);
    }
  }
  merge_each(replays, other.replays);
  if (groups.size() < other.groups.size()) groups.resize(other.groups.size());
  for (std::size_t i = 0; i < other.groups.size(); ++i) groups[i].add(other.groups[i]);
}

}  // namespace myriad::engine
