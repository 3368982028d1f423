// thresholds: NAME.METRIC, and what must hold of it.
#include <algorithm>
#include <cctype>

#include "templates/plan/metrics.h"
#include "templates/plan/reading.h"

namespace myriad::plan {
namespace {

constexpr std::string_view kStatistics[] = {"min", "mean", "max", "count"};
constexpr std::string_view kStatisticsListed = "p(50), p(90), p(99), p(99.9), min, mean, max, count";
constexpr std::string_view kOfDurations = "as in \"p(99) < 2s\"";

struct Operator {
  std::string_view text;
  Comparison meaning;
};
// The longer ones first: "<=" begins with "<".
constexpr Operator kOperators[] = {{"==", Comparison::kEqual},       {"!=", Comparison::kNotEqual},
                                   {"<=", Comparison::kLessOrEqual}, {">=", Comparison::kGreaterOrEqual},
                                   {"<", Comparison::kLess},         {">", Comparison::kGreater}};

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

const Names& names_of(const Reading& reading, std::size_t section) {
  const Names* const names[] = {&reading.workloads, &reading.flows,  &reading.replays,
                                &reading.services,  &reading.groups, &reading.ports};
  return *names[section];
}

struct Named {
  Metric metric;
  std::string owner;  // what stands before the metric's name: "fetch.", "workloads.fetch."
};

// What a key of `thresholds` names, or nullopt after a report.
class MetricFinder {
 public:
  MetricFinder(Reading& reading, const Entry& entry) : reading_(reading), entry_(entry) {}

  std::optional<Named> find() {
    std::string_view rest = entry_.key;
    std::optional<std::size_t> only;  // the section, when it is written in front
    for (std::size_t s = 0; s < kMetricSections.size(); ++s) {
      const std::string_view section = kMetricSections[s].name;
      const bool in_front = rest.starts_with(section) && rest.substr(section.size()).starts_with('.');
      if (!in_front || rest.substr(section.size() + 1).find('.') == rest.npos ||
          !resolves(s, rest.substr(section.size() + 1)))
        continue;
      only = s;
      rest.remove_prefix(section.size() + 1);
      break;
    }
    const auto dot = rest.find('.');
    if (dot == rest.npos)
      return refuse(quoted(entry_.key) + " is not a metric", "write NAME.METRIC, as in fetch.sessions_failed");
    const std::string name{rest.substr(0, dot)};
    const std::string_view field = rest.substr(dot + 1);
    for (std::size_t s = 0; s < kMetricSections.size(); ++s) {
      if ((!only || *only == s) && names_of(reading_, s).find(name)) sections_.push_back(s);
    }
    if (sections_.empty()) {
      const auto run = std::find_if(std::begin(kRunMetrics), std::end(kRunMetrics),
                                    [&](const Metric& metric) { return metric.name == entry_.key; });
      if (run != std::end(kRunMetrics)) return Named{*run, {}};
      return refuse_name(name);
    }
    if (sections_.size() > 1) {
      return refuse(fmt::format("'{}' is the name of several things", name),
                    fmt::format("write {}.{} or {}.{}", kMetricSections[sections_[0]].name, rest,
                                kMetricSections[sections_[1]].name, rest));
    }
    return find_field(name, field);
  }

 private:
  std::optional<Named> refuse(std::string what, std::string suggestion) {
    reading_.wrong(entry_.at, std::move(what), std::move(suggestion));
    return std::nullopt;
  }
  [[nodiscard]] bool resolves(std::size_t section, std::string_view rest) const {
    return names_of(reading_, section).find(std::string(rest.substr(0, rest.find('.')))).has_value();
  }
  std::optional<Named> refuse_name(std::string_view name) {
    std::vector<std::string_view> known;
    for (std::size_t s = 0; s < kMetricSections.size(); ++s) {
      for (const std::string_view one : names_of(reading_, s).all()) known.push_back(one);
    }
    return refuse(
        fmt::format("{} is not the name of a workload, flow, replay, service, group of hosts or port", quoted(name)),
        did_you_mean(name, known));
  }
  std::optional<Named> find_field(std::string_view name, std::string_view field) {
    const std::span<const Metric> metrics = kMetricSections[sections_[0]].metrics;
    std::vector<std::string_view> known;
    for (const Metric& metric : metrics) {
      known.push_back(metric.name);
      const bool reason = metric.kind == MetricKind::kReasons && field.starts_with(metric.name) &&
                          is_reason(field.substr(metric.name.size()));
      if (field != metric.name && !reason) continue;
      if (!check_connection(name, field)) return std::nullopt;
      return Named{metric, entry_.key.substr(0, entry_.key.size() - field.size())};
    }
    return refuse(fmt::format("'{}' has no metric {}", name, quoted(field)), did_you_mean(field, known));
  }
  // ".refused"; which reasons there are is the stack's business.
  static bool is_reason(std::string_view text) {
    return text.size() > 1 && text[0] == '.' && std::all_of(text.begin() + 1, text.end(), [](char c) {
             return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
           });
  }
  bool check_connection(std::string_view name, std::string_view field) {
    if (sections_[0] != 0 || (!field.starts_with("tcp.") && field != "connect_seconds")) return true;
    const auto index = reading_.workloads.find(std::string(name));
    if (!std::holds_alternative<IcmpEchoWorkload>(reading_.plan.workloads[*index].kind)) return true;
    refuse(fmt::format("'{}' is icmp_echo, which has no connections", name),
           "session_seconds is the time of its answers");
    return false;
  }

