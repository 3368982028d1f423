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
  Duration high{};                // the same as `low` when the script gives no range
  std::optional<Duration> until;  // of a call that blocks: when it returns, counted as `low` is
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
  bool any_seq = false;  // ...(0), expected lines only
  std::uint32_t seq = 0;
  std::uint32_t length = 0;  // payload bytes
  std::optional<std::uint32_t> ack;
  std::optional<std::uint16_t> window;  // as on the wire, not scaled
  std::uint16_t urgent = 0;
  std::optional<std::uint8_t> hop_limit;
  OptionLine options;
};

struct UdpLine {
  std::uint16_t length = 0;  // payload bytes
};

// What an ICMP error is about.
using Quote = std::variant<std::monostate, TcpLine, UdpLine>;

struct IcmpLine {
  std::string type;  // unreachable, time_exceeded, echo_request, …; as text "type 4 code 0" when it has no name
  std::string code;  // of unreachable: port_unreachable, frag_needed, …
  std::uint8_t type_number = 0;  // on the wire of IPv4, of what arrives
  std::uint8_t code_number = 0;
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
  bool any_result = false;  // = ...
  std::string error;        // of a result of -1, when the script names it
};

// Time passes and no frame was sent.
struct QuietLine {};

// A shell command or a block of code: its time passes, and nothing else.
struct SkippedLine {};

struct Action {
  std::size_t line = 0;  // counted from 1
  std::string text;      // as written, for messages
  When when;
  std::size_t host = 0;  // index in Script::hosts
  std::size_t peer = 0;
  bool inbound = false;  // of packets: towards our host
  std::variant<QuietLine, SkippedLine, TcpLine, UdpLine, IcmpLine, NeighbourLine, CallLine> what;
};

// One of ours when in Script::hosts, one that the script plays when in Script::peers.
struct Party {
  std::string name;
  std::optional<Ipv4Address> v4;
  std::optional<Ipv6Address> v6;
};

// The system that a script was written for, as its shell commands tell.
enum class System : std::uint8_t { kUnknown, kFreeBsd, kLinux };

// What a script wants of the TCP of our hosts; what it does not name is as the stack has it.
struct TcpWishes {
  std::optional<std::uint16_t> mss;
  std::optional<std::uint32_t> receive_window;
  std::optional<std::uint8_t> window_scale;
  bool window_scaling = true;
  std::optional<std::uint8_t> initial_window;  // segments
  std::optional<std::uint8_t> hop_limit;
  std::optional<std::uint8_t> syn_retries;
  std::optional<std::uint8_t> syn_ack_retries;
  std::optional<bool> timestamps;
  std::optional<bool> sack;
  std::optional<bool> rack;
  std::optional<bool> cubic;
  std::optional<bool> nagle;
  std::optional<bool> repeat_fin;
  std::optional<Duration> delayed_ack;
  std::optional<Duration> rto_min;
  std::optional<Duration> rto_initial;
  std::optional<Duration> time_wait;
  bool keep_alive_on = false;
  std::optional<Duration> keep_alive;
  std::optional<Duration> keep_alive_interval;
  std::optional<std::uint8_t> keep_alive_probes;
};

struct Script {
  std::string file;  // for messages
  // Everything at its exact time, nothing that the script does not say, and windows as they are. Otherwise what the
  // RFCs leave to the implementation is taken as it comes: README.md says what.
  bool strict = true;
  System system = System::kUnknown;
  std::string skip;                // why it cannot be played here; empty when it can
  std::vector<std::string> notes;  // what was passed over, one line each
  bool over_v4 = true;
  bool over_v6 = true;
  Duration tolerance = std::chrono::microseconds{500};  // timers have ticks of 65 µs, and late ones add up
  std::uint32_t remote_isn = 0;                         // what the script calls 0 in the peers' numbers
  std::uint16_t mtu = 1500;
  TcpWishes tcp;
  bool scripted_neighbours = false;  // questions for next hops are lines of the script, not answered behind its back
  std::vector<Party> hosts;
  std::vector<Party> peers;
  std::vector<Action> actions;
};

}  // namespace myriad::scripts
