#include "templates/plan/problems.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace myriad::plan {
namespace {

constexpr std::size_t kLongestShown = 48;     // bytes of the user's text in a message
constexpr std::size_t kWindow = 100;          // bytes of a source line in a report
constexpr std::size_t kLongestCompared = 40;  // words longer than this are not compared
constexpr std::size_t kCandidatesCompared = 2000;
constexpr std::size_t kCandidatesListed = 24;

bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !continues_character(c); }));
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// What a terminal may be given: control characters become spaces, one for one, so that the caret stays in place; bytes
// that are not UTF-8 cannot be here but in the one report about them, where they become '?'.
std::string printable(std::string_view text) {
  std::string out;
  std::size_t expected = 0;  // continuation bytes still to come
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (continues_character(c)) {
      if (expected > 0) {
        --expected;
        out += c;
      }
      continue;
    }
    while (expected > 0) {
      out += '?';
      --expected;
    }
    if (byte >= 0xf8) {
      out += '?';
    } else {
      expected = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : byte >= 0xc0 ? 1 : 0;
      out += is_control(c) ? ' ' : c;
    }
  }
  return out;
}

// The edit distance in which swapping two neighbours is one step, or `limit` + 1 when it is more than `limit`.
std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit) {
  const std::size_t difference = a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
  if (difference > limit) return limit + 1;
  using Row = std::array<std::size_t, kLongestCompared + 1>;
  Row two_above{};
  Row above{};
  Row row{};
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t same = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + same});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], two_above[j - 2] + 1);
    }
    two_above = above;
    above = row;
  }
  return std::min(above[b.size()], limit + 1);
}

std::string_view trimmed_line(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

std::string Diagnostic::text() const {
  std::string out =
      line == 0 ? fmt::format("{}: {}", file, what) : fmt::format("{}:{}:{}: {}", file, line, column, what);
  if (line != 0) out += fmt::format("\n  {}\n  {}", source_line, caret);
  if (!suggestion.empty()) out += fmt::format("\n  {}", suggestion);
  return out;
}

std::string text_of(const std::vector<Diagnostic>& diagnostics) {
  std::string all;
  for (const Diagnostic& one : diagnostics) all += (all.empty() ? "" : "\n") + one.text();
  return all;
}

std::uint32_t Problems::add_source(std::string name, std::string text) {
  sources_.push_back({std::move(name), std::move(text)});
  return static_cast<std::uint32_t>(sources_.size() - 1);
}

void Problems::add(Place at, std::string what, std::string suggestion) {
  if (full()) return;
  // An alias may lead to the same mistake many times.
  if (std::any_of(found_.begin(), found_.end(), [&](const Found& f) { return f.at == at && f.what == what; })) return;
  found_.push_back({at, std::move(what), std::move(suggestion)});
}

std::string_view Problems::line_of(Place at) const {
  std::string_view rest = sources_[at.source].text;
  for (std::uint32_t line = 1; line < at.line; ++line) {
    const auto end = rest.find('\n');
    if (end == rest.npos) return {};
    rest.remove_prefix(end + 1);
  }
  return trimmed_line(rest.substr(0, rest.find('\n')));
}

Diagnostic Problems::shown(const Found& found) const {
  Diagnostic d{sources_[found.at.source].name, found.at.line, 0, found.what, {}, {}, found.suggestion};
  if (found.at.line == 0) return d;
  const std::string_view line = line_of(found.at);
  const std::size_t before = std::min<std::size_t>(found.at.column > 0 ? found.at.column - 1 : 0, line.size());
  d.column = static_cast<std::uint32_t>(characters(line.substr(0, before)) + 1);

  // A long line is shown as a window around the place that does not cut a character.
  std::size_t from = line.size() > kWindow && before > kWindow / 2 ? before - kWindow / 2 : 0;
  while (from > 0 && continues_character(line[from])) --from;
  std::size_t to = std::min(line.size(), from + kWindow);
  while (to < line.size() && continues_character(line[to])) ++to;
  const std::string lead = printable(line.substr(from, before - from));
  d.source_line =
      (from > 0 ? "…" : "") + lead + printable(line.substr(before, to - before)) + (to < line.size() ? "…" : "");
  d.caret = std::string(characters(lead) + (from > 0 ? 1 : 0), ' ') + "^";
  return d;
}

std::vector<Diagnostic> Problems::list() const {
  std::vector<Found> ordered = found_;
  std::stable_sort(ordered.begin(), ordered.end(), [](const Found& a, const Found& b) { return a.at < b.at; });
  std::vector<Diagnostic> out;
  for (const Found& found : ordered) out.push_back(shown(found));
  return out;
}

std::string quoted(std::string_view text) {
  std::size_t end = std::min(text.size(), kLongestShown);
  while (end > 0 && end < text.size() && continues_character(text[end])) --end;
  std::string out = "'";
  for (const char c : text.substr(0, end)) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (is_control(c)) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + (end < text.size() ? "…'" : "'");
}

std::string_view nearest(std::string_view text, std::span<const std::string_view> candidates) {
  if (text.empty() || text.size() > kLongestCompared) return {};
  std::size_t best = std::max<std::size_t>(1, text.size() / 3) + 1;
  std::string_view found;
  for (const std::string_view candidate : candidates.first(std::min(candidates.size(), kCandidatesCompared))) {
    if (candidate.empty() || candidate.size() > kLongestCompared) continue;
    const std::size_t distance = edit_distance(text, candidate, best);
    if (distance < best && distance < std::max(text.size(), candidate.size())) {
      best = distance;
      found = candidate;
    }
  }
  return found;
}

std::string did_you_mean(std::string_view text, std::span<const std::string_view> candidates) {
  if (const auto near = nearest(text, candidates); !near.empty()) return fmt::format("did you mean {}?", quoted(near));
  if (candidates.empty()) return {};
  const auto listed = candidates.first(std::min(candidates.size(), kCandidatesListed));
  return fmt::format("there {}: {}{}", candidates.size() == 1 ? "is" : "are", fmt::join(listed, ", "),
                     listed.size() < candidates.size() ? ", …" : "");
}

}  // namespace myriad::plan
