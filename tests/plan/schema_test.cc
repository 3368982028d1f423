// templates/SCHEMA.md and the reader's tables of keys say the same, in both directions, and every example is good.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "templates/plan/keys_dns.h"
#include "templates/plan/keys_flows.h"
#include "templates/plan/keys_http.h"
#include "templates/plan/keys_replays.h"
#include "templates/plan/keys_script.h"
#include "templates/plan/keys_smb2.h"
#include "templates/plan/metrics.h"
#include "tests/plan/plan_of.h"

namespace myriad::plan {
namespace {

struct Row {
  std::string section, key, type, fallback, example, meaning;
};

std::vector<std::string> lines_of_schema() {
  std::ifstream in(std::string(MYRIAD_TEMPLATES) + "/SCHEMA.md");
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(' ');
  return first == text.npos ? "" : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

std::string bare(const std::string& cell) {
  return cell.size() >= 2 && cell.front() == '`' && cell.back() == '`' ? cell.substr(1, cell.size() - 2) : cell;
}

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::stringstream rest(line.substr(1));
  for (std::string cell; std::getline(rest, cell, '|');) cells.push_back(trimmed(cell));
  return cells;
}

// The title of a heading of the second or third level; empty when the line is none.
std::string heading(const std::string& line) {
  if (line.starts_with("## ")) return line.substr(3);
  if (line.starts_with("### ")) return line.substr(4);
  return "";
}

std::vector<Row> rows_of_schema() {
  std::vector<Row> rows;
  std::string section;
  for (const std::string& line : lines_of_schema()) {
    if (const auto title = heading(line); !title.empty()) section = title;
    if (!line.starts_with("| `")) continue;
    const auto cells = cells_of(line);
    if (cells.size() != 5) {
      ADD_FAILURE() << "five cells are needed: " << line;
      continue;
    }
    rows.push_back({section, bare(cells[0]), cells[1], cells[2], bare(cells[3]), cells[4]});
  }
  return rows;
}

const std::vector<Row>& all_rows() {
  static const std::vector<Row> rows = rows_of_schema();
  return rows;
}

std::vector<KeyTable> all_tables() {
  std::vector<KeyTable> tables(kKeyTables.begin(), kKeyTables.end());
  tables.insert(tables.end(), kFlowTables.begin(), kFlowTables.end());
  tables.insert(tables.end(), kReplayTables.begin(), kReplayTables.end());
  tables.insert(tables.end(), kSmb2Tables.begin(), kSmb2Tables.end());
  tables.insert(tables.end(), kHttpTables.begin(), kHttpTables.end());
  tables.insert(tables.end(), kDnsTables.begin(), kDnsTables.end());
  tables.insert(tables.end(), kScriptTables.begin(), kScriptTables.end());
  tables.insert(tables.end(), layer_tables().begin(), layer_tables().end());
  return tables;
}

TEST(Schema, HasEverySectionOfTheReader) {
  std::vector<std::string> titles;
  for (const std::string& line : lines_of_schema()) titles.push_back(heading(line));
  for (const KeyTable& table : all_tables()) EXPECT_THAT(titles, ::testing::Contains(std::string(table.section)));
}

TEST(Schema, SaysWhatTheTablesSay) {
  std::map<std::pair<std::string, std::string>, Row> written;
  for (const Row& row : all_rows()) {
    EXPECT_TRUE(written.emplace(std::pair{row.section, row.key}, row).second)
        << row.section << "." << row.key << " twice";
  }
  std::size_t known = 0;
  for (const KeyTable& table : all_tables()) {
    for (const Key& key : table.keys) {
      ++known;
      const auto row = written.find({std::string(table.section), std::string(key.name)});
      ASSERT_NE(row, written.end()) << table.section << "." << key.name << " is not in SCHEMA.md";
      EXPECT_EQ(row->second.type, key.type) << table.section << "." << key.name;
      EXPECT_EQ(row->second.fallback, key.fallback) << table.section << "." << key.name;
      EXPECT_EQ(row->second.meaning == "✗", !key.supported) << table.section << "." << key.name;
    }
  }
  EXPECT_EQ(written.size(), known) << "SCHEMA.md has keys that the reader does not know";
}

TEST(Schema, ListsTheMetrics) {
  std::map<std::string, std::vector<std::string>> written;
  for (const std::string& line : lines_of_schema()) {
    const auto cells = line.starts_with("| ") ? cells_of(line) : std::vector<std::string>{};
    if (cells.size() != 2 || !cells[1].starts_with("`")) continue;
    std::stringstream names(cells[1]);
    for (std::string name; names >> name;) written[cells[0]].push_back(bare(name));
  }
  for (const MetricSection& section : kMetricSections) {
    std::vector<std::string> known;
    for (const Metric& metric : section.metrics) known.emplace_back(metric.name);
    EXPECT_EQ(written[std::string(section.name)], known) << section.name;
  }
}

// A scenario into which the example of one key fits.
constexpr const char* kBase = R"(
version: 1
ports: {lan: {}}
hosts:
  clients: {port: lan, count: 1000, ipv4: 10.0.1.1/16, ipv6: "fd00::1:1/64", vlan: {id: 100}}
  servers: {port: lan, count: 10, ipv4: 10.0.9.1/16, ipv6: "fd00::9:1/64", vlan: {id: 100}}
services:
  s: {on: servers, port: 7}
workloads:
  w: {from: clients, to: "10.0.255.1:80"}
)";

// A flow into which the example fits: layers by their place in the packet.
constexpr const char* kFlowBase = R"(
version: 1
ports: {lan: {}}
hosts:
  clients: {port: lan, count: 1000, ipv4: 10.0.1.1/16, ipv6: "fd00::1:1/64", vlan: {id: 100}}
flows:
  f: {from: clients, packet: [ethernet: {dst: 02:00:00:00:00:01}]}
)";

