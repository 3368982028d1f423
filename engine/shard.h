// A shard turns a crank. At each turn frames come in by the front door, hosts answer on the spot, due timers speak,
// sources say what is due, and one batch leaves by the back door.
//
// One shard is one thread. It owns its stack, its sessions, its batch and the frames at home with it; it shares nothing
// but the mailboxes, where frames change hands. Compiled for the port that carries the frames: nothing here is virtual.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/frame.h"
#include "base/time.h"
#include "engine/frame_port.h"
#include "engine/mailbox.h"
#include "engine/switchboard.h"
#include "engine/tap.h"
#include "engine/traffic.h"
#include "stack/stack.h"

namespace myriad::engine {

// What is due of itself: sessions of workloads, and what a session owes at a certain time. Also the stack's
// application.
template <class S>
concept Source = stack::Application<S> && requires(S source, const S& const_source, Instant now, TxBatch& out) {
  { source.on_time(now, out) } -> std::same_as<void>;    // timeouts, holds, intervals
  { source.start_due(now, out) } -> std::same_as<void>;  // new sessions
  { const_source.next_deadline() } -> std::same_as<Instant>;
};

struct InsideCounters {
  std::uint64_t frames = 0;   // delivered to one of our own hosts without touching the wire
  std::uint64_t dropped = 0;  // copies of questions for which there was no free frame
};

template <FramePort Port, Source Sessions>
class Shard {
 public:
  static constexpr std::uint32_t kBatchFrames = 256;
  static constexpr std::uint32_t kReceiveFrames = 64;

  // `number` of `mailboxes.shards()`. Everything passed by reference outlives the shard; `tap` may be nullptr.
  Shard(std::uint32_t number, const FrameArea& area, Port& port, Mailboxes& mail, stack::Stack& stack,
        Sessions& sessions, Traffic& traffic, TxBatch& batch, Tap* tap)
      : number_(number),
        area_(area),
        port_(port),
        mail_(mail),
        stack_(stack),
        sessions_(sessions),
        traffic_(traffic),
        batch_(batch),
        tap_(tap),
        pool_(area, number) {}

  // Before the first turn: the port gets frames to receive into. Nothing is sent and nothing begins.
  void prime() {
    port_.refill(pool_);
    port_.kick();
  }

  // One turn of the crank. `clock()` is read once. True when anything came in, went out or waits to.
  template <class Clock>
  bool turn(Clock&& clock) {
    const std::uint32_t mail = take_mail();                    // 0 returns
    port_.reap([this](FrameIndex frame) { go_home(frame); });  // 1 reap
    port_.refill(pool_);
    if (outgoing_.size() < kBatchFrames) batch_.reserve(pool_);  // 2 reserve
    now_ = clock();                                              // 3 now
    const std::uint32_t received = receive();                    // 4 receive
    stack_.on_timers(now_, sessions_);                           // 5 timers
    sessions_.on_time(now_, batch_);                             // 6 sources
    sessions_.start_due(now_, batch_);
    stack_.transmit(now_, sessions_, batch_);
    const bool idle_wire = outgoing_.empty();  // answers never wait for flows
    if (idle_wire) traffic_.emit(now_, batch_, kReceiveFrames);
    may_stay_inside_ = batch_.committed_count();
    if (idle_wire) traffic_.replay(now_, batch_, kReceiveFrames);
    const std::uint32_t sent = submit();  // 7 submit
    port_.kick();                         // 8 hand back: done by go_home()
    // What a link that is down cannot take is waited for asleep.
    const bool sending = !outgoing_.empty() && port_.state() == PortState::kUp;
    return mail + received + sent > 0 || sending || !inside_.empty();
  }

  // Sleeps until a frame or mail arrives, something is due, or `at_most` is over.
  void sleep(Duration at_most) {
    const Instant due = std::min({stack_.next_deadline(), sessions_.next_deadline(), traffic_.next_deadline()});
    if (!due.is_never()) at_most = std::min(at_most, due - now_);
    if (at_most <= Duration::zero()) return;
    mail_.set_sleeping(number_, true);
    if (!mail_.has_mail(number_)) port_.wait(at_most);
    mail_.set_sleeping(number_, false);
  }

  // Who is to be woken when a shard has mail for it: set once, before the threads start.
  void set_neighbours(std::vector<Port*> ports) { ports_ = std::move(ports); }

  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] const InsideCounters& inside() const { return inside_counters_; }
  // Frames at home with this shard or in its hands; with those in the port and in the mail they are all there are.
  [[nodiscard]] std::uint32_t frames_held() const {
    return pool_.size() + batch_.held() + static_cast<std::uint32_t>(outgoing_.size() + inside_.size());
  }
  // After the last turn, from one thread for all shards: what the kernel has completed since goes home, and it is given
  // and told to send what is left. True: it had completed something.
  bool take_back() {
    const std::uint32_t completed = port_.reap([this](FrameIndex frame) { go_home(frame); });
    outgoing_.erase(outgoing_.begin(), outgoing_.begin() + port_.submit(outgoing_));
    port_.kick();
    return completed != 0;
  }
  // Something is still to be given to the kernel.
  [[nodiscard]] bool has_outgoing() const { return !outgoing_.empty(); }
  // After the last turn: everything that was not sent goes home. Returns how much the wire has not got.
  std::uint32_t put_away() {
    const auto unsent = static_cast<std::uint32_t>(outgoing_.size());
    for (const TxFrame& frame : outgoing_) go_home(frame.frame);
    for (const TxFrame& frame : inside_) go_home(frame.frame);
    outgoing_.clear();
    inside_.clear();
    batch_.release(pool_);
    return unsent;
  }
  // After the last turn of all: takes home what other shards have given back, and sends home what they had handed over
  // to be heard here; once more for all shards and every frame is at home.
  void collect() {
    mail_.receive(number_, [this](TxFrame message) { go_home(message.frame); });
  }

