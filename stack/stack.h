// The stack of all hosts of one shard. Pure: frames, time and a batch come in; frames and events come out. It makes no
// system call, reads no clock, knows no device and no application.
//
//   on_frame()   a frame has arrived: answers go to the batch, the application hears what concerns it
//   on_timers()  due timers speak
//   transmit()   everything that wants to be sent is written, as far as the batch has room
//
// Everything a frame may hold is hostile: what cannot be used is counted in drops() with its reason, and that is all.
#pragma once

#include <cstdint>
#include <tl/expected.hpp>
#include <vector>

#include "base/frame.h"
#include "base/rng.h"
#include "base/time.h"
#include "stack/counters.h"
#include "stack/events.h"
#include "stack/fragments.h"
#include "stack/host_table.h"
#include "stack/icmp.h"
#include "stack/neigh/cache.h"
#include "stack/neigh/neighbourhood.h"
#include "stack/tcp/tcp.h"
#include "stack/timer_wheel.h"
#include "stack/udp.h"

namespace myriad::stack {

using tcp::Tally;

struct StackOptions {
  tcp::Limits tcp;
  NeighbourOptions neighbours;
  std::uint64_t seed = 1;   // of initial sequence numbers and ports
  std::uint32_t shard = 0;  // this stack speaks for the hosts whose id is `shard` modulo `shards`
  std::uint32_t shards = 1;
  // The port may hand over frames whose TCP and UDP checksum the sender has left to a device that never was (veth).
  bool accept_pending_checksums = true;
};

class Stack {
 public:
  // `hosts` outlives the stack.
  Stack(const HostTable& hosts, const StackOptions& options);
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  // `keep` frames of the batch's room are left for answers to frames that are still to come.
  template <Application App>
  void on_frame(Bytes frame, Instant now, App& app, TxBatch& out, std::uint32_t keep = 0) {
    const ConnectionId spoke = input(frame, now, out);
    tcp_.answer_next(spoke);
    dispatch(app, now);
    tcp_.transmit_for(app, spoke, now, out, keep);
  }
  template <Application App>
  void on_timers(Instant now, App& app) {
    fire_timers(now);
    tell_waiters(now);
    dispatch(app, now);
  }
  template <Application App>
  void transmit(Instant now, App& app, TxBatch& out) {
    neighbourhood_.transmit(now, out);
    tcp_.transmit(app, now, out);
    if (neighbours_.has_answer()) on_timers(now, app);
  }
  // When a timer is due at the latest, if no frame comes before; long past when something waits to be sent.
  [[nodiscard]] Instant next_deadline() const {
    return has_output() ? Instant{} : std::min(wheel_.next_deadline(), fragments_.next_deadline());
  }
  [[nodiscard]] bool has_output() const {
    return tcp_.has_output() || neighbourhood_.has_output() || neighbours_.has_answer();
  }

  // TCP ---------------------------------------------------------------------------------------------------------------
  void listen_tcp(GroupIndex group, Port port, Cookie cookie, Tally tally) { tcp_.listen(group, port, cookie, tally); }
  // What can be known at once fails at once: no address of that family, no route, no free port, table full.
  tl::expected<ConnectionId, FailReason> connect(HostId from, const IpAddress& to, Port port, Cookie cookie,
                                                 Tally tally, Instant now) {
    return tcp_.connect(hosts_.at(from), to, port, cookie, tally, now);
  }
  // For connections of that workload or service, in place of what the personalities of their hosts say.
  void override_congestion(Tally tally, std::optional<tcp::Congestion> congestion,
                           std::optional<std::uint8_t> initial_window) {
    tcp_.override_congestion(tally, congestion, initial_window);
  }
  void set_cookie(ConnectionId id, Cookie cookie) { tcp_.set_cookie(id, cookie); }
  // The stream this side sends is now `bytes` longer; the application's read() supplies them.
  void extend(ConnectionId id, std::uint64_t bytes) { tcp_.extend(id, bytes); }
  // FIN after everything announced by extend().
  void finish(ConnectionId id) { tcp_.finish(id); }
  // A reset goes out; the id is gone at once and no further event comes.
  void abort(ConnectionId id) { tcp_.abort(id); }
  // The advertised window is smaller by `unread_bytes`, until told otherwise.
  void hold_receive(ConnectionId id, std::uint32_t unread_bytes) { tcp_.hold_receive(id, unread_bytes); }
  // TCP_NODELAY: the Nagle algorithm is off for this connection, whatever the personality of its host.
  void set_nodelay(ConnectionId id, bool on) { tcp_.set_nodelay(id, on); }
  [[nodiscard]] HostId host_of(ConnectionId id) { return tcp_.connection(id).host; }
  // Also of a connection that has ended, as long as nothing else has taken its place: for tests and for reports.
  [[nodiscard]] tcp::State state_of(ConnectionId id) { return tcp_.connection(id).state(); }
  // Bytes of the stream this side sends that the peer has acknowledged; read() is not asked for those again.
  [[nodiscard]] std::uint64_t acknowledged(ConnectionId id) { return tcp_.connection(id).acknowledged(); }
  // An ICMP error has said that the peer cannot be reached. The connection goes on, since it may be a passing one.
  [[nodiscard]] bool unreachable_seen(ConnectionId id) { return tcp_.connection(id).unreachable_seen(); }
  [[nodiscard]] const tcp::Counters& tcp_counters(Tally tally) { return tcp_.counters(tally); }
  [[nodiscard]] std::uint32_t connections() const { return tcp_.connections(); }
  [[nodiscard]] std::uint32_t connections_in_time_wait() const { return tcp_.in_time_wait(); }
  [[nodiscard]] std::uint32_t reassembly_blocks_in_use() { return tcp_.pool().in_use(); }
  [[nodiscard]] std::size_t timers_armed() const { return wheel_.armed(); }

