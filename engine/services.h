// What hosts of this shard answer to: http, dns, echo, chargen, discard and catch_all over TCP; all but http over UDP
// as well.
//
// Connections live as long as the peer wants them. What is kept for one is bounded: a few records (http), or what the
// peer has not yet acknowledged (echo, dns), for which its window is made smaller. Between one exchange and
// the next nothing of that is needed, so it is lent (Dialogue): a connection that is idle costs 16 bytes here.
//
// By UDP, echo and chargen do not answer datagrams that come from the port of a service of this run: two of them would
// keep a forged datagram going for ever. For the same reason a catch_all answers no datagram, but by port unreachable.
#pragma once

#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "app/dns_server.h"
#include "app/echo.h"
#include "app/http_server.h"
#include "base/frame.h"
#include "base/lending.h"
#include "engine/asked.h"
#include "engine/counters.h"
#include "engine/place.h"
#include "engine/slab.h"
#include "stack/stack.h"

namespace myriad::engine {

class Services {
 public:
  // An echo keeps at most this much that the peer has not acknowledged, but for what was under way when it was told.
  static constexpr std::uint32_t kEchoWindow = 64 * 1024;

  // Cookies: the listener of the n-th service has `listener_cookie` + n, sessions `session_cookie` + their index.
  Services(const Placement& placement, stack::Stack& stack, TxBatch& batch, stack::Cookie listener_cookie,
           stack::Cookie session_cookie);

  // For events whose cookie is a listener's (`service` is its place), with the session that was accepted last.
  void on_listener_event(std::uint32_t service, const stack::Event& event, Instant now);
  void on_session_event(std::uint32_t index, const stack::Event& event);
  std::uint64_t read(std::uint32_t index, std::uint64_t offset, MutableBytes out);

  [[nodiscard]] std::uint32_t open() const { return sessions_.live(); }
  // Of those, the ones on which something is under way.
  [[nodiscard]] std::uint32_t busy() const { return dialogues_.live(); }
  void abort_all();
  void write_counters(ShardCounters& out) const;
  // Of the n-th service of the port; nullptr: it is not a catch_all.
  [[nodiscard]] const Asked* asked_of(std::size_t service) const { return asked_[service].get(); }

 private:
  // A character generator needs to know nothing.
  struct Chargen {};
  // A catch_all's, until it has heard as much as it remembers and the peer has its banner.
  struct Caught {
    std::uint32_t entry = Asked::kNone;
  };
  // It has so much more to say each time the peer has acknowledged all.
  static constexpr std::uint64_t kChargenAhead = 256 * 1024;

  // What is under way on one connection: from the first byte of a request until the peer has acknowledged the last one
  // of the answer.
  struct Dialogue {
    std::uint64_t sent = 0;  // bytes handed out by read(), without repetition
    std::variant<app::HttpServer, app::Echo, app::DnsServer, Chargen, Caught> talk;
    std::uint32_t next = 0;  // of those that are not lent

    std::uint32_t& next_free() { return next; }
  };
  static constexpr std::uint32_t kIdle = Lending<Dialogue>::kNone;

  struct Session {
    stack::ConnectionId connection = stack::kNoConnection;
    std::uint32_t held = 0;          // what hold_receive() was told last
    std::uint32_t dialogue = kIdle;  // while the session is free, the slab's; discard never has one
    std::uint16_t service = 0;
    bool peer_closed = false;
    bool finished = false;

    std::uint32_t& next_free() { return dialogue; }
  };
  static_assert(sizeof(Session) == 16, "what an idle connection costs here");

  // How much a peer of that service may send before it is told to hold back.
  [[nodiscard]] std::uint32_t window_of(std::uint32_t service) const {
    return placement_.groups[placement_.services[service].group].tcp.receive_window;
  }
  [[nodiscard]] const ServicePlace& place_of(const Session& session) const {
    return placement_.services[session.service];
  }
  [[nodiscard]] ServiceKind kind_of(const Session& session) const { return place_of(session).kind; }
  // That of the session; begins one when it has none. Precondition: not a discard's.
  Dialogue& dialogue_of(Session& session);
  void end_dialogue(Session& session);
  void accept(std::uint32_t service, const stack::Event& event, Instant now);
  void catch_session(std::uint32_t index, const stack::Event& event, Instant now);
  void catch_datagram(std::uint32_t service, const stack::Event& event, Instant now);
  // Of what the event is about: who was asked.
  std::uint32_t note_asked(std::uint32_t service, const stack::Event& event, bool tcp, Instant now);
  void on_datagram(std::uint32_t service, const stack::Event& event, Instant now);
  void receive(std::uint32_t index, Bytes data);
  // May give the connection up.
  template <class Step>
  void take(Session& session, const Step& step);
  void acknowledge(Session& session);
  void settle(std::uint32_t index);  // window and FIN, after anything
  void free(std::uint32_t index);

  const Placement& placement_;
  stack::Stack& stack_;
  TxBatch& batch_;
  stack::Cookie session_cookie_;
  std::vector<app::HttpService> http_;  // by service; the backlog bounded by the window
  std::vector<ServiceCounters> counters_;
  std::vector<std::unique_ptr<Asked>> asked_;  // by service; of those that catch all
  std::vector<Port> udp_ports_;
  Slab<Session> sessions_;
  Lending<Dialogue> dialogues_;
  // The stack names the listener in all events of the segment that completed the handshake.
  stack::ConnectionId accepted_connection_ = stack::kNoConnection;
  std::uint32_t accepted_session_ = 0;
};

}  // namespace myriad::engine
