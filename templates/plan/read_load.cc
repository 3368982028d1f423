// The load of a workload: how many sessions, how fast, how long.
#include <algorithm>

#include "templates/plan/reading.h"

namespace myriad::plan {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kMostSessions = 1ULL << 40;
constexpr std::uint64_t kMostConcurrent = 1 << 24;
constexpr std::uint64_t kMostPerHost = 60'000;  // a host has not many more ports
constexpr double kMostRate = 1e9;
constexpr std::uint64_t kMostRetries = 1000;

void read_stages(Reading& reading, const Node& node, LoadPlan& load) {
  if (!node.is_list() || node.items.empty()) {
    return reading.wrong(node.at,
                         fmt::format("stages are a list, not {}", node.is_list() ? "an empty one" : node.kind_name()),
                         "as in [{duration: 10s, target: 1000}]");
  }
  for (const NodePtr& item : node.items) {
    if (reading.problems.full()) return;
    Fields fields(reading, *item, kStageTable, "a stage", item->at);
    LoadStage stage;
    if (const Node* const length = fields.require("duration"))
      stage.duration = reading.duration(*length, milliseconds{1}).value_or(milliseconds{1});
    if (const Node* const target = fields.require("target")) {
      if (load.stages_of == LoadStageOf::kRate) {
        stage.target = reading.quantity(*target, parse_session_rate).value_or(1);
        if (stage.target > kMostRate)
          reading.wrong(target->at, "a rate out of range", fmt::format("at most {:.0f}/s", kMostRate));
      } else {
        stage.target = static_cast<double>(reading.integer(*target, 0, kMostConcurrent).value_or(1));
      }
    } else {
      stage.target = 1;
    }
    load.stages.push_back(stage);
  }
  if (std::all_of(load.stages.begin(), load.stages.end(), [](const LoadStage& s) { return s.target == 0; })) {
    reading.wrong(node.at, "stages that never start a session", "one of the targets is more than 0");
  }
}

void read_shape(Reading& reading, Fields& fields, LoadPlan& load) {
  std::string_view shape;
  for (const std::string_view key : {"concurrent", "rate", "stages"}) {
    if (!fields.has(key)) continue;
    if (!shape.empty()) {
      reading.wrong(fields.place_of(key), fmt::format("a load has '{}' or '{}', not both", shape, key),
                    "remove one of them");
    }
    shape = key;
  }
  if (fields.has("of") && !fields.has("stages"))
    reading.wrong(fields.place_of("of"), "'of' says what stages are of, and there are none",
                  "remove it, or add stages");
  if (const Node* const of = fields.find("of")) {
    load.stages_of =
        reading.choice<LoadStageOf>(*of, {{"concurrent", LoadStageOf::kConcurrent}, {"rate", LoadStageOf::kRate}})
            .value_or(LoadStageOf::kConcurrent);
  }
  if (const Node* const node = fields.find("concurrent")) load.concurrent = reading.integer(*node, 1, kMostConcurrent);
  if (const Node* const node = fields.find("rate")) {
    load.rate = reading.quantity(*node, parse_session_rate);
    if (load.rate && (*load.rate <= 0 || *load.rate > kMostRate)) {
      reading.wrong(node->at, "a rate out of range", fmt::format("more than 0/s, at most {:.0f}/s", kMostRate));
    }
  }
  if (const Node* const node = fields.find("stages")) read_stages(reading, *node, load);
}

}  // namespace

LoadPlan read_load(Reading& reading, const Node& node, Place at, const std::string& subject) {
  Fields fields(reading, node, kLoadTable, "the load of " + subject, at);
  LoadPlan load;
  read_shape(reading, fields, load);
  if (const Node* const total = fields.find("total")) load.total = reading.integer(*total, 1, kMostSessions);
  if (const Node* const per_host = fields.find("per_host"))
    load.per_host = static_cast<std::uint32_t>(reading.integer(*per_host, 1, kMostPerHost).value_or(1));
  if (const Node* const hold = fields.find("hold"))
    load.hold = reading.duration(*hold, Duration{0}).value_or(Duration{0});
  if (const Node* const think = fields.find("think"))
    load.think = reading.duration(*think, Duration{0}).value_or(Duration{0});
  if (const Node* const timeout = fields.find("timeout"))
    load.timeout = reading.duration(*timeout, milliseconds{1}).value_or(load.timeout);
  if (const Node* const retries = fields.find("retries"))
    load.retries = static_cast<std::uint32_t>(reading.integer(*retries, 0, kMostRetries).value_or(0));
  if (const Node* const back_off = fields.find("back_off"))
    load.back_off = reading.duration(*back_off, milliseconds{1}).value_or(load.back_off);
  if (const Node* const warm_up = fields.find("warm_up"))
    load.warm_up = reading.duration(*warm_up, Duration{0}).value_or(Duration{0});
  if (const Node* const order = fields.find("order"))
    load.at_random = reading.choice<bool>(*order, {{"in_order", false}, {"random", true}}).value_or(false);
  return load;
}

}  // namespace myriad::plan
