#include "tests/fuzz/script_program.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "stack/tcp/personality.h"
#include "stack/wire/tcp.h"
#include "tests/fuzz/connection_program.h"
#include "tests/scripts/script_parser.h"

namespace myriad::fuzz {
namespace {

using namespace std::chrono_literals;
using scripts::Action;
using scripts::CallLine;
using scripts::IcmpLine;
using scripts::OptionLine;
using scripts::Script;
using scripts::TcpLine;
using scripts::When;
using wire::kTcpAck;
using wire::kTcpFin;
using wire::kTcpPsh;
using wire::kTcpRst;
using wire::kTcpSyn;

using Operands = std::vector<std::uint8_t>;

// The choice that is nearest to what is wanted.
template <class T, std::size_t kCount>
std::uint8_t index_near(const T (&choices)[kCount], std::int64_t wanted) {
  const auto distance = [&](T choice) { return std::abs(static_cast<std::int64_t>(choice) - wanted); };
  const auto nearest = std::ranges::min_element(choices, {}, distance);
  return static_cast<std::uint8_t>(nearest - std::begin(choices));
}

std::uint8_t low_byte(std::uint32_t value) { return static_cast<std::uint8_t>(value); }
void append16(Operands& operands, std::uint32_t value) {
  operands.push_back(low_byte(value >> 8));
  operands.push_back(low_byte(value));
}
std::optional<std::int64_t> number(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  return value;
}

// Follows a script and writes what it does. Sequence numbers are the script's: both sides begin at 0.
class Translator {
 public:
  explicit Translator(const Script& script) : script_(script), writer_(header(script)) {}

  std::vector<std::uint8_t> translate() {
    for (const Action& action : script_.actions) {
      const bool expected = std::holds_alternative<TcpLine>(action.what) && !action.inbound;
      wait(action.when, expected);
      if (const auto* segment = std::get_if<TcpLine>(&action.what)) {
        Side& side = side_of({action.host, action.peer}, action.inbound);
        action.inbound ? arrives(side, *segment) : leaves(side, *segment);
      } else if (const auto* error = std::get_if<IcmpLine>(&action.what); error != nullptr && action.inbound) {
        arrives(side_of({action.host, action.peer}, true), *error);
      } else if (const auto* call = std::get_if<CallLine>(&action.what)) {
        happens(*call, action);
      }
    }
    return writer_.bytes();
  }

 private:
  using Pair = std::pair<std::size_t, std::size_t>;  // host and peer
  struct Side {
    int conversation = 0;
    std::uint32_t peer_next = 0;
    std::uint32_t our_max = 0;
    std::uint32_t acked = 0;
    std::uint32_t window = 0;
    std::optional<std::uint32_t> timestamp;  // the peer's last
  };

  static std::array<std::uint8_t, kProgramHeader> header(const Script& script) {
    const scripts::TcpWishes& tcp = script.tcp;
    const tcp::Personality usual;
    const TcpLine syn = peers_syn(script);
    const auto bit = [](bool set, unsigned value) { return set ? value : 0U; };
    const unsigned switches = bit(!script.over_v4, 1) | bit(!tcp.timestamps.value_or(true), 2) |
                              bit(!tcp.sack.value_or(true), 4) | bit(!tcp.rack.value_or(true), 8) |
                              bit(tcp.cubic.value_or(true), 16) | bit(!tcp.nagle.value_or(true), 32) |
                              bit(!tcp.window_scaling, 64);
    const unsigned sizes = index_near(kReceiveWindows, tcp.receive_window.value_or(usual.receive_window)) |
                           static_cast<unsigned>(index_near(kSegmentSizes, tcp.mss.value_or(0))) << 4;
    const Duration delay = tcp.delayed_ack.value_or(usual.delayed_ack);
    const unsigned times = (delay == Duration{} ? 1U : delay < 120ms ? 0U : 2U) | bit(tcp.keep_alive_on, 16);
    const OptionLine& options = syn.options;
    const unsigned offers = bit(options.mss.has_value(), 1) | bit(options.window_scale.has_value(), 2) |
                            bit(options.sack_permitted, 4) | bit(options.has_timestamps, 8);
    constexpr std::uint8_t kBounds = 3;  // room for four half-open connections, and for 64 blocks
    return {low_byte(switches),
            tcp.window_scale.value_or(*usual.window_scale),
            low_byte(sizes),
            low_byte(tcp.initial_window.value_or(usual.initial_window) % 10U),
            low_byte(times),
            low_byte(offers),
            options.window_scale.value_or(0),
            index_near(kPeerSegmentSizes, options.mss.value_or(1460)),
            index_near(kPeerWindows, syn.window.value_or(65535)),
            0,
            low_byte(script.remote_isn > 0xffff0000 ? 3U : 0U),
            kBounds};
  }

