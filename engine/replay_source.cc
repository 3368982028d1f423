#include "engine/replay_source.h"

#include <utility>

namespace myriad::engine {

void ReplaySource::end(ReplayBlock& block, std::string trouble) {
  block.last = true;
  block.trouble = std::move(trouble);
}

bool ReplaySource::open(ReplayBlock& block) {
  auto reader = capture::Reader::open(place_.plan.pcap);
  if (!reader) {
    end(block, reader.error().message());
    return false;
  }
  reader_.emplace(std::move(*reader));
  return true;
}

bool ReplaySource::begin_again(ReplayBlock& block) {
  if (auto again = reader_->rewind(); !again) {
    end(block, again.error().message());
    return false;
  }
  schedule_.again();
  return true;
}

bool ReplaySource::meet_some() {
  capture::Record record;
  for (std::uint32_t i = 0; i < kSome; ++i) {
    if (place_.plan.limit && frames_met_ >= *place_.plan.limit) return false;
    if (reader_->read(record) != capture::Step::kRecord) return false;
    if (rewriter_.meet(record)) ++frames_met_;
  }
  return true;
}

void ReplaySource::add(ReplayBlock& block, const capture::Record& record) {
  const auto made = rewriter_.make(record, block.bytes.data() + block.used);
  if (made.length == 0) {
    ++block.skipped[static_cast<std::size_t>(made.skip)];
    return;
  }
  // The time of a frame does not depend on where it leaves.
  const std::int64_t due = schedule_.next(made.length);
  ++frames_;
  if (place_.only && *place_.only != made.role) return;
  block.frames.push_back({due, static_cast<std::uint32_t>(block.used), made.length});
  block.used += made.length;
}

bool ReplaySource::read_some(ReplayBlock& block) {
  capture::Record record;
  for (std::uint32_t i = 0; i < kSome; ++i) {
    if (place_.plan.limit && frames_ >= *place_.plan.limit) {
      end(block);
      return false;
    }
    if (block.frames.size() >= ReplayBlock::kFrames || block.used >= ReplayBlock::kBytes) return false;
    switch (reader_->read(record)) {
      case capture::Step::kRecord:
        ++block.records;
        schedule_.captured(record.has_time ? std::optional{record.unix_ns} : std::nullopt);
        add(block, record);
        break;
      case capture::Step::kDamage:
        end(block, reader_->error().value().message());
        return false;
      case capture::Step::kEnd:
        ++block.loops;
        ++loops_;
        // A capture of which nothing can be sent would be read for ever.
        if ((place_.plan.loops && loops_ >= *place_.plan.loops) || frames_ == frames_before_) {
          end(block);
          return false;
        }
        frames_before_ = frames_;
        if (!begin_again(block)) return false;
        break;
    }
  }
  return true;
}

}  // namespace myriad::engine
