#include "app/http_server.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string_view>

namespace myriad::app {
namespace {

constexpr std::string_view kGet = "GET";
constexpr std::string_view kHead = "HEAD";
constexpr std::string_view kVersionPrefix = "HTTP/1.";
constexpr std::string_view kScheme = "http://";  // RFC 9112 3.2.2: a server MUST accept the absolute form
constexpr std::string_view kBytesPath = "/bytes/";

constexpr std::array<std::string_view, 6> kStatusLines = {
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 400 Bad Request\r\n",
    "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\n",
    "HTTP/1.1 413 Content Too Large\r\n",
    "HTTP/1.1 431 Request Header Fields Too Large\r\n",
    "HTTP/1.1 505 HTTP Version Not Supported\r\n",
};

constexpr bool is_at(std::string_view word, std::size_t position, std::uint8_t c) {
  return position < word.size() && word[position] == static_cast<char>(c);
}

}  // namespace

std::size_t HttpServer::write_head(const Response& response, std::string_view type,
                                   std::array<std::uint8_t, kHeadRoom>& out) {
  std::uint8_t* at = out.data();
  const auto put = [&at](std::string_view text) {
    std::memcpy(at, text.data(), text.size());
    at += text.size();
  };
  put(kStatusLines[static_cast<std::size_t>(response.status)]);
  put("Server: myriad/" MYRIAD_VERSION "\r\nContent-Type: ");
  put(response.own ? type : "application/octet-stream");
  put("\r\nContent-Length: ");
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, static_cast<std::uint64_t>(response.body)).ptr;
  put({digits, static_cast<std::size_t>(end - digits)});
  if (response.close) put("\r\nConnection: close");
  if (response.say_keep_alive) put("\r\nConnection: keep-alive");
  put("\r\n\r\n");
  return static_cast<std::size_t>(at - out.data());
}

HttpServer::Step HttpServer::take(Bytes data, const HttpService& service) {
  Step step;
  if (closing_) return step;  // what comes after the last request is not read
  if (backlog_.empty()) parse(data, service, step);
  if (!closing_ && !data.empty() && !backlog_.append(data, service.backlog_limit)) step.overflow = true;
  return step;
}

HttpServer::Step HttpServer::acknowledged(std::uint64_t upto, const HttpService& service) {
  Step step;
  std::size_t gone = 0;
  while (gone < count_ && first_ + responses_[gone].bytes() <= upto) first_ += responses_[gone++].bytes();
  if (gone == 0) return step;
  std::copy(responses_.begin() + static_cast<std::ptrdiff_t>(gone), responses_.begin() + count_, responses_.begin());
  count_ = static_cast<std::uint8_t>(count_ - gone);
  while (!backlog_.empty() && !closing_ && count_ < kMaxResponses) {
    const Bytes front = backlog_.front();
    Bytes rest = front;
    parse(rest, service, step);
    backlog_.drop(static_cast<std::uint32_t>(front.size() - rest.size()));
  }
  if (closing_) backlog_.drop(backlog_.size());
  return step;
}

std::uint64_t HttpServer::read(std::uint64_t offset, MutableBytes out, const HttpService& service) const {
  const std::uint64_t whole = offset;
  std::uint64_t sum = 0;
  std::uint64_t begin = first_;
  for (std::size_t i = 0; i < count_ && !out.empty(); ++i) {
    const Response& response = responses_[i];
    const std::uint64_t length = response.bytes();
    while (offset - begin < length && !out.empty()) {
      const std::uint64_t within = offset - begin;
      std::size_t piece = 0;
      if (within < response.head) {
        std::array<std::uint8_t, kHeadRoom> head;
        write_head(response, service.type, head);
        piece = std::min<std::size_t>(out.size(), response.head - static_cast<std::size_t>(within));
        std::memcpy(out.data(), head.data() + within, piece);
        sum += checksum_at(offset - whole, checksum_add(0, out.first(piece)));
      } else {
        piece = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), length - within));
        sum += checksum_at(offset - whole, service.body(response.own, within - response.head, out.first(piece)));
      }
      offset += piece;
      out = out.subspan(piece);
    }
    begin += length;
  }
  return sum;
}

void HttpServer::parse(Bytes& data, const HttpService& service, Step& step) {
  while (!data.empty() && !closing_ && count_ < kMaxResponses) {
    if (at_ != At::kFields) {
      const std::uint8_t c = data.front();
      data = data.subspan(1);
      if (!fields_.count_start_line(1)) {
        refuse(Status::kFieldsTooLarge, step);
      } else {
        request_byte(c, step);
      }
      continue;
    }
    switch (fields_.take(data)) {
      case HttpFields::Outcome::kMore:
        break;
      case HttpFields::Outcome::kEnd:
        end_of_request(service, step);
        break;
      case HttpFields::Outcome::kMalformed:
        refuse(Status::kBadRequest, step);
        break;
      case HttpFields::Outcome::kTooLarge:
        refuse(Status::kFieldsTooLarge, step);
        break;
    }
  }
}

