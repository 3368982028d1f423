// Reads one statement of a script from left to right. Every step either takes what it names or throws ScriptError,
// which the parser turns into its one message; position() is then where it happened.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>

namespace myriad::scripts {

struct ScriptError : std::runtime_error {
  using std::runtime_error::runtime_error;
};
// The script is in order but asks for what our hosts do not have: the words say what.
struct ScriptSkip : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class LineReader {
 public:
  explicit LineReader(std::string_view line) : line_(line), rest_(line) {}

  // Where the last thing that was taken, or found wanting, begins.
  [[nodiscard]] std::size_t position() const { return position_; }
  [[nodiscard]] bool at_end() {
    skip_space();
    return rest_.empty();
  }
  // The next character behind spaces; 0 at the end.
  [[nodiscard]] char peek() {
    skip_space();
    return rest_.empty() ? '\0' : rest_.front();
  }
  [[nodiscard]] std::string_view rest() {
    skip_space();
    return rest_;
  }
  bool eat(std::string_view text) {
    skip_space();
    if (!rest_.starts_with(text)) return false;
    take(text.size());
    return true;
  }
  void expect(std::string_view text, std::string_view where) {
    if (!eat(text)) fail("'" + std::string(text) + "' " + std::string(where));
  }
  // Letters, digits, '_' and '-'; empty when there are none.
  std::string_view word() {
    skip_space();
    return take_while(is_word);
  }
  // 0.1, +0.1~+0.2, +0...0.1 or *; empty when there is no such thing.
  std::string_view time() {
    skip_space();
    return take_while([](char c) { return (c >= '0' && c <= '9') || c == '.' || c == '+' || c == '~' || c == '*'; });
  }
  // Everything up to the next space or the end.
  std::string_view token() {
    skip_space();
    return take(std::min(rest_.find_first_of(" \t\r\n"), rest_.size()));
  }
  // Everything up to a character of `stops`, which stays.
  std::string_view until(std::string_view stops) { return take(std::min(rest_.find_first_of(stops), rest_.size())); }

  template <class T>
  T number(std::string_view what) {
    skip_space();
    T value{};
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error == std::errc::result_out_of_range) fail(std::string(what) + " of at most " + limit<T>());
    if (error != std::errc{}) fail(std::string(what) + ", a number");
    take(static_cast<std::size_t>(end - rest_.data()));
    return value;
  }

  [[noreturn]] void fail(const std::string& expected) {
    skip_space();
    position_ = line_.size() - rest_.size();
    const std::string_view found = rest_.substr(0, 40);
    throw ScriptError("expected " + expected + ", got " +
                      (found.empty() ? "the end of the line" : "'" + std::string(found) + "'"));
  }

 private:
  template <class T>
  static std::string limit() {
    return std::to_string(std::numeric_limits<T>::max());
  }
  static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  }
  void skip_space() {
    while (!rest_.empty() &&
           (rest_.front() == ' ' || rest_.front() == '\t' || rest_.front() == '\r' || rest_.front() == '\n')) {
      rest_.remove_prefix(1);
    }
  }
  template <class Is>
  std::string_view take_while(Is is) {
    std::size_t length = 0;
    while (length < rest_.size() && is(rest_[length])) ++length;
    return take(length);
  }
  std::string_view take(std::size_t length) {
    position_ = line_.size() - rest_.size();
    const std::string_view taken = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return taken;
  }
  std::string_view line_;
  std::string_view rest_;
  std::size_t position_ = 0;
};

}  // namespace myriad::scripts
