#include "tests/scripts/system_words.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace myriad::scripts {
namespace {

using std::chrono::milliseconds;

// The first number in a value such as 1, 0x3 or "4096 540000 15728640".
std::optional<std::uint32_t> number_in(std::string_view value) {
  const auto first = value.find_first_of("0123456789");
  if (first == std::string_view::npos) return std::nullopt;
  value.remove_prefix(first);
  const int base = value.starts_with("0x") ? 16 : 10;
  if (base == 16) value.remove_prefix(2);
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number, base);
  return error == std::errc{} ? std::optional{number} : std::nullopt;
}

std::uint8_t small(std::uint32_t number) { return static_cast<std::uint8_t>(std::min(number, 255U)); }

struct Setting {
  const char* name;
  void (*take)(std::uint32_t value, Script& script);
};

void skip(Script& script, const char* why) {
  if (script.skip.empty()) script.skip = why;
}

// FreeBSD scales windows so that the largest buffer of a socket can be advertised.
std::uint8_t scale_for(std::uint32_t bytes) {
  std::uint8_t scale = 0;
  while (scale < 14 && (std::uint64_t{65535} << scale) < bytes) ++scale;
  return scale;
}

constexpr Setting kFreeBsdSettings[] = {
    {"net.inet.tcp.rfc1323",
     [](std::uint32_t v, Script& s) {  // 1 = both, 2 = windows alone, 3 = timestamps alone
       s.tcp.window_scaling = v == 1 || v == 2;
       s.tcp.timestamps = v == 1 || v == 3;
     }},
    {"net.inet.tcp.sack.enable", [](std::uint32_t v, Script& s) { s.tcp.sack = v != 0; }},
    {"net.inet.tcp.recvspace", [](std::uint32_t v, Script& s) { s.tcp.receive_window = std::min(v, 8U << 20); }},
    {"kern.ipc.maxsockbuf", [](std::uint32_t v, Script& s) { s.tcp.window_scale = scale_for(v); }},
    {"net.inet.tcp.initcwnd_segments", [](std::uint32_t v, Script& s) { s.tcp.initial_window = small(v); }},
    {"net.inet.tcp.rexmit_initial", [](std::uint32_t v, Script& s) { s.tcp.rto_initial = milliseconds{v}; }},
    {"net.inet.tcp.rexmit_min", [](std::uint32_t v, Script& s) { s.tcp.rto_min = milliseconds{v + 200}; }},
    {"net.inet.tcp.msl", [](std::uint32_t v, Script& s) { s.tcp.time_wait = milliseconds{2 * std::uint64_t{v}}; }},
    {"net.inet.tcp.keepidle", [](std::uint32_t v, Script& s) { s.tcp.keep_alive = milliseconds{v}; }},
    {"net.inet.tcp.keepintvl", [](std::uint32_t v, Script& s) { s.tcp.keep_alive_interval = milliseconds{v}; }},
    {"net.inet.tcp.keepcnt", [](std::uint32_t v, Script& s) { s.tcp.keep_alive_probes = small(v); }},
    {"net.inet.ip.ttl", [](std::uint32_t v, Script& s) { s.tcp.hop_limit = small(v); }},
    {"net.inet.tcp.insecure_rst",
     [](std::uint32_t v, Script& s) {
       if (v != 0) skip(s, "net.inet.tcp.insecure_rst switches off RFC 5961, which our hosts always follow");
     }},
    {"net.inet.tcp.insecure_syn",
     [](std::uint32_t v, Script& s) {
       if (v != 0) skip(s, "net.inet.tcp.insecure_syn switches off RFC 5961, which our hosts always follow");
     }},
    {"net.inet.tcp.blackhole",
     [](std::uint32_t v, Script& s) {
       if (v != 0) skip(s, "net.inet.tcp.blackhole: our hosts always answer for closed ports (RFC 9293 3.10.7.1)");
     }},
    {"net.inet.tcp.rexmit_drop_options",
     [](std::uint32_t v, Script& s) {
       if (v != 0) skip(s, "net.inet.tcp.rexmit_drop_options: our hosts never give up options of a SYN");
     }},
    {"net.inet.tcp.icmp_may_rst",
     [](std::uint32_t v, Script& s) {
       if (v == 0) skip(s, "net.inet.tcp.icmp_may_rst=0: hard errors end a handshake here (RFC 9293 MUST-56)");
     }},
    {"net.inet.tcp.syncookies_only",
     [](std::uint32_t v, Script& s) {
       if (v != 0) skip(s, "SYN cookies: our hosts bound half-open connections instead");
     }},
    {"net.inet.tcp.path_mtu_discovery",
     [](std::uint32_t v, Script& s) {
       if (v == 0) skip(s, "net.inet.tcp.path_mtu_discovery=0: our hosts always follow RFC 1191");
     }},
    {"net.inet.tcp.pmtud_blackhole_detection",
     [](std::uint32_t v, Script& s) {
       if (v != 0) skip(s, "path MTU blackhole detection (RFC 4821)");
     }},
};

