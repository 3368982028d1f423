// What the parts of the reader share: the plan in the making, where things were said, typed readers of single values,
// and Fields, which reads one mapping against its table of keys. Private to templates/plan.
//
// A reader that returns nullopt or nullptr for something that is present has reported a problem.
#pragma once

#include <fmt/format.h>

#include <cassert>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "templates/plan/flow_draft.h"
#include "templates/plan/keys.h"
#include "templates/plan/load.h"
#include "templates/plan/node.h"
#include "templates/plan/plan.h"
#include "templates/plan/problems.h"
#include "templates/plan/units.h"

namespace myriad::plan {

// Names of one section in file order, and where each was given.
class Names {
 public:
  void add(const std::string& name, Place at) {
    index_.emplace(name, places_.size());
    places_.push_back(at);
    names_.push_back(name);
  }
  [[nodiscard]] std::optional<std::size_t> find(const std::string& name) const {
    const auto found = index_.find(name);
    return found == index_.end() ? std::nullopt : std::optional{found->second};
  }
  [[nodiscard]] Place place(std::size_t index) const { return places_[index]; }
  [[nodiscard]] std::vector<std::string_view> all() const { return {names_.begin(), names_.end()}; }

 private:
  std::unordered_map<std::string, std::size_t> index_;
  std::vector<Place> places_;
  std::vector<std::string> names_;
};

// Where the values of a group were given; line 0 when they were not.
struct GroupPlaces {
  Place name, count, mac, ipv4, ipv6, gateway, gateway6, vlan;
  bool mac_given = false;
};

// Where the values of a workload were given.
struct WorkloadPlaces {
  Place name, from, to, family, kind, per_host, load, after;
  std::string after_name;
  bool port_given = false;
  std::optional<bool> v6;  // of `family`
  Place hold;              // inside the kind, where that may say it instead of the load
  std::optional<Duration> held;
};

struct Reading {
  Reading(Problems& reported, const LoadOptions& asked) : problems(reported), options(asked) {}

  Problems& problems;
  const LoadOptions& options;
  Plan plan;
  Names ports, groups, services, workloads, flows, replays;
  std::vector<GroupPlaces> group_places;        // as Plan::groups
  std::vector<WorkloadPlaces> workload_places;  // as Plan::workloads
  std::vector<FlowDraft> flow_drafts;           // as Plan::flows
  // Group and port → index of the service; port 0: kEveryOtherPort.
  std::map<std::pair<std::size_t, std::uint16_t>, std::size_t> service_at;
  std::optional<craft::HostRange> sender;  // of flows without hosts: see send.h
  std::size_t expanded_bytes = 0;          // by ${…}, so far
  std::size_t held_bytes = 0;              // of files that are sent or trusted, so far

  void wrong(Place at, std::string what, std::string suggestion = {}) {
    problems.add(at, std::move(what), std::move(suggestion));
  }

  // The text of a single value with ${NAME} and ${NAME:-default} expanded; "$${" stands for "${".
  std::optional<std::string> text(const Node& node);
  // Any parse_*() of units.h.
  template <class T>
  std::optional<T> quantity(const Node& node, Quantity<T> (*parse)(std::string_view));
  std::optional<std::uint64_t> integer(const Node& node, std::uint64_t least, std::uint64_t most);
  // Plain digits, or a size with its unit.
  std::optional<std::uint64_t> bytes(const Node& node, std::uint64_t least, std::uint64_t most);
  std::optional<Duration> duration(const Node& node, Duration least);
  std::optional<bool> boolean(const Node& node);
  template <class E>
  std::optional<E> choice(const Node& node, std::initializer_list<std::pair<std::string_view, E>> choices);
  // A path of the scenario: relative ones are relative to its file.
  [[nodiscard]] std::string beside(const std::string& path) const;
  // An index into a section, by name.
  std::optional<std::size_t> reference(const Node& node, const Names& names, std::string_view what);

