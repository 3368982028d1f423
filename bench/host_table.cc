// Whose address is this? Asked once or twice for every frame, so it must not depend on how many hosts there are.
#include "stack/host_table.h"

#include <benchmark/benchmark.h>

#include <vector>

#include "base/rng.h"

namespace myriad::stack {
namespace {

// `groups` groups that share a million hosts.
HostTable table_of(std::uint32_t groups) {
  std::vector<HostGroup> all;
  const std::uint32_t each = 1'000'000 / groups;
  for (std::uint32_t i = 0; i < groups; ++i) {
    HostGroup group;
    group.name = "group" + std::to_string(i);
    group.count = each;
    group.first_mac = MacAddress::from_number(0x024d00000001 + std::uint64_t{i} * each);
    group.ipv4 = Ipv4Prefix{Ipv4Address{0x0a000100} + i * each, 8};
    group.ipv6 = Ipv6Prefix{Ipv6Address::parse("fd00::1:1")->plus(std::uint64_t{i} * each), 64};
    all.push_back(group);
  }
  return HostTable{std::move(all)};
}

// Addresses in random order, made beforehand: the look-up alone is measured.
template <class Make>
auto queries(const HostTable& table, Make make) {
  Rng rng{1};
  std::vector<decltype(make(Host{}))> made(4096);
  for (auto& one : made) one = make(table.at(HostId{static_cast<std::uint32_t>(rng.next() % table.size())}));
  return made;
}

template <class Queries, class Ask>
void ask_all(benchmark::State& state, const Queries& queries, Ask ask) {
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(ask(queries[next]));
    next = (next + 1) % queries.size();
  }
}

void by_mac(benchmark::State& state) {
  const HostTable table = table_of(static_cast<std::uint32_t>(state.range(0)));
  ask_all(state, queries(table, [](const Host& host) { return host.mac; }),
          [&](const MacAddress& mac) { return table.by_mac(mac, {}); });
}
BENCHMARK(by_mac)->Arg(1)->Arg(10)->Arg(1000);

void by_ip(benchmark::State& state) {
  const HostTable table = table_of(static_cast<std::uint32_t>(state.range(0)));
  const bool v6 = state.range(1) == 6;
  ask_all(state, queries(table, [&](const Host& host) { return *table.address(host, v6); }),
          [&](const IpAddress& ip) { return table.by_ip(ip, {}); });
}
BENCHMARK(by_ip)->Args({1, 4})->Args({10, 4})->Args({1000, 4})->Args({1, 6})->Args({1000, 6});

void at(benchmark::State& state) {
  const HostTable table = table_of(static_cast<std::uint32_t>(state.range(0)));
  ask_all(state, queries(table, [](const Host& host) { return host.id; }), [&](HostId id) { return table.at(id); });
}
BENCHMARK(at)->Arg(1)->Arg(1000);

}  // namespace
}  // namespace myriad::stack
