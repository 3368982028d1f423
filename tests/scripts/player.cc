#include "tests/scripts/player.h"

#include <algorithm>
#include <deque>

#include "stack/wire/tcp.h"
#include "tests/scripts/line_reader.h"
#include "tests/scripts/line_text.h"
#include "tests/scripts/other_side.h"
#include "tests/scripts/sockets.h"
#include "tests/sim/network.h"

namespace myriad::scripts {
namespace {

constexpr Duration kLongestWait = std::chrono::minutes{10};  // for a packet expected at `*`, or a call that blocks
constexpr std::uint32_t kFramesAtOnce = 10'000;              // beyond it the stack sends without end
constexpr std::uint16_t kSmallestMtu = 150;                  // room for headers and the lowest MSS
constexpr std::uint32_t kUsualChunk = 2048;                  // bytes for a frame
constexpr std::uint32_t kLargestChunk = 1 << 17;

tcp::Personality personality_of(const Script& script) {
  tcp::Personality tcp;
  const TcpWishes& wishes = script.tcp;
  const auto take = [](auto& field, const auto& wish) {
    if (wish) field = *wish;
  };
  take(tcp.mss, wishes.mss);
  take(tcp.receive_window, wishes.receive_window);
  take(tcp.window_scale, wishes.window_scale);
  if (!wishes.window_scaling) tcp.window_scale.reset();
  take(tcp.initial_window, wishes.initial_window);
  take(tcp.hop_limit, wishes.hop_limit);
  take(tcp.syn_retries, wishes.syn_retries);
  take(tcp.syn_ack_retries, wishes.syn_ack_retries);
  take(tcp.timestamps, wishes.timestamps);
  take(tcp.sack, wishes.sack);
  take(tcp.rack_tlp, wishes.rack);
  if (wishes.cubic) tcp.congestion = *wishes.cubic ? tcp::Congestion::kCubic : tcp::Congestion::kNewReno;
  take(tcp.nagle, wishes.nagle);
  take(tcp.repeat_fin, wishes.repeat_fin);
  take(tcp.delayed_ack, wishes.delayed_ack);
  take(tcp.rto_min, wishes.rto_min);
  take(tcp.rto_initial, wishes.rto_initial);
  take(tcp.time_wait, wishes.time_wait);
  if (wishes.keep_alive_on) tcp.keep_alive = wishes.keep_alive.value_or(std::chrono::hours{2});
  take(tcp.keep_alive_interval, wishes.keep_alive_interval);
  take(tcp.keep_alive_probes, wishes.keep_alive_probes);
  return tcp;
}

std::vector<stack::HostGroup> groups_of(const Script& script) {
  std::vector<stack::HostGroup> groups;
  for (const Party& party : script.hosts) {
    stack::HostGroup group;
    group.name = party.name;
    group.first_mac = MacAddress::from_number(0x024d00000001ULL + groups.size());
    if (party.v4) group.ipv4 = Ipv4Prefix{*party.v4, 0};  // everybody is on the link
    if (party.v6) group.ipv6 = Ipv6Prefix{*party.v6, 0};
    group.mtu = script.mtu;
    group.tcp = personality_of(script);
    groups.push_back(std::move(group));
  }
  return groups;
}

// An acknowledgement and nothing else.
bool is_pure_ack(const Seen& seen) {
  const auto* const tcp = std::get_if<TcpLine>(&seen.what);
  return tcp != nullptr && seen.trouble.empty() && tcp->flags == wire::kTcpAck && tcp->length == 0;
}
bool is_pure_ack(const Action& expected) {
  const auto* const tcp = std::get_if<TcpLine>(&expected.what);
  return tcp != nullptr && tcp->flags == wire::kTcpAck && tcp->length == 0;
}

// An answer to an ICMP message of the script, which speaks of TCP only.
bool is_beside(const Action& expected, const Seen& seen) {
  return std::holds_alternative<TcpLine>(expected.what) && std::holds_alternative<IcmpLine>(seen.what) &&
         seen.trouble.empty();
}

class Player {
 public:
  Player(const Script& script, bool v6)
      : script_(script),
        station_(network_.add(groups_of(script), {}, script.mtu <= 1500 ? kUsualChunk : kLargestChunk)),
        other_(script, v6, station_.hosts()),
        sockets_(script, station_.stack(), other_) {
    station_.attach(sockets_);
    // A second station that does nothing but be due: so the clock can be brought to any instant.
    sim::Station& alarm = network_.add({});
    alarm.on_frame = [](Bytes, Instant) {};
    alarm.on_time = [this](Instant) { alarm_ = Instant::never(); };
    alarm.deadline = [this] { return alarm_; };
    network_.filter = [this](Bytes frame, Instant now) { return keep(frame, now); };
  }

