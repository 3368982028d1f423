// hosts.NAME.tcp: how a group of hosts speaks TCP. Every range has its reason here or in SCHEMA.md; what the scenario
// does not say stays unsaid, since the stack alone has defaults.
#include <array>

#include "templates/plan/reading.h"

namespace myriad::plan {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::uint64_t kLeastMss = 88;   // below it the stack takes an MSS for an attack
constexpr std::uint64_t kHeadersV4 = 40;  // of IPv4 and TCP, without options
constexpr std::uint64_t kHeadersV6 = 60;
constexpr std::uint64_t kMostUnscaledWindow = 64 * 1024;  // 65,535 on the wire
constexpr std::uint64_t kMostScale = 14;                  // RFC 7323 section 2.3
constexpr std::uint64_t kMostWindow = kMostUnscaledWindow << kMostScale;
constexpr std::uint64_t kMostSegments = 255;
constexpr std::uint64_t kMostRetries = 100;  // longer than any run: an hour and more at the default rto_max
constexpr Duration kTick = milliseconds{1};  // finer times are beyond the granularity of timeouts

// One mapping: values by key, each in its range.
class Personality {
 public:
  Personality(Reading& reading, const Node& node, Place at)
      : reading_(reading), fields_(reading, node, kTcpPersonalityTable, "'tcp'", at) {}

  std::optional<bool> boolean(std::string_view key) {
    const Node* const node = fields_.find(key);
    return node == nullptr ? std::nullopt : reading_.boolean(*node);
  }
  std::optional<std::uint8_t> count(std::string_view key, std::uint64_t least, std::uint64_t most) {
    const Node* const node = fields_.find(key);
    if (node == nullptr) return std::nullopt;
    const auto value = reading_.integer(*node, least, most);
    return value ? std::optional{static_cast<std::uint8_t>(*value)} : std::nullopt;
  }
  std::optional<Duration> duration(std::string_view key, Duration least, Duration most) {
    const Node* const node = fields_.find(key);
    return node == nullptr ? std::nullopt : bounded(*node, least, most);
  }
  // `off` is zero.
  std::optional<Duration> off_or_duration(std::string_view key, Duration least, Duration most) {
    const Node* const node = fields_.find(key);
    if (node == nullptr) return std::nullopt;
    const auto off = is_word(reading_, *node, "off");
    if (!off) return std::nullopt;
    return *off ? Duration{0} : bounded(*node, least, most);
  }
  const Node* find(std::string_view key) { return fields_.find(key); }
  // Of a value that is there.
  Place place_of(std::string_view key) { return fields_.find(key)->at; }
  // nullopt: not a single value, and that has been reported.
  static std::optional<bool> is_word(Reading& reading, const Node& node, std::string_view word) {
    const auto text = reading.text(node);
    return text ? std::optional{*text == word} : std::nullopt;
  }

 private:
  std::optional<Duration> bounded(const Node& node, Duration least, Duration most) {
    const auto value = reading_.quantity(node, parse_duration);
    if (!value || (*value >= least && *value <= most)) return value;
    reading_.wrong(node.at, fmt::format("{} is out of range", duration_text(*value)),
                   fmt::format("from {} to {}", duration_text(least), duration_text(most)));
    return std::nullopt;
  }

