// Reassembly of IPv4 and IPv6 fragments (RFC 791, RFC 815, RFC 8200 section 4.5) for all hosts of one shard.
//
// A datagram in the making holds the bytes that came and a sorted list of what they are; it is put together when the
// last gap closes. Memory is what was received, never what a header promises, and is bounded for the shard as a whole.
//
// Refused: fragments that overlap others, with the whole datagram and what is still to come of it (RFC 5722; the same
// for IPv4, where it is an attack as well); lengths that are no multiple of 8 before the last fragment; datagrams above
// 64 KiB or of more pieces than any sane MTU makes. Exact copies are ignored. When the bounds are reached the oldest
// datagram makes room. What is not complete in time is counted and dropped without an ICMP error.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/addr.h"
#include "base/time.h"
#include "stack/wire/drop.h"
#include "stack/wire/ip.h"

namespace myriad::stack {

struct FragmentLimits {
  std::uint32_t datagrams = 256;  // being put together at a time; enough for the pings of a kernel that floods
  std::size_t bytes = 4U << 20;   // held for all of them
  std::uint32_t pieces = 256;     // of one datagram: 64 KiB at an MTU of 300
  Duration ipv4_timeout = std::chrono::seconds{30};  // from the first fragment; RFC 1122 section 3.3.2 wants 60 to 120
                                                     // s, kernels take 30
  Duration ipv6_timeout = std::chrono::seconds{60};  // RFC 8200 section 4.5
};

class Fragments {
 public:
  explicit Fragments(const FragmentLimits& limits = {});

  // Takes a fragment (is_fragment() is true) that is addressed to one of our hosts. Returns the whole packet when this
  // one completes it: a header made anew, from that of the first fragment, and the payload; valid until the next call.
  // Whatever comes to nothing is counted in `drops`.
  [[nodiscard]] std::optional<wire::IpView> add(const wire::IpView& fragment, VlanTags vlan, Instant now,
                                                DropCounters& drops);

  // Drops what has been incomplete for too long. add() does so as well; calling it when next_deadline() comes gives the
  // memory back and counts in time.
  void expire(Instant now, DropCounters& drops);
  [[nodiscard]] Instant next_deadline() const;

  [[nodiscard]] std::uint32_t datagrams() const { return live_; }
  [[nodiscard]] std::size_t bytes_held() const { return bytes_held_; }

 private:
  // What fragments of one datagram have in common. IPv6 counts identifications for all protocols (RFC 8200
  // section 4.5).
  struct Key {
    IpAddress src;
    IpAddress dst;
    VlanTags vlan;
    std::uint32_t id = 0;
    std::uint8_t protocol = 0;  // 0 for IPv6
    friend bool operator==(const Key&, const Key&) = default;
  };
  // Bytes [begin, end) of the payload lie in the datagram's bytes from `at` on.
  struct Piece {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    std::uint32_t at = 0;
  };
  struct Datagram {
    Key key;
    Instant deadline;
    std::vector<std::uint8_t> bytes;  // as they came
    std::vector<Piece> pieces;        // sorted, without overlap
    std::uint32_t length = kUnknown;  // of the payload, once the last fragment is there
    std::uint32_t next_in_bucket = kNone;
    std::uint32_t older = kNone;  // in the queue of its family
    std::uint32_t newer = kNone;
    std::uint8_t protocol = 0;  // these three are the first fragment's
    std::uint8_t hop_limit = 0;
    std::uint8_t traffic_class = 0;
    bool spoilt = false;  // overlapped: what is still to come is thrown away
  };
  // In the order of arrival, which is that of the deadlines.
  struct Queue {
    std::uint32_t oldest = kNone;
    std::uint32_t newest = kNone;
  };
  static constexpr std::uint32_t kNone = 0xffffffff;
  static constexpr std::uint32_t kUnknown = 0xffffffff;
  static constexpr std::size_t kKeptBytes = 16U << 10;  // a free datagram keeps its memory up to here

  enum class Insert : std::uint8_t { kDone, kCopy, kOverlap, kTooManyPieces };

  [[nodiscard]] std::uint32_t& bucket(const Key& key);
  [[nodiscard]] std::uint32_t find(const Key& key);
  [[nodiscard]] std::uint32_t create(const Key& key, bool v6, Instant now, DropCounters& drops);
  void remove(std::uint32_t index);
  void remove_oldest(DropCounters& drops);
  void spoil(Datagram& datagram);
  void release_bytes(Datagram& datagram);
  [[nodiscard]] Insert insert(Datagram& datagram, const wire::IpView& fragment);
  [[nodiscard]] std::optional<wire::IpView> assemble(const Datagram& datagram, DropCounters& drops);

  FragmentLimits limits_;
  std::vector<Datagram> table_;         // grows up to the limit
  std::vector<std::uint32_t> buckets_;  // heads of chains; made with the first fragment
  std::vector<std::uint32_t> free_;
  Queue queue_[2];  // IPv4, IPv6
  std::vector<std::uint8_t> whole_;
  std::size_t bytes_held_ = 0;
  std::uint32_t live_ = 0;
};

}  // namespace myriad::stack
