#include "cli/hosts.h"

#include <fmt/format.h>

#include "templates/plan/load.h"

namespace myriad::cli {
namespace {

// "100" → 100, "100,7" → [100, 7]; anything else as it is, for the reader to refuse.
std::string vlan_value(const std::string& text) {
  if (text.empty() || text.find_first_not_of("0123456789,") != std::string::npos) return yaml_scalar(text);
  return text.find(',') == std::string::npos ? text : "[" + text + "]";
}

}  // namespace

std::string yaml_scalar(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string hosts_section(const HostsCommand& command) {
  std::string text = "hosts:\n  hosts:\n    port: port\n";
  text += fmt::format("    count: {}\n", command.count);
  const auto add = [&](const char* key, const std::optional<std::string>& value) {
    if (value) text += fmt::format("    {}: {}\n", key, yaml_scalar(*value));
  };
  add("ipv4", command.ipv4);
  add("ipv6", command.ipv6);
  add("mac", command.mac);
  add("gateway", command.gateway);
  add("gateway6", command.gateway6);
  if (command.vlan) text += "    vlan: " + vlan_value(*command.vlan) + "\n";
  return text;
}

std::string hosts_scenario(const HostsCommand& command) {
  return "version: 1\nports:\n  port: {interface: " + yaml_scalar(command.interface) + "}\n" + hosts_section(command);
}

Result<plan::Plan> hosts_plan(const HostsCommand& command) {
  std::optional<Duration> duration;
  if (command.duration) {
    const auto read = plan::read_duration_option("--duration", *command.duration);
    if (!read) return tl::unexpected(read.error());
    duration = *read;
  }
  plan::LoadOptions options;
  options.need_interfaces = true;
  options.variable = [](const std::string&) { return std::nullopt; };
  auto plan = plan::load_text("hosts", hosts_scenario(command), options);
  if (plan) {
    plan->duration = duration;
    return std::move(*plan);
  }
  std::string what = "these hosts cannot be";
  std::string cure;
  for (const plan::Diagnostic& problem : plan.error()) {
    what += "; " + problem.what;
    if (cure.empty()) cure = problem.suggestion;
  }
  return fail(Fault::kUsage, what, cure);
}

}  // namespace myriad::cli
