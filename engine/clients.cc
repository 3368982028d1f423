#include "engine/clients.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace myriad::engine {

using app::HttpResponse;
using stack::EventKind;
using stack::FailReason;
using stack::kNoConnection;

namespace {

std::uint64_t nanoseconds(Duration d) { return d.count() < 0 ? 0 : static_cast<std::uint64_t>(d.count()); }

// How much a session of that workload has to say over its connection.
std::uint64_t stream_bytes(const WorkloadPlace& place) {
  if (const auto* const fetch = std::get_if<Fetch>(&place.kind)) return fetch->request.size();
  return 0;
}

}  // namespace

Failure Clients::failure_of(FailReason reason) {
  switch (reason) {
    case FailReason::kConnectTimeout:
      return Failure::kConnectTimeout;
    case FailReason::kRefused:
      return Failure::kRefused;
    case FailReason::kReset:
      return Failure::kReset;
    case FailReason::kResetAfterData:
      return Failure::kResetAfterData;
    case FailReason::kTransmitTimeout:
      return Failure::kTransmitTimeout;
    case FailReason::kCloseTimeout:
      return Failure::kCloseTimeout;
    case FailReason::kNeighbourTimeout:
      return Failure::kNeighbourTimeout;
    case FailReason::kUnreachable:
      return Failure::kUnreachable;
    case FailReason::kNoPort:
      return Failure::kNoPort;
    case FailReason::kNoRoom:
      return Failure::kNoRoom;
    case FailReason::kNone:
      break;
  }
  assert(false && "a failure has a reason");
  return Failure::kReset;
}

// --- starting --------------------------------------------------------------------------------------------------------

Clients::Clients(const Placement& placement, stack::Stack& stack, TxBatch& batch, std::uint32_t shard,
                 std::uint32_t shards, Instant start, Milestones* milestones)
    : stack_(stack), batch_(batch), milestones_(milestones), wheel_(start) {
  for (const WorkloadPlace& place : placement.workloads) {
    assert(milestones != nullptr || (!place.awaited && !place.after));
    workloads_.push_back(std::make_unique<Running>(
        place, LoadSlice::of_group(place.first_host, place.hosts, shard, shards), shard, start));
    stack_.override_congestion(place.tally, place.congestion, place.initial_window);
  }
}

void Clients::start_due(Instant now) {
  for (std::size_t i = 0; i < workloads_.size(); ++i) {
    Running& w = *workloads_[i];
    if (w.place.awaited && !w.told_its_end && w.load.finished(now)) {
      w.told_its_end = true;
      milestones_->part_is_over(w.place.index);
    }
    if (!w.load.has_begun() && milestones_->is_over(*w.place.after)) w.load.begin(now + w.place.start);
    for (std::uint32_t n = w.load.due(now); n > 0; --n) {
      const auto host = w.next_host();
      if (!host) break;
      begin(static_cast<std::uint16_t>(i), *host, now);
    }
  }
}

void Clients::begin(std::uint16_t workload, std::uint32_t host, Instant now) {
  const std::uint32_t index = sessions_.take();
  Session& session = sessions_[index];
  Running& w = *workloads_[workload];
  session.workload = workload;
  session.host = host;
  session.number = static_cast<std::uint32_t>(w.load.started());
  session.tries = 0;
  session.warm_up = !w.load.counts(now);
  if (session.warm_up) {
    ++w.counters.sessions_warm_up;
  } else {
    w.count_start(host);
  }
  ++w.open;
  w.counters.concurrent_max = std::max(w.counters.concurrent_max, w.open);
  attempt(index, now);
}

// Sessions go to the addresses of the destination in turn. A group may be its own target; a host is not.
IpAddress Clients::target_of(const Session& session) {
  const Running& w = running(session);
  const Destination& to = w.place.to;
  if (to.count == 1) return to.first;
  const std::uint32_t place = session.number % to.count;
  const stack::HostTable& hosts = stack_.hosts();
  const auto own = hosts.address(hosts.at(w.host_id(session.host)), to.first.is_v6());
  return to.at(own == to.at(place) ? (place + 1) % to.count : place);
}

