#include "bpf/steer_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <tuple>

#include "base/rng.h"

namespace myriad::bpf {
namespace {

__extension__ using Int128 = __int128;

constexpr std::uint16_t kLastVlan = 4094;  // IEEE 802.1Q table 9-2: 4095 is reserved
constexpr std::uint32_t kOuterStep = 0x10000;

// An address of any kind as the program has it.
struct Number {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  friend auto operator<=>(const Number&, const Number&) = default;
};

Number plus(Number a, std::uint64_t n) { return {a.high + (a.low + n < a.low ? 1 : 0), a.low + n}; }

std::uint32_t tag_number(VlanTags tags) { return std::uint32_t{tags.outer} << 16 | tags.inner; }
std::uint32_t tag_step(const HostRange& range) {
  if (range.hosts_per_vlan == 0) return 0;
  return range.vlan.inner != 0 ? 1 : kOuterStep;
}
std::uint32_t tag_number(const HostRange& range, std::uint32_t offset) {
  const std::uint32_t first = tag_number(range.vlan);
  return range.hosts_per_vlan == 0 ? first : first + offset / range.hosts_per_vlan * tag_step(range);
}

Number number(const Ipv6Address& address) { return {address.high(), address.low()}; }

Failure bad_range(const HostRange& range, std::string what, std::string cure) {
  return fail(
      Fault::kUsage,
      fmt::format("hosts {} to {}: {}", range.first_host, std::uint64_t{range.first_host} + range.count - 1, what),
      std::move(cure));
}

Result<void> check_vlan(const HostRange& range) {
  const auto [outer, inner] = range.vlan;
  if (outer > kLastVlan || inner > kLastVlan || (outer == 0 && inner != 0)) {
    return bad_range(range, fmt::format("no such VLAN tags: {}, {}", outer, inner),
                     fmt::format("identifiers go from 1 to {}, the outer one first", kLastVlan));
  }
  if (range.hosts_per_vlan == 0) return {};
  if (outer == 0) return bad_range(range, "hosts are spread over VLANs but have no tag", "name the first VLAN");
  const std::uint64_t last = (inner != 0 ? inner : outer) + std::uint64_t{(range.count - 1) / range.hosts_per_vlan};
  if (last <= kLastVlan) return {};
  return bad_range(range, fmt::format("they need VLAN identifiers up to {}", last),
                   fmt::format("identifiers end at {}: take fewer hosts or more of them per VLAN", kLastVlan));
}

Result<void> check_range(const HostRange& range) {
  if (range.count == 0) return fail(Fault::kUsage, fmt::format("a range of no hosts at {}", range.first_host));
  const std::uint64_t more = range.count - 1;
  if (range.first_host + more >= UINT32_MAX) return bad_range(range, "more hosts than can be numbered", "take fewer");
  const std::uint64_t last_mac = range.first_mac.number() + more;
  if (range.first_mac.is_group() || last_mac >> 40 != range.first_mac.number() >> 40) {
    return bad_range(range, fmt::format("not all of the MAC addresses from {} on are unicast", range.first_mac.text()),
                     "start at a lower address with an even first octet, as 02:4d:00:00:00:01");
  }
  if (range.first_ipv4 && range.first_ipv4->value + more > UINT32_MAX) {
    return bad_range(range, fmt::format("IPv4 addresses from {} on pass the last one", range.first_ipv4->text()),
                     "start at a lower address");
  }
  if (range.first_ipv6) {
    const Number first = number(*range.first_ipv6);
    const Number last = plus(first, more);
    if (last < first || last.high >> 56 == 0xff) {
      return bad_range(range, fmt::format("not all IPv6 addresses from {} on are unicast", range.first_ipv6->text()),
                       "start at a lower address");
    }
  }
  return check_vlan(range);
}

// A piece of a range before the pieces are made disjoint: addresses [first, end) of consecutive hosts in one VLAN.
// `end` may be one past 64 bits.
struct Piece {
  std::uint32_t kind = 0;
  std::uint32_t vlan = 0;
  std::uint64_t high = 0;
  Uint128 first = 0;
  Uint128 end = 0;
  std::uint32_t first_host = 0;

