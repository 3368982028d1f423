#include "stack/tcp/scoreboard.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace myriad::tcp {

void Scoreboard::restart(SeqNum una) {
  first_ = end_ = lost_from_ = settled_ = 0;
  oldest_ = newest_ = kNone;
  una_ = una;
  sacked_bytes_ = lost_bytes_ = counted_bytes_ = sacked_segments_ = 0;
  duplicates_ = 0;
  told_ = {};
  // Its stamps are of 32 bits: after half an hour of silence what is old would look new.
  rack_.known = rack_.forward_known = rack_.widened = false;
  if (capacity_ > 64) {  // a long fat transfer's memory is not kept for small talk
    ring_.reset();
    capacity_ = 0;
  }
}

void Scoreboard::renew() {
  restart(una_);
  rack_ = {};
}

void Scoreboard::grow() {
  const std::uint32_t capacity = std::max<std::uint32_t>(4, capacity_ * 2);
  auto ring = std::make_unique_for_overwrite<Sent[]>(capacity);
  const auto moved = [&](Place place) {
    return place == kNone ? kNone : static_cast<Place>(number_at(place) & (capacity - 1));
  };
  for (std::uint32_t number = first_; number != end_; ++number) {
    Sent& to = ring[number & (capacity - 1)] = at(number);
    to.older = moved(to.older);
    to.newer = moved(to.newer);
  }
  oldest_ = moved(oldest_);
  newest_ = moved(newest_);
  ring_ = std::move(ring);
  capacity_ = capacity;
}

void Scoreboard::sent(SeqNum end, std::uint32_t now_us) {
  if (segments() == capacity_) grow();
  const std::uint32_t number = end_++;
  Sent& segment = at(number);
  segment.end = end;
  segment.sent_us = now_us;
  segment.flags = 0;
  list(number);
}

void Scoreboard::list(std::uint32_t number) {
  Sent& segment = at(number);
  segment.flags |= kListed;
  segment.newer = kNone;
  segment.older = newest_;
  (newest_ == kNone ? oldest_ : ring_[newest_].newer) = place_of(number);
  newest_ = place_of(number);
}

void Scoreboard::unlist(std::uint32_t number) {
  Sent& segment = at(number);
  if ((segment.flags & kListed) == 0) return;
  segment.flags = static_cast<std::uint8_t>(segment.flags & ~kListed);
  (segment.older == kNone ? oldest_ : ring_[segment.older].newer) = segment.newer;
  (segment.newer == kNone ? newest_ : ring_[segment.newer].older) = segment.older;
}

std::uint32_t Scoreboard::holding(SeqNum seq) const {
  const std::uint32_t distance = seq.since(una_);
  std::uint32_t low = first_;
  std::uint32_t left = segments();
  while (left > 0) {
    const std::uint32_t half = left / 2;
    if (at(low + half).end.since(una_) <= distance) {
      low += half + 1;
      left -= half + 1;
    } else {
      left = half;
    }
  }
  return low;
}

Scoreboard::Again Scoreboard::first_lost(std::uint32_t most) {
  assert(lost_bytes_ > 0);
  while ((at(lost_from_).flags & kLost) == 0) ++lost_from_;
  Again run{begin_of(lost_from_), length_of(lost_from_)};
  for (std::uint32_t number = lost_from_ + 1; run.length < most && number != end_; ++number) {
    if ((at(number).flags & kLost) == 0) break;
    run.length += length_of(number);
  }
  run.length = std::min(run.length, most);
  return run;
}

std::optional<Scoreboard::Again> Scoreboard::last() const {
  if (empty()) return std::nullopt;
  return Again{begin_of(end_ - 1), length_of(end_ - 1)};
}

// Makes room for one more segment behind `number`. Rare: a segment is cut only when the path's MTU or the peer's window
// has become smaller.
void Scoreboard::insert_behind(std::uint32_t number, Sent segment) {
  if (segments() == capacity_) grow();
  for (std::uint32_t to = end_; to != number + 1; --to) {
    Sent& moved = at(to) = at(to - 1);
    if ((moved.flags & kListed) == 0) continue;
    (moved.older == kNone ? oldest_ : ring_[moved.older].newer) = place_of(to);
    (moved.newer == kNone ? newest_ : ring_[moved.newer].older) = place_of(to);
  }
  ++end_;
  const auto shift = [number](std::uint32_t& place) {
    if (place - number - 1 < kMostSegments) ++place;
  };
  shift(highest_sacked_);
  shift(settled_);
  at(number + 1) = segment;
  at(number + 1).flags = static_cast<std::uint8_t>(segment.flags & ~kListed);
}

void Scoreboard::split(std::uint32_t number, std::uint32_t length) {
  if (length == 0 || length >= length_of(number) || full()) return;
  const bool listed = (at(number).flags & kListed) != 0;
  insert_behind(number, at(number));
  at(number).end = begin_of(number) + length;
  if (!listed) return;
  // The rest was sent at the same time: it comes right behind in the list.
  Sent& rest = at(number + 1);
  Sent& part = at(number);
  rest.flags |= kListed;
  rest.older = place_of(number);
  rest.newer = part.newer;
  (part.newer == kNone ? newest_ : ring_[part.newer].older) = place_of(number + 1);
  part.newer = place_of(number + 1);
}