void Clients::attempt(std::uint32_t index, Instant now) {
  Session& session = sessions_[index];
  stop_waiting(index);
  assert(!session.talks);
  session.talk_or_took_low = talks_.take();
  session.talks = true;
  Talk& talk = talk_of(session);
  talk.started = now;
  talk.sent = 0;
  talk.announced = 0;
  talk.openings = 0;
  talk.heard = talk.peer_closed = talk.finished = false;
  const WorkloadPlace& place = running(session).place;
  if (const auto* const fetch = std::get_if<Fetch>(&place.kind)) {
    talk.run.emplace<HttpResponse>();
    if (fetch->asked.verify.sha256) {
      if (talk.digest) {
        talk.digest->restart();
      } else {
        talk.digest = std::make_unique<app::Sha256>();
      }
    }
    connect(index, now);
  } else if (const auto* const pings = std::get_if<Pings>(&place.kind)) {
    talk.run.emplace<PingRun>(pings->count, session.sequence);
    session.state = State::kTalking;
    ping(index, now);
  } else {
    make_dialogue(session);
    connect(index, now);
  }
}

void Clients::connect(std::uint32_t index, Instant now) {
  Session& session = sessions_[index];
  const app::Dialogue* const dialogue = dialogue_of(session);
  if (dialogue != nullptr && dialogue->transport() == app::Transport::kDatagrams) return open_datagrams(index, now);
  Running& w = running(session);
  session.state = State::kConnecting;
  const auto connection =
      stack_.connect(w.host_id(session.host), target_of(session), w.place.to.port, index, w.place.tally, now);
  if (!connection) return fail_to_begin(index, failure_of(connection.error()), now);
  session.connection = *connection;
  if (session.wait != Wait::kTimeout) wait(index, Wait::kTimeout, now);  // the patience is that with the whole session
}

// --- hearing ---------------------------------------------------------------------------------------------------------

void Clients::on_event(const stack::Event& event, Instant now) {
  if (event.kind == EventKind::kEchoReply || event.kind == EventKind::kUnreachable) return on_echo(event, now);
  const std::uint32_t index = event.cookie;
  if (index >= sessions_.size()) return;
  Session& session = sessions_[index];
  if (event.kind == EventKind::kResolved || event.kind == EventKind::kUnresolved) {
    // These bear only the slot: whoever is in it now and waits for nothing of the kind is not meant.
    if (session.state != State::kResolving) return;
    if (event.kind == EventKind::kUnresolved) return fail(index, Failure::kNeighbourTimeout, now);
    session.state = State::kTalking;
    return ring(index, now);  // sent with the sources, when all frames of this turn have their answer
  }
  if (event.conversation != stack::kNoConversation) return on_datagram(index, event, now);
  if (session.connection != event.connection || session.connection == kNoConnection) return;
  switch (event.kind) {
    case EventKind::kConnected:
      return on_connected(index, now);
    case EventKind::kReceived:
      return on_received(index, event.data, now);
    case EventKind::kSendDone:
      if (app::Dialogue* const dialogue = dialogue_of(session)) {
        return carry_out(index, dialogue->acknowledged(stack_.acknowledged(session.connection), now), now);
      }
      return;
    case EventKind::kPeerClosed:
      return on_peer_closed(index, now);
    case EventKind::kClosed:
      return on_gone(index, FailReason::kNone, now);
    case EventKind::kFailed:
      return on_gone(index, event.reason, now);
    default:
      return;
  }
}

void Clients::on_connected(std::uint32_t index, Instant now) {
  Session& session = sessions_[index];
  Running& w = running(session);
  session.state = State::kTalking;
  w.counters.target_answered = true;
  const Talk& talk = talk_of(session);
  if (!talk.heard && !session.warm_up) w.count_connect(session.host, nanoseconds(now - talk.started));
  if (const auto* const fetch = std::get_if<Fetch>(&w.place.kind)) {
    talk_of(session).asked = now;
    stack_.extend(session.connection, fetch->request.size());
  } else {
    carry_out(index, dialogue_of(session)->begin(now), now);
  }
}

void Clients::on_received(std::uint32_t index, Bytes data, Instant now) {
  Session& session = sessions_[index];
  Running& w = running(session);
  w.counters.bytes_rx += data.size();
  if (dialogue_of(session) != nullptr) return hear_dialogue(index, data, now);
  if (session.state != State::kTalking) return;  // all that was wanted has come already
  Talk& talk = talk_of(session);
  first_answer(session, now - talk.started);
  auto& response = std::get<HttpResponse>(talk.run);
  after_fetch(index, response.take(data, std::get<Fetch>(w.place.kind).asked, {talk.digest.get(), nullptr}), now);
}

