#include "cli/verbs.h"

#include <utility>
#include <variant>

#include "cli/command_line.h"
#include "cli/demo.h"
#include "cli/doctor.h"
#include "cli/hosts.h"
#include "cli/list_fields.h"
#include "cli/list_metrics.h"
#include "cli/print.h"
#include "cli/replay.h"
#include "cli/run_scenario.h"
#include "cli/send.h"
#include "engine/place.h"
#include "templates/plan/load.h"

namespace myriad::cli {
namespace {

Result<plan::Plan> load(const ScenarioOptions& scenario, bool need_interfaces) {
  plan::LoadOptions options;
  options.set = scenario.set;
  options.interfaces = scenario.interfaces;
  options.seed = scenario.seed;
  options.duration = scenario.duration;
  options.need_interfaces = need_interfaces;
  return plan::load(scenario.file, options);
}

class Verb {
 public:
  explicit Verb(std::vector<std::string> command_line) : command_line_(std::move(command_line)) {}

  ExitCode operator()(const RunCommand& command) const {
    auto plan = load(command.scenario, true);
    if (!plan) return complain(plan.error());
    return run_scenario(std::move(*plan), command.run, command_line_);
  }
  ExitCode operator()(const ValidateCommand& command) const {
    const auto plan = load(command.scenario, false);
    if (!plan) return complain(plan.error());
    for (std::size_t port = 0; port < plan->ports.size(); ++port) {
      if (const auto trouble = engine::place(*plan, port).trouble) return complain(*trouble);
    }
    print_out(plan::describe(*plan));
    return ExitCode::kDone;
  }
  ExitCode operator()(const HostsCommand& command) const {
    auto plan = hosts_plan(command);
    if (!plan) return complain(plan.error());
    return run_scenario(std::move(*plan), command.run, command_line_);
  }
  ExitCode operator()(const SendCommand& command) const {
    auto plan = send_plan(command);
    if (!plan) return complain(plan.error());
    return run_scenario(std::move(*plan), command.run, command_line_);
  }
  ExitCode operator()(const ReplayCommand& command) const {
    auto plan = replay_plan(command);
    if (!plan) return complain(plan.error());
    return run_scenario(std::move(*plan), command.run, command_line_);
  }
  ExitCode operator()(const DoctorCommand& command) const { return doctor(command); }
  ExitCode operator()(const ListCommand& command) const {
    using What = ListCommand::What;
    if (command.what != What::kInterfaces) {
      print_out(command.what == What::kMetrics     ? metrics_text()
                : command.what == What::kProtocols ? protocols_text()
                                                   : fields_text());
      return ExitCode::kDone;
    }
    const auto text = interfaces_text();
    if (!text) return complain(text.error());
    print_out(*text);
    return ExitCode::kDone;
  }
  ExitCode operator()(const DemoCommand& command) const { return demo(command, command_line_); }
  ExitCode operator()(const PrintCommand& command) const {
    print_out(command.text);
    return ExitCode::kDone;
  }

 private:
  std::vector<std::string> command_line_;
};

}  // namespace

ExitCode execute(const std::string& program, const std::vector<std::string>& arguments) {
  const auto command = parse_command_line(arguments);
  if (!command) return complain(command.error());
  std::vector<std::string> command_line{program};
  command_line.insert(command_line.end(), arguments.begin(), arguments.end());
  return std::visit(Verb{std::move(command_line)}, *command);
}

}  // namespace myriad::cli
