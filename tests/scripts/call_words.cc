#include "tests/scripts/call_words.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "tests/scripts/line_reader.h"

namespace myriad::scripts {
namespace {

constexpr std::uint64_t kMostBytes = 1U << 30;  // in one call

// The N of every {..., N} in an argument.
std::uint32_t sum_of_vector(const CallLine& call, std::size_t which) {
  const std::string& text = word_argument(call, which);
  std::uint64_t sum = 0;
  for (std::size_t at = text.find("{...,"); at != std::string::npos; at = text.find("{...,", at + 1)) {
    std::uint32_t bytes = 0;
    const char* const end = text.data() + text.size();
    const auto [next, error] = std::from_chars(text.data() + at + 5, end, bytes);
    if (error != std::errc{} || next == end || *next != '}')
      throw ScriptError("a vector of " + call.name + " is made of {..., BYTES}, got '" + text.substr(at, 40) + "'");
    sum += bytes;
  }
  if (sum > kMostBytes) throw ScriptError(call.name + " of more than " + std::to_string(kMostBytes) + " bytes");
  return static_cast<std::uint32_t>(sum);
}

std::uint32_t bytes_of(const CallLine& call) {
  if (call.name.ends_with("msg") || call.name.ends_with("v")) {
    if (call.name != "recv") return sum_of_vector(call, 1);
  }
  const std::uint32_t bytes = number_argument(call, 2);
  if (bytes > kMostBytes) throw ScriptError(call.name + " of more than " + std::to_string(kMostBytes) + " bytes");
  return bytes;
}

std::string field_of(std::string_view entry, std::string_view name) {
  const auto at = entry.find(name);
  if (at == std::string_view::npos) return {};
  const std::string_view value = entry.substr(at + name.size());
  return std::string(value.substr(0, value.find_first_of(",}")));
}

}  // namespace

std::uint32_t number_argument(const CallLine& call, std::size_t which) {
  const std::string& text = word_argument(call, which);
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw ScriptError("argument " + std::to_string(which + 1) + " of " + call.name + " is a number, got '" +
                      text.substr(0, 40) + "'");
  }
  return number;
}

const std::string& word_argument(const CallLine& call, std::size_t which) {
  if (which >= call.arguments.size()) {
    throw ScriptError(call.name + " has " + std::to_string(which + 1) + " arguments or more");
  }
  return call.arguments[which];
}

std::uint32_t bytes_to_send(const CallLine& call) { return bytes_of(call); }
std::uint32_t bytes_to_receive(const CallLine& call) { return bytes_of(call); }

std::vector<Polled> polled(const CallLine& call) {
  std::vector<Polled> out;
  std::string_view text = word_argument(call, 0);
  for (auto open = text.find('{'); open != std::string_view::npos; open = text.find('{')) {
    const auto close = text.find('}', open);
    if (close == std::string_view::npos) break;
    const std::string_view entry = text.substr(open, close - open + 1);
    Polled one;
    const std::string number = field_of(entry, "fd=");
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), one.descriptor);
    if (error != std::errc{} || end != number.data() + number.size())
      throw ScriptError("poll wants {fd=N, events=…, revents=…}, got '" + std::string(entry.substr(0, 40)) + "'");
    one.happened = field_of(entry, "revents=");
    one.events = field_of(entry, "{events=").empty() ? field_of(entry, ",events=") : field_of(entry, "{events=");
    out.push_back(std::move(one));
    text.remove_prefix(close + 1);
  }
  return out;
}

std::string error_of_icmp(const std::string& code, System system) {
  if (code == "port_unreachable") return "ECONNREFUSED";
  if (code == "protocol_unreachable") return system == System::kLinux ? "ENOPROTOOPT" : "ECONNREFUSED";
  if (system == System::kFreeBsd && (code == "admin_prohibited" || code == "code_9" || code == "code_10"))
    return "ECONNREFUSED";
  if (code == "net_unreachable" || code == "code_6" || code == "code_9" || code == "code_11") return "ENETUNREACH";
  return "EHOSTUNREACH";
}

}  // namespace myriad::scripts
