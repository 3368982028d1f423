// `tcp` and `udp`: conversations written down.
#include <algorithm>
#include <charconv>

#include "app/regex.h"
#include "templates/plan/keys_script.h"
#include "templates/plan/reading.h"

namespace myriad::plan {
namespace {

using std::chrono::microseconds;

constexpr std::uint64_t kMostStreamBytes = 1ULL << 40;  // sent or expected by one session: days at any rate
constexpr std::uint64_t kMostDatagramBytes = 65'507;    // what fits in an IPv4 packet
constexpr std::size_t kLongestExpected = 4096;          // of one `expect`: what a session must remember
constexpr std::string_view kSteps =
    "steps are send: TEXT, expect: TEXT, send_bytes: SIZE, expect_bytes: SIZE, sleep: DURATION, close, reset";

struct Manner {
  bool datagrams = false;
  [[nodiscard]] std::uint64_t most_sent() const { return datagrams ? kMostDatagramBytes : kMostStreamBytes; }
};

std::optional<std::uint64_t> read_count(Reading& reading, const Node& node, std::uint64_t most) {
  const auto size = reading.quantity(node, parse_size);
  if (!size) return std::nullopt;
  if (*size >= 1 && *size <= most) return size;
  reading.wrong(node.at, fmt::format("{} is out of range", size_text(*size)),
                fmt::format("from 1B to {}", size_text(most)));
  return std::nullopt;
}

std::optional<std::string> read_text(Reading& reading, const Node& node, std::size_t most) {
  auto text = reading.text(node);
  if (!text) return std::nullopt;
  if (!text->empty() && text->size() <= most) return text;
  reading.wrong(node.at, text->empty() ? std::string("an empty text") : fmt::format("a text of {} bytes", text->size()),
                text->empty() ? std::string("\\r, \\n and \\x00 are understood inside double quotes")
                              : fmt::format("at most {} bytes", most));
  return std::nullopt;
}

// Bytes as hexadecimal digits, with spaces wherever.
std::optional<std::string> read_hex(Reading& reading, const Node& node, std::size_t most) {
  auto text = reading.text(node);
  if (!text) return std::nullopt;
  std::erase(*text, ' ');
  std::string bytes;
  bool good = !text->empty() && text->size() % 2 == 0;
  for (std::size_t at = 0; good && at < text->size(); at += 2) {
    std::uint8_t byte = 0;
    const char* const digits = text->data() + at;
    const auto [end, error] = std::from_chars(digits, digits + 2, byte, 16);
    good = error == std::errc{} && end == digits + 2;
    bytes += static_cast<char>(byte);
  }
  if (good && bytes.size() <= most) return bytes;
  reading.wrong(node.at,
                good ? fmt::format("{} bytes", bytes.size()) : quoted(*text) + " is not bytes in hexadecimal digits",
                good ? fmt::format("at most {}", most) : std::string("two digits a byte, as in \"0d 0a\""));
  return std::nullopt;
}

void read_send(Reading& reading, const Node& node, Place at, Manner manner, std::vector<ScriptStep>& script) {
  std::optional<std::string> bytes;
  const std::size_t most = manner.datagrams ? kMostDatagramBytes : kMostStreamBytes;
  if (!node.is_map()) {
    bytes = read_text(reading, node, most);
  } else {
    Fields fields(reading, node, kScriptSendTable, "'send'", at);
    static constexpr std::string_view kWays[] = {"text", "hex"};
    const auto way = fields.one_of(kWays);
    if (!way) return;
    const Node& value = *fields.find(*way);
    bytes = *way == "hex" ? read_hex(reading, value, most) : read_text(reading, value, most);
  }
  if (bytes) script.emplace_back(SendText{std::move(*bytes)});
}

void read_regex(Reading& reading, const Node& node, std::vector<ScriptStep>& script) {
  const auto text = reading.text(node);
  if (!text) return;
  std::string why;
  if (auto regex = app::Regex::compile(*text, why)) {
    script.emplace_back(ExpectMatch{std::move(regex)});
  } else {
    reading.wrong(node.at, fmt::format("{} is not a regular expression to wait for: {}", quoted(*text), why),
                  "as in '^220 [a-z.]+', in single quotes so that \\ stays what it is");
  }
}

void read_expect(Reading& reading, const Node& node, Place at, std::vector<ScriptStep>& script) {
  if (!node.is_map()) {
    if (auto text = read_text(reading, node, kLongestExpected)) script.emplace_back(ExpectText{std::move(*text)});
    return;
  }
  Fields fields(reading, node, kScriptExpectTable, "'expect'", at);
  static constexpr std::string_view kWays[] = {"text", "hex", "regex"};
  const auto way = fields.one_of(kWays);
  if (!way) return;
  const Node& value = *fields.find(*way);
  if (*way == "regex") return read_regex(reading, value, script);
  auto bytes = *way == "hex" ? read_hex(reading, value, kLongestExpected) : read_text(reading, value, kLongestExpected);
  if (bytes) script.emplace_back(ExpectText{std::move(*bytes)});
}

// `close` and `reset`.
void read_ending(Reading& reading, Place at, std::string_view word, Manner manner, std::vector<ScriptStep>& script) {
  if (manner.datagrams) {
    return reading.wrong(at, fmt::format("udp has no connection to {}", word),
                         "remove it: the session ends with its script");
  }
  if (word == "close") {
    script.emplace_back(CloseStream{});
  } else {
    script.emplace_back(ResetStream{});
  }
}

void read_step(Reading& reading, const Node& node, Manner manner, std::vector<ScriptStep>& script) {
  if (node.is_scalar()) {
    static constexpr std::string_view kAlone[] = {"close", "reset"};
    const auto word = reading.text(node);
    if (word == "close" || word == "reset") {
      read_ending(reading, node.at, *word, manner, script);
    } else if (word) {
      reading.wrong(node.at, fmt::format("{} is not a step", quoted(*word)),
                    nearest(*word, kAlone).empty() ? std::string{kSteps} : did_you_mean(*word, kAlone));
    }
    return;
  }
  Fields fields(reading, node, kScriptStepTable, "a step", node.at);
  static constexpr std::string_view kKeys[] = {"send",  "expect", "send_bytes", "expect_bytes",
                                               "sleep", "close",  "reset"};
  const auto step = fields.one_of(kKeys);
  if (!step) return;
  const Node& value = *fields.find(*step);
  if (*step == "send") {
    read_send(reading, value, fields.place_of(*step), manner, script);
  } else if (*step == "expect") {
    read_expect(reading, value, fields.place_of(*step), script);
  } else if (*step == "send_bytes") {
    if (const auto size = read_count(reading, value, manner.most_sent())) script.emplace_back(SendBytes{*size});
  } else if (*step == "expect_bytes") {
    if (const auto size = read_count(reading, value, kMostStreamBytes)) script.emplace_back(ExpectBytes{*size});
  } else if (*step == "sleep") {
    if (const auto time = reading.duration(value, microseconds{1})) script.emplace_back(Sleep{*time});
  } else if (!value.is_null()) {
    reading.wrong(value.at, fmt::format("'{}' takes no value", *step), fmt::format("write '{}' alone", *step));
  } else {
    read_ending(reading, fields.place_of(*step), *step, manner, script);
  }
}

std::vector<ScriptStep> read_script(Reading& reading, Fields& fields, Manner manner) {
  std::vector<ScriptStep> steps;
  const Node* const script = fields.require("script");
  if (script == nullptr) return steps;
  if (!script->is_list() || script->items.empty()) {
    reading.wrong(
        script->at,
        fmt::format("a script is a list of steps, not {}", script->is_list() ? "an empty one" : script->kind_name()),
        "as in [send: \"hello\\r\\n\", expect: \"250\", close]");
    return steps;
  }
  bool closed = false;
  bool reset = false;
  for (std::size_t i = 0; i < script->items.size() && !reading.problems.full(); ++i) {
    const Node& node = *script->items[i];
    const std::size_t before = steps.size();
    read_step(reading, node, manner, steps);
    if (steps.size() == before) continue;
    const ScriptStep& added = steps.back();
    const bool sends = std::holds_alternative<SendText>(added) || std::holds_alternative<SendBytes>(added) ||
                       std::holds_alternative<CloseStream>(added);
    if (reset) {
      reading.wrong(node.at, "nothing comes after 'reset'", "remove what follows it");
    } else if (closed && sends) {
      reading.wrong(node.at, "nothing can be sent after 'close'", "what follows it can only expect");
    }
    closed = closed || std::holds_alternative<CloseStream>(added);
    reset = reset || std::holds_alternative<ResetStream>(added);
  }
  return steps;
}

}  // namespace

TcpWorkload read_tcp(Reading& reading, const Node& node, Place at) {
  Fields fields(reading, node, kTcpTable, "'tcp'", at);
  return {read_script(reading, fields, {.datagrams = false})};
}

UdpWorkload read_udp(Reading& reading, const Node& node, Place at) {
  Fields fields(reading, node, kUdpTable, "'udp'", at);
  return {read_script(reading, fields, {.datagrams = true})};
}

}  // namespace myriad::plan
