#include "cli/port_run.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <chrono>
#include <thread>
#include <utility>

#include "base/rng.h"
#include "cli/kernel_release.h"
#include "cli/netdev.h"
#include "engine/mailbox.h"
#include "engine/sessions.h"
#include "engine/shard.h"
#include "engine/snapshot.h"
#include "engine/traffic.h"
#include "stack/stack.h"
#include "xsk/device.h"

namespace myriad::cli {
namespace {

using XskShard = engine::Shard<xsk::ShardPort, engine::Sessions>;

// An idle shard looks this many times before it sleeps: about 50 µs, longer than a reply on a fast link takes.
constexpr std::uint32_t kIdleTurns = 200;
// A sleeping shard wakes at least this often, so that it hears an order whose wake-up got lost in a device.
constexpr Duration kLongestSleep = std::chrono::milliseconds{100};
// How long the last turns may take: resets leave.
constexpr Duration kLastTurns = std::chrono::milliseconds{100};
// Then sent frames come back, as long as the kernel completes any. Looks are counted rather than time: a process that
// was held up has not waited.
constexpr std::uint32_t kLooksInVain = 200;
constexpr Duration kBetweenLooks = std::chrono::milliseconds{1};
// How soon the control thread looks again for an answer of the shards.
constexpr Duration kFirstLook = std::chrono::microseconds{100};
constexpr Duration kLastLook = std::chrono::milliseconds{4};
// How often a busy shard says how far it is.
constexpr std::uint32_t kPublishTurns = 64;

Instant monotonic_now() {
  return Instant{std::chrono::nanoseconds{std::chrono::steady_clock::now().time_since_epoch()}.count()};
}

// What one shard has counted.
struct ShardReport {
  engine::ShardCounters sessions;
  stack::DropCounters drops;
  xsk::PortCounters port;
  engine::InsideCounters inside;
};

// One shard, everything it owns, and its thread.
class Worker {
 public:
  Worker(std::uint32_t number, const engine::Placement& placement, const stack::HostTable& hosts, xsk::Port& port,
         engine::Mailboxes& mail, std::uint64_t seed, const RunStart& start, engine::Tap* tap)
      : plug_(port.shard(number)),
        batch_(port.area(), XskShard::kBatchFrames),
        stack_(hosts, stack_options(number, port.shard_count(), seed)),
        sessions_(placement, stack_, batch_,
                  {.shard = number, .shards = port.shard_count(), .start = start.at, .milestones = start.milestones}),
        traffic_(placement, stack_,
                 {.shard = number, .shards = port.shard_count(), .start = start.at, .run = start.run}),
        shard_(number, port.area(), plug_, mail, stack_, sessions_, traffic_, batch_, tap) {}
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker() { join(); }

  XskShard& shard() { return shard_; }
  xsk::ShardPort& plug() { return plug_; }
  const xsk::ShardPort& plug() const { return plug_; }
  const engine::Sessions& sessions() const { return sessions_; }

  void start(int core, bool spin) {
    idle_turns_ = spin ? kIdleTurns : 1;
    thread_ = std::thread([this] { work(); });
    if (core < 0) return;
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(static_cast<unsigned>(core), &cores);
    // Not being pinned costs rate, not correctness.
    (void)::pthread_setaffinity_np(thread_.native_handle(), sizeof cores, &cores);
  }
  void order_stop_starting() { order_.store(Order::kStopStarting, std::memory_order_release); }
  void order_stop() {
    order_.store(Order::kStop, std::memory_order_release);
    plug_.interrupt();
  }
  void join() {
    if (!thread_.joinable()) return;
    order_stop();
    thread_.join();
  }

  [[nodiscard]] bool finished() const { return finished_.load(std::memory_order_acquire); }
  [[nodiscard]] PortState state() const { return state_.load(std::memory_order_acquire); }

  void ask() {
    snapshot_.ask();
    plug_.interrupt();
  }
  // The answer, or the last one there was.
  [[nodiscard]] const ShardReport* answer() {
    if (const ShardReport* const report = snapshot_.ready()) last_ = *report;
    return &last_;
  }
  [[nodiscard]] bool answered() const { return snapshot_.ready() != nullptr; }
  // After join(): nobody else writes any more.
  [[nodiscard]] ShardReport final_report() const {
    ShardReport report;
    fill(report);
    return report;
  }

 private:
  enum class Order : std::uint8_t { kGoOn, kStopStarting, kStop };

