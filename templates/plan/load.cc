#include "templates/plan/load.h"

#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "templates/plan/overrides.h"
#include "templates/plan/reading.h"
#include "templates/plan/yaml.h"

namespace myriad::plan {
namespace {

constexpr std::uint64_t kVersion = 1;  // of the scenario language
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

bool read_version(Reading& reading, Fields& fields) {
  const Node* const node = fields.require("version", "begin the file with 'version: 1'");
  if (node == nullptr) return false;
  const auto version = reading.quantity(*node, parse_integer);
  if (version == kVersion) return true;
  if (version)
    reading.wrong(node->at, fmt::format("version {} of the scenario language", *version),
                  "this release knows version 1");
  return false;
}

void read_sections(Reading& reading, const Node& root) {
  Fields fields(reading, root, kScenarioTable, "the scenario", {root.at.source, 0, 0});
  if (!read_version(reading, fields)) return;
  if (const Node* const seed = fields.find("seed"))
    reading.plan.seed = reading.quantity(*seed, parse_integer).value_or(1);
  if (const Node* const duration = fields.find("duration")) {
    reading.plan.duration = reading.duration(*duration, std::chrono::milliseconds{1});
  }
  if (const Node* const ports = fields.require("ports", "as in 'ports: {lan: {interface: eth1}}'"))
    read_ports(reading, *ports);
  // Frames can be sent without being anybody's.
  const Node* const hosts =
      fields.has("flows") || fields.has("replays")
          ? fields.find("hosts")
          : fields.require("hosts", "as in 'hosts: {clients: {port: lan, count: 10, ipv4: 10.0.1.1/16}}'");
  if (hosts != nullptr) read_hosts(reading, *hosts);
  if (const Node* const services = fields.find("services")) read_services(reading, *services);
  if (const Node* const workloads = fields.find("workloads")) read_workloads(reading, *workloads);
  if (const Node* const flows = fields.find("flows")) read_flows(reading, *flows);
  if (const Node* const replays = fields.find("replays")) read_replays(reading, *replays);
  if (const Node* const thresholds = fields.find("thresholds")) read_thresholds(reading, *thresholds);
}

Plan read_plan(std::string name, std::string text, const LoadOptions& options, Problems& problems) {
  if (std::string_view(text).starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
  const bool too_large = text.size() > kMostTextBytes;
  const std::uint32_t file = problems.add_source(name, too_large ? std::string{} : std::move(text));
  if (too_large) {
    problems.add({file, 0, 0}, fmt::format("the file is larger than {}", size_text(kMostTextBytes)),
                 "a scenario describes many hosts in a few lines; is this the right file?");
    return {};
  }
  if (!check_text(file, problems)) return {};
  std::string whole(problems.source_text(file));
  NodePtr root = parse_yaml(problems.source_text(file), {file, 1, 1}, problems);
  if (!root) return {};
  if (!root->is_map()) {
    problems.add(root->at, fmt::format("a scenario is a mapping, not {}", root->kind_name()),
                 "begin the file with 'version: 1'");
    return {};
  }
  root = with_overrides(std::move(root), options, problems);
  Reading reading(problems, options);
  reading.plan.file = std::move(name);
  reading.plan.text = std::move(whole);
  read_scenario(reading, *root);
  return std::move(reading.plan);
}

// The whole file, or a little more than a scenario may have.
Result<std::string> read_file(const std::string& path) {
  const auto failed = [&](int error) {
    return fail(Fault::kUsage, fmt::format("cannot read the scenario {}", path), "check the path", error);
  };
  errno = 0;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  if (!file) return failed(errno);
  std::string text(kMostTextBytes + kByteOrderMark.size() + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) return failed(errno);
  return text;
}

}  // namespace

void read_scenario(Reading& reading, const Node& root) {
  read_sections(reading, root);
  if (!reading.problems.none()) return;
  choose_macs(reading);
  check_hosts(reading);
  if (reading.problems.none()) check_workloads(reading);
  if (reading.problems.none()) check_flows(reading);
}

tl::expected<Plan, std::vector<Diagnostic>> load_text(std::string name, std::string text, const LoadOptions& options) {
  Problems problems;
  Plan plan = read_plan(std::move(name), std::move(text), options, problems);
  if (!problems.none()) return tl::unexpected(problems.list());
  return plan;
}

Result<Plan> load(const std::string& path, const LoadOptions& options) {
  auto text = read_file(path);
  if (!text) return tl::unexpected(text.error());
  auto plan = load_text(path, std::move(*text), options);
  if (plan) return std::move(*plan);
  return fail(Fault::kUsage, text_of(plan.error()));
}

Result<Duration> read_duration_option(const std::string& option, const std::string& text) {
  const auto duration = parse_duration(text);
  if (duration) return *duration;
  return fail(Fault::kUsage, option + ": " + duration.error().what, duration.error().suggestion);
}

}  // namespace myriad::plan
