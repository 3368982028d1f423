// Carries out the steps of a dialogue over streams, as the engine does, and holds it to its contract.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/dialogue.h"
#include "tests/app/pieces.h"

namespace myriad::app {

class DialogueOwner {
 public:
  explicit DialogueOwner(std::unique_ptr<Dialogue> dialogue) : dialogue_(std::move(dialogue)) { connect(); }

  Instant now{1'000'000'000};
  Step last;         // the latest step that brought something
  std::string said;  // on the present connection
  int connections = 0;
  bool complete = false;
  bool verified = false;
  bool finished = false;  // our side is closed
  bool reset = false;

  [[nodiscard]] bool failed() const { return last.progress == Progress::kFailed; }
  [[nodiscard]] bool over() const { return last.progress == Progress::kOver; }
  [[nodiscard]] Failure failure() const { return last.failure; }
  [[nodiscard]] Dialogue& dialogue() { return *dialogue_; }

  // A step of kReconnect has been carried out when this returns: the next connection stands.
  void hear(std::string_view text) { carry_out(dialogue_->take(as_bytes(text), now)); }
  void peer_closes() { carry_out(dialogue_->peer_closed(now)); }
  void acknowledge(std::uint64_t upto) {
    acknowledged_ = std::max(acknowledged_, upto);
    carry_out(dialogue_->acknowledged(acknowledged_, now));
  }
  void acknowledge_all() { acknowledge(said.size()); }
  void leave() { carry_out(dialogue_->leave(now)); }
  // To the time at which the dialogue wants to be woken. False: it does not.
  bool sleep() {
    if (dialogue_->wake_at().is_never()) return false;
    now = std::max(now, dialogue_->wake_at());
    carry_out(dialogue_->on_time(now));
    return true;
  }
  // What was said since the last call on this connection.
  std::string new_words() { return said.substr(std::exchange(heard_, said.size())); }
  // What is not acknowledged is the same however often and in what pieces it is asked for.
  void read_again() const {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, said.size()}) {
      std::string again;
      for (std::size_t at = static_cast<std::size_t>(acknowledged_); at < said.size(); at += piece) {
        again += read(at, std::min(piece, said.size() - at));
      }
      EXPECT_EQ(again, said.substr(static_cast<std::size_t>(acknowledged_)));
    }
  }

 private:
  void connect() {
    ++connections;
    said.clear();
    heard_ = 0;
    acknowledged_ = 0;
    finished = false;
    carry_out(dialogue_->begin(now));
  }
  [[nodiscard]] std::string read(std::uint64_t offset, std::size_t length) const {
    std::string bytes(length, '\0');
    dialogue_->read(offset, {reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()});
    return bytes;
  }
  void carry_out(const Step& step) {
    EXPECT_TRUE(step.datagram.empty());
    if (step.progress != Progress::kMore) last = step;
    if (step.progress == Progress::kFailed) {
      EXPECT_NE(step.failure, Failure::kCount);
      return;
    }
    EXPECT_FALSE(finished && step.grown > 0) << "bytes behind the FIN";
    if (step.grown > 0) said += read(said.size(), static_cast<std::size_t>(step.grown));
    finished = finished || step.finish;
    reset = reset || step.reset;
    if (step.progress == Progress::kComplete) {
      EXPECT_FALSE(complete) << "twice";
      complete = true;
      verified = step.verified;
    }
    if (step.progress == Progress::kReconnect) connect();
  }

  std::unique_ptr<Dialogue> dialogue_;
  std::uint64_t acknowledged_ = 0;
  std::size_t heard_ = 0;
};

}  // namespace myriad::app
