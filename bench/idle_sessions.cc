// What an idle connection costs, all included and without a device: the sessions of `myriad run` open HTTP connections
// to the services of `myriad run`, fetch once over each and hold them. Either end is a process of its own, so that what
// it has resident is its own; frames go from one to the other through a socket, in turns, on a virtual clock.
//
// What counts is the resident memory of each process once everything is held, less what it had when its hosts, stack
// and sessions had been made and nothing was open: all that grew with the connections, whatever it was for. It is read
// before and after malloc_trim(), which the program calls when traffic has come to rest.
#include <fmt/format.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

#include "base/bytes.h"
#include "base/frame.h"
#include "engine/place.h"
#include "engine/sessions.h"
#include "stack/host_table.h"
#include "stack/stack.h"
#include "templates/plan/plan.h"

namespace myriad {
namespace {

constexpr std::uint32_t kChunkBytes = 2048;
constexpr std::uint32_t kFrames = 256;
constexpr Port kWeb{80};
constexpr std::size_t kClients = 0;
constexpr std::size_t kServers = 1;
constexpr Duration kTurn = std::chrono::microseconds{100};

struct Options {
  std::uint32_t connections = 100'000;
  std::uint32_t hosts = 0;  // 0: one for each ten connections
  std::uint32_t delay_turns = 100;
  std::uint32_t settle_seconds = 5;
};

// What a process has, bytes.
struct Memory {
  std::uint64_t resident = 0;   // of its own: what it shares with nobody
  std::uint64_t allocated = 0;  // of that, handed out by malloc(); what was never touched counts here

  static Memory now() {
    Memory memory;
    std::ifstream status{"/proc/self/status"};
    for (std::string word; status >> word;) {
      if (word == "RssAnon:") {
        status >> memory.resident;
        memory.resident *= 1024;
      }
    }
    const auto heap = mallinfo2();
    memory.allocated = heap.uordblks + heap.hblkhd;
    return memory;
  }
};

// One end at one moment.
struct Reading {
  Memory memory;
  std::uint64_t connections = 0;
  std::uint64_t busy = 0;  // sessions with something under way
  std::uint64_t timers = 0;
};

plan::Plan plan_of(const Options& options) {
  const auto group = [](const char* name, std::size_t port, std::uint32_t net, std::uint32_t count) {
    plan::HostGroup made;
    made.name = name;
    made.port = port;
    made.count = count;
    made.mac = MacAddress::from_number(0x024d00000001ULL + (std::uint64_t{net} << 32));
    made.ipv4 = Ipv4Prefix{Ipv4Address{0x0a000001U + (net << 22)}, 8};
    return made;
  };
  plan::Plan plan;
  plan.ports.resize(2);
  plan.groups.push_back(group("clients", 0, 0, options.hosts));
  plan.groups.push_back(group("servers", 1, 1, 1));
  plan.services.push_back({"web", kServers, kWeb, plan::HttpService{64U}});
  plan::Workload& hold = plan.workloads.emplace_back();
  hold.name = "hold";
  hold.from = kClients;
  hold.to.address = kServers;
  hold.to.port = kWeb;
  plan::HttpWorkload http;
  http.list[0].verify.bytes = 64;
  hold.kind = http;
  hold.load.total = hold.load.concurrent = options.connections;
  hold.load.per_host = (options.connections + options.hosts - 1) / options.hosts;
  hold.load.hold = std::chrono::hours{24};
  hold.load.timeout = std::chrono::seconds{60};
  return plan;
}

stack::StackOptions stack_options(const Options& options) {
  stack::StackOptions made;
  made.seed = 7;
  made.tcp.connections = options.connections;
  made.tcp.half_open = options.connections;
  return made;
}

// One end: what runs in a shard, but for the device.
class End {
 public:
  End(const Options& options, std::size_t port, Instant now)
      : placement_(engine::place(plan_of(options), port)),
        table_(placement_.groups),
        frames_(std::size_t{kFrames} * kChunkBytes),
        area_{frames_.data(), kChunkBytes, kFrames, 1},
        pool_(area_, 0),
        batch_(area_, kFrames),
        stack_(table_, stack_options(options)),
        sessions_(placement_, stack_, batch_, {.start = now}) {
    batch_.reserve(pool_);
  }

  // Hears the frames of `in`, says what is due, and puts what leaves into `out`, each with its length before it.
  void turn(Instant now, Bytes in, std::vector<std::uint8_t>& out) {
    while (in.size() > 2) {
      const std::size_t length = load_be16(in.data());
      stack_.on_frame(in.subspan(2, length), now, sessions_, batch_);
      in = in.subspan(2 + length);
    }
    stack_.on_timers(now, sessions_);
    sessions_.on_time(now, batch_);
    sessions_.start_due(now, batch_);
    stack_.transmit(now, sessions_, batch_);
    for (const TxFrame& frame : batch_.committed()) {
      const Bytes bytes = batch_.bytes(frame);
      const std::size_t at = out.size();
      out.resize(at + 2 + bytes.size());
      store_be16(out.data() + at, static_cast<std::uint16_t>(bytes.size()));
      std::copy(bytes.begin(), bytes.end(), out.begin() + static_cast<std::ptrdiff_t>(at + 2));
      pool_.give(frame.frame);
    }
    batch_.consume(batch_.committed_count());
    batch_.reserve(pool_);
  }
  [[nodiscard]] Reading reading() const {
    return {Memory::now(), stack_.connections(), sessions_.clients().talking() + sessions_.services().busy(),
            stack_.timers_armed()};
  }
  [[nodiscard]] engine::WorkloadCounters counters() const {
    engine::ShardCounters all;
    sessions_.write_counters(all);
    return all.workloads[0];
  }

