// What a run has to say, as plain values: the result document before it becomes JSON, a table or a summary. cli fills
// it from the shards' counters, once at the end and once a second in between. It knows no device and no shard.
//
// Each struct lists its metrics once, in metrics.h: the document, thresholds and `myriad list metrics` all follow that.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/histogram.h"

namespace myriad::report {

// Counters by reason, in a fixed order, zeros included: the same keys in every document.
using Reasons = std::vector<std::pair<std::string, std::uint64_t>>;

// Of the many statuses that a file server can say, documents name only those that were said.
[[nodiscard]] inline bool is_told(std::string_view reason, std::uint64_t count) {
  return count != 0 || !reason.starts_with("STATUS_");
}

[[nodiscard]] inline std::uint64_t total(const Reasons& reasons) {
  std::uint64_t sum = 0;
  for (const auto& [reason, count] : reasons) sum += count;
  return sum;
}

enum class Verdict {
  kPass,         // came to its end, every threshold holds
  kFail,         // a threshold does not hold
  kNoAnswer,     // nothing under test ever answered
  kInterrupted,  // stopped by a signal; the numbers are those until then
  kError,        // something broke while running
};

struct PortResult {
  std::string name;
  std::string interface;
  std::string driver;
  std::string mode;  // "zero-copy", "copy" or "skb": the one obtained
  std::string xdp;   // "native" or "skb": how the program is attached
  std::string link;  // "up", "down" or "gone" at this moment
  std::uint64_t queues = 0;
  std::uint64_t shards = 0;
  std::uint64_t frames_tx = 0;  // completed by the kernel
  std::uint64_t frames_rx = 0;
  std::uint64_t bytes_tx = 0;
  std::uint64_t bytes_rx = 0;
  std::uint64_t frames_passed = 0;  // left to the kernel by steering
  std::uint64_t frames_inside = 0;  // between two hosts of this port: never on the wire
  Reasons drops;
};

// A host that has tried and never succeeded.
struct HostTrouble {
  std::string host;     // "clients[17]"
  std::string address;  // IPv4, or IPv6 when it has no other
  std::string reason;   // the commonest of its failures; "still_open" when it has none
  std::uint64_t sessions_failed = 0;
};
// So many of them are named; --hosts-json names all.
inline constexpr std::size_t kTroubledShown = 10;

struct GroupResult {
  std::string name;
  std::uint64_t count = 0;
  std::uint64_t arp_requests_tx = 0;
  std::uint64_t arp_replies_tx = 0;
  std::uint64_t echo_replies_tx = 0;
  std::uint64_t neighbour_solicitations_tx = 0;
  std::uint64_t neighbour_advertisements_tx = 0;
  std::uint64_t announcements_tx = 0;
  std::uint64_t echo_requests_tx = 0;
  std::uint64_t icmp_errors_tx = 0;
  std::uint64_t icmp_errors_limited = 0;
  std::uint64_t resolved = 0;
  std::uint64_t unresolved = 0;
  std::uint64_t duplicate_address = 0;
  // Known when the run is over.
  std::uint64_t hosts_succeeded = 0;
  std::uint64_t hosts_failed = 0;
  std::vector<HostTrouble> troubled;  // the first of them
};

struct TcpResult {
  std::uint64_t segments_tx = 0;
  std::uint64_t segments_rx = 0;
  std::uint64_t retransmits = 0;
  std::uint64_t rto = 0;
  std::uint64_t fast_retransmits = 0;
  std::uint64_t resets_rx = 0;
  std::uint64_t out_of_order_rx = 0;
  std::uint64_t duplicate_rx = 0;
  std::uint64_t bad_checksum_rx = 0;
  std::uint64_t resets_tx = 0;
  std::uint64_t zero_window_probes_tx = 0;
  std::uint64_t tail_loss_probes_tx = 0;
  std::uint64_t keep_alives_tx = 0;
  std::uint64_t dsacks_rx = 0;
  std::uint64_t challenge_acks_tx = 0;
};

struct WorkloadResult {
  std::string name;
  std::string group;  // of the hosts it runs from
  bool has_tcp = true;
  bool verifies = false;
  std::uint64_t sessions_started = 0;
  std::uint64_t sessions_succeeded = 0;
  std::uint64_t sessions_failed = 0;
  std::uint64_t sessions_open = 0;
  std::uint64_t sessions_warm_up = 0;
  std::uint64_t sessions_verified = 0;
  std::uint64_t hosts_succeeded = 0;
  std::uint64_t hosts_failed = 0;
  Reasons failures;
  std::uint64_t bytes_tx = 0;
  std::uint64_t bytes_rx = 0;
  std::uint64_t concurrent_max = 0;
  bool generator_limited = false;  // the load asked for was not reached because of us
  // What is asked for at this moment; 0: nothing of the kind.
  double rate_target = 0;  // new sessions a second
  double concurrent_target = 0;
  Histogram connect;
  Histogram first_byte;
  Histogram round_trip;
  std::uint64_t echo_tx = 0;
  std::uint64_t echo_rx = 0;
  std::uint64_t echo_lost = 0;
  Histogram session;
  std::uint64_t requests = 0;  // answered; with http one of the responses each
  Reasons responses;           // by the class of their status
  Histogram request;
  std::uint64_t tls_handshakes = 0;
  std::uint64_t tls_resumed = 0;
  Histogram tls_handshake;
  TcpResult tcp;
  std::vector<HostTrouble> troubled;  // the first ones of hosts_failed, where the group has other workloads too
};

// What a service on every port was asked for.
struct AskedResult {
  std::string address;
  bool tcp = false;
  std::uint16_t port = 0;
  std::uint64_t times = 0;  // connections, or datagrams
  std::string first_bytes;  // as they came
};

struct ServiceResult {
  std::string name;
  std::uint64_t sessions = 0;
  std::uint64_t bytes_tx = 0;
  std::uint64_t bytes_rx = 0;
  // Of a service on every port, at the run's end: the first ones that were asked for, in that order, and how often
  // others were.
  bool on_every_port = false;
  std::vector<AskedResult> asked;
  std::uint64_t asked_unlisted = 0;
};

struct FlowResult {
  std::string name;
  bool of_another_run = false;  // heard here, sent by somebody else
  std::uint64_t frames_tx = 0;
  std::uint64_t bytes_tx = 0;    // without FCS
  std::uint64_t unresolved = 0;  // not sent: nobody answered for the next hop
  // Of signed frames that arrived at a port of this run; the rest is zero for flows without `sequence` payload.
  std::uint64_t frames_rx = 0;
  std::uint64_t bytes_rx = 0;
  std::uint64_t lost = 0;
  std::uint64_t reordered = 0;
  std::uint64_t duplicated = 0;
  std::string rate_unit;     // "pps" or "bps"
  double rate_target = 0;    // 0: as fast as possible
  double rate_achieved = 0;  // over the time in which the flow was sent
  double rate_error = 0;     // part of the target by which it was missed, either way
  bool generator_limited = false;
  Histogram latency;
  Histogram jitter;
  Histogram lateness;
};

struct ReplayResult {
  std::string name;
  std::uint64_t frames_read = 0;  // records of the capture, as often as they were read
  std::uint64_t frames_tx = 0;
  std::uint64_t bytes_tx = 0;  // without FCS
  Reasons frames_skipped;
  std::uint64_t loops = 0;
  std::uint64_t sources = 0;
  std::uint64_t frames_late = 0;
  bool generator_limited = false;
  Histogram lateness;
  double seconds = 0;  // from its first frame to its end; 0 as long as it goes on
};

struct ThresholdResult {
  std::string expression;
  std::optional<double> observed;  // nullopt: there was nothing to observe, and the threshold does not hold
  bool holds = false;
};

struct MachineResult {
  std::string kernel;
  std::string cpu;
  std::uint64_t cores = 0;
};

struct RunResult {
  std::string version;
  std::vector<std::string> command;
  std::uint64_t seed = 0;
  std::string started;  // RFC 3339, UTC
  double seconds = 0;
  MachineResult machine;
  std::vector<PortResult> ports;
  std::vector<GroupResult> hosts;
  std::vector<WorkloadResult> workloads;
  std::vector<ServiceResult> services;
  std::vector<FlowResult> flows;  // also those of other runs that arrived here
  std::vector<ReplayResult> replays;
  std::vector<ThresholdResult> thresholds;
  Verdict verdict = Verdict::kPass;
  std::vector<std::string> notes;  // what the reader must know to read the numbers right, one sentence each
};

[[nodiscard]] constexpr const char* verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass:
      return "pass";
    case Verdict::kFail:
      return "fail";
    case Verdict::kNoAnswer:
      return "no_answer";
    case Verdict::kInterrupted:
      return "interrupted";
    case Verdict::kError:
      return "error";
  }
  return "error";
}

}  // namespace myriad::report
