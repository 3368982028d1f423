#include "tests/scripts/player.h"

#include <algorithm>
#include <deque>

#include "tests/scripts/line_reader.h"
#include "tests/scripts/line_text.h"
#include "tests/scripts/other_side.h"
#include "tests/scripts/sockets.h"
#include "tests/sim/network.h"

namespace myriad::scripts {
namespace {

constexpr Duration kLongestWait = std::chrono::minutes{10};  // for a packet expected at `*`
constexpr std::uint32_t kFramesAtOnce = 10'000;              // beyond it the stack sends without end

std::vector<stack::HostGroup> groups_of(const Script& script) {
  std::vector<stack::HostGroup> groups;
  for (const Party& party : script.hosts) {
    stack::HostGroup group;
    group.name = party.name;
    group.first_mac = MacAddress::from_number(0x024d00000001ULL + groups.size());
    if (party.v4) group.ipv4 = Ipv4Prefix{*party.v4, 0};  // everybody is on the link
    if (party.v6) group.ipv6 = Ipv6Prefix{*party.v6, 0};
    group.mtu = script.mtu;
    group.tcp.nagle = script.nagle;
    group.tcp.receive_window = script.receive_window.value_or(group.tcp.receive_window);
    groups.push_back(std::move(group));
  }
  return groups;
}

class Player {
 public:
  Player(const Script& script, bool v6)
      : script_(script),
        station_(network_.add(groups_of(script))),
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
    } else if (const auto* call = std::get_if<CallLine>(&action.what)) {
      act_at(start_of(action));
      const std::string real = sockets_.call(action, *call, network_.now());
      if (!real.empty()) throw ScriptError("expected " + action.text + ", got " + real);
      settle();
    } else if (action.inbound) {
      act_at(start_of(action));
      network_.inject(other_.frame_of(action));
      settle();
    } else {
      expect(action);
    }
    if (!sockets_.trouble().empty()) throw ScriptError(sockets_.trouble());
  }
  void finish() {
    settle();
    refuse_seen_before(Instant::never());
    if (station_.frames_missing() != 0) throw ScriptError("the stack has lost frames of its pool");
  }

 private:
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
      if (script_.scripted_neighbours) return;
      const auto question = std::find_if(seen_.begin(), seen_.end(), [](const Seen& seen) {
        const auto* const line = std::get_if<NeighbourLine>(&seen.what);
        return line != nullptr && line->question && seen.trouble.empty();
      });
      if (question == seen_.end()) return;
      const auto answer = other_.answer_to(*question);
      seen_.erase(question);
      network_.inject(answer);
    }
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
    refuse_seen_before(when);
    last_ = when;
  }
  [[nodiscard]] Instant start_of(const Action& action) {
    Instant when = network_.now();
    if (action.when.kind == When::Kind::kAbsolute) when = start_ + action.when.low;
    if (action.when.kind == When::Kind::kRelative) when = last_ + action.when.low;
    if (when < network_.now()) {
      if (network_.now() - when > script_.tolerance) throw ScriptError("it is " + time_of(network_.now()) + " already");
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

  void expect(const Action& action) {
    Instant low;
    Instant high = network_.now() + kLongestWait;
    if (action.when.kind != When::Kind::kAny) {
      const Instant base = action.when.kind == When::Kind::kAbsolute ? start_ : last_;
      low = base + action.when.low - script_.tolerance;
      high = base + action.when.high + script_.tolerance;
    }
    settle();
    while (seen_.empty() && network_.now() < high) step(high);
    if (seen_.empty()) throw ScriptError("expected " + action.text + ", got nothing until " + time_of(network_.now()));
    const Seen seen = std::move(seen_.front());
    seen_.pop_front();
    const std::string difference = other_.difference(action, seen);
    if (!difference.empty()) {
      throw ScriptError("expected " + action.text + ", got " + other_.text_of(seen) + " at " + time_of(seen.at) +
                        ": differs in " + difference);
    }
    if (seen.at < low || seen.at > high) {
      throw ScriptError("expected " + action.text + " between " + time_of(std::max(low, start_)) + " and " +
                        time_of(high) + ", got it at " + time_of(seen.at));
    }
    last_ = seen.at;
  }

  const Script& script_;
  sim::Network network_{1, {.delay = Duration::zero()}};
  sim::Station& station_;
  OtherSide other_;
  Sockets sockets_;
  std::deque<Seen> seen_;
  const Instant start_ = network_.now();
  Instant last_ = start_;  // when the last line happened
  Instant alarm_ = Instant::never();
  std::uint32_t frames_ = 0;
};

}  // namespace

std::string play(const Script& script, bool v6) {
  std::size_t line = 0;
  try {
    Player player{script, v6};
    for (const Action& action : script.actions) {
      line = action.line;
      player.play(action);
    }
    player.finish();
  } catch (const ScriptError& error) {
    return script.file + ":" + std::to_string(line) + ": " + error.what() + (v6 ? " (over IPv6)" : " (over IPv4)");
  }
  return {};
}

}  // namespace myriad::scripts
