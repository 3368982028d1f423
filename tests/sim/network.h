// A simulated network: stacks on one broadcast domain, a seeded wire between them that delays, loses, duplicates,
// reorders and corrupts, and a virtual clock that jumps from event to event. The same seed gives the same run, bit for
// bit.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "stack/wire/ethernet.h"
#include "tests/sim/station.h"

namespace myriad::sim {

struct WireOptions {
  Duration delay = std::chrono::microseconds{100};
  Duration jitter{};  // added, uniform: reorders
  double loss = 0;
  double duplicate = 0;
  double corrupt = 0;  // one bit flipped, where it is TCP/IP that has to see it
  double cut = 0;      // the frame ends early
  double reorder = 0;  // held back by `reorder_by`, so that what was sent later comes earlier
  Duration reorder_by = std::chrono::milliseconds{1};
  std::uint64_t bits_per_second = 0;  // of each station's way out, which queues without end; 0 = frames take no time
};

class Network {
 public:
  Network(std::uint64_t seed, const WireOptions& wire) : wire_(wire), rng_(seed) {}

  Station& add(std::vector<stack::HostGroup> groups, stack::StackOptions options = {},
               std::uint32_t chunk = Station::kChunk) {
    stations_.push_back(std::make_unique<Station>(std::move(groups), options, chunk));
    stations_.back()->batch_.reserve(stations_.back()->pool_);
    return *stations_.back();
  }
  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] WireOptions& wire() { return wire_; }
  [[nodiscard]] std::uint64_t frames_carried() const { return carried_; }
  // A digest of every frame with its time: equal seeds, equal digests.
  [[nodiscard]] std::uint64_t digest() const { return digest_; }
  // Sees every frame as it is put on the wire; may return false to lose it.
  std::function<bool(Bytes, Instant)> filter;

  // Runs until `end`, or until nothing at all is left to happen. True when it became quiet.
  bool run(Duration for_how_long) {
    const Instant end = now_ + for_how_long;
    for (;;) {
      const Instant next = next_event();
      if (next.is_never()) return true;
      if (next > end) {
        now_ = end;
        return false;
      }
      step(next);
    }
  }
  // Runs until `end` and stands there, quiet or not.
  void run_to(Instant end) {
    if (end > now_ && run(end - now_)) now_ = end;
  }
  // As run(), but stops when `done()` says so.
  bool run_until(const std::function<bool()>& done, Duration at_most) {
    const Instant end = now_ + at_most;
    while (!done()) {
      const Instant next = next_event();
      if (next.is_never() || next > end) return done();
      step(next);
    }
    return true;
  }
  // Puts a frame on the wire as if a stranger had sent it, heard by every station.
  void inject(Bytes frame) { carry(nullptr, frame); }

 private:
  // A frame on its way. Kept in a heap: the earliest arrival first, of equal ones the one that was sent first.
  struct Flying {
    Instant at;
    std::uint64_t order = 0;
    Station* from = nullptr;  // nullptr: a stranger
    std::uint32_t slot = 0;   // its bytes

    [[nodiscard]] bool operator<(const Flying& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };

