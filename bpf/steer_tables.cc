#include "bpf/steer_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <string>
#include <tuple>

namespace myriad::bpf {
namespace {

constexpr std::uint16_t kLastVlan = 4094;  // IEEE 802.1Q table 9-2: 4095 is reserved
constexpr std::uint32_t kOuterStep = 0x10000;

// An address of any kind as the program has it.
struct Number {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  friend auto operator<=>(const Number&, const Number&) = default;
};

Number plus(Number a, std::uint64_t n) { return {a.high + (a.low + n < a.low ? 1 : 0), a.low + n}; }

struct Single {
  steer_key key{};
  std::uint32_t host = 0;

  [[nodiscard]] auto order() const { return std::tuple{key.kind, key.vlan, key.high, key.low, host}; }
  [[nodiscard]] bool same_key(const Single& other) const {
    return std::tuple{key.kind, key.vlan, key.high, key.low} ==
           std::tuple{other.key.kind, other.key.vlan, other.key.high, other.key.low};
  }
};

std::uint32_t tag_number(VlanTags tags) { return std::uint32_t{tags.outer} << 16 | tags.inner; }
std::uint32_t tag_step(const HostRange& range) {
  if (range.hosts_per_vlan == 0) return 0;
  return range.vlan.inner != 0 ? 1 : kOuterStep;
}
std::uint32_t tag_number(const HostRange& range, std::uint32_t offset) {
  const std::uint32_t first = tag_number(range.vlan);
  return range.hosts_per_vlan == 0 ? first : first + offset / range.hosts_per_vlan * tag_step(range);
}

bool has_kind(const HostRange& range, std::uint32_t kind) {
  if (kind == STEER_MAC) return true;
  return kind == STEER_IPV4 ? range.first_ipv4.has_value() : range.first_ipv6.has_value();
}
Number first_number(const HostRange& range, std::uint32_t kind) {
  if (kind == STEER_MAC) return {0, range.first_mac.number()};
  if (kind == STEER_IPV4) return {0, range.first_ipv4->value};
  return {range.first_ipv6->high(), range.first_ipv6->low()};
}

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
    const Number first = first_number(range, STEER_IPV6);
    const Number last = plus(first, more);
    if (last < first || last.high >> 56 == 0xff) {
      return bad_range(range, fmt::format("not all IPv6 addresses from {} on are unicast", range.first_ipv6->text()),
                       "start at a lower address");
    }
  }
  return check_vlan(range);
}

// Sorts `ranges` into the table of that kind.
void fill_table(SteerTables& tables, std::vector<const HostRange*>& ranges, std::uint32_t kind) {
  std::ranges::sort(ranges, {}, [kind](const HostRange* range) { return first_number(*range, kind); });
  const auto count = static_cast<std::uint32_t>(ranges.size());
  tables.config.ranges[kind] = count;
  tables.config.index_bits[kind] = count > 1 ? static_cast<std::uint32_t>(std::bit_width(count - 1)) : 0;
  auto& table = tables.tables.ranges[kind];
  for (steer_range& slot : table) slot.high = slot.low = UINT64_MAX;  // behind all addresses
  Number reach;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const HostRange& range = *ranges[i];
    const Number first = first_number(range, kind);
    reach = std::max(reach, plus(first, range.count - 1));
    table[i] = {.high = first.high,
                .low = first.low,
                .reach_high = reach.high,
                .reach_low = reach.low,
                .count = range.count,
                .first_host = range.first_host,
                .vlan = tag_number(range.vlan),
                .vlan_step = tag_step(range),
                .hosts_per_vlan = std::max(range.hosts_per_vlan, 1U),
                .reserved = 0};
  }
}

void add_singles(std::vector<Single>& singles, const HostRange& range, std::uint32_t kind) {
  const Number first = first_number(range, kind);
  for (std::uint32_t i = 0; i < range.count; ++i) {
    const Number address = plus(first, i);
    const std::uint32_t vlan = tag_number(range, i);
    singles.push_back({{kind, vlan, address.high, address.low}, range.first_host + i});
    if (kind == STEER_IPV6) singles.push_back({{STEER_GROUP, vlan, 0, address.low & 0xffffff}, range.first_host + i});
  }
}

}  // namespace

Result<SteerTables> make_steer_tables(std::span<const HostRange> ranges, std::uint32_t shards) {
  if (shards == 0) return fail(Fault::kUsage, "steering to no shard at all", "take at least one shard");
  for (const HostRange& range : ranges) {
    if (const auto checked = check_range(range); !checked) return Failure{checked.error()};
  }

  SteerTables tables;
  tables.config.shards = shards;
  std::vector<Single> singles;
  std::uint64_t entries = 0;
  for (std::uint32_t kind = 0; kind < STEER_TABLES; ++kind) {
    std::vector<const HostRange*> order;
    for (const HostRange& range : ranges) {
      if (has_kind(range, kind)) order.push_back(&range);
    }
    std::ranges::stable_sort(order, std::greater{}, [](const HostRange* range) { return range->count; });
    const std::size_t in_table = std::min(order.size(), std::size_t{STEER_TABLE_RANGES});
    const std::span<const HostRange* const> spilled{order.begin() + static_cast<std::ptrdiff_t>(in_table), order.end()};
    for (const HostRange* range : spilled) entries += std::uint64_t{range->count} * (kind == STEER_IPV6 ? 2 : 1);
    if (entries > STEER_HASH_ENTRIES_MAX) {
      return fail(
          Fault::kUsage,
          fmt::format("{} groups of hosts on one port: the {} largest are steered by arithmetic, but the others "
                      "have more than {} addresses",
                      ranges.size(), STEER_TABLE_RANGES, STEER_HASH_ENTRIES_MAX),
          "join groups with consecutive addresses into one, or spread them over several ports");
    }
    for (const HostRange* range : spilled) add_singles(singles, *range, kind);
    order.resize(in_table);
    fill_table(tables, order, kind);
  }

  std::ranges::sort(singles, {}, &Single::order);
  const auto repeated = std::ranges::unique(singles, [](const Single& a, const Single& b) { return a.same_key(b); });
  singles.erase(repeated.begin(), repeated.end());
  tables.keys.reserve(singles.size());
  tables.hosts.reserve(singles.size());
  for (const Single& single : singles) {
    tables.config.hashed |= 1U << single.key.kind;
    tables.keys.push_back(single.key);
    tables.hosts.push_back(single.host);
  }
  return tables;
}

}  // namespace myriad::bpf
