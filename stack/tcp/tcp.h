// TCP of all hosts of a shard: finds the connection of a segment, listens, opens, keeps time, and sends.
//
// Events for the application are appended to the stack's list; bytes to send are asked of it directly (transmit()).
#pragma once

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <optional>
#include <tl/expected.hpp>
#include <vector>

#include "base/frame.h"
#include "stack/egress.h"
#include "stack/events.h"
#include "stack/host_table.h"
#include "stack/neigh/cache.h"
#include "stack/tcp/table.h"
#include "stack/timer_wheel.h"

namespace myriad::tcp {

using stack::Cookie;
using stack::Event;
using stack::EventKind;
using stack::GroupIndex;
using stack::Host;

using Tally = std::uint16_t;

class Tcp {
 public:
  // `secret` keys initial sequence numbers and ports. Everything passed by reference outlives this.
  Tcp(const stack::HostTable& hosts, const Limits& limits, std::uint64_t secret, stack::NeighbourCache& neighbours,
      stack::TimerWheel& wheel, std::uint8_t timer_kind, std::vector<Event>& events, stack::DropCounters& drops);

  void listen(GroupIndex group, Port port, Cookie cookie, Tally tally);
  tl::expected<ConnectionId, FailReason> connect(const Host& from, const IpAddress& to, Port port, Cookie cookie,
                                                 Tally tally, Instant now);
  // For connections of that workload, in place of what their host groups say.
  void override_congestion(Tally tally, std::optional<Congestion> congestion,
                           std::optional<std::uint8_t> initial_window) {
    make_room_for(tally);
    workloads_[tally].congestion = congestion;
    workloads_[tally].initial_window = initial_window;
    last_around_.reset();
  }
  // The connection's data and orders; the segments go out with the next transmit().
  void extend(ConnectionId id, std::uint64_t bytes);
  void finish(ConnectionId id);
  void abort(ConnectionId id);
  void hold_receive(ConnectionId id, std::uint32_t unread_bytes);
  void set_nodelay(ConnectionId id, bool on);
  // Also for events of that connection that wait behind the one which is being told.
  void set_cookie(ConnectionId id, Cookie cookie);
  [[nodiscard]] const Connection& connection(ConnectionId id) { return table_[id]; }

  // A segment for `host`. Answers that belong to no connection (RST) are written to `out` at once. Returns the
  // connection that may have something to send now.
  ConnectionId on_segment(const Host& host, const MacAddress& from, const wire::IpView& ip, Instant now,
                          bool accept_pending, TxBatch& out);
  void on_timer(ConnectionId id, Instant now);
  void on_neighbour(const stack::NeighbourWaiter& waiter, const std::optional<MacAddress>& mac, Instant now);
  // An ICMP error that quotes one of our segments: `quoted` is its first eight bytes or more.
  void on_unreachable(const Host& host, const IpAddress& remote, Bytes quoted, bool hard, Instant now);
  void on_path_mtu(const Host& host, const IpAddress& remote, Bytes quoted, std::uint32_t mtu, Instant now);

  // Sends what connections have to say, in turn, as long as the batch has room.
  template <class App>
  void transmit(App& app, Instant now, TxBatch& out) {
    while (!table_.queue_empty() && out.room() > 0) transmit_one(app, table_.dequeue(), now, out, 0);
  }
  // The same for one connection that has just heard something, so that it answers before the next frame is looked at;
  // leaves `keep` frames of room. It was announced by answer_next() before the application heard of anything: whatever
  // the application says on it meanwhile needs no turn of its own.
  void answer_next(ConnectionId id) { answering_ = id; }
  template <class App>
  void transmit_for(App& app, ConnectionId id, Instant now, TxBatch& out, std::uint32_t keep) {
    assert(id == answering_);
    answering_ = stack::kNoConnection;
    if (id == stack::kNoConnection || table_[id].state() == State::kFree) return;
    assert(table_[id].host == heard_host_.id && "it is the segment just heard that is answered");
    transmit_one(app, id, now, out, keep, &heard_host_, &heard_address_);
  }
  [[nodiscard]] bool has_output() const { return !table_.queue_empty(); }

