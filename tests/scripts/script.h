// A script in packetdrill's notation, as plain values: what arrives, what is expected, what the application calls, and
// when. Numbers are the script's own: sequence numbers count from the initial ones, times from the start of the script.
// README.md is the page of the language.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/addr.h"
#include "base/time.h"

namespace myriad::scripts {

// When a line happens, or within which bounds it is to be seen.
struct When {
  enum class Kind : std::uint8_t { kAbsolute, kRelative, kAny };
  Kind kind = Kind::kAny;
  Duration low{};
  Duration high{};  // the same as `low` when the script gives no range
};

struct OptionLine {
  bool any = false;  // <...>: whatever there is
  std::optional<std::uint16_t> mss;
  bool any_mss = false;  // mss *, expected lines only: it differs by family
  std::optional<std::uint8_t> window_scale;
  bool sack_permitted = false;
  bool has_timestamps = false;
  std::optional<std::uint32_t> ts_value;  // nullopt = *, expected lines only
  std::optional<std::uint32_t> ts_echo;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> sack;  // [left, right), in the order of the list
};

struct TcpLine {
  std::uint8_t flags = 0;
  std::uint32_t seq = 0;
  std::uint32_t length = 0;  // payload bytes
  std::optional<std::uint32_t> ack;
  std::optional<std::uint16_t> window;  // as on the wire, not scaled
  OptionLine options;
};

struct UdpLine {
  std::uint16_t length = 0;  // payload bytes
};

// What an ICMP error is about.
using Quote = std::variant<std::monostate, TcpLine, UdpLine>;

struct IcmpLine {
  std::string type;  // unreachable, time_exceeded, echo_request, echo_reply
  std::string code;  // of unreachable: port_unreachable, frag_needed, …
  std::uint32_t mtu = 0;
  std::uint16_t id = 0;
  Quote quote;
};

// ARP or neighbour discovery, by family: who has the address of `target`, or where it is.
struct NeighbourLine {
  bool question = true;
  std::string target;
};

struct CallLine {
  std::string name;
  std::vector<std::string> arguments;  // as written, without spaces around
  std::int64_t result = 0;
  std::string error;  // of a result of -1, when the script names it
};

// Time passes and no frame was sent.
struct QuietLine {};

struct Action {
  std::size_t line = 0;  // counted from 1
  std::string text;      // as written, for messages
  When when;
  std::size_t host = 0;  // index in Script::hosts
  std::size_t peer = 0;
  bool inbound = false;  // of packets: towards our host
  std::variant<QuietLine, TcpLine, UdpLine, IcmpLine, NeighbourLine, CallLine> what;
};

// One of ours when in Script::hosts, one that the script plays when in Script::peers.
struct Party {
  std::string name;
  std::optional<Ipv4Address> v4;
  std::optional<Ipv6Address> v6;
};

struct Script {
  std::string file;  // for messages
  bool over_v4 = true;
  bool over_v6 = true;
  Duration tolerance = std::chrono::microseconds{500};  // timers have ticks of 65 µs, and late ones add up
  std::uint32_t remote_isn = 0;                         // what the script calls 0 in the peers' numbers
  std::uint16_t mtu = 1500;
  std::optional<std::uint32_t> receive_window;
  bool nagle = true;
  bool scripted_neighbours = false;  // questions for next hops are lines of the script, not answered behind its back
  std::vector<Party> hosts;
  std::vector<Party> peers;
  std::vector<Action> actions;
};

}  // namespace myriad::scripts
