// A client's session of HTTP/1.1 requests: one after the other or pipelined, over as many connections as the server
// makes it take, with redirects followed and pauses in between.
//
//   begin ─▶ requests, as many as may be under way ─▶ answers in the same order ─▶ … ─▶ kComplete, when all are there
//
// A connection that the server ends, having answered at least one request on it, is replaced (kReconnect) and what was
// not answered is asked again; a request that must not be repeated (RFC 9110 section 9.2.2) only when the server has
// said before that it would close. A server that answers nothing on a connection fails the session: there is no end of
// connections without an end of requests.
//
// There is no send buffer: what is under way is a few words a request, and read() writes it again. Refuses what
// http_client.h and http_redirect.h refuse, and bytes that nobody has asked for before all is done.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/dialogue.h"
#include "app/http_client.h"
#include "app/http_request.h"
#include "base/rng.h"

namespace myriad::app {

// One request of the list that all sessions of a workload share.
struct HttpExchange {
  std::string method = "GET";
  std::string path = "/";
  std::vector<HttpField> fields;
  HttpBody body;
  HttpAsked asked;   // `head` follows `method`, `follows` the script's
  std::string head;  // without its end; made by HttpRole

  // RFC 9110 section 9.2.2: doing it twice is the same as once.
  [[nodiscard]] bool idempotent() const { return method != "POST"; }
};

struct HttpScript {
  std::vector<HttpExchange> exchanges;  // at least one
  std::string host;                     // of the Host field
  bool tls = false;                     // for the port that Host leaves out, and the scheme of redirects
  bool random = false;                  // the exchanges are drawn from, each request anew; else taken in turn
  std::uint64_t requests = 1;           // of a session
  std::uint32_t pipeline = 1;           // that may be under way at a time
  std::uint32_t redirects = 0;          // that are followed for one request; 0: a redirect is an answer as any other
  bool keep_alive = true;               // false: a connection each
  bool holds = false;                   // the connection is to stay open after the last answer
  Duration think{};                     // from an answer to the next request; then `pipeline` is 1
};

class HttpDialogue final : public Dialogue {
 public:
  // The script outlives this.
  HttpDialogue(const HttpScript& script, const SessionFacts& facts);

  Step begin(Instant now) override;
  Step take(Bytes data, Instant now) override;
  Step peer_closed(Instant now) override;
  Step on_time(Instant now) override;
  Step leave(Instant now) override;
  [[nodiscard]] Instant wake_at() const override { return wake_at_; }
  Step acknowledged(std::uint64_t upto, Instant now) override;
  void read(std::uint64_t offset, MutableBytes out) const override;
  [[nodiscard]] Failure impatience() const override {
    return response_.begun() ? Failure::kTimeout : Failure::kResponseTimeout;
  }

 private:
  // Where redirects have led.
  struct Detour {
    HttpExchange exchange;
    std::string host;
    std::uint32_t steps = 0;
  };
  struct Request {
    const HttpExchange* exchange = nullptr;  // of the script, or of the detour
    std::unique_ptr<Detour> detour;
    // Once sent:
    std::uint64_t begin = 0;  // in the stream
    Instant at;
    bool keep_alive = true;  // what it says

    [[nodiscard]] std::uint64_t head_bytes() const { return exchange->head.size() + http_head_end(keep_alive).size(); }
    [[nodiscard]] std::uint64_t bytes() const { return head_bytes() + exchange->body.size(); }
  };

  [[nodiscard]] bool nothing_left() const { return waiting_.empty() && issued_ == script_.requests; }
  [[nodiscard]] std::size_t unanswered() const { return sent_.size() - answered_; }
  Request next_request();
  // Sends what may be sent now.
  void speak(Step& step, Instant now);
  void count_answer(Instant now);
  // What the response that has just ended means.
  Step answered(Instant now);
  Step redirected(const Request& request);
  // Goes on after an answer, or the end of the connection.
  Step go_on(Instant now);
  Step reconnect();
  HttpKept kept();

  const HttpScript& script_;
  Counts* const counts_;
  const IpAddress target_;
  const Port port_;
  Rng rng_;
  std::vector<Request> waiting_;  // to be sent before others of the script: redirects, and what is asked again
  std::vector<Request> sent_;     // on this connection: not acknowledged, or not answered
  std::size_t answered_ = 0;      // of them, the first ones
  std::uint64_t issued_ = 0;      // of script_.requests
  std::uint64_t grown_ = 0;       // length of the stream that we send
  std::uint64_t acknowledged_ = 0;
  HttpResponse response_;
  std::string location_;
  std::unique_ptr<Sha256> digest_;  // once one is asked for
  Instant wake_at_ = Instant::never();
  bool any_answer_ = false;    // on this connection
  bool last_request_ = false;  // of this connection has been sent
  bool ends_ = false;          // the connection serves no further request
  bool complete_ = false;
};

// Makes the sessions of one workload.
class HttpRole final : public Role {
 public:
  explicit HttpRole(HttpScript script);

  [[nodiscard]] std::unique_ptr<Dialogue> make(const SessionFacts& facts) const override;

 private:
  HttpScript script_;
};

}  // namespace myriad::app