void Clients::after_fetch(std::uint32_t index, HttpResponse::Outcome outcome, Instant now) {
  Session& session = sessions_[index];
  if (outcome == HttpResponse::Outcome::kMore) return;
  Running& w = running(session);
  Talk& talk = talk_of(session);
  const HttpResponse& response = std::get<HttpResponse>(talk.run);
  const bool heard = outcome == HttpResponse::Outcome::kDone || app::is_http_status(response.failure());
  if (heard && !session.warm_up) {
    w.counters.said.answer(response.status(), now - talk.asked);
  }
  if (outcome == HttpResponse::Outcome::kFailed) return fail(index, response.failure(), now);
  complete(index, std::get<Fetch>(w.place.kind).asked.verify.any(), now);
}

void Clients::on_peer_closed(std::uint32_t index, Instant now) {
  Session& session = sessions_[index];
  switch (session.state) {
    case State::kTalking: {
      Talk& talk = talk_of(session);
      talk.peer_closed = true;
      if (auto* const response = std::get_if<HttpResponse>(&talk.run)) {
        const app::HttpAsked& asked = std::get<Fetch>(running(session).place.kind).asked;
        after_fetch(index, response->peer_closed(asked, {talk.digest.get(), nullptr}), now);
      } else if (app::Dialogue* const dialogue = dialogue_of(session)) {
        carry_out(index, dialogue->peer_closed(now), now);
      }
      return;
    }
    case State::kHolding:
      return fail(index, Failure::kClosedWhileHeld, now);
    case State::kLeaving:
    case State::kAwaitingFin:
      return close(index, now);
    default:
      return;
  }
}

// The connection has ended, in order or not.
void Clients::on_gone(std::uint32_t index, FailReason reason, Instant now) {
  Session& session = sessions_[index];
  session.connection = kNoConnection;
  // Anything that was sent back by the target counts as an answer, a refusal too; ICMP errors may be a router's.
  if (reason == FailReason::kRefused || reason == FailReason::kUnreachable)
    running(session).counters.target_answered = true;
  switch (session.state) {
    case State::kConnecting:
    case State::kTalking:
      if (reason != FailReason::kNone) return fail(index, failure_of(reason), now);
      if (app::Dialogue* const dialogue = dialogue_of(session)) {  // closed in order: the peer has everything
        carry_out(index, dialogue->acknowledged(talk_of(session).announced, now), now);
        if (session.state == State::kTalking) fail(index, Failure::kClosedEarly, now);
        return;
      }
      return fail(index, Failure::kClosedEarly, now);
    case State::kHolding:
      return fail(index, Failure::kClosedWhileHeld, now);
    default:
      return over(index, now);
  }
}

void Clients::read(std::uint32_t index, std::uint64_t offset, MutableBytes out) {
  Session& session = sessions_[index];
  Running& w = running(session);
  if (const auto* const fetch = std::get_if<Fetch>(&w.place.kind)) {
    assert(offset + out.size() <= fetch->request.size());
    std::memcpy(out.data(), fetch->request.data() + offset, out.size());
  } else {
    dialogue_of(session)->read(offset, out);
  }
  if (!session.talks) return;  // it had been asked for everything before
  Talk& talk = talk_of(session);
  const std::uint64_t end = offset + out.size();
  if (end <= talk.sent) return;
  w.counters.bytes_tx += end - talk.sent;
  talk.sent = end;
}

// --- ending ----------------------------------------------------------------------------------------------------------

void Clients::first_answer(const Session& session, Duration after) {
  if (std::exchange(talk_of(session).heard, true)) return;
  if (!session.warm_up) running(session).count_first_byte(session.host, nanoseconds(after));
}

void Clients::count_completion(Session& session, bool verified, Instant now) {
  Talk& talk = talk_of(session);
  talk.took_ns = std::min(nanoseconds(now - talk.started), Histogram::kMaxNs);
  session.verified = verified;
}

