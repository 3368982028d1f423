// What a shard counts. Plain structs, written by the shard's thread only; the control thread gets copies (snapshot.h)
// and merges them. Indices are those of the plan: a shard leaves at zero what is not on its port.
#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "app/counts.h"
#include "app/failure.h"
#include "base/histogram.h"
#include "base/time.h"
#include "craft/rewrite.h"
#include "stack/counters.h"
#include "stack/tcp/state.h"

namespace myriad::engine {

using app::Failure;
using app::kFailureNames;

struct WorkloadCounters {
  std::uint64_t sessions_started = 0;  // a retry is not a start
  std::uint64_t sessions_succeeded = 0;
  std::uint64_t sessions_failed = 0;
  std::uint64_t sessions_warm_up = 0;   // begun while the load warmed up: in none of the other numbers
  std::uint64_t sessions_verified = 0;  // content was to be checked, and is right
  std::uint64_t retries = 0;
  std::uint64_t starts_missed = 0;    // sessions that the rate asked for and we could not start in time
  std::uint64_t hosts_succeeded = 0;  // with at least one session that succeeded
  std::uint64_t hosts_failed = 0;     // with sessions that failed and none that succeeded
  std::uint64_t bytes_tx = 0;         // payload, without retransmissions
  std::uint64_t bytes_rx = 0;
  std::uint64_t concurrent_max = 0;  // merged: the sum of the shards' maxima, an upper bound
  std::array<std::uint64_t, static_cast<std::size_t>(Failure::kCount)> failures{};
  Histogram connect;     // from the start to the end of the handshake
  Histogram first_byte;  // from the start to the first byte, or echo reply
  Histogram session;     // from the start to the last byte, step or echo reply; successes only
  app::Counts said;      // what the conversations count
  Histogram round_trip;  // from an echo request to its reply
  std::uint64_t echo_tx = 0;
  std::uint64_t echo_rx = 0;    // right or wrong, but no duplicates
  std::uint64_t echo_lost = 0;  // no reply in time, or an error instead of one
  tcp::Counters tcp;
  bool target_answered = false;  // something came back: a handshake, RST, echo reply or ICMP error

  // Not ended, neither way.
  [[nodiscard]] std::uint64_t sessions_open() const { return sessions_started - sessions_succeeded - sessions_failed; }
  void merge(const WorkloadCounters& other);
};

struct ServiceCounters {
  std::uint64_t sessions = 0;  // connections accepted; of UDP, datagrams
  std::uint64_t bytes_tx = 0;
  std::uint64_t bytes_rx = 0;
  tcp::Counters tcp;

  void merge(const ServiceCounters& other);
};

struct FlowCounters {
  std::uint64_t frames_tx = 0;
  std::uint64_t bytes_tx = 0;    // without FCS
  std::uint64_t unresolved = 0;  // not sent: nobody answered for the next hop
  // Of signed frames that came back or arrived at another port:
  std::uint64_t frames_rx = 0;
  std::uint64_t bytes_rx = 0;
  std::uint64_t duplicated = 0;
  std::uint64_t reordered = 0;  // came after one with a higher number
  std::uint64_t highest = 0;    // number that came, plus one
  Histogram latency;
  Histogram jitter;    // difference of the latencies of two frames that came one after the other
  Histogram lateness;  // of the first frame of each batch behind its time
  std::int64_t begun_ns = INT64_MAX;
  std::int64_t ended_ns = INT64_MIN;
  Duration slipped{};      // by how much the schedule was put off, because the port could not keep up
  std::string data_error;  // why its data file ended early

  void merge(const FlowCounters& other);
};

// Frames of flows of another run that arrived here.
struct StrangerCounters {
  std::uint16_t run = 0;
  std::uint16_t flow = 0;
  FlowCounters counters;
};

struct ReplayCounters {
  std::uint64_t frames_read = 0;  // records of the capture, as often as they were read
  std::uint64_t frames_tx = 0;
  std::uint64_t bytes_tx = 0;  // without FCS
  std::array<std::uint64_t, static_cast<std::size_t>(craft::Skip::kCount)> skipped{};
  std::uint64_t loops = 0;        // of the capture that came to its end
  std::uint64_t sources = 0;      // distinct ones in it, where they become hosts
  std::uint64_t frames_late = 0;  // by more than Replays::kLate
  Histogram lateness;             // of frames behind their time; none for those that go as fast as they can
  std::int64_t begun_ns = INT64_MAX;
  std::int64_t ended_ns = INT64_MIN;
  std::string trouble;  // why the capture ended before its end

  void merge(const ReplayCounters& other);
};

struct ShardCounters {
  std::vector<WorkloadCounters> workloads;
  std::vector<ServiceCounters> services;
  std::vector<FlowCounters> flows;
  std::vector<StrangerCounters> strangers;
  std::vector<ReplayCounters> replays;
  std::vector<stack::GroupCounters> groups;

  // Vectors of different length: the shorter one is taken as filled up with zeros.
  void merge(const ShardCounters& other);
};

}  // namespace myriad::engine
