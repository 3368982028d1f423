#include "engine/replays.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace myriad::engine {

Replays::Replays(std::span<const ReplayPlace> places, std::uint32_t shard, std::uint32_t shards) {
  for (const ReplayPlace& place : places) {
    if (place.index % shards != shard) continue;
    replays_.push_back({&place, std::make_unique<ReplayFeed>(place)});
  }
}

void Replays::emit(Instant now, TxBatch& out, std::uint32_t keep) {
  now_ = now;
  if (replays_.empty()) return;
  // In turn, so that none that goes as fast as it can takes all the room.
  first_ = (first_ + 1) % replays_.size();
  for (std::size_t i = 0; i < replays_.size(); ++i) {
    Replay& replay = replays_[(first_ + i) % replays_.size()];
    if (!replay.over && now >= replay.next) send(replay, now, out, keep);
  }
}

void Replays::send(Replay& replay, Instant now, TxBatch& out, std::uint32_t keep) {
  const auto& duration = replay.place->plan.duration;
  const bool timed = replay.place->plan.speed.kind != plan::ReplaySpeedKind::kMax;
  const ReplayBlock* block = nullptr;
  while (const ReplayBlock::Frame* const frame = front(replay, block, now)) {
    const Instant due = *replay.begun + Duration{frame->due_ns};
    if (duration && (Duration{frame->due_ns} >= *duration || now - *replay.begun >= *duration)) return end(replay);
    replay.next = due;
    if (due > now) return;
    if (out.room() <= keep) {
      replay.next = now + kLookAgain;
      return;
    }
    std::memcpy(out.open().data(), block->bytes.data() + frame->at, frame->length);
    out.commit(frame->length);
    ++replay.at;
    ReplayCounters& counters = replay.counters;
    ++counters.frames_tx;
    counters.bytes_tx += frame->length;
    if (!timed) continue;
    const Duration late = now - due;
    counters.lateness.record(static_cast<std::uint64_t>(late.count()));
    if (late > kLate) ++counters.frames_late;
  }
}

const ReplayBlock::Frame* Replays::front(Replay& replay, const ReplayBlock*& block, Instant now) {
  for (;;) {
    block = replay.feed->front();
    if (block == nullptr) {
      replay.next = now + kLookAgain;
      return nullptr;
    }
    if (!replay.begun && !begin(replay, now)) return nullptr;
    if (!replay.front_counted) count(replay, *block);
    if (replay.at < block->frames.size()) return &block->frames[replay.at];
    if (block->last) {
      end(replay);
      return nullptr;
    }
    replay.feed->next();
    replay.at = 0;
    replay.front_counted = false;
  }
}

bool Replays::begin(Replay& replay, Instant now) {
  if (ReplayStart* const together = replay.place->together) {
    if (!std::exchange(replay.ready, true)) together->ready(now);
    replay.begun = together->begun();
    if (!replay.begun) {
      replay.next = now + kLookAgain;
      return false;
    }
  } else {
    replay.begun = now;
  }
  replay.counters.begun_ns = replay.begun->ns;
  return true;
}

void Replays::count(Replay& replay, const ReplayBlock& block) {
  ReplayCounters& counters = replay.counters;
  replay.front_counted = true;
  if (!block.trouble.empty()) counters.trouble = block.trouble;
  // What is read for two ports is counted by one.
  if (replay.place->only == craft::Role::kAnswers) return;
  counters.frames_read += block.records;
  for (std::size_t i = 0; i < block.skipped.size(); ++i) counters.skipped[i] += block.skipped[i];
  counters.loops += block.loops;
  counters.sources = block.sources;
}

// The thread is told, but waited for by the destructor alone: it may be reading.
void Replays::end(Replay& replay) {
  replay.over = true;
  replay.counters.ended_ns = now_.ns;
  replay.feed->stop();
}

Instant Replays::next_deadline() const {
  Instant next = Instant::never();
  for (const Replay& replay : replays_) {
    if (!replay.over) next = std::min(next, replay.next);
  }
  return next;
}

bool Replays::finished() const {
  return std::none_of(replays_.begin(), replays_.end(), [](const Replay& replay) { return !replay.over; });
}

void Replays::stop() {
  for (Replay& replay : replays_) {
    if (!replay.over) end(replay);
  }
}

void Replays::write_counters(std::vector<ReplayCounters>& out) const {
  for (const Replay& replay : replays_) {
    if (out.size() <= replay.place->index) out.resize(replay.place->index + 1);
    out[replay.place->index] = replay.counters;
  }
}

}  // namespace myriad::engine
