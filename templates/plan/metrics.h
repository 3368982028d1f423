// The numbers of the result document that a threshold may speak of, by section. The document itself is made in report/;
// a test holds this list against it.
#pragma once

#include <array>
#include <span>
#include <string_view>

namespace myriad::plan {

enum class MetricKind {
  kCount,         // compared with a number
  kBytes,         // with a size, or a plain number of bytes
  kFlag,          // with true or false
  kDistribution,  // of durations: a statistic of it is compared with a duration
  kRate,          // a number a second, or a frame rate
  kFraction,      // with a percentage, or a plain fraction
  kReasons,       // counts by reason: the sum, or NAME.REASON
};

struct Metric {
  std::string_view name;
  MetricKind kind = MetricKind::kCount;
};

inline constexpr Metric kWorkloadMetrics[] = {
    {"sessions_started"},
    {"sessions_succeeded"},
    {"sessions_failed"},
    {"sessions_open"},
    {"sessions_warm_up"},
    {"sessions_verified"},
    {"hosts_succeeded"},
    {"hosts_failed"},
    {"failures", MetricKind::kReasons},
    {"bytes_tx", MetricKind::kBytes},
    {"bytes_rx", MetricKind::kBytes},
    {"concurrent_max"},
    {"generator_limited", MetricKind::kFlag},
    {"connect_seconds", MetricKind::kDistribution},
    {"first_byte_seconds", MetricKind::kDistribution},
    {"session_seconds", MetricKind::kDistribution},
    {"tcp.segments_tx"},
    {"tcp.segments_rx"},
    {"tcp.retransmits"},
    {"tcp.rto"},
    {"tcp.fast_retransmits"},
    {"tcp.resets_rx"},
    {"tcp.out_of_order_rx"},
    {"tcp.duplicate_rx"},
    {"tcp.bad_checksum_rx"},
    {"tcp.resets_tx"},
    {"tcp.zero_window_probes_tx"},
    {"tcp.tail_loss_probes_tx"},
    {"tcp.keep_alives_tx"},
    {"tcp.dsacks_rx"},
    {"tcp.challenge_acks_tx"},
};
inline constexpr Metric kFlowMetrics[] = {
    {"frames_tx"},
    {"bytes_tx", MetricKind::kBytes},
    {"unresolved"},
    {"frames_rx"},
    {"bytes_rx", MetricKind::kBytes},
    {"lost"},
    {"reordered"},
    {"duplicated"},
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
    {"frames_tx"},
    {"bytes_tx", MetricKind::kBytes},
    {"frames_skipped", MetricKind::kReasons},
    {"loops"},
    {"sources"},
    {"frames_late"},
    {"generator_limited", MetricKind::kFlag},
    {"lateness_seconds", MetricKind::kDistribution},
};
inline constexpr Metric kServiceMetrics[] = {
    {"sessions"},
    {"bytes_tx", MetricKind::kBytes},
    {"bytes_rx", MetricKind::kBytes},
};
inline constexpr Metric kHostsMetrics[] = {
    {"count"},
    {"arp_requests_tx"},
    {"arp_replies_tx"},
    {"echo_replies_tx"},
    {"neighbour_solicitations_tx"},
    {"neighbour_advertisements_tx"},
    {"announcements_tx"},
    {"echo_requests_tx"},
    {"icmp_errors_tx"},
    {"icmp_errors_limited"},
    {"resolved"},
    {"unresolved"},
    {"duplicate_address"},
};
inline constexpr Metric kPortMetrics[] = {
    {"queues"},
    {"shards"},
    {"frames_tx"},
    {"frames_rx"},
    {"bytes_tx", MetricKind::kBytes},
    {"bytes_rx", MetricKind::kBytes},
    {"frames_passed"},
    {"frames_inside"},
    {"drops", MetricKind::kReasons},
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
