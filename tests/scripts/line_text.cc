#include "tests/scripts/line_text.h"

#include <fmt/format.h>

#include "stack/wire/tcp.h"

namespace myriad::scripts {
namespace {

std::string flags_of(std::uint8_t flags) {
  std::string text;
  if ((flags & wire::kTcpSyn) != 0) text += 'S';
  if ((flags & wire::kTcpFin) != 0) text += 'F';
  if ((flags & wire::kTcpPsh) != 0) text += 'P';
  if ((flags & wire::kTcpRst) != 0) text += 'R';
  if ((flags & wire::kTcpUrg) != 0) text += 'U';
  if ((flags & 0x40) != 0) text += 'E';
  if ((flags & 0x80) != 0) text += 'W';
  if ((flags & wire::kTcpAck) != 0) text += '.';
  return text.empty() ? "-" : text;
}

std::string range_of(const TcpLine& line) {
  if (line.any_seq) return fmt::format("...({})", line.length);
  return fmt::format("{}:{}({})", line.seq, line.seq + line.length, line.length);
}

std::string options_of(const OptionLine& options) {
  if (options.any) return " <...>";
  std::string text;
  const auto add = [&text](const std::string& option) { text += (text.empty() ? " <" : ",") + option; };
  if (options.mss) add(fmt::format("mss {}", *options.mss));
  if (options.sack_permitted) add("sackOK");
  if (options.has_timestamps) {
    const auto number = [](const auto& n) { return n ? std::to_string(*n) : "*"; };
    add("TS val " + number(options.ts_value) + " ecr " + number(options.ts_echo));
  }
  if (options.window_scale) add(fmt::format("wscale {}", *options.window_scale));
  if (!options.sack.empty()) {
    std::string blocks = "sack";
    for (const auto& [left, right] : options.sack) blocks += fmt::format(" {}:{}", left, right);
    add(blocks);
  }
  return text.empty() ? text : text + ">";
}

// Collects names.
struct Differences {
  std::string names;
  void add(bool differs, const char* name) {
    if (differs) names += (names.empty() ? "" : ", ") + std::string(name);
  }
};

// Our clock of timestamps ticks in milliseconds, and a script may be written on either side of a tick.
bool near(std::uint32_t a, std::uint32_t b) { return a - b + 1 <= 2; }

}  // namespace

std::string text_of(const TcpLine& line) {
  std::string text = line.hop_limit ? fmt::format("(ttl {}) ", *line.hop_limit) : std::string{};
  text += flags_of(line.flags) + " " + range_of(line);
  if (line.ack) text += fmt::format(" ack {}", *line.ack);
  if (line.window) text += fmt::format(" win {}", *line.window);
  return text + options_of(line.options);
}

std::string text_of(const Quote& quote) {
  if (const auto* tcp = std::get_if<TcpLine>(&quote)) return "[" + range_of(*tcp) + "] ";
  if (const auto* udp = std::get_if<UdpLine>(&quote)) return fmt::format("[udp ({})] ", udp->length);
  return {};
}

std::string text_of(const IcmpLine& line) {
  std::string text = text_of(line.quote) + "icmp " + line.type;
  if (!line.code.empty()) text += " " + line.code;
  if (line.mtu != 0) text += fmt::format(" mtu {}", line.mtu);
  if (line.type.starts_with("echo")) text += fmt::format(" id {}", line.id);
  return text;
}

std::string text_of(const NeighbourLine& line) { return (line.question ? "who-has " : "is-at ") + line.target; }

std::string text_of(Duration time) { return fmt::format("{:.6f}", to_seconds(time)); }

std::string differing_fields(const TcpLine& expected, const TcpLine& seen, bool strict) {
  Differences d;
  d.add(expected.flags != seen.flags, "flags");
  d.add(!expected.any_seq && expected.seq != seen.seq, "sequence number");
  d.add(expected.length != seen.length, "length");
  // A segment that must not acknowledge has 0 there, and a script may say so.
  d.add(expected.ack && *expected.ack != seen.ack.value_or(0), "ack");
  d.add(strict && expected.window && expected.window != seen.window, "window");
  d.add(expected.hop_limit && expected.hop_limit != seen.hop_limit, "ttl");
  const OptionLine& a = expected.options;
  const OptionLine& b = seen.options;
  if (a.any) return d.names;
  d.add(a.any_mss ? !b.mss : a.mss != b.mss, "mss");
  d.add(strict ? a.window_scale != b.window_scale : a.window_scale.has_value() != b.window_scale.has_value(), "wscale");
  d.add(a.sack_permitted != b.sack_permitted, "sackOK");
  d.add(a.sack != b.sack, "sack");
  if (a.has_timestamps != b.has_timestamps) {
    d.add(true, "TS");
  } else {
    d.add(strict && a.ts_value && b.ts_value && !near(*a.ts_value, *b.ts_value), "TS val");
    d.add(a.ts_echo && a.ts_echo != b.ts_echo, "TS ecr");
  }
  return d.names;
}

std::string differing_fields(const IcmpLine& expected, const IcmpLine& seen) {
  Differences d;
  d.add(expected.type != seen.type || expected.code != seen.code, "type");
  d.add(expected.mtu != seen.mtu, "mtu");
  d.add(expected.id != seen.id, "id");
  d.add(text_of(expected.quote) != text_of(seen.quote), "what it is about");
  return d.names;
}

}  // namespace myriad::scripts
