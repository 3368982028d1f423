// The parts of the stack that keep state, each against an oracle that is slow and plain.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "stack/fragments.h"
#include "stack/host_table.h"
#include "stack/timer_wheel.h"
#include "tests/property/arbitrary.h"
#include "tests/stack_wire/fragment_maker.h"

namespace myriad::stack {
namespace {

using property::any;
using property::below;

// A length of time of any magnitude: from nothing to days.
Duration some_time() { return Duration{static_cast<std::int64_t>(property::bits() >> (17 + below(47)))}; }

// The wheel beside a sorted map of deadlines.
class WheelAndOracle {
 public:
  explicit WheelAndOracle(Instant start) : wheel_(start), now_(start) {}

  void arm() {
    const Instant deadline = some_deadline();
    const std::uint32_t subject = next_subject_++;
    timers_[subject] = {wheel_.arm(deadline, static_cast<std::uint8_t>(subject), subject), deadline};
  }
  void rearm() {
    if (timers_.empty()) return;
    auto& [subject, timer] = *pick();
    timer.deadline = some_deadline();
    wheel_.rearm(timer.id, timer.deadline, static_cast<std::uint8_t>(subject), subject);
  }
  void cancel() {
    if (timers_.empty()) return;
    const auto at = pick();
    wheel_.cancel(at->second.id);
    timers_.erase(at);
  }
  void advance(Instant now) {
    now_ = now;
    std::set<std::uint32_t> fired;
    wheel_.advance(now_, [&](std::uint8_t kind, std::uint32_t subject) {
      const auto at = timers_.find(subject);
      RC_ASSERT(at != timers_.end());
      RC_ASSERT(kind == static_cast<std::uint8_t>(subject));
      RC_ASSERT(at->second.deadline <= now_);  // never early
      RC_ASSERT(!wheel_.is_armed(at->second.id));
      timers_.erase(at);
    });
    for (const auto& [subject, timer] : timers_) {
      RC_ASSERT(wheel_.is_armed(timer.id));
      RC_ASSERT(timer.deadline + TimerWheel::kTick > now_);  // never more than a tick late
    }
  }
  void advance_by_some_time() { advance(now_ + some_time()); }
  void sleep_until_next_deadline() {
    const Instant next = wheel_.next_deadline();
    if (next.is_never()) return;
    advance(std::max(now_, next));
  }
  void check() {
    RC_ASSERT(wheel_.armed() == timers_.size());
    const Instant next = wheel_.next_deadline();
    RC_ASSERT(next.is_never() == timers_.empty());
    if (timers_.empty()) return;
    const auto earliest = std::ranges::min_element(timers_, {}, [](const auto& t) { return t.second.deadline; });
    RC_ASSERT(next < std::max(now_, earliest->second.deadline) + TimerWheel::kTick);
  }
  // However the timers lie, sleeping from one next_deadline() to the next fires them all, in few wakes.
  void drain() {
    std::size_t wakes = 0;
    const std::size_t most = 10 * timers_.size() + 10;
    while (!timers_.empty()) {
      sleep_until_next_deadline();
      RC_ASSERT(++wakes <= most);
    }
  }

 private:
  struct Timer {
    TimerId id;
    Instant deadline;
  };
  Instant some_deadline() { return below(8) == 0 ? now_ - some_time() : now_ + some_time(); }
  std::map<std::uint32_t, Timer>::iterator pick() {
    return std::next(timers_.begin(), static_cast<std::ptrdiff_t>(below(timers_.size())));
  }

  TimerWheel wheel_;
  Instant now_;
  std::map<std::uint32_t, Timer> timers_;
  std::uint32_t next_subject_ = 0;
};

RC_GTEST_PROP(TimerWheel, DoesWhatASortedMapDoes, ()) {
  WheelAndOracle both{Instant{static_cast<std::int64_t>(property::bits() >> 8)}};
  for (auto steps = below(200); steps > 0; --steps) {
    switch (below(8)) {
      case 0:
      case 1:
      case 2:
        both.arm();
        break;
      case 3:
        both.rearm();
        break;
      case 4:
        both.cancel();
        break;
      case 5:
        both.advance_by_some_time();
        break;
      default:
        both.sleep_until_next_deadline();
        break;
    }
    both.check();
  }
  both.drain();
}

struct Cut {
  std::size_t begin;
  std::size_t end;
};

// A datagram cut at any multiples of 8, in any order, some pieces sent twice: comes out once, and right.
RC_GTEST_PROP(Fragments, AnyCutInAnyOrderMakesTheDatagram, ()) {
  const bool v6 = any<bool>();
  DatagramToCut datagram{v6 ? IpAddress{property::ipv6()} : IpAddress{property::ipv4()},
                         v6 ? IpAddress{property::ipv6()} : IpAddress{property::ipv4()},
                         any<std::uint16_t>(),
                         wire::kProtocolUdp,
                         {}};
  datagram.payload.resize(9 + below(3000));
  for (auto& byte : datagram.payload) byte = static_cast<std::uint8_t>(property::bits());
  std::vector<Cut> cuts;
  for (std::size_t at = 0; at < datagram.payload.size();) {
    const std::size_t end = std::min<std::size_t>(datagram.payload.size(), at + 8 * (1 + below(cuts.empty() ? 1 : 60)));
    cuts.push_back({at, end});
    at = end;
  }
  RC_PRE(cuts.size() > 1);
  auto order = cuts;
  for (auto copies = below(4); copies > 0; --copies) order.push_back(cuts[below(cuts.size())]);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[below(i)]);

