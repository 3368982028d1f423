// Sessions of workloads that ping.
#include <algorithm>
#include <cassert>

#include "engine/clients.h"

namespace myriad::engine {

using stack::EventKind;

// Sends the echo requests that are due and is woken for what comes next.
void Clients::ping(std::uint32_t index, Instant now) {
  Session& session = sessions_[index];
  Running& w = running(session);
  const Pings& pings = std::get<Pings>(w.place.kind);
  PingRun& run = std::get<PingRun>(talk_of(session).run);
  while (run.is_due(now, pings.interval)) {
    const auto status = stack_.send_echo(w.host_id(session.host), target_of(session), static_cast<std::uint16_t>(index),
                                         run.next_sequence(), pings.size_bytes, index, now, batch_);
    switch (status) {
      case stack::EchoStatus::kSent:
        session.state = State::kTalking;
        session.sequence = static_cast<std::uint16_t>(run.next_sequence() + 1);
        run.sent(now, pings.interval);
        ++w.counters.echo_tx;
        w.counters.bytes_tx += pings.size_bytes;
        break;
      case stack::EchoStatus::kResolving:
        session.state = State::kResolving;
        return ring(index, now + w.place.load.timeout);
      case stack::EchoStatus::kNoRoom:
        return ring(index, now + kRoomAgain);
      case stack::EchoStatus::kNoRoute:
        return fail(index, Failure::kUnreachable, now);
    }
  }
  w.counters.echo_lost += run.give_up(now, pings.interval, w.place.load.timeout);
  if (run.done()) return fail(index, timeout_of(session), now);  // the last one was given up
  ring(index, run.next_at(pings.interval, w.place.load.timeout));
}

// Echo replies and errors name host, identifier and sequence number. The identifier is the low half of the session's
// index, so that the few sessions that can be meant are found by arithmetic.
void Clients::on_echo(const stack::Event& event, Instant now) {
  for (std::uint32_t index = event.echo_id; index < sessions_.size(); index += 0x10000) {
    Session& session = sessions_[index];
    if (session.state != State::kTalking && session.state != State::kResolving) continue;
    auto* const run = std::get_if<PingRun>(&talk_of(session).run);
    if (run == nullptr) continue;
    Running& w = running(session);
    if (w.host_id(session.host) != event.host || target_of(session) != event.remote) continue;
    const Pings& pings = std::get<Pings>(w.place.kind);
    const auto took = run->answered(event.echo_sequence, now, pings.interval);
    if (!took) continue;
    w.counters.target_answered = true;
    if (event.kind == EventKind::kUnreachable) {
      ++w.counters.echo_lost;
      return fail(index, Failure::kUnreachable, now);
    }
    ++w.counters.echo_rx;
    w.counters.round_trip.record(static_cast<std::uint64_t>(std::max(took->count(), Duration::rep{0})));
    w.counters.bytes_rx += event.data.size();
    first_answer(session, now - run->first_sent());
    const bool right =
        event.data.size() == pings.size_bytes && stack::is_echo_data(event.echo_id, event.echo_sequence, event.data);
    if (!right) return fail(index, Failure::kVerifyMismatch, now);
    if (!run->done()) return;
    if (run->lost() == 0) return complete(index, true, now);
    return fail(index, timeout_of(session), now);
  }
}

}  // namespace myriad::engine
