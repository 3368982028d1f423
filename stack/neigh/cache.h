// Who is behind a next hop: the ARP cache and the neighbour cache (RFC 826, RFC 4861 section 7) as one table over both
// families. Hosts either share what they learn, or each asks for itself; then the host is part of the key.
//
// The cache decides when to ask; arp.h and ndp.h know how a question looks. Those who wait are told once, by name.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/addr.h"
#include "base/hash_index.h"
#include "base/rng.h"
#include "base/time.h"
#include "stack/events.h"
#include "stack/host_table.h"
#include "stack/timer_wheel.h"

namespace myriad::stack {

struct NeighbourOptions {
  Duration retry = std::chrono::seconds{1};  // RFC 4861 RETRANS_TIMER; RFC 1122 2.3.2.1: at most one ARP a second
  std::uint8_t tries = 3;                    // RFC 4861 MAX_MULTICAST_SOLICIT
  Duration reachable =
      std::chrono::seconds{30};    // RFC 4861 REACHABLE_TIME; older answers are used, and asked for again
  std::uint32_t limit = 4U << 20;  // entries per shard
};

// Somebody who cannot go on without an answer: a connection (with its generation) or the owner of a cookie.
struct NeighbourWaiter {
  enum class Kind : std::uint8_t { kConnection, kCookie, kNobody };
  Kind kind = Kind::kConnection;
  std::uint32_t subject = 0;
  std::uint32_t generation = 0;
};

class NeighbourCache {
 public:
  static constexpr std::uint32_t kNone = HashIndex::kNone;
  // Room for more than so many who wait is given back when nobody does.
  static constexpr std::size_t kWaitersKept = 256;

  // What is to be asked on the wire.
  struct Question {
    HostId asker = kNoHost;
    IpAddress target;
    MacAddress known;  // all zero: ask everybody; else ask this one whether it is still there
  };
  struct Answer {
    NeighbourWaiter waiter;
    std::optional<MacAddress> mac;  // nullopt: nobody answered
  };

  NeighbourCache(const HostTable& hosts, const NeighbourOptions& options, TimerWheel& wheel, std::uint8_t timer_kind)
      : hosts_(hosts), options_(options), wheel_(wheel), timer_kind_(timer_kind) {}

  // The MAC address of `next_hop` as `host` knows it. nullopt: not known yet; a question is on its way, and `waiter`
  // gets an answer later. Also nullopt when the table is full: then there is an answer without MAC address at once.
  std::optional<MacAddress> find(const Host& host, const IpAddress& next_hop, NeighbourWaiter waiter, Instant now);
  // The same for somebody who looks again instead of waiting: nullopt while it is being asked for.
  std::optional<MacAddress> look_up(const Host& host, const IpAddress& next_hop, Instant now);
  // Something was heard from `ip`: updates what is known (RFC 826: merge flag), answers those who wait, but makes no
  // new entry, so that strangers cannot fill the table.
  void learn(const Host& host, const IpAddress& ip, const MacAddress& mac, Instant now);
  // For everybody in that broadcast domain: an unsolicited announcement.
  void learn_shared(VlanTags vlan, const IpAddress& ip, const MacAddress& mac, Instant now);
  // A connection makes no progress: ask again before trusting the entry further (RFC 1122 section 2.3.2.1 (4)). Returns
  // what is known so far.
  std::optional<MacAddress> suspect(const Host& host, const IpAddress& next_hop, Instant now);
  void on_timer(std::uint32_t entry, Instant now);

  // Questions to be asked now, oldest first; the caller takes what it has room for.
  [[nodiscard]] bool has_question() const { return question_head_ < questions_.size(); }
  [[nodiscard]] std::optional<Question> take_question(Instant now);
  // Answers for those who waited; taken once.
  [[nodiscard]] bool has_answer() const { return !answers_.empty(); }
  [[nodiscard]] std::vector<Answer> take_answers() { return std::exchange(answers_, {}); }

  struct Totals {
    std::uint64_t resolved = 0;    // entries that got their first answer
    std::uint64_t unresolved = 0;  // entries given up
  };
  [[nodiscard]] const Totals& totals(GroupIndex group) const { return totals_[group]; }
  [[nodiscard]] std::size_t size() const { return index_.size(); }

 private:
  struct Key {
    IpAddress ip;
    VlanTags vlan;
    HostId owner = kNoHost;  // kNoHost: shared by the broadcast domain
    friend bool operator==(const Key&, const Key&) = default;
  };
  static std::uint64_t hash_of(const Key& key) {
    const std::uint64_t rest = (std::uint64_t{static_cast<std::uint32_t>(key.owner)} << 32) |
                               (std::uint32_t{key.vlan.outer} << 16) | key.vlan.inner;
    const std::uint64_t low = load_be64(key.ip.octets().data() + 8);
    return mix64(load_be64(key.ip.octets().data()) ^ (low * 0x9e3779b97f4a7c15ULL) ^ mix64(rest));
  }
  struct Entry {
    Key key;
    HostId asker = kNoHost;  // in whose name questions are asked
    MacAddress mac;
    bool known = false;
    bool asking = false;   // a question is out or queued
    bool doubted = false;  // a connection does not get through: everybody is asked, not only the one we know
    std::uint8_t tries = 0;
    Instant confirmed;
    TimerId timer;
    std::uint32_t waiters = kNone;
    std::uint32_t generation = 0;
  };
  struct WaiterNode {
    NeighbourWaiter waiter;
    std::uint32_t next = kNone;
  };

  [[nodiscard]] Key key_of(const Host& host, const IpAddress& ip) const {
    return {ip, host.vlan, hosts_.group(host.group).resolve_each ? host.id : kNoHost};
  }
  // kNone when nothing is known of it, not even that it was asked for.
  [[nodiscard]] std::uint32_t entry_of(const Key& key) const {
    return index_.find(hash_of(key), [&](std::uint32_t entry) { return entries_[entry].key == key; });
  }
  void ask(std::uint32_t entry);
  void update(std::uint32_t entry, const MacAddress& mac, Instant now);
  void answer_waiters(Entry& entry, std::optional<MacAddress> mac);
  void forget(std::uint32_t entry);

  const HostTable& hosts_;
  NeighbourOptions options_;
  TimerWheel& wheel_;
  std::uint8_t timer_kind_;
  HashIndex index_;  // of entries
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> free_;
  std::vector<WaiterNode> waiters_;
  std::vector<std::uint32_t> free_waiters_;
  struct Queued {
    std::uint32_t entry;
    std::uint32_t generation;
  };
  std::vector<Queued> questions_;  // a queue: taken from question_head_ on
  std::size_t question_head_ = 0;
  std::vector<Answer> answers_;
  std::vector<Totals> totals_{hosts_.groups().size()};
};

}  // namespace myriad::stack
