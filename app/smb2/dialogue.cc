// The carrying of messages: what is sent and remembered, what comes back and whether it may be believed.
#include "app/smb2/dialogue.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "app/smb2/status.h"
#include "app/smb2/work.h"

namespace myriad::app::smb2 {

Smb2Dialogue::Smb2Dialogue(const Smb2Role& role, const SessionFacts& facts) : role_(role) {
  work().facts = facts;
  work().luck = Rng{facts.seed};
}

Smb2Dialogue::~Smb2Dialogue() = default;

Smb2Dialogue::Work& Smb2Dialogue::work() {
  if (!work_) work_ = std::make_unique<Work>();
  return *work_;
}

void Smb2Dialogue::fail(Failure why) {
  if (!failed()) work().failure = why;
}
bool Smb2Dialogue::failed() const { return work_ && work_->failure != Failure::kCount; }

// --- the owner's side ------------------------------------------------------------------------------------------------

Step Smb2Dialogue::outcome([[maybe_unused]] Instant now) {
  Step step;
  if (!work_) return step;
  if (failed() && !leaving_) return Step::failed(work_->failure);
  step.grown = std::exchange(work_->grown, 0);
  if (operation_ == Operation::kDone && !complete_) {
    complete_ = true;
    step.progress = Progress::kComplete;
    step.verified = verified_;
  }
  if (leaving_ && (work_->over || failed())) step.progress = Progress::kOver;
  const bool resting = complete_ && !leaving_ && work_->outbox.empty() && work_->asked.empty() && work_->reader.idle();
  if (resting) work_.reset();
  return step;
}

Step Smb2Dialogue::begin(Instant now) {
  ask_negotiate();
  return outcome(now);
}

Step Smb2Dialogue::take(Bytes data, Instant now) {
  heard_ = true;
  Work& w = work();
  while (!failed() && !w.over) {
    const Reader::Piece piece = w.reader.next(data);
    switch (piece.kind) {
      case Reader::Kind::kNothing:
        return outcome(now);
      case Reader::Kind::kMalformed:
        fail(Failure::kSmb2Malformed);
        break;
      case Reader::Kind::kMessage:
        hear_message(piece.bytes, now);
        break;
      case Reader::Kind::kReadBegins:
        hear_read_begin(piece.bytes);
        break;
      case Reader::Kind::kReadBytes:
        hear_read_bytes(piece.bytes, piece.data);
        break;
      case Reader::Kind::kReadEnds:
        hear_read_end();
        break;
    }
  }
  return outcome(now);
}

Step Smb2Dialogue::peer_closed([[maybe_unused]] Instant now) {
  if (!leaving_) return Step::failed(complete_ ? Failure::kClosedWhileHeld : Failure::kClosedEarly);
  Step step;
  step.progress = Progress::kOver;
  return step;
}

// An echo is sent from time to time, but not while one is unanswered.
Step Smb2Dialogue::on_time(Instant now) {
  if (now < wake_at_ || !complete_ || leaving_) return {};
  wake_at_ = now + role_.options().echo;
  if (work_ && !work_->asked.empty()) {
    const Instant patience_ends = echoed_at_ + kEchoPatience;
    if (now >= patience_ends) return Step::failed(Failure::kResponseTimeout);
    wake_at_ = std::min(wake_at_, patience_ends);
    return {};
  }
  echoed_at_ = now;
  if (can_ask()) ask_empty(Command::kEcho);
  return outcome(now);
}

Step Smb2Dialogue::leave(Instant now) {
  leaving_ = true;
  wake_at_ = Instant::never();
  if (can_ask()) ask_empty(Command::kTreeDisconnect);
  return outcome(now);
}

Step Smb2Dialogue::acknowledged(std::uint64_t upto, Instant now) {
  if (!work_) return {};
  const std::uint64_t first = sent_ - work_->outbox.size();
  if (upto > first) work_->outbox.drop(static_cast<std::uint32_t>(std::min(upto, sent_) - first));
  return outcome(now);
}

void Smb2Dialogue::read(std::uint64_t offset, MutableBytes out) const {
  assert(work_ && offset >= sent_ - work_->outbox.size() && offset + out.size() <= sent_);
  work_->outbox.copy(static_cast<std::uint32_t>(offset - (sent_ - work_->outbox.size())), out);
}

// --- asking ----------------------------------------------------------------------------------------------------------

bool Smb2Dialogue::can_ask() {
  if (credits_ > 0) return true;
  fail(Failure::kSmb2NoCredits);
  return false;
}

// [MS-SMB2] 3.2.4.1.1: everything when the session signs; with 3.1.1 the tree connect of anybody who has a key.
bool Smb2Dialogue::signs(Command command) const {
  return keyed_ && (signing_ || (dialect_ == Dialect::k311 && command == Command::kTreeConnect));
}

std::uint64_t Smb2Dialogue::begin_request(Frame& frame, Command command, std::uint32_t charge, std::uint32_t flags) {
  assert(charge >= 1 && charge <= credits_);
  credits_ -= charge;
  Header header;
  header.command = command;
  header.credit_charge = static_cast<std::uint16_t>(large_mtu_ ? charge : 0);
  header.credits = static_cast<std::uint16_t>(charge + kWantedCredits - std::min(credits_, kWantedCredits));
  header.flags = flags | (signs(command) ? flag::kSigned : 0);
  header.message = next_message_;
  header.session = session_;
  header.tree = tree_;
  next_message_ += charge;
  frame.begin(header);
  return header.message;
}

void Smb2Dialogue::ask(Frame& frame, Command command, std::uint32_t flags) {
  work().asked.push_back({begin_request(frame, command, 1, flags), command});
}

void Smb2Dialogue::send(Frame& frame) {
  frame.end();
  if (keyed_) frame.for_each_signed([this](MutableBytes message) { sign(key_, dialect_, message); });
  Work& w = work();
  if (!w.outbox.append(frame.bytes(), kMostUnacknowledged)) return fail(Failure::kSmb2Malformed);
  sent_ += frame.bytes().size();
  w.grown += frame.bytes().size();
}

void Smb2Dialogue::ask_empty(Command command) {
  Frame frame;
  ask(frame, command);
  write_empty(frame);
  send(frame);
}

// --- hearing ---------------------------------------------------------------------------------------------------------

void Smb2Dialogue::add_credits(std::uint16_t granted) { credits_ = std::min(credits_ + granted, 0xffffU); }

// Of a message that has come whole. A session setup is judged when its key is known.
bool Smb2Dialogue::is_authentic(Bytes body) {
  const Header& header = work_->reader.header();
  if (!keyed_) return true;
  if ((header.flags & flag::kSigned) == 0) return !signing_ || header.status == kStatusPending;
  Signer signer{key_, dialect_};
  signer.add_header(work_->reader.header_bytes());
  signer.add(body);
  return same(signer.finish(), header.signature);
}

void Smb2Dialogue::hear_message(Bytes body, Instant now) {
  Work& w = *work_;
  const Header header = w.reader.header();
  if (header.message == kNoMessage) return;  // what nobody asked for, and we have no oplocks to break
  const auto by_message = [&](const auto& what) { return what.message == header.message; };
  const auto asked = std::find_if(w.asked.begin(), w.asked.end(), by_message);
  const auto range =
      std::find_if(w.ranges.begin(), w.ranges.end(), [&](const Range& r) { return r.asked != 0 && by_message(r); });
  const bool is_range = range != w.ranges.end();
  const Command moves = operation_ == Operation::kPut ? Command::kWrite : Command::kRead;
  if (is_range ? header.command != moves : asked == w.asked.end() || header.command != asked->command) {
    return fail(Failure::kSmb2Malformed);
  }
  if (!is_authentic(body)) return fail(Failure::kSmb2Signature);
  add_credits(header.credits);
  if (header.status == kStatusPending) return;  // the answer itself is still to come
  if (is_range) {
    range->asked = 0;
    if (moves == Command::kRead) {
      on_read_refused(*range, header.status);
    } else if (header.status != kStatusSuccess) {
      fail(failure_of_status(header.status));
    } else {
      on_write(*range, body);
    }
    return;
  }
  w.asked.erase(asked);
  dispatch(header.command, body, now);
}

void Smb2Dialogue::dispatch(Command command, Bytes body, Instant now) {
  const std::uint32_t status = work_->reader.header().status;
  if (leaving_) {  // whatever the server says to a goodbye, it is one
    if (command == Command::kTreeDisconnect && can_ask()) ask_empty(Command::kLogoff);
    if (command == Command::kLogoff) work_->over = true;
    return;
  }
  const bool goes_on = status == kStatusSuccess ||
                       (command == Command::kSessionSetup && status == kStatusMoreProcessing) ||
                       (command == Command::kQueryDirectory && status == kStatusNoMoreFiles);
  if (!goes_on) return fail(failure_of_status(status));
  switch (command) {
    case Command::kNegotiate:
      return on_negotiate(body);
    case Command::kSessionSetup:
      return on_session_setup(body);
    case Command::kTreeConnect:
      return on_tree_connect(body, now);
    case Command::kCreate:
      return on_create(body);
    case Command::kQueryInfo:
      return on_query_info(body);
    case Command::kQueryDirectory:
      return on_query_directory(body);
    case Command::kClose:
      return on_close(body, now);
    case Command::kEcho:
      if (!is_empty(body)) fail(Failure::kSmb2Malformed);
      return;
    default:
      return fail(Failure::kSmb2Malformed);
  }
}

// --- the data of a read ----------------------------------------------------------------------------------------------

void Smb2Dialogue::hear_read_begin(Bytes fixed) {
  Work& w = *work_;
  const Header& header = w.reader.header();
  const auto range = std::find_if(w.ranges.begin(), w.ranges.end(),
                                  [&](const Range& r) { return r.asked != 0 && r.message == header.message; });
  const bool wanted = operation_ == Operation::kGet && range != w.ranges.end();
  if (!wanted || w.reader.read().data_length > range->asked || w.reader.read().data_length == 0) {
    return fail(Failure::kSmb2Malformed);
  }
  w.reading = static_cast<std::size_t>(range - w.ranges.begin());
  w.signer.reset();
  if (!keyed_) return;
  if ((header.flags & flag::kSigned) == 0) {
    if (signing_) fail(Failure::kSmb2Signature);
    return;
  }
  w.signer.emplace(key_, dialect_);
  w.signer->add_header(w.reader.header_bytes());
  w.signer->add(fixed);
}

void Smb2Dialogue::hear_read_bytes(Bytes bytes, bool data) {
  Work& w = *work_;
  if (w.signer) w.signer->add(bytes);
  if (!data) return;
  w.moved += bytes.size();
  if (!w.digest) return;
  if (w.reading == 0) {
    w.digest->add(bytes);
  } else {
    std::vector<std::uint8_t>& early = w.ranges[w.reading].early;
    early.insert(early.end(), bytes.begin(), bytes.end());
  }
}

void Smb2Dialogue::hear_read_end() {
  Work& w = *work_;
  if (w.signer && !same(w.signer->finish(), w.reader.header().signature)) return fail(Failure::kSmb2Signature);
  w.signer.reset();
  add_credits(w.reader.header().credits);
  Range& range = w.ranges[w.reading];
  range.offset += w.reader.read().data_length;
  range.left -= w.reader.read().data_length;
  range.asked = 0;
  after_range();
}

}  // namespace myriad::app::smb2
