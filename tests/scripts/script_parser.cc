#include "tests/scripts/script_parser.h"

#include <algorithm>
#include <array>

#include "tests/scripts/call_support.h"
#include "tests/scripts/system_words.h"

namespace myriad::scripts {
namespace {

std::string quoted(std::string_view text) { return "'" + std::string(text.substr(0, 40)) + "'"; }

// --- times -----------------------------------------------------------------------------------------------------------

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
    throw ScriptError("expected a time like 0.1, +0.1, +0.1~+0.2, 0.1...0.2 or *, got " + quoted(all));
  const Duration time = std::chrono::seconds{whole} + Duration{nanoseconds};
  if (time > kLongestTime) throw ScriptError("a time of more than a day: " + quoted(all));
  return time;
}

When read_when(std::string_view text, bool strict) {
  if (text == "*") return {};
  When when{When::Kind::kAbsolute, {}, {}, {}};
  std::string_view low = text;
  std::string_view high;
  const auto dots = text.find("...");
  const auto tilde = text.find('~');
  if (dots != std::string_view::npos) {
    low = text.substr(0, dots);
    high = text.substr(dots + 3);
  } else if (tilde != std::string_view::npos) {
    low = text.substr(0, tilde);
    high = text.substr(tilde + 1);
  }
  if (low.starts_with('+')) {
    when.kind = When::Kind::kRelative;
    low.remove_prefix(1);
  }
  when.low = when.high = read_seconds(low);
  if (dots == std::string_view::npos && tilde == std::string_view::npos) return when;
  const bool plus = high.starts_with('+');
  const bool relative = when.kind == When::Kind::kRelative;
  // The end of a call counts from where its beginning does, with or without a sign.
  if ((plus && !relative) || (!plus && relative && strict && dots == std::string_view::npos)) {
    throw ScriptError("a range of times is absolute or relative at both ends: " + quoted(text));
  }
  if (plus) high.remove_prefix(1);
  const Duration end = read_seconds(high);
  if (end < when.low) throw ScriptError("a range of times that ends before it begins: " + quoted(text));
  if (dots != std::string_view::npos) {
    when.until = end;
  } else {
    when.high = end;
  }
  return when;
}

// --- calls -----------------------------------------------------------------------------------------------------------

std::vector<std::string> read_arguments(LineReader& line) {
  std::vector<std::string> arguments;
  line.expect("(", "after the name of a call");
  int depth = 0;
  std::string argument;
  for (;;) {
    if (line.at_end()) line.fail("')' at the end of the arguments");
    const char c = line.peek();
    line.eat({&c, 1});
    if (c == '"') {
      argument += '"' + std::string(line.until("\"")) + '"';
      line.expect("\"", "at the end of a text");
      continue;
    }
    if (c == '(' || c == '[' || c == '{') ++depth;
    if (depth == 0 && (c == ',' || c == ')')) {
      arguments.push_back(std::move(argument));
      argument.clear();
      if (c == ')') return arguments;
      continue;
    }
    if (c == ')' || c == ']' || c == '}') --depth;
    argument += c;
  }
}

CallLine read_call(LineReader& line, std::string_view name) {
  CallLine call;
  call.name = name;
  call.arguments = read_arguments(line);
  line.expect("=", "and the result of the call");
  call.any_result = line.eat("...");
  if (line.eat("0x")) {
    const std::string_view digits = line.word();
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), call.result, 16);
    if (error != std::errc{} || end != digits.data() + digits.size())
      throw ScriptError("expected a hexadecimal result, got " + quoted(digits));
  } else if (!call.any_result) {
    call.result = line.number<std::int64_t>("a result");
  }
  if (call.result < -1) throw ScriptError("a result is -1 or not negative");
  if (call.result == -1) call.error = line.word();
  if (line.eat("(")) {  // the words behind an error are a comment
    line.until(")");
    line.expect(")", "after the words about the error");
  }
  return call;
}

