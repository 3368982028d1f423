#include "cli/run_scenario.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <malloc.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include "base/rng.h"
#include "cli/asked_results.h"
#include "cli/capture.h"
#include "cli/collect.h"
#include "cli/control_loop.h"
#include "cli/host_results.h"
#include "cli/metrics_server.h"
#include "cli/port_run.h"
#include "cli/preflight.h"
#include "cli/print.h"
#include "cli/rest.h"
#include "report/events.h"
#include "report/html.h"
#include "report/json.h"
#include "report/prometheus.h"
#include "report/summary.h"
#include "report/table.h"
#include "report/timeline.h"

namespace myriad::cli {
namespace {

using Clock = std::chrono::steady_clock;

// The rates of the table are those of the last second: four ticks of the control loop.
constexpr std::size_t kRateTicks = 4;

std::string utc_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now));
}

std::uint64_t frames_of(const report::RunResult& result) {
  std::uint64_t frames = 0;
  for (const report::PortResult& port : result.ports) frames += port.frames_rx + port.frames_tx;
  return frames;
}

// A run that has begun. Members are in the order in which they are made; the reverse undoes them.
class Run {
 public:
  Run(plan::Plan plan, const RunOptions& options, const RunHooks& hooks)
      : plan_(std::move(plan)),
        options_(options),
        hooks_(hooks),
        progress_(stderr, options.quiet ? report::Progress::Style::kNone : report::Progress::style_for(stderr)) {}

  // Until the hosts answer.
  Result<void> begin();
  // Until the end; then the shards are at rest.
  void wait();
  report::RunResult finish(std::vector<std::string> command);

 private:
  Result<void> compile_filter();
  Result<void> open_outputs();
  Result<void> open_ports();
  [[nodiscard]] std::vector<std::uint32_t> parts_of_workloads() const;
  void say_what_was_obtained(const PortRun& port, const report::PortResult& result);
  void tick();
  const std::string& metrics_text();
  void write_report(report::RunResult& result);
  void watch_links(const report::RunResult& now);
  [[nodiscard]] bool finished() const;
  [[nodiscard]] bool broken();
  [[nodiscard]] double seconds() const { return std::chrono::duration<double>(Clock::now() - started_).count(); }
  report::RunResult collect();
  report::Verdict verdict(const report::RunResult& result) const;
  void note(std::string text) { notes_.push_back(std::move(text)); }

  plan::Plan plan_;
  const RunOptions& options_;
  const RunHooks& hooks_;
  ControlLoop loop_;  // from here on signals end the run, not the process
  std::unique_ptr<MetricsServer> metrics_;
  std::optional<report::EventLog> events_;
  std::optional<CaptureFilter> filter_;  // until the capture has it
  std::unique_ptr<Capture> capture_;
  std::optional<engine::Milestones> milestones_;  // outlives the ports
  std::vector<engine::ReplayStart> replay_starts_ = std::vector<engine::ReplayStart>(plan_.replays.size());
  std::vector<std::unique_ptr<PortRun>> ports_;
  report::Progress progress_;
  report::RunResult base_;  // names, and what the ports are
  std::optional<report::Timeline> timeline_;
  std::deque<report::RunResult> recent_;
  std::size_t ticks_ = 0;
  std::string metrics_text_;  // of recent_.back(), once somebody has asked
  Rest rest_;
  std::vector<std::string> notes_;
  std::string started_utc_;
  Clock::time_point started_ = Clock::now();
  double duration_ = 0;
  LoopEnd end_ = LoopEnd::kFinished;
  std::string trouble_;  // why the run broke
  bool silent_target_ = false;
};

Result<void> Run::compile_filter() {
  if (!options_.capture_filter) return {};
  if (!options_.capture) return fail(Fault::kUsage, "--capture-filter without --capture", "say --capture FILE.pcapng");
  auto filter = CaptureFilter::compile(*options_.capture_filter);
  if (!filter) return tl::unexpected(filter.error());
  filter_.emplace(std::move(*filter));
  return {};
}

Result<void> try_to_write(const char* what, const std::string& path) {
  std::FILE* const file = std::fopen(path.c_str(), "ae");
  if (file == nullptr) {
    return fail(Fault::kMachine, fmt::format("cannot write {} to {}", what, path), "choose a path that can be written",
                errno);
  }
  std::fclose(file);
  return {};
}

