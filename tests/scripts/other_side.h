// The other side of the wire: makes the frames that arrive in a script, and reads what our hosts send back into lines
// of the same notation. It keeps, for each pair of a host and a peer, what turns the script's numbers into those on the
// wire: initial sequence numbers, ports, the offset of timestamps. One conversation at a time for each pair.
//
// Every frame of ours is checked as a whole: addresses, checksums, and that payload is what the application supplied.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/seq.h"
#include "base/time.h"
#include "stack/host_table.h"
#include "stack/wire/icmp.h"
#include "stack/wire/ip.h"
#include "stack/wire/tcp.h"
#include "tests/scripts/script.h"

namespace myriad::scripts {

inline constexpr Port kServicePort{8080};  // where hosts listen and peers serve
// Which of the streams of tests/sim/transfer.h either side sends.
inline constexpr std::uint32_t kOurStream = 1;
inline constexpr std::uint32_t kTheirStream = 2;

// A frame of ours.
struct Seen {
  Instant at;
  std::size_t host = 0;
  std::size_t peer = 0;
  std::variant<std::monostate, TcpLine, IcmpLine, NeighbourLine> what;
  std::string trouble;  // what is wrong with it, whatever is expected
};

class OtherSide {
 public:
  OtherSide(const Script& script, bool v6, const stack::HostTable& hosts);

  // The frame of an inbound line. Throws ScriptError when the line speaks of what has not happened yet.
  [[nodiscard]] std::vector<std::uint8_t> frame_of(const Action& action);
  [[nodiscard]] Seen read(Bytes frame, Instant at);
  // The answer to a question for a peer's address.
  [[nodiscard]] std::vector<std::uint8_t> answer_to(const Seen& question) const;
  // Empty when `seen` is what `expected` says; else what differs.
  [[nodiscard]] std::string difference(const Action& expected, const Seen& seen);
  // Payload bytes of a full segment of ours in this conversation, as the SYNs of both sides have it.
  [[nodiscard]] std::uint32_t full_segment(std::size_t host, std::size_t peer) const;
  // A line as a script would have it.
  [[nodiscard]] std::string text_of(const Seen& seen) const;

  // Our host calls: the next SYN it sends begins a conversation.
  void begin_call(std::size_t host, std::size_t peer);
  // Our host listens anew: who calls it next does so from ports that were not used before.
  void begin_service(std::size_t host);
  [[nodiscard]] IpAddress peer_address(std::size_t peer) const;

 private:
  struct Conversation {
    Port local = kServicePort;
    Port remote;
    bool local_known = true;
    bool new_numbers = true;  // the next SYN of ours tells our initial sequence number
    SeqNum iss;
    std::optional<std::uint32_t> their_syn;             // the script's number of the last SYN they sent
    std::uint32_t their_start = 0;                      // that of the one that the conversation began with
    std::optional<std::uint32_t> ts_offset;             // timestamps of ours: wire minus script
    std::map<std::uint32_t, std::uint32_t> timestamps;  // of ours that the script has named: script to wire
    OptionLine our_syn_options;
    OptionLine their_syn_options;
  };
  [[nodiscard]] Conversation& between(std::size_t host, std::size_t peer) {
    return conversations_[host * script_.peers.size() + peer];
  }
  [[nodiscard]] const Conversation& between(std::size_t host, std::size_t peer) const {
    return conversations_[host * script_.peers.size() + peer];
  }
  [[nodiscard]] IpAddress host_address(std::size_t host) const;
  [[nodiscard]] MacAddress host_mac(std::size_t host) const;
  [[nodiscard]] static MacAddress peer_mac(std::size_t peer);
  [[nodiscard]] std::optional<std::size_t> peer_with(const IpAddress& address) const;
  [[nodiscard]] std::vector<std::uint8_t> packet(std::size_t host, std::size_t peer, std::uint8_t protocol,
                                                 Bytes payload, std::uint8_t hop_limit) const;
  [[nodiscard]] std::vector<std::uint8_t> frame(std::size_t peer, const MacAddress& to, std::uint16_t ether_type,
                                                Bytes payload) const;
  [[nodiscard]] static std::uint32_t echo_of(const Conversation& c, std::uint32_t value);
  [[nodiscard]] std::vector<std::uint8_t> tcp_segment(const Action& action, const TcpLine& line);
  [[nodiscard]] std::vector<std::uint8_t> udp_segment(const Action& action, const UdpLine& line) const;
  [[nodiscard]] std::vector<std::uint8_t> icmp_message(const Action& action, const IcmpLine& line) const;
  [[nodiscard]] std::vector<std::uint8_t> quotation(const Action& action, const Quote& quote) const;
  [[nodiscard]] std::vector<std::uint8_t> neighbour_frame(std::size_t host, std::size_t peer, bool question) const;

  void read_ip(Seen& seen, const wire::IpView& ip);
  void read_tcp(Seen& seen, const wire::IpView& ip);
  void read_icmp(Seen& seen, const wire::IpView& ip, const wire::IcmpView& icmp);
  void read_arp(Seen& seen, Bytes payload);
  [[nodiscard]] TcpLine line_of(const wire::TcpView& segment, const Conversation& c) const;

  const Script& script_;
  bool v6_;
  const stack::HostTable& hosts_;
  std::vector<Conversation> conversations_;
  std::uint16_t next_port_;  // of a peer that calls
};

}  // namespace myriad::scripts
