// The applications of a run of misery: what clients and servers do with their conversations, and a record of what
// became of each. Every conversation has streams of its own, so bytes that end up in another one are seen as well.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "stack/stack.h"
#include "tests/sim/misery_plan.h"
#include "tests/sim/stream.h"

namespace myriad::sim {

enum class Fate : std::uint8_t { kAlive, kClosed, kFailed, kAborted, kForgotten };

// One life of one end of a conversation. An end has several when its station, or the other one, forgot everything.
struct Life {
  std::uint32_t conversation = 0;
  stack::ConnectionId id = stack::kNoConnection;
  Fate fate = Fate::kAlive;
  stack::FailReason failed = stack::FailReason::kNone;
  std::uint64_t received = 0;
  std::uint64_t wrong = 0;  // bytes that were not what they should be, or that should not be at all
  bool connected = false;
  bool peer_closed = false;
  bool said_farewell = false;
};

class Talk {
 public:
  Talk(const MiseryPlan& plan, Station& station, bool is_server)
      : plan_(plan), station_(station), is_server_(is_server) {
    station_.attach(*this);
    listen();
  }

  void call(std::uint32_t conversation, const IpAddress& server, Instant now) {
    Life& life = add(conversation);
    const auto id = stack().connect(MiseryPlan::host(conversation), server, MiseryPlan::port(conversation),
                                    static_cast<stack::Cookie>(lives.size() - 1), 0, now);
    if (id) {
      life.id = *id;
      return;
    }
    life.fate = Fate::kFailed;
    life.failed = id.error();
  }
  void forget_everything() {
    for (Life& life : lives) {
      if (life.fate == Fate::kAlive) life.fate = Fate::kForgotten;
    }
    station_.forget_everything(plan_.options);
    listen();
  }
  // What was left unread at first is read now.
  void read_all(std::uint32_t conversation) {
    for (Life& life : lives) {
      if (life.conversation == conversation && life.fate == Fate::kAlive && life.connected)
        stack().hold_receive(life.id, 0);
    }
  }
  void abort_what_is_alive() {
    for (Life& life : lives) {
      if (life.fate == Fate::kAlive) abort(life);
    }
  }
  [[nodiscard]] bool has_life(std::uint32_t conversation) const {
    for (const Life& life : lives) {
      if (life.conversation == conversation && life.fate == Fate::kAlive) return true;
    }
    return false;
  }

  void on_event(const stack::Event& event, Instant) {
    using stack::EventKind;
    if (event.kind == EventKind::kAccepted) {
      Life& life = add(MiseryPlan::conversation_of(event.host, event.local_port));
      life.id = event.connection;
      stack().set_cookie(event.connection, static_cast<stack::Cookie>(lives.size() - 1));
      return begin(life);
    }
    Life& life = lives.at(event.cookie);
    switch (event.kind) {
      case EventKind::kConnected:
        return begin(life);
      case EventKind::kReceived:
        return take(life, event.data);
      case EventKind::kPeerClosed:
        life.peer_closed = true;
        return proceed(life);
      case EventKind::kClosed:
        life.fate = Fate::kClosed;
        break;
      case EventKind::kFailed:
        life.fate = Fate::kFailed;
        life.failed = event.reason;
        break;
      default:
        break;
    }
  }
  void read(stack::Cookie cookie, std::uint64_t offset, MutableBytes out) const {
    fill_stream(stream(lives.at(cookie), is_server_), offset, out);
  }
  // Whether it has all the bytes of the other end, and both ends have closed.
  [[nodiscard]] bool is_complete(const Life& life) const {
    return life.fate == Fate::kClosed && life.peer_closed && life.received == other(life).sends;
  }

  std::vector<Life> lives;

 private:
  [[nodiscard]] stack::Stack& stack() { return station_.stack(); }
  [[nodiscard]] const Part& part(const Life& life) const {
    const ConversationPlan& conversation = plan_.conversations.at(life.conversation);
    return is_server_ ? conversation.server : conversation.client;
  }
  [[nodiscard]] const Part& other(const Life& life) const {
    const ConversationPlan& conversation = plan_.conversations.at(life.conversation);
    return is_server_ ? conversation.client : conversation.server;
  }
  [[nodiscard]] static std::uint32_t stream(const Life& life, bool servers) {
    return life.conversation * 2 + (servers ? 1U : 0U);
  }
  void listen() {
    if (!is_server_) return;
    for (stack::GroupIndex group = 0; group < station_.hosts().groups().size(); ++group) {
      for (std::uint16_t i = 0; i < plan_.ports; ++i)
        stack().listen_tcp(group, Port{static_cast<std::uint16_t>(kMiseryPort + i)}, 0, 0);
    }
  }
  Life& add(std::uint32_t conversation) {
    lives.push_back({});
    lives.back().conversation = conversation;
    return lives.back();
  }
  void begin(Life& life) {
    const Part& p = part(life);
    life.connected = true;
    if (p.nodelay) stack().set_nodelay(life.id, true);
    if (p.holds > 0) stack().hold_receive(life.id, p.holds);
    if (p.sends > 0) stack().extend(life.id, p.sends);
    proceed(life);
  }
  void take(Life& life, Bytes data) {
    life.wrong += count_wrong(stream(life, !is_server_), life.received, data);
    life.received += data.size();
    if (life.received > other(life).sends) ++life.wrong;
    proceed(life);
  }
  void proceed(Life& life) {
    const Part& p = part(life);
    if (p.aborts_at && life.received >= *p.aborts_at) return abort(life);
    if (life.said_farewell) return;
    const bool all_has_come = life.received >= other(life).sends;
    const bool now = p.farewell == Farewell::kAfterSending || life.peer_closed ||
                     (p.farewell == Farewell::kWhenAllHasCome && all_has_come);
    if (!now) return;
    life.said_farewell = true;
    stack().finish(life.id);
  }
  void abort(Life& life) {
    if (life.fate != Fate::kAlive) return;
    life.fate = Fate::kAborted;
    stack().abort(life.id);
  }

  const MiseryPlan& plan_;
  Station& station_;
  bool is_server_;
};

}  // namespace myriad::sim
