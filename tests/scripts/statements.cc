#include "tests/scripts/statements.h"

#include <algorithm>

#include "tests/scripts/line_reader.h"

namespace myriad::scripts {
namespace {

constexpr std::size_t kMostDefinitions = 1'000;
constexpr std::size_t kDeepestConditions = 100;
constexpr std::size_t kLongestStatement = 64 * 1024;

bool starts_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool in_name(char c) { return starts_name(c) || (c >= '0' && c <= '9'); }

}  // namespace

std::size_t Statements::line_of(std::size_t offset) const {
  const auto end = text_.begin() + static_cast<std::ptrdiff_t>(std::min(offset, text_.size()));
  return 1 + static_cast<std::size_t>(std::count(text_.begin(), end, '\n'));
}

std::string Statements::where(std::size_t offset) const {
  offset = std::min(offset, text_.size());
  const auto newline = offset == 0 ? std::string::npos : text_.rfind('\n', offset - 1);
  const std::size_t start = newline == std::string::npos ? 0 : newline + 1;
  return std::to_string(line_of(offset)) + ":" + std::to_string(offset - start + 1);
}

void Statements::blank(std::size_t begin, std::size_t end) {
  for (std::size_t i = begin; i < end; ++i) {
    if (text_[i] != '\n') text_[i] = ' ';
  }
}

// Past the closing mark of what begins at at_.
std::size_t Statements::skip_to(std::string_view closing, const char* what) {
  const auto found = text_.find(closing, at_ + 1);
  if (found == std::string::npos) throw ScriptError(std::string(what) + " without end");
  return found + closing.size();
}

// A line that begins with '#': a directive, or else a comment.
void Statements::directive(std::size_t begin, std::size_t end) {
  LineReader line{std::string_view{text_}.substr(begin + 1, end - begin - 1)};
  const std::string_view word = line.word();
  if (word == "ifdef" || word == "ifndef") {
    const std::string_view name = line.word();
    if (name.empty()) line.fail("a name after #" + std::string(word));
    if (conditions_.size() == kDeepestConditions) throw ScriptError("too many #ifdef inside each other");
    const bool outer = active();
    conditions_.push_back({begin, outer, definitions_.contains(name) == (word == "ifdef")});
  } else if (word == "else" || word == "endif") {
    if (conditions_.empty()) throw ScriptError("#" + std::string(word) + " without #ifdef");
    if (word == "else") {
      conditions_.back().holds = !conditions_.back().holds;
    } else {
      conditions_.pop_back();
    }
  } else if (word == "define" && active()) {
    const std::string_view name = line.word();
    if (name.empty() || !starts_name(name.front())) line.fail("a name after #define");
    if (definitions_.size() == kMostDefinitions) throw ScriptError("too many #define");
    std::string value{line.rest()};
    value.resize(value.find_last_not_of(" \t\r") + 1);
    definitions_.insert_or_assign(std::string(name), std::move(value));
  } else if (word == "undef" && active()) {
    if (const auto known = definitions_.find(line.word()); known != definitions_.end()) definitions_.erase(known);
  } else if ((word == "if" || word == "elif" || word == "include") && line.rest() != "" && active()) {
    const std::string_view rest = line.rest();
    const bool meant = word == "include" ? rest.starts_with('"') || rest.starts_with('<') : rest.starts_with("defined");
    if (meant) throw ScriptError("#" + std::string(word) + " is not known here, only #ifdef, #ifndef, #else, #endif");
  }
  blank(begin, end);
}

std::string Statements::replaced(std::string_view text) const {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (!starts_name(text[i]) || (i > 0 && in_name(text[i - 1]))) {
      out += text[i++];
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && in_name(text[end])) ++end;
    const auto known = definitions_.find(text.substr(i, end - i));
    out += known != definitions_.end() && !known->second.empty() ? std::string_view{known->second}
                                                                 : text.substr(i, end - i);
    if (out.size() > kLongestStatement)
      throw ScriptError("a statement that becomes too long by what its names stand for");
    i = end;
  }
  return out;
}

void Statements::add(std::vector<Statement>& out, std::size_t begin, std::size_t end) {
  const std::string_view text = std::string_view{text_}.substr(begin, end - begin);
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return;
  const auto last = text.find_last_not_of(" \t\r\n");
  const std::string_view bare = text.substr(first, last - first + 1);
  out.push_back({begin + first, bare, true});
  if (std::string other = replaced(bare); other != bare) {
    replaced_.push_back(std::move(other));
    out.back().text = replaced_.back();
    out.back().as_written = false;
  }
}

std::vector<Statement> Statements::split() {
  std::vector<Statement> out;
  std::size_t begin = 0;
  int depth = 0;
  bool line_start = true;
  while (at_ < text_.size()) {
    const char c = text_[at_];
    const auto line_end = std::min(text_.find('\n', at_), text_.size());
    if (c == '\n') {
      if (depth == 0) {
        add(out, begin, at_);
        begin = at_ + 1;
      }
      line_start = true;
      ++at_;
      continue;
    }
    if (line_start && c == '#') {
      directive(at_, line_end);
      at_ = line_end;
      continue;
    }
    if (!active()) {
      if (c != ' ' && c != '\t') {
        blank(at_, line_end);
        at_ = line_end;
      } else {
        ++at_;
      }
      continue;
    }
    if (c != ' ' && c != '\t') line_start = false;
    const std::string_view two = std::string_view{text_}.substr(at_, 2);
    if (two == "//") {
      blank(at_, line_end);
      at_ = line_end;
    } else if (two == "/*") {
      const std::size_t end = skip_to("*/", "a comment");
      blank(at_, end);
      at_ = end;
    } else if (c == '`') {
      at_ = skip_to("`", "a shell command");
    } else if (two == "%{") {
      at_ = skip_to("}%", "a block %{ … }%");
    } else if (c == '"') {
      const auto end = text_.find('"', at_ + 1);
      at_ = end < line_end ? end + 1 : at_ + 1;
    } else {
      if (c == '(' || c == '[' || c == '{') ++depth;
      if ((c == ')' || c == ']' || c == '}') && depth > 0) --depth;
      ++at_;
    }
  }
  if (!conditions_.empty()) {
    at_ = conditions_.back().offset;
    throw ScriptError("#ifdef without #endif");
  }
  add(out, begin, text_.size());
  return out;
}

}  // namespace myriad::scripts
