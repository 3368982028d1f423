#include "app/script.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

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

Script::Script(const std::vector<ScriptStep>& steps, std::uint64_t seed) : pattern_(seed) {
  for (const ScriptStep& step : steps) {
    std::visit(
        [this](const auto& s) {
          using S = std::decay_t<decltype(s)>;
          if constexpr (std::is_same_v<S, SendText>) {
            add_send(s.text.size(), s.text);
          } else if constexpr (std::is_same_v<S, SendBytes>) {
            add_send(s.count, {});
          } else if constexpr (std::is_same_v<S, ExpectText>) {
            if (!s.text.empty()) steps_.push_back({Kind::kExpectText, s.text.size(), s.text, borders_of(s.text)});
          } else if constexpr (std::is_same_v<S, ExpectBytes>) {
            if (s.count != 0) steps_.push_back({Kind::kExpectBytes, s.count, {}, {}});
          } else if (!closes_) {
            closes_ = true;
            steps_.push_back({Kind::kClose, 0, {}, {}});
          }
        },
        step);
  }
}

void Script::add_send(std::uint64_t count, std::string text) {
  if (closes_ || count == 0) return;
  const std::uint64_t begin = sends_bytes();
  steps_.push_back({Kind::kSend, count, {}, {}});
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

ScriptRun::Advance ScriptRun::take(const Script& script, Bytes data) {
  Advance advance;
  while (step_ < script.steps_.size()) {
    const Script::Step& step = script.steps_[step_];
    switch (step.kind) {
      case Script::Kind::kSend:
        advance.grown += step.count;
        break;
      case Script::Kind::kClose:
        advance.close = true;
        break;
      case Script::Kind::kExpectBytes: {
        const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(step.count - progress_, data.size()));
        data = data.subspan(piece);
        progress_ += piece;
        if (progress_ < step.count) return advance;
        break;
      }
      case Script::Kind::kExpectText: {
        std::size_t used = 0;
        while (used < data.size() && progress_ < step.count) {
          const char c = static_cast<char>(data[used++]);
          while (progress_ > 0 && c != step.text[progress_]) progress_ = step.borders[progress_ - 1];
          if (c == step.text[progress_]) ++progress_;
        }
        data = data.subspan(used);
        if (progress_ < step.count) return advance;
        break;
      }
    }
    progress_ = 0;
    ++step_;
  }
  advance.done = true;
  return advance;
}

}  // namespace myriad::app