  static stack::StackOptions stack_options(std::uint32_t number, std::uint32_t shards, std::uint64_t seed) {
    stack::StackOptions options;
    options.seed = seed;
    options.shard = number;
    options.shards = shards;
    return options;
  }

  void work() {
    std::uint32_t idle = 0;
    std::uint32_t turns = 0;
    bool starting = true;
    for (;;) {
      const Order order = order_.load(std::memory_order_acquire);
      if (order == Order::kStop) break;
      if (order == Order::kStopStarting && starting) {
        sessions_.stop_starting();
        traffic_.stop();
        starting = false;
      }
      const bool busy = shard_.turn(monotonic_now);
      idle = busy ? 0 : idle + 1;
      const bool to_sleep = idle >= idle_turns_;
      if (to_sleep || ++turns % kPublishTurns == 0) publish();
      if (snapshot_.asked()) snapshot_.answer([this](ShardReport& report) { fill(report); });
      if (to_sleep) shard_.sleep(kLongestSleep);
    }
    finish();
  }

  void publish() {
    const bool finished = sessions_.finished() && traffic_.finished();
    if (finished != finished_.load(std::memory_order_relaxed)) finished_.store(finished, std::memory_order_release);
    if (plug_.state() != state_.load(std::memory_order_relaxed)) state_.store(plug_.state(), std::memory_order_release);
  }

  // The peers hear resets.
  void finish() {
    sessions_.abort_all();
    traffic_.stop();
    const Instant end = monotonic_now() + kLastTurns;
    std::uint32_t idle = 0;
    while (idle < 2 && monotonic_now() < end) {
      const bool busy = shard_.turn(monotonic_now);
      idle = busy || stack_.has_output() ? 0 : idle + 1;
      if (idle == 1) plug_.wait(std::chrono::milliseconds{1});
    }
    publish();
  }

  void fill(ShardReport& report) const {
    sessions_.write_counters(report.sessions);
    traffic_.write_counters(report.sessions);
    report.drops = stack_.drops();
    report.port = plug_.counters();
    report.inside = shard_.inside();
  }

