#include "app/regex.h"

#include <re2/re2.h>

namespace myriad::app {
namespace {

constexpr std::int64_t kMemory = 1 << 20;  // of the automaton of an expression

re2::RE2::Options options() {
  re2::RE2::Options options{re2::RE2::Latin1};
  options.set_max_mem(kMemory);
  options.set_log_errors(false);
  options.set_never_capture(true);
  return options;
}

class Compiled final : public Regex {
 public:
  explicit Compiled(std::string_view expression)
      : re_(re2::StringPiece(expression.data(), expression.size()), options()) {}

  [[nodiscard]] bool good() const { return re_.ok(); }
  [[nodiscard]] const std::string& error() const { return re_.error(); }
  [[nodiscard]] bool matches(std::string_view text, std::size_t from) const {
    return re_.Match(re2::StringPiece(text.data(), text.size()), from, text.size(), re2::RE2::UNANCHORED, nullptr, 0);
  }
  // A beginning that has a match has one as well when more follows, so the shortest is found by halving.
  [[nodiscard]] std::optional<std::size_t> find_end(Bytes text, std::size_t from) const override {
    const std::string_view all{reinterpret_cast<const char*>(text.data()), text.size()};
    if (!matches(all, from)) return std::nullopt;
    std::size_t without = from;  // compile() refuses what matches nothing at all
    std::size_t with = all.size();
    while (with - without > 1) {
      const std::size_t middle = without + (with - without) / 2;
      (matches(all.substr(0, middle), from) ? with : without) = middle;
    }
    return with;
  }

 private:
  re2::RE2 re_;
};

}  // namespace

std::shared_ptr<const Regex> Regex::compile(std::string_view expression, std::string& why) {
  if (expression.empty() || expression.size() > kLongest) {
    why = expression.empty() ? "it is empty" : "it is longer than " + std::to_string(kLongest) + " bytes";
    return nullptr;
  }
  auto regex = std::make_shared<const Compiled>(expression);
  if (!regex->good()) {
    why = regex->error();
    return nullptr;
  }
  if (regex->matches({}, 0)) {
    why = "it matches even an empty text, so it would never wait";
    return nullptr;
  }
  return regex;
}

}  // namespace myriad::app