// A replay into which the example fits.
constexpr const char* kReplayBase = R"(
version: 1
ports: {lan: {}, wan: {}}
hosts:
  clients: {port: lan, count: 1000, ipv4: 10.0.1.1/16}
  servers: {port: lan, count: 10, ipv4: 10.0.9.1/16}
replays:
  r: {port: lan, pcap: ../pcap_samples/http_us.pcap}
)";

std::vector<std::string> replay_options(const Row& row) {
  const std::string entry = "{" + row.key + ": " + row.example;
  if (row.section == "replays.NAME" && row.key == "ports") {
    return {"replays.r={ports: " + row.example + ", pcap: ../pcap_samples/http_us.pcap}"};
  }
  if (row.section == "replays.NAME.ports") {
    return {"replays.r={ports: " + entry + ", " + (row.key == "clients" ? "servers: wan" : "clients: lan") +
            "}, pcap: ../pcap_samples/http_us.pcap}"};
  }
  if (row.key == "layer") return {"replays.r.speed=" + entry + ", bps: 1Mbps}"};
  std::string path = row.section + "." + row.key;
  path.replace(path.find("NAME"), 4, "r");
  return {path + "=" + row.example};
}

std::vector<std::string> dns_options(const Row& row) {
  const std::string value = row.key + ": " + row.example;
  if (row.section == "services.NAME.dns" || row.section == "services.NAME.dns.records") {
    std::string fields;
    const bool of_record = row.section.ends_with("records");
    static const std::vector<std::string> kOfRecord = {"name: www", "type: A", "data: 10.0.0.1"};
    static const std::vector<std::string> kOfZone = {"zone: example.test", "records: []"};
    for (const std::string& field : of_record ? kOfRecord : kOfZone) {
      if (!field.starts_with(row.key + ":")) fields += field + ", ";
    }
    fields += value;
    return {"services.s.dns={" + (of_record ? "zone: example.test, records: [{" + fields + "}]" : fields) + "}"};
  }
  const std::string query = "query: [www.example.test, A]";
  std::string inside = value;
  if (row.section.ends_with("dns.expect")) inside = query + ", expect: {" + value + "}";
  if (row.section.ends_with("dns.queries")) {
    inside = "queries: [{" + (row.key == "query" ? value : query + ", " + value) + "}]";
  }
  if (row.section.ends_with(".dns") && row.key != "query" && row.key != "queries") inside = query + ", " + value;
  return {"workloads.w.dns={" + inside + "}"};
}

