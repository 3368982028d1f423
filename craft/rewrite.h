// From captured records to frames that can be sent: whatever a capture begins its records with becomes Ethernet, and
// who speaks in it becomes hosts of ours.
//
// Ethernet goes as it is. What comes without (raw IP, BSD and Linux loopback, Linux "any") gets a header: from and to
// the hosts it is mapped to, else the address that the capture knows, else kSomeSource and kSomeDestination. Other link
// types, what holds no packet, and records that are not whole, too short or too long are left out, by reason.
//
// Where a map says so, MAC, IP and VLAN of who speaks become those of a host, wherever they stand: in front and in ARP
// and neighbour discovery, as source and as destination, also in the packets that ICMP errors quote. Checksums follow
// by what has changed (RFC 1624): a right one stays right, a wrong one wrong, and UDP without one stays without.
// Whoever never speaks keeps its addresses. Tunnels are rewritten outside only, and what applications say not at all.
//
// Anything may be in a capture: a frame is rewritten as far as it can be read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/addr.h"
#include "base/bytes.h"
#include "capture/record.h"
#include "craft/endpoints.h"

namespace myriad::craft {

// Why a record is not sent. X(enumerator, name in the result document)
#define MYRIAD_SKIPS(X)                                                                              \
  X(kLinkType, "link_type")              /* neither Ethernet nor anything we can put it around */    \
  X(kCut, "cut_by_snaplen")              /* the capture has not all of it */                         \
  X(kRunt, "runt")                       /* not even a header */                                     \
  X(kTooLong, "too_long")                /* more than the port can carry */                          \
  X(kNoPacket, "no_packet")              /* without an Ethernet type: an event of the kernel, say */ \
  X(kTooManySources, "too_many_sources") /* who sent it could not be remembered */

enum class Skip : std::uint8_t {
#define MYRIAD_SKIP_ENUM(id, name) id,
  MYRIAD_SKIPS(MYRIAD_SKIP_ENUM)
#undef MYRIAD_SKIP_ENUM
      kCount
};

inline constexpr std::array<std::string_view, static_cast<std::size_t>(Skip::kCount)> kSkipNames = {
#define MYRIAD_SKIP_NAME(id, name) name,
    MYRIAD_SKIPS(MYRIAD_SKIP_NAME)
#undef MYRIAD_SKIP_NAME
};
#undef MYRIAD_SKIPS

// Whether records of that link type can be sent at all.
[[nodiscard]] bool can_be_sent(capture::LinkType link);

// Between whom frames go of which neither capture nor map says it. Locally administered, so nobody's.
[[nodiscard]] inline MacAddress some_source() { return {{0x02, 0x4d, 0xff, 0xff, 0x00, 0x01}}; }
[[nodiscard]] inline MacAddress some_destination() { return {{0x02, 0x4d, 0xff, 0xff, 0x00, 0x02}}; }

struct RewriterOptions {
  std::optional<HostRange> askers;  // become these hosts: who asks, and without `answerers` all that speak
  std::optional<HostRange> answerers;
  bool tell_roles = false;  // Made::role is asked for, though nobody is mapped
  std::size_t mtu = 1500;   // of IP packets
  std::size_t most_frame_bytes = kMostFrameBytes;
  std::uint64_t seed = 0;
};

class Rewriter {
 public:
  explicit Rewriter(const RewriterOptions& options);

  // make() wants all records to have been met before: it knows only who was.
  [[nodiscard]] bool must_meet() const { return endpoints_.maps() || options_.tell_roles; }
  // False: the record is none that make() makes a frame of.
  bool meet(const capture::Record& record);

  struct Made {
    std::uint32_t length = 0;  // of the frame; 0: it is left out
    Skip skip{};               // why
    Role role = Role::kAsks;   // of who sent it
  };
  // Writes the frame of a record to `out`, which has room for most_frame_bytes + kSlackBytes. Does not change `out`
  // behind that.
  static constexpr std::size_t kSlackBytes = 64;
  Made make(const capture::Record& record, std::uint8_t* out);

  [[nodiscard]] const Endpoints& endpoints() const { return endpoints_; }

 private:
  // Whoever has that address, if anybody.
  void put_next_hop(const MacAddress& mac, std::uint8_t* at);

  RewriterOptions options_;
  Endpoints endpoints_;
  // Where the last such frame went: most often the next one goes there as well.
  static constexpr std::uint64_t kNobody = UINT64_MAX;
  std::uint64_t next_hop_mac_ = kNobody;
  MappedHost next_hop_;
};

}  // namespace myriad::craft