void Scoreboard::sent_again(SeqNum seq, std::uint32_t length, std::uint32_t now_us) {
  std::uint32_t number = holding(seq);
  assert(number != end_ && begin_of(number) == seq && "only what is on its way is sent again");
  for (const SeqNum end = seq + length; number != end_ && begin_of(number).before(end); ++number) {
    split(number, end.since(begin_of(number)));
    Sent& segment = at(number);
    if ((segment.flags & kLost) != 0) lost_bytes_ -= length_of(number);
    unlist(number);
    segment.flags = static_cast<std::uint8_t>((segment.flags & ~kLost) | kResent);
    segment.sent_us = now_us;
    if ((segment.flags & kSacked) == 0) list(number);
  }
}

// RFC 8985 section 6.2, steps 1 to 3, for one segment.
void Scoreboard::delivered(std::uint32_t number, const AckTime& time, AckNews& news) {
  const Sent& segment = at(number);
  const std::uint32_t rtt = std::max<std::uint32_t>(1, time.now_us - segment.sent_us);
  const bool resent = (segment.flags & kResent) != 0;
  news.delivered += length_of(number);
  // Karn: what was sent twice measures nothing, unless the timestamp says that it was the last sending that arrived.
  // Its clock ticks in milliseconds.
  const bool echoed = time.echo_age_us && *time.echo_age_us <= rtt + 1000;
  if (resent && !echoed) {
    news.ambiguous = true;
  } else if (!news.rtt_us || (resent && !news.echoed)) {
    news.rtt_us = rtt;
    news.echoed = resent;
  }
  if (!resent) {
    rack_.min_rtt_us = rack_.min_rtt_us == 0 ? rtt : std::min(rack_.min_rtt_us, rtt);
  }
  if (!rack_.forward_known || segment.end.after(rack_.forward)) {
    rack_.forward = segment.end;
    rack_.forward_known = true;
  } else if (segment.end.before(rack_.forward) && !resent) {
    rack_.reordering_seen = true;
  }
  // Was it the first sending that arrived? Then this says nothing about the second.
  if (resent && (rtt < rack_.min_rtt_us || (time.echo_age_us && !echoed))) return;
  rack_.rtt_us = rtt;
  if (!rack_.known || sent_after(segment.sent_us, segment.end, rack_.sent_us, rack_.end)) {
    rack_.sent_us = segment.sent_us;
    rack_.end = segment.end;
    rack_.known = true;
  }
}

void Scoreboard::acknowledge(SeqNum una, const AckTime& time, AckNews& news) {
  while (first_ != end_ && !at(first_).end.after(una)) {
    const Sent& segment = at(first_);
    const std::uint32_t length = length_of(first_);
    if ((segment.flags & kSacked) != 0) {
      sacked_bytes_ -= length;
      --sacked_segments_;
    } else {
      delivered(first_, time, news);
    }
    if ((segment.flags & kLost) != 0) lost_bytes_ -= length;
    unlist(first_);
    una_ = segment.end;
    ++first_;
  }
  if (first_ != end_ && una.after(una_)) {  // a part of a segment
    const std::uint32_t part = una.since(una_);
    const std::uint8_t flags = at(first_).flags;
    if ((flags & kLost) != 0) lost_bytes_ -= part;
    (flags & kSacked) != 0 ? sacked_bytes_ -= part : news.delivered += part;
  }
  una_ = una;
  for (auto& told : told_) {  // the same numbers come again
    if (!told.right.after(una_)) told = {};
  }
  // What was sent once was perhaps waiting for what was sent again.
  if (news.ambiguous && !news.echoed) news.rtt_us.reset();
  if (first_ - lost_from_ < kMostSegments * 2) lost_from_ = first_;
  if (first_ - settled_ < kMostSegments * 2) settled_ = first_;
}

void Scoreboard::acknowledge_selectively(SeqNum left, SeqNum right, const AckTime& time, AckNews& news) {
  SeqNum from = left;
  auto* place = &told_[told_next_];
  for (auto& told : told_) {
    if (told.left != left || told.left == told.right) continue;
    if (!right.after(told.right)) return;
    from = told.right;
    place = &told;
  }
  if (place == &told_[told_next_]) told_next_ = (told_next_ + 1) & 3;
  *place = {left, right};
  if (from.before(una_)) from = una_;
  for (std::uint32_t number = holding(from); number != end_; ++number) {
    if (begin_of(number).before(left)) continue;  // only a part of it
    Sent& segment = at(number);
    if (segment.end.after(right)) return;
    if ((segment.flags & kSacked) != 0) continue;
    delivered(number, time, news);
    const std::uint32_t length = length_of(number);
    if ((segment.flags & kLost) != 0) lost_bytes_ -= length;
    unlist(number);
    segment.flags = static_cast<std::uint8_t>((segment.flags & ~kLost) | kSacked);
    sacked_bytes_ += length;
    if (sacked_segments_++ == 0 || number - first_ > highest_sacked_ - first_) highest_sacked_ = number;
    news.selective = true;
  }
}

