// `dns` of workloads and of services.
#include <algorithm>
#include <array>

#include "templates/plan/keys_dns.h"
#include "templates/plan/reading.h"

namespace myriad::plan {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t kMostPerSession = 10'000;
constexpr Duration kLongestRetry = std::chrono::minutes{5};
constexpr std::uint64_t kLeastEdns = app::kDnsPlainBytes;
constexpr Duration kLongestTtl = seconds{0x7fffffff};  // RFC 2181 section 8
constexpr std::string_view kTypes = "A, AAAA, CNAME, MX, NS, PTR, SRV or TXT";
constexpr std::string_view kQueryExample = "as in [www.example.test, A]";

std::optional<app::DnsName> read_name(Reading& reading, const Node& node) {
  const auto text = reading.text(node);
  if (!text) return std::nullopt;
  auto name = app::DnsName::parse(*text);
  if (!name) {
    reading.wrong(node.at, quoted(*text) + " is not a name of DNS",
                  "as in www.example.test: labels of at most 63 bytes, 255 together");
  }
  return name;
}

std::optional<app::DnsType> read_type(Reading& reading, const Node& node) {
  const auto text = reading.text(node);
  if (!text) return std::nullopt;
  const auto type = app::dns_type(*text);
  if (!type) {
    reading.wrong(node.at, quoted(*text) + " is not a type of records that is known here",
                  fmt::format("one of {}", kTypes));
  }
  return type;
}

// The name under which an address is asked for (RFC 1035 section 3.5, RFC 3596 section 2.5).
std::string reverse_name(const IpAddress& address) {
  std::string name;
  if (address.is_v4()) {
    for (int shift = 0; shift < 32; shift += 8) name += fmt::format("{}.", address.v4().value >> shift & 0xff);
    return name + "in-addr.arpa.";
  }
  const auto& octets = address.octets();
  for (std::size_t i = octets.size(); i-- > 0;) name += fmt::format("{:x}.{:x}.", octets[i] & 0xf, octets[i] >> 4);
  return name + "ip6.arpa.";
}

// One text, or a list of them.
std::vector<const Node*> one_or_more(const Node& node) {
  std::vector<const Node*> nodes;
  if (!node.is_list()) return {&node};
  for (const NodePtr& item : node.items) nodes.push_back(item.get());
  return nodes;
}

std::optional<std::string> read_data(Reading& reading, const Node& node, app::DnsType type,
                                     const app::DnsName& origin) {
  const auto text = reading.text(node);
  if (!text) return std::nullopt;
  auto data = app::dns_data(type, *text, origin);
  if (!data) {
    reading.wrong(node.at, fmt::format("{} is not what {} records hold", quoted(*text), app::dns_type_name(type)),
                  fmt::format("as in '{}'", app::dns_data_example(type)));
  }
  return data;
}

// ---- workloads

void read_expect(Reading& reading, const Node& node, Place at, app::DnsQuery& query) {
  Fields fields(reading, node, kDnsExpectTable, "'expect'", at);
  const Node* const rcode = fields.find("rcode");
  const Node* const answer = fields.find("answer");
  if (rcode != nullptr) {
    const auto text = reading.text(*rcode);
    if (text) query.expect.rcode = app::dns_rcode(*text);
    if (text && !query.expect.rcode) {
      reading.wrong(rcode->at, quoted(*text) + " is not a code of answers",
                    "noerror, formerr, servfail, nxdomain, notimp or refused");
    }
  }
  if (answer != nullptr) {
    std::vector<std::string>& answers = query.expect.answers.emplace();
    for (const Node* const one : one_or_more(*answer)) {
      if (auto data = read_data(reading, *one, query.type, app::DnsName{})) answers.push_back(std::move(*data));
    }
    std::sort(answers.begin(), answers.end());
  }
  if (node.entries.empty()) reading.wrong(at, "'expect' expects nothing", "give rcode, answer, or both");
}

std::optional<app::DnsQuery> read_query(Reading& reading, const Node& node) {
  if (!node.is_list() || node.items.size() != 2) {
    reading.wrong(
        node.at,
        fmt::format("a query is a name and a type, not {}",
                    node.is_list() ? fmt::format("{} of them", node.items.size()) : std::string{node.kind_name()}),
        std::string{kQueryExample});
    return std::nullopt;
  }
  app::DnsQuery query;
  const auto type = read_type(reading, *node.items[1]);
  if (!type) return std::nullopt;
  query.type = *type;
  // What belongs to an address is asked for by the address.
  const Node& name = *node.items[0];
  const auto address = *type == app::DnsType::kPtr && name.is_scalar() ? IpAddress::parse(name.text) : std::nullopt;
  const auto asked = address ? app::DnsName::parse(reverse_name(*address)) : read_name(reading, name);
  if (!asked) return std::nullopt;
  query.name = *asked;
  return query;
}

void read_queries(Reading& reading, Fields& fields, app::DnsQuestions& questions) {
  static constexpr std::string_view kWays[] = {"query", "queries"};
  const auto way = fields.one_of(kWays);
  const Node* const expect = fields.find("expect");
  if (!way) return;
  const Node& node = *fields.find(*way);
  if (*way == "query") {
    auto query = read_query(reading, node);
    if (!query) return;
    if (expect != nullptr) read_expect(reading, *expect, fields.place_of("expect"), *query);
    questions.queries.push_back(std::move(*query));
    return;
  }
  if (expect != nullptr) {
    reading.wrong(fields.place_of("expect"), "'expect' belongs to one query, and there is a list of them",
                  "write {query: [NAME, TYPE], expect: {…}} in the list");
  }
  if (!node.is_list() || node.items.empty()) {
    return reading.wrong(node.at,
                         fmt::format("queries are a list, not {}", node.is_list() ? "an empty one" : node.kind_name()),
                         "as in [[www.example.test, A], [example.test, MX]]");
  }
  for (const NodePtr& item : node.items) {
    if (reading.problems.full()) return;
    if (!item->is_map()) {
      if (auto query = read_query(reading, *item)) questions.queries.push_back(std::move(*query));
      continue;
    }
    Fields one(reading, *item, kDnsQueryTable, "a query", item->at);
    const Node* const what = one.require("query", std::string{kQueryExample});
    const Node* const its_expect = one.find("expect");
    auto query = what == nullptr ? std::nullopt : read_query(reading, *what);
    if (!query) continue;
    if (its_expect != nullptr) read_expect(reading, *its_expect, one.place_of("expect"), *query);
    questions.queries.push_back(std::move(*query));
  }
}

void read_edns(Reading& reading, const Node& node, app::DnsQuestions& questions) {
  if (node.is_scalar() && node.text == "none") {
    questions.payload_bytes = 0;
    return;
  }
  const auto size = reading.quantity(node, parse_size);
  if (!size) return;
  if (*size >= kLeastEdns && *size <= app::kDnsMaxBytes) {
    questions.payload_bytes = static_cast<std::uint16_t>(*size);
  } else {
    reading.wrong(node.at, fmt::format("{} is out of range", size_text(*size)),
                  fmt::format("none, or from {}B to {}B", kLeastEdns, app::kDnsMaxBytes));
  }
}

// ---- services

// Relative to the zone; `@` is the zone itself.
std::optional<app::DnsName> read_owner(Reading& reading, const Node& node, const app::DnsName& origin) {
  const auto text = reading.text(node);
  if (!text) return std::nullopt;
  if (text == "@") return origin;
  const auto name = app::DnsName::parse(*text);
  const bool whole = text->ends_with('.');
  if (name && !whole && name->is_within(origin) && !origin.is_root()) {
    reading.wrong(node.at, fmt::format("{} would be {}{}", quoted(*text), name->text(), origin.text()),
                  fmt::format("names are relative to the zone; write '{}' for the whole one", name->text()));
    return std::nullopt;
  }
  const auto owner = name && !whole ? name->under(origin) : name;
  if (owner && owner->is_within(origin)) return owner;
  reading.wrong(node.at,
                name && owner ? fmt::format("{} does not lie in the zone {}", quoted(*text), origin.text())
                              : quoted(*text) + " is not a name of DNS",
                "as in www, '*' or '@', the zone itself");
  return std::nullopt;
}

std::uint32_t read_ttl(Reading& reading, const Node* node, std::uint32_t otherwise) {
  if (node == nullptr) return otherwise;
  const auto ttl = reading.duration(*node, Duration{0});
  if (!ttl) return otherwise;
  if (*ttl % seconds{1} != Duration{0} || *ttl > kLongestTtl) {
    reading.wrong(node->at, fmt::format("{} cannot be a TTL", duration_text(*ttl)), "whole seconds, as in 60s");
    return otherwise;
  }
  return static_cast<std::uint32_t>(*ttl / seconds{1});
}

void read_record(Reading& reading, const Node& node, const app::DnsName& origin, std::uint32_t ttl,
                 std::vector<app::DnsZoneRecord>& records) {
  Fields fields(reading, node, kDnsRecordTable, "a record", node.at);
  const Node* const name = fields.require("name", "as in {name: www, type: A, data: 10.0.255.1}");
  const Node* const type_node = fields.require("type");
  const Node* const data = fields.require("data");
  const std::uint32_t own_ttl = read_ttl(reading, fields.find("ttl"), ttl);
  const auto owner = name == nullptr ? std::nullopt : read_owner(reading, *name, origin);
  const auto type = type_node == nullptr ? std::nullopt : read_type(reading, *type_node);
  if (!owner || !type || data == nullptr) return;
  for (const Node* const one : one_or_more(*data)) {
    if (auto bytes = read_data(reading, *one, *type, origin)) {
      records.push_back({*owner, *type, own_ttl, std::move(*bytes)});
    }
  }
}

// RFC 1034 section 3.6.2: an alias is alone at its name.
void check_aliases(Reading& reading, Place at, const std::vector<app::DnsZoneRecord>& records) {
  std::map<std::string, std::pair<std::size_t, std::size_t>> at_name;  // records, and aliases of those
  for (const app::DnsZoneRecord& record : records) {
    auto& [all, aliases] = at_name[record.owner.lowered().text()];
    ++all;
    if (record.type == app::DnsType::kCname) ++aliases;
    if (aliases > 0 && all > 1) {
      return reading.wrong(at, fmt::format("{} has a CNAME record and another one", record.owner.text()),
                           "an alias is the only record of its name");
    }
  }
}

}  // namespace

