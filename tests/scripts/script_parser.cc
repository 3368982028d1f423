#include "tests/scripts/script_parser.h"

#include <algorithm>
#include <array>

#include "stack/wire/tcp.h"
#include "tests/scripts/line_reader.h"

namespace myriad::scripts {
namespace {

std::string quoted(std::string_view text) { return "'" + std::string(text.substr(0, 40)) + "'"; }

// --- times
// ------------------------------------------------------------------------------------------------------------

// Seconds with up to nine decimals, in whole nanoseconds.
Duration read_seconds(std::string_view text) {
  const std::string_view all = text;
  std::int64_t whole = 0;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  std::size_t digits = 0;
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1), ++digits) {
    whole = std::min<std::int64_t>(whole * 10 + (text.front() - '0'), 1'000'000);
  }
  std::int64_t nanoseconds = 0;
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    std::int64_t unit = 100'000'000;
    for (; !text.empty() && is_digit(text.front()) && unit > 0; text.remove_prefix(1), ++digits, unit /= 10) {
      nanoseconds += (text.front() - '0') * unit;
    }
  }
  if (digits == 0 || !text.empty())
    throw ScriptError("expected a time like 0.1, +0.1, +0.1~+0.2 or *, got " + quoted(all));
  const Duration time = std::chrono::seconds{whole} + Duration{nanoseconds};
  if (time > kLongestTime) throw ScriptError("a time of more than a day: " + quoted(all));
  return time;
}

When read_when(std::string_view text) {
  if (text == "*") return {};
  if (text.find("...") != std::string_view::npos)
    throw ScriptError("calls do not block here: no time like " + quoted(text));
  When when{When::Kind::kAbsolute, {}, {}};
  const auto tilde = text.find('~');
  std::string_view low = text.substr(0, tilde);
  if (low.starts_with('+')) {
    when.kind = When::Kind::kRelative;
    low.remove_prefix(1);
  }
  when.low = when.high = read_seconds(low);
  if (tilde == std::string_view::npos) return when;
  std::string_view high = text.substr(tilde + 1);
  if (high.starts_with('+') != (when.kind == When::Kind::kRelative)) {
    throw ScriptError("a range of times is absolute or relative at both ends: " + quoted(text));
  }
  if (high.starts_with('+')) high.remove_prefix(1);
  when.high = read_seconds(high);
  if (when.high < when.low) throw ScriptError("a range of times that ends before it begins: " + quoted(text));
  return when;
}

// --- packets
// ----------------------------------------------------------------------------------------------------------

std::uint8_t read_flags(LineReader& line) {
  const std::string_view text = line.token();
  if (text == "-") return 0;
  constexpr std::pair<char, std::uint8_t> kLetters[] = {{'S', wire::kTcpSyn}, {'F', wire::kTcpFin},
                                                        {'P', wire::kTcpPsh}, {'R', wire::kTcpRst},
                                                        {'.', wire::kTcpAck}, {'U', wire::kTcpUrg}};
  std::uint8_t flags = 0;
  for (const char c : text) {
    const auto* const letter =
        std::find_if(std::begin(kLetters), std::end(kLetters), [c](const auto& l) { return l.first == c; });
    if (letter == std::end(kLetters) || (flags & letter->second) != 0) {
      throw ScriptError("expected TCP flags (of S F P R U . or -), udp, icmp, who-has or is-at, got " + quoted(text));
    }
    flags = static_cast<std::uint8_t>(flags | letter->second);
  }
  if (flags == 0) line.fail("TCP flags");
  return flags;
}

// 1:1001(1000)
void read_sequence(LineReader& line, TcpLine& tcp) {
  tcp.seq = line.number<std::uint32_t>("a sequence number");
  line.expect(":", "between the sequence numbers");
  const auto end = line.number<std::uint32_t>("a sequence number");
  line.expect("(", "before the length");
  tcp.length = line.number<std::uint32_t>("a length");
  line.expect(")", "after the length");
  if (tcp.seq + tcp.length != end) {
    throw ScriptError("sequence numbers " + std::to_string(tcp.seq) + ":" + std::to_string(end) + " do not span " +
                      std::to_string(tcp.length) + " bytes");
  }
  if (tcp.length > kLongestPayload)
    throw ScriptError("a payload of more than " + std::to_string(kLongestPayload) + " bytes");
}