  // Where frames of that host to `destination` go. nullopt while the next hop is being asked for, or when there is
  // none.
  std::optional<MacAddress> next_hop(HostId from, const IpAddress& destination, Instant now) {
    const Host host = hosts_.at(from);
    const auto hop = hosts_.next_hop(host, destination);
    return hop ? neighbours_.look_up(host, *hop, now) : std::nullopt;
  }

  // UDP ---------------------------------------------------------------------------------------------------------------
  // `refuses`: what comes is told, and answered by port unreachable.
  void listen_udp(GroupIndex group, Port port, Cookie cookie, bool refuses = false) {
    udp_.listen(group, port, cookie, refuses);
  }
  // False when the batch has no room, or the next hop is not known (it is being asked for).
  bool send_datagram(HostId from, const IpAddress& to, Port from_port, Port to_port, Bytes data, Instant now,
                     TxBatch& out) {
    return udp_.send(hosts_.at(from), to, from_port, to_port, data, now, out);
  }

  // A conversation of a host with exactly one remote address and port, from a port that `luck` draws. What can be known
  // at once fails at once, as with connect().
  tl::expected<ConversationId, FailReason> open_datagrams(HostId from, const IpAddress& to, Port port, Cookie cookie,
                                                          std::uint64_t luck) {
    return udp_.open(hosts_.at(from), to, port, cookie, luck);
  }
  DatagramStatus say(ConversationId id, Bytes data, Instant now, TxBatch& out) { return udp_.say(id, data, now, out); }
  // No further event of it comes.
  void close(ConversationId id);
  // An ICMP error has said that the peer cannot be reached, perhaps for a while only.
  [[nodiscard]] bool unreachable_seen(ConversationId id) const { return conversations_[id].unreachable_seen; }
  [[nodiscard]] std::uint32_t conversations() const { return conversations_.size(); }

  // ICMP echo ---------------------------------------------------------------------------------------------------------
  EchoStatus send_echo(HostId from, const IpAddress& to, std::uint16_t id, std::uint16_t sequence,
                       std::size_t data_bytes, Cookie cookie, Instant now, TxBatch& out) {
    return icmp_.send_echo(hosts_.at(from), to, id, sequence, data_bytes, cookie, now, out);
  }

  [[nodiscard]] const HostTable& hosts() const { return hosts_; }
  [[nodiscard]] const DropCounters& drops() const { return drops_; }
  [[nodiscard]] GroupCounters group_counters(GroupIndex group) const;

 private:
  enum TimerKind : std::uint8_t { kTcpTimer, kNeighbourTimer };

  template <Application App>
  void dispatch(App& app, Instant now) {
    for (std::size_t i = 0; i < events_.size(); ++i) {  // the application may cause further events
      const Event event = events_[i];
      if (event.kind != EventKind::kNothing) app.on_event(event, now);
    }
    events_.clear();
    tcp_.pool().recycle();
  }
  // The connection that may have something to say now, or kNoConnection.
  ConnectionId input(Bytes frame, Instant now, TxBatch& out);
  ConnectionId on_ip(const wire::EthernetView& frame, Instant now, TxBatch& out);
  ConnectionId on_packet(const Host& host, const wire::EthernetView& frame, const wire::IpView& ip, Instant now,
                         TxBatch& out);
  void on_icmp(const Host& host, const wire::EthernetView& frame, const wire::IpView& ip, Instant now, TxBatch& out);
  void on_group_packet(const wire::EthernetView& frame, const wire::IpView& ip, Instant now, TxBatch& out);
  void fire_timers(Instant now);
  void tell_waiters(Instant now);

  const HostTable& hosts_;
  StackOptions options_;
  std::vector<Event> events_;
  std::vector<GroupCounters> counters_;
  DropCounters drops_;
  TimerWheel wheel_;
  Fragments fragments_;
  NeighbourCache neighbours_;
  Neighbourhood neighbourhood_;
  tcp::Tcp tcp_;
  UdpConversations conversations_;
  Icmp icmp_;
  Udp udp_;
};

}  // namespace myriad::stack
