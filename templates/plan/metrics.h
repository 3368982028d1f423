// The numbers of the result document that a threshold may speak of, by section. The document itself is made in report/;
// a test holds this list against it.
#pragma once

#include <array>
#include <span>
#include <string_view>

namespace myriad::plan {

enum class MetricKind {
  kCount,         // compared with a number, or, over the time of the run, with a rate
  kBytes,         // with a size, or a plain number of bytes; likewise
  kState,         // with a number; it does not count up, so it has no rate
  kSeconds,       // with a duration
  kFlag,          // with true or false
  kDistribution,  // of durations: a statistic of it is compared with a duration
  kRate,          // with a frame rate, a bit rate, or a plain number a second
  kFraction,      // with a percentage, or a plain fraction
  kReasons,       // counts by reason: the sum, or NAME.REASON
};

struct Metric {
  std::string_view name;
  MetricKind kind = MetricKind::kCount;
  // Of what it may be compared as a percentage: of the sum of these metrics of the same thing. None: of nothing.
  std::array<std::string_view, 2> whole{};
};

inline constexpr Metric kWorkloadMetrics[] = {
    {"sessions_started"},
    {"sessions_succeeded", MetricKind::kCount, {"sessions_started"}},
    {"sessions_failed", MetricKind::kCount, {"sessions_started"}},
    {"sessions_open", MetricKind::kState, {"sessions_started"}},
    {"sessions_warm_up"},
    {"sessions_verified", MetricKind::kCount, {"sessions_started"}},
    {"hosts_succeeded", MetricKind::kState, {"hosts_succeeded", "hosts_failed"}},
    {"hosts_failed", MetricKind::kState, {"hosts_succeeded", "hosts_failed"}},
    {"failures", MetricKind::kReasons, {"sessions_started"}},
    {"bytes_tx", MetricKind::kBytes},
    {"bytes_rx", MetricKind::kBytes},
    {"concurrent_max", MetricKind::kState},
    {"generator_limited", MetricKind::kFlag},
    {"connect_seconds", MetricKind::kDistribution},
    {"first_byte_seconds", MetricKind::kDistribution},
    {"session_seconds", MetricKind::kDistribution},
    {"echo_tx"},
    {"echo_rx"},
    {"echo_lost"},
    {"round_trip_seconds", MetricKind::kDistribution},
    {"requests"},
    {"responses", MetricKind::kReasons},
    {"request_seconds", MetricKind::kDistribution},
    {"tls_handshakes"},
    {"tls_resumed"},
    {"tls_handshake_seconds", MetricKind::kDistribution},
    {"tcp.segments_tx"},
    {"tcp.segments_rx"},
    {"tcp.retransmits", MetricKind::kCount, {"tcp.segments_tx"}},
    {"tcp.rto"},
    {"tcp.fast_retransmits"},
    {"tcp.resets_rx", MetricKind::kCount, {"tcp.segments_rx"}},
    {"tcp.out_of_order_rx", MetricKind::kCount, {"tcp.segments_rx"}},
    {"tcp.duplicate_rx", MetricKind::kCount, {"tcp.segments_rx"}},
    {"tcp.bad_checksum_rx", MetricKind::kCount, {"tcp.segments_rx"}},
    {"tcp.resets_tx", MetricKind::kCount, {"tcp.segments_tx"}},
    {"tcp.zero_window_probes_tx"},
    {"tcp.tail_loss_probes_tx"},
    {"tcp.keep_alives_tx"},
    {"tcp.dsacks_rx"},
    {"tcp.challenge_acks_tx"},
};
inline constexpr Metric kFlowMetrics[] = {
    {"frames_tx"},
    {"bytes_tx", MetricKind::kBytes},
    {"unresolved", MetricKind::kCount, {"frames_tx", "unresolved"}},
    {"frames_rx", MetricKind::kCount, {"frames_tx"}},
    {"bytes_rx", MetricKind::kBytes},
    {"lost", MetricKind::kState, {"frames_tx"}},
    {"reordered", MetricKind::kCount, {"frames_rx"}},
    {"duplicated", MetricKind::kCount, {"frames_rx"}},
    {"rate_target", MetricKind::kRate},
    {"rate_achieved", MetricKind::kRate},
    {"rate_error", MetricKind::kFraction},
    {"generator_limited", MetricKind::kFlag},
    {"latency_seconds", MetricKind::kDistribution},
    {"jitter_seconds", MetricKind::kDistribution},
    {"lateness_seconds", MetricKind::kDistribution},
};
inline constexpr Metric kReplayMetrics[] = {
    {"frames_read"},
    {"frames_tx", MetricKind::kCount, {"frames_read"}},
    {"bytes_tx", MetricKind::kBytes},
    {"frames_skipped", MetricKind::kReasons, {"frames_read"}},
    {"loops"},
    {"sources", MetricKind::kState},
    {"frames_late", MetricKind::kCount, {"frames_tx"}},
    {"generator_limited", MetricKind::kFlag},
    {"lateness_seconds", MetricKind::kDistribution},
};
inline constexpr Metric kServiceMetrics[] = {
    {"sessions"},
    {"bytes_tx", MetricKind::kBytes},
    {"bytes_rx", MetricKind::kBytes},
};
inline constexpr Metric kHostsMetrics[] = {
    {"count", MetricKind::kState},
    {"arp_requests_tx"},
    {"arp_replies_tx"},
    {"echo_replies_tx"},
    {"neighbour_solicitations_tx"},
    {"neighbour_advertisements_tx"},
    {"announcements_tx"},
    {"echo_requests_tx"},
    {"icmp_errors_tx"},
    {"icmp_errors_limited"},
    {"resolved", MetricKind::kCount, {"resolved", "unresolved"}},
    {"unresolved", MetricKind::kCount, {"resolved", "unresolved"}},
    {"duplicate_address"},
    {"hosts_succeeded", MetricKind::kState, {"hosts_succeeded", "hosts_failed"}},
    {"hosts_failed", MetricKind::kState, {"hosts_succeeded", "hosts_failed"}},
};
inline constexpr Metric kPortMetrics[] = {
    {"queues", MetricKind::kState},
    {"shards", MetricKind::kState},
    {"frames_tx"},
    {"frames_rx"},
    {"bytes_tx", MetricKind::kBytes},
    {"bytes_rx", MetricKind::kBytes},
    {"frames_passed"},
    {"frames_inside"},
    {"drops", MetricKind::kReasons, {"frames_rx"}},
};

// Of the run as a whole, by their full names.
inline constexpr Metric kRunMetrics[] = {
    {"myriad.seconds", MetricKind::kSeconds},
    {"myriad.seed", MetricKind::kState},
    {"machine.cores", MetricKind::kState},
};

struct MetricSection {
  std::string_view name;  // as in the result document
  std::span<const Metric> metrics;
};
// In the order in which a name is looked up.
inline constexpr std::array kMetricSections = {
    MetricSection{"workloads", kWorkloadMetrics}, MetricSection{"flows", kFlowMetrics},
    MetricSection{"replays", kReplayMetrics},     MetricSection{"services", kServiceMetrics},
    MetricSection{"hosts", kHostsMetrics},        MetricSection{"ports", kPortMetrics},
};

}  // namespace myriad::plan
