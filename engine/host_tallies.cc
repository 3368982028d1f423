#include "engine/host_tallies.h"

namespace myriad::engine {
namespace {

bool test_and_set(std::vector<std::uint64_t>& bits, std::uint32_t at) {
  std::uint64_t& word = bits[at / 64];
  const std::uint64_t bit = std::uint64_t{1} << (at % 64);
  const bool was = (word & bit) != 0;
  word |= bit;
  return was;
}

bool test(const std::vector<std::uint64_t>& bits, std::uint32_t at) { return (bits[at / 64] >> (at % 64) & 1) != 0; }

}  // namespace

HostTallies::HostTallies(std::uint32_t hosts, bool details)
    : hosts_(hosts),
      started_((std::size_t{hosts} + 63) / 64),
      succeeded_((std::size_t{hosts} + 63) / 64),
      details_(details ? hosts : 0) {}

void HostTallies::start(std::uint32_t host) {
  test_and_set(started_, host);
  if (!details_.empty()) ++details_[host].started;
}

bool HostTallies::succeed(std::uint32_t host, std::uint64_t took_ns) {
  if (!details_.empty()) {
    ++details_[host].succeeded;
    details_[host].session.record(took_ns);
  }
  return !test_and_set(succeeded_, host);
}

bool HostTallies::fail(std::uint32_t host, Failure why) {
  if (heads_.empty()) heads_.assign(hosts_, kNone);
  const bool first = heads_[host] == kNone;
  std::uint32_t* link = &heads_[host];
  while (*link != kNone) {  // as many as there are kinds of failures, at most
    Reason& reason = reasons_[*link];
    if (reason.why == why) {
      ++reason.count;
      return first;
    }
    link = &reason.next;
  }
  *link = static_cast<std::uint32_t>(reasons_.size());
  reasons_.push_back({.next = kNone, .count = 1, .why = why});
  return first;
}

bool HostTallies::has_succeeded(std::uint32_t host) const { return test(succeeded_, host); }

HostTally HostTallies::of(std::uint32_t host) const {
  HostTally tally;
  tally.started = test(started_, host);
  tally.succeeded = has_succeeded(host);
  if (has_failed(host)) {
    for (std::uint32_t at = heads_[host]; at != kNone; at = reasons_[at].next) {
      tally.failures.emplace_back(reasons_[at].why, reasons_[at].count);
      tally.sessions_failed += reasons_[at].count;
    }
  }
  if (!details_.empty()) {
    const Details& details = details_[host];
    tally.sessions_started = details.started;
    tally.sessions_succeeded = details.succeeded;
    tally.connect = details.connect;
    tally.first_byte = details.first_byte;
    tally.session = details.session;
  }
  return tally;
}

}  // namespace myriad::engine
