// What became of the sessions of each host of one workload in one shard: enough to say which hosts never succeeded and
// why, and, when details are asked for, how many sessions each had and how long they took.
//
// A host costs two bits. Failures cost four bytes a host once the first one is counted, and twelve for each pair of
// host and reason: a run without failures pays nothing for them. Details are 104 bytes a host.
//
// Used by the shard's thread; read by the control thread when that thread has ended. Hosts are places among those that
// the shard owns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "engine/counters.h"

namespace myriad::engine {

struct TimesOfHost {
  std::uint64_t sum_ns = 0;
  std::uint64_t min_ns = 0;
  std::uint64_t max_ns = 0;
  std::uint32_t count = 0;

  void record(std::uint64_t ns) {
    if (count == 0 || ns < min_ns) min_ns = ns;
    if (ns > max_ns) max_ns = ns;
    sum_ns += ns;
    ++count;
  }
};

// Without details, `sessions_started`, `sessions_succeeded` and the times stay zero.
struct HostTally {
  bool started = false;    // at least one session
  bool succeeded = false;  // likewise
  std::uint64_t sessions_started = 0;
  std::uint64_t sessions_succeeded = 0;
  std::uint64_t sessions_failed = 0;
  std::vector<std::pair<Failure, std::uint64_t>> failures;  // in the order in which they were first met
  TimesOfHost connect;
  TimesOfHost first_byte;
  TimesOfHost session;
};

class HostTallies {
 public:
  HostTallies(std::uint32_t hosts, bool details);

  void start(std::uint32_t host);
  // Whether it is the first success of that host.
  bool succeed(std::uint32_t host, std::uint64_t took_ns);
  // Whether it is the first failure of that host.
  bool fail(std::uint32_t host, Failure why);
  void connected(std::uint32_t host, std::uint64_t after_ns) {
    if (!details_.empty()) details_[host].connect.record(after_ns);
  }
  void first_byte(std::uint32_t host, std::uint64_t after_ns) {
    if (!details_.empty()) details_[host].first_byte.record(after_ns);
  }

  [[nodiscard]] bool has_succeeded(std::uint32_t host) const;
  [[nodiscard]] bool has_failed(std::uint32_t host) const { return !heads_.empty() && heads_[host] != kNone; }
  [[nodiscard]] HostTally of(std::uint32_t host) const;

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  struct Reason {
    std::uint32_t next = kNone;  // of the same host
    std::uint32_t count = 0;
    Failure why{};
  };
  struct Details {
    TimesOfHost connect;
    TimesOfHost first_byte;
    TimesOfHost session;
    std::uint32_t started = 0;
    std::uint32_t succeeded = 0;
  };
  static_assert(sizeof(Reason) == 12 && sizeof(Details) == 104, "what the opening lines say");

  std::uint32_t hosts_;
  std::vector<std::uint64_t> started_;  // a bit each
  std::vector<std::uint64_t> succeeded_;
  std::vector<std::uint32_t> heads_;  // of each host's reasons; empty as long as none has failed
  std::deque<Reason> reasons_;        // grows without moving what is there
  std::vector<Details> details_;      // empty when not asked for
};

}  // namespace myriad::engine
