// TCP options of a connection: what we offer, what the peer's SYN settled (RFC 9293 3.7.1, RFC 7323, RFC 2018).
#pragma once

#include <algorithm>
#include <cstdint>

#include "stack/tcp/personality.h"
#include "stack/wire/tcp.h"

namespace myriad::tcp {

inline constexpr std::uint16_t kDefaultMssV4 = 536;  // RFC 9293 MUST-15: when the peer's SYN says nothing
inline constexpr std::uint16_t kDefaultMssV6 = 1220;
inline constexpr std::uint16_t kLowestMss = 88;  // an advertised MSS below this is taken for an attack, not for a link
inline constexpr std::uint8_t kTimestampBytes = 12;  // with two NOPs

// Extensions that our SYN offers, or that both sides have agreed on.
struct Extensions {
  bool window_scaling = false;
  bool timestamps = false;
  bool sack = false;
};

// What both sides agreed on.
struct Negotiated {
  std::uint16_t send_mss = 536;    // payload bytes of a full segment, options of data segments already deducted
  std::uint8_t send_scale = 0;     // of windows that the peer advertises
  std::uint8_t receive_scale = 0;  // of windows that we advertise
  Extensions extensions;
};

[[nodiscard]] inline Extensions offer(const Personality& options) {
  return {options.window_scale.has_value(), options.timestamps, options.sack};
}

// The options of our SYN: what we offer, or in a SYN-ACK what was agreed on (RFC 7323 sections 2.2 and 3.2).
// Written in place: `out` is fresh.
inline void put_syn_options(const Personality& options, std::uint16_t mss, const Extensions& extensions,
                            wire::TcpOptions& out) {
  out.mss = mss;
  out.sack_permitted = extensions.sack;
  out.has_timestamps = extensions.timestamps;
  if (extensions.window_scaling) out.window_scale = options.window_scale;
}

// Takes in the options of the peer's SYN or SYN-ACK. `own_mss` is what our link carries.
[[nodiscard]] inline Negotiated negotiate(const Personality& options, const wire::TcpOptions& peer,
                                          std::uint16_t own_mss, bool v6) {
  Negotiated n;
  n.extensions = {options.window_scale && peer.window_scale, options.timestamps && peer.has_timestamps,
                  options.sack && peer.sack_permitted};
  if (n.extensions.window_scaling) {
    n.send_scale = std::min<std::uint8_t>(*peer.window_scale, 14);  // RFC 7323 section 2.3
    n.receive_scale = *options.window_scale;
  }
  const std::uint16_t peer_mss = std::max(peer.mss.value_or(v6 ? kDefaultMssV6 : kDefaultMssV4), kLowestMss);
  n.send_mss = std::min(peer_mss, own_mss);
  if (n.extensions.timestamps)
    n.send_mss = static_cast<std::uint16_t>(n.send_mss - kTimestampBytes);  // RFC 9293 3.7.1: Eff.snd.MSS
  return n;
}

}  // namespace myriad::tcp