std::string packet_for(const std::string& layer, const std::string& fields) {
  const std::map<std::string, std::string> before = {
      {"ethernet", ""},
      {"vlan", ""},
      {"arp", ""},
      {"ipv4", ""},
      {"ipv6", ""},
      {"hop_by_hop", "ipv6: {dst: fd00::1},"},
      {"destination", "ipv6: {dst: fd00::1},"},
      {"routing", "ipv6: {dst: fd00::1},"},
      {"fragment", "ipv6: {dst: fd00::1},"},
      {"icmp", "ipv4: {dst: 10.0.0.1},"},
      {"icmp6", "ipv6: {dst: fd00::1},"},
      {"udp", "ipv4: {dst: 10.0.0.1},"},
      {"tcp", "ipv4: {dst: 10.0.0.1},"},
      {"payload", "ipv4: {dst: 10.0.0.1}, udp: {dst: 9},"},
      {"raw", ""},
  };
  const std::string behind = layer == "ethernet" ? ", ipv4: {dst: 10.0.0.1}" : "";
  const std::string front = layer == "ethernet" ? "" : "ethernet: {dst: 02:00:00:00:00:01},";
  return "flows.f.packet=[" + front + before.at(layer) + layer + ": {" + fields + "}" + behind + "]";
}

// The options that put the example of a key of `flows` into the scenario.
std::vector<std::string> flow_options(const Row& row) {
  const std::string value = row.key + (row.example.empty() ? ":" : ": " + row.example);
  const std::string packet = "flows.NAME.packet.";
  if (row.section == "flows.NAME" && row.key == "port") {
    return {"flows.f={port: lan, packet: [raw: {hex: \"000102030405060708090a0b0c0d0e0f\"}]}"};
  }
  if (row.key == "data" || row.example == "words" || (row.section == packet + "LAYER.FIELD" && row.key == "column")) {
    return {"flows.f.data=rows.csv", row.example == "words" ? packet_for("payload", "text: {" + value + "}")
                                                            : packet_for("udp", "dst: {column: port}")};
  }
  if (!row.section.starts_with(packet)) {
    std::string path = row.section + "." + row.key;
    path.replace(path.find("NAME"), 4, "f");
    if (row.section == "flows.NAME.size.imix")
      return {"flows.f.size.imix=[{" + value + (row.key == "size" ? "}]" : ", size: 64B}]")};
    std::vector<std::string> options;
    if (row.section == "flows.NAME.size.random") options = {"flows.f.size.random={min: 64B, max: 1518B}"};
    if (row.section == "flows.NAME.size.increment") options = {"flows.f.size.increment={start: 64B, count: 5}"};
    if (row.section == "flows.NAME.duration.bursts") options = {"flows.f.duration.bursts={packets: 1, gap: 1s}"};
    if (row.section == "flows.NAME.rate" && row.key == "layer") options = {"flows.f.rate.bps=1Mbps"};
    if (row.section == "flows.NAME.mutate") options = {"flows.f.mutate.bits=1%"};
    options.push_back(path + "=" + row.example);
    return options;
  }
  const std::string layer = row.section.substr(packet.size());
  if (layer == "LAYER.FIELD") return {packet_for("udp", "dst: {" + value + "}")};
  if (layer == "LAYER.FIELD.increment") return {packet_for("udp", "dst: {increment: {" + value + "}}")};
  if (layer == "LAYER.FIELD.random") {
    return {row.key == "prefix" ? packet_for("ipv4", "dst: {random: {" + value + "}}")
                                : packet_for("udp", "dst: {random: {" + value + "}}")};
  }
  if (layer == "tcp.options") return {packet_for("tcp", "dst: 80, options: [{" + value + "}]")};
  if (layer == "tcp.options.timestamps") return {packet_for("tcp", "dst: 80, options: [timestamps: {" + value + "}]")};
  if (layer == "raw.fields") {
    std::string field = value;
    for (const char* const other : {"bit: 0", "width: 8", "value: 1"}) {
      if (!std::string(other).starts_with(row.key + ":")) field += std::string(", ") + other;
    }
    return {packet_for("raw", "hex: \"0011223344556677\", fields: [{" + field + "}]")};
  }
  std::string fields = value;
  const std::map<std::string, std::string> needed = {{"arp", "target_ip: 10.0.0.1"},
                                                     {"ipv4", "dst: 10.0.0.1"},
                                                     {"ipv6", "dst: fd00::1"},
                                                     {"udp", "dst: 9"},
                                                     {"tcp", "dst: 80"}};
  const auto other = needed.find(layer);
  if (other != needed.end() && row.key != "dst" && row.key != "target_protocol_addr") fields += ", " + other->second;
  if (layer == "raw" && row.key == "fields") fields += ", hex: \"00112233\"";
  return {packet_for(layer, fields)};
}

