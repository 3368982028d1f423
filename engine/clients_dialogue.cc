// Sessions of workloads whose conversations are dialogues (app/dialogue.h): carries out what they say.
#include <cassert>
#include <utility>

#include "base/rng.h"
#include "engine/clients.h"

namespace myriad::engine {

using app::Progress;
using stack::kNoConnection;

// Of its luck in this try.
std::uint64_t Clients::seed_of(const Session& session) {
  return mix64(running(session).place.seed ^ mix64(std::uint64_t{session.tries} << 32 | session.number));
}

void Clients::make_dialogue(Session& session) {
  Running& w = running(session);
  app::SessionFacts facts;
  facts.host = w.slice.host(session.host);
  facts.session = session.number;
  facts.target = target_of(session);
  facts.port = w.place.to.port;
  const stack::HostTable& hosts = stack_.hosts();
  const auto own = hosts.address(hosts.at(w.host_id(session.host)), facts.target.is_v6());
  if (own) facts.own = *own;
  if (!session.warm_up) facts.counts = &w.counters.said;
  facts.seed = seed_of(session);
  talk_of(session).run = std::get<std::shared_ptr<const app::Role>>(w.place.kind)->make(facts);
}

void Clients::hear_dialogue(std::uint32_t index, Bytes data, Instant now) {
  Session& session = sessions_[index];
  if (session.state == State::kFinishing) return;
  first_answer(session, now - talk_of(session).started);
  app::Dialogue& dialogue = *dialogue_of(session);
  // What has been acknowledged along with these bytes is forgotten first.
  carry_out(index, dialogue.acknowledged(stack_.acknowledged(session.connection), now), now);
  if (dialogue_of(session) != &dialogue || session.connection == kNoConnection) return;
  if (session.state != State::kFinishing) carry_out(index, dialogue.take(data, now), now);
}

void Clients::carry_out(std::uint32_t index, const app::Step& step, Instant now) {
  Session& session = sessions_[index];
  if (session.state == State::kFinishing) return;
  Talk& talk = talk_of(session);
  if (session.connection != kNoConnection && step.progress != Progress::kFailed) {
    talk.announced += step.grown;
    if (step.grown > 0) stack_.extend(session.connection, step.grown);
    if (step.finish && !std::exchange(talk.finished, true)) stack_.finish(session.connection);
  }
  if (talk.conversation != stack::kNoConversation && !step.datagram.empty() && !say(index, step, now)) return;
  const bool leaving = session.state == State::kLeaving;
  switch (step.progress) {
    case Progress::kMore:
      return set_alarm(session, index);
    case Progress::kComplete:
      if (session.state == State::kTalking) return complete(index, step.verified, now);
      return set_alarm(session, index);
    case Progress::kReconnect:
      if (session.state == State::kTalking) return reconnect(index, now);
      return leaving ? close(index, now) : fail(index, Failure::kClosedWhileHeld, now);
    case Progress::kFailed:
      assert(step.failure != Failure::kCount);
      return leaving ? close(index, now) : fail(index, silence_of(session, step.failure), now);
    case Progress::kOver:
      break;
  }
  if (session.state == State::kHolding) return fail(index, Failure::kClosedWhileHeld, now);
  if (session.state == State::kTalking) {
    count_completion(session, step.verified, now);
    succeed(session);
  }
  if (session.connection == kNoConnection) return over(index, now);
  if (!step.reset) return close(index, now);
  stack_.abort(session.connection);
  over(index, now);
}

void Clients::set_alarm(const Session& session, std::uint32_t index) {
  const Instant at = dialogue_of(session)->wake_at();
  if (at.is_never()) {
    wheel_.cancel(talk_of(session).timer);
  } else {
    ring(index, at);
  }
}

// It has succeeded; what comes now cannot fail it.
void Clients::leave(std::uint32_t index, Instant now) {
  Session& session = sessions_[index];
  session.state = State::kLeaving;
  wait(index, Wait::kFinish, now);
  carry_out(index, dialogue_of(session)->leave(now), now);
}

// The old connection is left to the stack, which asks nobody for its bytes any more.
void Clients::reconnect(std::uint32_t index, Instant now) {
  Session& session = sessions_[index];
  Talk& talk = talk_of(session);
  wheel_.cancel(talk.timer);
  close_datagrams(talk);
  if (session.connection != kNoConnection) {
    const bool all_there = stack_.acknowledged(session.connection) >= talk.announced;
    if (all_there) {
      stack_.finish(session.connection);
    } else {
      stack_.abort(session.connection);
    }
  }
  session.connection = kNoConnection;
  talk.announced = talk.sent = 0;
  talk.peer_closed = talk.finished = false;
  connect(index, now);
}

}  // namespace myriad::engine