void Clients::complete(std::uint32_t index, bool verified, Instant now) {
  Session& session = sessions_[index];
  Running& w = running(session);
  Talk& talk = talk_of(session);
  count_completion(session, verified, now);
  const bool peer_closed = talk.peer_closed;
  const app::Dialogue* const dialogue = dialogue_of(session);
  const bool rests = dialogue != nullptr && dialogue->rests();
  const bool in_dialogue = dialogue != nullptr && !rests;
  const bool closes = talk.finished;
  // An answer may come before the request has left: what is read later is to be counted as well.
  if (rests || (!in_dialogue && talk.sent >= stream_bytes(w.place))) end_talk(session);
  if (w.place.load.hold > Duration{0} && !closes && session.connection != kNoConnection) {
    if (peer_closed) return fail(index, Failure::kClosedWhileHeld, now);
    session.state = State::kHolding;
    if (in_dialogue) set_alarm(session, index);
    return wait(index, Wait::kHold, now);
  }
  succeed(session);
  if (session.connection == kNoConnection) return over(index, now);
  if (in_dialogue && !peer_closed) return leave(index, now);
  if (rests || peer_closed) return close(index, now);
  session.state = State::kAwaitingFin;
  wait(index, Wait::kAwaitFin, now);
}

// Everything that was asked for has come, and the connection was held as long as it should.
void Clients::succeed(const Session& session) {
  if (session.warm_up) return;
  Running& w = running(session);
  if (session.verified) ++w.counters.sessions_verified;
  w.count_success(session.host, took_ns_of(session));
}

void Clients::close(std::uint32_t index, Instant now) {
  Session& session = sessions_[index];
  session.state = State::kFinishing;
  stack_.finish(session.connection);
  wait(index, Wait::kFinish, now);
}

void Clients::fail(std::uint32_t index, Failure why, Instant now, bool rest) {
  Session& session = sessions_[index];
  Running& w = running(session);
  if (session.connection != kNoConnection) stack_.abort(session.connection);
  session.connection = kNoConnection;
  if (session.tries < w.place.load.retries && w.load.may_retry()) {
    ++session.tries;
    if (!session.warm_up) ++w.counters.retries;
    end_talk(session);
    session.state = State::kRetrying;
    return wait(index, Wait::kBackOff, now);
  }
  if (!session.warm_up) w.count_failure(session.host, why);
  over(index, now, rest);
}

void Clients::over(std::uint32_t index, Instant now, bool rest) {
  Session& session = sessions_[index];
  Running& w = running(session);
  session.connection = kNoConnection;
  end_talk(session);
  --w.open;
  const Duration think = w.place.load.think;
  if ((rest || think > Duration{0}) && w.load.goes_on(now)) {
    session.state = State::kThinking;
    return wait(index, rest && kRetryAfter > think ? Wait::kRest : Wait::kThink, now);
  }
  release(index);
}

void Clients::end_talk(Session& session) {
  if (!session.talks) return;
  Talk& talk = talk_of(session);
  wheel_.cancel(talk.timer);
  const std::uint64_t took_ns = talk.took_ns;
  close_datagrams(talk);
  if (dialogue_of(session) != nullptr) talk.run.emplace<app::HttpResponse>();
  talks_.give_back(session.talk_or_took_low);
  session.talks = false;
  session.took_high = static_cast<std::uint32_t>(took_ns >> 32) & 0x3ff;
  session.talk_or_took_low = static_cast<std::uint32_t>(took_ns);
}

void Clients::release(std::uint32_t index) {
  Session& session = sessions_[index];
  Running& w = running(session);
  stop_waiting(index);
  session.state = State::kFree;
  w.turns.give_back(session.host);
  w.load.ended();
  sessions_.give_back(index);
}

Failure Clients::timeout_of(const Session& session) {
  switch (session.state) {
    case State::kResolving:
      return Failure::kNeighbourTimeout;
    case State::kConnecting:  // what routers said meanwhile is the better reason
      return stack_.unreachable_seen(session.connection) ? Failure::kUnreachable : Failure::kConnectTimeout;
    default:
      break;
  }
  const Talk& talk = talk_of(session);
  if (std::holds_alternative<PingRun>(talk.run)) return Failure::kResponseTimeout;
  if (const app::Dialogue* const dialogue = dialogue_of(session)) return silence_of(session, dialogue->impatience());
  return talk.heard ? Failure::kTimeout : Failure::kResponseTimeout;
}

// --- time ------------------------------------------------------------------------------------------------------------

void Clients::wait(std::uint32_t index, Wait what, Instant now) {
  stop_waiting(index);
  Session& session = sessions_[index];
  session.wait = what;
  running(session).line(what, session.tries).join(sessions_, index, now);
}

