// Reads the packets of a script: TCP segments with their options, ICMP messages, datagrams.
#pragma once

#include "tests/scripts/line_reader.h"
#include "tests/scripts/script.h"

namespace myriad::scripts {

inline constexpr std::uint32_t kLongestPayload = 65'000;  // bytes in a packet of a script: what fits into IP

// What stands before a packet in brackets: what an ICMP error is about, the hop limit.
struct PacketPreface {
  Quote quote;
  std::optional<std::uint8_t> hop_limit;
};
[[nodiscard]] PacketPreface read_preface(LineReader& line, bool inbound);
// `strict`: an option that is not known is an error, not something that our hosts do not have.
[[nodiscard]] TcpLine read_tcp(LineReader& line, bool inbound, bool strict);
[[nodiscard]] UdpLine read_udp(LineReader& line);
// What the error is about may stand behind it as well: icmp unreachable port_unreachable [1:1001(1000)].
[[nodiscard]] IcmpLine read_icmp(LineReader& line, Quote quote, bool inbound, bool strict);

}  // namespace myriad::scripts
