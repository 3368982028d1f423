// Dialogues by datagrams: opens their conversations, sends what they say, as soon as the next hop is known and the
// batch has room, and hears what comes back.
#include <cassert>
#include <utility>

#include "base/rng.h"
#include "engine/clients.h"

namespace myriad::engine {

using stack::kNoConversation;

void Clients::open_datagrams(std::uint32_t index, Instant now) {
  Session& session = sessions_[index];
  Running& w = running(session);
  Talk& talk = talk_of(session);
  const std::uint64_t luck = seed_of(session) + ++talk.openings;
  const auto conversation =
      stack_.open_datagrams(w.host_id(session.host), target_of(session), w.place.to.port, index, luck);
  if (!conversation) return fail_to_begin(index, failure_of(conversation.error()), now);
  talk.conversation = *conversation;
  session.state = State::kTalking;
  if (session.wait != Wait::kTimeout) wait(index, Wait::kTimeout, now);
  carry_out(index, dialogue_of(session)->begin(now), now);
}

void Clients::close_datagrams(Talk& talk) {
  if (talk.conversation == kNoConversation) return;
  stack_.close(std::exchange(talk.conversation, kNoConversation));
  talk.delayed.reset();
}

// While a datagram is delayed the dialogue is not asked for anything, so that the bytes of the step stay where they
// are.
bool Clients::say(std::uint32_t index, const app::Step& step, Instant now) {
  Session& session = sessions_[index];
  Talk& talk = talk_of(session);
  switch (stack_.say(talk.conversation, step.datagram, now, batch_)) {
    case stack::DatagramStatus::kSent:
      running(session).counters.bytes_tx += step.datagram.size();
      return true;
    case stack::DatagramStatus::kResolving:
      session.state = State::kResolving;
      wheel_.cancel(talk.timer);
      break;
    case stack::DatagramStatus::kNoRoom:
      ring(index, now + kRoomAgain);
      break;
  }
  talk.delayed = std::make_unique<app::Step>(step);
  return false;
}

void Clients::say_delayed(std::uint32_t index, Instant now) {
  const std::unique_ptr<app::Step> step = std::exchange(talk_of(sessions_[index]).delayed, nullptr);
  carry_out(index, *step, now);
}

void Clients::on_datagram(std::uint32_t index, const stack::Event& event, Instant now) {
  Session& session = sessions_[index];
  if (!session.talks || talk_of(session).conversation != event.conversation) return;
  Running& w = running(session);
  w.counters.target_answered = true;
  if (event.kind == stack::EventKind::kDatagramRefused) {
    return fail(index, event.reason == stack::FailReason::kRefused ? Failure::kRefused : Failure::kUnreachable, now);
  }
  w.counters.bytes_rx += event.data.size();
  if (talk_of(session).delayed) return;  // it speaks: what comes meanwhile is lost, as datagrams may be
  first_answer(session, now - talk_of(session).started);
  carry_out(index, dialogue_of(session)->take(event.data, now), now);
}

// What routers said meanwhile is the better reason.
Failure Clients::silence_of(const Session& session, Failure why) {
  const Talk& talk = talk_of(session);
  const bool open = talk.conversation != kNoConversation;
  const bool silent = why == Failure::kResponseTimeout || why == Failure::kExpectTimeout;
  return open && silent && stack_.unreachable_seen(talk.conversation) ? Failure::kUnreachable : why;
}

}  // namespace myriad::engine
