#include "app/script.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

namespace myriad::app {
namespace {

// The failure function of Knuth, Morris and Pratt.
std::vector<std::uint32_t> borders_of(const std::string& text) {
  std::vector<std::uint32_t> borders(text.size(), 0);
  std::uint32_t length = 0;
  for (std::size_t i = 1; i < text.size(); ++i) {
    while (length > 0 && text[i] != text[length]) length = borders[length - 1];
    if (text[i] == text[length]) ++length;
    borders[i] = length;
  }
  return borders;
}

}  // namespace

Script::Script(const std::vector<ScriptStep>& steps, std::uint64_t seed, Transport transport)
    : pattern_(seed), transport_(transport) {
  for (const ScriptStep& step : steps) {
    if (resets_) break;
    std::visit(
        [this](const auto& s) {
          using S = std::decay_t<decltype(s)>;
          if constexpr (std::is_same_v<S, SendText>) {
            add_send(s.text.size(), s.text);
          } else if constexpr (std::is_same_v<S, SendBytes>) {
            add_send(s.count, {});
          } else if constexpr (std::is_same_v<S, ExpectText>) {
            if (!s.text.empty()) steps_.push_back({Kind::kExpectText, s.text.size(), s.text, borders_of(s.text), {}});
          } else if constexpr (std::is_same_v<S, ExpectBytes>) {
            if (s.count != 0) steps_.push_back({Kind::kExpectBytes, s.count, {}, {}, {}});
          } else if constexpr (std::is_same_v<S, ExpectMatch>) {
            steps_.push_back({Kind::kExpectMatch, 0, {}, {}, s.regex});
          } else if constexpr (std::is_same_v<S, Sleep>) {
            steps_.push_back({Kind::kSleep, static_cast<std::uint64_t>(s.time.count()), {}, {}, {}});
          } else if constexpr (std::is_same_v<S, ResetStream>) {
            resets_ = true;
            steps_.push_back({Kind::kReset, 0, {}, {}, {}});
          } else if (!closes_) {
            closes_ = true;
            steps_.push_back({Kind::kClose, 0, {}, {}, {}});
          }
        },
        step);
  }
}

void Script::add_send(std::uint64_t count, std::string text) {
  if (closes_ || count == 0) return;
  const std::uint64_t begin = sends_bytes();
  steps_.push_back({Kind::kSend, count, {}, {}, {}});
  sends_.push_back({begin, begin + count, std::move(text)});
}

void Script::read(std::uint64_t offset, MutableBytes out) const {
  auto send = std::upper_bound(sends_.begin(), sends_.end(), offset,
                               [](std::uint64_t at, const Send& s) { return at < s.end; });
  for (; send != sends_.end() && !out.empty(); ++send) {
    const std::uint64_t within = offset - send->begin;
    const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), send->end - offset));
    if (send->text.empty()) {
      pattern_.fill(within, out.first(piece));
    } else {
      std::memcpy(out.data(), send->text.data() + within, piece);
    }
    offset += piece;
    out = out.subspan(piece);
  }
}

ScriptDialogue::Kept& ScriptDialogue::kept() {
  if (!kept_) kept_ = std::make_unique<Kept>();
  return *kept_;
}

Step ScriptDialogue::begin(Instant now) { return go_on({}, now); }

Step ScriptDialogue::take(Bytes data, Instant now) {
  if (step_ == script_.steps_.size()) return {};
  if (!wake_at_.is_never()) {
    std::vector<std::uint8_t>& late = kept().late;
    late.insert(late.end(), data.begin(), data.end());
    if (late.size() > Script::kMostKept) {
      late.erase(late.begin(), late.end() - static_cast<std::ptrdiff_t>(Script::kMostKept));
    }
    return {};
  }
  return go_on(data, now);
}

Step ScriptDialogue::on_time(Instant now) {
  if (now < wake_at_) return {};
  wake_at_ = Instant::never();
  if (script_.steps_[step_].kind == Script::Kind::kSleep) next_step();
  std::vector<std::uint8_t> late;
  if (kept_) late.swap(kept_->late);
  return go_on(late, now);
}

Step ScriptDialogue::peer_closed([[maybe_unused]] Instant now) {
  if (step_ == script_.steps_.size()) return {};
  // What is still to be said can be said; what is still expected does not come.
  const auto expects = [](const Script::Step& step) {
    return step.kind == Script::Kind::kExpectText || step.kind == Script::Kind::kExpectMatch ||
           step.kind == Script::Kind::kExpectBytes;
  };
  if (kept_ && !kept_->late.empty()) return {};  // it may have come already
  const auto left = script_.steps_.begin() + static_cast<std::ptrdiff_t>(step_);
  if (std::none_of(left, script_.steps_.end(), expects)) return {};
  return Step::failed(Failure::kClosedEarly);
}