  Reading& reading_;
  const Entry& entry_;
  std::vector<std::size_t> sections_;
};

// "p(99.9)" → "p999", "mean" → "mean"; nullopt when it is none. Two digits, then decimals: p(5) → "p05".
std::optional<std::string> statistic_of(std::string_view text) {
  if (std::find(std::begin(kStatistics), std::end(kStatistics), text) != std::end(kStatistics))
    return std::string(text);
  if (!text.starts_with("p(") || !text.ends_with(")")) return std::nullopt;
  const std::string_view number = trimmed(text.substr(2, text.size() - 3));
  const auto value = parse_number(number);
  if (!value || *value <= 0 || *value >= 100 || number.size() > 7) return std::nullopt;
  const auto point = std::min(number.find('.'), number.size());
  std::string digits{number.substr(0, point)};
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  digits.insert(0, 2 - std::min<std::size_t>(2, digits.size()), '0');
  std::string decimals{number.substr(std::min(point + 1, number.size()))};
  while (decimals.ends_with('0')) decimals.pop_back();
  return "p" + digits + decimals;
}

struct Value {
  double number = 0;
  Measure measure = Measure::kItself;
};

bool counts_up(MetricKind kind) {
  return kind == MetricKind::kCount || kind == MetricKind::kBytes || kind == MetricKind::kReasons;
}

// "500/s", "10kpps", "64MiB/s", "100Mbps": nullopt when it is none of these, or they are not for such a metric.
std::optional<Quantity<double>> rate_of(std::string_view text, MetricKind kind) {
  if (!counts_up(kind)) return std::nullopt;
  if (kind == MetricKind::kBytes) {
    if (text.ends_with("bps")) return parse_bit_rate(text).map([](double bits) { return bits / 8; });
    if (!text.ends_with("/s")) return std::nullopt;
    const std::string_view size = text.substr(0, text.size() - 2);
    if (const auto bytes = parse_integer(size)) return static_cast<double>(*bytes);
    return parse_size(size).map([](std::uint64_t bytes) { return static_cast<double>(bytes); });
  }
  if (text.ends_with("pps")) return parse_frame_rate(text);
  if (text.find('/') != text.npos) return parse_session_rate(text);
  return std::nullopt;
}

// What stands behind the comparison, in the unit of the metric.
std::optional<Value> value_of(Reading& reading, const Node& node, std::string_view text, const Metric& metric,
                              std::string_view statistic) {
  const MetricKind kind = metric.kind;
  const auto report = [&](const NotAQuantity& problem) -> std::optional<Value> {
    reading.wrong(node.at, problem.what, problem.suggestion);
    return std::nullopt;
  };
  if ((kind == MetricKind::kDistribution && statistic != "count") || kind == MetricKind::kSeconds) {
    const auto duration = parse_duration(text);
    return duration ? std::optional{Value{to_seconds(*duration)}} : report(duration.error());
  }
  if (const auto rate = rate_of(text, kind))
    return *rate ? std::optional{Value{**rate, Measure::kPerSecond}} : report(rate->error());
  if (text.ends_with('%') && kind != MetricKind::kFraction) {
    if (metric.whole[0].empty()) {
      return report({fmt::format("'{}' is not a part of anything that is counted: {} of what?", metric.name, text),
                     "compare it with a number, as in \"== 0\""});
    }
    const auto share = parse_percent(text);
    return share ? std::optional{Value{*share, Measure::kShare}} : report(share.error());
  }
  if (kind == MetricKind::kBytes && !parse_integer(text)) {
    const auto size = parse_size(text);
    return size ? std::optional{Value{static_cast<double>(*size)}} : report(size.error());
  }
  if (kind == MetricKind::kFlag) {
    if (text == "true" || text == "false") return Value{text == "true" ? 1.0 : 0.0};
    return report({fmt::format("{} is neither true nor false", quoted(text)), "as in \"== false\""});
  }
  if (kind == MetricKind::kFraction && text.ends_with('%')) {
    const auto percent = parse_percent(text);
    return percent ? std::optional{Value{*percent}} : report(percent.error());
  }
  if (kind == MetricKind::kRate && (text.ends_with("pps") || text.ends_with("bps"))) {
    const auto rate = text.ends_with("pps") ? parse_frame_rate(text) : parse_bit_rate(text);
    return rate ? std::optional{Value{*rate}} : report(rate.error());
  }
  const auto number = parse_number(text);
  return number ? std::optional{Value{*number}} : report(number.error());
}

void read_expression(Reading& reading, const Node& node, const std::string& name, const Named& named) {
  const MetricKind kind = named.metric.kind;
  const auto given = reading.text(node);
  if (!given) return;
  const std::string_view text = trimmed(*given);
  const auto at = text.find_first_of("=!<>");
  const std::string_view behind = at == text.npos ? std::string_view{} : text.substr(at);
  const auto comparison = std::find_if(std::begin(kOperators), std::end(kOperators),
                                       [&](const Operator& o) { return behind.starts_with(o.text); });
  if (comparison == std::end(kOperators)) {
    return reading.wrong(node.at, fmt::format("{} compares nothing", quoted(text)),
                         kind == MetricKind::kDistribution ? std::string(kOfDurations)
                                                           : "as in \"== 0\"; there are ==, !=, <, <=, >, >=");
  }
  const std::string_view before = trimmed(text.substr(0, at));
  Threshold threshold;
  threshold.metric = name;
  threshold.comparison = comparison->meaning;
  if (kind == MetricKind::kDistribution) {
    const auto statistic = statistic_of(before);
    if (!statistic) {
      return reading.wrong(node.at,
                           before.empty() ? fmt::format("'{}' is a distribution: which value of it?", name)
                                          : fmt::format("{} is not a statistic", quoted(before)),
                           fmt::format("{}; there are {}", kOfDurations, kStatisticsListed));
    }
    threshold.statistic = *statistic;
  } else if (!before.empty()) {
    return reading.wrong(node.at, fmt::format("'{}' is one number and has no {}", name, quoted(before)),
                         "begin with the comparison, as in \"== 0\"");
  }
  const std::string_view value = trimmed(behind.substr(comparison->text.size()));
  const auto wanted = value_of(reading, node, value, named.metric, threshold.statistic);
  if (!wanted) return;
  threshold.value = wanted->number;
  threshold.measure = wanted->measure;
  for (const std::string_view part : named.metric.whole) {
    if (threshold.measure == Measure::kShare && !part.empty())
      threshold.whole.push_back(named.owner + std::string(part));
  }
  threshold.expression = fmt::format("{} {}{}{} {}", name, before, before.empty() ? "" : " ", comparison->text, value);
  reading.plan.thresholds.push_back(std::move(threshold));
}

}  // namespace

void read_thresholds(Reading& reading, const Node& section) {
  if (section.is_null()) return;
  if (!section.is_map()) {
    return reading.wrong(section.at,
                         fmt::format("'thresholds' maps metrics to what must hold; this is {}", section.kind_name()),
                         "as in fetch.sessions_failed: [\"== 0\"]");
  }
  for (const Entry& entry : section.entries) {
    if (reading.problems.full()) return;
    const auto named = MetricFinder(reading, entry).find();
    if (!named) continue;
    if (entry.value->is_scalar()) {
      read_expression(reading, *entry.value, entry.key, *named);
      continue;
    }
    if (!entry.value->is_list() || entry.value->items.empty()) {
      reading.wrong(entry.value->at,
                    fmt::format("a list of expressions is needed, not {}",
                                entry.value->is_list() ? "an empty one" : entry.value->kind_name()),
                    "as in [\"== 0\"]");
      continue;
    }
    for (const NodePtr& item : entry.value->items) {
      if (reading.problems.full()) return;
      read_expression(reading, *item, entry.key, *named);
    }
  }
}

}  // namespace myriad::plan