  xsk::ShardPort& plug_;
  TxBatch batch_;
  stack::Stack stack_;
  engine::Sessions sessions_;
  engine::Traffic traffic_;
  XskShard shard_;
  std::uint32_t idle_turns_ = kIdleTurns;
  ShardReport last_;
  engine::Snapshot<ShardReport> snapshot_;
  std::thread thread_;
  alignas(64) std::atomic<Order> order_{Order::kGoOn};
  alignas(64) std::atomic<bool> finished_{false};
  std::atomic<PortState> state_{PortState::kUp};
};

void add(xsk::PortCounters& sum, const xsk::PortCounters& other) {
  sum.frames_tx += other.frames_tx;
  sum.bytes_tx += other.bytes_tx;
  sum.frames_rx += other.frames_rx;
  sum.bytes_rx += other.bytes_rx;
  sum.tx_kicks += other.tx_kicks;
  sum.rx_kicks += other.rx_kicks;
  sum.eagain += other.eagain;
  sum.enobufs += other.enobufs;
  sum.ebusy_lost += other.ebusy_lost;
  sum.tx_down += other.tx_down;
  sum.tx_errors += other.tx_errors;
}

void add(xsk::XdpStatistics& sum, const xsk::XdpStatistics& other) {
  sum.rx_dropped += other.rx_dropped;
  sum.rx_invalid_descs += other.rx_invalid_descs;
  sum.tx_invalid_descs += other.tx_invalid_descs;
  sum.rx_ring_full += other.rx_ring_full;
  sum.rx_fill_ring_empty_descs += other.rx_fill_ring_empty_descs;
  sum.tx_ring_empty_descs += other.tx_ring_empty_descs;
}

std::vector<bpf::HostRange> host_ranges(const stack::HostTable& hosts) {
  std::vector<bpf::HostRange> ranges;
  for (std::size_t i = 0; i < hosts.groups().size(); ++i) {
    const stack::HostGroup& group = hosts.groups()[i];
    bpf::HostRange range;
    range.first_host = static_cast<std::uint32_t>(hosts.first_of(static_cast<stack::GroupIndex>(i)));
    range.count = group.count;
    range.first_mac = group.first_mac;
    if (group.ipv4) range.first_ipv4 = group.ipv4->address;
    if (group.ipv6) range.first_ipv6 = group.ipv6->address;
    range.vlan = group.vlan;
    range.hosts_per_vlan = group.hosts_per_vlan;
    ranges.push_back(range);
  }
  return ranges;
}

bpf::AttachMode attach_mode(plan::PortMode mode) {
  switch (mode) {
    case plan::PortMode::kAuto:
      return bpf::AttachMode::kAuto;
    case plan::PortMode::kZeroCopy:
    case plan::PortMode::kCopy:
      return bpf::AttachMode::kNative;
    case plan::PortMode::kSkb:
      return bpf::AttachMode::kSkb;
  }
  return bpf::AttachMode::kAuto;
}

xsk::BindRequest bind_request(plan::PortMode mode) {
  switch (mode) {
    case plan::PortMode::kAuto:
      return xsk::BindRequest::kAuto;
    case plan::PortMode::kZeroCopy:
      return xsk::BindRequest::kZeroCopy;
    case plan::PortMode::kCopy:
    case plan::PortMode::kSkb:
      return xsk::BindRequest::kCopy;
  }
  return xsk::BindRequest::kAuto;
}

// Where a driver offers a zero-copy that may lose frames, copy is the best that works.
void doubt_zero_copy(xsk::PortOptions& options, std::vector<std::string>& notes) {
  const std::string doubt = zero_copy_doubt(read_driver(options.interface));
  if (doubt.empty()) return;
  if (options.mode == xsk::BindRequest::kZeroCopy) notes.push_back("zero-copy as asked for, though " + doubt);
  if (options.mode != xsk::BindRequest::kAuto) return;
  options.mode = xsk::BindRequest::kCopy;
  notes.push_back("copy mode, since " + doubt + "; --mode zero-copy insists");
}

std::uint32_t available_cores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (::sched_getaffinity(0, sizeof cores, &cores) != 0) return 1;
  return static_cast<std::uint32_t>(std::max(1, CPU_COUNT(&cores)));
}

// One per queue, at most one per core; a single one where the kernel cannot share a queue safely.
std::uint32_t choose_shards(const plan::PortPlan& plan, std::uint32_t queues, std::vector<std::string>& notes) {
  const bool racy = running_kernel() < KernelRelease{6, 15};
  if (plan.shards) {
    if (racy && *plan.shards > 1) {
      notes.push_back("several shards on a kernel before 6.15, where sockets that share memory race (CVE-2025-37920)");
    }
    return *plan.shards;
  }
  const std::uint32_t shards = std::min(queues, available_cores());
  if (!racy || shards == 1) return shards;
  notes.push_back(
      "one shard, since this kernel is older than 6.15 (CVE-2025-37920); `shards` of the port overrides that");
  return 1;
}

}  // namespace

struct PortRun::Crew {
  const plan::Plan& plan;
  engine::Placement placement;
  stack::HostTable hosts;
  std::vector<std::string> notes;
  std::unique_ptr<xsk::Port> port;
  std::optional<bpf::Steering> steering;  // goes before the port, so that no frame is sent to a socket that closes
  std::unique_ptr<engine::Mailboxes> mail;
  std::vector<std::unique_ptr<Worker>> workers;
  std::optional<bpf::SteeringCounters> last_steering;
  bool running = false;
  std::int64_t frames_missing = 0;
  std::int64_t left_behind = 0;

  Crew(const plan::Plan& the_plan, std::size_t index)
      : plan(the_plan), placement(engine::place(the_plan, index)), hosts(placement.groups) {}

  Result<void> open(const plan::PortPlan& port_plan);
  void settle();
  void add_up(PortReport& report, const ShardReport& shard) const;
};