Result<void> Run::open_outputs() {
  if (options_.events) {
    auto log = report::EventLog::create(*options_.events);
    if (!log) return tl::unexpected(log.error());
    events_.emplace(std::move(*log));
  }
  if (options_.capture) {
    auto capture = Capture::create(*options_.capture, std::exchange(filter_, std::nullopt));
    if (!capture) return tl::unexpected(capture.error());
    capture_ = std::move(*capture);
  }
  // Known now rather than after an hour's run.
  if (options_.json && *options_.json != "-") {
    if (auto ok = try_to_write("the result", *options_.json); !ok) return ok;
  }
  if (options_.hosts_json) {
    if (auto ok = try_to_write("the hosts", *options_.hosts_json); !ok) return ok;
  }
  if (options_.report) {
    if (auto ok = try_to_write("the report", *options_.report); !ok) return ok;
  }
  if (options_.metrics) {
    auto server = MetricsServer::open(loop_, *options_.metrics, [this] { return metrics_text(); });
    if (!server) return tl::unexpected(server.error());
    metrics_ = std::move(*server);
    if (!options_.quiet) print_note("metrics: " + metrics_->url());
  }
  return {};
}

void Run::say_what_was_obtained(const PortRun& port, const report::PortResult& result) {
  for (const std::string& text : port.notes()) note(result.name + ": " + text);
  if (options_.quiet) return;
  print_note(fmt::format("{}: {} ({}), {} mode, {} XDP, {} {}, {} {}", result.name, result.interface, result.driver,
                         result.mode, result.xdp, result.queues, result.queues == 1 ? "queue" : "queues", result.shards,
                         result.shards == 1 ? "shard" : "shards"));
  if (!options_.verbose) return;
  for (const std::string& text : port.notes()) print_note("  " + text);
  if (!port.port().why_copy().empty()) print_note("  no zero-copy: " + port.port().why_copy());
  for (const stack::HostGroup& group : port.hosts().groups()) {
    print_note(fmt::format("  {}: {} hosts from {}", group.name, group.count, group.first_mac.text()));
  }
}

Result<void> Run::open_ports() {
  for (std::size_t i = 0; i < plan_.ports.size(); ++i) {
    auto port = PortRun::open(plan_, i, options_.hosts_json.has_value());
    if (!port) return tl::unexpected(port.error());
    describe_port(**port, base_.ports[i]);
    say_what_was_obtained(**port, base_.ports[i]);
    ports_.push_back(std::move(*port));
  }
  return {};
}

std::vector<int> allowed_cores() {
  std::vector<int> cores;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(static_cast<unsigned>(core), &set)) cores.push_back(core);
  }
  return cores;
}

// In how many shards each workload has its part.
std::vector<std::uint32_t> Run::parts_of_workloads() const {
  std::vector<std::uint32_t> parts;
  for (const plan::Workload& workload : plan_.workloads) {
    parts.push_back(ports_[plan_.groups[workload.from].port]->shards());
  }
  return parts;
}

Result<void> Run::begin() {
  base_ = empty_result(plan_);
  if (auto known = judge(plan_, base_); !known) return tl::unexpected(known.error());
  if (auto ok = compile_filter(); !ok) return ok;
  const auto facts = read_preflight_facts();
  if (!facts) return tl::unexpected(facts.error());
  if (auto ok = preflight(plan_, *facts, options_.allow_default_route); !ok) return ok;
  if (auto ok = open_outputs(); !ok) return ok;
  if (auto ok = open_ports(); !ok) return ok;

  started_ = Clock::now();
  started_utc_ = utc_now();
  RunStart start;
  start.at = Instant{std::chrono::nanoseconds{started_.time_since_epoch()}.count()};
  // Seldom do two runs have the same, whatever their seed.
  start.run = static_cast<std::uint16_t>(
      mix64(static_cast<std::uint64_t>(start.at.ns) ^ mix64(static_cast<std::uint64_t>(::getpid()))));
  start.milestones = &milestones_.emplace(parts_of_workloads());
  start.replay_starts = replay_starts_;
  start.cores = allowed_cores();
  std::size_t shards = 0;
  for (const auto& port : ports_) shards += port->shards();
  start.spin = shards <= start.cores.size();
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    if (capture_) start.taps = capture_->add_port(plan_.ports[i].name, ports_[i]->hosts(), ports_[i]->shards());
    if (auto ok = ports_[i]->start(start); !ok) return ok;
    // The shards of the next port begin with the next core.
    std::vector<int>& cores = start.cores;
    if (!cores.empty()) std::rotate(cores.begin(), cores.begin() + ports_[i]->shards() % cores.size(), cores.end());
  }
  if (capture_) capture_->start();
  if (events_) events_->event("start", 0, started_utc_);
  recent_.push_back(collect());
  if (options_.report) timeline_.emplace(recent_.back());
  return hooks_.on_ready ? hooks_.on_ready() : Result<void>{};
}

