// services and workloads: what hosts say and to whom.
#include <algorithm>
#include <array>
#include <cctype>

#include "templates/plan/reading.h"

namespace myriad::plan {
namespace {

using std::chrono::microseconds;

constexpr std::uint64_t kMostEchoBytes = 65'507;  // what fits in an IPv4 packet
constexpr std::size_t kLongestBanner = 4096;      // as long as what a script expects
constexpr std::uint64_t kMostFirstBytes = 512;    // with kMostAsked: 32 MiB that strangers can fill, a shard
constexpr std::uint64_t kMostAsked = 65'536;

std::uint32_t narrow(std::optional<std::uint64_t> value, std::uint32_t otherwise) {
  return value ? static_cast<std::uint32_t>(*value) : otherwise;
}

// ---- services

CatchAllService read_catch_all(Reading& reading, const Node& node, Place at) {
  Fields fields(reading, node, kCatchAllTable, "'catch_all'", at);
  CatchAllService all;
  if (const Node* const answer = fields.find("answer")) {
    all.closes = reading.choice<bool>(*answer, {{"accept", false}, {"close", true}}).value_or(false);
  }
  if (const Node* const banner = fields.find("banner")) {
    all.banner = reading.text(*banner).value_or("");
    if (all.banner.size() > kLongestBanner) {
      reading.wrong(banner->at, fmt::format("a banner of {} bytes", all.banner.size()),
                    fmt::format("at most {}", kLongestBanner));
    }
  }
  if (const Node* const first = fields.find("first_bytes")) {
    const auto size = reading.quantity(*first, parse_size);
    if (size && *size > kMostFirstBytes) {
      reading.wrong(first->at, fmt::format("{} of each address and port", size_text(*size)),
                    fmt::format("at most {}", size_text(kMostFirstBytes)));
    }
    all.first_bytes = narrow(size, all.first_bytes);
  }
  if (const Node* const most = fields.find("most")) {
    all.most = narrow(reading.integer(*most, 1, kMostAsked), all.most);
  }
  return all;
}

void read_service(Reading& reading, const Entry& entry) {
  const std::string subject = "service " + quoted(entry.key);
  Fields fields(reading, *entry.value, kServiceTable, subject, entry.at);
  Service service;
  service.name = entry.key;
  std::optional<std::size_t> group;
  if (const Node* const node = fields.require("on")) group = reading.reference(*node, reading.groups, "group of hosts");
  const bool everywhere = fields.has("catch_all");
  const Node* const port = everywhere ? fields.find("catch_all") : fields.require("port");
  if (everywhere && fields.has("port")) {
    reading.wrong(fields.place_of("port"), "a catch_all is on every port that has no other service", "remove it");
  } else if (port != nullptr && !everywhere) {
    service.port = Port{static_cast<std::uint16_t>(reading.integer(*port, 1, 65'535).value_or(0))};
  }
  if (group && (everywhere || service.port.number != 0)) {
    service.group = *group;
    const auto [other, is_new] =
        reading.service_at.try_emplace({*group, service.port.number}, reading.plan.services.size());
    if (!is_new) {
      reading.wrong(port->at,
                    fmt::format("service '{}' is on {} of '{}' already", reading.plan.services[other->second].name,
                                everywhere ? "every port" : fmt::format("port {}", service.port.number),
                                reading.plan.groups[*group].name),
                    everywhere ? "remove one of them" : "choose another port");
    }
  }
  static constexpr std::string_view kKinds[] = {"http", "echo", "discard", "chargen", "dns", "catch_all"};
  if (const auto kind = fields.one_of(kKinds)) {
    const Node& node = *fields.find(*kind);
    const Place at = fields.place_of(*kind);
    if (*kind == "http") {
      service.kind = read_http_service(reading, node, at);
    } else if (*kind == "echo") {
      const Fields nothing(reading, node, kEchoServiceTable, "'echo'", at);
      service.kind = EchoService{};
    } else if (*kind == "chargen") {
      const Fields nothing(reading, node, kChargenServiceTable, "'chargen'", at);
      service.kind = ChargenService{};
    } else if (*kind == "dns") {
      service.kind = read_dns_service(reading, node, at);
    } else if (*kind == "catch_all") {
      service.kind = read_catch_all(reading, node, at);
    } else {
      const Fields nothing(reading, node, kDiscardServiceTable, "'discard'", at);
      service.kind = DiscardService{};
    }
  }
  reading.services.add(entry.key, entry.at);
  reading.plan.services.push_back(std::move(service));
}

// ---- what a workload says

IcmpEchoWorkload read_icmp_echo(Reading& reading, const Node& node, Place at) {
  Fields fields(reading, node, kIcmpEchoTable, "'icmp_echo'", at);
  IcmpEchoWorkload echo;
  if (const Node* const count = fields.find("count")) echo.count = narrow(reading.integer(*count, 1, UINT32_MAX), 1);
  if (const Node* const interval = fields.find("interval")) {
    echo.interval = reading.duration(*interval, microseconds{1}).value_or(echo.interval);
  }
  if (const Node* const size = fields.find("size")) {
    const auto bytes = reading.quantity(*size, parse_size);
    if (bytes && *bytes > kMostEchoBytes) {
      reading.wrong(size->at, fmt::format("{} of data do not fit into a packet", size_text(*bytes)),
                    fmt::format("at most {}B", kMostEchoBytes));
    } else if (bytes) {
      echo.size_bytes = static_cast<std::uint32_t>(*bytes);
    }
  }
  return echo;
}

// ---- where it goes

struct SplitTarget {
  std::string address;
  std::optional<std::string> port;
  bool bracketed = false;
};

// "10.0.0.1:80", "[fd00::1]:80", "name:80", "fd00::1", "name". Two colons without brackets: an IPv6 address alone.
std::optional<SplitTarget> split_target(const std::string& text) {
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == text.npos) return std::nullopt;
    SplitTarget split{text.substr(1, close - 1), std::nullopt, true};
    if (close + 1 == text.size()) return split;
    if (text[close + 1] != ':') return std::nullopt;
    split.port = text.substr(close + 2);
    return split;
  }
  const auto colon = text.find(':');
  if (colon == text.npos || text.find(':', colon + 1) != text.npos) return SplitTarget{text, std::nullopt, false};
  return SplitTarget{text.substr(0, colon), text.substr(colon + 1), false};
}

// "fd00::1:80" as it was probably meant.
std::string bracketed(const std::string& text) {
  const auto colon = text.rfind(':');
  const std::string port = text.substr(colon + 1);
  const bool splits = Ipv6Address::parse(text.substr(0, colon)) && parse_integer(port);
  return splits ? fmt::format("write \"[{}]:{}\"", text.substr(0, colon), port)
                : fmt::format("write \"[{}]:PORT\"", text);
}

void read_target(Reading& reading, const Node& node, Workload& workload, WorkloadPlaces& places) {
  const auto text = reading.text(node);
  if (!text) return;
  const auto split = split_target(*text);
  if (!split)
    return reading.wrong(node.at, fmt::format("{} is not a target", quoted(*text)),
                         "as in 10.0.255.1:80, [fd00::1]:80 or NAME:80");
  if (split->port) {
    const auto port = parse_integer(*split->port);
    if (!port || *port < 1 || *port > 65'535) {
      return reading.wrong(node.at, fmt::format("{} is not a port number", quoted(*split->port)), "from 1 to 65535");
    }
    workload.to.port = Port{static_cast<std::uint16_t>(*port)};
    places.port_given = true;
  }
  const auto address = IpAddress::parse(split->address);
  if (address && address->is_v6() && !split->bracketed && !std::holds_alternative<IcmpEchoWorkload>(workload.kind)) {
    return reading.wrong(node.at, fmt::format("does {} end with a port?", quoted(*text)), bracketed(*text));
  }
  if (address && !(split->bracketed && address->is_v4())) {
    workload.to.address = *address;
    return;
  }
  if (const auto group = reading.groups.find(split->address)) {
    workload.to.address = *group;
    return;
  }
  const bool numeric = !split->address.empty() && std::isalpha(static_cast<unsigned char>(split->address[0])) == 0;
  if (numeric || split->bracketed || split->address.find(':') != split->address.npos) {
    return reading.wrong(node.at, fmt::format("{} is not an address", quoted(split->address)),
                         "as in 10.0.255.1:80, [fd00::1]:80 or NAME:80");
  }
  reading.wrong(node.at, fmt::format("{} is neither an address nor a group of hosts", quoted(split->address)),
                did_you_mean(split->address, reading.groups.all()));
}

// ---- a workload as a whole

void read_kind(Reading& reading, Fields& fields, Workload& workload, WorkloadPlaces& places) {
  static constexpr std::string_view kKinds[] = {"http", "https", "icmp_echo", "tcp", "udp", "dns", "smb2"};
  const auto kind = fields.one_of(kKinds);
  if (!kind) return;
  const Node& node = *fields.find(*kind);
  const Place at = fields.place_of(*kind);
  places.kind = at;
  if (*kind == "http" || *kind == "https") {
    workload.kind = read_http(reading, node, at, *kind == "https");
  } else if (*kind == "icmp_echo") {
    workload.kind = read_icmp_echo(reading, node, at);
  } else if (*kind == "dns") {
    workload.kind = read_dns(reading, node, at);
  } else if (*kind == "udp") {
    workload.kind = read_udp(reading, node, at);
  } else if (*kind == "smb2") {
    workload.kind = read_smb2(reading, node, at, places);
  } else {
    workload.kind = read_tcp(reading, node, at);
  }
}

void read_workload(Reading& reading, const Entry& entry) {
  const std::string subject = "workload " + quoted(entry.key);
  Fields fields(reading, *entry.value, kWorkloadTable, subject, entry.at);
  Workload workload;
  workload.name = entry.key;
  WorkloadPlaces places;
  places.name = entry.at;
  read_kind(reading, fields, workload, places);
  if (const Node* const node = fields.require("from")) {
    places.from = node->at;
    workload.from = reading.reference(*node, reading.groups, "group of hosts").value_or(0);
  }
  if (const Node* const node = fields.require("to")) {
    places.to = node->at;
    read_target(reading, *node, workload, places);
  }
  if (const Node* const node = fields.find("family")) {
    places.family = node->at;
    places.v6 = reading.choice<bool>(*node, {{"ipv4", false}, {"ipv6", true}});
  }
  if (const Node* const node = fields.find("after")) {
    places.after = node->at;
    places.after_name = reading.text(*node).value_or("");
  }
  if (const Node* const node = fields.find("start")) {
    workload.start = reading.duration(*node, Duration{0}).value_or(Duration{0});
  }
  if (const Node* const node = fields.find("load")) {
    places.load = fields.place_of("load");
    workload.load = read_load(reading, *node, places.load, subject);
    const Entry* const hold = node->find("hold");
    if (hold != nullptr && std::holds_alternative<IcmpEchoWorkload>(workload.kind) && places.kind.line != 0) {
      reading.wrong(hold->at, "icmp_echo has no connection to hold", "remove it");
    }
    if (hold != nullptr && std::holds_alternative<UdpWorkload>(workload.kind)) {
      reading.wrong(hold->at, "udp has no connection to hold", "a 'sleep' at the end of the script takes its time");
    }
    if (hold != nullptr && std::holds_alternative<DnsWorkload>(workload.kind)) {
      reading.wrong(hold->at, "dns holds no connection once it has its answers", "remove it");
    }
  }
  if (places.held) {
    const Node* const node = fields.find("load");
    if (node != nullptr && node->find("hold") != nullptr) {
      reading.wrong(places.hold, "the load says how long to hold as well", "remove one of them");
    }
    workload.load.hold = *places.held;
  }
  workload.congestion = read_congestion(reading, fields.find("congestion"));
  workload.initial_window = read_initial_window(reading, fields.find("initial_window"));
  const bool echo = std::holds_alternative<IcmpEchoWorkload>(workload.kind);
  if ((echo || std::holds_alternative<UdpWorkload>(workload.kind)) && places.kind.line != 0) {
    for (const std::string_view key : {"congestion", "initial_window"}) {
      if (fields.has(key)) {
        reading.wrong(fields.place_of(key),
                      fmt::format("{} has no connection for '{}'", echo ? "icmp_echo" : "udp", key), "remove it");
      }
    }
  }
  reading.workloads.add(entry.key, entry.at);
  reading.plan.workloads.push_back(std::move(workload));
  reading.workload_places.push_back(places);
}

}  // namespace

void read_services(Reading& reading, const Node& section) {
  for_each_named(reading, section, "services", [&](const Entry& entry) { read_service(reading, entry); });
}

void read_workloads(Reading& reading, const Node& section) {
  for_each_named(reading, section, "workloads", [&](const Entry& entry) { read_workload(reading, entry); });
}

}  // namespace myriad::plan
