// Every key of the scenario language, one table per mapping. The reader refuses what is not here, and a test holds
// templates/SCHEMA.md against these tables in both directions.
#pragma once

#include <array>
#include <span>
#include <string_view>

namespace myriad::plan {

struct Key {
  std::string_view name;
  std::string_view type;      // as SCHEMA.md calls it
  std::string_view fallback;  // as SCHEMA.md writes the default; "required" when there is none
  bool supported = true;      // false: a key of the language that this release does not know yet
};

struct KeyTable {
  std::string_view section;  // where the mapping stands: "hosts.NAME"
  std::span<const Key> keys;
};

inline constexpr Key kScenarioKeys[] = {
    {"version", "integer", "required"},  {"seed", "integer", "1"},
    {"duration", "duration", "none"},    {"ports", "mapping", "required"},
    {"hosts", "mapping", "none"},        {"services", "mapping", "none"},
    {"workloads", "mapping", "none"},    {"flows", "mapping", "none"},
    {"thresholds", "mapping", "none"},   {"replays", "mapping", "none"},
    {"links", "mapping", "none", false},
};
inline constexpr Key kPortKeys[] = {
    {"interface", "name", "none"},
    {"queues", "auto, integer", "auto"},
    {"shards", "auto, integer", "auto"},
    {"mode", "auto, zero-copy, copy, skb", "auto"},
};
inline constexpr Key kHostsKeys[] = {
    {"port", "name", "required"},         {"count", "integer", "1"},
    {"mac", "MAC, from-ipv4", "free"},    {"ipv4", "IPv4/length", "none"},
    {"ipv6", "IPv6/length", "none"},      {"gateway", "IPv4", "none"},
    {"gateway6", "IPv6", "none"},         {"vlan", "integer, list, mapping", "none"},
    {"mtu", "integer, size", "1500"},     {"resolve", "shared, each", "shared"},
    {"announce", "true, false", "false"}, {"tcp", "mapping", "none"},
    {"link", "name", "none", false},
};
inline constexpr Key kVlanKeys[] = {
    {"id", "integer, list", "required"},
    {"per", "integer", "none"},
};
// The stack has the defaults; a test holds what is written here against it.
inline constexpr Key kTcpPersonalityKeys[] = {
    {"mss", "auto, integer, size", "auto"},
    {"window", "size", "256KiB"},
    {"window_scale", "none, integer", "3"},
    {"timestamps", "true, false", "true"},
    {"sack", "true, false", "true"},
    {"rack_tlp", "true, false", "true"},
    {"congestion", "newreno, cubic", "cubic"},
    {"ttl", "integer", "64"},
    {"initial_window", "integer", "10"},
    {"nagle", "true, false", "true"},
    {"delayed_ack", "off, duration", "40ms"},
    {"rto_min", "duration", "200ms"},
    {"rto_initial", "duration", "1s"},
    {"rto_max", "duration", "1m"},
    {"time_wait", "duration", "1m"},
    {"fin_wait2", "duration", "5m"},
    {"syn_retries", "integer", "6"},
    {"syn_ack_retries", "integer", "3"},
    {"retries", "integer", "12"},
    {"keep_alive", "off, duration", "off"},
    {"keep_alive_interval", "duration", "75s"},
    {"keep_alive_probes", "integer", "8"},
    {"repeat_fin", "true, false", "false"},
};
inline constexpr Key kServiceKeys[] = {
    {"on", "name", "required"},       {"port", "integer", "none"},        {"http", "mapping", "none"},
    {"echo", "mapping", "none"},      {"discard", "mapping", "none"},     {"smb2", "mapping", "none", false},
    {"dns", "mapping", "none"},       {"dhcp", "mapping", "none", false}, {"chargen", "mapping", "none"},
    {"catch_all", "mapping", "none"},
};
inline constexpr Key kCatchAllKeys[] = {
    {"answer", "accept, close", "accept"},
    {"banner", "text", "none"},
    {"first_bytes", "size", "64B"},
    {"most", "integer", "1000"},
};
inline constexpr Key kHttpServiceKeys[] = {
    {"body", "size, mapping", "1KiB"},
    {"type", "text", "application/octet-stream"},
};
inline constexpr Key kHttpServiceBodyKeys[] = {
    {"text", "text", "none"},
    {"file", "path", "none"},
    {"size", "size", "none"},
};
inline constexpr Key kWorkloadKeys[] = {
    {"from", "name", "required"},
    {"to", "address, name", "required"},
    {"family", "ipv4, ipv6", "ipv4"},
    {"http", "mapping", "none"},
    {"icmp_echo", "mapping", "none"},
    {"tcp", "mapping", "none"},
    {"load", "mapping", "none"},
    {"after", "name", "none"},
    {"start", "duration", "0s"},
    {"congestion", "newreno, cubic", "none"},
    {"initial_window", "integer", "none"},
    {"smb2", "mapping", "none"},
    {"dns", "mapping", "none"},
    {"dhcp", "mapping", "none", false},
    {"udp", "mapping", "none"},
    {"https", "mapping", "none"},
};
inline constexpr Key kIcmpEchoKeys[] = {
    {"count", "integer", "1"},
    {"interval", "duration", "1s"},
    {"size", "size", "56B"},
};
inline constexpr Key kLoadKeys[] = {
    {"concurrent", "integer", "none"},
    {"rate", "session rate", "none"},
    {"total", "integer", "none"},
    {"per_host", "integer", "1"},
    {"stages", "list", "none"},
    {"of", "concurrent, rate", "concurrent"},
    {"hold", "duration", "0s"},
    {"think", "duration", "0s"},
    {"timeout", "duration", "10s"},
    {"retries", "integer", "0"},
    {"back_off", "duration", "100ms"},
    {"warm_up", "duration", "0s"},
    {"order", "in_order, random", "in_order"},
};
inline constexpr Key kStageKeys[] = {
    {"duration", "duration", "required"},
    {"target", "integer, session rate", "required"},
};

inline constexpr KeyTable kScenarioTable{"scenario", kScenarioKeys};
inline constexpr KeyTable kPortTable{"ports.NAME", kPortKeys};
inline constexpr KeyTable kHostsTable{"hosts.NAME", kHostsKeys};
inline constexpr KeyTable kVlanTable{"hosts.NAME.vlan", kVlanKeys};
inline constexpr KeyTable kTcpPersonalityTable{"hosts.NAME.tcp", kTcpPersonalityKeys};
inline constexpr KeyTable kServiceTable{"services.NAME", kServiceKeys};
inline constexpr KeyTable kHttpServiceTable{"services.NAME.http", kHttpServiceKeys};
inline constexpr KeyTable kHttpServiceBodyTable{"services.NAME.http.body", kHttpServiceBodyKeys};
inline constexpr KeyTable kEchoServiceTable{"services.NAME.echo", {}};
inline constexpr KeyTable kDiscardServiceTable{"services.NAME.discard", {}};
inline constexpr KeyTable kChargenServiceTable{"services.NAME.chargen", {}};
inline constexpr KeyTable kCatchAllTable{"services.NAME.catch_all", kCatchAllKeys};
inline constexpr KeyTable kWorkloadTable{"workloads.NAME", kWorkloadKeys};
inline constexpr KeyTable kIcmpEchoTable{"workloads.NAME.icmp_echo", kIcmpEchoKeys};
inline constexpr KeyTable kLoadTable{"workloads.NAME.load", kLoadKeys};
inline constexpr KeyTable kStageTable{"workloads.NAME.load.stages", kStageKeys};

inline constexpr std::array kKeyTables = {
    kScenarioTable,       kPortTable,           kHostsTable,          kVlanTable,
    kTcpPersonalityTable, kServiceTable,        kHttpServiceTable,    kHttpServiceBodyTable,
    kEchoServiceTable,    kDiscardServiceTable, kChargenServiceTable, kCatchAllTable,
    kWorkloadTable,       kIcmpEchoTable,       kLoadTable,           kStageTable,
};

}  // namespace myriad::plan