report::RunResult Run::collect() {
  report::RunResult result = base_;
  result.seconds = seconds();
  engine::ShardCounters all;
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    const PortReport report = ports_[i]->report();
    add_port(plan_, i, report, result);
    all.merge(report.sessions);
  }
  add_targets(plan_, result.seconds, result);
  add_flows(plan_, all, result);
  for (std::size_t i = 0; i < plan_.flows.size() && i < all.flows.size(); ++i) {
    if (trouble_.empty() && !all.flows[i].data_error.empty())
      trouble_ = plan_.flows[i].name + " ended early: " + all.flows[i].data_error;
  }
  add_replays(plan_, all, result);
  for (std::size_t i = 0; i < plan_.replays.size() && i < all.replays.size(); ++i) {
    if (trouble_.empty() && !all.replays[i].trouble.empty())
      trouble_ = "replay " + plan_.replays[i].name + " ended early: " + all.replays[i].trouble;
  }
  silent_target_ = nobody_answered(all);
  return result;
}

void Run::watch_links(const report::RunResult& now) {
  for (std::size_t i = 0; i < now.ports.size(); ++i) {
    const report::PortResult& port = now.ports[i];
    if (port.link == recent_.back().ports[i].link) continue;
    const std::string text = fmt::format("{}: link of {} is {}", port.name, port.interface, port.link);
    if (events_) events_->event("link", now.seconds, port.link, port.name);
    if (!options_.quiet) progress_.say("myriad: " + text);
    note(fmt::format("{} after {:.1f} s", text, now.seconds));
  }
}

void Run::tick() {
  report::RunResult now = collect();
  watch_links(now);
  const report::RunResult& before = recent_.front();
  const double interval = now.seconds - before.seconds;
  if (timeline_) timeline_->add(now);
  const auto duration = plan_.duration ? std::optional{to_seconds(*plan_.duration)} : std::nullopt;
  progress_.draw({now, before, interval, duration});
  if (++ticks_ % kRateTicks == 0) {
    if (events_) events_->progress(now, before, interval);
    if (rest_.begins(frames_of(now) - frames_of(before))) malloc_trim(0);
  }
  recent_.push_back(std::move(now));
  metrics_text_.clear();
  if (recent_.size() > kRateTicks) recent_.pop_front();
}

const std::string& Run::metrics_text() {
  if (metrics_text_.empty()) metrics_text_ = report::prometheus_text(recent_.back());
  return metrics_text_;
}

bool Run::finished() const {
  // Without workloads, flows and replays there is nothing to end by itself: until ^C.
  if (plan_.workloads.empty() && plan_.flows.empty() && plan_.replays.empty() && !hooks_.may_finish) return false;
  if (hooks_.may_finish && !hooks_.may_finish()) return false;
  return std::all_of(ports_.begin(), ports_.end(), [](const auto& port) { return port->finished(); });
}

bool Run::broken() {
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    if (ports_[i]->state() != PortState::kGone) continue;
    trouble_ = fmt::format("the interface {} of port {} is gone", plan_.ports[i].interface, plan_.ports[i].name);
    return true;
  }
  return false;
}

void Run::wait() {
  LoopHooks hooks;
  hooks.on_tick = [this] { tick(); };
  hooks.finished = [this] { return finished(); };
  hooks.broken = [this] { return broken(); };
  hooks.begin_stop = [this] {
    if (!options_.quiet) progress_.say("myriad: stopping; once more to stop at once");
    for (const auto& port : ports_) port->stop_starting();
  };
  hooks.all_closed = [this] {
    return std::all_of(ports_.begin(), ports_.end(), [](const auto& port) { return port->finished(); });
  };
  LoopTimes times;
  times.duration = plan_.duration;
  end_ = loop_.run(hooks, times);
}

