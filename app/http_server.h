// The server's side of HTTP/1.x on one connection: GET and HEAD.
//
//   GET /bytes/N   N bytes of a pattern (N up to kMaxBody), made up on the spot
//   GET anything   the service's own page; without one, so many bytes of the pattern as it says
//
// There is no send buffer: a response is a record of 8 bytes, and its head and body are written again whenever read()
// is asked for them, until the peer has acknowledged them. At most kMaxResponses records are kept. Requests pipelined
// beyond that stay unparsed in a backlog, which the owner of the session keeps bounded by making the receive window
// smaller by unread().
//
// Refuses, with a response and then the end of the connection: malformed requests and HTTP/1.1 without exactly one Host
// (400), other methods (405), header sections over HttpFields::kMaxBytes (431), other versions (505), requests that
// bring a body (413).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "app/byte_ring.h"
#include "app/http_fields.h"
#include "app/pattern.h"
#include "app/summed_bytes.h"
#include "base/bytes.h"

namespace myriad::app {

// What all connections of a service share.
struct HttpService {
  static constexpr std::size_t kMostTypeBytes = 64;

  std::uint64_t body_bytes = 1024;             // of any path but /bytes/N; at most HttpServer::kMaxBody
  Pattern pattern{0};                          // of every body that is made up
  std::shared_ptr<const SummedBytes> start{};  // of the pattern, when that is kept
  std::shared_ptr<const SummedBytes> page{};   // if set: what any path but /bytes/N is answered with; body_bytes long
  std::string type = "application/octet-stream";  // of that; at most kMostTypeBytes
  std::uint32_t backlog_limit = 64 * 1024;        // at least the receive window

  // Writes bytes of a body, its own or another, from `offset` on; their running sum.
  std::uint64_t body(bool own, std::uint64_t offset, MutableBytes out) const {
    if (own && page != nullptr) return page->copy(offset, out);
    const bool kept = start != nullptr && offset + out.size() <= start->size();
    return kept ? start->copy(offset, out) : pattern.fill(offset, out);
  }
};

class HttpServer {
 public:
  static constexpr std::size_t kMaxResponses = 4;
  static constexpr std::uint64_t kMaxBody = (std::uint64_t{1} << 48) - 1;

  // The stream that we send continues at offset `sent`.
  explicit HttpServer(std::uint64_t sent = 0) : first_(sent) {}

  struct Step {
    std::uint64_t grown = 0;  // how many bytes the stream that we send has become longer
    bool close = false;       // nothing follows them: send the FIN
    bool overflow = false;    // the peer has sent beyond its window; the connection is beyond repair
  };
  // Takes what arrived.
  Step take(Bytes data, const HttpService& service);
  // The peer has everything before stream offset `upto`; makes room, so that backlog may be parsed.
  Step acknowledged(std::uint64_t upto, const HttpService& service);
  // Bytes of the stream that we send; all of them have been announced and are not acknowledged.
  // Returns their running sum (base/checksum.h).
  std::uint64_t read(std::uint64_t offset, MutableBytes out, const HttpService& service) const;
  [[nodiscard]] std::uint32_t unread() const { return backlog_.size(); }
  [[nodiscard]] bool closing() const { return closing_; }
  // Nothing is under way: every response has been acknowledged and no byte of another request has come. A new server
  // that continues where this one stopped would be the same.
  [[nodiscard]] bool idle() const {
    return count_ == 0 && at_ == At::kStart && !fields_.begun() && backlog_.empty() && !closing_;
  }

 private:
  enum class Status : std::uint8_t {
    kOk,
    kBadRequest,
    kMethodNotAllowed,
    kContentTooLarge,
    kFieldsTooLarge,
    kBadVersion
  };
  enum class At : std::uint8_t {
    kStart,
    kMethod,
    kTargetStart,
    kScheme,
    kAuthority,
    kPath,
    kNumber,
    kIgnore,
    kVersion,
    kMinor,
    kLineCr,
    kLineLf,
    kFields
  };

  // A response that is not acknowledged yet.
  struct Response {
    std::uint64_t body : 48 = 0;
    std::uint64_t head : 8 = 0;  // bytes
    Status status : 3 = Status::kOk;
    bool own : 1 = false;  // the service's, not /bytes/N
    bool head_only : 1 = false;
    bool close : 1 = false;
    bool say_keep_alive : 1 = false;

    [[nodiscard]] std::uint64_t bytes() const { return head + (head_only ? 0 : body); }
  };
  static_assert(sizeof(Response) == 8);
  static constexpr std::size_t kHeadRoom = 255;

  // `type` is that of the service's own page.
  static std::size_t write_head(const Response& response, std::string_view type,
                                std::array<std::uint8_t, kHeadRoom>& out);

  void parse(Bytes& data, const HttpService& service, Step& step);
  void request_byte(std::uint8_t c, Step& step);
  void target_byte(std::uint8_t c);
  void method_byte(std::uint8_t c, Step& step);
  void version_byte(std::uint8_t c, Step& step);
  void end_of_request(const HttpService& service, Step& step);
  void refuse(Status status, Step& step);
  void respond(Response response, std::string_view type, Step& step);
  void next_request();

  HttpFields fields_;
  ByteRing backlog_;
  std::uint64_t body_ = 0;   // asked for by the current request
  std::uint64_t first_ = 0;  // stream offset of responses_[0]
  std::array<Response, kMaxResponses> responses_{};
  std::uint8_t count_ = 0;
  At at_ = At::kStart;
  std::uint8_t position_ = 0;
  bool is_head_ : 1 = false;
  bool may_be_get_ : 1 = true;  // the method so far
  bool may_be_head_ : 1 = true;
  bool named_ : 1 = false;  // the path is /bytes/N
  bool version_1_0_ : 1 = false;
  bool closing_ : 1 = false;
};

}  // namespace myriad::app
