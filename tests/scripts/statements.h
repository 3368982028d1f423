// What stands before the lines of a script are read one by one: comments go, #ifdef blocks that do not apply go, and
// the text falls into statements. A statement is a line; it goes on while a bracket is open, and a shell command
// between backticks or a block %{ … }% may span lines as well.
//
// Every step either does what it names or throws ScriptError; where() then says the place.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace myriad::scripts {

// #define NAME VALUE, and -D NAME=VALUE of the command line.
using Definitions = std::map<std::string, std::string, std::less<>>;

struct Statement {
  std::size_t offset = 0;  // of its first character in the script
  std::string_view text;
  bool as_written = true;  // false: names in it were replaced by what they stand for
};

class Statements {
 public:
  Statements(std::string_view script, Definitions definitions) : text_(script), definitions_(std::move(definitions)) {}
  Statements(const Statements&) = delete;  // what split() gives points in here
  Statements& operator=(const Statements&) = delete;

  [[nodiscard]] std::vector<Statement> split();
  // Where split() was when it threw.
  [[nodiscard]] std::size_t place() const { return at_; }
  // LINE:COLUMN of an offset, both counted from 1.
  [[nodiscard]] std::string where(std::size_t offset) const;
  [[nodiscard]] std::size_t line_of(std::size_t offset) const;

 private:
  struct Condition {
    std::size_t offset;
    bool outer;  // whether what surrounds the block applies
    bool holds;  // whether this branch applies
  };
  [[nodiscard]] bool active() const {
    return conditions_.empty() || (conditions_.back().outer && conditions_.back().holds);
  }
  void directive(std::size_t begin, std::size_t end);
  void blank(std::size_t begin, std::size_t end);
  std::size_t skip_to(std::string_view closing, const char* what);
  void add(std::vector<Statement>& out, std::size_t begin, std::size_t end);
  [[nodiscard]] std::string replaced(std::string_view text) const;

  std::string text_;
  Definitions definitions_;
  std::vector<Condition> conditions_;
  std::deque<std::string> replaced_;
  std::size_t at_ = 0;
};

}  // namespace myriad::scripts