Result<void> PortRun::Crew::open(const plan::PortPlan& port_plan) {
  if (placement.trouble) return tl::unexpected(*placement.trouble);
  const auto device = xsk::find_device(port_plan.interface);
  if (!device) return tl::unexpected(device.error());
  const std::uint32_t queues = port_plan.queues.value_or(device->queues);
  if (queues > device->queues) {
    return fail(Fault::kMachine,
                fmt::format("{} has {} receive queues, {} were asked for", device->name, device->queues, queues),
                fmt::format("say fewer `queues`, or: sudo ethtool -L {} combined {}", device->name, queues));
  }
  const std::uint32_t shards = choose_shards(port_plan, queues, notes);

  bpf::SteeringOptions steer;
  steer.interface = port_plan.interface;
  steer.shards = shards;
  steer.queues = queues;
  steer.hosts = host_ranges(hosts);
  steer.mode = attach_mode(port_plan.mode);
  auto attached = bpf::Steering::attach(steer);
  if (!attached) return tl::unexpected(attached.error());
  if (!attached->native_refusal().empty())
    notes.push_back("skb mode in place of native XDP, which was refused: " + attached->native_refusal());
  if (attached->mode() == bpf::XdpMode::kSkb) {
    notes.push_back(
        "skb mode: what offloads have merged is larger than a frame and is lost (rx_dropped); if bulk data stalls: "
        "ethtool -K " +
        port_plan.interface + " gro off, and at the far end of a veth: ethtool -K PEER tso off gso off");
  }

  xsk::PortOptions options;
  options.interface = port_plan.interface;
  options.queues = queues;
  options.shards = shards;
  options.mode = bind_request(port_plan.mode);
  options.generic = attached->mode() == bpf::XdpMode::kSkb;
  if (!options.generic) doubt_zero_copy(options, notes);
  auto opened = xsk::Port::open(options);
  if (!opened) return tl::unexpected(opened.error());
  port = std::move(*opened);
  steering.emplace(std::move(*attached));
  for (engine::ReplayPlace& replay : placement.replays) {
    replay.rewriting.mtu = device->mtu_bytes;
    replay.rewriting.most_frame_bytes = port->area().chunk_bytes;
  }
  for (const std::string& note : port->notes()) notes.push_back(note);
  mail = std::make_unique<engine::Mailboxes>(port->area());
  return {};
}

// The shards are at rest: what they have given to the kernel comes back.
void PortRun::Crew::settle() {
  const auto waits = [](const auto& worker) {
    const bool has_sent = worker->shard().has_outgoing() || worker->plug().has_unfinished();
    return has_sent && worker->plug().state() == PortState::kUp;
  };
  for (std::uint32_t in_vain = 0; in_vain < kLooksInVain;) {
    bool completed = false;
    for (const auto& worker : workers) completed |= worker->shard().take_back();
    if (std::none_of(workers.begin(), workers.end(), waits)) break;
    in_vain = completed ? 0 : in_vain + 1;
    if (!completed) std::this_thread::sleep_for(kBetweenLooks);
  }
  for (const auto& worker : workers) left_behind += worker->shard().put_away() + worker->plug().tx_balance();
  for (int pass = 0; pass < 2; ++pass) {  // what was handed over goes home in the second
    for (const auto& worker : workers) worker->shard().collect();
  }
  std::int64_t accounted = port->frames_in_kernel();
  for (const auto& worker : workers) accounted += worker->shard().frames_held();
  frames_missing = std::int64_t{port->area().count()} - accounted;
  assert(frames_missing == 0 && "every frame handed out is accounted for");
}

void PortRun::Crew::add_up(PortReport& report, const ShardReport& shard) const {
  report.sessions.merge(shard.sessions);
  for (std::size_t i = 0; i < report.drops.count.size(); ++i) report.drops.count[i] += shard.drops.count[i];
  add(report.port, shard.port);
  report.frames_inside += shard.inside.frames;
  report.inside_dropped += shard.inside.dropped;
}

PortRun::PortRun(std::unique_ptr<Crew> crew) : crew_(std::move(crew)) {}
PortRun::~PortRun() { stop(); }

Result<std::unique_ptr<PortRun>> PortRun::open(const plan::Plan& plan, std::size_t port, bool host_details) {
  auto crew = std::make_unique<Crew>(plan, port);
  for (engine::WorkloadPlace& place : crew->placement.workloads) place.host_details = host_details;
  if (auto opened = crew->open(plan.ports[port]); !opened) return tl::unexpected(opened.error());
  return std::unique_ptr<PortRun>(new PortRun(std::move(crew)));
}

const stack::HostTable& PortRun::hosts() const { return crew_->hosts; }
std::uint32_t PortRun::shards() const { return crew_->port->shard_count(); }
const xsk::Port& PortRun::port() const { return *crew_->port; }
const bpf::Steering& PortRun::steering() const { return *crew_->steering; }
const std::vector<std::string>& PortRun::notes() const { return crew_->notes; }

