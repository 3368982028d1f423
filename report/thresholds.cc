#include "report/thresholds.h"

#include <algorithm>
#include <charconv>
#include <type_traits>
#include <vector>

#include "report/metrics.h"

namespace myriad::report {
namespace {

constexpr double kSecondsPerNs = 1e-9;

Failure unusable(std::string what, std::string cure) { return fail(Fault::kUsage, std::move(what), std::move(cure)); }

// "p99" → 99, "p999" → 99.9, "p5" → 5: digits after the first two are decimals.
std::optional<double> percent_of(std::string_view statistic) {
  if (statistic.size() < 2 || statistic.size() > 8 || statistic[0] != 'p') return std::nullopt;
  std::uint32_t digits = 0;
  const char* const end = statistic.data() + statistic.size();
  const auto [stop, error] = std::from_chars(statistic.data() + 1, end, digits);
  if (error != std::errc{} || stop != end) return std::nullopt;
  double percent = digits;
  for (std::size_t decimals = statistic.size() - 1; decimals > 2; --decimals) percent /= 10;
  return percent;
}

Result<std::optional<double>> statistic_of(const Histogram& histogram, std::string_view metric,
                                           std::string_view statistic) {
  if (statistic == "count") return static_cast<double>(histogram.count());
  double ns = 0;
  if (statistic == "min") {
    ns = static_cast<double>(histogram.min());
  } else if (statistic == "max") {
    ns = static_cast<double>(histogram.max());
  } else if (statistic == "mean") {
    ns = histogram.mean();
  } else if (const auto percent = percent_of(statistic)) {
    ns = histogram.percentile(*percent);
  } else if (statistic.empty()) {
    return unusable(std::string(metric) + " is a distribution and needs a statistic",
                    "write p(50), p(90), p(99), p(99.9), min, mean, max or count before the comparison");
  } else {
    return unusable("unknown statistic '" + std::string(statistic) + "' of " + std::string(metric),
                    "there are p50, p90, p99, p999, min, mean, max and count");
  }
  if (histogram.empty()) return std::optional<double>{};
  return ns * kSecondsPerNs;
}

// Finds one key among the metrics of a part; remembers all keys, for the suggestion.
class Lookup {
 public:
  Lookup(std::string_view metric, std::string_view key, std::string_view statistic)
      : metric_(metric), key_(key), statistic_(statistic) {}

  template <class Part>
  Result<std::optional<double>> in(const Part& part) {
    visit_metrics(part, [this](const char* name, const auto& value, const char*) { this->consider(name, value); });
    if (found_) return *found_;
    std::string keys;
    for (const std::string& name : names_) keys += (keys.empty() ? "" : ", ") + name;
    return unusable("there is no metric '" + std::string(metric_) + "'", "there are " + keys);
  }

 private:
  template <class Value>
  void consider(std::string_view name, const Value& value) {
    names_.emplace_back(name);
    if constexpr (std::is_same_v<Value, Reasons>) {
      consider_reasons(name, value);
    } else if constexpr (std::is_same_v<Value, TcpResult>) {
      if (!key_.starts_with(name) || key_.substr(name.size(), 1) != ".") return;
      found_ = Lookup{metric_, key_.substr(name.size() + 1), statistic_}.in(value);
    } else {
      if (key_ != name) return;
      if constexpr (std::is_same_v<Value, Histogram>) {
        found_ = statistic_of(value, metric_, statistic_);
      } else if constexpr (std::is_same_v<Value, std::string>) {
        found_ = unusable(std::string(metric_) + " is text, not a number", "");
      } else {
        found_ = number(static_cast<double>(value));
      }
    }
  }

  // "failures" is the sum; "failures.refused" is one of them.
  void consider_reasons(std::string_view name, const Reasons& reasons) {
    if (key_ == name) found_ = number(static_cast<double>(total(reasons)));
    if (!key_.starts_with(name) || key_.substr(name.size(), 1) != ".") return;
    const std::string_view wanted = key_.substr(name.size() + 1);
    std::string known;
    for (const auto& [reason, count] : reasons) {
      if (reason == wanted) found_ = number(static_cast<double>(count));
      known += (known.empty() ? "" : ", ") + reason;
    }
    if (!found_) {
      found_ =
          unusable("there is no reason '" + std::string(wanted) + "' in " + std::string(name), "there are " + known);
    }
  }

  [[nodiscard]] Result<std::optional<double>> number(double value) const {
    if (statistic_.empty()) return value;
    return unusable(std::string(metric_) + " is one number: it has no '" + std::string(statistic_) + "'",
                    "leave it out");
  }

  std::string_view metric_;
  std::string_view key_;
  std::string_view statistic_;
  std::optional<Result<std::optional<double>>> found_;
  std::vector<std::string> names_;
};

bool holds(double observed, Comparison comparison, double value) {
  switch (comparison) {
    case Comparison::kEqual:
      return observed == value;
    case Comparison::kNotEqual:
      return observed != value;
    case Comparison::kLess:
      return observed < value;
    case Comparison::kLessOrEqual:
      return observed <= value;
    case Comparison::kGreater:
      return observed > value;
    case Comparison::kGreaterOrEqual:
      return observed >= value;
  }
  return false;
}

}  // namespace

Result<std::optional<double>> observe(const RunResult& result, std::string_view metric, std::string_view statistic) {
  std::string_view path = metric;
  std::optional<Result<std::optional<double>>> found;
  std::string names;
  const auto search = [&](std::string_view section, const auto& parts) {
    std::string_view rest = path;
    if (rest.starts_with(section) && rest.substr(section.size(), 1) == ".") rest.remove_prefix(section.size() + 1);
    for (const auto& part : parts) {
      names += (names.empty() ? "" : ", ") + part.name;
      if (found && found->has_value()) continue;
      if (!rest.starts_with(part.name) || rest.substr(part.name.size(), 1) != ".") continue;
      auto here = Lookup{metric, rest.substr(part.name.size() + 1), statistic}.in(part);
      if (here || !found) found = std::move(here);
    }
  };
  search("workloads", result.workloads);
  search("services", result.services);
  search("flows", result.flows);
  search("replays", result.replays);
  search("hosts", result.hosts);
  search("ports", result.ports);
  if (found) return *found;
  if (metric == "myriad.seconds" || metric == "myriad.seed" || metric == "machine.cores") {
    if (!statistic.empty()) return unusable(std::string(metric) + " is one number", "leave out what stands before it");
    if (metric == "myriad.seconds") return std::optional{result.seconds};
    return std::optional{static_cast<double>(metric == "myriad.seed" ? result.seed : result.machine.cores)};
  }
  return unusable("there is no metric '" + std::string(metric) + "'",
                  "a metric is NAME.KEY, where NAME is one of: " + (names.empty() ? "(none)" : names));
}

Result<ThresholdResult> evaluate(const RunResult& result, const Condition& condition) {
  auto observed = observe(result, condition.metric, condition.statistic);
  if (!observed) return tl::unexpected(observed.error());
  double whole = 1;
  if (condition.measure == Measure::kPerSecond) whole = result.seconds;
  if (condition.measure == Measure::kShare) whole = 0;
  for (const std::string& part : condition.whole) {
    const auto of = observe(result, part, {});
    if (!of) return tl::unexpected(of.error());
    whole += of->value_or(0);
  }
  ThresholdResult threshold{condition.expression, std::nullopt, false};
  if (*observed && whole > 0) threshold.observed = **observed / whole;
  threshold.holds = threshold.observed && holds(*threshold.observed, condition.comparison, condition.value);
  return threshold;
}

}  // namespace myriad::report