  static TcpLine peers_syn(const Script& script) {
    for (const Action& action : script.actions) {
      const auto* segment = std::get_if<TcpLine>(&action.what);
      if (segment != nullptr && action.inbound && (segment->flags & kTcpSyn) != 0) return *segment;
    }
    return {};
  }

  // Of what is expected, a little more than is said: our stack's timers have ticks.
  void wait(const When& when, bool expected) {
    if (when.kind == When::Kind::kAny) return;
    const Duration base = when.kind == When::Kind::kRelative ? now_ : Duration{};
    now_ = std::max(now_, base + when.low);
    const Duration due = expected ? std::max(now_, base + when.high) : now_;
    if (due <= passed_) return;
    auto milliseconds = static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::milliseconds>(due - passed_).count());
    if (expected) ++milliseconds;
    passed_ += std::chrono::milliseconds{milliseconds};
    constexpr std::uint32_t kShort = 2 * 255;
    for (int leading = 0; milliseconds > kShort && leading < 4; ++leading) {
      const auto power = low_byte(std::min(static_cast<std::uint32_t>(std::bit_width(milliseconds)) - 1, 25U));
      writer_.step(Step::kPassLongTime, 0, {power});
      milliseconds -= 1U << power;
    }
    for (int pieces = 0; milliseconds > 0 && pieces < 2; ++pieces) {
      const std::uint32_t piece = std::min(milliseconds, 255U);
      writer_.step(Step::kPassTime, 0, {low_byte(piece)});
      milliseconds -= piece;
    }
  }

  // Conversations 0 and 1 are opened by the peer, 2 and 3 by us; a script with more talks of them as one.
  Side& side_of(Pair pair, bool opened_by_peer) {
    const auto [place, fresh] = sides_.try_emplace(pair);
    if (fresh) {
      int& count = opened_by_peer ? theirs_ : ours_;
      place->second.conversation = (opened_by_peer ? 0 : kConversations / 2) + std::min(count++, 1);
      place->second.window = kPeerWindows[index_near(kPeerWindows, peers_syn(script_).window.value_or(65535))];
    }
    if (opened_by_peer && place->second.conversation < kConversations / 2) latest_theirs_ = pair;
    return place->second;
  }

  static void leaves(Side& side, const TcpLine& segment) {
    const unsigned control = ((segment.flags & kTcpSyn) != 0 ? 1U : 0U) + ((segment.flags & kTcpFin) != 0 ? 1U : 0U);
    if (segment.any_seq || (segment.flags & kTcpRst) != 0) return;
    side.our_max = std::max(side.our_max, segment.seq + segment.length + control);
  }

  void arrives(Side& side, const TcpLine& segment) {
    if (!arrives_as_agreed(side, segment)) arrives_anyhow(side, segment);
    if (segment.ack && (segment.flags & kTcpAck) != 0 && *segment.ack <= side.our_max) {
      side.acked = std::max(side.acked, *segment.ack);
    }
    if (segment.options.ts_value) side.timestamp = segment.options.ts_value;
  }