  void play(const Action& action) {
    if (std::holds_alternative<QuietLine>(action.what)) {
      last_ = start_of(action);
      advance(last_);
      refuse_seen_before(Instant::never());
    } else if (std::holds_alternative<SkippedLine>(action.what)) {
      act_at(start_of(action));
    } else if (const auto* call = std::get_if<CallLine>(&action.what)) {
      finish_waiting();
      begin_call(action, *call);
    } else if (action.inbound) {
      arrive(action);
    } else {
      expect(action);
    }
    if (!sockets_.trouble().empty()) throw ScriptError(sockets_.trouble());
  }
  void finish() {
    finish_waiting();
    settle();
    if (script_.strict) refuse_seen_before(Instant::never());
    if (station_.frames_missing() != 0) throw ScriptError("the stack has lost frames of its pool");
  }
  [[nodiscard]] const std::vector<std::string>& notes() const { return sockets_.notes(); }

 private:
  // A call that has not returned yet.
  struct Waiting {
    const Action* action = nullptr;
    Instant ends;
  };

  // Every frame on the wire: those of our hosts are kept for the script, the others go on.
  bool keep(Bytes frame, Instant now) {
    const auto view = wire::EthernetView::parse(frame);
    if (!view || !station_.hosts().by_mac(view->src(), {})) return true;
    seen_.push_back(other_.read(frame, now));
    if (++frames_ > kFramesAtOnce)
      throw ScriptError("more than " + std::to_string(kFramesAtOnce) + " frames at one instant");
    return false;
  }
  // Everything that happens now, with answers to questions for peers' addresses if the script leaves them to us.
  void settle() {
    frames_ = 0;
    for (;;) {
      network_.run(Duration::zero());
      if (script_.scripted_neighbours) break;
      const auto question = std::find_if(seen_.begin(), seen_.end(), [](const Seen& seen) {
        const auto* const line = std::get_if<NeighbourLine>(&seen.what);
        return line != nullptr && line->question && seen.trouble.empty();
      });
      if (question == seen_.end()) break;
      const auto answer = other_.answer_to(*question);
      seen_.erase(question);
      network_.inject(answer);
    }
    look_at_waiting();
  }
  // To the next thing that happens, or to `end`.
  void step(Instant end) {
    const Instant next = std::min(end, std::max(station_.deadline(), network_.now()));
    alarm_ = next;
    network_.run(next - network_.now());
    settle();
  }
  void advance(Instant end) {
    settle();
    while (network_.now() < end) step(end);
  }
  void act_at(Instant when) {
    advance(when);
    if (script_.strict) refuse_seen_before(when);
    last_ = when;
  }
  [[nodiscard]] Instant base_of(When::Kind kind) const { return kind == When::Kind::kAbsolute ? start_ : last_; }
  [[nodiscard]] Instant start_of(const Action& action) {
    Instant when = network_.now();
    if (action.when.kind != When::Kind::kAny) when = base_of(action.when.kind) + action.when.low;
    if (when < network_.now()) {
      if (script_.strict && network_.now() - when > script_.tolerance)
        throw ScriptError("it is " + time_of(network_.now()) + " already");
      when = network_.now();
    }
    return when;
  }
  [[nodiscard]] std::string time_of(Instant at) const { return text_of(at - start_); }

  void refuse_seen_before(Instant when) {
    if (seen_.empty() || seen_.front().at >= when) return;
    throw ScriptError("expected nothing before this line, got " + described(seen_.front()));
  }
  [[nodiscard]] std::string described(const Seen& seen) const {
    return other_.text_of(seen) + " at " + time_of(seen.at) + (seen.trouble.empty() ? "" : " (" + seen.trouble + ")");
  }

  // --- what the script does ------------------------------------------------------------------------------------------

  void arrive(const Action& action) {
    act_at(start_of(action));
    if (const auto* icmp = std::get_if<IcmpLine>(&action.what)) sockets_.expect_icmp(*icmp);
    passed_over_.clear();
    network_.inject(other_.frame_of(action));
    settle();
  }