std::optional<std::uint32_t> read_timestamp(LineReader& line, bool inbound) {
  if (!inbound && line.eat("*")) return std::nullopt;
  return line.number<std::uint32_t>("a timestamp");
}

void read_option(LineReader& line, bool inbound, OptionLine& options) {
  const std::string_view kind = line.word();
  if (kind == "nop" || kind == "eol") return;  // alignment is nobody's business
  if (kind == "mss") {
    options.any_mss = !inbound && line.eat("*");
    if (!options.any_mss) options.mss = line.number<std::uint16_t>("an MSS");
  } else if (kind == "wscale") {
    options.window_scale = line.number<std::uint8_t>("a window scale");
  } else if (kind == "sackOK") {
    options.sack_permitted = true;
  } else if (kind == "TS") {
    options.has_timestamps = true;
    line.expect("val", "after TS");
    options.ts_value = read_timestamp(line, inbound);
    line.expect("ecr", "after the timestamp");
    options.ts_echo = read_timestamp(line, inbound);
  } else if (kind == "sack") {
    while (line.peek() >= '0' && line.peek() <= '9') {
      const auto left = line.number<std::uint32_t>("a sequence number");
      line.expect(":", "between the ends of a SACK block");
      options.sack.emplace_back(left, line.number<std::uint32_t>("a sequence number"));
    }
    if (options.sack.empty()) line.fail("a SACK block like 1001:2001");
    if (options.sack.size() > 4) throw ScriptError("more than 4 SACK blocks");
  } else {
    throw ScriptError("expected an option (mss, wscale, sackOK, TS, sack, nop, eol), got " + quoted(kind));
  }
}

OptionLine read_options(LineReader& line, bool inbound) {
  OptionLine options;
  if (!line.eat("<")) return options;
  if (line.eat("...")) {
    if (inbound) throw ScriptError("<...> is for expected packets; one that arrives has the options it says");
    options.any = true;
    line.expect(">", "after the options");
    return options;
  }
  do {
    read_option(line, inbound, options);
  } while (line.eat(","));
  line.expect(">", "after the options");
  // What a header can carry: 40 bytes, laid out as TcpRepr does.
  const std::size_t bytes = (options.mss ? 4U : 0U) +
                            (options.has_timestamps   ? 12U
                             : options.sack_permitted ? 4U
                                                      : 0U) +
                            (options.window_scale ? 4U : 0U) +
                            (options.sack.empty() ? 0U : 4U + 8U * options.sack.size());
  if (bytes > 40) throw ScriptError("options of more than 40 bytes");
  return options;
}

TcpLine read_tcp(LineReader& line, bool inbound) {
  TcpLine tcp;
  tcp.flags = read_flags(line);
  read_sequence(line, tcp);
  if (line.eat("ack")) tcp.ack = line.number<std::uint32_t>("an acknowledgement");
  if (tcp.ack.has_value() != ((tcp.flags & wire::kTcpAck) != 0))
    throw ScriptError("the flag '.' and 'ack N' go together");
  if (line.eat("win")) tcp.window = line.number<std::uint16_t>("a window");
  tcp.options = read_options(line, inbound);
  return tcp;
}

UdpLine read_udp(LineReader& line) {
  line.expect("(", "before the length");
  const auto length = line.number<std::uint16_t>("a length");
  line.expect(")", "after the length");
  if (length > kLongestPayload)
    throw ScriptError("a payload of more than " + std::to_string(kLongestPayload) + " bytes");
  return {length};
}