  // The short steps, when the segment is what one of them sends.
  bool arrives_as_agreed(Side& side, const TcpLine& segment) {
    const std::uint8_t flags = segment.flags & static_cast<std::uint8_t>(~kTcpPsh);
    const auto say = [&](Step step, const Operands& operands = {}) {
      writer_.step(step, side.conversation, operands);
      return true;
    };
    const bool all_acked = segment.ack == side.our_max;
    if (segment.seq == 0 && segment.length == 0 && (flags == kTcpSyn || (flags == (kTcpSyn | kTcpAck) && all_acked))) {
      if (flags == kTcpSyn && side.peer_next > 1) return false;  // long after: where it stands is what matters
      side.peer_next = 1;
      return say(flags == kTcpSyn ? Step::kPeerSyn : Step::kPeerSynAck);
    }
    const bool older = segment.options.ts_value && side.timestamp && *segment.options.ts_value < *side.timestamp;
    if (segment.seq != side.peer_next || older || !segment.options.sack.empty()) return false;
    const bool bare = segment.length == 0;
    if (flags == (kTcpRst | kTcpAck) && bare && all_acked) return say(Step::kPeerReset);
    if (flags == kTcpAck && bare && !all_acked && segment.ack == side.acked) return say(Step::kPeerAckPart, {0});
    if (!all_acked || (flags & kTcpAck) == 0 || (flags & (kTcpSyn | kTcpRst)) != 0) return false;
    if (flags == kTcpAck && bare) {
      if (!segment.window || *segment.window == side.window) return say(Step::kPeerAck);
      side.window = *segment.window;
      Operands window;
      append16(window, side.window);
      return say(Step::kPeerWindow, window);
    }
    if (!bare) say(Step::kPeerData, {low_byte(std::min((segment.length + 7) / 8, 175U))});
    if ((flags & kTcpFin) != 0) say(Step::kPeerFin);
    side.peer_next += segment.length + ((flags & kTcpFin) != 0 ? 1U : 0U);
    return true;
  }

  // Offsets to where both sides are; what is farther away is half the numbers away.
  void arrives_anyhow(Side& side, const TcpLine& segment) {
    const auto offset = [](std::uint32_t place, std::uint32_t base, std::uint8_t far, std::uint8_t& chosen) {
      const auto distance = static_cast<std::int32_t>(place - base);
      chosen = distance == static_cast<std::int16_t>(distance) ? std::uint8_t{0} : far;
      return chosen == 0 ? static_cast<std::uint32_t>(distance) : 0U;
    };
    constexpr std::uint8_t kFarSeq = 4;
    constexpr std::uint8_t kFarAck = 3;
    constexpr std::uint8_t kAckedBase = 1;
    std::uint8_t seq_base = 0;
    std::uint8_t ack_base = 0;
    const std::uint32_t seq = offset(segment.seq, side.peer_next, kFarSeq, seq_base);
    const std::uint32_t place = segment.ack.value_or(side.our_max);
    const bool near_acked = place - side.acked <= side.our_max - place;
    const std::uint32_t ack = offset(place, near_acked ? side.acked : side.our_max, kFarAck, ack_base);
    if (near_acked && ack_base == 0) ack_base = kAckedBase;
    Operands operands{segment.flags, static_cast<std::uint8_t>(seq_base | ack_base << 3)};
    append16(operands, seq);
    append16(operands, ack);
    append16(operands, segment.window.value_or(static_cast<std::uint16_t>(side.window)));
    append16(operands, std::min(segment.length, 1400U));
    append_options(operands, side, segment);
    writer_.step(Step::kSegment, side.conversation, operands);
    if ((segment.flags & kTcpSyn) != 0 && segment.seq == 0) side.peer_next = std::max(side.peer_next, 1U);
  }

  void append_options(Operands& operands, const Side& side, const TcpLine& segment) const {
    const OptionLine& options = segment.options;
    const bool older = options.ts_value && side.timestamp && *options.ts_value < *side.timestamp;
    const bool lacks_time = side.timestamp && !options.has_timestamps;
    const auto blocks = std::min<std::size_t>(options.sack.size(), 4);
    operands.push_back(low_byte((lacks_time ? 1U : 0U) | (older ? 2U : 0U) | (blocks > 0 ? 0x20U : 0U)));
    if (older) operands.push_back(0x80);
    if (blocks > 0) operands.push_back(low_byte(static_cast<std::uint32_t>(blocks - 1)));
    for (std::size_t i = 0; i < blocks; ++i) {
      append16(operands, options.sack[i].first - side.acked);
      append16(operands, options.sack[i].second - options.sack[i].first);
    }
  }

