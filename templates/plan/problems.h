// What is wrong with a scenario and where. Every part of the reader reports here and goes on, so that one run shows
// several independent mistakes; the plan is given out only when nothing was reported.
//
// Problems owns the text of every source (the file, and each option of the command line that overrides it), because a
// report shows the line it speaks of.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace myriad::plan {

// A point in a source. Lines and columns count from 1, columns in bytes; line 0 = the source as a whole.
struct Place {
  std::uint32_t source = 0;
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  friend constexpr auto operator<=>(const Place&, const Place&) = default;
};

// One problem, ready to be shown.
struct Diagnostic {
  std::string file;
  std::uint32_t line = 0;    // 0: the file as a whole
  std::uint32_t column = 0;  // in characters
  std::string what;
  std::string source_line;  // or a window of it when it is long
  std::string caret;        // spaces and one ^, as long as source_line up to the place
  std::string suggestion;   // may be empty

  // FILE:LINE:COL: what, the line, the caret, the suggestion; no line end after the last.
  [[nodiscard]] std::string text() const;
};

class Problems {
 public:
  // More are not kept: a file with that many mistakes is of another kind.
  static constexpr std::size_t kMost = 10;

  std::uint32_t add_source(std::string name, std::string text);
  void add(Place at, std::string what, std::string suggestion = {});

  [[nodiscard]] bool none() const { return found_.empty(); }
  [[nodiscard]] bool full() const { return found_.size() >= kMost; }
  // In the order of their places.
  [[nodiscard]] std::vector<Diagnostic> list() const;
  [[nodiscard]] std::string_view source_text(std::uint32_t source) const { return sources_[source].text; }
  [[nodiscard]] std::string_view line_of(Place at) const;

 private:
  struct Source {
    std::string name;
    std::string text;
  };
  struct Found {
    Place at;
    std::string what;
    std::string suggestion;
  };
  [[nodiscard]] Diagnostic shown(const Found& found) const;

  std::vector<Source> sources_;
  std::vector<Found> found_;
};

// All of them, one below the other.
[[nodiscard]] std::string text_of(const std::vector<Diagnostic>& diagnostics);

// User's text inside a message: in quotes, control characters made visible, cut when long.
[[nodiscard]] std::string quoted(std::string_view text);

// The candidate that `text` was probably meant to be; empty when none is near. Bounded for hostile input: only the
// first candidates and only short words are compared.
[[nodiscard]] std::string_view nearest(std::string_view text, std::span<const std::string_view> candidates);

// "did you mean 'x'?" when there is a near candidate, else "there are: a, b, c" (cut when many).
[[nodiscard]] std::string did_you_mean(std::string_view text, std::span<const std::string_view> candidates);

}  // namespace myriad::plan