IcmpLine read_icmp(LineReader& line, Quote quote) {
  constexpr std::array kTypes{"unreachable", "time_exceeded", "echo_request", "echo_reply"};
  constexpr std::array kCodes{"net_unreachable",  "host_unreachable", "protocol_unreachable",
                              "port_unreachable", "frag_needed",      "admin_prohibited"};
  IcmpLine icmp;
  icmp.quote = std::move(quote);
  icmp.type = line.word();
  if (std::find(kTypes.begin(), kTypes.end(), icmp.type) == kTypes.end()) {
    throw ScriptError("expected unreachable, time_exceeded, echo_request or echo_reply, got " + quoted(icmp.type));
  }
  const bool echo = icmp.type.starts_with("echo");
  if (echo != std::holds_alternative<std::monostate>(icmp.quote)) {
    throw ScriptError("ICMP errors are about something, like [1:1461(1460)] or [udp (10)], and echoes are not");
  }
  if (icmp.type == "unreachable") {
    icmp.code = line.word();
    if (std::find(kCodes.begin(), kCodes.end(), icmp.code) == kCodes.end()) {
      throw ScriptError("expected a code of unreachable like port_unreachable, got " + quoted(icmp.code));
    }
  }
  if (icmp.code == "frag_needed") {
    line.expect("mtu", "after frag_needed");
    icmp.mtu = line.number<std::uint16_t>("an MTU");
  }
  if (echo) {
    line.expect("id", "of the echo");
    icmp.id = line.number<std::uint16_t>("an identifier");
  }
  return icmp;
}

// [1:1461(1460)] or [udp (10)]
Quote read_quote(LineReader& line) {
  if (!line.eat("[")) return {};
  Quote quote;
  if (line.eat("udp")) {
    quote = read_udp(line);
  } else {
    TcpLine tcp;
    read_sequence(line, tcp);
    quote = tcp;
  }
  line.expect("]", "after what the error is about");
  return quote;
}

// --- calls
// ------------------------------------------------------------------------------------------------------------

CallLine read_call(LineReader& line, std::string_view name) {
  CallLine call;
  call.name = name;
  line.expect("(", "after the name of a call");
  int depth = 0;
  std::string argument;
  for (;;) {
    if (line.at_end()) line.fail("')' at the end of the arguments");
    const char c = line.peek();
    line.eat({&c, 1});
    if (c == '(' || c == '[' || c == '{') ++depth;
    if (depth == 0 && (c == ',' || c == ')')) {
      call.arguments.push_back(std::move(argument));
      argument.clear();
      if (c == ')') break;
      continue;
    }
    if (c == ')' || c == ']' || c == '}') --depth;
    argument += c;
  }
  line.expect("=", "and the result of the call");
  const bool hexadecimal = line.eat("0x");
  call.result = line.number<std::int64_t>("a result");
  if (hexadecimal && call.result > 9) throw ScriptError("a hexadecimal result of more than one digit");
  if (call.result < -1) throw ScriptError("a result is -1 or not negative");
  if (call.result == -1) call.error = line.word();
  if (line.eat("(")) {  // the words behind an error are a comment
    line.until(")");
    line.expect(")", "after the words about the error");
  }
  return call;
}

// --- the whole
// --------------------------------------------------------------------------------------------------------

// Comments become spaces; lines stay lines.
std::string without_comments(std::string_view text) {
  std::string out(text);
  for (std::size_t i = 0; i < out.size();) {
    std::size_t end = i;
    if (out.compare(i, 2, "//") == 0 || (out[i] == '#' && (i == 0 || out[i - 1] == '\n'))) {
      end = std::min(out.find('\n', i), out.size());
    } else if (out.compare(i, 2, "/*") == 0) {
      const auto close = out.find("*/", i + 2);
      if (close == std::string::npos) {
        const auto line = 1 + std::count(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(i), '\n');
        throw ScriptError(std::to_string(line) + ": a comment without end");
      }
      end = close + 2;
    }
    if (end == i) {
      ++i;
      continue;
    }
    for (; i < end; ++i) {
      if (out[i] != '\n') out[i] = ' ';
    }
  }
  return out;
}

std::uint32_t read_value(std::string_view name, std::string_view value, std::uint32_t most) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc{} || end != value.data() + value.size() || number > most) {
    throw ScriptError(std::string(name) + " is a number of at most " + std::to_string(most) + ", got " + quoted(value));
  }
  return number;
}