 private:
  std::optional<std::string> expand(const Node& node);
};

// One mapping of the scenario. Made from its node, it reports whatever the table does not know; values are then asked
// for by key. Nothing means an empty mapping, so that `echo:` is enough.
class Fields {
 public:
  // `subject` names the mapping in reports ("hosts 'clients'"); `at` is where a missing key is reported.
  Fields(Reading& reading, const Node& node, const KeyTable& table, std::string subject, Place at);
  // What is understood is also read: a key of the table that nobody asked for would be silently ignored.
  ~Fields();
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;

  // The value of the key, or nullptr when it is not there. Nothing (`key:`) counts as a value.
  const Node* find(std::string_view key);
  // The same, and reports when it is not there.
  const Node* require(std::string_view key, std::string suggestion = {});
  [[nodiscard]] Place place_of(std::string_view key) const;
  [[nodiscard]] bool has(std::string_view key) const { return node_.find(key) != nullptr; }
  // Exactly one of `keys` must be there: which; nullopt after a report.
  std::optional<std::string_view> one_of(std::span<const std::string_view> keys);

 private:
  Reading& reading_;
  const Node& node_;
  const KeyTable& table_;
  std::string subject_;
  Place at_;
  std::vector<std::string_view> asked_;
};

// Calls `read(entry)` for every entry of a section that maps names to mappings, after checking the names.
void for_each_named(Reading& reading, const Node& section, std::string_view what,
                    const std::function<void(const Entry&)>& read);

// The whole scenario, and every check of it.
void read_scenario(Reading& reading, const Node& root);

void read_ports(Reading& reading, const Node& section);
void read_hosts(Reading& reading, const Node& section);
void read_services(Reading& reading, const Node& section);
void read_workloads(Reading& reading, const Node& section);
void read_flows(Reading& reading, const Node& section);
void read_replays(Reading& reading, const Node& section);
void read_thresholds(Reading& reading, const Node& section);
TcpWorkload read_tcp(Reading& reading, const Node& node, Place at);
UdpWorkload read_udp(Reading& reading, const Node& node, Place at);
DnsWorkload read_dns(Reading& reading, const Node& node, Place at);
DnsService read_dns_service(Reading& reading, const Node& node, Place at);
TcpPersonality read_personality(Reading& reading, const Node& node, Place at, const HostGroup& group);
std::optional<Congestion> read_congestion(Reading& reading, const Node* node);        // of a group or a workload
std::optional<std::uint8_t> read_initial_window(Reading& reading, const Node* node);  // likewise
Verify read_verify(Reading& reading, const Node& node, Place at, const KeyTable& table);
Smb2Workload read_smb2(Reading& reading, const Node& node, Place at, WorkloadPlaces& places);
HttpService read_http_service(Reading& reading, const Node& node, Place at);
HttpWorkload read_http(Reading& reading, const Node& node, Place at, bool tls);
LoadPlan read_load(Reading& reading, const Node& node, Place at, const std::string& subject);

// The checks that look at several parts of the plan; only for a plan without problems so far.
void choose_macs(Reading& reading);  // for groups without `mac`
void check_hosts(Reading& reading);  // each group by itself, then no two on one wire
void check_workloads(Reading& reading);
void check_flows(Reading& reading);  // compiles their packets: after choose_macs()

// ---- implementation of templates

template <class T>
std::optional<T> Reading::quantity(const Node& node, Quantity<T> (*parse)(std::string_view)) {
  const auto value = text(node);
  if (!value) return std::nullopt;
  const auto parsed = parse(*value);
  if (parsed) return *parsed;
  wrong(node.at, parsed.error().what, parsed.error().suggestion);
  return std::nullopt;
}

template <class E>
std::optional<E> Reading::choice(const Node& node, std::initializer_list<std::pair<std::string_view, E>> choices) {
  const auto value = text(node);
  if (!value) return std::nullopt;
  std::vector<std::string_view> names;
  for (const auto& [name, meaning] : choices) {
    if (*value == name) return meaning;
    names.push_back(name);
  }
  const bool is_near = !nearest(*value, names).empty();
  wrong(node.at, fmt::format("{} is not one of {}", quoted(*value), fmt::join(names, ", ")),
        is_near ? did_you_mean(*value, names) : fmt::format("as in {}", names.front()));
  return std::nullopt;
}

}  // namespace myriad::plan