  [[nodiscard]] auto slice() const { return std::tuple{kind, vlan, high}; }
};

// Appends addresses that may run past the lower half: what does goes on in the next `high`.
void add_piece(std::vector<Piece>& pieces, std::uint32_t kind, std::uint32_t vlan, Number first, std::uint32_t count,
               std::uint32_t first_host) {
  constexpr Uint128 kHalf = Uint128{1} << 64;
  const Uint128 end = Uint128{first.low} + count;
  pieces.push_back({kind, vlan, first.high, first.low, std::min(end, kHalf), first_host});
  if (end <= kHalf) return;
  const auto before = static_cast<std::uint32_t>(kHalf - first.low);
  pieces.push_back({kind, vlan, first.high + 1, 0, end - kHalf, first_host + before});
}

// The solicited-node groups of consecutive IPv6 addresses, which start again after 2^24. The first round has the lowest
// hosts.
void add_groups(std::vector<Piece>& pieces, std::uint32_t vlan, Number first, std::uint32_t count,
                std::uint32_t first_host) {
  constexpr std::uint32_t kGroups = 1U << 24;
  const auto from = static_cast<std::uint32_t>(first.low % kGroups);
  const std::uint32_t groups = std::min(count, kGroups);
  const std::uint32_t before = std::min(groups, kGroups - from);
  pieces.push_back({STEER_GROUP, vlan, 0, from, from + before, first_host});
  if (groups > before) pieces.push_back({STEER_GROUP, vlan, 0, 0, groups - before, first_host + before});
}

// The pieces of one VLAN's part of a range.
void add_pieces(std::vector<Piece>& pieces, const HostRange& range, std::uint32_t offset, std::uint32_t count) {
  const std::uint32_t vlan = tag_number(range, offset);
  const std::uint32_t host = range.first_host + offset;
  add_piece(pieces, STEER_MAC, vlan, {0, range.first_mac.number() + offset}, count, host);
  if (range.first_ipv4) add_piece(pieces, STEER_IPV4, vlan, {0, range.first_ipv4->value + offset}, count, host);
  if (range.first_ipv6) {
    const Number first = plus(number(*range.first_ipv6), offset);
    add_piece(pieces, STEER_IPV6, vlan, first, count, host);
    add_groups(pieces, vlan, first, count, host);
  }
}

// Makes the pieces of one slice disjoint: walks along their ends and keeps, at each place, the piece with the lowest
// host there. Hosts go up with addresses in every piece alike, so which one that is changes at ends only.
void append_segments(std::vector<steer_segment>& segments, std::span<const Piece> pieces) {
  struct End {
    Uint128 at;
    bool opens;
    Int128 host_at_zero;  // of the piece; negative for most
  };
  std::vector<End> ends;
  ends.reserve(2 * pieces.size());
  for (const Piece& piece : pieces) {
    const auto host_at_zero = static_cast<Int128>(piece.first_host) - static_cast<Int128>(piece.first);
    ends.push_back({piece.first, true, host_at_zero});
    ends.push_back({piece.end, false, host_at_zero});
  }
  std::ranges::sort(ends, {}, &End::at);
  std::multiset<Int128> open;
  const std::size_t slice_begin = segments.size();
  for (std::size_t i = 0; i < ends.size(); ++i) {
    if (ends[i].opens) {
      open.insert(ends[i].host_at_zero);
    } else {
      open.erase(open.find(ends[i].host_at_zero));
    }
    if (open.empty() || ends[i + 1].at == ends[i].at) continue;  // while something is open, an end follows
    const auto first = static_cast<std::uint64_t>(ends[i].at);
    const auto count = static_cast<std::uint32_t>(ends[i + 1].at - ends[i].at);
    const auto host = static_cast<std::uint32_t>(*open.begin() + static_cast<Int128>(ends[i].at));
    if (segments.size() > slice_begin) {
      steer_segment& last = segments.back();
      if (last.first + last.count == first && last.first_host + last.count == host) {
        last.count += count;
        continue;
      }
    }
    segments.push_back({first, count, host});
  }
}

}  // namespace

Result<SteerTables> make_steer_tables(std::span<const HostRange> ranges, std::uint32_t shards) {
  if (shards == 0) return fail(Fault::kUsage, "steering to no shard at all", "take at least one shard");
  for (const HostRange& range : ranges) {
    if (const auto checked = check_range(range); !checked) return Failure{checked.error()};
  }

  const auto no_room = [&] {
    return fail(Fault::kUsage,
                fmt::format("{} groups of hosts on one port, spread over VLANs, make more than {} pieces to steer by",
                            ranges.size(), STEER_SEGMENTS),
                "join groups with consecutive addresses into one, take more hosts per VLAN, or use several ports");
  };
  std::vector<Piece> pieces;
  for (const HostRange& range : ranges) {
    const std::uint32_t per_vlan = range.hosts_per_vlan == 0 ? range.count : range.hosts_per_vlan;
    for (std::uint64_t offset = 0; offset < range.count; offset += per_vlan) {
      const auto from = static_cast<std::uint32_t>(offset);
      add_pieces(pieces, range, from, std::min(per_vlan, range.count - from));
      if (pieces.size() > STEER_SEGMENTS) return no_room();
    }
  }
  std::ranges::sort(pieces, {}, &Piece::slice);

  SteerTables tables;
  tables.config.shards = shards;
  for (auto begin = pieces.begin(); begin != pieces.end();) {
    const auto end =
        std::ranges::find_if(begin, pieces.end(), [&](const Piece& piece) { return piece.slice() != begin->slice(); });
    const auto first_segment = static_cast<std::uint32_t>(tables.segments.size());
    append_segments(tables.segments, {begin, end});
    const steer_slice slice{first_segment, static_cast<std::uint32_t>(tables.segments.size()) - first_segment};
    if (begin->vlan == 0 && begin->kind <= STEER_IPV4) {
      tables.untagged[begin->kind] = slice;
    } else {
      tables.keys.push_back({begin->kind, begin->vlan, begin->high});
      tables.slices.push_back(slice);
    }
    begin = end;
  }
  if (tables.segments.size() > STEER_SEGMENTS) return no_room();
  return tables;
}

void SteerTables::store(steer_tables& in_program) const {
  std::ranges::copy(untagged, in_program.untagged);
  std::ranges::copy(segments, in_program.segments);
}

}  // namespace myriad::bpf
