// Scripts and regular expressions against what strangers send: the outcome is the same wherever the stream is split.
//
// The input: which script, how the stream is cut, the length of an expression, the expression, and what arrives.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "app/regex.h"
#include "app/script.h"

namespace {

using namespace myriad;
using namespace myriad::app;

void require(bool holds) {
  if (!holds) std::abort();
}

ExpectMatch match(std::string_view expression) {
  std::string why;
  return {Regex::compile(expression, why)};
}

const std::vector<Script>& scripts() {
  static const std::vector<Script> all = [] {
    const std::vector<std::vector<ScriptStep>> steps = {
        {SendText{"hello"}, ExpectText{"aab"}, ExpectBytes{3}, SendBytes{100}, ExpectText{"\r\n.\r\n"}, CloseStream{}},
        {match("^220 [a-z.]+ ESMTP"), SendText{"EHLO\r\n"}, match("(?i)250[ -]"), match("a+b"), ExpectBytes{1}},
        {match("(a|ab)(c|bcd)"), match("[^\\x00]\\xff"), ExpectText{"aaab"}, match("x{3,5}y"), ResetStream{}},
    };
    std::vector<Script> out;
    for (const auto& script : steps) {
      out.emplace_back(script, 7);
      out.emplace_back(script, 7, Transport::kDatagrams);
    }
    return out;
  }();
  return all;
}

struct Outcome {
  std::uint64_t grown = 0;
  bool finish = false;
  Progress progress = Progress::kMore;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome play(const Script& script, Bytes data, std::size_t cut) {
  ScriptDialogue dialogue{script};
  Outcome out;
  const auto note = [&](const Step& step) {
    out.grown += step.grown;
    out.finish = out.finish || step.finish;
    if (step.progress != Progress::kMore) out.progress = step.progress;
  };
  const auto due = [&] {
    for (int i = 0; i < 10 && !dialogue.wake_at().is_never(); ++i) note(dialogue.on_time(dialogue.wake_at()));
  };
  note(dialogue.begin(Instant{}));
  due();
  for (std::size_t at = 0; at < data.size(); at += cut) {
    // No byte behind the piece may be looked at.
    const std::vector<std::uint8_t> piece(data.begin() + static_cast<std::ptrdiff_t>(at),
                                          data.begin() + static_cast<std::ptrdiff_t>(std::min(at + cut, data.size())));
    note(dialogue.take(piece, Instant{}));
    due();
  }
  note(dialogue.acknowledged(out.grown, Instant{}));
  return out;
}

// What is found is the shortest beginning in which anything is.
void search(std::string_view expression, Bytes text) {
  std::string why;
  const auto regex = Regex::compile(expression, why);
  require(regex != nullptr || !why.empty());
  if (!regex) return;
  const auto end = regex->find_end(text, 0);
  if (!end) return;
  require(*end > 0 && *end <= text.size());
  require(regex->find_end(text.first(*end), 0) == end);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const Script& script = scripts()[data[0] % scripts().size()];
  const std::size_t cut = std::size_t{1} + data[1];
  const Bytes rest{data + 3, size - 3};
  const Bytes expression = rest.first(std::min<std::size_t>(data[2] % 32, rest.size()));
  const Bytes text = rest.subspan(expression.size());
  if (!expression.empty()) search({reinterpret_cast<const char*>(expression.data()), expression.size()}, text);
  const Outcome whole = play(script, text, std::max<std::size_t>(text.size(), 1));
  const Outcome pieces = play(script, text, cut);
  if (script.transport() == Transport::kStream) require(whole == pieces);
  return 0;
}