 private:
  engine::Placement placement_;
  stack::HostTable table_;
  std::vector<std::uint8_t> frames_;
  FrameArea area_;
  FramePool pool_;
  TxBatch batch_;
  stack::Stack stack_;
  engine::Sessions sessions_;
};

// A message from one process to the other: what time it is, then frames. Without time: the other end is to tell what it
// has (its answer is a Reading), with anything behind it after malloc_trim(). With the socket closed: to go.
class Wire {
 public:
  static constexpr std::size_t kMostBytes = sizeof(Instant) + kFrames * (2 + kChunkBytes);

  explicit Wire(int socket) : socket_(socket), bytes_(kMostBytes) {
    const int size = 4 << 20;
    setsockopt(socket_, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  ~Wire() { close(socket_); }

  void send(Bytes message) {
    if (::send(socket_, message.data(), message.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(message.size())) {
      throw std::system_error(errno, std::generic_category(), "the other end");
    }
  }
  // Empty: the other end has gone. Valid until the next one.
  [[nodiscard]] Bytes receive() {
    const ssize_t length = recv(socket_, bytes_.data(), bytes_.size(), 0);
    if (length < 0) throw std::system_error(errno, std::generic_category(), "the other end");
    return {bytes_.data(), static_cast<std::size_t>(length)};
  }

 private:
  int socket_;
  std::vector<std::uint8_t> bytes_;
};

template <class T>
Bytes bytes_of(const T& value) {
  return {reinterpret_cast<const std::uint8_t*>(&value), sizeof value};
}
template <class T>
T value_of(Bytes bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

void serve(const Options& options, Wire& wire, Instant start) {
  End servers{options, kServers, start};
  std::vector<std::uint8_t> out;
  out.reserve(Wire::kMostBytes);
  for (;;) {
    const Bytes message = wire.receive();
    if (message.empty()) return;
    const auto now = value_of<Instant>(message);
    if (now.is_never()) {
      if (message.size() > sizeof now) malloc_trim(0);
      wire.send(bytes_of(servers.reading()));
      continue;
    }
    out.assign(sizeof now, 0);
    servers.turn(now, message.subspan(sizeof now), out);
    wire.send(out);
  }
}

// Messages that wait for their time, as many as it was made for. In memory of neither end's own, so that it does not
// count.
class DelayLine {
 public:
  explicit DelayLine(std::uint32_t messages) : slots_(messages + 1), lengths_(slots_) {
    void* const memory =
        mmap(nullptr, slots_ * Wire::kMostBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
    memory_ = static_cast<std::uint8_t*>(memory);
  }
  DelayLine(const DelayLine&) = delete;
  DelayLine& operator=(const DelayLine&) = delete;
  ~DelayLine() { munmap(memory_, slots_ * Wire::kMostBytes); }

  void put(Bytes message) {
    const std::size_t slot = put_++ % slots_;
    std::copy(message.begin(), message.end(), memory_ + slot * Wire::kMostBytes);
    lengths_[slot] = message.size();
  }
  // The one that was put in so many ago as the line is long; empty while there is none. Valid until the next put().
  [[nodiscard]] Bytes take() const {
    if (put_ + 1 < slots_) return {};
    const std::size_t slot = (put_ + 1) % slots_;
    return {memory_ + slot * Wire::kMostBytes, lengths_[slot]};
  }

 private:
  std::size_t slots_;
  std::vector<std::size_t> lengths_;
  std::uint8_t* memory_;
  std::size_t put_ = 0;
};

// The clients, the other process, and time.
class Run {
 public:
  Run(const Options& options, Wire& wire, Instant start)
      : wire_(wire), now_(start), delayed_(options.delay_turns), clients_(options, kClients, start) {
    out_.reserve(Wire::kMostBytes);
  }

  // What the servers say is heard some turns later: the sessions of as many turns talk at the same time.
  void turn(Duration time) {
    now_ = now_ + time;
    out_.assign(bytes_of(now_).begin(), bytes_of(now_).end());
    clients_.turn(now_, delayed_.take(), out_);
    wire_.send(out_);
    delayed_.put(wire_.receive().subspan(sizeof now_));
  }
  [[nodiscard]] Reading clients(bool trimmed = false) const {
    if (trimmed) malloc_trim(0);
    return clients_.reading();
  }
  [[nodiscard]] Reading servers(bool trimmed = false) {
    const std::array<Instant, 2> question{Instant::never(), Instant::never()};
    wire_.send(bytes_of(question).first(trimmed ? sizeof question : sizeof(Instant)));
    return value_of<Reading>(wire_.receive());
  }
  [[nodiscard]] engine::WorkloadCounters counters() const { return clients_.counters(); }

 private:
  Wire& wire_;
  Instant now_;
  DelayLine delayed_;
  std::vector<std::uint8_t> out_;
  End clients_;
};

void print(const char* side, const Reading& empty, std::uint64_t most_busy, const Reading& held, const Reading& trimmed,
           std::uint32_t connections) {
  const auto each = [&](std::uint64_t bytes, std::uint64_t before) {
    return (static_cast<double>(bytes) - static_cast<double>(before)) / connections;
  };
  fmt::print("{:<8} {:>12} {:>12} {:>7} {:>12.1f} {:>12.1f} {:>12.1f} {:>12.1f}\n", side, held.connections, most_busy,
             held.timers, each(held.memory.resident, empty.memory.resident),
             each(trimmed.memory.resident, empty.memory.resident),
             each(trimmed.memory.allocated, empty.memory.allocated), each(trimmed.memory.resident, 0));
}

int hold(const Options& options, Wire& wire) {
  const Instant start{1'000'000'000};
  Run run{options, wire, start};
  const Reading empty[] = {run.clients(true), run.servers(true)};
  std::uint64_t most_busy[2] = {};
  std::uint64_t turns = 0;
  const auto note = [&](std::uint64_t each) {
    if (++turns % each != 0) return;
    const Reading now[] = {run.clients(), run.servers()};
    for (int side = 0; side < 2; ++side) most_busy[side] = std::max(most_busy[side], now[side].busy);
  };
  Reading clients = empty[0];
  const std::uint64_t enough = options.connections / 64 * 4 + std::uint64_t{options.delay_turns} * 10 + 100'000;
  for (std::uint64_t i = 0; i < enough && (clients.connections < options.connections || clients.busy > 0); ++i) {
    run.turn(kTurn);
    note(128);
    if (i % 128 == 0) clients = run.clients();
  }
  // What the handshakes needed is over: acknowledgements, timers.
  for (std::uint32_t i = 0; i < options.settle_seconds * 1000; ++i) run.turn(std::chrono::milliseconds{1});
  const Reading held[] = {run.clients(), run.servers()};
  const Reading trimmed[] = {run.clients(true), run.servers(true)};
  const engine::WorkloadCounters counters = run.counters();
  fmt::print("{} connections of {} hosts held; {} sessions open, {} failed, {} repeated segments\n",
             options.connections, options.hosts, counters.sessions_open(), counters.sessions_failed,
             counters.tcp.retransmits);
  fmt::print("bytes of each connection; all: with hosts, frames and program\n");
  fmt::print("{:<8} {:>12} {:>12} {:>7} {:>12} {:>12} {:>12} {:>12}\n", "", "connections", "busy at most", "timers",
             "resident", "trimmed", "allocated", "trimmed, all");
  print("clients", empty[0], most_busy[0], held[0], trimmed[0], options.connections);
  print("servers", empty[1], most_busy[1], held[1], trimmed[1], options.connections);
  const bool right = held[0].connections == options.connections && held[1].connections == options.connections &&
                     held[0].busy == 0 && held[1].busy == 0 && counters.sessions_open() == options.connections &&
                     counters.sessions_failed == 0;
  if (!right) fmt::print(stderr, "not all are held, or not all are idle\n");
  return right ? 0 : 1;
}

int run(const Options& options) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    throw std::system_error(errno, std::generic_category(), "socketpair");
  }
  const pid_t child = fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (child == 0) {
    close(ends[0]);
    Wire wire{ends[1]};
    serve(options, wire, Instant{1'000'000'000});
    return 0;
  }
  close(ends[1]);
  int result = 1;
  {
    Wire wire{ends[0]};
    result = hold(options, wire);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status == 0 ? result : 1;
}

}  // namespace
}  // namespace myriad

int main(int argc, char** argv) {
  mallopt(M_MMAP_THRESHOLD, 128 * 1024);  // as the program does
  myriad::Options options;
  CLI::App app{"What an idle connection costs: sessions of Myriad against services of Myriad, without a device."};
  app.add_option("--connections", options.connections)->check(CLI::Range(1, 2'000'000))->capture_default_str();
  app.add_option("--hosts", options.hosts, "clients; 0: one for each ten connections")
      ->check(CLI::Range(0, 4'000'000))
      ->capture_default_str();
  app.add_option("--delay-turns", options.delay_turns, "of 100 µs, in which 64 sessions begin")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  app.add_option("--settle", options.settle_seconds, "seconds of the virtual clock")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  if (options.hosts == 0) options.hosts = std::max(1U, options.connections / 10);
  try {
    return myriad::run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "idle_sessions: {}\n", error.what());
    return 1;
  }
}