class Parser {
 public:
  explicit Parser(Script& script) : script_(script) {}

  void read_line(std::size_t number, std::string_view text) {
    LineReader line{text};
    if (line.at_end()) return;
    const std::string_view start = line.rest();
    if (start.starts_with("--")) return read_directives(line);
    if (start.starts_with("host ") || start.starts_with("peer ")) return read_party(line);
    finish_parties();
    if (script_.actions.size() == kMostActions)
      throw ScriptError("more than " + std::to_string(kMostActions) + " lines that happen");
    Action action;
    action.line = number;
    action.text = start.substr(0, start.find_last_not_of(" \t\r") + 1);
    action.when = read_when(line.token());
    read_action(line, action);
    if (!line.at_end()) line.fail("the end of the line");
    script_.actions.push_back(std::move(action));
  }
  // Who there is when the script does not say.
  void finish_parties() {
    if (script_.hosts.empty())
      script_.hosts.push_back({"a", Ipv4Address::parse("10.0.1.1"), Ipv6Address::parse("fd00::1:1")});
    if (script_.peers.empty())
      script_.peers.push_back({"peer", Ipv4Address::parse("10.0.2.1"), Ipv6Address::parse("fd00::2:1")});
    for (const auto* parties : {&script_.hosts, &script_.peers}) {
      for (const Party& party : *parties) {
        if ((script_.over_v4 && !party.v4) || (script_.over_v6 && !party.v6)) {
          throw ScriptError(party.name + " has no address of one family: give it two, or say --ip_version");
        }
      }
    }
  }

 private:
  void read_directives(LineReader& line) {
    if (!script_.actions.empty()) throw ScriptError("options come before the first line that happens");
    while (!line.at_end()) {
      const std::string_view text = line.token();
      const auto equals = std::min(text.find('='), text.size());
      const std::string_view name = text.substr(0, equals);
      const std::string_view value = text.substr(std::min(equals + 1, text.size()));
      if (name == "--ip_version" && (value == "ipv4" || value == "ipv6")) {
        script_.over_v4 = value == "ipv4";
        script_.over_v6 = !script_.over_v4;
      } else if (name == "--tolerance_usecs") {
        script_.tolerance = std::chrono::microseconds{read_value(name, value, 1'000'000)};
      } else if (name == "--remote_isn") {
        script_.remote_isn = read_value(name, value, 0xffffffff);
      } else if (name == "--mtu") {
        script_.mtu = static_cast<std::uint16_t>(read_value(name, value, 1500));
        if (script_.mtu < 1280) throw ScriptError("--mtu is at least 1280, which IPv6 asks for");
      } else if (name == "--receive_window") {
        script_.receive_window = read_value(name, value, 512 * 1024);
      } else if (name == "--nagle" && (value == "on" || value == "off")) {
        script_.nagle = value == "on";
      } else if (name == "--neighbours" && value == "scripted") {
        script_.scripted_neighbours = true;
      } else {
        throw ScriptError(
            "expected --ip_version=ipv4|ipv6, --tolerance_usecs=N, --remote_isn=N, --mtu=N, "
            "--receive_window=N, --nagle=on|off or --neighbours=scripted, got " +
            quoted(text));
      }
    }
  }

  void read_party(LineReader& line) {
    if (!script_.actions.empty()) throw ScriptError("hosts and peers come before the first line that happens");
    auto& parties = line.word() == "host" ? script_.hosts : script_.peers;
    if (parties.size() == kMostParties) throw ScriptError("more than " + std::to_string(kMostParties) + " of a kind");
    Party party;
    party.name = line.word();
    if (party.name.empty() || party.name == "quiet") line.fail("a name");
    while (!line.at_end()) {
      const std::string_view text = line.token();
      if (const auto v4 = Ipv4Address::parse(text); v4 && v4->is_unicast()) {
        party.v4 = v4;
      } else if (const auto v6 = Ipv6Address::parse(text);
                 v6 && !v6->is_multicast() && !v6->is_unspecified() && !v6->is_loopback()) {
        party.v6 = v6;
      } else {
        throw ScriptError("expected the address of a host, got " + quoted(text));
      }
    }
    for (const auto* others : {&script_.hosts, &script_.peers}) {
      for (const Party& other : *others) {
        if (other.name == party.name || (party.v4 && other.v4 == party.v4) || (party.v6 && other.v6 == party.v6)) {
          throw ScriptError(party.name + " has the name or an address of " + other.name);
        }
      }
    }
    parties.push_back(std::move(party));
  }