bool is_of_tls(const Row& row) {
  return row.section == "workloads.NAME.http.tls" || (row.section == "workloads.NAME.http" && row.key == "tls");
}

std::vector<std::string> preparation(const Row& row) {
  const bool is_kind = row.key == "http" || row.key == "https" || row.key == "echo" || row.key == "discard" ||
                       row.key == "icmp_echo" || row.key == "tcp" || row.key == "dns" || row.key == "chargen" ||
                       row.key == "udp" || (row.key == "smb2" && row.section == "workloads.NAME");
  const bool everywhere = row.section == "services.NAME.catch_all" || row.key == "catch_all";
  const std::string service = row.section.starts_with("services.NAME.http") ? "services.s.http="
                              : everywhere                                  ? "services.s={on: servers, catch_all: {}}"
                                                                            : "services.s.echo=";
  const bool own_service = row.section == "services.NAME" && is_kind;
  const bool whole = row.section == "scenario";
  std::vector<std::string> set;
  if (whole) return {"services=", "workloads="};
  if (!own_service) set.push_back(service);
  if (row.section == "workloads.NAME.icmp_echo" || row.key == "icmp_echo") set.push_back("workloads.w.to=10.0.255.1");
  if (row.key == "family") {
    set.push_back("workloads.w.to=servers");
    set.push_back("workloads.w.icmp_echo=");
  } else if (row.section.starts_with("workloads.NAME.icmp_echo")) {
    set.push_back("workloads.w.icmp_echo=");
  } else if (row.section.starts_with("workloads.NAME.udp")) {
    set.push_back("workloads.w.udp={script: [send: a]}");
  } else if (row.section.starts_with("workloads.NAME.tcp")) {
    set.push_back("workloads.w.tcp={script: [close]}");
  } else if (row.section.starts_with("workloads.NAME.smb2")) {
    set.push_back("workloads.w.smb2={share: public, user: alice, get: x, put: {name: x, size: 1KiB}}");
  } else if (is_of_tls(row)) {
    set.push_back("workloads.w.https=");
  } else if (row.section != "workloads.NAME" || !is_kind) {
    set.push_back("workloads.w.http=");
  }
  if (row.key == "after") set.push_back("workloads.fetch={from: clients, to: \"10.0.255.1:80\", http: {}}");
  if (row.section == "workloads.NAME.http.body" || (row.section == "workloads.NAME.http" && row.key == "body"))
    set.push_back("workloads.w.http.post=/");
  if (row.key == "of" || row.section == "workloads.NAME.load.stages")
    set.push_back("workloads.w.load.stages=[{duration: 1s, target: 1}]");
  return set;
}