Step ScriptDialogue::acknowledged(std::uint64_t upto, [[maybe_unused]] Instant now) {
  acknowledged_ = std::max(acknowledged_, upto);
  return end({});
}

Failure ScriptDialogue::impatience() const {
  return step_ < script_.steps_.size() ? Failure::kExpectTimeout : Failure::kTimeout;
}

void ScriptDialogue::next_step() {
  progress_ = 0;
  ++step_;
}

Step ScriptDialogue::go_on(Bytes data, Instant now) {
  Step step;
  const bool datagrams = script_.transport_ == Transport::kDatagrams;
  while (step_ < script_.steps_.size()) {
    const Script::Step& current = script_.steps_[step_];
    switch (current.kind) {
      case Script::Kind::kSend:
        if (!step.datagram.empty()) {  // one at a time
          wake_at_ = now;
          if (!data.empty()) kept().late.assign(data.begin(), data.end());
          return step;
        }
        send(step);
        break;
      case Script::Kind::kClose:
        step.finish = true;
        break;
      case Script::Kind::kReset:
        break;
      case Script::Kind::kSleep:
        wake_at_ = now + Duration{static_cast<std::int64_t>(current.count)};
        if (!data.empty()) kept().late.assign(data.begin(), data.end());
        return step;
      default:
        if (expect(data)) break;
        if (datagrams && current.kind != Script::Kind::kExpectBytes) progress_ = 0;
        if (datagrams && kept_) kept_->window.clear();
        return step;
    }
    next_step();
  }
  return end(step);
}

// A script has been played when it is at its end and the peer has all that it sent.
Step ScriptDialogue::end(Step step) {
  if (step_ < script_.steps_.size()) return step;
  const bool all_there = script_.transport_ == Transport::kDatagrams || acknowledged_ >= script_.sends_bytes();
  if (!all_there) return step;
  if (script_.resets_) {
    step.progress = Progress::kOver;
    step.reset = true;
  } else {
    step.progress = Progress::kComplete;
  }
  return step;
}

void ScriptDialogue::send(Step& step) {
  const std::uint64_t count = script_.steps_[step_].count;
  if (script_.transport_ == Transport::kDatagrams) {
    std::vector<std::uint8_t>& datagram = kept().datagram;
    datagram.resize(count);
    script_.read(sent_, datagram);
    step.datagram = datagram;
  } else {
    step.grown += count;
  }
  sent_ += count;
}

bool ScriptDialogue::expect(Bytes& data) {
  const Script::Step& step = script_.steps_[step_];
  if (step.kind == Script::Kind::kExpectMatch) return expect_match(data);
  if (step.kind == Script::Kind::kExpectBytes) {
    const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(step.count - progress_, data.size()));
    data = data.subspan(piece);
    progress_ += piece;
    return progress_ == step.count;
  }
  std::size_t used = 0;
  while (used < data.size() && progress_ < step.count) {
    const char c = static_cast<char>(data[used++]);
    while (progress_ > 0 && c != step.text[progress_]) progress_ = step.borders[progress_ - 1];
    if (c == step.text[progress_]) ++progress_;
  }
  data = data.subspan(used);
  return progress_ == step.count;
}

// In pieces of a window at most, so that what is searched is never longer than two.
bool ScriptDialogue::expect_match(Bytes& data) {
  const Regex& regex = *script_.steps_[step_].regex;
  if (data.empty()) return false;
  std::vector<std::uint8_t>& window = kept().window;
  // Once something has been forgotten, one byte more is kept, so that `^` is the beginning and no other place.
  while (!data.empty()) {
    const std::size_t before = window.size();
    const Bytes piece = data.first(std::min(data.size(), Script::kWindow));
    window.insert(window.end(), piece.begin(), piece.end());
    if (const auto end = regex.find_end(window, progress_)) {
      data = data.subspan(*end > before ? *end - before : 0);
      window.clear();
      return true;
    }
    data = data.subspan(piece.size());
    if (window.size() > Script::kWindow) {
      window.erase(window.begin(), window.end() - static_cast<std::ptrdiff_t>(Script::kWindow + 1));
      progress_ = 1;
    }
  }
  return false;
}

}  // namespace myriad::app