  [[nodiscard]] Instant next_event() {
    flush();
    Instant next = flying_.empty() ? Instant::never() : flying_.front().at;
    for (const auto& station : stations_) next = std::min(next, station->deadline());
    return next;
  }
  void step(Instant at) {
    now_ = std::max(now_, at);
    while (!flying_.empty() && flying_.front().at <= now_) {
      const Flying frame = flying_.front();
      std::pop_heap(flying_.begin(), flying_.end());
      flying_.pop_back();
      for (const auto& station : stations_) {
        if (station.get() != frame.from) hear(*station, slots_[frame.slot]);
      }
      free_slots_.push_back(frame.slot);
    }
    for (const auto& station : stations_) {
      station->batch_.reserve(station->pool_);
      if (station->deadline() <= now_) station->on_time(now_);
    }
  }
  // A switch: unicast frames only to the station that has the address.
  void hear(Station& station, Bytes frame) {
    const auto view = wire::EthernetView::parse(frame);
    if (view && !view->dst().is_group() && !station.hosts_.by_mac(view->dst(), view->vlan())) return;
    station.batch_.reserve(station.pool_);
    station.on_frame(frame, now_);
    flush();
  }
  void flush() {
    for (const auto& station : stations_) {
      if (station->batch_.committed_count() == 0) continue;
      for (const TxFrame& frame : station->batch_.committed()) {
        carry(station.get(), station->batch_.bytes(frame));
        station->pool_.give(frame.frame);
      }
      station->batch_.consume(station->batch_.committed_count());
      station->batch_.reserve(station->pool_);
    }
  }
  void carry(Station* from, Bytes frame) {
    ++carried_;
    digest(frame);
    const Instant sent = put_on_wire(from, frame.size());
    if (filter && !filter(frame, now_)) return;
    if (rng_.unit() < wire_.loss) return;
    const int copies = rng_.unit() < wire_.duplicate ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      const std::uint32_t slot = take_slot();
      std::vector<std::uint8_t>& bytes = slots_[slot];
      bytes.assign(frame.begin(), frame.end());
      if (rng_.unit() < wire_.corrupt) flip_a_bit(bytes);
      if (rng_.unit() < wire_.cut) bytes.resize(rng_.below(bytes.size()));
      Duration delay = wire_.delay;
      if (wire_.jitter > Duration::zero())
        delay += Duration{static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>(wire_.jitter.count())))};
      if (wire_.reorder > 0 && rng_.unit() < wire_.reorder) delay += wire_.reorder_by;
      flying_.push_back({sent + delay, order_++, from, slot});
      std::push_heap(flying_.begin(), flying_.end());
    }
  }
  // Behind the Ethernet header, and not of ARP: only the frame check sequence protects those, and there is none here.
  void flip_a_bit(MutableBytes frame) {
    const std::uint64_t bits = (frame.size() - wire::kEthernetHeaderBytes) * 8;
    const std::uint64_t bit = wire::kEthernetHeaderBytes * 8 + rng_.below(bits);
    if (load_be16(frame.data() + 12) == wire::kEtherTypeArp) return;
    frame[bit / 8] = static_cast<std::uint8_t>(frame[bit / 8] ^ (1U << (bit % 8)));
  }
  // When the last bit of a frame that is sent now has left.
  Instant put_on_wire(Station* from, std::size_t bytes) const {
    if (wire_.bits_per_second == 0 || from == nullptr) return now_;
    const std::uint64_t took_ns = bytes * 8 * 1'000'000'000 / wire_.bits_per_second;
    from->wire_free_at_ = std::max(now_, from->wire_free_at_) + Duration{static_cast<std::int64_t>(took_ns)};
    return from->wire_free_at_;
  }
  std::uint32_t take_slot() {
    if (free_slots_.empty()) {
      slots_.emplace_back();
      return static_cast<std::uint32_t>(slots_.size() - 1);
    }
    const std::uint32_t slot = free_slots_.back();
    free_slots_.pop_back();
    return slot;
  }
  // Word by word: this is done for every frame of a simulation.
  void digest(Bytes frame) {
    digest_ = mix64(digest_ ^ static_cast<std::uint64_t>(now_.ns) ^ frame.size() << 48);
    std::size_t at = 0;
    for (; at + 8 <= frame.size(); at += 8) {
      digest_ = (std::rotl(digest_, 29) ^ load_be64(frame.data() + at)) * 0x9e3779b97f4a7c15ULL;
    }
    for (; at < frame.size(); ++at) digest_ = (digest_ ^ frame[at]) * 0x100000001b3ULL;
  }

  WireOptions wire_;
  Rng rng_;
  Instant now_{1'000'000'000};
  std::vector<std::unique_ptr<Station>> stations_;
  std::vector<Flying> flying_;
  std::vector<std::vector<std::uint8_t>> slots_;  // bytes of frames on their way; reused
  std::vector<std::uint32_t> free_slots_;
  std::uint64_t order_ = 0;
  std::uint64_t carried_ = 0;
  std::uint64_t digest_ = 0;
};

}  // namespace myriad::sim
