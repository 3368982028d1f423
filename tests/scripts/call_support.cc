#include "tests/scripts/call_support.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "tests/scripts/line_reader.h"

namespace myriad::scripts {
namespace {

bool mentions(const CallLine& call, std::string_view word) {
  return std::any_of(call.arguments.begin(), call.arguments.end(),
                     [word](const std::string& argument) { return argument.find(word) != std::string::npos; });
}

template <std::size_t N>
bool is_of(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::optional<std::uint32_t> number_of(std::string_view text) {
  const auto first = text.find_first_of("0123456789");
  if (first == std::string_view::npos) return std::nullopt;
  text.remove_prefix(first);
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} ? std::optional{number} : std::nullopt;
}

constexpr std::array<std::string_view, 23> kPlayed{
    "socket", "bind",     "listen",  "accept", "accept4",    "connect",    "write",    "writev",
    "send",   "sendto",   "sendmsg", "read",   "readv",      "recv",       "recvfrom", "recvmsg",
    "close",  "shutdown", "fcntl",   "ioctl",  "setsockopt", "getsockopt", "poll"};

void prepare_socket(const CallLine& call) {
  if (mentions(call, "MPTCP")) throw ScriptSkip("multipath TCP (RFC 8684)");
  if (mentions(call, "SCTP")) throw ScriptSkip("SCTP");
  if (mentions(call, "AF_UNIX")) throw ScriptSkip("sockets other than TCP");
  if (mentions(call, "SOCK_DGRAM") || mentions(call, "SOCK_RAW") || mentions(call, "SOCK_SEQPACKET") ||
      mentions(call, "IPPROTO_UDP") || mentions(call, "IPPROTO_ICMP"))
    throw ScriptSkip("sockets other than TCP");
}

// Flags of send() and recv() by which bytes get another meaning.
void refuse_flags(const CallLine& call) {
  constexpr std::array<std::pair<std::string_view, const char*>, 8> kFlags{
      {{"MSG_FASTOPEN", "TCP fast open (RFC 7413)"},
       {"MSG_ZEROCOPY", "MSG_ZEROCOPY"},
       {"MSG_MORE", "MSG_MORE: no bytes are held back here but by Nagle's algorithm"},
       {"MSG_EOR", "MSG_EOR: records have no ends here"},
       {"MSG_EOF", "MSG_EOF"},
       {"MSG_OOB", "urgent data: our hosts send none and deliver none"},
       {"MSG_ERRQUEUE", "the error queue of a socket"},
       {"MSG_PEEK", "MSG_PEEK"}}};
  for (const auto& [flag, why] : kFlags) {
    if (mentions(call, flag)) throw ScriptSkip(why);
  }
  if (mentions(call, "msg_control") || mentions(call, "cmsg")) throw ScriptSkip("control messages of " + call.name);
}

// Options that change nothing which a script can see on the wire here, or that are done by the sockets themselves.
constexpr std::array<std::string_view, 24> kHarmless{
    "SO_REUSEADDR", "SO_REUSEPORT", "SO_DEBUG",          "SO_LINGER",       "SO_ERROR",     "SO_SNDBUF",
    "SO_RCVBUF",    "SO_SNDTIMEO",  "SO_RCVTIMEO",       "SO_PRIORITY",     "SO_MARK",      "SO_KEEPALIVE",
    "TCP_NODELAY",  "TCP_QUICKACK", "TCP_NOTSENT_LOWAT", "TCP_MAXSEG",      "TCP_KEEPIDLE", "TCP_KEEPINTVL",
    "TCP_KEEPCNT",  "TCP_SYNCNT",   "TCP_CONGESTION",    "IP_MTU_DISCOVER", "IP_RECVTOS",   "SO_NOSIGPIPE"};
constexpr std::array<std::string_view, 4> kHopLimit{"IP_TTL", "IPV6_UNICAST_HOPS", "IPV6_HOPLIMIT", "IP_MINTTL"};

const char* why_not(std::string_view option) {
  if (option.starts_with("TCP_FASTOPEN")) return "TCP fast open (RFC 7413)";
  if (option.starts_with("TCP_MD5")) return "TCP MD5 signatures (RFC 2385)";
  if (option.find("ZEROCOPY") != std::string_view::npos) return "zero-copy sockets";
  if (option.starts_with("TCP_REPAIR")) return "repair of TCP sockets";
  if (option == "TCP_CORK" || option == "TCP_NOPUSH")
    return "corked sockets: no bytes are held back here but by Nagle's algorithm";
  if (option == "TCP_INFO" || option == "TCP_CC_INFO") return "TCP_INFO: what a stack counts inside";
  if (option == "SO_OOBINLINE") return "urgent data: our hosts send none and deliver none";
  if (option == "IP_TOS" || option == "IPV6_TCLASS") return "traffic classes and flow labels of IP";
  return nullptr;
}

void take_option(const CallLine& call, std::string_view option, Script& script) {
  if (call.arguments.size() < 4 || call.result != 0) return;
  const auto number = number_of(call.arguments[3]);
  TcpWishes& tcp = script.tcp;
  const auto small = [](std::uint32_t n) { return static_cast<std::uint8_t>(std::min(n, 255U)); };
  const auto from_start = [&](auto& wish, auto value) {
    if (wish && *wish != value)
      throw ScriptSkip(std::string(option) + " that changes: here it is one for the whole script");
    wish = value;
  };
  if (option == "TCP_CONGESTION") {
    const bool cubic = call.arguments[3].find("cubic") != std::string::npos;
    if (!cubic && call.arguments[3].find("reno") == std::string::npos)
      throw ScriptSkip("congestion control " + call.arguments[3].substr(0, 40) + ": our hosts have NewReno and CUBIC");
    tcp.cubic = cubic;
  }
  if (!number) return;
  if (is_of(kHopLimit, option)) from_start(tcp.hop_limit, small(*number));
  if (option == "TCP_MAXSEG") from_start(tcp.mss, static_cast<std::uint16_t>(std::min(*number, 65535U)));
  if (option == "SO_RCVBUF") {  // Linux makes it twice as large
    const std::uint32_t bytes = std::clamp(*number, 2048U, 1U << 22);
    tcp.receive_window = script.system == System::kLinux ? 2 * bytes : bytes;
  }
  if (option == "TCP_SYNCNT") from_start(tcp.syn_retries, small(*number));
  if (option == "SO_KEEPALIVE") tcp.keep_alive_on = *number != 0;
  if (option == "TCP_KEEPIDLE") tcp.keep_alive = std::chrono::seconds{*number};
  if (option == "TCP_KEEPINTVL") tcp.keep_alive_interval = std::chrono::seconds{*number};
  if (option == "TCP_KEEPCNT") tcp.keep_alive_probes = small(*number);
}

void prepare_option(const CallLine& call, Script& script) {
  if (call.arguments.size() < 3) throw ScriptError(call.name + " has 3 arguments or more");
  const std::string& option = call.arguments[2];
  if (const char* why = why_not(option)) throw ScriptSkip(why);
  const bool known = is_of(kHarmless, option) || is_of(kHopLimit, option);
  if (!known && script.strict) throw ScriptError(call.name + " knows no option " + option.substr(0, 40));
  if (!known) throw ScriptSkip(call.name + " " + option.substr(0, 40) + ", which is not known here");
  if (call.name == "setsockopt") take_option(call, option, script);
}

}  // namespace

void prepare_call(const CallLine& call, Script& script) {
  if (!is_of(kPlayed, call.name)) {
    if (script.strict) throw ScriptError("no call named " + call.name.substr(0, 40) + " is known here");
    throw ScriptSkip("the call " + call.name.substr(0, 40));
  }
  if (call.name == "socket") prepare_socket(call);
  if (call.name.starts_with("send") || call.name.starts_with("recv")) refuse_flags(call);
  if (call.name == "connect" && mentions(call, "AF_UNSPEC")) throw ScriptSkip("connect to AF_UNSPEC");
  if (call.name.ends_with("sockopt")) prepare_option(call, script);
}

}  // namespace myriad::scripts
