#include "stack/tcp/table.h"

#include <memory>
#include <type_traits>
#include <utility>

namespace myriad::tcp {

static_assert(std::is_trivially_destructible_v<Connection>, "a slot is used again by making it anew");

ConnectionId ConnectionTable::add(const Key& key) {
  std::uint32_t index = free_;
  std::uint32_t generation = 0;
  if (index != kNone) {
    const Connection& last = (*this)[ConnectionId{index}];
    generation = last.generation;
    free_ = last.timer_node;
  } else {
    if (made_ >= limit_) return stack::kNoConnection;
    if (made_ % kChunk == 0) chunks_.emplace_back(PageAllocator<Connection>{}.allocate(kChunk));
    index = made_++;
  }
  const ConnectionId id{index};
  Connection& c = (*this)[id];
  std::construct_at(&c);
  c.generation = generation + 1;
  c.host = key.host;
  c.local_port = key.local;
  c.remote = key.remote;
  c.remote_port = key.remote_port;
  index_.insert(key.hash, index, [this](std::uint32_t number) { return hash_of((*this)[ConnectionId{number}]); });
  return id;
}

void ConnectionTable::remove(ConnectionId id) {
  Connection& c = (*this)[id];
  assert(!c.queued && "a connection leaves the queue before it leaves the table");
  index_.erase(hash_of(c), static_cast<std::uint32_t>(id));
  ++c.generation;
  c.timer_node = std::exchange(free_, static_cast<std::uint32_t>(id));
}

void ConnectionTable::grow_queue() {
  Paged<ConnectionId> larger(queue_.size() * 2);
  for (std::uint32_t at = queue_head_; at != queue_tail_; ++at) {
    larger[at & (larger.size() - 1)] = queue_[at & (queue_.size() - 1)];
  }
  queue_ = std::move(larger);
  queue_rests_ = 0;
}

void ConnectionTable::shrink_queue() {
  assert(queue_empty());
  queue_ = Paged<ConnectionId>(kQueueKept);
  queue_rests_ = 0;
}

}  // namespace myriad::tcp
