#include "xsk/shard_port.h"

#include <sys/socket.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <ctime>

namespace myriad::xsk {

ShardPort::ShardPort(Wiring wiring, LinkWatch link, FileDescriptor wake_event)
    : area_(wiring.area),
      chunk_shift_(static_cast<unsigned>(std::countr_zero(wiring.area.chunk_bytes))),
      tx_(wiring.tx),
      tx_fd_(wiring.rx[wiring.tx_queue].fd),
      lengths_(wiring.lengths),
      owned_(std::move(wiring.owned)),
      rx_(std::move(wiring.rx)),
      refilled_(wiring.primed),
      primed_(wiring.primed),
      link_(std::move(link)),
      doorbell_(std::move(wake_event)) {
  for (const RxQueue& queue : rx_) sleepers_.push_back({queue.fd, POLLIN, 0});
  sleepers_.push_back({doorbell_.fd(), POLLIN, 0});
  sleepers_.push_back({link_.fd(), POLLIN, 0});
  read_link_news();
}

void ShardPort::send_on_queue_of(ShardPort& owner) {
  owner_ = &owner == this ? nullptr : &owner;
  owner.senders_.push_back(this);
}

void ShardPort::refill(FramePool& pool) {
  if (primed_ != 0) withdraw_primed(pool);
  const std::uint32_t reserve = send_reserve(pool.capacity());
  for (OwnedQueue& queue : owned_) {
    if (pool.size() <= reserve) return;
    const std::uint32_t spare = pool.size() - reserve;
    const std::uint32_t count = std::min(spare, queue.fill.room(spare));
    if (count == 0) continue;
    queue.fill.produce(count, [&](std::uint64_t& address, std::uint32_t) { address = address_of(*pool.take()); });
    refilled_ += count;
  }
}

void ShardPort::withdraw_primed(FramePool& pool) {
  [[maybe_unused]] const auto first = static_cast<std::uint32_t>(*pool.take());
  assert(first % area_.frames_per_shard == 0 && "refill() comes first, with a fresh pool");
  for (std::uint32_t i = 1; i < primed_; ++i) {
    [[maybe_unused]] const auto frame = pool.take();
    assert(frame == FrameIndex{first + i} && "refill() comes first, with a fresh pool");
  }
  primed_ = 0;
}

std::uint32_t ShardPort::receive(std::span<RxFrame> out) {
  const auto queues = static_cast<std::uint32_t>(rx_.size());
  const auto capacity = static_cast<std::uint32_t>(out.size());
  std::uint32_t count = 0;
  std::uint32_t queue = first_rx_;
  for (std::uint32_t left = queues; left > 0 && count < capacity; --left) {
    // An equal share of what is left for every queue that has not been asked: what one does not use the next may.
    const std::uint32_t share = (capacity - count + left - 1) / left;
    rx_[queue].ring.consume(share, [&](const xdp_desc& descriptor) {
      std::uint8_t* const at = area_.memory + descriptor.addr;
      __builtin_prefetch(at);
      counters_.bytes_rx += descriptor.len;
      out[count++] = {{at, descriptor.len}, frame_of(descriptor.addr)};
    });
    if (++queue == queues) queue = 0;
  }
  if (++first_rx_ == queues) first_rx_ = 0;
  counters_.frames_rx += count;
  return count;
}

std::uint32_t ShardPort::submit(std::span<const TxFrame> frames) {
  if (state_ == PortState::kGone || frames.empty()) return 0;
  const auto offered = static_cast<std::uint32_t>(frames.size());
  const std::uint32_t count = std::min(offered, tx_.room(offered));
  if (count == 0) return 0;
  tx_.produce(count, [&](xdp_desc& descriptor, std::uint32_t i) {
    const TxFrame& frame = frames[i];
    assert(frame.length > 0 && frame.length <= area_.chunk_bytes && "the kernel never completes such a frame");
    descriptor = {address_of(frame.frame), frame.length, 0};
    lengths_->set(frame.frame, frame.length);
  });
  submitted_.add(count);
  return count;
}

void ShardPort::kick() {
  if (++turns_ % kLinkTurns == 0) read_link_news();
  if (state_ == PortState::kUp && tx_.pending() != 0 && tx_.needs_wakeup()) kick_tx();
  if (owner_ != nullptr && submitted_.value() - told_owner_ >= kWakeOwnerEvery) wake_owner();
  kick_rx();
}

void ShardPort::kick_tx() {
  ++counters_.tx_kicks;
  if (::sendto(tx_fd_, nullptr, 0, MSG_DONTWAIT, nullptr, 0) >= 0) return;
  switch (errno) {
    case EAGAIN:
      // The budget of one call is used up, or the device or the COMPLETION ring is full; in any case: later again.
      ++counters_.eagain;
      if (owner_ != nullptr) wake_owner();
      return;
    case EBUSY:
      ++counters_.ebusy_lost;
      return;
    case ENOBUFS:
      ++counters_.enobufs;
      return;
    case ENETDOWN:
      ++counters_.tx_down;
      state_ = PortState::kDown;
      return;
    case ENXIO:
    case ENODEV:
      state_ = PortState::kGone;
      return;
    default:
      ++counters_.tx_errors;
      return;
  }
}

void ShardPort::kick_rx() {
  const auto queues = static_cast<std::uint32_t>(owned_.size());
  for (std::uint32_t i = 0; i < queues; ++i) {
    const OwnedQueue& queue = owned_[next_rx_kick_];
    if (++next_rx_kick_ == queues) next_rx_kick_ = 0;
    if (!queue.fill.needs_wakeup()) continue;
    ++counters_.rx_kicks;
    ::recvfrom(rx_[queue.queue].fd, nullptr, 0, MSG_DONTWAIT, nullptr, nullptr);
    return;  // the next queue that asks is served next turn
  }
}

void ShardPort::wake_owner() {
  told_owner_ = submitted_.value();
  owner_->interrupt();
}

void ShardPort::read_link_news() {
  if (state_ == PortState::kGone) return;
  if (const auto news = link_.read_news()) state_ = *news;
}

bool ShardPort::has_frames() const {
  return std::any_of(rx_.begin(), rx_.end(), [](const RxQueue& queue) { return !queue.ring.is_empty(); }) ||
         std::any_of(owned_.begin(), owned_.end(),
                     [](const OwnedQueue& queue) { return !queue.completion.is_empty(); });
}

bool ShardPort::has_unfinished() const {
  if (tx_.pending() != 0) return true;
  std::uint64_t sent = 0;
  for (const ShardPort* sender : senders_) sent += sender->submitted_.value();
  return !senders_.empty() && sent != reaped_;
}

void ShardPort::wait(Duration at_most) {
  if (at_most <= Duration::zero()) return;
  if (owner_ != nullptr && submitted_.value() != told_owner_) wake_owner();
  const bool may_sleep = doorbell_.begin_sleep() && !has_frames();
  if (may_sleep) {
    // While the link is down nothing moves on its own; its return is announced.
    const bool nap = state_ == PortState::kUp && has_unfinished();
    sleep(nap ? std::min(at_most, kUnfinishedNap) : at_most);
  } else {
    doorbell_.end_sleep(false);
  }
}

void ShardPort::sleep(Duration at_most) {
  // A removed interface makes its sockets and its announcements silent for good: only the doorbell can still ring.
  pollfd* const doorbell = &sleepers_[rx_.size()];
  const bool gone = state_ == PortState::kGone;
  const std::span<pollfd> watched = gone ? std::span{doorbell, 1} : std::span{sleepers_};
  const auto seconds = std::chrono::floor<std::chrono::seconds>(at_most);
  const timespec limit{static_cast<time_t>(seconds.count()), static_cast<long>((at_most - seconds).count())};
  const int ready = ::ppoll(watched.data(), watched.size(), &limit, nullptr);
  doorbell_.end_sleep(ready > 0 && doorbell->revents != 0);
  if (ready > 0 && !gone && sleepers_.back().revents != 0) read_link_news();
}

XdpStatistics ShardPort::statistics() const {
  XdpStatistics sum;
  for (std::uint32_t queue = 0; queue < rx_.size(); ++queue) {
    xdp_statistics one{};
    socklen_t size = sizeof one;
    if (::getsockopt(rx_[queue].fd, SOL_XDP, XDP_STATISTICS, &one, &size) != 0) continue;
    sum.rx_dropped += one.rx_dropped;
    sum.rx_invalid_descs += one.rx_invalid_descs;
    sum.tx_invalid_descs += one.tx_invalid_descs;
    sum.rx_ring_full += one.rx_ring_full;
    sum.tx_ring_empty_descs += one.tx_ring_empty_descs;
    const bool own = std::any_of(owned_.begin(), owned_.end(), [&](const OwnedQueue& o) { return o.queue == queue; });
    if (own) sum.rx_fill_ring_empty_descs += one.rx_fill_ring_empty_descs;
  }
  return sum;
}

std::int64_t ShardPort::kernel_balance() const {
  return static_cast<std::int64_t>(submitted_.value() + refilled_) -
         static_cast<std::int64_t>(reaped_ + counters_.frames_rx);
}

}  // namespace myriad::xsk