  stack::Fragments fragments;
  DropCounters drops;
  std::set<std::size_t> seen;
  bool complete = false;
  for (const Cut& piece : order) {
    const bool more = piece.end != datagram.payload.size();
    const auto packet = fragment_of(datagram, piece.begin, piece.end, more);
    const auto whole = fragments.add(packet_view(packet), {}, Instant{1}, drops);
    seen.insert(piece.begin);
    RC_ASSERT(whole.has_value() == (seen.size() == cuts.size() && !complete));
    if (!whole) continue;
    complete = true;
    RC_ASSERT(std::ranges::equal(whole->payload(), datagram.payload));
    RC_ASSERT(whole->src() == datagram.src);
    RC_ASSERT(whole->dst() == datagram.dst);
    break;  // copies that come later start a new datagram
  }
  RC_ASSERT(complete);
  RC_ASSERT(fragments.bytes_held() == 0U);
}

// With any overlap that is no copy nothing comes out, whatever the order.
RC_GTEST_PROP(Fragments, AnyOverlapSpoilsTheDatagram, ()) {
  const bool v6 = any<bool>();
  DatagramToCut datagram{v6 ? IpAddress{property::ipv6()} : IpAddress{property::ipv4()},
                         v6 ? IpAddress{property::ipv6()} : IpAddress{property::ipv4()}, 1, wire::kProtocolUdp,
                         std::vector<std::uint8_t>(1000)};
  std::vector<Cut> order = {{0, 200}, {200, 400}, {400, 600}, {600, 800}, {800, 1000}};
  const std::size_t begin = 8 * below(124);
  const std::size_t end = std::min<std::size_t>(992, begin + 8 * (1 + below(60)));
  RC_PRE(std::ranges::none_of(order, [&](const Cut& c) { return c.begin == begin && c.end == end; }));
  order.push_back({begin, end});
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[below(i)]);
  stack::Fragments fragments;
  DropCounters drops;
  std::size_t last_needed = 0;  // when all but the odd piece came first, the datagram is complete and right
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (order[i].begin != begin || order[i].end != end) last_needed = i;
  }
  const bool odd_piece_is_last = last_needed + 1 < order.size();
  bool complete = false;
  for (const Cut& piece : order) {
    const auto packet = fragment_of(datagram, piece.begin, piece.end, piece.end != 1000);
    complete = fragments.add(packet_view(packet), {}, Instant{1}, drops).has_value() || complete;
  }
  RC_ASSERT(complete == odd_piece_is_last);
}

// Groups that do not overlap, looked up beside a map of every single address.
RC_GTEST_PROP(HostTable, FindsWhatAMapOfAllAddressesFinds, ()) {
  std::vector<HostGroup> groups(1 + below(5));
  std::uint32_t next = 0x0a000000U;
  for (HostGroup& group : groups) {
    group.count = static_cast<std::uint32_t>(1 + below(40));
    next += static_cast<std::uint32_t>(1 + below(3));
    group.first_mac = MacAddress::from_number(0x024d00000000ULL + next);
    if (below(4) != 0) group.ipv4 = Ipv4Prefix{{next}, 8};
    if (below(4) != 0)
      group.ipv6 = Ipv6Prefix{Ipv6Address{{0xfd}}.plus(0xffffffffffffff00ULL).plus(next - 0x0a000000U), 64};
    group.vlan = property::vlan();
    group.vlan.outer = static_cast<std::uint16_t>(group.vlan.outer % 4000);
    group.vlan.inner = static_cast<std::uint16_t>(group.vlan.outer == 0 ? 0 : group.vlan.inner % 4000);
    group.hosts_per_vlan = static_cast<std::uint32_t>(below(10));
    next += group.count;
  }
  const HostTable table{groups};
  std::map<std::pair<VlanTags, IpAddress>, HostId> by_ip;
  std::map<std::pair<VlanTags, MacAddress>, HostId> by_mac;
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    const Host host = table.at(HostId{i});
    RC_ASSERT(host.id == HostId{i});
    RC_ASSERT(table.group_of(host.id) == host.group);
    by_mac[{host.vlan, host.mac}] = host.id;
    for (const bool v6 : {false, true}) {
      if (const auto address = table.address(host, v6)) by_ip[{host.vlan, *address}] = host.id;
    }
  }
  const auto same = [](const std::optional<Host>& found, const auto& map, const auto& key) {
    const auto at = map.find(key);
    return found ? at != map.end() && at->second == found->id : at == map.end();
  };
  for (std::uint32_t probe = 0x0a000000U; probe < next + 3; ++probe) {
    const VlanTags vlan = groups[below(groups.size())].vlan;
    const IpAddress v4 = Ipv4Address{probe};
    const IpAddress v6 = Ipv6Address{{0xfd}}.plus(0xffffffffffffff00ULL).plus(probe - 0x0a000000U);
    const MacAddress mac = MacAddress::from_number(0x024d00000000ULL + probe);
    RC_ASSERT(same(table.by_ip(v4, vlan), by_ip, std::pair{vlan, v4}));
    RC_ASSERT(same(table.by_ip(v6, vlan), by_ip, std::pair{vlan, v6}));
    RC_ASSERT(same(table.by_mac(mac, vlan), by_mac, std::pair{vlan, mac}));
  }
  for (const auto& [key, id] : by_ip) {
    RC_ASSERT(table.by_ip(key.second, key.first)->id == id);
    RC_ASSERT(table.by_ip(key.second, key.first)->mac == table.at(id).mac);
  }
  for (const auto& [key, id] : by_mac) RC_ASSERT(table.by_mac(key.second, key.first)->id == id);
}

}  // namespace
}  // namespace myriad::stack