  void begin_call(const Action& action, const CallLine& call) {
    const Instant ends = action.when.until ? base_of(action.when.kind) + *action.when.until : Instant::never();
    act_at(start_of(action));
    const Sockets::Answer answer = sockets_.call(action, call, network_.now());
    if (action.when.until && answer.waits) {
      waiting_ = {&action, ends};
    } else {
      check_result(action, answer.real);
      // There is no end to buffers for sending here: what writes may return early.
      const bool writes = call.name.starts_with("write") || call.name.starts_with("send");
      if (action.when.until && !writes) check_end(action, ends);
    }
    settle();
  }
  static void check_result(const Action& action, const std::string& real) {
    if (!real.empty()) throw ScriptError("expected " + action.text + ", got " + real);
  }
  void check_end(const Action& action, Instant ends) const {
    const Duration off = network_.now() > ends ? network_.now() - ends : ends - network_.now();
    if (off > script_.tolerance) {
      throw ScriptError("expected " + action.text + " to return at " + time_of(ends) + ", got it at " +
                        time_of(network_.now()));
    }
  }
  void look_at_waiting() {
    if (waiting_.action == nullptr) return;
    const Action& action = *waiting_.action;
    const Sockets::Answer answer = sockets_.again(action, std::get<CallLine>(action.what), network_.now());
    if (answer.waits) return;
    waiting_.action = nullptr;
    check_result(action, answer.real);
    check_end(action, waiting_.ends);
  }
  // One call at a time: the next one begins when this one has returned.
  void finish_waiting() {
    if (waiting_.action == nullptr) return;
    const Action& action = *waiting_.action;
    const Instant latest = std::min(waiting_.ends + script_.tolerance, network_.now() + kLongestWait);
    while (waiting_.action != nullptr && network_.now() < latest)
      step(network_.now() < waiting_.ends ? std::min(waiting_.ends, latest) : latest);
    if (waiting_.action != nullptr)
      throw ScriptError("expected " + action.text + " to return at " + time_of(waiting_.ends) + ", got none");
  }

  // --- what the script expects ---------------------------------------------------------------------------------------

  struct Bounds {
    Instant low;
    Instant planned;
    Instant high;
  };
  // A timer of ours may differ from that of the system that the script was written for by a quarter of its time.
  [[nodiscard]] Bounds bounds_of(const Action& action) const {
    if (action.when.kind == When::Kind::kAny) return {{}, {}, network_.now() + kLongestWait};
    const Instant base = base_of(action.when.kind);
    const Instant low = base + action.when.low;
    const Instant high = base + action.when.high;
    Duration slack = script_.tolerance;
    if (!script_.strict && low > last_) slack = std::max(slack, (low - last_) / 4);
    return {low - slack, low, std::max(high + slack, script_.strict ? Instant{} : network_.now())};
  }

  void expect(const Action& action) {
    const Bounds bounds = bounds_of(action);
    settle();
    if (!script_.strict && take_passed_over(action)) return arrived(bounds, network_.now());
    Seen seen;
    for (;;) {
      while (seen_.empty() && network_.now() < bounds.high) step(bounds.high);
      if (seen_.empty()) fail_for_nothing(action);
      seen = std::move(seen_.front());
      seen_.pop_front();
      const std::string difference = other_.difference(action, seen);
      if (difference.empty()) break;
      if (!script_.strict && is_pure_ack(seen)) {
        passed_over_.push_back(std::move(seen));
      } else if (!script_.strict && is_beside(action, seen)) {
        continue;
      } else if (!script_.strict && begins_train(action, seen)) {
        take_train(action, seen, bounds);
        break;
      } else {
        fail_for(action, seen, difference);
      }
    }
    const bool early = seen.at < bounds.low && (script_.strict || !is_pure_ack(seen));
    if (early || seen.at > bounds.high) {
      throw ScriptError("expected " + action.text + " between " + time_of(std::max(bounds.low, start_)) + " and " +
                        time_of(bounds.high) + ", got it at " + time_of(seen.at));
    }
    arrived(bounds, seen.at);
  }
  // From when the following lines count: in strict scripts from when it was, else from when it was to be, if that was
  // near.
  void arrived(const Bounds& bounds, Instant at) {
    const bool near = bounds.planned > Instant{} && at <= bounds.planned + script_.tolerance;
    last_ = script_.strict || !near ? at : std::max(bounds.planned, last_);
  }
  [[noreturn]] void fail_for(const Action& action, const Seen& seen, const std::string& difference) const {
    throw ScriptError("expected " + action.text + ", got " + other_.text_of(seen) + " at " + time_of(seen.at) +
                      ": differs in " + difference);
  }
  [[noreturn]] void fail_for_nothing(const Action& action) {
    if (!passed_over_.empty() && is_pure_ack(action))
      fail_for(action, passed_over_.back(), other_.difference(action, passed_over_.back()));
    throw ScriptError("expected " + action.text + ", got nothing " +
                      (passed_over_.empty() ? "" : "but " + described(passed_over_.back()) + ", ") + "until " +
                      time_of(network_.now()));
  }
  // An acknowledgement that came before something else which the script names first.
  bool take_passed_over(const Action& action) {
    if (!is_pure_ack(action)) return false;
    const auto found = std::find_if(passed_over_.begin(), passed_over_.end(),
                                    [&](const Seen& seen) { return other_.difference(action, seen).empty(); });
    if (found == passed_over_.end()) return false;
    passed_over_.erase(passed_over_.begin(), found + 1);
    return true;
  }

