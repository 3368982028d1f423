// Progress on stderr: on a terminal one table redrawn in place, elsewhere a plain line every five seconds.
// What is drawn is a pure function of two results; only Progress touches the terminal.
#pragma once

#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "report/result.h"

namespace myriad::report {

// One moment of a run: totals now, and totals `interval` seconds ago, from which rates come.
struct Moment {
  const RunResult& now;
  const RunResult& before;
  double interval = 1;
  std::optional<double> duration;  // of the whole run in seconds; nullopt = until it ends by itself
};

// The table, one string per line, none wider than `width` columns, at most `height` lines.
[[nodiscard]] std::vector<std::string> table_lines(const Moment& moment, std::size_t width, std::size_t height);
// The same in one line.
[[nodiscard]] std::string plain_line(const Moment& moment);

// Owns the lines it has drawn on the terminal. The cursor is hidden while it lives and comes back with finish() or the
// destructor; the last table stays on the screen.
class Progress {
 public:
  enum class Style { kNone, kTable, kPlain };
  // kTable where `stream` is a terminal that can move its cursor, else kPlain.
  static Style style_for(std::FILE* stream);

  Progress(std::FILE* stream, Style style) : stream_(stream), style_(style) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { finish(); }

  // Call once a second or so. Plain lines come at most every five seconds of the run.
  void draw(const Moment& moment);
  // A line of its own above the table: something happened.
  void say(const std::string& line);
  void finish();

 private:
  void rewind_over_table(std::string& out);

  std::FILE* stream_;
  Style style_;
  std::size_t drawn_lines_ = 0;
  bool cursor_hidden_ = false;
  double next_plain_ = 5;  // seconds of the run
};

}  // namespace myriad::report