  [[nodiscard]] const Counters& counters(Tally tally) {
    make_room_for(tally);
    return workloads_[tally].counters;
  }
  [[nodiscard]] std::uint32_t connections() const { return table_.size(); }
  [[nodiscard]] std::uint32_t in_time_wait() const { return time_wait_count_; }
  [[nodiscard]] ReassemblyPool& pool() { return pool_; }

 private:
  static constexpr int kBurst = 32;  // segments of one connection before the next one has its turn

  // What connections of one workload or service have in common.
  struct Workload {
    Counters counters;
    std::optional<Congestion> congestion;  // in place of the host group's
    std::optional<std::uint8_t> initial_window;
  };
  struct Listener {
    GroupIndex group;
    Port port;
    Cookie cookie;
    Tally tally;
    [[nodiscard]] std::uint32_t key() const { return (std::uint32_t{group} << 16) | port.number; }
  };

  template <class App>
  void transmit_one(App& app, ConnectionId id, Instant now, TxBatch& out, std::uint32_t keep,
                    const Host* known_host = nullptr, const IpAddress* known_address = nullptr) {
    Connection& c = table_[id];
    if (c.next_hop.is_zero() && c.state() != State::kFree && !find_path(id, now)) return;  // told later
    if (out.room() <= keep) return table_.enqueue(id);                                     // its turn comes
    const Connection::Surroundings surroundings = around(c);
    Segment segment;
    if (!c.is_silent(surroundings) && c.next(surroundings, now, segment)) {
      const Host host = known_host != nullptr ? *known_host : hosts_.at(c.host);
      const IpAddress local = known_address != nullptr ? *known_address : *hosts_.address(host, c.remote.is_v6());
      int sent = 0;
      bool more = true;
      while (more) {
        stack::Packet packet = open_packet(c, host, local, segment, out);
        const MutableBytes bytes = packet.payload();
        std::uint64_t sum = wire::pseudo_header_sum(local, c.remote, wire::kProtocolTcp, bytes.size());
        if (segment.length > 0) {
          sum += stack::read_summed(app, c.cookie, segment.offset, bytes.last(segment.length));
        }
        wire::finish_transport_checksum(sum, wire::kProtocolTcp, bytes.first(bytes.size() - segment.length));
        packet.send();
        if (++sent == kBurst || out.room() <= keep) {  // the rest when its turn comes
          if (c.has_more(surroundings)) table_.enqueue(id);
          break;
        }
        more = !c.is_silent(surroundings) && c.next(surroundings, now, segment);
      }
    }
    watch(id, surroundings, now);
  }

  // After a connection has said everything: its timer, or the end.
  void watch(ConnectionId id, const Connection::Surroundings& surroundings, Instant now) {
    Connection& c = table_[id];
    if (c.state() == State::kFree) return end(id);
    // A timer that would fire too early is left alone: it looks at the deadline when it fires. Most never do.
    const bool armed = c.timer_node != stack::TimerId{}.node;
    if (armed ? c.is_due_before(wheel_.due_tick(c.timer_node)) : c.has_deadline()) {
      set_timer(id, now);
    }
    c.rest(surroundings);
  }

