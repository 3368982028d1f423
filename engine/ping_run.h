// One session of icmp_echo: which requests have been sent, which were answered, and when the next thing is to happen.
// Pure: it knows no stack. Replies may come in any order, more than once, or from a session long gone.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/time.h"

namespace myriad::engine {

class PingRun {
 public:
  // The most requests that may wait for their answer at a time; half of what sequence numbers can tell apart.
  static constexpr std::uint32_t kMaxWindow = 32768;

  PingRun(std::uint32_t count, std::uint16_t first_sequence) : count_(count), first_sequence_(first_sequence) {
    if (count > 64) many_ = std::make_unique<std::uint64_t[]>(window() / 64);
  }

  // Whether a request is to go out at `now`; its sequence number is next_sequence().
  [[nodiscard]] bool is_due(Instant now, Duration interval) const {
    return may_send() && (sent_ == 0 || due_at(sent_, interval) <= now);
  }
  [[nodiscard]] std::uint16_t next_sequence() const { return static_cast<std::uint16_t>(first_sequence_ + sent_); }
  void sent(Instant now, Duration interval) {
    if (sent_ == 0) first_sent_ = now;
    last_sent_ = now;
    // A request that was held up by a whole interval puts off those after it; smaller delays do not add up.
    const Duration late = now - due_at(sent_, interval);
    if (late > interval) first_sent_ = first_sent_ + late;
    ++sent_;
  }
  // A reply has come: how long its request is ago. nullopt: to no request that waits for one. Of requests before the
  // last one the time is that at which they were due.
  [[nodiscard]] std::optional<Duration> answered(std::uint16_t sequence, Instant now, Duration interval) {
    const auto place = static_cast<std::uint16_t>(sequence - first_sequence_);
    const std::uint32_t number = floor_ + static_cast<std::uint16_t>(place - static_cast<std::uint16_t>(floor_));
    if (number >= sent_ || number - floor_ >= window() || test(number)) return std::nullopt;
    flip(number);
    ++answered_;
    pass();
    return now - (number + 1 == sent_ ? last_sent_ : std::min(due_at(number, interval), last_sent_));
  }
  // Gives up the requests that have waited for `timeout`; how many they are.
  std::uint32_t give_up(Instant now, Duration interval, Duration timeout) {
    const std::uint32_t before = lost_;
    while (overdue(now, interval, timeout)) {
      ++floor_;
      ++lost_;
      pass();
    }
    return lost_ - before;
  }
  // Every request has been answered or given up.
  [[nodiscard]] bool done() const { return answered_ + lost_ == count_; }
  [[nodiscard]] std::uint32_t lost() const { return lost_; }
  [[nodiscard]] std::uint32_t answers() const { return answered_; }
  // The oldest request without an answer has waited for `timeout`.
  [[nodiscard]] bool overdue(Instant now, Duration interval, Duration timeout) const {
    return floor_ < sent_ && due_at(floor_, interval) + timeout <= now;
  }
  // When is_due() or overdue() becomes true, if no answer comes before.
  [[nodiscard]] Instant next_at(Duration interval, Duration timeout) const {
    Instant at = Instant::never();
    if (may_send()) at = due_at(sent_, interval);
    if (floor_ < sent_) at = std::min(at, due_at(floor_, interval) + timeout);
    return at;
  }
  [[nodiscard]] Instant first_sent() const { return first_sent_; }

 private:
  void pass() {
    while (floor_ < sent_ && test(floor_)) flip(floor_++);
  }
  [[nodiscard]] std::uint32_t window() const { return count_ <= 64 ? 64 : std::bit_ceil(std::min(count_, kMaxWindow)); }
  [[nodiscard]] bool may_send() const { return sent_ < count_ && sent_ - floor_ < window(); }
  [[nodiscard]] Instant due_at(std::uint32_t number, Duration interval) const {
    return first_sent_ + number * interval;
  }
  [[nodiscard]] std::uint64_t& word(std::uint32_t number) { return many_ ? many_[number % window() / 64] : few_; }
  [[nodiscard]] std::uint64_t bit(std::uint32_t number) const { return std::uint64_t{1} << (number % 64); }
  [[nodiscard]] bool test(std::uint32_t number) { return (word(number) & bit(number)) != 0; }
  void flip(std::uint32_t number) { word(number) ^= bit(number); }

  Instant first_sent_;
  Instant last_sent_;
  std::uint64_t few_ = 0;                  // answered, of requests from floor_ on: a ring of window() bits
  std::unique_ptr<std::uint64_t[]> many_;  // the same when there are more than 64
  std::uint32_t count_;
  std::uint32_t sent_ = 0;
  std::uint32_t answered_ = 0;
  std::uint32_t lost_ = 0;
  std::uint32_t floor_ = 0;  // every request before this one has been answered or given up
  std::uint16_t first_sequence_;
};

}  // namespace myriad::engine