void HttpServer::request_byte(std::uint8_t c, Step& step) {
  switch (at_) {
    case At::kStart:  // RFC 9112 2.2: empty lines before the request are skipped; they count against the bound
      if (c == '\r' || c == '\n') return;
      at_ = At::kMethod;
      method_byte(c, step);
      return;
    case At::kMethod:
      return method_byte(c, step);
    case At::kVersion:
    case At::kMinor:
    case At::kLineCr:
    case At::kLineLf:
      return version_byte(c, step);
    default:
      break;
  }
  if (c == ' ' && at_ != At::kTargetStart) {
    if (at_ == At::kNumber && position_ != 0) named_ = true;
    at_ = At::kVersion;
    position_ = 0;
  } else if (c <= ' ' || c == 0x7f) {
    refuse(Status::kBadRequest, step);
  } else {
    target_byte(c);
    if (body_ > kMaxBody) refuse(Status::kBadRequest, step);
  }
}

void HttpServer::method_byte(std::uint8_t c, Step& step) {
  if (c == ' ' && position_ != 0) {
    is_head_ = may_be_head_ && position_ == kHead.size();
    const bool known = is_head_ || (may_be_get_ && position_ == kGet.size());
    if (!known) return refuse(Status::kMethodNotAllowed, step);
    at_ = At::kTargetStart;
    position_ = 0;
    return;
  }
  if (!is_token(c)) return refuse(Status::kBadRequest, step);
  may_be_get_ = may_be_get_ && is_at(kGet, position_, c);
  may_be_head_ = may_be_head_ && is_at(kHead, position_, c);
  if (position_ < 255) ++position_;
}

// One visible byte of the request target.
void HttpServer::target_byte(std::uint8_t c) {
  switch (at_) {
    case At::kTargetStart:
      if (c == '/') {
        at_ = At::kPath;
        position_ = 1;
      } else {
        at_ = to_lower(c) == 'h' ? At::kScheme : At::kIgnore;
        position_ = 1;
      }
      return;
    case At::kScheme:
      if (!is_at(kScheme, position_, to_lower(c))) {
        at_ = At::kIgnore;
      } else if (++position_ == kScheme.size()) {
        at_ = At::kAuthority;
      }
      return;
    case At::kAuthority:
      if (c == '/') {
        at_ = At::kPath;
        position_ = 1;
      }
      return;
    case At::kPath:
      if (!is_at(kBytesPath, position_, c)) {
        at_ = At::kIgnore;
      } else if (++position_ == kBytesPath.size()) {
        at_ = At::kNumber;
        position_ = 0;
        body_ = 0;
      }
      return;
    case At::kNumber:
      if (c >= '0' && c <= '9') {
        body_ = body_ * 10 + static_cast<std::uint64_t>(c - '0');
        position_ = 1;
      } else {
        named_ = position_ != 0 && (c == '?' || c == '#');  // a query changes nothing
        at_ = At::kIgnore;
      }
      return;
    default:
      return;
  }
}

void HttpServer::version_byte(std::uint8_t c, Step& step) {
  switch (at_) {
    case At::kVersion:
      if (!is_at(kVersionPrefix, position_, c)) {
        const bool other_version = position_ == 5 && c >= '0' && c <= '9';  // "HTTP/2"
        return refuse(other_version ? Status::kBadVersion : Status::kBadRequest, step);
      }
      if (++position_ == kVersionPrefix.size()) at_ = At::kMinor;
      return;
    case At::kMinor:
      if (c < '0' || c > '9') return refuse(Status::kBadRequest, step);
      version_1_0_ = c == '0';
      at_ = At::kLineCr;
      return;
    case At::kLineCr:
      if (c == '\r')
        at_ = At::kLineLf;
      else if (c == '\n')
        at_ = At::kFields;
      else
        refuse(Status::kBadRequest, step);
      return;
    default:
      if (c == '\n')
        at_ = At::kFields;
      else
        refuse(Status::kBadRequest, step);
  }
}

void HttpServer::end_of_request(const HttpService& service, Step& step) {
  const bool host_is_right = fields_.hosts() == 1 || (version_1_0_ && fields_.hosts() == 0);  // RFC 9112 3.2
  if (!host_is_right) return refuse(Status::kBadRequest, step);
  if (fields_.chunked() || fields_.length() != 0) return refuse(Status::kContentTooLarge, step);
  Response response;
  response.own = !named_;
  response.body = (named_ ? body_ : service.body_bytes) & kMaxBody;
  response.head_only = is_head_;
  response.close = fields_.close() || (version_1_0_ && !fields_.keep_alive());
  response.say_keep_alive = version_1_0_ && !response.close;
  respond(response, service.type, step);
}

void HttpServer::refuse(Status status, Step& step) {
  Response response;
  response.status = status;
  response.close = true;
  respond(response, {}, step);
}

void HttpServer::respond(Response response, std::string_view type, Step& step) {
  std::array<std::uint8_t, kHeadRoom> head;
  response.head = static_cast<std::uint8_t>(write_head(response, type, head));
  responses_[count_++] = response;
  step.grown += response.bytes();
  if (response.close) {
    closing_ = true;
    step.close = true;
  }
  next_request();
}

void HttpServer::next_request() {
  fields_.restart(false);
  body_ = 0;
  position_ = 0;
  at_ = At::kStart;
  is_head_ = named_ = version_1_0_ = false;
  may_be_get_ = may_be_head_ = true;
}

}  // namespace myriad::app
