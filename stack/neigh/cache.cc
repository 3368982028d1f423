#include "stack/neigh/cache.h"

#include <utility>

namespace myriad::stack {

std::optional<MacAddress> NeighbourCache::find(const Host& host, const IpAddress& next_hop, NeighbourWaiter waiter,
                                               Instant now) {
  const Key key = key_of(host, next_hop);
  std::uint32_t at = entry_of(key);
  if (at != kNone) {
    Entry& entry = entries_[at];
    if (entry.known) {
      if (!entry.asking && now - entry.confirmed > options_.reachable) ask(at);
      return entry.mac;
    }
  } else {
    if (index_.size() >= options_.limit) {
      answers_.push_back({waiter, std::nullopt});
      return std::nullopt;
    }
    if (free_.empty()) {
      at = static_cast<std::uint32_t>(entries_.size());
      entries_.emplace_back();
    } else {
      at = free_.back();
      free_.pop_back();
    }
    const std::uint32_t generation = entries_[at].generation;
    entries_[at] = Entry{};
    entries_[at].generation = generation;
    entries_[at].key = key;
    entries_[at].asker = host.id;
    index_.insert(hash_of(key), at, [this](std::uint32_t entry) { return hash_of(entries_[entry].key); });
    ask(at);
  }
  std::uint32_t node = static_cast<std::uint32_t>(waiters_.size());
  if (free_waiters_.empty()) {
    waiters_.emplace_back();
  } else {
    node = free_waiters_.back();
    free_waiters_.pop_back();
  }
  waiters_[node] = {waiter, entries_[at].waiters};
  entries_[at].waiters = node;
  return std::nullopt;
}

std::optional<MacAddress> NeighbourCache::look_up(const Host& host, const IpAddress& next_hop, Instant now) {
  const std::uint32_t at = entry_of(key_of(host, next_hop));
  if (at != kNone && !entries_[at].known) return std::nullopt;
  return find(host, next_hop, {NeighbourWaiter::Kind::kNobody, 0, 0}, now);
}

void NeighbourCache::learn(const Host& host, const IpAddress& ip, const MacAddress& mac, Instant now) {
  if (const std::uint32_t at = entry_of(key_of(host, ip)); at != kNone) update(at, mac, now);
}

void NeighbourCache::learn_shared(VlanTags vlan, const IpAddress& ip, const MacAddress& mac, Instant now) {
  if (const std::uint32_t at = entry_of(Key{ip, vlan, kNoHost}); at != kNone) update(at, mac, now);
}

std::optional<MacAddress> NeighbourCache::suspect(const Host& host, const IpAddress& next_hop, Instant now) {
  const std::uint32_t at = entry_of(key_of(host, next_hop));
  if (at == kNone) return find(host, next_hop, {NeighbourWaiter::Kind::kNobody, 0, 0}, now);
  Entry& entry = entries_[at];
  if (!entry.known) return std::nullopt;
  const MacAddress mac = entry.mac;
  if (!entry.asking && now - entry.confirmed >= options_.retry) {
    entry.doubted = true;
    ask(at);
  }
  return mac;
}

void NeighbourCache::ask(std::uint32_t at) {
  Entry& entry = entries_[at];
  entry.asking = true;
  entry.tries = 0;
  questions_.push_back({at, entry.generation});
}

std::optional<NeighbourCache::Question> NeighbourCache::take_question(Instant now) {
  while (question_head_ < questions_.size()) {
    const Queued next = questions_[question_head_++];
    if (question_head_ == questions_.size()) {
      questions_.clear();
      question_head_ = 0;
    }
    Entry& entry = entries_[next.entry];
    if (entry.generation != next.generation || !entry.asking) continue;  // answered or forgotten meanwhile
    ++entry.tries;
    entry.timer = wheel_.arm(now + options_.retry, timer_kind_, next.entry);
    return Question{entry.asker, entry.key.ip, entry.known && !entry.doubted ? entry.mac : MacAddress{}};
  }
  return std::nullopt;
}

void NeighbourCache::update(std::uint32_t at, const MacAddress& mac, Instant now) {
  Entry& entry = entries_[at];
  if (!entry.known) ++totals_[hosts_.group_of(entry.asker)].resolved;
  entry.known = true;
  entry.asking = false;
  entry.doubted = false;
  entry.mac = mac;
  entry.confirmed = now;
  wheel_.cancel(entry.timer);
  answer_waiters(entry, mac);
}

void NeighbourCache::on_timer(std::uint32_t at, Instant) {
  Entry& entry = entries_[at];
  entry.timer = {};
  if (!entry.asking) return;
  if (entry.tries < options_.tries) {
    questions_.push_back({at, entry.generation});
    return;
  }
  ++totals_[hosts_.group_of(entry.asker)].unresolved;
  answer_waiters(entry, std::nullopt);
  forget(at);
}

void NeighbourCache::answer_waiters(Entry& entry, std::optional<MacAddress> mac) {
  for (std::uint32_t node = entry.waiters; node != kNone; node = waiters_[node].next) {
    answers_.push_back({waiters_[node].waiter, mac});
    free_waiters_.push_back(node);
  }
  entry.waiters = kNone;
  if (waiters_.size() > kWaitersKept && free_waiters_.size() == waiters_.size()) {  // nobody waits any more
    waiters_ = {};
    free_waiters_ = {};
  }
}

void NeighbourCache::forget(std::uint32_t at) {
  index_.erase(hash_of(entries_[at].key), at);
  ++entries_[at].generation;
  free_.push_back(at);
}

}  // namespace myriad::stack