  void arrives(const Side& side, const IcmpLine& error) {
    const auto* quoted = std::get_if<TcpLine>(&error.quote);
    if (quoted == nullptr) return;
    Operands operands;
    if (error.code == "frag_needed") {
      append16(operands, error.mtu);
      append16(operands, quoted->seq - side.acked);
      writer_.step(Step::kTooBig, side.conversation, operands);
      return;
    }
    constexpr std::uint8_t kTypes[] = {3, 11, 12, 4};  // in the order of the step's
    const auto type = std::ranges::find(kTypes, error.type_number);
    if (type == std::end(kTypes)) return;
    operands.push_back(low_byte(static_cast<unsigned>(type - std::begin(kTypes)) | unsigned{error.code_number} << 4));
    append16(operands, quoted->seq - side.acked);
    writer_.step(Step::kIcmpError, side.conversation, operands);
  }

  void happens(const CallLine& call, const Action& action) {
    const auto descriptor = call.arguments.empty() ? std::nullopt : number(call.arguments[0]);
    if (call.name == "accept") {
      sockets_[call.result] = latest_theirs_;
    } else if (call.name == "connect" && descriptor) {
      const Pair pair{action.host, action.peer};
      sockets_[*descriptor] = pair;
      writer_.step(Step::kConnect, side_of(pair, false).conversation);
    } else if (descriptor && sockets_.contains(*descriptor)) {
      happens(call, *descriptor, side_of(sockets_[*descriptor], false).conversation);
    }
  }

  void happens(const CallLine& call, std::int64_t descriptor, int conversation) {
    if (call.name == "write" || call.name == "send" || call.name == "sendto") {
      constexpr std::int64_t kMost = 8000;  // of one step, in full segments if they are of 1,000
      std::int64_t left = std::clamp<std::int64_t>(call.result, 0, 4 * kMost);
      for (; left > 0; left -= std::min(left, kMost)) {
        Operands bytes;
        append16(bytes, static_cast<std::uint32_t>(std::min(left, kMost)));
        writer_.step(Step::kExtend, conversation, bytes);
      }
    } else if (call.name == "close") {
      writer_.step(lingers_[descriptor] ? Step::kAbort : Step::kFinish, conversation);
    } else if (call.name == "shutdown" && call.arguments.back() != "SHUT_RD") {
      writer_.step(Step::kFinish, conversation);
    } else if (call.name == "setsockopt" && call.arguments.size() > 3) {
      const bool on = call.arguments[3] != "[0]";
      if (call.arguments[2] == "TCP_NODELAY") writer_.step(Step::kNodelay, conversation, {low_byte(on ? 1U : 0U)});
      if (call.arguments[2] == "SO_LINGER") lingers_[descriptor] = true;
    }
  }

  const Script& script_;
  ProgramWriter writer_;
  Duration now_{};     // in the script
  Duration passed_{};  // in the program
  int theirs_ = 0;
  int ours_ = 0;
  Pair latest_theirs_;
  std::map<Pair, Side> sides_;
  std::map<std::int64_t, Pair> sockets_;
  std::map<std::int64_t, bool> lingers_;
};

}  // namespace

std::vector<std::uint8_t> program_of(const Script& script) { return Translator{script}.translate(); }

tl::expected<std::vector<ScriptProgram>, std::string> programs_of(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".pkt") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  std::vector<ScriptProgram> programs;
  for (const auto& file : files) {
    std::ifstream stream{file};
    const std::string text{std::istreambuf_iterator<char>{stream}, {}};
    scripts::ReadingOptions relaxed;
    relaxed.strict = false;
    const auto script = scripts::parse_script(text, file.string(), relaxed);
    if (!script) return tl::unexpected(script.error());
    std::string name = file.lexically_relative(folder).replace_extension().string();
    std::ranges::replace(name, '/', '_');
    programs.push_back({std::move(name), program_of(*script)});
  }
  return programs;
}

}  // namespace myriad::fuzz