constexpr Setting kLinuxSettings[] = {
    {"net.ipv4.tcp_sack", [](std::uint32_t v, Script& s) { s.tcp.sack = v != 0; }},
    {"net.ipv4.tcp_timestamps", [](std::uint32_t v, Script& s) { s.tcp.timestamps = v != 0; }},
    {"net.ipv4.tcp_window_scaling", [](std::uint32_t v, Script& s) { s.tcp.window_scaling = v != 0; }},
    {"net.ipv4.tcp_early_retrans", [](std::uint32_t v, Script& s) { s.tcp.rack = v >= 3; }},
    {"net.ipv4.tcp_syn_retries", [](std::uint32_t v, Script& s) { s.tcp.syn_retries = small(v); }},
    {"net.ipv4.tcp_synack_retries", [](std::uint32_t v, Script& s) { s.tcp.syn_ack_retries = small(v); }},
    {"net.ipv4.ip_default_ttl", [](std::uint32_t v, Script& s) { s.tcp.hop_limit = small(v); }},
    {"net.ipv4.tcp_syncookies",
     [](std::uint32_t v, Script& s) {
       if (v == 2) skip(s, "SYN cookies: our hosts bound half-open connections instead");
     }},
    {"net.ipv4.tcp_mtu_probing",
     [](std::uint32_t v, Script& s) {
       if (v != 0) skip(s, "packetization layer path MTU discovery (RFC 4821)");
     }},
};

// cubic, newreno or reno; others are not to be had.
void choose_congestion(std::string_view value, Script& script) {
  const auto first = value.find_first_not_of("\"' ");
  if (first == std::string_view::npos) return;
  value.remove_prefix(first);
  value = value.substr(0, value.find_first_of("\"' "));
  if (value == "cubic" || value == "reno" || value == "newreno") {
    script.tcp.cubic = value == "cubic";
  } else if (script.skip.empty()) {
    script.skip = "congestion control " + std::string(value.substr(0, 40)) + ": our hosts have NewReno and CUBIC";
  }
}

void take_setting(std::string name, std::string_view value, Script& script) {
  if (name.starts_with("/proc/sys/")) {
    name.erase(0, 10);
    std::replace(name.begin(), name.end(), '/', '.');
  }
  if (name == "net.ipv4.tcp_congestion_control" || name == "net.inet.tcp.cc.algorithm")
    return choose_congestion(value, script);
  const auto number = number_in(value);
  if (!number) return;
  const auto apply = [&](const auto& settings) {
    for (const Setting& setting : settings) {
      if (name == setting.name) setting.take(*number, script);
    }
  };
  apply(kFreeBsdSettings);
  apply(kLinuxSettings);
}

bool ends_word(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '`' || c == ';'; }

}  // namespace

System system_of(std::string_view shell) {
  const auto has = [shell](std::string_view word) { return shell.find(word) != std::string_view::npos; };
  if (has("net.inet.") || has("net.inet6.") || has("kern.ipc.") || has("kern.timecounter") || has("kldload") ||
      has("sockstat"))
    return System::kFreeBsd;
  if (has("net.ipv4.") || has("/proc/sys/net/") || has("defaults.sh") || has("set_sysctls") || has("tc qdisc") ||
      has("ip route") || has("ip link"))
    return System::kLinux;
  return System::kUnknown;
}

void behave_like(System system, Script& script) {
  TcpWishes& tcp = script.tcp;
  tcp.delayed_ack =
      Duration::zero();  // an acknowledgement that the script does not name is passed over, a late one not
  tcp.receive_window = 512 * 1024;
  tcp.rack = system == System::kLinux;
  tcp.cubic = system == System::kLinux;
  tcp.window_scale = 8;
  if (system == System::kFreeBsd) {
    tcp.receive_window = 64 * 1024;  // its tests count on where the window ends
    tcp.window_scale = 6;
    tcp.repeat_fin = true;
    tcp.rto_min = milliseconds{230};  // 30 ms, and the 200 ms that it adds to every retransmission timeout
  }
}

void take_settings(std::string_view shell, Script& script) {
  for (std::size_t equals = shell.find('='); equals != std::string_view::npos; equals = shell.find('=', equals + 1)) {
    std::size_t begin = equals;
    while (begin > 0 && !ends_word(shell[begin - 1])) --begin;
    std::size_t value = equals + 1;
    while (value < shell.size() && shell[value] == ' ') ++value;
    std::size_t end = value;
    if (end < shell.size() && (shell[end] == '"' || shell[end] == '\'')) {
      end = std::min(shell.find(shell[end], end + 1), shell.size());
    } else {
      while (end < shell.size() && !ends_word(shell[end])) ++end;
    }
    std::size_t name_end = equals;
    if (begin == equals) {  // sysctl "name = value"
      while (name_end > 0 && shell[name_end - 1] == ' ') --name_end;
      begin = name_end;
      while (begin > 0 && !ends_word(shell[begin - 1])) --begin;
    }
    std::string name{shell.substr(begin, name_end - begin)};
    std::erase(name, '"');
    take_setting(std::move(name), shell.substr(value, end - value), script);
  }
  // ifconfig tun0 mtu 9000, ip link set dev tun0 mtu 9000
  for (std::size_t at = shell.find(" mtu "); at != std::string_view::npos; at = shell.find(" mtu ", at + 5)) {
    const auto mtu = number_in(shell.substr(at + 5, 6));
    if (mtu && (shell.find("ifconfig") != std::string_view::npos || shell.find("ip link") != std::string_view::npos))
      script.mtu = static_cast<std::uint16_t>(std::min(*mtu, 65535U));
  }
}

}  // namespace myriad::scripts
