// The crank with several shards and queues, on a device made of memory: every frame reaches the shard that owns its
// host, every frame comes home, and hosts of one port hear each other inside.
#include "engine/shard.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "engine/sessions.h"
#include "tests/engine/memory_device.h"

namespace myriad::engine {
namespace {

static_assert(FramePort<MemoryPort>);
static_assert(Source<Sessions>);

constexpr std::uint32_t kHosts = 40;

plan::HostGroup group(std::string name, std::size_t port, std::uint32_t net) {
  plan::HostGroup g;
  g.name = std::move(name);
  g.port = port;
  g.count = kHosts;
  g.mac = MacAddress::from_number(0x024d00000001ULL + (std::uint64_t{net} << 16));
  g.ipv4 = Ipv4Prefix{Ipv4Address{0x0a000001U + (net << 8)}, 16};
  g.ipv6 = Ipv6Prefix{Ipv6Address::parse("fd00::1")->plus(net << 16), 64};
  return g;
}

plan::Workload fetch(std::size_t from, std::size_t to, bool v6) {
  plan::Workload w;
  w.name = v6 ? "fetch6" : "fetch4";
  w.from = from;
  w.to = {to, Port{80}, v6};
  plan::HttpWorkload http;
  http.list[0].path = "/bytes/20000";
  http.list[0].verify.bytes = 20'000;
  w.kind = http;
  w.load.total = 4 * kHosts;
  w.load.concurrent = kHosts;
  w.load.timeout = std::chrono::seconds{60};
  return w;
}

plan::Workload ping(std::size_t from, std::size_t to) {
  plan::Workload w;
  w.name = "ping";
  w.from = from;
  w.to = {to, Port{}, false};
  w.kind = plan::IcmpEchoWorkload{3, std::chrono::milliseconds{10}, 56};
  return w;
}

// One port of a plan: its device and its shards.
class PortInMemory {
 public:
  PortInMemory(const plan::Plan& plan, std::size_t port, std::uint32_t queues, std::uint32_t shards, Instant start)
      : placement_(place(plan, port)),
        hosts_(placement_.groups),
        device_(hosts_, queues, shards),
        mail_(device_.area()) {
    std::vector<MemoryPort*> plugs;
    for (std::uint32_t s = 0; s < shards; ++s) {
      workers_.push_back(std::make_unique<Worker>(*this, s, shards, start));
      plugs.push_back(&device_.port(s));
    }
    for (auto& worker : workers_) {
      worker->shard.set_neighbours(plugs);
      worker->shard.prime();
    }
  }

  MemoryDevice& device() { return device_; }
  std::size_t shards() const { return workers_.size(); }
  bool turn(std::size_t shard, Instant now) {
    return workers_[shard]->shard.turn([now] { return now; });
  }
  void sleep(std::size_t shard, Duration at_most) { workers_[shard]->shard.sleep(at_most); }
  void abort_all(std::size_t shard) { workers_[shard]->sessions.abort_all(); }
  bool finished(std::size_t shard) const { return workers_[shard]->sessions.finished(); }
  bool finished() const {
    for (const auto& worker : workers_) {
      if (!worker->sessions.finished()) return false;
    }
    return true;
  }
  ShardCounters counters() const {
    ShardCounters all;
    for (const auto& worker : workers_) {
      ShardCounters own;
      worker->sessions.write_counters(own);
      all.merge(own);
    }
    return all;
  }
  std::uint64_t inside() const {
    std::uint64_t frames = 0;
    for (const auto& worker : workers_) frames += worker->shard.inside().frames;
    return frames;
  }
  std::uint64_t not_ours() const {
    std::uint64_t frames = 0;
    for (const auto& worker : workers_) frames += worker->stack.drops()[stack::Drop::kNotOurs];
    return frames;
  }
  // After the last turn: how many frames are nowhere.
  std::int64_t frames_missing() {
    for (auto& worker : workers_) worker->shard.put_away();
    for (int pass = 0; pass < 2; ++pass) {
      for (auto& worker : workers_) worker->shard.collect();
    }
    std::int64_t held = device_.frames_in_kernel();
    for (auto& worker : workers_) held += worker->shard.frames_held();
    return std::int64_t{device_.area().count()} - held;
  }

 private:
  struct Worker {
    Worker(PortInMemory& port, std::uint32_t number, std::uint32_t shards, Instant start)
        : batch(port.device_.area(), Shard<MemoryPort, Sessions>::kBatchFrames),
          stack(port.hosts_, options(number, shards)),
          sessions(port.placement_, stack, batch, {.shard = number, .shards = shards, .start = start}),
          traffic(port.placement_, stack, {.shard = number, .shards = shards, .start = start, .run = 1}),
          shard(number, port.device_.area(), port.device_.port(number), port.mail_, stack, sessions, traffic, batch,
                nullptr) {}
    static stack::StackOptions options(std::uint32_t number, std::uint32_t shards) {
      stack::StackOptions o;
      o.shard = number;
      o.shards = shards;
      return o;
    }
    TxBatch batch;
    stack::Stack stack;
    Sessions sessions;
    Traffic traffic;
    Shard<MemoryPort, Sessions> shard;
  };