// --- the whole -------------------------------------------------------------------------------------------------------

std::uint32_t read_value(std::string_view name, std::string_view value, std::uint32_t most) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc{} || end != value.data() + value.size() || number > most) {
    throw ScriptError(std::string(name) + " is a number of at most " + std::to_string(most) + ", got " + quoted(value));
  }
  return number;
}

bool read_switch(std::string_view name, std::string_view value) {
  if (value != "on" && value != "off") throw ScriptError(std::string(name) + " is on or off, got " + quoted(value));
  return value == "on";
}

class Parser {
 public:
  Parser(Script& script, const ReadingOptions& options) : script_(script), options_(options) {}

  // The statement's text must live as long as this call; position() is then where a message belongs.
  void read(std::size_t line_number, std::string_view text) {
    line_ = LineReader{text};
    const std::string_view start = line_.rest();
    if (start.starts_with("--")) return read_directives();
    if (start.starts_with("host ") || start.starts_with("peer ")) return read_party();
    finish_parties();
    if (script_.actions.size() == kMostActions)
      throw ScriptError("more than " + std::to_string(kMostActions) + " lines that happen");
    Action action;
    action.line = line_number;
    action.text = start;
    std::replace(action.text.begin(), action.text.end(), '\n', ' ');
    if (start.front() == '`' || start.starts_with("%{")) {
      action.when = {When::Kind::kRelative, {}, {}, {}};
    } else {
      const std::string_view time = line_.time();
      action.when = read_when(time.empty() ? line_.token() : time, script_.strict);
    }
    read_action(action);
    if (!line_.at_end()) line_.fail("the end of the line");
    script_.actions.push_back(std::move(action));
  }
  [[nodiscard]] std::size_t position() const { return line_.position(); }

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
  void read_directives() {
    if (!script_.actions.empty() && script_.strict)
      throw ScriptError("options come before the first line that happens");
    while (!line_.at_end()) {
      const std::string_view text = line_.token();
      const auto equals = std::min(text.find('='), text.size());
      read_directive(text, text.substr(0, equals), text.substr(std::min(equals + 1, text.size())));
    }
  }
  void read_directive(std::string_view text, std::string_view name, std::string_view value) {
    if (name == "--ip_version" && (value == "ipv4" || value == "ipv6" || value == "ipv4-mapped-ipv6")) {
      script_.over_v6 = options_.v6.value_or(value == "ipv6");
      script_.over_v4 = !script_.over_v6;
    } else if (name == "--tolerance_usecs") {
      const std::chrono::microseconds tolerance{read_value(name, value, 1'000'000)};
      if (!options_.tolerance) script_.tolerance = tolerance;
    } else if (name == "--remote_isn") {
      script_.remote_isn = read_value(name, value, 0xffffffff);
    } else if (name == "--mtu") {
      script_.mtu = static_cast<std::uint16_t>(read_value(name, value, script_.strict ? 1500 : 65535));
      if (script_.strict && script_.mtu < 1280) throw ScriptError("--mtu is at least 1280, which IPv6 asks for");
    } else if (!read_wish(name, value)) {
      if (!script_.strict) {
        script_.notes.push_back("option " + std::string(text.substr(0, 60)) + " has no meaning here");
        return;
      }
      throw ScriptError(
          "expected --strict, --ip_version=ipv4|ipv6, --tolerance_usecs=N, --remote_isn=N, --mtu=N, "
          "--receive_window=N, --nagle=on|off, --repeat_fin=on|off, --rack=on|off, --cubic=on|off or "
          "--neighbours=scripted, got " +
          quoted(text));
    }
  }
  // What only scripts of this house say.
  bool read_wish(std::string_view name, std::string_view value) {
    if (name == "--strict") return true;  // known since before the first line was read
    if (name == "--receive_window") {
      script_.tcp.receive_window = read_value(name, value, 512 * 1024);
    } else if (name == "--repeat_fin") {
      script_.tcp.repeat_fin = read_switch(name, value);
    } else if (name == "--nagle") {
      script_.tcp.nagle = read_switch(name, value);
    } else if (name == "--rack") {
      script_.tcp.rack = read_switch(name, value);
    } else if (name == "--cubic") {
      script_.tcp.cubic = read_switch(name, value);
    } else if (name == "--neighbours" && value == "scripted") {
      script_.scripted_neighbours = true;
    } else {
      return false;
    }
    return true;
  }

