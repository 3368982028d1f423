// What may be configured about a TCP: how the hosts of a group behave (Personality), and how much a shard may hold for
// all of them (Limits). Defaults are those of a current desktop system, and each has its reason.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"

namespace myriad::tcp {

enum class Congestion : std::uint8_t {
  kNewReno,  // RFC 5681, RFC 6582
  kCubic,    // RFC 9438
};

struct Personality {
  // What the SYN says, bytes; 0 = what the MTU of the group carries. Never more than that, never below 88.
  std::uint16_t mss = 0;
  // Bytes: enough for 1 Gbit/s at 2 ms. Data is consumed at once, so this also bounds reassembly.
  std::uint32_t receive_window = 256 * 1024;
  // RFC 7323: 64 KiB << 3 covers the window with room. Without it windows end at 64 KiB, in both directions.
  std::optional<std::uint8_t> window_scale = 3;
  bool timestamps = true;                      // RFC 7323
  bool sack = true;                            // RFC 2018, RFC 2883, RFC 6675
  bool rack_tlp = true;                        // RFC 8985; needs SACK
  Congestion congestion = Congestion::kCubic;  // what Linux, Windows and macOS ship
  std::uint8_t initial_window = 10;            // segments: RFC 6928
  std::uint8_t hop_limit = 64;                 // TTL; RFC 1700
  bool nagle = true;                           // RFC 9293 MUST-17
  // RFC 9293 3.8.6.3 allows 500 ms; 40 ms keeps request/response dialogues lively, as Linux does. 0: never delayed.
  Duration delayed_ack = std::chrono::milliseconds{40};
  // RFC 6298 (2.4) asks for 1 s; RFC 8961 section 4 allows less with reason. 200 ms is what Linux and Windows servers
  // under test use themselves, and a tester that waits five times longer than real clients would hide their behaviour.
  Duration rto_min = std::chrono::milliseconds{200};
  Duration rto_initial = std::chrono::seconds{1};  // RFC 6298 (2.1)
  Duration rto_max = std::chrono::seconds{60};     // RFC 6298 (2.5)
  Duration time_wait = std::chrono::seconds{60};   // 2 MSL with the MSL of common practice, not the 2 min of 1981
  // A peer that has vanished after our FIN must not hold a slot for ever; longer than any peer's retransmission takes.
  Duration fin_wait2 = std::chrono::seconds{300};
  // 127 s in all with doubling from 1 s. RFC 9293 MUST-23 asks for 3 minutes: sessions have a time limit of their own.
  std::uint8_t syn_retries = 6;
  std::uint8_t syn_ack_retries = 3;  // 15 s: half-open connections are what a SYN flood fills the shard with
  std::uint8_t retries = 12;         // then the connection is aborted (R2 of RFC 9293 3.8.3: > 100 s)
  // RFC 9293 3.8.4: off unless asked for (MUST-25). Idle time before the first probe, and between probes.
  Duration keep_alive{};
  Duration keep_alive_interval = std::chrono::seconds{75};
  std::uint8_t keep_alive_probes = 8;
  // As long as our FIN is not acknowledged, acknowledgements repeat it, as on BSD; RFC 9293 allows both. What
  // challenges a SYN or a RST (RFC 5961 sections 3 and 4) does not.
  bool repeat_fin = false;
};

// Of one shard.
struct Limits {
  std::uint32_t half_open = 16 * 1024;  // connections in SYN-RECEIVED; a SYN beyond it is dropped
  std::uint32_t time_wait = 64 * 1024;  // beyond it the oldest ends early
  std::uint32_t connections = 2 * 1024 * 1024;
  std::uint32_t reassembly_blocks = 16 * 1024;  // of 2 KiB: 32 MiB at most, taken as needed
};

}  // namespace myriad::tcp