Result<void> PortRun::start(const RunStart& start) {
  Crew& crew = *crew_;
  // Content comes from the seed alone. Ports and initial sequence numbers differ from run to run as those of rebooted
  // hosts do, or a new run would meet the connections that a killed one has left half open at the target.
  const std::uint64_t secret = mix64(crew.plan.seed ^ static_cast<std::uint64_t>(start.at.ns));
  for (engine::ReplayPlace& replay : crew.placement.replays) {
    replay.rewriting.seed = secret;
    if (replay.only) replay.together = &start.replay_starts[replay.index];
  }
  for (std::uint32_t i = 0; i < shards(); ++i) {
    engine::Tap* const tap = start.taps.empty() ? nullptr : start.taps[i];
    crew.workers.push_back(
        std::make_unique<Worker>(i, crew.placement, crew.hosts, *crew.port, *crew.mail, secret, start, tap));
  }
  std::vector<xsk::ShardPort*> plugs;
  for (const auto& worker : crew.workers) plugs.push_back(&worker->plug());
  for (const auto& worker : crew.workers) {
    worker->shard().set_neighbours(plugs);
    worker->shard().prime();
  }
  // Now that every queue has frames to receive into, traffic begins.
  for (std::uint32_t queue = 0; queue < crew.port->queues(); ++queue) {
    for (std::uint32_t shard = 0; shard < shards(); ++shard) {
      auto set = crew.steering->set_socket(queue, shard, crew.port->socket_fd(queue, shard));
      if (!set) return set;
    }
  }
  for (std::uint32_t i = 0; i < shards(); ++i)
    crew.workers[i]->start(start.cores.empty() ? -1 : start.cores[i % start.cores.size()], start.spin);
  crew.running = true;
  return {};
}

bool PortRun::finished() const {
  return std::all_of(crew_->workers.begin(), crew_->workers.end(), [](const auto& w) { return w->finished(); });
}

PortState PortRun::state() const {
  PortState worst = PortState::kUp;
  for (const auto& worker : crew_->workers) worst = std::max(worst, worker->state());
  return worst;
}

void PortRun::stop_starting() {
  for (const auto& worker : crew_->workers) worker->order_stop_starting();
}

void PortRun::stop() {
  if (!crew_->running) return;
  crew_->running = false;
  for (const auto& worker : crew_->workers) worker->order_stop();
  for (const auto& worker : crew_->workers) worker->join();
  if (auto counters = crew_->steering->counters()) crew_->last_steering = *counters;
  crew_->settle();
}

engine::HostTally PortRun::tally(std::size_t workload, std::uint32_t host) const {
  assert(!crew_->running);
  const auto& places = crew_->placement.workloads;
  const auto place = std::find_if(places.begin(), places.end(), [&](const auto& p) { return p.index == workload; });
  assert(place != places.end());
  const std::uint32_t shard = (place->first_host + host) % shards();
  const auto slice = engine::LoadSlice::of_group(place->first_host, place->hosts, shard, shards());
  const engine::Clients& clients = crew_->workers[shard]->sessions().clients();
  return clients.hosts_of(static_cast<std::size_t>(place - places.begin())).of(slice.index_of(host));
}

std::vector<const engine::Asked*> PortRun::asked(std::size_t service) const {
  assert(!crew_->running);
  const auto& places = crew_->placement.services;
  const auto place = std::find_if(places.begin(), places.end(), [&](const auto& p) { return p.index == service; });
  std::vector<const engine::Asked*> all;
  if (place == places.end() || place->kind != engine::ServiceKind::kCatchAll) return all;
  for (const auto& worker : crew_->workers) {
    all.push_back(worker->sessions().services().asked_of(static_cast<std::size_t>(place - places.begin())));
  }
  return all;
}

std::int64_t PortRun::frames_missing() const { return crew_->frames_missing; }

PortReport PortRun::report(Duration patience) {
  PortReport report;
  const Crew& crew = *crew_;
  if (crew.running) {
    for (const auto& worker : crew.workers) worker->ask();
    const Instant end = monotonic_now() + patience;
    const auto all_answered = [&] {
      return std::all_of(crew.workers.begin(), crew.workers.end(), [](const auto& w) { return w->answered(); });
    };
    // Less and less often: a shard that shares its core with this thread gets on only while this one sleeps.
    for (Duration pause = kFirstLook; !all_answered() && monotonic_now() < end; pause = std::min(2 * pause, kLastLook))
      std::this_thread::sleep_for(pause);
    for (const auto& worker : crew.workers) crew.add_up(report, *worker->answer());
  } else {
    for (const auto& worker : crew.workers) crew.add_up(report, worker->final_report());
    report.tx_left_behind = static_cast<std::uint64_t>(crew.left_behind);
  }
  for (const auto& worker : crew.workers) add(report.xdp, worker->plug().statistics());
  if (crew.last_steering) {
    report.steering = *crew.last_steering;
  } else if (auto counters = crew.steering->counters()) {
    report.steering = *counters;
  }
  report.state = state();
  return report;
}

}  // namespace myriad::cli
