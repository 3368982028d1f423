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

}  // namespace

std::string http_host(const IpAddress& address, Port port) {
  std::string host = address.is_v6() ? "[" + address.text() + "]" : address.text();
  if (port.number != 80) host += ":" + std::to_string(port.number);
  return host;
}

std::string http_request(std::string_view host, std::string_view path, bool keep_alive) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string request = "GET ";
  if (path.empty() || path.front() != '/') request += '/';
  for (const char c : path) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte > 0x20 && byte < 0x7f) {
      request += c;
    } else {
      request += '%';
      request += kHex[byte >> 4];
      request += kHex[byte & 15];
    }
  }
  request += " HTTP/1.1\r\nHost: ";
  request += host;
  request += "\r\nUser-Agent: myriad/" MYRIAD_VERSION "\r\nAccept: */*\r\nConnection: ";
  request += keep_alive ? "keep-alive\r\n\r\n" : "close\r\n\r\n";
  return request;
}

HttpResponse::Outcome HttpResponse::take(Bytes data, const HttpVerify& verify, Sha256* digest) {
  while (at_ < At::kDone) {
    // A message or chunk of no bytes ends without any arriving.
    if (at_ == At::kCounted && left_ == 0) {
      finish(verify, digest);
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
        fields(data);
        break;
      case At::kCounted:
      case At::kChunk:
        body(data, true, verify, digest);
        break;
      case At::kUntilClose:
        body(data, false, verify, digest);
        break;
      case At::kTrailers:
        switch (fields_.take(data)) {
          case HttpFields::Outcome::kMore:
            break;
          case HttpFields::Outcome::kEnd:
            finish(verify, digest);
            break;
          default:
            fail(HttpFailure::kMalformed);
        }
        break;
      default:
        chunk_line(data.front());
        data = data.subspan(1);
    }
  }
  return outcome();
}

HttpResponse::Outcome HttpResponse::peer_closed(const HttpVerify& verify, Sha256* digest) {
  if (at_ == At::kUntilClose) {
    finish(verify, digest);
  } else if (at_ < At::kDone) {
    fail(HttpFailure::kClosedEarly);
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
    if (!good) return fail(HttpFailure::kMalformed);
  }
  data = data.subspan(used);
  if (used > HttpFields::kMaxBytes || !fields_.count_start_line(used)) fail(HttpFailure::kMalformed);
}

void HttpResponse::fields(Bytes& data) {
  switch (fields_.take(data)) {
    case HttpFields::Outcome::kMore:
      break;
    case HttpFields::Outcome::kEnd:
      begin_body();
      break;
    default:
      fail(HttpFailure::kMalformed);
  }
}

// RFC 9112 section 6.3.
void HttpResponse::begin_body() {
  if (status_ < 100 || status_ > 599 || status_ == 101) return fail(HttpFailure::kMalformed);
  if (status_ < 200) {  // interim: the real one follows
    fields_.restart(true);
    at_ = At::kVersion;
    position_ = 0;
    return;
  }
  if (status_ >= 500) return fail(HttpFailure::kStatus5xx);
  if (status_ >= 400) return fail(HttpFailure::kStatus4xx);
  if (status_ >= 300) return fail(HttpFailure::kStatus3xx);
  at_ = At::kCounted;
  left_ = 0;
  if (status_ == 204) return;
  if (fields_.chunked()) {
    if (version_1_0_) return fail(HttpFailure::kMalformed);
    at_ = At::kChunkSize;
    position_ = 0;
  } else if (fields_.has_length()) {
    left_ = fields_.length();
  } else {
    at_ = At::kUntilClose;
  }
}

// Everything between the data of two chunks. `position_` counts the bytes of a size line, `left_` is its number.
void HttpResponse::chunk_line(std::uint8_t c) {
  if (at_ == At::kChunkEndCr) {
    if (c == '\r')
      at_ = At::kChunkEndLf;
    else
      fail(HttpFailure::kMalformed);
    return;
  }
  if (at_ == At::kChunkEndLf) {
    if (c != '\n') return fail(HttpFailure::kMalformed);
    at_ = At::kChunkSize;
    position_ = 0;
    left_ = 0;
    return;
  }
  if (position_++ >= kMaxChunkLine) return fail(HttpFailure::kMalformed);
  if (at_ == At::kChunkSize) {
    const int digit = hex_value(c);
    if (digit >= 0) {
      left_ = left_ * 16 + static_cast<unsigned>(digit);
      if (left_ > kMaxChunk) fail(HttpFailure::kMalformed);
    } else if (position_ == 1) {
      fail(HttpFailure::kMalformed);
    } else if (c == '\r') {
      at_ = At::kChunkLf;
    } else if (c == ';' || c == ' ' || c == '\t') {
      at_ = At::kChunkExtension;
    } else {
      fail(HttpFailure::kMalformed);
    }
  } else if (at_ == At::kChunkExtension) {
    if (c == '\r') at_ = At::kChunkLf;
    if (c == '\n') fail(HttpFailure::kMalformed);
  } else if (c != '\n') {
    fail(HttpFailure::kMalformed);
  } else if (left_ != 0) {
    at_ = At::kChunk;
  } else {
    fields_.restart(true);
    at_ = At::kTrailers;
  }
}

void HttpResponse::body(Bytes& data, bool counted, const HttpVerify& verify, Sha256* digest) {
  const std::size_t piece =
      counted ? static_cast<std::size_t>(std::min<std::uint64_t>(left_, data.size())) : data.size();
  if (digest != nullptr) digest->add(data.first(piece));
  body_bytes_ += piece;
  data = data.subspan(piece);
  // More than can be right: no need to hear the rest of it.
  if (verify.bytes && body_bytes_ > *verify.bytes) return fail(HttpFailure::kVerifyMismatch);
  if (!counted) return;
  left_ -= piece;
  if (left_ == 0) {
    if (at_ == At::kChunk)
      at_ = At::kChunkEndCr;
    else
      finish(verify, digest);
  }
}

void HttpResponse::finish(const HttpVerify& verify, Sha256* digest) {
  const bool wrong_length = verify.bytes && body_bytes_ != *verify.bytes;
  const bool wrong_digest = verify.sha256 && (digest == nullptr || digest->finish() != *verify.sha256);
  if (wrong_length || wrong_digest) return fail(HttpFailure::kVerifyMismatch);
  at_ = At::kDone;
}

}  // namespace myriad::app
