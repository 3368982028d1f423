// A simulated network: stacks on one broadcast domain, a seeded wire between them that delays, loses, duplicates,
// reorders and corrupts, and a virtual clock that jumps from event to event. The same seed gives the same run, bit for
// bit.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/frame.h"
#include "base/rng.h"
#include "stack/stack.h"
#include "stack/wire/ethernet.h"

namespace myriad::sim {

struct WireOptions {
  Duration delay = std::chrono::microseconds{100};
  Duration jitter{};  // added, uniform: reorders
  double loss = 0;
  double duplicate = 0;
  double corrupt = 0;  // one bit flipped
  double cut = 0;      // the frame ends early
};

class Network;

// One port with its hosts, their stack, and a batch to write to.
class Station {
 public:
  Station(std::vector<stack::HostGroup> groups, const stack::StackOptions& options)
      : memory_(std::size_t{kFrames} * kChunk),
        area_{memory_.data(), kChunk, kFrames, 1},
        pool_(area_, 0),
        batch_(area_, 256),
        hosts_(std::move(groups)),
        stack_(hosts_, options) {}

  [[nodiscard]] stack::Stack& stack() { return stack_; }
  [[nodiscard]] const stack::HostTable& hosts() const { return hosts_; }
  [[nodiscard]] TxBatch& batch() { return batch_; }
  // Frames lost by this station itself; zero unless something leaks.
  [[nodiscard]] std::uint32_t frames_missing() const { return kFrames - pool_.size() - batch_.held(); }

  // Type-erased here: in the simulation only, so that stations with different applications share a wire.
  std::function<void(Bytes, Instant)> on_frame;
  std::function<void(Instant)> on_time;
  std::function<Instant()> deadline = [this] { return stack_.next_deadline(); };

  template <class App>
  void attach(App& app) {
    on_frame = [this, &app](Bytes frame, Instant now) { stack_.on_frame(frame, now, app, batch_); };
    on_time = [this, &app](Instant now) {
      stack_.on_timers(now, app);
      stack_.transmit(now, app, batch_);
    };
  }

 private:
  friend class Network;
  static constexpr std::uint32_t kFrames = 512;
  static constexpr std::uint32_t kChunk = 2048;

  std::vector<std::uint8_t> memory_;
  FrameArea area_;
  FramePool pool_;
  TxBatch batch_;
  stack::HostTable hosts_;
  stack::Stack stack_;
};

class Network {
 public:
  Network(std::uint64_t seed, const WireOptions& wire) : wire_(wire), rng_(seed) {}

  Station& add(std::vector<stack::HostGroup> groups, stack::StackOptions options = {}) {
    stations_.push_back(std::make_unique<Station>(std::move(groups), options));
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
      flush();
      Instant next = in_flight_.empty() ? Instant::never() : in_flight_.begin()->first.first;
      for (const auto& station : stations_) next = std::min(next, station->deadline());
      if (next.is_never()) return true;
      if (next > end) {
        now_ = end;
        return false;
      }
      now_ = std::max(now_, next);
      step();
    }
  }
  // As run(), but stops when `done()` says so.
  bool run_until(const std::function<bool()>& done, Duration at_most) {
    const Instant end = now_ + at_most;
    while (!done()) {
      flush();
      Instant next = in_flight_.empty() ? Instant::never() : in_flight_.begin()->first.first;
      for (const auto& station : stations_) next = std::min(next, station->deadline());
      if (next.is_never() || next > end) return done();
      now_ = std::max(now_, next);
      step();
    }
    return true;
  }
  // Puts a frame on the wire as if a stranger had sent it, heard by every station.
  void inject(Bytes frame) { carry(nullptr, frame); }

 private:
  void step() {
    while (!in_flight_.empty() && in_flight_.begin()->first.first <= now_) {
      auto node = in_flight_.extract(in_flight_.begin());
      auto& [from, bytes] = node.mapped();
      for (const auto& station : stations_) {
        if (station.get() != from) hear(*station, bytes);
      }
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
      for (const TxFrame& frame : station->batch_.committed()) {
        carry(station.get(), station->batch_.bytes(frame));
        station->pool_.give(frame.frame);
      }
      station->batch_.consume(station->batch_.committed_count());
      station->batch_.reserve(station->pool_);
    }
  }
  void carry(const Station* from, Bytes frame) {
    ++carried_;
    digest_ = mix64(digest_ ^ static_cast<std::uint64_t>(now_.ns));
    for (const std::uint8_t byte : frame) digest_ = (digest_ ^ byte) * 0x100000001b3ULL;
    if (filter && !filter(frame, now_)) return;
    if (rng_.unit() < wire_.loss) return;
    const int copies = rng_.unit() < wire_.duplicate ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      std::vector<std::uint8_t> bytes(frame.begin(), frame.end());
      if (rng_.unit() < wire_.corrupt) {
        const std::uint64_t bit = rng_.below(bytes.size() * 8);
        bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ (1U << (bit % 8)));
      }
      if (rng_.unit() < wire_.cut) bytes.resize(rng_.below(bytes.size()));
      Duration delay = wire_.delay;
      if (wire_.jitter > Duration::zero())
        delay += Duration{static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>(wire_.jitter.count())))};
      in_flight_.emplace(std::pair{now_ + delay, order_++}, std::pair{from, std::move(bytes)});
    }
  }

  WireOptions wire_;
  Rng rng_;
  Instant now_{1'000'000'000};
  std::vector<std::unique_ptr<Station>> stations_;
  std::map<std::pair<Instant, std::uint64_t>, std::pair<const Station*, std::vector<std::uint8_t>>> in_flight_;
  std::uint64_t order_ = 0;
  std::uint64_t carried_ = 0;
  std::uint64_t digest_ = 0;
};

}  // namespace myriad::sim
