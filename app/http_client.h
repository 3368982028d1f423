// The reader of HTTP/1.1 responses: takes what a server says to one request after the other and keeps nothing of it but
// counts, framing and (when asked) a digest and a Location. Pure: bytes in, outcome out.
//
// Refuses (kHttpMalformed): anything but HTTP/1.x, header sections over HttpFields::kMaxBytes, 101, chunk lines over
// kMaxChunkLine, chunked in answer to HTTP/1.0. Final responses with another status than those that were asked for fail
// as soon as the header has ended. Bytes after the end of the response are left to the caller.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>

#include "app/failure.h"
#include "app/http_fields.h"
#include "app/sha256.h"
#include "base/bytes.h"

namespace myriad::app {

// What the body must be; both may be absent.
struct HttpVerify {
  std::optional<std::uint64_t> bytes;
  std::optional<Sha256::Digest> sha256;

  [[nodiscard]] bool any() const { return bytes.has_value() || sha256.has_value(); }
};

// Final statuses that count as success.
class HttpStatuses {
 public:
  static constexpr unsigned kFirst = 200;
  static constexpr unsigned kLast = 599;

  static HttpStatuses successful() {
    HttpStatuses all;
    all.add_class(2);
    return all;
  }
  void add(unsigned status) { set_.set(status - kFirst); }
  void add_class(unsigned hundreds) {
    for (unsigned status = hundreds * 100; status < hundreds * 100 + 100; ++status) add(status);
  }
  [[nodiscard]] bool has(unsigned status) const {
    return status >= kFirst && status <= kLast && set_.test(status - kFirst);
  }

 private:
  std::bitset<kLast - kFirst + 1> set_;
};

// What the answer to a request must be; the same for all sessions that ask it.
struct HttpAsked {
  HttpVerify verify;  // not of redirects that are followed
  HttpStatuses statuses = HttpStatuses::successful();
  bool head = false;     // by HEAD: the answer has no body
  bool follows = false;  // redirects with a Location are no failure
};

// Where a response leaves what outlasts it.
struct HttpKept {
  Sha256* digest = nullptr;         // of the body; needed when verify.sha256 is
  std::string* location = nullptr;  // the field's value; needed when redirects are followed
};

class HttpResponse {
 public:
  enum class Outcome : std::uint8_t { kMore, kDone, kFailed };

  // Takes from the front of `data` what belongs to the response.
  Outcome take(Bytes& data, const HttpAsked& asked, const HttpKept& kept);
  // The peer will send no more.
  Outcome peer_closed(const HttpAsked& asked, const HttpKept& kept);

  [[nodiscard]] Failure failure() const { return failure_; }
  [[nodiscard]] unsigned status() const { return status_; }
  [[nodiscard]] std::uint64_t body_bytes() const { return body_bytes_; }
  // A byte of it has come.
  [[nodiscard]] bool begun() const { return at_ != At::kVersion || position_ != 0 || fields_.begun(); }
  // Once done: another request may follow on the connection (RFC 9112 section 9.3).
  [[nodiscard]] bool persists() const { return persists_; }
  // Once done: it leads elsewhere, to kept.location.
  [[nodiscard]] bool redirects() const { return redirects_; }

 private:
  static constexpr std::uint8_t kMaxChunkLine = 200;
  static constexpr std::uint64_t kMaxChunk = std::uint64_t{1} << 60;

  enum class At : std::uint8_t {
    kVersion,
    kMinor,
    kStatusGap,
    kStatus,
    kAfterStatus,
    kReason,  // the status line
    kFields,
    kCounted,  // body by Content-Length
    kChunkSize,
    kChunkExtension,
    kChunkLf,
    kChunk,
    kChunkEndCr,
    kChunkEndLf,
    kTrailers,
    kUntilClose,
    kDone,
    kFailed,
  };

  void status_line(Bytes& data);
  void fields(Bytes& data, const HttpAsked& asked, const HttpKept& kept);
  void begin_body(const HttpAsked& asked, const HttpKept& kept);
  void chunk_line(std::uint8_t c);
  void body(Bytes& data, bool counted, const HttpAsked& asked, const HttpKept& kept);
  void finish(const HttpAsked& asked, const HttpKept& kept);
  void fail(Failure why) {
    failure_ = why;
    at_ = At::kFailed;
  }
  [[nodiscard]] Outcome outcome() const {
    return at_ == At::kDone ? Outcome::kDone : at_ == At::kFailed ? Outcome::kFailed : Outcome::kMore;
  }

  HttpFields fields_;
  std::uint64_t body_bytes_ = 0;
  std::uint64_t left_ = 0;  // of the body or the chunk
  std::uint16_t status_ = 0;
  At at_ = At::kVersion;
  std::uint8_t position_ = 0;
  Failure failure_ = Failure::kCount;
  bool version_1_0_ : 1 = false;
  bool persists_ : 1 = false;
  bool redirects_ : 1 = false;
};

}  // namespace myriad::app
