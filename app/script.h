// A scripted dialogue over TCP or UDP: send, expect, send_bytes, expect_bytes, sleep, close, reset. The script is
// compiled once per workload and shared; a session is its place in it. What a script sends does not depend on what it
// receives, so every byte of a stream is known from its offset alone.
//
// `expect` skips whatever comes before what it waits for: a text (Knuth-Morris-Pratt) or what a regular expression
// matches within the last kWindow bytes; `expect_bytes` takes that many bytes, whatever they are. What arrives when
// nothing more is expected is taken and forgotten; what arrives during a sleep is kept up to kMostKept bytes, of more
// the first ones are forgotten. A reset waits until the peer has what was sent.
//
// Of UDP every step that sends is one datagram. A text or a match lies within one datagram.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "app/dialogue.h"
#include "app/pattern.h"
#include "app/regex.h"
#include "base/bytes.h"

namespace myriad::app {

struct SendText {
  std::string text;
};
struct ExpectText {
  std::string text;
};
struct ExpectMatch {
  std::shared_ptr<const Regex> regex;
};
struct SendBytes {
  std::uint64_t count = 0;
};  // of the pattern
struct ExpectBytes {
  std::uint64_t count = 0;
};
struct Sleep {
  Duration time{};
};
struct CloseStream {};  // sends FIN; what follows can only expect and sleep
struct ResetStream {};  // sends RST; the end
using ScriptStep =
    std::variant<SendText, ExpectText, ExpectMatch, SendBytes, ExpectBytes, Sleep, CloseStream, ResetStream>;

class Script {
 public:
  static constexpr std::size_t kWindow = 4096;
  static constexpr std::size_t kMostKept = 64 * 1024;

  // Steps that would send after a close are left out, and so is what follows a reset.
  Script(const std::vector<ScriptStep>& steps, std::uint64_t seed, Transport transport = Transport::kStream);

  // Bytes of the stream that this side sends.
  void read(std::uint64_t offset, MutableBytes out) const;
  [[nodiscard]] std::uint64_t sends_bytes() const { return sends_.empty() ? 0 : sends_.back().end; }
  [[nodiscard]] bool closes() const { return closes_; }
  [[nodiscard]] Transport transport() const { return transport_; }

 private:
  friend class ScriptDialogue;
  enum class Kind : std::uint8_t { kSend, kExpectText, kExpectMatch, kExpectBytes, kSleep, kClose, kReset };
  struct Step {
    Kind kind{};
    std::uint64_t count = 0;             // to send or to expect; ns to sleep
    std::string text;                    // to expect
    std::vector<std::uint32_t> borders;  // borders[i]: longest border of the first i + 1 bytes of `text`
    std::shared_ptr<const Regex> regex;
  };
  struct Send {
    std::uint64_t begin = 0;  // in the stream
    std::uint64_t end = 0;
    std::string text;  // empty: the pattern, by its offset within this step
  };
  void add_send(std::uint64_t count, std::string text);

  std::vector<Step> steps_;
  std::vector<Send> sends_;
  Pattern pattern_;
  Transport transport_;
  bool closes_ = false;
  bool resets_ = false;
};

// One session.
class ScriptDialogue final : public Dialogue {
 public:
  // `script` outlives it.
  explicit ScriptDialogue(const Script& script) : script_(script) {}

  [[nodiscard]] Transport transport() const override { return script_.transport(); }
  Step begin(Instant now) override;
  Step take(Bytes data, Instant now) override;
  Step peer_closed(Instant now) override;
  Step on_time(Instant now) override;
  [[nodiscard]] Instant wake_at() const override { return wake_at_; }
  Step acknowledged(std::uint64_t upto, Instant now) override;
  void read(std::uint64_t offset, MutableBytes out) const override { script_.read(offset, out); }
  [[nodiscard]] bool rests() const override { return !script_.closes(); }
  [[nodiscard]] Failure impatience() const override;

 private:
  // Room that few scripts need.
  struct Kept {
    std::vector<std::uint8_t> window;  // what a regular expression has seen and not matched
    std::vector<std::uint8_t> late;    // what came during a sleep
    std::vector<std::uint8_t> datagram;
  };
  Kept& kept();
  Step go_on(Bytes data, Instant now);  // as far as the script can
  // Whether the current step has got what it waits for, of `data` what it needs.
  bool expect(Bytes& data);
  bool expect_match(Bytes& data);
  void next_step();
  void send(Step& step);
  Step end(Step step);

  const Script& script_;
  std::uint64_t progress_ = 0;  // bytes had, bytes of the text that match so far, or where a search begins
  std::uint64_t sent_ = 0;      // announced, or sent in datagrams
  std::uint64_t acknowledged_ = 0;
  Instant wake_at_ = Instant::never();
  std::unique_ptr<Kept> kept_;
  std::uint32_t step_ = 0;
};

class ScriptRole final : public Role {
 public:
  explicit ScriptRole(Script script) : script_(std::move(script)) {}
  [[nodiscard]] std::unique_ptr<Dialogue> make(const SessionFacts&) const override {
    return std::make_unique<ScriptDialogue>(script_);
  }
  [[nodiscard]] const Script& script() const { return script_; }

 private:
  Script script_;
};

}  // namespace myriad::app
