#include "engine/services.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <utility>

#include "app/chargen.h"
#include "base/rng.h"

namespace myriad::engine {

using stack::EventKind;
using stack::kNoConnection;

Services::Services(const Placement& placement, stack::Stack& stack, TxBatch& batch, stack::Cookie listener_cookie,
                   stack::Cookie session_cookie)
    : placement_(placement),
      stack_(stack),
      batch_(batch),
      session_cookie_(session_cookie),
      counters_(placement.services.size()) {
  for (std::size_t i = 0; i < placement.services.size(); ++i) {
    const ServicePlace& service = placement.services[i];
    const auto cookie = static_cast<stack::Cookie>(listener_cookie + i);
    http_.push_back(service.http);
    http_.back().backlog_limit = window_of(static_cast<std::uint32_t>(i));
    stack.listen_tcp(service.group, service.port, cookie, service.tally);
    const bool catches = service.kind == ServiceKind::kCatchAll;
    const plan::CatchAllService& all = service.catch_all;
    asked_.push_back(catches ? std::make_unique<Asked>(all.most, all.first_bytes) : nullptr);
    if (service.kind == ServiceKind::kHttp) continue;
    stack.listen_udp(service.group, service.port, cookie, catches && all.closes);
    if (!catches) udp_ports_.push_back(service.port);
  }
}

void Services::on_listener_event(std::uint32_t service, const stack::Event& event, Instant now) {
  if (event.kind == EventKind::kAccepted) return accept(service, event, now);
  if (event.kind == EventKind::kDatagram) return on_datagram(service, event, now);
  if (event.connection == accepted_connection_) on_session_event(accepted_session_, event);
}

void Services::accept(std::uint32_t service, const stack::Event& event, Instant now) {
  const std::uint32_t index = sessions_.take();
  Session& session = sessions_[index];
  session = Session{};
  session.connection = event.connection;
  session.service = static_cast<std::uint16_t>(service);
  ++counters_[service].sessions;
  accepted_connection_ = event.connection;
  accepted_session_ = index;
  stack_.set_cookie(event.connection, session_cookie_ + index);
  if (kind_of(session) == ServiceKind::kChargen) {
    (void)dialogue_of(session);
    stack_.extend(session.connection, kChargenAhead);
  } else if (kind_of(session) == ServiceKind::kCatchAll) {
    catch_session(index, event, now);
  }
  settle(index);
}

std::uint32_t Services::note_asked(std::uint32_t service, const stack::Event& event, bool tcp, Instant now) {
  const stack::HostTable& hosts = stack_.hosts();
  const auto address = hosts.address(hosts.at(event.host), event.remote.is_v6());
  assert(address && "it was spoken to by one of that family");
  return asked_[service]->note(*address, tcp, event.local_port, now);
}

void Services::catch_session(std::uint32_t index, const stack::Event& event, Instant now) {
  Session& session = sessions_[index];
  Dialogue& dialogue = dialogue_of(session);
  std::get<Caught>(dialogue.talk).entry = note_asked(session.service, event, true, now);
  const plan::CatchAllService& all = place_of(session).catch_all;
  if (!all.banner.empty()) stack_.extend(session.connection, all.banner.size());
}

void Services::catch_datagram(std::uint32_t service, const stack::Event& event, Instant now) {
  const std::uint32_t entry = note_asked(service, event, false, now);
  asked_[service]->hear(entry, 0, event.data);
  asked_[service]->leave(entry, 0);
}

// What was sent in earlier dialogues has all been acknowledged, or they would not have ended.
Services::Dialogue& Services::dialogue_of(Session& session) {
  if (session.dialogue != kIdle) return dialogues_[session.dialogue];
  session.dialogue = dialogues_.take();
  Dialogue& dialogue = dialogues_[session.dialogue];
  dialogue.sent = stack_.acknowledged(session.connection);
  switch (kind_of(session)) {
    case ServiceKind::kHttp:
      dialogue.talk.emplace<app::HttpServer>(dialogue.sent);
      break;
    case ServiceKind::kDns:
      dialogue.talk.emplace<app::DnsServer>(dialogue.sent);
      break;
    case ServiceKind::kChargen:
      dialogue.talk.emplace<Chargen>();
      break;
    case ServiceKind::kCatchAll:
      dialogue.talk.emplace<Caught>();
      break;
    case ServiceKind::kEcho:
    case ServiceKind::kDiscard:
      dialogue.talk.emplace<app::Echo>(dialogue.sent);
  }
  return dialogue;
}

void Services::end_dialogue(Session& session) {
  if (session.dialogue == kIdle) return;
  dialogues_[session.dialogue].talk.emplace<app::Echo>();  // what it kept goes at once
  dialogues_.give_back(std::exchange(session.dialogue, kIdle));
}

void Services::on_datagram(std::uint32_t service, const stack::Event& event, Instant now) {
  ServiceCounters& counters = counters_[service];
  ++counters.sessions;
  counters.bytes_rx += event.data.size();
  const ServicePlace& place = placement_.services[service];
  if (place.kind == ServiceKind::kCatchAll) return catch_datagram(service, event, now);
  const bool from_service = std::find(udp_ports_.begin(), udp_ports_.end(), event.remote_port) != udp_ports_.end();
  std::array<std::uint8_t, std::max(app::DnsZone::kMostByUdp, app::kMostChargenBytes)> made;
  Bytes answer;
  if (place.kind == ServiceKind::kEcho && !from_service) {
    answer = event.data;
  } else if (place.kind == ServiceKind::kChargen && !from_service) {
    const std::size_t length = mix64(counters.sessions) % (app::kMostChargenBytes + 1);
    app::fill_chargen(0, MutableBytes{made}.first(length));
    answer = Bytes{made}.first(length);
  } else if (place.kind == ServiceKind::kDns) {
    answer = Bytes{made}.first(place.zone->answer(event.data, false, made));
    if (answer.empty()) return;
  } else {
    return;
  }
  const bool sent =
      stack_.send_datagram(event.host, event.remote, event.local_port, event.remote_port, answer, now, batch_);
  if (sent) counters.bytes_tx += answer.size();
}

void Services::on_session_event(std::uint32_t index, const stack::Event& event) {
  if (index >= sessions_.size()) return;
  Session& session = sessions_[index];
  if (session.connection != event.connection || session.connection == kNoConnection) return;
  switch (event.kind) {
    case EventKind::kReceived:
      counters_[session.service].bytes_rx += event.data.size();
      acknowledge(session);
      receive(index, event.data);
      break;
    case EventKind::kSendDone:
      acknowledge(session);
      if (kind_of(session) == ServiceKind::kChargen && !session.finished) {
        stack_.extend(session.connection, kChargenAhead);
      }
      break;
    case EventKind::kPeerClosed:
      session.peer_closed = true;
      break;
    case EventKind::kClosed:
    case EventKind::kFailed:
      return free(index);
    default:
      return;
  }
  if (session.connection == kNoConnection) return free(index);  // given up
  settle(index);
}

void Services::acknowledge(Session& session) {
  if (session.dialogue == kIdle) return;
  const std::uint64_t upto = stack_.acknowledged(session.connection);
  Dialogue& dialogue = dialogues_[session.dialogue];
  if (auto* const http = std::get_if<app::HttpServer>(&dialogue.talk)) {
    take(session, http->acknowledged(upto, http_[session.service]));
  } else if (auto* const dns = std::get_if<app::DnsServer>(&dialogue.talk)) {
    take(session, dns->acknowledged(upto, *placement_.services[session.service].zone));
  } else if (auto* const echo = std::get_if<app::Echo>(&dialogue.talk)) {
    echo->acknowledged(upto);
  }
}

void Services::receive(std::uint32_t index, Bytes data) {
  Session& session = sessions_[index];
  const bool deaf = kind_of(session) == ServiceKind::kDiscard || kind_of(session) == ServiceKind::kChargen;
  if (session.connection == kNoConnection || deaf) return;
  if (kind_of(session) == ServiceKind::kCatchAll) {
    if (session.dialogue == kIdle) return;
    const Caught& caught = std::get<Caught>(dialogues_[session.dialogue].talk);
    return asked_[session.service]->hear(caught.entry, index, data);
  }
  Dialogue& dialogue = dialogue_of(session);
  if (auto* const http = std::get_if<app::HttpServer>(&dialogue.talk)) {
    take(session, http->take(data, http_[session.service]));
  } else if (auto* const dns = std::get_if<app::DnsServer>(&dialogue.talk)) {
    take(session, dns->take(data, *placement_.services[session.service].zone, window_of(session.service)));
  } else {
    if (std::get<app::Echo>(dialogue.talk).take(data, window_of(session.service))) {
      stack_.extend(session.connection, data.size());
    } else {
      stack_.abort(session.connection);
      session.connection = kNoConnection;
    }
  }
}

template <class Step>
void Services::take(Session& session, const Step& step) {
  if (step.overflow) {
    stack_.abort(session.connection);
    session.connection = kNoConnection;
  } else if (step.grown > 0) {
    stack_.extend(session.connection, step.grown);
  }
}

void Services::settle(std::uint32_t index) {
  Session& session = sessions_[index];
  std::uint32_t unread = 0;
  const bool closes = kind_of(session) == ServiceKind::kCatchAll && place_of(session).catch_all.closes;
  bool done = session.peer_closed || closes;
  if (session.dialogue != kIdle) {
    bool idle = false;
    const Dialogue& dialogue = dialogues_[session.dialogue];
    if (const auto* const http = std::get_if<app::HttpServer>(&dialogue.talk)) {
      unread = http->unread();
      done = http->closing() || (done && unread == 0);  // what was asked before the FIN is answered
      idle = http->idle();
    } else if (const auto* const dns = std::get_if<app::DnsServer>(&dialogue.talk)) {
      unread = dns->unread();
      done = done && !dns->waiting();
      idle = dns->idle();
    } else if (const auto* const echo = std::get_if<app::Echo>(&dialogue.talk)) {
      unread = echo->unread();
      idle = echo->idle();
    } else if (const auto* const caught = std::get_if<Caught>(&dialogue.talk)) {
      idle = !asked_[session.service]->listens(caught->entry, index) &&
             stack_.acknowledged(session.connection) >= place_of(session).catch_all.banner.size();
    }
    if (idle) end_dialogue(session);
  }
  const std::uint32_t window = window_of(session.service);
  const bool bounded = kind_of(session) == ServiceKind::kEcho;
  const std::uint32_t held = bounded ? std::min(window - std::min(window, kEchoWindow) + unread, window) : unread;
  if (held != session.held) {
    session.held = held;
    stack_.hold_receive(session.connection, held);
  }
  if (done && !session.finished) {
    session.finished = true;
    stack_.finish(session.connection);
  }
}

std::uint64_t Services::read(std::uint32_t index, std::uint64_t offset, MutableBytes out) {
  const Session& session = sessions_[index];
  assert(session.dialogue != kIdle);  // nothing is asked for again once all of it has been acknowledged
  Dialogue& dialogue = dialogues_[session.dialogue];
  std::uint64_t sum = 0;
  if (const auto* const http = std::get_if<app::HttpServer>(&dialogue.talk)) {
    sum = http->read(offset, out, http_[session.service]);
  } else {
    if (const auto* const dns = std::get_if<app::DnsServer>(&dialogue.talk)) {
      dns->read(offset, out);
    } else if (const auto* const echo = std::get_if<app::Echo>(&dialogue.talk)) {
      echo->read(offset, out);
    } else if (std::holds_alternative<Caught>(dialogue.talk)) {
      std::memcpy(out.data(), place_of(session).catch_all.banner.data() + offset, out.size());
    } else {
      app::fill_chargen(offset, out);
    }
    sum = checksum_add(0, out);
  }
  const std::uint64_t end = offset + out.size();
  if (end > dialogue.sent) {
    counters_[session.service].bytes_tx += end - dialogue.sent;
    dialogue.sent = end;
  }
  return sum;
}

void Services::free(std::uint32_t index) {
  Session& session = sessions_[index];
  if (session.connection == accepted_connection_) accepted_connection_ = kNoConnection;
  session.connection = kNoConnection;
  if (session.dialogue != kIdle) {
    const auto* const caught = std::get_if<Caught>(&dialogues_[session.dialogue].talk);
    if (caught != nullptr) asked_[session.service]->leave(caught->entry, index);
  }
  end_dialogue(session);
  sessions_.give_back(index);
}

void Services::abort_all() {
  for (std::uint32_t index = 0; index < sessions_.size(); ++index) {
    if (sessions_[index].connection == kNoConnection) continue;
    stack_.abort(sessions_[index].connection);
    free(index);
  }
}

void Services::write_counters(ShardCounters& out) const {
  for (std::size_t i = 0; i < counters_.size(); ++i) {
    ServiceCounters& counters = out.services[placement_.services[i].index];
    counters = counters_[i];
    counters.tcp = stack_.tcp_counters(placement_.services[i].tally);
  }
}

}  // namespace myriad::engine
