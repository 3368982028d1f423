// Loss detection: what the stream of acknowledgements says about what the network lost. Fast retransmit and NewReno
// (RFC 5681 section 3.2, RFC 6582), limited transmit (RFC 3042). The retransmission timer itself is the connection's.
#pragma once

#include <cstdint>

#include "base/seq.h"

namespace myriad::tcp {

inline constexpr std::uint8_t kDuplicateThreshold = 3;  // RFC 5681

class Recovery {
 public:
  enum class Verdict : std::uint8_t {
    kNothing,
    kEnter,      // retransmit the first unacknowledged segment, halve the window
    kInflate,    // a further duplicate during recovery
    kPartial,    // new data acknowledged, but not all that was out when the loss was seen: retransmit the next hole
    kRecovered,  // all of it is acknowledged
  };

  [[nodiscard]] bool in_recovery() const { return in_recovery_; }
  // Limited transmit: the first two duplicates let one new segment each go out beyond the congestion window.
  [[nodiscard]] std::uint32_t extra_segments() const { return in_recovery_ || duplicates_ > 2 ? 0U : duplicates_; }

  // An acknowledgement that moves nothing while data is outstanding. `una` is the first unacknowledged byte.
  Verdict on_duplicate(SeqNum una, SeqNum sent_up_to) {
    if (in_recovery_) return Verdict::kInflate;
    if (duplicates_ < 255) ++duplicates_;
    if (duplicates_ != kDuplicateThreshold) return Verdict::kNothing;
    // RFC 6582 section 3.2 step 2: not again for losses of an episode that a timeout or a recovery has dealt with.
    if (recover_valid_ && !una.after(recover_)) return Verdict::kNothing;
    in_recovery_ = true;
    recover_ = sent_up_to;
    recover_valid_ = true;
    return Verdict::kEnter;
  }
  // New data acknowledged up to `ack`.
  Verdict on_new_ack(SeqNum ack) {
    duplicates_ = 0;
    if (recover_valid_ && !ack.before(recover_)) recover_valid_ = false;
    if (!in_recovery_) return Verdict::kNothing;
    if (ack.before(recover_)) return Verdict::kPartial;
    in_recovery_ = false;
    return Verdict::kRecovered;
  }
  void on_timeout(SeqNum sent_up_to) {
    in_recovery_ = false;
    duplicates_ = 0;
    recover_ = sent_up_to;
    recover_valid_ = true;
  }

 private:
  SeqNum recover_;
  std::uint8_t duplicates_ = 0;
  bool in_recovery_ = false;
  bool recover_valid_ = false;
};

}  // namespace myriad::tcp
