// One host and what became of its sessions: a line of JSON for each host of a run (--hosts-json), and the few that a
// summary names.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "report/result.h"

namespace myriad::report {

// Seconds; all zero when there was nothing to measure.
struct TimesResult {
  std::uint64_t count = 0;
  double min = 0;
  double mean = 0;
  double max = 0;
};

struct HostSessions {
  std::string workload;
  std::uint64_t started = 0;
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
  Reasons failures;  // only those that happened
  TimesResult connect;
  TimesResult first_byte;
  TimesResult session;
};

struct HostResult {
  std::string name;  // "clients[17]"
  std::string group;
  std::uint64_t index = 0;  // in the group
  std::string mac;
  std::string ipv4;                    // empty: none
  std::string ipv6;                    // likewise
  std::vector<std::uint16_t> vlan;     // identifiers, the outer one first
  std::vector<HostSessions> sessions;  // by workload from its group, in the order of the scenario
};

// Without an end of line.
[[nodiscard]] std::string host_line(const HostResult& host);

}  // namespace myriad::report
