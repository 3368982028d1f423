// Where connections live: a slab that never moves, a hash by the four-tuple, a queue of those with something to say.
// Every operation is O(1); nothing here looks at all connections. Memory of the slab counts from its first use on.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/hash_index.h"
#include "base/pages.h"
#include "base/rng.h"
#include "stack/tcp/connection.h"

namespace myriad::tcp {

using stack::ConnectionId;
using stack::HostId;

class ConnectionTable {
 public:
  // `secret` keys the hash, so that nobody outside can make chains long.
  ConnectionTable(std::uint32_t limit, std::uint64_t secret)
      : secret_(secret), limit_(std::min(limit, HashIndex::kLimit)) {}

  // A four-tuple (the host stands for the local address) with its hash, worked out once.
  struct Key {
    const IpAddress& remote;
    HostId host;
    Port local;
    Port remote_port;
    std::uint64_t hash;
  };
  [[nodiscard]] Key key(HostId host, Port local, const IpAddress& remote, Port remote_port) const {
    const std::uint64_t high = load_be64(remote.octets().data());
    const std::uint64_t low = load_be64(remote.octets().data() + 8);
    const std::uint64_t rest = (std::uint64_t{static_cast<std::uint32_t>(host)} << 32) |
                               (std::uint32_t{local.number} << 16) | remote_port.number;
    const std::uint64_t hash = mix64(rest ^ mix64(secret_ ^ high ^ (low * 0x9e3779b97f4a7c15ULL)));
    return {remote, host, local, remote_port, hash};
  }

  [[nodiscard]] Connection& operator[](ConnectionId id) {
    const auto index = static_cast<std::uint32_t>(id);
    return chunks_[index / kChunk][index % kChunk];
  }
  [[nodiscard]] std::uint32_t size() const { return index_.size(); }

  // kNoConnection when there is none.
  [[nodiscard]] ConnectionId find(const Key& key) {
    return ConnectionId{index_.find(key.hash, [&](std::uint32_t number) {
      const Connection& c = (*this)[ConnectionId{number}];
      return c.host == key.host && c.local_port == key.local && c.remote_port == key.remote_port &&
             c.remote == key.remote;
    })};
  }
  // A fresh connection with that identity, in the hash. kNoConnection when the table is full.
  ConnectionId add(const Key& key);
  void remove(ConnectionId id);
  // That key will be looked for soon.
  [[gnu::always_inline]] void expect(const Key& key) const { index_.prefetch(key.hash); }
  // A connection that has not been touched for long will be needed soon; and, once its identity is at hand, its place
  // in the index.
  [[gnu::always_inline]] void expect(ConnectionId id) const {
    const auto index = static_cast<std::uint32_t>(id);
    const auto* const at = reinterpret_cast<const char*>(&chunks_[index / kChunk][index % kChunk]);
    __builtin_prefetch(at);
    __builtin_prefetch(at + 64);
    __builtin_prefetch(at + 128);
  }
  [[gnu::always_inline]] void expect_removal(const Connection& c) const { index_.prefetch(hash_of(c)); }

  // The queue of connections that have something to send. First in, first out; each at most once.
  void enqueue(ConnectionId id) {
    Connection& c = (*this)[id];
    if (c.queued) return;
    c.queued = true;
    if (queue_tail_ - queue_head_ == queue_.size()) grow_queue();
    queue_[queue_tail_++ & (queue_.size() - 1)] = id;
  }
  [[nodiscard]] bool queue_empty() const { return queue_head_ == queue_tail_; }
  ConnectionId dequeue() {
    assert(!queue_empty());
    const ConnectionId id = queue_[queue_head_++ & (queue_.size() - 1)];
    (*this)[id].queued = false;
    if (queue_.size() > kQueueKept && queue_empty() && ++queue_rests_ == kRestsToShrink) shrink_queue();
    return id;
  }

 private:
  static constexpr std::uint32_t kNone = HashIndex::kNone;
  static_assert(static_cast<std::uint32_t>(stack::kNoConnection) == kNone);
  static constexpr std::uint32_t kChunk = 4096;
  // A queue that has grown beyond so many places is given back once it has run empty so often without growing further.
  static constexpr std::size_t kQueueKept = 1024;
  static constexpr std::uint32_t kRestsToShrink = 64;

  template <class T>
  using Paged = std::vector<T, PageAllocator<T>>;
  struct GiveBack {
    void operator()(Connection* chunk) const { PageAllocator<Connection>{}.deallocate(chunk, kChunk); }
  };

  [[nodiscard]] std::uint64_t hash_of(const Connection& c) const {
    return key(c.host, c.local_port, c.remote, c.remote_port).hash;
  }
  void grow_queue();
  void shrink_queue();

  std::vector<std::unique_ptr<Connection[], GiveBack>> chunks_;  // room for kChunk each; `made_` of all have been made
  std::uint32_t free_ = kNone;  // the first slot that is free; its timer_node names the next
  HashIndex index_;
  Paged<ConnectionId> queue_ = Paged<ConnectionId>(kQueueKept);  // a ring, a power of two
  std::uint32_t queue_head_ = 0;                                 // these count on, and wrap
  std::uint32_t queue_tail_ = 0;
  std::uint32_t queue_rests_ = 0;  // how often it ran empty since it grew
  std::uint32_t made_ = 0;
  std::uint64_t secret_;
  std::uint32_t limit_;
};

}  // namespace myriad::tcp