  // A segment longer than any that we send stands for several, as hosts hand them to a device that cuts them up. They
  // follow each other without gap, all but the last are of one length, and PSH is wherever it likes.
  bool begins_train(const Action& action, const Seen& seen) const {
    const auto* const whole = std::get_if<TcpLine>(&action.what);
    const auto* const first = std::get_if<TcpLine>(&seen.what);
    return whole != nullptr && first != nullptr && seen.trouble.empty() &&
           whole->length > other_.full_segment(seen.host, seen.peer) && first->length > 0 &&
           first->length < whole->length;
  }
  void take_train(const Action& action, const Seen& first, const Bounds& bounds) {
    const auto& whole = std::get<TcpLine>(action.what);
    const std::uint32_t part = std::get<TcpLine>(first.what).length;
    Seen seen = first;
    for (std::uint32_t done = 0;;) {
      Action piece = action;
      auto& line = std::get<TcpLine>(piece.what);
      line.seq = whole.seq + done;
      line.length = std::min(part, whole.length - done);
      const bool last = done + line.length == whole.length;
      const auto length = std::get<TcpLine>(seen.what).length;
      const auto loose = static_cast<std::uint8_t>(wire::kTcpPsh | (last ? 0 : wire::kTcpFin));
      const std::uint8_t flags = std::get<TcpLine>(seen.what).flags;
      line.flags = static_cast<std::uint8_t>((whole.flags & ~loose) | (flags & wire::kTcpPsh));
      const std::string difference = other_.difference(piece, seen);
      if (!difference.empty()) fail_for(piece_text(action, line), seen, difference);
      done += length;
      if (last) return;
      seen = next_of_train(action, bounds);
    }
  }
  static Action piece_text(const Action& action, const TcpLine& line) {
    Action piece = action;
    piece.text = action.text + " (of it: " + text_of(line) + ")";
    return piece;
  }
  Seen next_of_train(const Action& action, const Bounds& bounds) {
    for (;;) {
      while (seen_.empty() && network_.now() < bounds.high) step(bounds.high);
      if (seen_.empty()) {
        throw ScriptError("expected " + action.text + ", got only the beginning of it until " +
                          time_of(network_.now()));
      }
      Seen seen = std::move(seen_.front());
      seen_.pop_front();
      if (is_pure_ack(seen)) {
        passed_over_.push_back(std::move(seen));
      } else if (std::holds_alternative<TcpLine>(seen.what)) {
        return seen;
      } else {
        fail_for(action, seen, "it is something else");
      }
    }
  }

  const Script& script_;
  sim::Network network_{1, {.delay = Duration::zero()}};
  sim::Station& station_;
  OtherSide other_;
  Sockets sockets_;
  std::deque<Seen> seen_;
  std::deque<Seen> passed_over_;  // acknowledgements that nobody asked for, since the last packet arrived
  Waiting waiting_;
  const Instant start_ = network_.now();
  Instant last_ = start_;  // when the last line happened
  Instant alarm_ = Instant::never();
  std::uint32_t frames_ = 0;
};

}  // namespace

Outcome play_script(const Script& script, bool v6) {
  Outcome outcome;
  std::size_t line = 0;
  try {
    if (script.mtu < kSmallestMtu) throw ScriptSkip("an MTU of " + std::to_string(script.mtu) + " bytes");
    Player player{script, v6};
    try {
      for (const Action& action : script.actions) {
        line = action.line;
        player.play(action);
      }
      player.finish();
    } catch (...) {
      outcome.notes = player.notes();
      throw;
    }
    outcome.notes = player.notes();
  } catch (const ScriptError& error) {
    outcome.failure =
        script.file + ":" + std::to_string(line) + ": " + error.what() + (v6 ? " (over IPv6)" : " (over IPv4)");
  } catch (const ScriptSkip& reason) {
    outcome.skip = reason.what();
  }
  return outcome;
}

std::string play(const Script& script, bool v6) {
  const Outcome outcome = play_script(script, v6);
  return outcome.skip.empty() ? outcome.failure : script.file + ": skipped: " + outcome.skip;
}

}  // namespace myriad::scripts