report::Verdict Run::verdict(const report::RunResult& result) const {
  if (end_ == LoopEnd::kBroken || !trouble_.empty()) return report::Verdict::kError;
  if (end_ == LoopEnd::kSignal) return report::Verdict::kInterrupted;
  if (silent_target_) return report::Verdict::kNoAnswer;
  const bool all_hold = std::all_of(result.thresholds.begin(), result.thresholds.end(),
                                    [](const report::ThresholdResult& t) { return t.holds; });
  return all_hold ? report::Verdict::kPass : report::Verdict::kFail;
}

const char* end_name(LoopEnd end) {
  switch (end) {
    case LoopEnd::kFinished:
      return "finished";
    case LoopEnd::kDuration:
      return "duration";
    case LoopEnd::kSignal:
      return "signal";
    case LoopEnd::kBroken:
      return "broken";
  }
  return "broken";
}

// `what`: "the result"
Result<void> write_file(const char* what, const std::string& path, const std::string& text) {
  std::FILE* const file = std::fopen(path.c_str(), "we");
  if (file == nullptr) return fail(Fault::kRun, fmt::format("cannot write {} to {}", what, path), {}, errno);
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if ((std::fclose(file) == 0) && written) return {};
  return fail(Fault::kRun, fmt::format("{} in {} is not complete", what, path), "is the disk full?", errno);
}

// The page tells of everything but its own failure, which makes the run one that broke.
void Run::write_report(report::RunResult& result) {
  const std::string page = report::html_report(result, *timeline_, plan_.file, plan_.text);
  const auto written = write_file("the report", *options_.report, page);
  if (written) return;
  print_note(written.error().message());
  result.notes.push_back(written.error().message());
  result.verdict = report::Verdict::kError;
}

report::RunResult Run::finish(std::vector<std::string> command) {
  duration_ = seconds();
  for (const auto& port : ports_) port->stop();
  report::RunResult result = collect();
  progress_.draw({result, recent_.front(), result.seconds - recent_.front().seconds, std::nullopt});
  progress_.finish();
  if (timeline_) timeline_->finish(result);
  result.seconds = duration_;
  result.version = MYRIAD_VERSION;
  result.command = std::move(command);
  result.started = started_utc_;
  result.machine = machine_result();
  add_host_outcomes(plan_, ports_, result);
  add_asked(plan_, ports_, result);
  if (options_.hosts_json) {
    if (auto written = write_hosts(*options_.hosts_json, plan_, ports_); !written) trouble_ = written.error().message();
  }
  if (auto judged = judge(plan_, result)) result.thresholds = std::move(*judged);
  if (!trouble_.empty()) {
    print_note(trouble_);
    note(trouble_);
  }
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    if (const std::int64_t missing = ports_[i]->frames_missing(); missing != 0) {
      note(fmt::format("{}: {} frames are unaccounted for: a defect of myriad, please report it", plan_.ports[i].name,
                       missing));
    }
  }
  if (capture_) {
    if (auto closed = capture_->finish(); !closed) note(closed.error().message());
    if (capture_->dropped() != 0)
      note(fmt::format("{} frames are missing from the capture: the disk was too slow", capture_->dropped()));
  }
  if (events_) {
    events_->event("stop", duration_, end_name(end_));
    if (auto closed = events_->close(); !closed) note(closed.error().message());
  }
  result.notes = notes_;
  if (hooks_.on_result) hooks_.on_result(result);
  result.verdict = verdict(result);
  if (options_.report) write_report(result);
  return result;
}

ExitCode hand_over(const report::RunResult& result, const RunOptions& options) {
  if (options.json && *options.json == "-") {
    print_out(report::to_json(result));
  } else {
    print_out(report::summary_text(result));
  }
  if (options.json && *options.json != "-") {
    if (auto written = write_file("the result", *options.json, report::to_json(result)); !written)
      return complain(written.error());
  }
  return exit_code(result.verdict);
}

}  // namespace

ExitCode run_scenario(plan::Plan plan, const RunOptions& options, std::vector<std::string> command,
                      const RunHooks& hooks) {
  if (options.mode) {
    for (plan::PortPlan& port : plan.ports) port.mode = *options.mode;
  }
  report::RunResult result;
  {
    Run run{std::move(plan), options, hooks};
    if (auto begun = run.begin(); !begun) return complain(begun.error());
    run.wait();
    result = run.finish(std::move(command));
  }
  return hand_over(result, options);
}

}  // namespace myriad::cli
