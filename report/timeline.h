// What a run was like over time, for the plots of --report: once a second a point for every line. Bounded whatever the
// run's length: when there are too many points, two neighbours become one, and points come half as often from then on.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "report/result.h"

namespace myriad::report {

// A line of a chart. NaN: nothing was to be measured then.
struct Series {
  enum class Kind {
    kMean,    // a rate: of two points, the mean
    kLatest,  // a level: the later one
    kWorst,   // a time: the longer one
  };
  std::string name;
  Kind kind = Kind::kMean;
  std::vector<double> values;
};

struct Chart {
  std::string title;
  std::string unit;  // "1/s", "1", "bit/s" or "s"
  std::vector<Series> series;
};

class Timeline {
 public:
  static constexpr std::size_t kMostPoints = 1200;
  static constexpr double kSecondsApart = 1;

  // `start`: the run's shape, when nothing has happened yet. Flows of other runs, which appear later, have no line.
  explicit Timeline(const RunResult& start);

  // Now and then, oftener than there are points; takes what it needs. Time never goes back.
  void add(const RunResult& now);
  // The end, however soon after the last point.
  void finish(const RunResult& end);

  [[nodiscard]] const std::vector<double>& seconds() const { return seconds_; }  // when an interval ended
  // In the order in which they are shown. Lines of nothing but NaN, and charts without lines, are left out.
  [[nodiscard]] std::vector<Chart> charts() const;

 private:
  enum Which : std::size_t {
    kSessions,
    kOpen,
    kFailures,
    kTimes,
    kFlowFrames,
    kFlowTimes,
    kFrames,
    kBits,
    kDrops,
    kCharts
  };

  void add_line(Which chart, std::string name, Series::Kind kind);
  void add_point(const RunResult& now);
  void halve();

  RunResult last_;  // at the latest point
  std::size_t flows_;
  double apart_ = kSecondsApart;
  std::vector<double> seconds_;
  std::vector<Chart> charts_;  // by Which
};

}  // namespace myriad::report
