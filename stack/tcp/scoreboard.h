// What is on its way: every segment between SND.UNA and SND.NXT, when it was sent last, and what acknowledgements have
// said of it. Tells which segments are lost: by time (RACK, RFC 8985), by what was selectively acknowledged beyond them
// (RFC 6675), or by counting duplicate acknowledgements (RFC 5681, RFC 6582).
//
// Segments lie in a ring by sequence; each begins where the one before ends, the first at SND.UNA. Those that are
// neither acknowledged nor given up are also in a list by the time they were sent last, so that RACK looks only at
// those it has news of. Knows neither windows nor timers; those are the connection's.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/seq.h"
#include "stack/wire/tcp.h"

namespace myriad::tcp {

inline constexpr std::uint8_t kDuplicateThreshold = 3;  // RFC 5681, RFC 6675

// What one acknowledgement changed.
struct AckNews {
  std::uint32_t delivered = 0;          // bytes that are known to have arrived only now
  std::optional<std::uint32_t> rtt_us;  // of the first segment among them that measures something, µs
  bool echoed = false;                  // measured by a timestamp
  bool ambiguous = false;               // something among them was sent twice
  bool duplicate_told = false;          // D-SACK: the peer has had something twice (RFC 2883)
  bool selective = false;               // a SACK block said something new
};

// When an acknowledgement came, for the clocks of RACK. Microseconds that wrap.
struct AckTime {
  std::uint32_t now_us = 0;
  std::optional<std::uint32_t> echo_age_us;  // how long ago, at least, the segment was sent that it echoes (RFC 7323)
};

class Scoreboard {
 public:
  static constexpr std::uint32_t kMostSegments = 16 * 1024;  // on their way at a time; 23 MB of full ones

  [[nodiscard]] bool empty() const { return first_ == end_; }
  [[nodiscard]] std::uint32_t segments() const { return end_ - first_; }
  [[nodiscard]] bool full() const { return segments() >= kMostSegments; }
  [[nodiscard]] std::uint32_t sacked_bytes() const { return sacked_bytes_ + counted_bytes_; }
  [[nodiscard]] std::uint32_t lost_bytes() const { return lost_bytes_; }
  // RFC 6675: what is still in the network, of `flight` bytes between SND.UNA and SND.NXT.
  [[nodiscard]] std::uint32_t pipe(std::uint32_t flight) const {
    const std::uint32_t gone = sacked_bytes() + lost_bytes_;
    return flight > gone ? flight - gone : 0;
  }

  // Nothing is on its way, SND.UNA is `una`. What was learned of the path stays: round trip, reordering.
  void restart(SeqNum una);
  // As new, but for memory.
  void renew();
  // A segment up to `end` goes out for the first time. Precondition: !full().
  void sent(SeqNum end, std::uint32_t now_us);

  struct Again {
    SeqNum seq;
    std::uint32_t length;  // of sequence space
  };
  // The first bytes that are lost, as many as are so in one piece, up to `most`. Precondition: some are.
  [[nodiscard]] Again first_lost(std::uint32_t most);
  // The last segment on its way; nullopt when there is none.
  [[nodiscard]] std::optional<Again> last() const;
  // Those bytes go out again, in one segment. They begin where one that was sent begins, but may end elsewhere.
  void sent_again(SeqNum seq, std::uint32_t length, std::uint32_t now_us);

  // The cumulative acknowledgement moved to `una`.
  void acknowledge(SeqNum una, const AckTime& time, AckNews& news);
  // Bytes [left, right) have arrived beyond it; they lie between una and SND.NXT.
  // Peers repeat blocks as they grow: what the last acknowledgements have said is not looked at again.
  void acknowledge_selectively(SeqNum left, SeqNum right, const AckTime& time, AckNews& news);
  // Without SACK: a duplicate acknowledgement says that some segment of about that size has arrived.
  void count_duplicate(std::uint32_t bytes);
  [[nodiscard]] std::uint8_t duplicates() const { return duplicates_; }
  // New data was acknowledged: duplicates count from zero; in recovery those segments stay counted that the
  // acknowledgement does not explain (`stay`).
  void forget_duplicates(bool stay, std::uint32_t acknowledged, std::uint32_t mss);

  // Each returns true when a segment was found lost.
  [[nodiscard]] bool detect_by_sack(std::uint32_t mss);  // RFC 6675 IsLost(); says more only after selective news
  bool lose_first();
  void lose_all();                              // RFC 6298: the timer expired
  void lose_longer_than(std::uint32_t length);  // the path carries no more: they are cut and sent again
  [[nodiscard]] bool reneged() const;           // the peer has thrown away what it had acknowledged selectively
  void forget_sacks();

