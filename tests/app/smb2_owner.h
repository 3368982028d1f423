// Carries out what an SMB2 dialogue says, as the engine does over TCP, without any network.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "app/smb2/role.h"
#include "tests/app/octets.h"

namespace myriad::app::smb2 {

class Smb2Owner {
 public:
  Smb2Owner(const Smb2Role& role, const SessionFacts& facts) : dialogue_(role.make(facts)) {}

  void begin() { carry_out(dialogue_->begin(now_)); }
  // Everything that was said so far has arrived at the peer, and `data` comes from there.
  void hear(Bytes data) {
    carry_out(dialogue_->acknowledged(announced_, now_));
    if (!over()) carry_out(dialogue_->take(data, now_));
  }
  void hear_close() { carry_out(dialogue_->peer_closed(now_)); }
  void acknowledge() { carry_out(dialogue_->acknowledged(announced_, now_)); }
  void leave() { carry_out(dialogue_->leave(now_)); }
  // The clock goes on to the next time the dialogue wants to be woken at.
  void sleep() {
    ASSERT_FALSE(dialogue_->wake_at().is_never());
    now_ = std::max(now_, dialogue_->wake_at());
    carry_out(dialogue_->on_time(now_));
  }

  // What the dialogue has said and nobody has taken yet; in pieces of `most`, as TCP asks for them.
  Octets said(std::size_t most = 1460) {
    Octets out(announced_ - taken_);
    for (std::size_t at = 0; at < out.size(); at += most) {
      dialogue_->read(taken_ + at, MutableBytes{out}.subspan(at, std::min(most, out.size() - at)));
    }
    taken_ = announced_;
    return out;
  }

  [[nodiscard]] bool complete() const { return complete_; }
  [[nodiscard]] bool verified() const { return verified_; }
  [[nodiscard]] bool over() const { return over_ || failure_.has_value(); }
  [[nodiscard]] bool left() const { return over_; }
  [[nodiscard]] std::optional<Failure> failure() const { return failure_; }
  [[nodiscard]] Dialogue& dialogue() { return *dialogue_; }
  [[nodiscard]] Instant now() const { return now_; }

 private:
  void carry_out(const Step& step) {
    announced_ += step.grown;
    EXPECT_TRUE(step.datagram.empty());
    if (step.progress == Progress::kComplete) {
      EXPECT_FALSE(complete_) << "complete twice";
      complete_ = true;
      verified_ = step.verified;
    }
    if (step.progress == Progress::kOver) over_ = true;
    if (step.progress == Progress::kFailed) failure_ = step.failure;
  }

  std::unique_ptr<Dialogue> dialogue_;
  Instant now_{1'000'000'000};
  std::uint64_t announced_ = 0;
  std::uint64_t taken_ = 0;
  bool complete_ = false;
  bool verified_ = false;
  bool over_ = false;
  std::optional<Failure> failure_;
};

}  // namespace myriad::app::smb2
