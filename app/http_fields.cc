#include "app/http_fields.h"

#include <array>
#include <bit>
#include <cstring>
#include <string_view>

namespace myriad::app {
namespace {

constexpr std::array<std::string_view, 5> kNames = {"content-length", "transfer-encoding", "connection", "host",
                                                    "location"};
constexpr std::array<std::string_view, 2> kOptions = {"close", "keep-alive"};
constexpr std::string_view kChunked = "chunked";

// Drops from `candidates` the words that do not have `c` at `position`.
template <std::size_t N>
std::uint8_t narrow(const std::array<std::string_view, N>& words, std::uint8_t candidates, std::size_t position,
                    std::uint8_t c) {
  for (unsigned left = candidates; left != 0; left &= left - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(left));
    const bool fits = position < words[i].size() && words[i][position] == static_cast<char>(c);
    if (!fits) candidates = static_cast<std::uint8_t>(candidates & ~(1U << i));
  }
  return candidates;
}

// The word that has been spelt out in full, or -1.
template <std::size_t N>
int complete(const std::array<std::string_view, N>& words, std::uint8_t candidates, std::size_t position) {
  for (std::size_t i = 0; i < N; ++i) {
    if ((candidates >> i & 1U) != 0 && position == words[i].size()) return static_cast<int>(i);
  }
  return -1;
}

constexpr std::array<bool, 256> token_table() {
  std::array<bool, 256> table{};
  for (const char c :
       std::string_view{"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"}) {
    table[static_cast<std::uint8_t>(c)] = true;
  }
  return table;
}
constexpr std::array<bool, 256> kTokens = token_table();

constexpr bool is_blank(std::uint8_t c) { return c == ' ' || c == '\t'; }

}  // namespace

bool is_token(std::uint8_t c) { return kTokens[c]; }

HttpFields::Outcome HttpFields::take(Bytes& data, std::string* location) {
  std::size_t used = 0;
  while (used < data.size() && at_ != At::kEnd && at_ != At::kBad) {
    if (at_ == At::kSkip) {  // most of every header: jump to the line's end
      const void* const end = std::memchr(data.data() + used, '\n', data.size() - used);
      if (end == nullptr) {
        used = data.size();
        break;
      }
      used = static_cast<std::size_t>(static_cast<const std::uint8_t*>(end) - data.data()) + 1;
      at_ = At::kLineStart;
      continue;
    }
    const std::uint8_t c = data[used++];
    switch (at_) {
      case At::kLineStart:
        line_start(c, location);
        break;
      case At::kName:
        name(c, location);
        break;
      case At::kLength:
        length_value(c);
        break;
      case At::kCoding:
        coding_value(c);
        break;
      case At::kConnection:
        connection_value(c);
        break;
      case At::kHost:
        host_value(c);
        break;
      case At::kLocation:
        location_value(c, *location);
        break;
      case At::kFinalLf:
        at_ = c == '\n' ? At::kEnd : At::kBad;
        break;
      case At::kSkip:
      case At::kEnd:
      case At::kBad:
        break;
    }
  }
  data = data.subspan(used);
  if (used > kMaxBytes || !count_start_line(used)) return Outcome::kTooLarge;
  if (at_ == At::kBad) return Outcome::kMalformed;
  if (at_ != At::kEnd) return Outcome::kMore;
  return chunked_ && has_length_ ? Outcome::kMalformed : Outcome::kEnd;
}

// A short cut for lines that begin with `line` and are about nothing that we know: how many bytes behind the first one
// need no closer look. 0 when the name is not there as a whole; then it is read byte by byte.
std::size_t HttpFields::skip_name(Bytes line) {
  std::size_t length = 1;
  while (length < line.size() && kTokens[line[length]]) ++length;
  if (length == line.size() || line[length] != ':') return 0;
  const std::uint8_t first = to_lower(line[0]);
  for (const std::string_view name : kNames) {
    if (name.size() == length && name[0] == static_cast<char>(first)) return 0;
  }
  at_ = field_ = At::kSkip;
  return length;
}

void HttpFields::line_start(std::uint8_t c, std::string* location) {
  if (is_blank(c)) {  // obs-fold: the value goes on, as after white space
    if (field_ == At::kLineStart) return bad();
    at_ = field_;
    part_ = position_ == 0 ? Part::kLeading : Part::kTrailing;
    return;
  }
  if (!settle()) return bad();
  if (c == '\r') {
    at_ = At::kFinalLf;
  } else if (c == '\n') {
    at_ = At::kEnd;
  } else if (is_token(c)) {
    at_ = At::kName;
    position_ = 0;
    candidates_ = 0x1f;
    name(c, location);
  } else {
    bad();
  }
}

