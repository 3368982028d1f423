#include "app/http_client.h"

#include <algorithm>
#include <cstring>

namespace myriad::app {
namespace {

constexpr std::string_view kVersionPrefix = "HTTP/1.";

constexpr bool is_digit(std::uint8_t c) { return c >= '0' && c <= '9'; }

// The value of a hexadecimal digit, or -1.
constexpr int hex_value(std::uint8_t c) {
  if (is_digit(c)) return c - '0';
  const std::uint8_t lower = to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// RFC 9110 section 15.4: those that say where else to ask.
constexpr bool is_redirect(unsigned status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

Failure unwanted(unsigned status) {
  if (status >= 500) return Failure::kHttpStatus5xx;
  if (status >= 400) return Failure::kHttpStatus4xx;
  return status >= 300 ? Failure::kHttpStatus3xx : Failure::kHttpUnexpectedStatus;
}

}  // namespace

HttpResponse::Outcome HttpResponse::take(Bytes& data, const HttpAsked& asked, const HttpKept& kept) {
  while (at_ < At::kDone) {
    // A message or chunk of no bytes ends without any arriving.
    if (at_ == At::kCounted && left_ == 0) {
      finish(asked, kept);
      break;
    }
    if (data.empty()) break;
    switch (at_) {
      case At::kVersion:
      case At::kMinor:
      case At::kStatusGap:
      case At::kStatus:
      case At::kAfterStatus:
      case At::kReason:
        status_line(data);
        break;
      case At::kFields:
        fields(data, asked, kept);
        break;
      case At::kCounted:
      case At::kChunk:
        body(data, true, asked, kept);
        break;
      case At::kUntilClose:
        body(data, false, asked, kept);
        break;
      case At::kTrailers:
        switch (fields_.take(data)) {
          case HttpFields::Outcome::kMore:
            break;
          case HttpFields::Outcome::kEnd:
            finish(asked, kept);
            break;
          default:
            fail(Failure::kHttpMalformed);
        }
        break;
      default:
        chunk_line(data.front());
        data = data.subspan(1);
    }
  }
  return outcome();
}

HttpResponse::Outcome HttpResponse::peer_closed(const HttpAsked& asked, const HttpKept& kept) {
  if (at_ == At::kUntilClose) {
    finish(asked, kept);
  } else if (at_ < At::kDone) {
    fail(Failure::kClosedEarly);
  }
  return outcome();
}

void HttpResponse::status_line(Bytes& data) {
  std::size_t used = 0;
  while (used < data.size() && at_ < At::kFields) {
    const std::uint8_t c = data[used++];
    bool good = true;
    switch (at_) {
      case At::kVersion:
        good = static_cast<char>(c) == kVersionPrefix[position_];
        if (++position_ == kVersionPrefix.size()) at_ = At::kMinor;
        break;
      case At::kMinor:
        good = is_digit(c);
        version_1_0_ = c == '0';
        at_ = At::kStatusGap;
        break;
      case At::kStatusGap:
        good = c == ' ';
        at_ = At::kStatus;
        position_ = 0;
        status_ = 0;
        break;
      case At::kStatus:
        good = is_digit(c);
        status_ = static_cast<std::uint16_t>(status_ * 10 + (c - '0'));
        if (++position_ == 3) at_ = At::kAfterStatus;
        break;
      case At::kAfterStatus:  // servers leave out the reason, and some of them the space before it too
        good = c == ' ' || c == '\r' || c == '\n';
        at_ = c == '\n' ? At::kFields : At::kReason;
        break;
      default:
        if (c == '\n') {
          at_ = At::kFields;
        } else if (const void* const end = std::memchr(data.data() + used, '\n', data.size() - used)) {
          used = static_cast<std::size_t>(static_cast<const std::uint8_t*>(end) - data.data());
        }
    }
    if (!good) return fail(Failure::kHttpMalformed);
  }
  data = data.subspan(used);
  if (used > HttpFields::kMaxBytes || !fields_.count_start_line(used)) fail(Failure::kHttpMalformed);
}

void HttpResponse::fields(Bytes& data, const HttpAsked& asked, const HttpKept& kept) {
  switch (fields_.take(data, kept.location)) {
    case HttpFields::Outcome::kMore:
      break;
    case HttpFields::Outcome::kEnd:
      begin_body(asked, kept);
      break;
    default:
      fail(Failure::kHttpMalformed);
  }
}

// RFC 9112 section 6.3.
void HttpResponse::begin_body(const HttpAsked& asked, const HttpKept& kept) {
  if (status_ < 100 || status_ > 599 || status_ == 101) return fail(Failure::kHttpMalformed);
  if (status_ < 200) {  // interim: the real one follows
    fields_.restart(true);
    if (kept.location != nullptr) kept.location->clear();
    at_ = At::kVersion;
    position_ = 0;
    return;
  }
  redirects_ = asked.follows && is_redirect(status_) && kept.location != nullptr && !kept.location->empty();
  if (!redirects_ && !asked.statuses.has(status_)) return fail(unwanted(status_));
  persists_ = version_1_0_ ? fields_.keep_alive() && !fields_.close() : !fields_.close();
  at_ = At::kCounted;
  left_ = 0;
  if (asked.head || status_ == 204 || status_ == 304) return;
  if (fields_.chunked()) {
    if (version_1_0_) return fail(Failure::kHttpMalformed);
    at_ = At::kChunkSize;
    position_ = 0;
  } else if (fields_.has_length()) {
    left_ = fields_.length();
  } else {
    at_ = At::kUntilClose;
    persists_ = false;
  }
}

// Everything between the data of two chunks. `position_` counts the bytes of a size line, `left_` is its number.
void HttpResponse::chunk_line(std::uint8_t c) {
  if (at_ == At::kChunkEndCr) {
    if (c == '\r')
      at_ = At::kChunkEndLf;
    else
      fail(Failure::kHttpMalformed);
    return;
  }
  if (at_ == At::kChunkEndLf) {
    if (c != '\n') return fail(Failure::kHttpMalformed);
    at_ = At::kChunkSize;
    position_ = 0;
    left_ = 0;
    return;
  }
  if (position_++ >= kMaxChunkLine) return fail(Failure::kHttpMalformed);
  if (at_ == At::kChunkSize) {
    const int digit = hex_value(c);
    if (digit >= 0) {
      left_ = left_ * 16 + static_cast<unsigned>(digit);
      if (left_ > kMaxChunk) fail(Failure::kHttpMalformed);
    } else if (position_ == 1) {
      fail(Failure::kHttpMalformed);
    } else if (c == '\r') {
      at_ = At::kChunkLf;
    } else if (c == ';' || c == ' ' || c == '\t') {
      at_ = At::kChunkExtension;
    } else {
      fail(Failure::kHttpMalformed);
    }
  } else if (at_ == At::kChunkExtension) {
    if (c == '\r') at_ = At::kChunkLf;
    if (c == '\n') fail(Failure::kHttpMalformed);
  } else if (c != '\n') {
    fail(Failure::kHttpMalformed);
  } else if (left_ != 0) {
    at_ = At::kChunk;
  } else {
    fields_.restart(true);
    at_ = At::kTrailers;
  }
}

void HttpResponse::body(Bytes& data, bool counted, const HttpAsked& asked, const HttpKept& kept) {
  const std::size_t piece =
      counted ? static_cast<std::size_t>(std::min<std::uint64_t>(left_, data.size())) : data.size();
  if (!redirects_ && kept.digest != nullptr) kept.digest->add(data.first(piece));
  body_bytes_ += piece;
  data = data.subspan(piece);
  // More than can be right: no need to hear the rest of it.
  if (!redirects_ && asked.verify.bytes && body_bytes_ > *asked.verify.bytes) return fail(Failure::kVerifyMismatch);
  if (!counted) return;
  left_ -= piece;
  if (left_ == 0) {
    if (at_ == At::kChunk)
      at_ = At::kChunkEndCr;
    else
      finish(asked, kept);
  }
}

void HttpResponse::finish(const HttpAsked& asked, const HttpKept& kept) {
  const HttpVerify& verify = asked.verify;
  const bool wrong_length = verify.bytes && body_bytes_ != *verify.bytes;
  const bool wrong_digest = verify.sha256 && (kept.digest == nullptr || kept.digest->finish() != *verify.sha256);
  if (!redirects_ && (wrong_length || wrong_digest)) return fail(Failure::kVerifyMismatch);
  at_ = At::kDone;
}

}  // namespace myriad::app