// For a path in whose place no file is shipped.
std::string existing_file() {
  const std::string path = ::testing::TempDir() + "myriad-schema-file";
  std::ofstream(path) << "-----BEGIN CERTIFICATE-----";
  return path;
}

std::string assignment(const Row& row) {
  if (row.section == "workloads.NAME.tcp.script") {
    return "workloads.w.tcp.script=[" + row.key + (row.example.empty() ? "" : ": " + row.example) + "]";
  }
  for (const char* const step : {"send", "expect"}) {
    if (row.section == std::string("workloads.NAME.tcp.script.") + step) {
      return std::string("workloads.w.tcp.script=[") + step + ": {" + row.key + ": " + row.example + "}]";
    }
  }
  const std::map<std::string, std::string> names = {
      {"ports", "lan"}, {"hosts", "clients"}, {"services", "s"}, {"workloads", "w"}};
  std::string path = row.section == "scenario" ? "" : row.section + ".";
  if (const auto name = path.find("NAME"); name != path.npos) path.replace(name, 4, names.at(path.substr(0, name - 1)));
  if (row.section == "workloads.NAME.load.stages") path += "0.";
  if (row.section == "workloads.NAME.http.urls") {
    const bool is_method = row.key == "get" || row.key == "head" || row.key == "post" || row.key == "put";
    return "workloads.w.http.urls=[{" + std::string(is_method ? "" : "put: /, ") + row.key + ": " + row.example + "}]";
  }
  if (is_of_tls(row)) path.replace(path.find(".http"), 5, ".https");
  if (row.key == "ca") return path + row.key + "=" + existing_file();
  return path + row.key + "=" + row.example;
}

class ExampleTest : public ::testing::TestWithParam<std::size_t> {};

TEST_P(ExampleTest, IsGoodOrSaidToBeUnsupported) {
  const Row& row = all_rows()[GetParam()];
  LoadOptions options;
  const bool of_flow = row.section.starts_with("flows.");
  const bool of_replay = row.section.starts_with("replays.");
  const bool of_dns = row.section.find(".dns") != row.section.npos;
  options.set = of_flow     ? flow_options(row)
                : of_replay ? replay_options(row)
                : of_dns    ? dns_options(row)
                            : preparation(row);
  if (of_dns) options.set.emplace_back(row.section.starts_with("services.") ? "workloads.w.http=" : "services.s.echo=");
  if (!of_flow && !of_replay && !of_dns) options.set.push_back(assignment(row));
  const char* const base = of_flow ? kFlowBase : of_replay ? kReplayBase : kBase;
  const auto plan = load_text(MYRIAD_TEMPLATES "/example.yaml", base, options);
  if (row.meaning == "✗") {
    ASSERT_FALSE(plan);
    EXPECT_THAT(plan.error().front().what, ::testing::HasSubstr("not supported by this release"))
        << plan.error().front().text();
    return;
  }
  EXPECT_TRUE(plan) << options.set.back() << "\n" << plan.error().front().text();
}

std::string row_name(const ::testing::TestParamInfo<std::size_t>& info) {
  std::string name = all_rows()[info.param].section + "_" + all_rows()[info.param].key;
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Schema, ExampleTest, ::testing::Range(std::size_t{0}, all_rows().size()), row_name);

TEST(Schema, ItsScenariosAreGood) {
  std::string block;
  bool inside = false;
  int blocks = 0;
  for (const std::string& line : lines_of_schema()) {
    if (line.starts_with("```")) {
      if (inside) {
        plan_of(block);
        ++blocks;
      }
      block.clear();
      inside = !inside;
    } else if (inside) {
      block += line + "\n";
    }
  }
  EXPECT_GE(blocks, 1);
}

}  // namespace
}  // namespace myriad::plan