DnsWorkload read_dns(Reading& reading, const Node& node, Place at) {
  Fields fields(reading, node, kDnsTable, "'dns'", at);
  DnsWorkload dns;
  app::DnsQuestions& questions = dns.questions;
  read_queries(reading, fields, questions);
  if (const Node* const order = fields.find("order")) {
    questions.at_random = reading.choice<bool>(*order, {{"in-order", false}, {"random", true}}).value_or(false);
  }
  if (const Node* const count = fields.find("per_session")) {
    questions.per_session = static_cast<std::uint32_t>(reading.integer(*count, 1, kMostPerSession).value_or(1));
  }
  if (const Node* const transport = fields.find("transport")) {
    questions.transport = reading
                              .choice<app::DnsTransport>(*transport, {{"auto", app::DnsTransport::kAuto},
                                                                      {"udp", app::DnsTransport::kUdp},
                                                                      {"tcp", app::DnsTransport::kTcp}})
                              .value_or(app::DnsTransport::kAuto);
  }
  if (const Node* const retry = fields.find("retry")) {
    questions.retry = reading.duration(*retry, milliseconds{1}).value_or(questions.retry);
    if (questions.retry > kLongestRetry) {
      reading.wrong(retry->at, fmt::format("{} is long to wait for an answer", duration_text(questions.retry)),
                    fmt::format("at most {}", duration_text(kLongestRetry)));
    }
  }
  if (const Node* const tries = fields.find("tries")) {
    questions.tries = static_cast<std::uint32_t>(reading.integer(*tries, 1, app::DnsQuestions::kMaxTries).value_or(1));
  }
  if (const Node* const edns = fields.find("edns")) read_edns(reading, *edns, questions);
  return dns;
}

DnsService read_dns_service(Reading& reading, const Node& node, Place at) {
  Fields fields(reading, node, kDnsServiceTable, "'dns'", at);
  DnsService service;
  const Node* const zone = fields.require("zone", "as in example.test");
  const std::uint32_t ttl = read_ttl(reading, fields.find("ttl"), 60);
  const Node* const list = fields.require("records");
  const auto origin = zone == nullptr ? std::nullopt : read_name(reading, *zone);
  if (!origin || list == nullptr) return service;
  service.origin = origin->text();
  if (!list->is_list()) {
    reading.wrong(list->at, fmt::format("records are a list, not {}", list->kind_name()),
                  "as in [{name: www, type: A, data: 10.0.255.1}]");
    return service;
  }
  std::vector<app::DnsZoneRecord> records;
  for (const NodePtr& item : list->items) {
    if (reading.problems.full()) return service;
    read_record(reading, *item, *origin, ttl, records);
  }
  check_aliases(reading, list->at, records);
  if (!reading.problems.none()) return service;
  service.records = records.size();
  service.zone = std::make_shared<const app::DnsZone>(*origin, ttl, std::move(records));
  return service;
}

}  // namespace myriad::plan
