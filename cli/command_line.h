// What the user asked for, as values. Parsing touches nothing but the arguments.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "templates/plan/plan.h"
#include "templates/plan/send.h"

namespace myriad::cli {

// How a run is carried out and reported, whatever is run.
struct RunOptions {
  std::optional<plan::PortMode> mode;         // of every port, in place of the scenario's
  std::optional<std::string> json;            // file, or "-": stdout, in place of the summary
  std::optional<std::string> hosts_json;      // file
  std::optional<std::string> events;          // file
  std::optional<std::string> report;          // file: a page of HTML
  std::optional<std::string> metrics;         // address and port
  std::optional<std::string> capture;         // file
  std::optional<std::string> capture_filter;  // which frames, in libpcap's syntax
  bool quiet = false;                         // no progress
  bool verbose = false;                       // says what was obtained: modes, queues, refusals
  bool allow_default_route = false;
};

// How a scenario is read.
struct ScenarioOptions {
  std::string file;
  std::vector<std::string> interfaces;  // NAME=IFACE
  std::vector<std::string> set;         // path.to.key=value
  std::optional<std::string> duration;  // with its unit
  std::optional<std::string> seed;
};

struct RunCommand {
  ScenarioOptions scenario;
  RunOptions run;
};
struct ValidateCommand {
  ScenarioOptions scenario;
};
struct HostsCommand {
  std::string interface;
  std::uint32_t count = 1;
  std::optional<std::string> ipv4, ipv6, mac, gateway, gateway6, vlan;
  std::optional<std::string> duration;
  RunOptions run;
};
struct SendCommand {
  plan::SendOptions flow;
  RunOptions run;
};
struct ReplayCommand {
  std::string file;
  std::string interface;
  std::optional<std::string> multiplier, pps, mbps;
  bool topspeed = false;
  std::optional<std::string> loop, limit, duration;
  HostsCommand map;  // whose hosts the sources become, when it has addresses
  RunOptions run;
};
struct DoctorCommand {
  std::optional<std::string> interface;
};
struct ListCommand {
  enum class What { kInterfaces, kProtocols, kFields, kMetrics } what = What::kInterfaces;
};
struct DemoCommand {
  bool builtin_server = false;  // even where nginx is installed
  RunOptions run;
};
// Help or version: the text goes to stdout, and that is all.
struct PrintCommand {
  std::string text;
};

using Command = std::variant<RunCommand, ValidateCommand, HostsCommand, SendCommand, ReplayCommand, DoctorCommand,
                             ListCommand, DemoCommand, PrintCommand>;

// Fault::kUsage, with what is wrong and where help is. `arguments` without the program's name.
[[nodiscard]] Result<Command> parse_command_line(const std::vector<std::string>& arguments);

// "myriad 0.1.0", features, libraries.
[[nodiscard]] std::string version_text();

}  // namespace myriad::cli
