// What a connection needs only while it is busy: while segments are on their way, data waits for its turn or to be
// read, or a loss is worth remembering. An idle connection has none of it. Busy parts belong to the shard and are lent.
#pragma once

#include <cstdint>

#include "base/lending.h"
#include "base/seq.h"
#include "stack/tcp/congestion.h"
#include "stack/tcp/reassembly.h"
#include "stack/tcp/scoreboard.h"

namespace myriad::tcp {

enum class Phase : std::uint8_t {
  kOpen,
  kRecovery,  // fast recovery: RFC 6675, RFC 6582
  kLoss,      // after a timeout, until everything that was on its way then has been acknowledged
};

struct Busy {
  // Sending
  Scoreboard board;
  CongestionControl control;
  SeqNum recover;    // the phase ends when this is acknowledged: RFC 6675 RecoveryPoint, RFC 6582 recover
  SeqNum probe_end;  // TLP.end_seq
  SeqNum small_end;  // of the last segment that was not full
  Phase phase = Phase::kOpen;
  bool probing = false;      // a tail loss probe is out
  bool probe_again = false;  // TLP.is_retrans: it was not new data
  bool forced = false;       // one segment goes out whatever the congestion window says: RFC 6675 step (4.3)

  // Receiving
  Reassembly reassembly;
  std::uint32_t held = 0;  // bytes that the application has been given and not consumed
  SeqNum duplicate_left;   // told with the next acknowledgement: RFC 2883
  SeqNum duplicate_right;
  bool duplicate_due = false;
  bool peer_fin_known = false;  // a FIN came ahead of its turn
  SeqNum peer_fin;              // where it stands

  std::uint32_t next = 0;  // of those that are not lent
  std::uint32_t& next_free() { return next; }

  [[nodiscard]] bool needed() const {
    return !board.empty() || !reassembly.empty() || held != 0 || duplicate_due || peer_fin_known ||
           phase != Phase::kOpen || control.worth_keeping() || board.reordering_seen();
  }
  // As new; memory that was taken stays. Precondition: `reassembly` holds nothing.
  void renew() {
    control = {};
    probing = probe_again = forced = duplicate_due = peer_fin_known = false;
    phase = Phase::kOpen;
    held = 0;
    reassembly = {};
    board.renew();
  }
};

class BusyPool {
 public:
  static constexpr std::uint32_t kNone = Lending<Busy>::kNone;

  [[nodiscard]] std::uint32_t take() { return parts_.take(); }
  void give_back(std::uint32_t index) {
    parts_[index].renew();
    parts_.give_back(index);
  }
  [[nodiscard]] Busy& operator[](std::uint32_t index) { return parts_[index]; }
  [[nodiscard]] const Busy& operator[](std::uint32_t index) const { return parts_[index]; }
  [[nodiscard]] std::uint32_t in_use() const { return parts_.live(); }

 private:
  Lending<Busy> parts_;
};

}  // namespace myriad::tcp
