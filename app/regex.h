// Regular expressions over bytes that strangers send: RE2, whose work grows with the length of the text and of the
// expression and never faster, in bounded memory. `.` and classes mean bytes; `.` is no line end.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace myriad::app {

class Regex {
 public:
  static constexpr std::size_t kLongest = 1024;  // of an expression

  // nullptr: `why` says what is wrong with it.
  [[nodiscard]] static std::shared_ptr<const Regex> compile(std::string_view expression, std::string& why);
  virtual ~Regex() = default;

  // Where the shortest beginning of `text` ends in which there is a match that begins at `from` or later; nullopt:
  // there is none anywhere. What stands before `from` is there for `^` and `\b` alone. So what is found does not depend
  // on how much of the text has come already. (`$` and `\b` look behind that end: what has not come yet is not there
  // for them.)
  [[nodiscard]] virtual std::optional<std::size_t> find_end(Bytes text, std::size_t from) const = 0;

 protected:
  Regex() = default;
};

}  // namespace myriad::app
