#include "report/prometheus.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <map>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "report/format.h"
#include "report/metrics.h"

namespace myriad::report {
namespace {

// Upper bounds of the buckets of every histogram: from what a frame takes between two ports to what a patient session
// takes.
struct Bound {
  std::uint64_t ns;
  const char* text;  // in seconds
};
constexpr std::array kBounds = {
    Bound{1'000, "1e-06"},         Bound{2'500, "2.5e-06"},     Bound{5'000, "5e-06"},
    Bound{10'000, "1e-05"},        Bound{25'000, "2.5e-05"},    Bound{50'000, "5e-05"},
    Bound{100'000, "0.0001"},      Bound{250'000, "0.00025"},   Bound{500'000, "0.0005"},
    Bound{1'000'000, "0.001"},     Bound{2'500'000, "0.0025"},  Bound{5'000'000, "0.005"},
    Bound{10'000'000, "0.01"},     Bound{25'000'000, "0.025"},  Bound{50'000'000, "0.05"},
    Bound{100'000'000, "0.1"},     Bound{250'000'000, "0.25"},  Bound{500'000'000, "0.5"},
    Bound{1'000'000'000, "1"},     Bound{2'500'000'000, "2.5"}, Bound{5'000'000'000, "5"},
    Bound{10'000'000'000, "10"},   Bound{30'000'000'000, "30"}, Bound{60'000'000'000, "60"},
    Bound{300'000'000'000, "300"},
};

// Numbers that may become less.
constexpr std::string_view kGauges[] = {"sessions_open", "hosts_succeeded", "hosts_failed", "concurrent_max",
                                        "count",         "queues",          "shards",       "lost",
                                        "sources",       "rate_error"};
// Known only when nobody scrapes any more.
constexpr std::string_view kOfTheEnd[] = {"myriad_group_hosts_succeeded", "myriad_group_hosts_failed"};

template <class List>
bool is_in(const List& list, std::string_view name) {
  return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

std::string labels_text(const Labels& labels) {
  std::string text;
  for (const auto& [name, value] : labels) {
    text += text.empty() ? "{" : ",";
    text += std::string(name) + "=\"";
    for (const char c : valid_utf8(value)) {
      if (c == '\\' || c == '"') text += '\\';
      text += c == '\n' ? std::string("\\n") : std::string(1, c);
    }
    text += '"';
  }
  return text.empty() ? text : text + "}";
}

// Families in the order in which they are first met; the samples of each together, as the format wants them.
class Exposition {
 public:
  void sample(const std::string& name, const char* type, std::string_view help, const Labels& labels, double value) {
    const std::string number =
        value == std::floor(value) && std::abs(value) < 1e15 ? fmt::format("{:.0f}", value) : fmt::format("{}", value);
    family(name, type, help) += fmt::format("{}{} {}\n", name, labels_text(labels), number);
  }
  void histogram(const std::string& name, std::string_view help, const Labels& labels, const Histogram& histogram) {
    std::string& samples = family(name, "histogram", help);
    std::array<std::uint64_t, kBounds.size()> bounds{};
    std::transform(kBounds.begin(), kBounds.end(), bounds.begin(), [](const Bound& bound) { return bound.ns; });
    const auto counts = histogram.at_most(bounds);
    Labels with_bound = labels;
    with_bound.emplace_back("le", "");
    const auto bucket = [&](std::string_view bound, std::uint64_t count) {
      with_bound.back().second = bound;
      samples += fmt::format("{}_bucket{} {}\n", name, labels_text(with_bound), count);
    };
    for (std::size_t i = 0; i < counts.size(); ++i) bucket(kBounds[i].text, counts[i]);
    bucket("+Inf", histogram.count());
    samples += fmt::format("{}_sum{} {}\n", name, labels_text(labels), histogram.sum() * 1e-9);
    samples += fmt::format("{}_count{} {}\n", name, labels_text(labels), histogram.count());
  }
  [[nodiscard]] std::string text() const {
    std::string all;
    for (const Family& family : families_) {
      if (!family.samples.empty()) all += family.head + family.samples;
    }
    return all;
  }

 private:
  struct Family {
    std::string head;
    std::string samples;
  };

  std::string& family(const std::string& name, const char* type, std::string_view help) {
    const auto [known, is_new] = index_.try_emplace(name, families_.size());
    if (is_new) families_.push_back({fmt::format("# HELP {0} {1}.\n# TYPE {0} {2}\n", name, help, type), {}});
    return families_[known->second].samples;
  }

  std::vector<Family> families_;
  std::map<std::string, std::size_t> index_;
};

// One visitor for the metrics of every part.
struct Writer {
  Exposition& out;
  std::string prefix;
  Labels labels;

  // Texts are labels of the family that tells what a port is.
  void operator()(std::string_view, const std::string&, const char*) const {}
  void operator()(std::string_view name, const Histogram& value, const char* help) const {
    out.histogram(prefix + std::string(name), help, labels, value);
  }
  void operator()(std::string_view name, const Reasons& value, const char* help) const {
    Labels with_reason = labels;
    with_reason.emplace_back("reason", "");
    for (const auto& [reason, count] : value) {
      if (!is_told(reason, count)) continue;
      with_reason.back().second = reason;
      out.sample(prefix + std::string(name) + "_total", "counter", help, with_reason, static_cast<double>(count));
    }
  }
  void operator()(std::string_view name, const TcpResult& value, const char*) const {
    visit_metrics(value, Writer{out, prefix + std::string(name) + "_", labels});
  }
  void operator()(std::string_view name, bool value, const char* help) const {
    out.sample(prefix + std::string(name), "gauge", help, labels, value ? 1 : 0);
  }
  void operator()(std::string_view name, double value, const char* help) const {
    // The two rates are in the unit of their flow: see add_flow().
    if (name == "rate_error") out.sample(prefix + "rate_error_ratio", "gauge", help, labels, value);
  }
  void operator()(std::string_view name, std::uint64_t value, const char* help) const {
    const bool gauge = is_in(kGauges, name);
    std::string full = prefix + std::string(name);
    if (name == "count") full = prefix + "hosts";  // _count is the word of histograms
    if (!gauge) full += "_total";
    if (is_in(kOfTheEnd, full)) return;
    out.sample(full, gauge ? "gauge" : "counter", help, labels, static_cast<double>(value));
  }
};

void add_port(Exposition& out, const PortResult& port) {
  out.sample("myriad_port_info", "gauge", "what the port is and how it is used",
             {{"port", port.name},
              {"interface", port.interface},
              {"driver", port.driver},
              {"mode", port.mode},
              {"xdp", port.xdp}},
             1);
  out.sample("myriad_port_up", "gauge", "whether the link is up", {{"port", port.name}}, port.link == "up" ? 1 : 0);
  visit_metrics(port, Writer{out, "myriad_port_", {{"port", port.name}}});
}

void add_workload(Exposition& out, const WorkloadResult& workload) {
  const Labels labels = {{"workload", workload.name}};
  out.sample("myriad_workload_target_sessions_per_second", "gauge", "new sessions a second that are asked for", labels,
             workload.rate_target);
  out.sample("myriad_workload_target_concurrent_sessions", "gauge", "open sessions that are asked for", labels,
             workload.concurrent_target);
  visit_metrics(workload, Writer{out, "myriad_workload_", labels});
}

void add_flow(Exposition& out, const FlowResult& flow) {
  const Labels labels = {{"flow", flow.name}};
  const bool bits = flow.rate_unit == "bps";
  const std::string unit = bits ? "bytes_per_second" : "frames_per_second";  // Prometheus knows no bits
  const double each = bits ? 8 : 1;
  if (flow.rate_target > 0) {
    out.sample("myriad_flow_target_" + unit, "gauge", "the rate that is asked for", labels, flow.rate_target / each);
  }
  out.sample("myriad_flow_achieved_" + unit, "gauge", "the rate sent so far", labels, flow.rate_achieved / each);
  visit_metrics(flow, Writer{out, "myriad_flow_", labels});
}

}  // namespace

std::string prometheus_text(const RunResult& result) {
  Exposition out;
  out.sample("myriad_build_info", "gauge", "the version that runs", {{"version", result.version}}, 1);
  out.sample("myriad_run_elapsed_seconds", "gauge", "time since the run began", {}, result.seconds);
  for (const PortResult& port : result.ports) add_port(out, port);
  for (const GroupResult& group : result.hosts)
    visit_metrics(group, Writer{out, "myriad_group_", {{"group", group.name}}});
  for (const WorkloadResult& workload : result.workloads) add_workload(out, workload);
  for (const ServiceResult& service : result.services)
    visit_metrics(service, Writer{out, "myriad_service_", {{"service", service.name}}});
  for (const FlowResult& flow : result.flows) {
    if (!flow.of_another_run) add_flow(out, flow);
  }
  for (const ReplayResult& replay : result.replays)
    visit_metrics(replay, Writer{out, "myriad_replay_", {{"replay", replay.name}}});
  return out.text();
}

}  // namespace myriad::report
