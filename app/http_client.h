// The client's side of one HTTP/1.1 exchange: a request that all sessions of a workload share, and a reader of the
// response that keeps nothing of it but counts, framing and (when asked) a digest. Pure: bytes in, outcome out.
//
// Refuses (kMalformed): anything but HTTP/1.x, header sections over HttpFields::kMaxBytes, 101, chunk lines over
// kMaxChunkLine, chunked in answer to HTTP/1.0. Final responses other than 2xx fail as soon as the header has ended.
// Bytes after the end of the response are not looked at.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "app/http_fields.h"
#include "app/sha256.h"
#include "base/addr.h"
#include "base/bytes.h"

namespace myriad::app {

// The request's bytes. `path` is percent-encoded where a request line could not hold it; `host` goes in as it is.
[[nodiscard]] std::string http_request(std::string_view host, std::string_view path, bool keep_alive);
// The Host field for an address: IPv6 in brackets, the port unless it is 80.
[[nodiscard]] std::string http_host(const IpAddress& address, Port port);

// What the body must be; both may be absent.
struct HttpVerify {
  std::optional<std::uint64_t> bytes;
  std::optional<Sha256::Digest> sha256;

  [[nodiscard]] bool any() const { return bytes.has_value() || sha256.has_value(); }
};

enum class HttpFailure : std::uint8_t {
  kNone,
  kMalformed,
  kStatus3xx,  // redirects are not followed
  kStatus4xx,
  kStatus5xx,
  kVerifyMismatch,
  kClosedEarly,  // the peer closed before the response was complete
};

class HttpResponse {
 public:
  enum class Outcome : std::uint8_t { kMore, kDone, kFailed };

  // Feeds what arrived. `digest` is that of this session, or nullptr when `verify` asks for none.
  Outcome take(Bytes data, const HttpVerify& verify, Sha256* digest);
  // The peer will send no more.
  Outcome peer_closed(const HttpVerify& verify, Sha256* digest);

  [[nodiscard]] HttpFailure failure() const { return failure_; }
  [[nodiscard]] unsigned status() const { return status_; }
  [[nodiscard]] std::uint64_t body_bytes() const { return body_bytes_; }

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
  void fields(Bytes& data);
  void begin_body();
  void chunk_line(std::uint8_t c);
  void body(Bytes& data, bool counted, const HttpVerify& verify, Sha256* digest);
  void finish(const HttpVerify& verify, Sha256* digest);
  void fail(HttpFailure why) {
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
  HttpFailure failure_ = HttpFailure::kNone;
  bool version_1_0_ = false;
};

}  // namespace myriad::app