  void read_party() {
    if (!script_.actions.empty()) throw ScriptError("hosts and peers come before the first line that happens");
    auto& parties = line_.word() == "host" ? script_.hosts : script_.peers;
    if (parties.size() == kMostParties) throw ScriptError("more than " + std::to_string(kMostParties) + " of a kind");
    Party party;
    party.name = line_.word();
    if (party.name.empty() || party.name == "quiet") line_.fail("a name");
    while (!line_.at_end()) {
      const std::string_view text = line_.token();
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

  void read_action(Action& action) {
    if (line_.peek() == '`' || line_.rest().starts_with("%{")) return read_skipped(action);
    if (line_.peek() != '<' && line_.peek() != '>') {
      std::string_view word = line_.word();
      if (word == "quiet" && line_.at_end()) return;
      if (!word.empty() && line_.peek() != '(') {  // whose line it is
        action.host = place_of(script_.hosts, word, "host");
        if (line_.eat(":")) action.peer = place_of(script_.peers, line_.word(), "peer");
        word = line_.peek() == '<' || line_.peek() == '>' ? std::string_view{} : line_.word();
      }
      if (!word.empty()) {
        CallLine call = read_call(line_, word);
        prepare_call(call, script_);
        action.what = std::move(call);
        return only_at_a_time(action);
      }
    }
    action.inbound = line_.eat("<");
    if (!action.inbound) line_.expect(">", "or '<' or a call after the time");
    if (action.inbound) only_at_a_time(action);
    if (action.when.until) throw ScriptError("only calls take time: a packet has no time like 0.1...0.2");
    read_packet(action);
    packets_seen_ = true;
  }

  // `a shell command`, of which only settings matter, or a block of code %{ … }%.
  void read_skipped(Action& action) {
    const bool shell = line_.peek() == '`';
    const std::string_view rest = line_.rest();
    const std::string_view closing = shell ? "`" : "}%";
    const auto end = rest.find(closing, 1);
    if (end == std::string_view::npos) line_.fail(shell ? "a shell command that ends" : "a block that ends");
    const std::string_view text = rest.substr(shell ? 1 : 2, end - (shell ? 1 : 2));
    const bool settings = shell && !packets_seen_ && !script_.strict;
    if (settings) take_settings(text, script_);
    script_.notes.push_back("line " + std::to_string(action.line) + ": " + (shell ? "shell command" : "block of code") +
                            " not run" + (settings ? ", its settings taken over where they mean something: " : ": ") +
                            std::string(text.substr(0, 100)));
    line_.eat(rest.substr(0, end + closing.size()));
    if (!shell && line_.peek() != '\0') line_.until("");  // words after a block
    action.what = SkippedLine{};
  }

  // What the script itself does happens at one time; `*` is at once.
  static void only_at_a_time(const Action& action) {
    if (action.when.low != action.when.high) throw ScriptError("only what is expected may have a range of times");
  }

  void read_packet(Action& action) {
    PacketPreface preface = read_preface(line_, action.inbound);
    const bool about = !std::holds_alternative<std::monostate>(preface.quote);
    const std::string_view rest = line_.rest();
    for (const std::string_view foreign : {"sctp", "udplite", "gre", "ipv4 ", "ipv6 ", "mpls"}) {
      if (rest.starts_with(foreign))
        throw ScriptSkip("packets of " + std::string(foreign.substr(0, foreign.find(' '))));
    }
    if (rest.starts_with("icmp ")) {
      line_.eat("icmp");
      action.what = read_icmp(line_, std::move(preface.quote), action.inbound, script_.strict);
    } else if (about) {
      line_.fail("icmp after what it is about");
    } else if (rest.starts_with("udp")) {
      line_.eat("udp");
      if (!action.inbound) throw ScriptError("no host sends datagrams of its own here: udp only arrives");
      action.what = read_udp(line_);
    } else if (line_.eat("who-has ") || line_.eat("is-at ")) {
      NeighbourLine neighbour{rest.starts_with("who-has"), std::string(line_.word())};
      const bool of_peer = neighbour.question != action.inbound;
      (void)place_of(of_peer ? script_.peers : script_.hosts, neighbour.target, of_peer ? "peer" : "host");
      action.what = std::move(neighbour);
    } else {
      TcpLine tcp = read_tcp(line_, action.inbound, script_.strict);
      tcp.hop_limit = preface.hop_limit;
      action.what = std::move(tcp);
    }
    if (!script_.strict && line_.peek() == '{') throw ScriptSkip("packets that are damaged on purpose");
  }

  Script& script_;
  const ReadingOptions& options_;
  LineReader line_{""};
  bool packets_seen_ = false;
};

// Before the first statement: how it is to be read at all.
void set_out(Script& script, const std::string_view text, const ReadingOptions& options) {
  script.strict = options.strict || text.starts_with("--strict") || text.find("\n--strict") != std::string_view::npos;
  if (!script.strict) {
    script.system = system_of(text);
    script.tolerance = std::chrono::milliseconds{10};
    script.over_v6 = options.v6.value_or(false);
    script.over_v4 = !script.over_v6;
    behave_like(script.system, script);
  } else if (options.v6) {
    script.over_v6 = *options.v6;
    script.over_v4 = !script.over_v6;
  }
  if (options.tolerance) script.tolerance = *options.tolerance;
}

Definitions definitions_for(const Script& script, const ReadingOptions& options) {
  Definitions definitions = options.definitions;
  if (script.system == System::kFreeBsd) definitions.emplace("FreeBSD", "");
  if (script.system == System::kLinux) definitions.emplace("Linux", "");
  return definitions;
}

}  // namespace

tl::expected<Script, std::string> parse_script(std::string_view text, const std::string& file,
                                               const ReadingOptions& options) {
  Script script;
  script.file = file;
  if (text.size() > kLongestScript)
    return tl::unexpected(file + ":1:1: a script of more than " + std::to_string(kLongestScript) + " bytes");
  set_out(script, text, options);
  Statements statements{text, definitions_for(script, options)};
  std::vector<Statement> list;
  try {
    list = statements.split();
  } catch (const ScriptError& error) {
    return tl::unexpected(file + ":" + statements.where(statements.place()) + ": " + error.what());
  }
  Parser parser{script, options};
  std::size_t offset = 0;
  std::size_t line = 1;
  std::size_t counted = 0;  // up to which offset newlines are in `line`
  try {
    for (const Statement& statement : list) {
      offset = statement.offset;
      line += static_cast<std::size_t>(std::count(text.begin() + static_cast<std::ptrdiff_t>(counted),
                                                  text.begin() + static_cast<std::ptrdiff_t>(offset), '\n'));
      counted = offset;
      try {
        parser.read(line, statement.text);
      } catch (const ScriptError&) {
        if (statement.as_written) offset += parser.position();
        throw;
      }
    }
    parser.finish_parties();
    offset = text.size();
    if (script.actions.empty()) throw ScriptError("nothing happens in this script");
  } catch (const ScriptSkip& reason) {
    if (script.skip.empty()) script.skip = reason.what();
  } catch (const ScriptError& error) {
    return tl::unexpected(file + ":" + statements.where(offset) + ": " + error.what());
  }
  return script;
}

}  // namespace myriad::scripts