 private:
  std::uint32_t take_mail() {
    if (mail_.shards() == 1) return 0;
    return mail_.receive(number_, [this](TxFrame message) {
      if (message.length == 0) {
        written_into(message.frame);
      } else {
        inside_.push_back(message);
      }
    });
  }

  // Whoever is done with a frame gives it to the shard it was cut for.
  void go_home(FrameIndex frame) {
    const std::uint32_t home = area_.home(frame);
    if (home == number_) {
      pool_.give(frame);
    } else {
      post(home, {frame, 0});
    }
  }
  // The same for one that holds other bytes than this shard has sent with it.
  void written_into(FrameIndex frame) {
    if (area_.home(frame) == number_) batch_.forget(frame);
    go_home(frame);
  }
  void post(std::uint32_t to, TxFrame message) {
    mail_.send(number_, to, message);
    if (mail_.is_sleeping(to)) ports_[to]->interrupt();
  }

  std::uint32_t receive() {
    std::uint32_t budget = std::min(kReceiveFrames, batch_.room());
    // What was delivered inside came first.
    // The wire keeps a part of the turn, however much is said inside.
    const std::uint32_t part = wire_waits_ ? (budget + 1) / 2 : budget - budget / 8;
    const std::uint32_t from_inside = std::min(part, static_cast<std::uint32_t>(inside_.size()));
    for (std::uint32_t i = 0; i < from_inside; ++i) {
      const TxFrame frame = inside_[i];
      hear(area_.chunk(frame.frame).first(frame.length), --budget);
      go_home(frame.frame);
    }
    inside_.erase(inside_.begin(), inside_.begin() + from_inside);

    const std::uint32_t from_wire = port_.receive(std::span{received_}.first(budget));
    wire_waits_ = budget > 0 && from_wire == budget;
    for (std::uint32_t i = 0; i < from_wire; ++i) {
      if (i + 1 < from_wire) __builtin_prefetch(received_[i + 1].bytes.data());
      hear(received_[i].bytes, from_wire - i - 1);
      written_into(received_[i].frame);
    }
    return from_inside + from_wire;
  }
  void hear(Bytes frame, std::uint32_t still_to_come) {
    if (tap_ != nullptr) tap_->record(frame, now_, TapDirection::kIn);
    if (!traffic_.hear(frame, now_)) stack_.on_frame(frame, now_, sessions_, batch_, still_to_come);
  }

  // Sorts what the batch holds: to the wire, or inside. Returns how many frames moved.
  std::uint32_t submit() {
    const std::uint32_t written = batch_.committed_count();
    for (std::uint32_t i = 0; i < written; ++i) {
      if (i < may_stay_inside_) {
        dispatch(batch_.committed()[i]);
      } else {
        to_wire(batch_.committed()[i]);
      }
    }
    batch_.consume(written);
    const std::uint32_t taken = port_.submit(outgoing_);
    outgoing_.erase(outgoing_.begin(), outgoing_.begin() + taken);
    return written + taken;
  }
  void to_wire(const TxFrame& frame) {
    if (tap_ != nullptr) tap_->record(batch_.bytes(frame), now_, TapDirection::kOut);
    outgoing_.push_back(frame);
  }
  void dispatch(const TxFrame& frame) {
    const Bytes bytes = batch_.bytes(frame);
    if (tap_ != nullptr) tap_->record(bytes, now_, TapDirection::kOut);
    const Delivery delivery = deliver(stack_.hosts(), bytes);
    if (delivery.wire) outgoing_.push_back(frame);
    if (!delivery.inside) return;
    TxFrame copy = frame;
    if (delivery.wire) {
      const auto spare = pool_.take();
      if (!spare) {
        ++inside_counters_.dropped;
        return;
      }
      copy.frame = *spare;
      batch_.forget(*spare);
      std::copy(bytes.begin(), bytes.end(), area_.chunk(*spare).begin());
    }
    ++inside_counters_.frames;
    const std::uint32_t to = static_cast<std::uint32_t>(*delivery.inside) % mail_.shards();
    if (to == number_) {
      inside_.push_back(copy);
    } else {
      post(to, copy);
    }
  }

  std::uint32_t number_;
  FrameArea area_;
  Port& port_;
  Mailboxes& mail_;
  stack::Stack& stack_;
  Sessions& sessions_;
  Traffic& traffic_;
  TxBatch& batch_;
  Tap* tap_;
  FramePool pool_;
  Instant now_;
  std::vector<TxFrame> outgoing_;  // on their way to the TX ring
  std::vector<TxFrame> inside_;    // on their way to one of our own hosts
  std::array<RxFrame, kReceiveFrames> received_;
  bool wire_waits_ = false;  // the last turn may have left frames on the wire
  std::vector<Port*> ports_;
  InsideCounters inside_counters_;
  std::uint32_t may_stay_inside_ = 0;  // so many of the batch may be for hosts of ours
};

}  // namespace myriad::engine