  // Made anew only when it differs from that of the connection before, which is rare. Valid until the next call.
  [[nodiscard]] const Connection::Surroundings& around(const Connection& c) {
    const bool v4 = c.remote.is_v4();
    if (!last_around_ || last_around_->group != c.group || last_around_->tally != c.tally || last_around_->v4 != v4) {
      make_around(c.group, c.tally, v4);
    }
    return last_around_->surroundings;
  }
  void make_around(GroupIndex of_group, Tally tally, bool v4) {
    const stack::HostGroup& group = hosts_.group(of_group);
    const Personality& personality = group.tcp;
    Workload& workload = workloads_[tally];
    last_around_.emplace(Around{of_group,
                                tally,
                                v4,
                                {personality, workload.congestion.value_or(personality.congestion),
                                 workload.initial_window.value_or(personality.initial_window), link_mss(group, v4),
                                 secret_, pool_, busy_, workload.counters, drops_}});
  }
  static std::uint16_t link_mss(const stack::HostGroup& group, bool v4) {
    const auto link = static_cast<std::uint16_t>(group.mtu - (v4 ? 40 : 60));
    return group.tcp.mss == 0 ? link : std::clamp(group.tcp.mss, kLowestMss, std::max(link, kLowestMss));
  }
  void make_room_for(Tally tally) {
    if (tally < workloads_.size()) return;
    workloads_.resize(tally + 1U);
    last_around_.reset();  // it points at one of them
  }
  [[nodiscard]] const Listener* listener_on(GroupIndex group, Port port) const;
  // The same, or else the one on every port.
  [[nodiscard]] const Listener* listener(GroupIndex group, Port port) const {
    const Listener* const own = listener_on(group, port);
    return own != nullptr ? own : listener_on(group, stack::kEveryPort);
  }
  [[nodiscard]] std::optional<Port> free_port(const Host& host, const IpAddress& to, Port port);
  [[nodiscard]] SeqNum initial_sequence(const ConnectionTable::Key& key, Instant now) const;  // RFC 6528

  // A segment for which there is no connection: opens one, or answers with a reset.
  ConnectionId on_stray(const Host& host, const MacAddress& from, const wire::IpView& ip, const wire::TcpView& segment,
                        const ConnectionTable::Key& key, Instant now, TxBatch& out);
  void reset_reply(const Host& host, const MacAddress& to, const wire::IpView& ip, const wire::TcpView& segment,
                   TxBatch& out);
  void suspect_next_hop(Connection& c, Instant now);
  // False when the next hop is still being asked for: the connection is told later.
  bool find_path(ConnectionId id, Instant now);
  stack::Packet open_packet(const Connection& c, const Host& host, const IpAddress& local, Segment& segment,
                            TxBatch& out);
  bool apply(ConnectionId id, Outcome& outcome, Instant now);
  // Its turn comes, unless it is about to answer anyway.
  void ask_for_turn(ConnectionId id) {
    if (id != answering_) table_.enqueue(id);
  }
  void settle(ConnectionId id, Instant now);  // after anything: timer, queue, or the end
  void set_timer(ConnectionId id, Instant now);
  void end(ConnectionId id);
  void push(EventKind kind, const Connection& c, ConnectionId id, Bytes data = {},
            FailReason reason = FailReason::kNone);
  void begin_time_wait(ConnectionId id);

  const stack::HostTable& hosts_;
  Limits limits_;
  std::uint64_t secret_;
  stack::NeighbourCache& neighbours_;
  stack::TimerWheel& wheel_;
  std::uint8_t timer_kind_;
  std::vector<Event>& events_;
  stack::DropCounters& drops_;
  ConnectionTable table_;
  ReassemblyPool pool_;
  BusyPool busy_;
  std::vector<Workload> workloads_;  // by tally
  // What connections of one workload and group have around them.
  struct Around {
    GroupIndex group;
    Tally tally;
    bool v4;
    Connection::Surroundings surroundings;
  };
  std::optional<Around> last_around_;
  std::vector<Listener> listeners_;  // sorted by key
  std::vector<std::uint16_t> port_hints_;
  std::uint32_t half_open_ = 0;
  // Of the segment that came last: its answer needs them again.
  Host heard_host_;
  IpAddress heard_address_;
  ConnectionId answering_ = stack::kNoConnection;  // its answer is written once the application has heard everything

  // Those in TIME-WAIT, oldest first, so that the oldest can end early when there are too many.
  struct TimeWaiter {
    ConnectionId id;
    std::uint32_t generation;
  };
  std::vector<TimeWaiter> time_wait_;
  std::size_t time_wait_head_ = 0;
  std::uint32_t time_wait_count_ = 0;
};

}  // namespace myriad::tcp
