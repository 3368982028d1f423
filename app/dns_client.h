// A resolver's questions, as stub resolvers ask them (RFC 1035, RFC 7766): by datagram, again with another transaction
// identifier when no answer comes in time, and over TCP when an answer did not fit; or over TCP from the start.
//
// An answer counts when it comes from where the question went, bears the identifier of one of its tries and repeats the
// question. What bears another one is taken for a late or a forged one and is not looked at; what is no message of DNS
// at all fails the session.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/dialogue.h"
#include "app/dns_message.h"

namespace myriad::app {

// What the answer must be. Without an expectation it must have no error and at least one record of the type asked for.
struct DnsExpect {
  std::optional<DnsRcode> rcode;
  std::optional<std::vector<std::string>> answers;  // as dns_data() makes them, sorted: these and no others

  [[nodiscard]] bool any() const { return rcode.has_value() || answers.has_value(); }
};

struct DnsQuery {
  DnsName name;
  DnsType type = DnsType::kA;
  DnsExpect expect;
};

enum class DnsTransport : std::uint8_t { kAuto, kUdp, kTcp };  // auto: by UDP, and by TCP what did not fit

struct DnsQuestions {
  std::vector<DnsQuery> queries;  // at least one
  std::uint32_t per_session = 1;
  bool at_random = false;  // otherwise in order, each session where the one before it stopped
  DnsTransport transport = DnsTransport::kAuto;
  Duration retry = std::chrono::seconds{1};  // until the first question is repeated; then twice as long each time
  std::uint32_t tries = 3;                   // at most kMaxTries
  std::uint16_t payload_bytes = 1232;        // that we offer to take by UDP (EDNS0); 0: no such offer

  static constexpr std::uint32_t kMaxTries = 10;
};

// What a message says about a question.
struct DnsReply {
  enum class Kind : std::uint8_t {
    kForeign,    // about something else
    kTruncated,  // ask over TCP
    kAnswered,   // as it must be
    kFailed,
  };
  Kind kind = Kind::kForeign;
  Failure failure = Failure::kCount;
};
// The identifier has been checked. Never reads outside `message`, whatever it holds.
[[nodiscard]] DnsReply judge_dns(Bytes message, const DnsQuery& query);

class DnsRole final : public Role {
 public:
  explicit DnsRole(DnsQuestions questions) : questions_(std::move(questions)) {}
  [[nodiscard]] std::unique_ptr<Dialogue> make(const SessionFacts& facts) const override;

 private:
  DnsQuestions questions_;
};

class DnsDialogue final : public Dialogue {
 public:
  DnsDialogue(const DnsQuestions& questions, std::uint64_t session, std::uint64_t seed);

  [[nodiscard]] Transport transport() const override { return transport_; }
  Step begin(Instant now) override;
  Step take(Bytes data, Instant now) override;
  Step peer_closed(Instant now) override;
  Step on_time(Instant now) override;
  [[nodiscard]] Instant wake_at() const override { return wake_at_; }
  void read(std::uint64_t offset, MutableBytes out) const override;

 private:
  // The n-th question of this session.
  [[nodiscard]] const DnsQuery& query(std::uint32_t number) const;
  [[nodiscard]] std::uint16_t id(std::uint32_t number, std::uint32_t a_try) const;
  [[nodiscard]] bool is_ours(std::uint16_t id) const;
  std::size_t write(std::uint32_t number, std::uint32_t a_try, MutableBytes out) const;
  Step ask(Instant now);  // the current question, for the first time or again
  Step hear(Bytes message, Instant now);
  Step go_on(Instant now);  // to the next question

  const DnsQuestions& questions_;
  std::uint64_t first_;  // place of the session's first question, counted over all sessions
  std::uint64_t seed_;
  Instant wake_at_ = Instant::never();
  std::uint32_t asked_ = 0;         // number of the current question
  std::uint32_t tries_ = 0;         // of the current question
  std::uint32_t stream_begun_ = 0;  // number of the first question on this connection
  Transport transport_;
  bool verified_ = true;                // every question that was answered had an expectation
  std::vector<std::uint8_t> received_;  // of a message over TCP, with its length
  std::array<std::uint8_t, kDnsMaxQuery> datagram_;
};

}  // namespace myriad::app
