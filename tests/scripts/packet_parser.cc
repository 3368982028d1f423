#include "tests/scripts/packet_parser.h"

#include <algorithm>
#include <array>

#include "stack/wire/tcp.h"

namespace myriad::scripts {
namespace {

constexpr std::uint8_t kEce = 0x40;  // RFC 3168
constexpr std::uint8_t kCwr = 0x80;

std::string quoted(std::string_view text) { return "'" + std::string(text.substr(0, 40)) + "'"; }

std::uint8_t read_flags(LineReader& line, bool inbound) {
  const std::string_view text = line.token();
  if (text == "-") return 0;
  constexpr std::pair<char, std::uint8_t> kLetters[] = {
      {'S', wire::kTcpSyn}, {'F', wire::kTcpFin}, {'P', wire::kTcpPsh}, {'R', wire::kTcpRst},
      {'.', wire::kTcpAck}, {'U', wire::kTcpUrg}, {'E', kEce},          {'W', kCwr}};
  std::uint8_t flags = 0;
  bool accurate_ecn = false;
  for (const char c : text) {
    const auto* const letter =
        std::find_if(std::begin(kLetters), std::end(kLetters), [c](const auto& l) { return l.first == c; });
    if (letter == std::end(kLetters) && (c == 'A' || (c >= '0' && c <= '7')) && flags != 0) {
      accurate_ecn = true;
      continue;
    }
    if (letter == std::end(kLetters) || (flags & letter->second) != 0) {
      throw ScriptError("expected TCP flags (of S F P R U E W . or -), udp, icmp, who-has or is-at, got " +
                        quoted(text));
    }
    flags = static_cast<std::uint8_t>(flags | letter->second);
  }
  if (flags == 0) line.fail("TCP flags");
  if (accurate_ecn || (!inbound && (flags & (kEce | kCwr)) != 0))
    throw ScriptSkip("explicit congestion notification (RFC 3168, AccECN)");
  if (!inbound && (flags & wire::kTcpUrg) != 0) throw ScriptSkip("urgent data: our hosts send none");
  return flags;
}

// 1:1001(1000), or ...(0) in what is expected
void read_sequence(LineReader& line, TcpLine& tcp) {
  if (line.eat("...")) {
    tcp.any_seq = true;
  } else {
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
  }
  if (tcp.any_seq) {
    line.expect("(", "before the length");
    tcp.length = line.number<std::uint32_t>("a length");
    line.expect(")", "after the length");
  }
}

std::optional<std::uint32_t> read_timestamp(LineReader& line, bool inbound) {
  if (!inbound && (line.eat("*") || line.eat("..."))) return std::nullopt;
  return line.number<std::uint32_t>("a timestamp");
}

// Options of TCP that exist and that our hosts do not have.
void refuse_foreign(std::string_view kind, bool strict) {
  constexpr std::array kFastOpen{"FO", "FOEXP", "fo", "foexp", "FOX"};
  constexpr std::array kMultipath{"mp_capable",  "mp_join_syn",  "mp_join_syn_ack", "mp_join_ack", "mp_join",
                                  "mp_fail",     "mp_fastclose", "mp_tcprst",       "mp_prio",     "dss",
                                  "add_address", "add_addr",     "remove_address",  "remove_addr", "mpc",
                                  "mp_reset"};
  const auto is_of = [kind](const auto& names) { return std::find(names.begin(), names.end(), kind) != names.end(); };
  if (is_of(kFastOpen)) throw ScriptSkip("TCP fast open (RFC 7413)");
  if (is_of(kMultipath)) throw ScriptSkip("multipath TCP (RFC 8684)");
  if (kind.starts_with("md5")) throw ScriptSkip("TCP MD5 signatures (RFC 2385)");
  if (kind.starts_with("ao") || kind.starts_with("tcp_ao")) throw ScriptSkip("TCP authentication option (RFC 5925)");
  if (kind.starts_with("ECN") || kind.starts_with("ecn") || kind.starts_with("acc"))
    throw ScriptSkip("explicit congestion notification (RFC 3168, AccECN)");
  if (!strict && !kind.empty()) throw ScriptSkip("TCP option " + quoted(kind) + ", which is not known here");
  throw ScriptError("expected an option (mss, wscale, sackOK, TS, sack, nop, eol), got " + quoted(kind));
}

void read_option(LineReader& line, bool inbound, bool strict, OptionLine& options) {
  const std::string_view kind = line.word();
  if (kind == "nop" || kind == "NOP" || kind == "eol") return;  // alignment is nobody's business
  if (kind == "mss") {
    options.any_mss = !inbound && (line.eat("*") || line.eat("..."));
    if (!options.any_mss) options.mss = line.number<std::uint16_t>("an MSS");
  } else if (kind == "wscale" || kind == "ws") {
    options.window_scale = line.number<std::uint8_t>("a window scale");
  } else if (kind == "sackOK" || kind == "sackok") {
    options.sack_permitted = true;
  } else if (kind == "TS" || kind == "ts") {
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
    refuse_foreign(kind, strict);
  }
}

OptionLine read_options(LineReader& line, bool inbound, bool strict) {
  OptionLine options;
  if (!line.eat("<")) return options;
  if (line.eat(">")) return options;
  if (line.eat("...")) {
    if (inbound) throw ScriptError("<...> is for expected packets; one that arrives has the options it says");
    options.any = true;
    line.expect(">", "after the options");
    return options;
  }
  do {
    read_option(line, inbound, strict, options);
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

// --- ICMP ------------------------------------------------------------------------------------------------------------

// Names as packetdrill has them, with the numbers of IPv4.
struct IcmpName {
  const char* name;
  std::uint8_t number;
};
constexpr IcmpName kIcmpTypes[] = {
    {"echo_reply", 0},          {"unreachable", 3},          {"source_quench", 4},      {"redirect", 5},
    {"echo_request", 8},        {"time_exceeded", 11},       {"parameter_problem", 12}, {"timestamp_request", 13},
    {"timestamp_reply", 14},    {"information_request", 15}, {"information_reply", 16}, {"address_mask_request", 17},
    {"address_mask_reply", 18}, {"packet_too_big", 3}};
constexpr IcmpName kUnreachableCodes[] = {{"net_unreachable", 0},
                                          {"host_unreachable", 1},
                                          {"protocol_unreachable", 2},
                                          {"port_unreachable", 3},
                                          {"frag_needed", 4},
                                          {"source_route_failed", 5},
                                          {"net_unknown", 6},
                                          {"host_unknown", 7},
                                          {"source_host_isolated", 8},
                                          {"net_prohibited", 9},
                                          {"host_prohibited", 10},
                                          {"net_unreachable_for_tos", 11},
                                          {"host_unreachable_for_tos", 12},
                                          {"packet_filtered", 13},
                                          {"admin_prohibited", 13},
                                          {"comm_prohibited", 13},
                                          {"communication_prohibited", 13},
                                          {"precedence_violation", 14},
                                          {"precedence_cutoff", 15},
                                          // IPv6 calls some of them by other names.
                                          {"no_route", 0},
                                          {"address_unreachable", 1},
                                          {"addr_unreachable", 1}};

constexpr IcmpName kOtherCodes[] = {{"exceeded_hop_limit", 0},
                                    {"exceeded_ttl", 0},
                                    {"ttl_exceeded", 0},
                                    {"exceeded_in_transit", 0},
                                    {"exceeded_frag_reassembly", 1},
                                    {"fragment_reassembly_time_exceeded", 1}};

template <std::size_t N>
std::optional<std::uint8_t> number_of(const IcmpName (&names)[N], std::string_view prefix, std::string_view word) {
  for (const IcmpName& name : names) {
    if (word == name.name) return name.number;
  }
  std::uint8_t number = 0;
  if (!word.starts_with(prefix)) return std::nullopt;
  word.remove_prefix(prefix.size());
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  return error == std::errc{} && end == word.data() + word.size() ? std::optional{number} : std::nullopt;
}

// The code that our tables call by this number, so that one thing has one name.
std::string code_name(std::uint8_t code) {
  constexpr std::array kKnown{"net_unreachable", "host_unreachable", "protocol_unreachable", "port_unreachable",
                              "frag_needed"};
  if (code < kKnown.size()) return kKnown[code];
  return code == 13 ? "admin_prohibited" : "code_" + std::to_string(code);
}

bool is_word_character(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

void read_codepoint(LineReader& line, bool inbound) {
  const std::string_view word = line.word();
  if (word != "noecn" && word != "nonecn" && word != "ect0" && word != "ect1" && word != "ect01" && word != "ce")
    throw ScriptError("expected what an ICMP error is about, or an ECN codepoint, got " + quoted(word));
  line.expect("]", "after the codepoint");
  if (!inbound && word != "noecn" && word != "nonecn")
    throw ScriptSkip("explicit congestion notification (RFC 3168, AccECN)");
}

// (ttl 3), (tos 0x10) and the like
void read_ip_fields(LineReader& line, PacketPreface& preface) {
  line.expect("(", "before the fields of IP");
  while (!line.eat(")")) {
    const std::string_view field = line.word();
    if (field == "ttl" || field == "hlim" || field == "hoplimit") {
      preface.hop_limit = line.number<std::uint8_t>("a hop limit");
    } else if (field == "tos" || field == "tclass" || field == "flowlabel" || field == "tc") {
      throw ScriptSkip("traffic classes and flow labels of IP");
    } else {
      throw ScriptError("expected ttl, tos or flowlabel, got " + quoted(field));
    }
    line.eat(",");
  }
}

}  // namespace

PacketPreface read_preface(LineReader& line, bool inbound) {
  PacketPreface preface;
  for (;;) {
    if (line.peek() == '(') {
      read_ip_fields(line, preface);
      continue;
    }
    if (!line.eat("[")) return preface;
    const char next = line.peek();
    if (line.eat("udp")) {
      preface.quote = read_udp(line);
    } else if (is_word_character(next)) {
      read_codepoint(line, inbound);
      continue;
    } else {
      TcpLine tcp;
      read_sequence(line, tcp);
      preface.quote = tcp;
    }
    line.expect("]", "after what the error is about");
  }
}

TcpLine read_tcp(LineReader& line, bool inbound, bool strict) {
  TcpLine tcp;
  tcp.flags = read_flags(line, inbound);
  read_sequence(line, tcp);
  if (tcp.any_seq && inbound) throw ScriptError("...(N) is for expected packets; one that arrives has a place");
  if (tcp.length > kLongestPayload)
    throw ScriptError("a payload of more than " + std::to_string(kLongestPayload) + " bytes");
  if (line.eat("ack")) tcp.ack = line.number<std::uint32_t>("an acknowledgement");
  const bool has_ack = (tcp.flags & wire::kTcpAck) != 0;
  if (strict ? tcp.ack.has_value() != has_ack : has_ack && !tcp.ack)
    throw ScriptError("the flag '.' and 'ack N' go together");
  if (line.eat("win")) {
    if (inbound || !(line.eat("*") || line.eat("..."))) tcp.window = line.number<std::uint16_t>("a window");
  }
  if (line.eat("urg")) tcp.urgent = line.number<std::uint16_t>("an urgent pointer");
  tcp.options = read_options(line, inbound, strict);
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

IcmpLine read_icmp(LineReader& line, Quote quote, bool inbound, bool strict) {
  IcmpLine icmp;
  icmp.quote = std::move(quote);
  const std::string_view type = line.word();
  const auto type_number = number_of(kIcmpTypes, "type_", type);
  if (!type_number) {
    throw ScriptError("expected unreachable, time_exceeded, echo_request, echo_reply or another type of ICMP, got " +
                      quoted(type));
  }
  icmp.type = type == "packet_too_big" ? "unreachable" : std::string(type);
  icmp.type_number = *type_number;
  const bool echo = icmp.type == "echo_request" || icmp.type == "echo_reply";
  if (type == "packet_too_big") {
    icmp.code = "frag_needed";
  } else if (icmp.type == "unreachable") {
    const std::string_view code = line.word();
    const auto number = number_of(kUnreachableCodes, "code_", code);
    if (!number) throw ScriptError("expected a code of unreachable like port_unreachable, got " + quoted(code));
    icmp.code = code_name(*number);
    icmp.code_number = *number;
  } else if (is_word_character(line.peek()) && !line.rest().starts_with("id")) {
    const std::string_view code = line.word();
    const auto number = number_of(kOtherCodes, "code_", code);
    if (!number) throw ScriptError("expected a code of " + icmp.type + " like code_0, got " + quoted(code));
    icmp.code_number = *number;
  }
  if (icmp.code == "frag_needed" && (strict || type == "packet_too_big" || line.rest().starts_with("mtu"))) {
    line.expect("mtu", "after frag_needed");
    icmp.mtu = line.number<std::uint16_t>("an MTU");
  }
  if (echo && (strict || line.rest().starts_with("id"))) {
    line.expect("id", "of the echo");
    icmp.id = line.number<std::uint16_t>("an identifier");
  }
  if (std::holds_alternative<std::monostate>(icmp.quote) && line.peek() == '[')
    icmp.quote = read_preface(line, inbound).quote;
  const bool about = !std::holds_alternative<std::monostate>(icmp.quote);
  if (strict ? echo == about : echo && about)
    throw ScriptError("ICMP errors are about something, like [1:1461(1460)] or [udp (10)], and echoes are not");
  if (!echo && !about && inbound) icmp.quote = TcpLine{};  // the first byte of the stream: the SYN
  return icmp;
}

}  // namespace myriad::scripts
