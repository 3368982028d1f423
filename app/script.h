// A scripted TCP dialogue: send, expect, send_bytes, expect_bytes, close. The script is compiled once per workload and
// shared; a session is its place in it, 16 bytes. What a script sends does not depend on what it receives, so every
// byte of the stream is known from its offset alone and read() needs no session.
//
// `expect` skips whatever comes before its text (a streaming search, Knuth-Morris-Pratt); `expect_bytes` takes that
// many bytes, whatever they are. What arrives when nothing is expected is taken and forgotten.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "app/pattern.h"
#include "base/bytes.h"

namespace myriad::app {

struct SendText {
  std::string text;
};
struct ExpectText {
  std::string text;
};
struct SendBytes {
  std::uint64_t count = 0;
};  // of the pattern
struct ExpectBytes {
  std::uint64_t count = 0;
};
struct CloseStream {};  // sends FIN; what follows can only expect
using ScriptStep = std::variant<SendText, ExpectText, SendBytes, ExpectBytes, CloseStream>;

class Script {
 public:
  // Steps that would send after a close are left out.
  Script(const std::vector<ScriptStep>& steps, std::uint64_t seed);

  // Bytes of the stream that this side sends.
  void read(std::uint64_t offset, MutableBytes out) const;
  [[nodiscard]] std::uint64_t sends_bytes() const { return sends_.empty() ? 0 : sends_.back().end; }
  [[nodiscard]] bool closes() const { return closes_; }

 private:
  friend class ScriptRun;
  enum class Kind : std::uint8_t { kSend, kExpectText, kExpectBytes, kClose };
  struct Step {
    Kind kind{};
    std::uint64_t count = 0;             // to send or to expect
    std::string text;                    // to expect
    std::vector<std::uint32_t> borders;  // borders[i]: longest border of the first i + 1 bytes of `text`
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
  bool closes_ = false;
};

// Where one session is in its script.
class ScriptRun {
 public:
  struct Advance {
    std::uint64_t grown = 0;  // how many bytes the stream that we send has become longer
    bool close = false;       // then FIN
    bool done = false;        // the script is at its end
  };
  // Goes on as far as the script can, with what arrived (nothing, at the start).
  Advance take(const Script& script, Bytes data);
  // Whether the script still waits for bytes of the peer.
  [[nodiscard]] bool expecting(const Script& script) const { return step_ < script.steps_.size(); }

 private:
  std::uint64_t progress_ = 0;  // bytes had, or bytes of the text that match so far
  std::uint32_t step_ = 0;
};

}  // namespace myriad::app