void Clients::stop_waiting(std::uint32_t index) {
  Session& session = sessions_[index];
  if (session.wait == Wait::kNone) return;
  running(session).line(session.wait, session.tries).leave(sessions_, index);
  session.wait = Wait::kNone;
}

void Clients::ring(std::uint32_t index, Instant at) { wheel_.rearm(talk_of(sessions_[index]).timer, at, 0, index); }

void Clients::on_time(Instant now) {
  wheel_.advance(
      now, [this, now](std::uint8_t, std::uint32_t index) { on_alarm(index, now); }, kTimersPerTurn);
  // All lines one after the other. When the turn has had enough, the next one goes on where this one stopped.
  std::size_t most = kTimersPerTurn;
  const std::size_t lines = workloads_.size() * kLines;
  for (std::size_t looked_at = 0; looked_at < lines; ++looked_at) {
    const WaitingLine& line = workloads_[next_line_ / kLines]->lines[next_line_ % kLines];
    for (std::uint32_t index = line.due(sessions_, now); index != WaitingLine::kNobody;
         index = line.due(sessions_, now)) {
      if (most-- == 0) return;
      stop_waiting(index);
      on_timer(index, now);
    }
    next_line_ = next_line_ + 1 == lines ? 0 : next_line_ + 1;
  }
}

// What a ping or a dialogue has set for itself.
void Clients::on_alarm(std::uint32_t index, Instant now) {
  Session& session = sessions_[index];
  if (app::Dialogue* const dialogue = dialogue_of(session)) {
    return talk_of(session).delayed ? say_delayed(index, now) : carry_out(index, dialogue->on_time(now), now);
  }
  if (session.state == State::kTalking) return ping(index, now);
  fail(index, timeout_of(session), now);
}

// The end of the line in which it stood.
void Clients::on_timer(std::uint32_t index, Instant now) {
  Session& session = sessions_[index];
  switch (session.state) {
    case State::kRetrying:
      return attempt(index, now);
    case State::kThinking:
      return release(index);
    case State::kResolving:
    case State::kConnecting:
    case State::kTalking:
      return fail(index, timeout_of(session), now);
    case State::kHolding:
      succeed(session);
      return dialogue_of(session) != nullptr ? leave(index, now) : close(index, now);
    case State::kLeaving:
    case State::kAwaitingFin:
      return close(index, now);
    case State::kFinishing:
      stack_.abort(session.connection);
      return over(index, now);
    case State::kFree:
      return;
  }
}

Instant Clients::next_deadline(Instant now) const {
  Instant next = wheel_.next_deadline();
  for (const auto& w : workloads_) {
    const bool waits = !w->load.has_begun() && w->load.goes_on(now);
    next = std::min(next, waits ? now + kLookAgain : w->load.next_due(now));
    for (const WaitingLine& line : w->lines) next = std::min(next, line.next_due(sessions_, now));
  }
  return next;
}

bool Clients::finished(Instant now) const {
  return std::all_of(workloads_.begin(), workloads_.end(), [now](const auto& w) { return w->load.finished(now); });
}

void Clients::stop_starting(Instant now) {
  for (const auto& w : workloads_) w->load.stop();
  for (std::uint32_t index = 0; index < sessions_.size(); ++index) {
    Session& session = sessions_[index];
    if (session.state == State::kThinking) release(index);
    if (session.state == State::kRetrying) attempt(index, now);  // its last one, without waiting
  }
}

void Clients::abort_all() {
  for (const auto& w : workloads_) w->load.stop();
  for (std::uint32_t index = 0; index < sessions_.size(); ++index) {
    Session& session = sessions_[index];
    if (session.state == State::kFree) continue;
    Running& w = running(session);
    if (session.state == State::kHolding) succeed(session);
    if (session.state != State::kThinking) --w.open;
    if (session.connection != kNoConnection) stack_.abort(session.connection);
    session.connection = kNoConnection;
    end_talk(session);
    release(index);
  }
}

// --- counting --------------------------------------------------------------------------------------------------------

void Clients::write_counters(ShardCounters& out) const {
  for (const auto& w : workloads_) {
    WorkloadCounters& counters = out.workloads[w->place.index];
    counters = w->counters;
    counters.starts_missed = w->load.missed();
    counters.tcp = stack_.tcp_counters(w->place.tally);
  }
}

}  // namespace myriad::engine