void Scoreboard::count_duplicate(std::uint32_t bytes) {
  if (duplicates_ < 255) ++duplicates_;
  counted_bytes_ += bytes;
}

void Scoreboard::forget_duplicates(bool stay, std::uint32_t acknowledged, std::uint32_t mss) {
  duplicates_ = 0;
  // One segment of those acknowledged is the one that was sent again; the others had been counted.
  const std::uint32_t explained = acknowledged > mss ? acknowledged - mss : 0;
  counted_bytes_ = stay && counted_bytes_ > explained ? counted_bytes_ - explained : 0;
}

void Scoreboard::lose(std::uint32_t number) {
  Sent& segment = at(number);
  unlist(number);
  segment.flags |= kLost;
  lost_bytes_ += length_of(number);
  if (number - first_ < lost_from_ - first_) lost_from_ = number;
}

bool Scoreboard::detect_by_sack(std::uint32_t mss) {
  if (sacked_segments_ == 0) return false;
  // From above: where DupThresh ranges, or more than DupThresh - 1 full segments, have arrived beyond, all else is
  // lost.
  std::uint32_t ranges = 0;
  std::uint32_t bytes = 0;
  std::uint32_t number = highest_sacked_ + 1;
  bool inside = false;
  while (number != first_ && ranges < kDuplicateThreshold && bytes <= (kDuplicateThreshold - 1U) * mss) {
    --number;
    const bool sacked = (at(number).flags & kSacked) != 0;
    if (sacked) bytes += length_of(number);
    if (sacked && !inside) ++ranges;
    inside = sacked;
  }
  if (ranges < kDuplicateThreshold && bytes <= (kDuplicateThreshold - 1U) * mss) return false;
  bool found = false;
  for (; settled_ - first_ < number - first_; ++settled_) {
    if ((at(settled_).flags & (kSacked | kLost | kResent)) != 0) continue;
    lose(settled_);
    found = true;
  }
  return found;
}

bool Scoreboard::lose_first() {
  if (empty() || (at(first_).flags & (kSacked | kLost)) != 0) return false;
  lose(first_);
  return true;
}

void Scoreboard::lose_all() {
  for (std::uint32_t number = first_; number != end_; ++number) {
    if ((at(number).flags & (kSacked | kLost)) == 0) lose(number);
  }
  counted_bytes_ = 0;
  duplicates_ = 0;
}

void Scoreboard::lose_longer_than(std::uint32_t length) {
  for (std::uint32_t number = first_; number != end_; ++number) {
    if ((at(number).flags & kSacked) != 0 || length_of(number) <= length) continue;
    if ((at(number).flags & kLost) == 0) lose(number);
  }
}

bool Scoreboard::reneged() const { return !empty() && (at(first_).flags & kSacked) != 0; }

void Scoreboard::forget_sacks() {
  for (std::uint32_t number = first_; number != end_; ++number) {
    Sent& segment = at(number);
    if ((segment.flags & kSacked) == 0) continue;
    segment.flags = static_cast<std::uint8_t>(segment.flags & ~kSacked);
    list(number);
  }
  sacked_bytes_ = sacked_segments_ = 0;
  settled_ = first_;
  told_ = {};
}

// RFC 8985 section 6.2.4.
std::uint32_t Scoreboard::reordering_window_us(bool recovering, std::uint32_t srtt_us) const {
  if (!rack_.reordering_seen && (recovering || sacked_segments_ >= kDuplicateThreshold)) return 0;
  return std::min(rack_.steps * (rack_.min_rtt_us / 4), srtt_us);
}

// RFC 8985 section 6.2.5.
bool Scoreboard::detect_by_time(std::uint32_t now_us, bool recovering, std::uint32_t srtt_us, std::uint32_t& wait_us) {
  wait_us = 0;
  if (!rack_.known) return false;
  const std::uint32_t patience = rack_.rtt_us + reordering_window_us(recovering, srtt_us);
  bool found = false;
  for (Place place = oldest_; place != kNone;) {
    const Sent& segment = ring_[place];
    const Place newer = segment.newer;
    if (!sent_after(rack_.sent_us, rack_.end, segment.sent_us, segment.end)) break;
    const auto remaining = static_cast<std::int32_t>(segment.sent_us + patience - now_us);
    if (remaining <= 0) {
      lose(number_at(place));
      found = true;
    } else {
      wait_us = std::max(wait_us, static_cast<std::uint32_t>(remaining));
    }
    place = newer;
  }
  return found;
}

void Scoreboard::widen_reordering_window(SeqNum una, SeqNum next) {
  if (rack_.widened && una.before(rack_.round_end)) return;  // once a round trip
  rack_.widened = true;
  rack_.round_end = next;
  if (rack_.steps < 255) ++rack_.steps;
  rack_.persist = 16;
}

void Scoreboard::recovered() {
  if (rack_.persist > 0 && --rack_.persist == 0) rack_.steps = 1;
}

}  // namespace myriad::tcp