  // RACK -------------------------------------------------------------------------------------------------------------
  // Segments that were sent long enough before one that has arrived are lost. `wait_us`: when to ask again, if some
  // may only be late; 0 = no need. `recovering` and `srtt_us` bound how much reordering is waited for (section 6.2.4).
  [[nodiscard]] bool detect_by_time(std::uint32_t now_us, bool recovering, std::uint32_t srtt_us,
                                    std::uint32_t& wait_us);
  // A D-SACK says that something was sent again for nothing: wait longer before the next loss (section 6.2.4).
  void widen_reordering_window(SeqNum una, SeqNum next);
  void recovered();  // an episode of recovery is over
  void set_min_rtt(std::uint32_t us) { rack_.min_rtt_us = us; }
  // Reordering was seen: worth remembering while nothing is on its way.
  [[nodiscard]] bool reordering_seen() const { return rack_.reordering_seen || rack_.steps > 1; }

 private:
  using Place = std::uint16_t;  // in the ring
  static constexpr Place kNone = 0xffff;
  enum Flag : std::uint8_t {
    kSacked = 1,
    kLost = 2,
    kResent = 4,  // more than once on its way
    kListed = 8,  // in the list by time
  };
  struct Sent {
    SeqNum end;
    std::uint32_t sent_us;
    Place older;
    Place newer;
    std::uint8_t flags;
  };
  static_assert(kMostSegments < kNone);

  [[nodiscard]] Place place_of(std::uint32_t number) const { return static_cast<Place>(number & (capacity_ - 1)); }
  [[nodiscard]] std::uint32_t number_at(Place place) const { return first_ + ((place - first_) & (capacity_ - 1)); }
  [[nodiscard]] Sent& at(std::uint32_t number) { return ring_[place_of(number)]; }
  [[nodiscard]] const Sent& at(std::uint32_t number) const { return ring_[place_of(number)]; }
  [[nodiscard]] SeqNum begin_of(std::uint32_t number) const { return number == first_ ? una_ : at(number - 1).end; }
  [[nodiscard]] std::uint32_t length_of(std::uint32_t number) const { return at(number).end.since(begin_of(number)); }
  // The number of the segment that holds `seq`; end_ when it lies behind all.
  [[nodiscard]] std::uint32_t holding(SeqNum seq) const;
  void grow();
  void split(std::uint32_t number, std::uint32_t length);
  void insert_behind(std::uint32_t number, Sent segment);
  void list(std::uint32_t number);  // as the one sent last
  void unlist(std::uint32_t number);
  void lose(std::uint32_t number);
  void delivered(std::uint32_t number, const AckTime& time, AckNews& news);
  [[nodiscard]] std::uint32_t reordering_window_us(bool recovering, std::uint32_t srtt_us) const;
  // RFC 8985 RACK_sent_after().
  [[nodiscard]] static bool sent_after(std::uint32_t us1, SeqNum end1, std::uint32_t us2, SeqNum end2) {
    return us1 == us2 ? end1.after(end2) : static_cast<std::int32_t>(us1 - us2) > 0;
  }

  std::unique_ptr<Sent[]> ring_;
  std::uint32_t capacity_ = 0;  // a power of two, or 0
  std::uint32_t first_ = 0;     // numbers count on, and wrap
  std::uint32_t end_ = 0;
  Place oldest_ = kNone;
  Place newest_ = kNone;
  std::uint32_t lost_from_ = 0;       // none is lost before this number
  std::uint32_t settled_ = 0;         // detect_by_sack() has nothing more to say of those before this number
  std::uint32_t highest_sacked_ = 0;  // when there are any
  SeqNum una_;
  std::uint32_t sacked_bytes_ = 0;
  std::uint32_t lost_bytes_ = 0;
  std::uint32_t counted_bytes_ = 0;  // by duplicates, without SACK
  std::uint32_t sacked_segments_ = 0;
  std::uint8_t duplicates_ = 0;

  std::uint8_t told_next_ = 0;
  std::array<wire::TcpOptions::SackBlock, 4> told_{};  // beyond una_, and dealt with; left == right: none

  // RFC 8985 section 5.2.
  struct Rack {
    bool known = false;  // something was delivered
    bool forward_known = false;
    bool reordering_seen = false;
    bool widened = false;          // in this round
    std::uint8_t steps = 1;        // RACK.reo_wnd_mult
    std::uint8_t persist = 0;      // RACK.reo_wnd_persist
    std::uint32_t sent_us = 0;     // RACK.xmit_ts
    std::uint32_t rtt_us = 0;      // RACK.rtt
    std::uint32_t min_rtt_us = 0;  // RACK.min_RTT
    SeqNum end;                    // RACK.end_seq
    SeqNum forward;                // RACK.fack
    SeqNum round_end;              // RACK.dsack_round
  };
  Rack rack_;
};

}  // namespace myriad::tcp