  Placement placement_;
  stack::HostTable hosts_;
  MemoryDevice device_;
  Mailboxes mail_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

plan::Plan two_ports() {
  plan::Plan plan;
  plan.ports.resize(2);
  plan.groups = {group("clients", 0, 1), group("servers", 1, 2)};
  plan.services.push_back({"web", 1, Port{80}, plan::HttpService{100U}});
  plan.workloads = {fetch(0, 1, false), fetch(0, 1, true), ping(0, 1)};
  return plan;
}

plan::Plan one_port() {
  plan::Plan plan = two_ports();
  plan.ports.resize(1);
  plan.groups[1].port = 0;
  return plan;
}

void expect_all_done(const ShardCounters& counters) {
  for (const WorkloadCounters& w : counters.workloads) {
    EXPECT_EQ(w.sessions_failed, 0U);
    EXPECT_EQ(w.sessions_open(), 0U);
    EXPECT_GT(w.sessions_succeeded, 0U);
  }
  EXPECT_EQ(counters.workloads[0].sessions_verified, 4U * kHosts);
  EXPECT_EQ(counters.workloads[1].sessions_verified, 4U * kHosts);
  EXPECT_EQ(counters.workloads[2].sessions_succeeded, kHosts);
}

struct Shape {
  std::uint32_t queues;
  std::uint32_t shards;
};

class ShardsAndQueues : public testing::TestWithParam<Shape> {
 protected:
  // One thread turns all cranks in turn; the clock goes 20 µs a round.
  static void crank(std::vector<PortInMemory*> ports, Instant now) {
    for (int round = 0; round < 500'000 && !ports[0]->finished(); ++round) {
      now = now + std::chrono::microseconds{20};
      for (PortInMemory* port : ports) {
        for (std::size_t s = 0; s < port->shards(); ++s) port->turn(s, now);
      }
    }
    EXPECT_TRUE(ports[0]->finished());
  }
  // Every shard on a thread of its own, spinning and sleeping as in a run.
  static void run_threads(std::vector<PortInMemory*> ports) {
    std::atomic<std::size_t> unfinished{ports[0]->shards()};
    std::vector<std::thread> threads;
    const auto clock = [] { return Instant{std::chrono::steady_clock::now().time_since_epoch().count()}; };
    for (PortInMemory* port : ports) {
      for (std::size_t s = 0; s < port->shards(); ++s) {
        threads.emplace_back([&, port, s] {
          bool told = port != ports[0];
          int idle = 0;
          while (unfinished.load() > 0) {
            idle = port->turn(s, clock()) ? 0 : idle + 1;
            if (!told && port->finished(s)) {
              told = true;
              --unfinished;
            }
            if (idle > 10) port->sleep(s, std::chrono::milliseconds{5});
          }
        });
      }
    }
    for (auto& thread : threads) thread.join();
  }
};

INSTANTIATE_TEST_SUITE_P(Shapes, ShardsAndQueues,
                         testing::Values(Shape{1, 1}, Shape{2, 2}, Shape{4, 4}, Shape{1, 2}, Shape{1, 4}, Shape{2, 4},
                                         Shape{4, 1}, Shape{4, 2}),
                         [](const auto& p) {
                           return std::to_string(p.param.queues) + "queues_" + std::to_string(p.param.shards) +
                                  "shards";
                         });

TEST_P(ShardsAndQueues, TwoPortsOneThread) {
  const plan::Plan plan = two_ports();
  const Instant start{1'000'000'000};
  PortInMemory left{plan, 0, GetParam().queues, GetParam().shards, start};
  PortInMemory right{plan, 1, GetParam().queues, GetParam().shards, start};
  left.device().plug_into(right.device());
  crank({&left, &right}, start);
  expect_all_done(left.counters());
  EXPECT_EQ(left.inside() + right.inside(), 0U);
  EXPECT_EQ(left.not_ours() + right.not_ours(), 0U);
  EXPECT_EQ(left.frames_missing(), 0);
  EXPECT_EQ(right.frames_missing(), 0);
}

TEST_P(ShardsAndQueues, HostsOfOnePortHearEachOtherInside) {
  const plan::Plan plan = one_port();
  const Instant start{1'000'000'000};
  PortInMemory port{plan, 0, GetParam().queues, GetParam().shards, start};
  crank({&port}, start);
  expect_all_done(port.counters());
  EXPECT_GT(port.inside(), 1000U);
  EXPECT_EQ(port.frames_missing(), 0);
}

TEST_P(ShardsAndQueues, TwoPortsOneThreadEach) {
  const plan::Plan plan = two_ports();
  const Instant start{std::chrono::steady_clock::now().time_since_epoch().count()};
  PortInMemory left{plan, 0, GetParam().queues, GetParam().shards, start};
  PortInMemory right{plan, 1, GetParam().queues, GetParam().shards, start};
  left.device().plug_into(right.device());
  run_threads({&left, &right});
  expect_all_done(left.counters());
  EXPECT_EQ(left.frames_missing(), 0);
  EXPECT_EQ(right.frames_missing(), 0);
}

TEST_P(ShardsAndQueues, HostsOfOnePortOnThreads) {
  const plan::Plan plan = one_port();
  const Instant start{std::chrono::steady_clock::now().time_since_epoch().count()};
  PortInMemory port{plan, 0, GetParam().queues, GetParam().shards, start};
  run_threads({&port});
  expect_all_done(port.counters());
  EXPECT_EQ(port.frames_missing(), 0);
}

}  // namespace
}  // namespace myriad::engine