  Reading& reading_;
  Fields fields_;
};

std::optional<std::uint16_t> read_mss(Reading& reading, const Node* node, const HostGroup& group) {
  if (node == nullptr || Personality::is_word(reading, *node, "auto").value_or(true)) return std::nullopt;
  const auto mss = reading.bytes(*node, 0, UINT16_MAX);
  if (!mss) return std::nullopt;
  const std::uint64_t headers = group.ipv4 ? kHeadersV4 : kHeadersV6;
  const std::uint64_t most = group.mtu - headers;
  if (*mss >= kLeastMss && *mss <= most) return static_cast<std::uint16_t>(*mss);
  reading.wrong(
      node->at, fmt::format("an MSS of {} is out of range", *mss),
      fmt::format("from {} to {}: the MTU of {} without {} bytes of headers", kLeastMss, most, group.mtu, headers));
  return std::nullopt;
}

std::optional<std::uint32_t> read_window(Reading& reading, const Node* node) {
  if (node == nullptr) return std::nullopt;
  const auto window = reading.quantity(*node, parse_size);
  if (!window) return std::nullopt;
  if (*window >= kLeastMss && *window <= kMostWindow) return static_cast<std::uint32_t>(*window);
  reading.wrong(node->at, fmt::format("a window of {} is out of range", size_text(*window)),
                fmt::format("from {}B (the least segment) to {} (what the largest scale carries)", kLeastMss,
                            size_text(kMostWindow)));
  return std::nullopt;
}

std::optional<WindowScale> read_window_scale(Reading& reading, const Node* node) {
  if (node == nullptr) return std::nullopt;
  const auto text = reading.text(*node);
  if (!text) return std::nullopt;
  if (*text == "none") return WindowScale{};
  const auto shift = parse_integer(*text);
  if (shift && *shift <= kMostScale) return WindowScale{static_cast<std::uint8_t>(*shift)};
  reading.wrong(node->at, fmt::format("{} is not a window scale", quoted(*text)),
                fmt::format("from 0 to {}, or none: the option is not offered", kMostScale));
  return std::nullopt;
}

// A window that was asked for is one that the peer is told of.
void check_window(Reading& reading, const TcpPersonality& tcp, Personality& fields) {
  if (!tcp.window_bytes || !tcp.window_scale) return;
  const std::uint64_t most = kMostUnscaledWindow << tcp.window_scale->shift.value_or(0);
  if (*tcp.window_bytes <= most) return;
  std::uint64_t needed = 0;
  while (kMostUnscaledWindow << needed < *tcp.window_bytes) ++needed;
  const std::string how = tcp.window_scale->shift ? fmt::format("with a scale of {}", *tcp.window_scale->shift)
                                                  : std::string("without a scale");
  reading.wrong(fields.place_of("window"),
                fmt::format("a window of {} cannot be told to the peer {}", size_text(*tcp.window_bytes), how),
                fmt::format("at most {}, or window_scale: {}", size_text(most), needed));
}

void check_timeouts(Reading& reading, const TcpPersonality& tcp, Personality& fields) {
  const auto in_order = [&](const std::optional<Duration>& value, std::string_view key) {
    if (!value || !tcp.rto_max || *value <= *tcp.rto_max) return;
    reading.wrong(
        fields.place_of(key),
        fmt::format("{} of {} is more than rto_max, {}", key, duration_text(*value), duration_text(*tcp.rto_max)),
        fmt::format("lower it, or rto_max: {}", duration_text(*value)));
  };
  in_order(tcp.rto_min, "rto_min");
  in_order(tcp.rto_initial, "rto_initial");
}

}  // namespace

std::optional<Congestion> read_congestion(Reading& reading, const Node* node) {
  if (node == nullptr) return std::nullopt;
  return reading.choice<Congestion>(*node, {{"newreno", Congestion::kNewReno}, {"cubic", Congestion::kCubic}});
}

std::optional<std::uint8_t> read_initial_window(Reading& reading, const Node* node) {
  if (node == nullptr) return std::nullopt;
  const auto segments = reading.integer(*node, 1, kMostSegments);
  return segments ? std::optional{static_cast<std::uint8_t>(*segments)} : std::nullopt;
}

TcpPersonality read_personality(Reading& reading, const Node& node, Place at, const HostGroup& group) {
  Personality fields(reading, node, at);
  TcpPersonality tcp;
  tcp.mss = read_mss(reading, fields.find("mss"), group);
  tcp.window_bytes = read_window(reading, fields.find("window"));
  tcp.window_scale = read_window_scale(reading, fields.find("window_scale"));
  tcp.timestamps = fields.boolean("timestamps");
  tcp.sack = fields.boolean("sack");
  tcp.rack_tlp = fields.boolean("rack_tlp");
  tcp.congestion = read_congestion(reading, fields.find("congestion"));
  tcp.ttl = fields.count("ttl", 1, 255);
  tcp.initial_window = read_initial_window(reading, fields.find("initial_window"));
  tcp.nagle = fields.boolean("nagle");
  tcp.delayed_ack = fields.off_or_duration("delayed_ack", kTick, milliseconds{499});  // RFC 9293 MUST-40: < 500 ms
  // What is not said of the three is 200 ms, 1 s and 60 s: no value in these ranges contradicts it.
  tcp.rto_min = fields.duration("rto_min", kTick, minutes{1});
  tcp.rto_initial = fields.duration("rto_initial", kTick, minutes{1});
  tcp.rto_max = fields.duration("rto_max", seconds{1}, hours{1});
  tcp.time_wait = fields.duration("time_wait", kTick, hours{1});
  tcp.fin_wait2 = fields.duration("fin_wait2", kTick, hours{24});
  tcp.syn_retries = fields.count("syn_retries", 0, kMostRetries);
  tcp.syn_ack_retries = fields.count("syn_ack_retries", 0, kMostRetries);
  tcp.retries = fields.count("retries", 1, kMostRetries);
  tcp.keep_alive = fields.off_or_duration("keep_alive", seconds{1}, hours{24});
  tcp.keep_alive_interval = fields.duration("keep_alive_interval", seconds{1}, hours{24});
  tcp.keep_alive_probes = fields.count("keep_alive_probes", 1, kMostRetries);
  tcp.repeat_fin = fields.boolean("repeat_fin");
  check_window(reading, tcp, fields);
  check_timeouts(reading, tcp, fields);
  if (tcp.rack_tlp == true && tcp.sack == false) {
    reading.wrong(fields.place_of("rack_tlp"), "RACK-TLP needs SACK", "sack: true, or remove rack_tlp");
  }
  return tcp;
}

}  // namespace myriad::plan
