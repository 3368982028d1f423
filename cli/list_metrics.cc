#include "cli/list_metrics.h"

#include <fmt/format.h>

#include <type_traits>

#include "report/format.h"
#include "report/metrics.h"

namespace myriad::cli {
namespace {

constexpr std::size_t kNameColumns = 30;

struct Lister {
  std::string prefix;
  std::string& text;

  template <class Value>
  void operator()(const char* name, const Value&, const char* meaning) const {
    if constexpr (std::is_same_v<Value, std::string>) return;  // text is no metric
    std::string full = prefix + name;
    if constexpr (std::is_same_v<Value, report::TcpResult>) {
      return report::visit_metrics(report::TcpResult{}, Lister{full + ".", text});
    }
    std::string kind;
    if constexpr (std::is_same_v<Value, Histogram>) kind = " p(50) p(90) p(99) p(99.9) min mean max count";
    if constexpr (std::is_same_v<Value, report::Reasons>) full += "[.REASON]";
    text += fmt::format("  {} {}{}\n", report::left(full, kNameColumns), meaning, kind.empty() ? "" : ";" + kind);
  }
};

template <class Part>
void list_section(const char* title, const char* name, std::string& text) {
  text += fmt::format("{}\n", title);
  report::visit_metrics(Part{}, Lister{std::string(name) + ".", text});
  text += "\n";
}

}  // namespace

std::string metrics_text() {
  std::string text;
  list_section<report::WorkloadResult>("of a workload:", "WORKLOAD", text);
  list_section<report::ServiceResult>("of a service:", "SERVICE", text);
  list_section<report::FlowResult>("of a flow:", "FLOW", text);
  list_section<report::ReplayResult>("of a replay:", "REPLAY", text);
  list_section<report::GroupResult>("of a host group:", "GROUP", text);
  list_section<report::PortResult>("of a port:", "PORT", text);
  text += "of the run:\n";
  text += fmt::format("  {} how long it took\n", report::left("myriad.seconds", kNameColumns));
  text += fmt::format("  {} what chance came from\n", report::left("myriad.seed", kNameColumns));
  text += fmt::format("  {} of the machine\n\n", report::left("machine.cores", kNameColumns));
  text +=
      "Counters are compared with a number, a rate (\">= 500/s\", \"> 10kpps\", \"> 100Mbps\") or, as a part of what\n"
      "they belong to, a percentage: WORKLOAD.sessions_failed: [\"< 1%\"] of those that were started.\n";
  text += "Distributions (…_seconds) need one of their statistics, e.g. WORKLOAD.session_seconds: [\"p(99) < 2s\"].\n";
  return text;
}

}  // namespace myriad::cli
