#include "report/timeline.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace myriad::report {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
constexpr double kPercents[] = {50, 90, 99};

struct Title {
  const char* text;
  const char* unit;
};
// By Timeline::Which.
constexpr Title kTitles[] = {{"Sessions a second", "1/s"},
                             {"Open sessions", "1"},
                             {"Failed sessions a second", "1/s"},
                             {"Time of the sessions that ended", "s"},
                             {"Frames a second of flows and replays", "1/s"},
                             {"Latency of flows, lateness of replays", "s"},
                             {"Frames a second of ports", "1/s"},
                             {"Bits a second of ports", "bit/s"},
                             {"Drops a second", "1/s"}};

// Deals out values to the lines of a chart in the order in which they were made.
class Dealer {
 public:
  Dealer(std::vector<Chart>& charts, double interval) : charts_(charts), next_(charts.size()), interval_(interval) {}

  void value(std::size_t chart, double value) { charts_[chart].series[next_[chart]++].values.push_back(value); }
  void rate(std::size_t chart, std::uint64_t now, std::uint64_t before, double each = 1) {
    value(chart, now >= before ? each * static_cast<double>(now - before) / interval_ : 0);
  }
  void percentiles(std::size_t chart, const Histogram& now, const Histogram& before) {
    const Histogram recent = now.since(before);
    for (const double percent : kPercents) value(chart, recent.empty() ? kNothing : recent.percentile(percent) * 1e-9);
  }

 private:
  std::vector<Chart>& charts_;
  std::vector<std::size_t> next_;
  double interval_;
};

double together(Series::Kind kind, double first, double second) {
  if (kind == Series::Kind::kLatest || std::isnan(first)) return second;
  if (std::isnan(second)) return first;
  return kind == Series::Kind::kMean ? (first + second) / 2 : std::max(first, second);
}

}  // namespace

Timeline::Timeline(const RunResult& start) : last_(start), flows_(start.flows.size()) {
  static_assert(std::size(kTitles) == kCharts);
  for (const Title& title : kTitles) charts_.push_back({title.text, title.unit, {}});
  const auto add_times = [this](Which chart, const std::string& name) {
    for (const char* percentile : {" p50", " p90", " p99"}) add_line(chart, name + percentile, Series::Kind::kWorst);
  };
  for (const WorkloadResult& workload : start.workloads) {
    add_line(kSessions, workload.name + " started", Series::Kind::kMean);
    add_line(kSessions, workload.name + " succeeded", Series::Kind::kMean);
    add_line(kOpen, workload.name, Series::Kind::kLatest);
    add_line(kFailures, workload.name, Series::Kind::kMean);
    add_times(kTimes, workload.name);
  }
  for (const FlowResult& flow : start.flows) {
    add_line(kFlowFrames, flow.name, Series::Kind::kMean);
    add_times(kFlowTimes, flow.name);
  }
  for (const ReplayResult& replay : start.replays) {
    add_line(kFlowFrames, replay.name, Series::Kind::kMean);
    add_times(kFlowTimes, replay.name);
  }
  for (const PortResult& port : start.ports) {
    add_line(kFrames, port.name + " out", Series::Kind::kMean);
    add_line(kFrames, port.name + " in", Series::Kind::kMean);
    add_line(kBits, port.name + " out", Series::Kind::kMean);
    add_line(kBits, port.name + " in", Series::Kind::kMean);
    add_line(kDrops, port.name, Series::Kind::kMean);
  }
}

void Timeline::add_line(Which chart, std::string name, Series::Kind kind) {
  charts_[chart].series.push_back({std::move(name), kind, {}});
}

void Timeline::add(const RunResult& now) {
  if (now.seconds - last_.seconds >= apart_) add_point(now);
}

void Timeline::finish(const RunResult& end) {
  if (end.seconds > last_.seconds) add_point(end);
}

void Timeline::add_point(const RunResult& now) {
  Dealer deal{charts_, now.seconds - last_.seconds};
  for (std::size_t i = 0; i < now.workloads.size(); ++i) {
    const WorkloadResult& w = now.workloads[i];
    const WorkloadResult& b = last_.workloads[i];
    deal.rate(kSessions, w.sessions_started, b.sessions_started);
    deal.rate(kSessions, w.sessions_succeeded, b.sessions_succeeded);
    deal.value(kOpen, static_cast<double>(w.sessions_open));
    deal.rate(kFailures, w.sessions_failed, b.sessions_failed);
    deal.percentiles(kTimes, w.session, b.session);
  }
  for (std::size_t i = 0; i < flows_; ++i) {
    deal.rate(kFlowFrames, now.flows[i].frames_tx, last_.flows[i].frames_tx);
    deal.percentiles(kFlowTimes, now.flows[i].latency, last_.flows[i].latency);
  }
  for (std::size_t i = 0; i < now.replays.size(); ++i) {
    deal.rate(kFlowFrames, now.replays[i].frames_tx, last_.replays[i].frames_tx);
    deal.percentiles(kFlowTimes, now.replays[i].lateness, last_.replays[i].lateness);
  }
  for (std::size_t i = 0; i < now.ports.size(); ++i) {
    const PortResult& p = now.ports[i];
    const PortResult& b = last_.ports[i];
    deal.rate(kFrames, p.frames_tx, b.frames_tx);
    deal.rate(kFrames, p.frames_rx, b.frames_rx);
    deal.rate(kBits, p.bytes_tx, b.bytes_tx, 8);
    deal.rate(kBits, p.bytes_rx, b.bytes_rx, 8);
    deal.rate(kDrops, total(p.drops), total(b.drops));
  }
  seconds_.push_back(now.seconds);
  last_ = now;
  if (seconds_.size() >= kMostPoints) halve();
}

// Every point takes the one before it in. Of an odd number the first stands alone.
void Timeline::halve() {
  apart_ *= 2;
  const std::size_t odd = seconds_.size() % 2;
  const std::size_t kept = seconds_.size() / 2 + odd;
  const auto second = [odd](std::size_t i) { return odd != 0 ? 2 * i : 2 * i + 1; };
  for (Chart& chart : charts_) {
    for (Series& line : chart.series) {
      for (std::size_t i = odd; i < kept; ++i) {
        line.values[i] = together(line.kind, line.values[second(i) - 1], line.values[second(i)]);
      }
      line.values.resize(kept);
    }
  }
  for (std::size_t i = odd; i < kept; ++i) seconds_[i] = seconds_[second(i)];
  seconds_.resize(kept);
}

std::vector<Chart> Timeline::charts() const {
  std::vector<Chart> shown = charts_;
  for (Chart& chart : shown) {
    std::erase_if(chart.series, [](const Series& line) {
      return std::all_of(line.values.begin(), line.values.end(), [](double value) { return std::isnan(value); });
    });
  }
  std::erase_if(shown, [](const Chart& chart) { return chart.series.empty(); });
  return shown;
}

}  // namespace myriad::report
