#include "cli/replay.h"

#include "cli/hosts.h"
#include "templates/plan/load.h"

namespace myriad::cli {
namespace {

// A number that has no unit of its own gets one.
std::string with_unit(const std::string& text, const char* unit) {
  const bool bare = !text.empty() && text.find_first_not_of("0123456789.") == std::string::npos;
  return yaml_scalar(bare ? text + unit : text);
}

// A path means itself, whatever it looks like.
std::string path_scalar(std::string path) {
  for (std::size_t at = 0; (at = path.find("${", at)) != std::string::npos; at += 3) path.insert(at, "$");
  return yaml_scalar(path);
}

bool maps(const ReplayCommand& command) {
  const HostsCommand& map = command.map;
  return map.ipv4 || map.ipv6 || map.mac || map.vlan || map.count != 1;
}

}  // namespace

std::string replay_scenario(const ReplayCommand& command) {
  std::string text = "version: 1\nports:\n  port: {interface: " + yaml_scalar(command.interface) + "}\n";
  if (maps(command)) text += hosts_section(command.map);
  text += "replays:\n  replay:\n    port: port\n    pcap: " + path_scalar(command.file) + "\n";
  const auto add = [&](const std::string& key, const std::string& value) {
    text += "    " + key + ": " + value + "\n";
  };
  if (command.multiplier) add("speed", "{multiplier: " + yaml_scalar(*command.multiplier) + "}");
  if (command.pps) add("speed", "{pps: " + with_unit(*command.pps, "pps") + "}");
  if (command.mbps) add("speed", "{bps: " + with_unit(*command.mbps, "Mbps") + "}");
  if (command.topspeed) add("speed", "max");
  if (command.loop) add("loop", *command.loop == "0" ? "forever" : yaml_scalar(*command.loop));
  if (command.limit) add("limit", yaml_scalar(*command.limit));
  if (command.duration) add("duration", with_unit(*command.duration, "s"));
  if (maps(command)) add("map", "{clients: {hosts: hosts}}");
  return text;
}

Result<plan::Plan> replay_plan(const ReplayCommand& command) {
  plan::LoadOptions options;
  options.need_interfaces = true;
  options.variable = [](const std::string&) { return std::nullopt; };
  auto plan = plan::load_text("replay", replay_scenario(command), options);
  if (plan) return std::move(*plan);
  std::string what;
  std::string cure;
  for (const plan::Diagnostic& problem : plan.error()) {
    what += (what.empty() ? "" : "; ") + problem.what;
    if (cure.empty()) cure = problem.suggestion;
  }
  return fail(Fault::kUsage, what, cure);
}

}  // namespace myriad::cli