  [[nodiscard]] static std::size_t place_of(const std::vector<Party>& parties, std::string_view name,
                                            const char* kind) {
    for (std::size_t i = 0; i < parties.size(); ++i) {
      if (parties[i].name == name) return i;
    }
    throw ScriptError("no " + std::string(kind) + " is called " + quoted(name));
  }

  void read_action(LineReader& line, Action& action) {
    if (line.peek() != '<' && line.peek() != '>') {
      std::string_view word = line.word();
      if (word == "quiet" && line.at_end()) return;
      if (!word.empty() && line.peek() != '(') {  // whose line it is
        action.host = place_of(script_.hosts, word, "host");
        if (line.eat(":")) action.peer = place_of(script_.peers, line.word(), "peer");
        word = line.peek() == '<' || line.peek() == '>' ? std::string_view{} : line.word();
      }
      if (!word.empty()) {
        action.what = read_call(line, word);
        return only_at_a_time(action);
      }
    }
    action.inbound = line.eat("<");
    if (!action.inbound) line.expect(">", "or '<' or a call after the time");
    if (action.inbound) only_at_a_time(action);
    read_packet(line, action);
  }

  // What the script itself does happens at one time; `*` is at once.
  static void only_at_a_time(const Action& action) {
    if (action.when.low != action.when.high) throw ScriptError("only what is expected may have a range of times");
  }

  void read_packet(LineReader& line, Action& action) {
    Quote quote = read_quote(line);
    const bool about = !std::holds_alternative<std::monostate>(quote);
    const std::string_view rest = line.rest();
    if (rest.starts_with("icmp ")) {
      line.eat("icmp");
      action.what = read_icmp(line, std::move(quote));
    } else if (about) {
      line.fail("icmp after what it is about");
    } else if (rest.starts_with("udp")) {
      line.eat("udp");
      if (!action.inbound) throw ScriptError("no host sends datagrams of its own here: udp only arrives");
      action.what = read_udp(line);
    } else if (line.eat("who-has ") || line.eat("is-at ")) {
      NeighbourLine neighbour{rest.starts_with("who-has"), std::string(line.word())};
      const bool of_peer = neighbour.question != action.inbound;
      (void)place_of(of_peer ? script_.peers : script_.hosts, neighbour.target, of_peer ? "peer" : "host");
      action.what = std::move(neighbour);
    } else {
      action.what = read_tcp(line, action.inbound);
    }
  }

  Script& script_;
};

}  // namespace

tl::expected<Script, std::string> parse_script(std::string_view text, const std::string& file) {
  Script script;
  script.file = file;
  if (text.size() > kLongestScript)
    return tl::unexpected(file + ":1: a script of more than " + std::to_string(kLongestScript) + " bytes");
  std::string bare;
  try {
    bare = without_comments(text);
  } catch (const ScriptError& error) {
    return tl::unexpected(file + ":" + error.what());
  }
  std::string_view rest = bare;
  Parser parser{script};
  std::size_t number = 1;
  try {
    for (; !rest.empty(); ++number) {
      const auto end = std::min(rest.find('\n'), rest.size());
      parser.read_line(number, rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    parser.finish_parties();
    if (script.actions.empty()) throw ScriptError("nothing happens in this script");
  } catch (const ScriptError& error) {
    return tl::unexpected(file + ":" + std::to_string(number) + ": " + error.what());
  }
  return script;
}

}  // namespace myriad::scripts