void HttpFields::name(std::uint8_t c, std::string* location) {
  if (c != ':') {
    if (!kTokens[c]) return bad();
    candidates_ = narrow(kNames, candidates_, position_, to_lower(c));
    if (position_ < 255) ++position_;
    return;
  }
  static constexpr std::array<At, 5> kValues = {At::kLength, At::kCoding, At::kConnection, At::kHost, At::kLocation};
  const int which = complete(kNames, candidates_, position_);
  at_ = field_ = which < 0 ? At::kSkip : kValues[static_cast<std::size_t>(which)];
  if (at_ == At::kLocation) {
    if (location == nullptr) {
      at_ = field_ = At::kSkip;
    } else {
      location->clear();
    }
  }
  part_ = Part::kLeading;
  position_ = 0;
  candidates_ = 0x03;
  number_ = 0;
}

void HttpFields::length_value(std::uint8_t c) {
  if (c == '\n') {
    at_ = At::kLineStart;
  } else if (part_ == Part::kCr) {
    bad();
  } else if (c == '\r') {
    part_ = Part::kCr;
  } else if (is_blank(c)) {
    if (part_ == Part::kInside) part_ = Part::kTrailing;
  } else if (c >= '0' && c <= '9' && part_ != Part::kTrailing) {
    part_ = Part::kInside;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (number_ > (UINT64_MAX - digit) / 10) return bad();
    number_ = number_ * 10 + digit;
    position_ = 1;  // there is a digit
  } else {
    bad();
  }
}

void HttpFields::coding_value(std::uint8_t c) {
  if (c == '\n') {
    at_ = At::kLineStart;
  } else if (part_ == Part::kCr) {
    bad();
  } else if (c == '\r') {
    part_ = Part::kCr;
  } else if (is_blank(c)) {
    if (part_ == Part::kInside) part_ = Part::kTrailing;
  } else if (part_ != Part::kTrailing && position_ < kChunked.size() &&
             static_cast<char>(to_lower(c)) == kChunked[position_]) {
    part_ = Part::kInside;
    ++position_;
  } else {
    bad();
  }
}

void HttpFields::connection_value(std::uint8_t c) {
  if (c == '\n') {
    at_ = At::kLineStart;
  } else if (c == ',') {
    end_option();
  } else if (is_blank(c) || c == '\r') {
    part_ = c == '\r' ? Part::kCr : (position_ == 0 ? Part::kLeading : Part::kTrailing);
  } else if (part_ == Part::kCr || !is_token(c)) {
    bad();
  } else {
    if (part_ == Part::kTrailing) candidates_ = 0;  // two words without a comma: neither of ours
    part_ = Part::kInside;
    candidates_ = narrow(kOptions, candidates_, position_, to_lower(c));
    if (position_ < 255) ++position_;
  }
}

void HttpFields::end_option() {
  const int which = complete(kOptions, candidates_, position_);
  if (which == 0) close_ = true;
  if (which == 1) keep_alive_ = true;
  position_ = 0;
  candidates_ = 0x03;
  part_ = Part::kLeading;
}

void HttpFields::host_value(std::uint8_t c) {
  if (c == '\n') at_ = At::kLineStart;
}

void HttpFields::location_value(std::uint8_t c, std::string& location) {
  if (c == '\n') {
    at_ = At::kLineStart;
    while (!location.empty() && (is_blank(static_cast<std::uint8_t>(location.back())) || location.back() == '\r')) {
      location.pop_back();
    }
  } else if (!location.empty() || !is_blank(c)) {
    location += static_cast<char>(c);
  }
}

bool HttpFields::settle() {
  switch (field_) {
    case At::kLength:
      if (position_ == 0 || (has_length_ && number_ != length_)) return false;
      has_length_ = true;
      length_ = number_;
      break;
    case At::kCoding:
      if (position_ != kChunked.size() || chunked_) return false;  // RFC 9112 6.1: chunked not more than once
      chunked_ = true;
      break;
    case At::kConnection:
      end_option();
      break;
    case At::kHost:
      if (hosts_ < 2) ++hosts_;
      break;
    default:
      break;
  }
  field_ = At::kLineStart;
  return true;
}

}  // namespace myriad::app
