// What TCP of one shard costs, with no device and on one core: whole connections between two stacks, streams in either
// direction, and a great many connections held at once and then closed in the order in which they were opened.
//
// The clock of the stacks is virtual. Where two stacks talk, the time of both counts. Where one stack is measured
// (hold), its far end is a reflector that answers each segment from its header alone and keeps nothing.
#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "stack/stack.h"
#include "stack/wire/arp.h"
#include "stack/wire/ethernet.h"
#include "stack/wire/ip.h"
#include "stack/wire/tcp.h"

namespace myriad::stack {
namespace {

constexpr std::uint32_t kChunkBytes = 2048;
constexpr std::uint32_t kBatch = 256;
constexpr Port kService{80};
constexpr std::uint32_t kRequestBytes = 80;    // GET /bytes/64 with a Host field
constexpr std::uint32_t kResponseBytes = 160;  // a status line, three fields and 64 bytes

HostTable hosts(const char* first4, std::uint64_t mac, std::uint32_t count) {
  HostGroup group;
  group.name = "hosts";
  group.count = count;
  group.first_mac = MacAddress::from_number(mac);
  group.ipv4 = Ipv4Prefix::parse(first4);
  return HostTable{{group}};
}

// One port: hosts, stack, frames.
class Side {
 public:
  Side(HostTable table, const StackOptions& options)
      : table_(std::move(table)),
        memory_(std::size_t{kBatch} * kChunkBytes),
        area_{memory_.data(), kChunkBytes, kBatch, 1},
        pool_(area_, 0),
        batch_(area_, kBatch),
        stack_(table_, options) {
    batch_.reserve(pool_);
  }
  [[nodiscard]] Stack& stack() { return stack_; }
  [[nodiscard]] const HostTable& table() const { return table_; }
  [[nodiscard]] TxBatch& batch() { return batch_; }

  // Gives every frame that waits here to `hear`, and takes it back. Returns how many.
  template <class Hear>
  std::uint32_t deliver(Hear&& hear) {
    const std::uint32_t count = batch_.committed_count();
    for (std::uint32_t i = 0; i < count; ++i) hear(batch_.bytes(batch_.committed()[i]));
    for (std::uint32_t i = 0; i < count; ++i) pool_.give(batch_.committed()[i].frame);
    batch_.consume(count);
    batch_.reserve(pool_);
    return count;
  }

 private:
  HostTable table_;
  std::vector<std::uint8_t> memory_;
  FrameArea area_;
  FramePool pool_;
  TxBatch batch_;
  Stack stack_;
};

struct Served {
  Stack& stack;
  std::uint64_t responses = 0;

  void on_event(const Event& event, Instant) {
    if (event.kind == EventKind::kReceived) {
      stack.extend(event.connection, kResponseBytes);
      stack.finish(event.connection);
    } else if (event.kind == EventKind::kClosed) {
      ++responses;
    }
  }
  void read(Cookie, std::uint64_t, MutableBytes out) { std::fill(out.begin(), out.end(), 0x20); }
};

struct Asking {
  Stack& stack;
  std::uint64_t connected = 0;
  std::uint64_t bytes = 0;
  std::uint64_t closed = 0;
  std::uint64_t failed = 0;

  void on_event(const Event& event, Instant) {
    switch (event.kind) {
      case EventKind::kConnected:
        ++connected;
        stack.extend(event.connection, kRequestBytes);
        break;
      case EventKind::kReceived:
        bytes += event.data.size();
        break;
      case EventKind::kPeerClosed:
        stack.finish(event.connection);
        break;
      case EventKind::kClosed:
        ++closed;
        break;
      case EventKind::kFailed:
        ++failed;
        break;
      default:
        break;
    }
  }
  void read(Cookie, std::uint64_t, MutableBytes out) { std::fill(out.begin(), out.end(), 0x20); }
};

// SYN, request, response, FIN of both sides, TIME-WAIT: 32 connections open at a time, 1,000 hosts on either side.
void complete_connections(benchmark::State& state) {
  Side left{hosts("10.0.0.1/8", 0x024d00000001, 1000), {}};
  Side right{hosts("10.1.0.1/8", 0x024e00000001, 1000), {}};
  Asking asking{left.stack()};
  Served served{right.stack()};
  right.stack().listen_tcp(0, kService, 0, 0);
  Instant now{1'000'000'000};
  constexpr std::uint32_t kOpen = 32;
  std::uint32_t turn = 0;
  std::uint64_t started = 0;
  for (auto _ : state) {
    now = now + std::chrono::microseconds{20};
    while (started - asking.closed - asking.failed < kOpen) {
      ++turn;
      const IpAddress to = *right.table().address(right.table().at(HostId{turn * 7 % 1000}), false);
      if (left.stack().connect(HostId{turn % 1000}, to, kService, 0, 0, now)) ++started;
    }
    left.stack().on_timers(now, asking);
    left.stack().transmit(now, asking, left.batch());
    left.deliver([&](Bytes frame) { right.stack().on_frame(frame, now, served, right.batch()); });
    right.stack().on_timers(now, served);
    right.stack().transmit(now, served, right.batch());
    right.deliver([&](Bytes frame) { left.stack().on_frame(frame, now, asking, left.batch()); });
  }
  if (asking.failed > 0 || asking.bytes < asking.closed * kResponseBytes) state.SkipWithError("connections failed");
  state.counters["connections_per_second"] =
      benchmark::Counter(static_cast<double>(asking.closed), benchmark::Counter::kIsRate);
  state.counters["segments_per_connection"] =
      static_cast<double>(left.stack().tcp_counters(0).segments_tx + right.stack().tcp_counters(0).segments_tx) /
      static_cast<double>(asking.closed);
  // Counted at each end, as generators that have a process for either do.
  state.counters["ends_per_second"] =
      benchmark::Counter(2 * static_cast<double>(asking.closed), benchmark::Counter::kIsRate);
}
BENCHMARK(complete_connections)->Unit(benchmark::kMicrosecond);

// A stream of full segments from one stack to the other; only the named side's time counts.
struct Streaming {
  Stack& stack;
  std::vector<std::uint8_t> content = std::vector<std::uint8_t>(65536 + 1500, 0x5a);
  std::uint64_t received = 0;

  void on_event(const Event& event, Instant) {
    if (event.kind == EventKind::kConnected) stack.extend(event.connection, std::uint64_t{1} << 46);
    if (event.kind == EventKind::kReceived) received += event.data.size();
  }
  void read(Cookie, std::uint64_t offset, MutableBytes out) {
    std::memcpy(out.data(), content.data() + offset % 65536, out.size());
  }
};

void stream(benchmark::State& state, bool sender) {
  HostTable from = hosts("10.0.0.1/8", 0x024d00000001, 1);
  HostTable to = hosts("10.1.0.1/8", 0x024e00000001, 1);
  auto groups = to.groups();
  groups[0].tcp.timestamps = false;  // 1,460 bytes of data in a segment
  Side left{std::move(from), {}};
  Side right{HostTable{groups}, {}};
  Streaming sending{left.stack()};
  Streaming receiving{right.stack()};
  right.stack().listen_tcp(0, kService, 0, 0);
  Instant now{1'000'000'000};
  (void)left.stack().connect(HostId{0}, *right.table().address(right.table().at(HostId{0}), false), kService, 0, 0,
                             now);
  std::uint64_t before = 0;
  const auto turn = [&](benchmark::State* timed) {
    now = now + std::chrono::microseconds{20};
    // Keeps the clock running for the measured side only.
    if (timed != nullptr && !sender) timed->PauseTiming();
    left.stack().on_timers(now, sending);
    left.stack().transmit(now, sending, left.batch());
    if (timed != nullptr) sender ? timed->PauseTiming() : timed->ResumeTiming();
    left.deliver([&](Bytes frame) { right.stack().on_frame(frame, now, receiving, right.batch()); });
    right.stack().on_timers(now, receiving);
    right.stack().transmit(now, receiving, right.batch());
    if (timed != nullptr) sender ? timed->ResumeTiming() : timed->PauseTiming();
    right.deliver([&](Bytes frame) { left.stack().on_frame(frame, now, sending, left.batch()); });
    if (timed != nullptr && !sender) timed->ResumeTiming();
  };
  for (int i = 0; i < 1000; ++i) turn(nullptr);
  before = receiving.received;
  for (auto _ : state) turn(&state);
  const auto bytes = static_cast<double>(receiving.received - before);
  state.counters["gbit_per_second"] = benchmark::Counter(bytes * 8e-9, benchmark::Counter::kIsRate);
  state.counters["ns_per_segment"] =
      benchmark::Counter(bytes / 1460 * 1e-9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
void bulk_send(benchmark::State& state) { stream(state, true); }
void bulk_receive(benchmark::State& state) { stream(state, false); }
BENCHMARK(bulk_send);
BENCHMARK(bulk_receive);

// The far end of `hold`: an answer to each segment that needs one, made of nothing but that segment.
class Reflector {
 public:
  // The frame to give back, empty when there is nothing to say.
  Bytes answer(Bytes frame) {
    const auto ethernet = wire::EthernetView::parse(frame);
    if (!ethernet) return {};
    if (ethernet->ether_type() == wire::kEtherTypeArp) return is_at(*ethernet);
    const auto ip = wire::IpView::parse(ethernet->payload(), ethernet->ether_type());
    const auto tcp = wire::TcpView::parse(ip->payload());
    wire::TcpRepr out;
    out.source = tcp->dest_port();
    out.dest = tcp->source_port();
    out.seq = tcp->has(wire::kTcpAck) ? tcp->ack() : SeqNum{1000};
    out.ack = tcp->seq() + tcp->sequence_length();
    out.window = 65535;
    out.flags = wire::kTcpAck;
    if (tcp->has(wire::kTcpSyn)) {
      out.flags |= wire::kTcpSyn;
      out.options.mss = 1460;
      out.options.sack_permitted = true;
      out.options.window_scale = 7;
    } else if (tcp->has(wire::kTcpFin)) {
      out.flags |= wire::kTcpFin;
    } else if (tcp->sequence_length() == 0) {
      return {};
    }
    wire::EthernetRepr{ethernet->src(), ethernet->dst(), {}, wire::kEtherTypeIpv4}.emit_header(bytes_);
    const std::size_t header = out.header_size();
    wire::IpRepr{.src = ip->dst(), .dst = ip->src(), .protocol = wire::kProtocolTcp, .payload_length = header}
        .emit_header(bytes_ + 14);
    const MutableBytes segment{bytes_ + 34, header};
    out.emit_header(segment.data());
    wire::finish_transport_checksum(wire::pseudo_header_sum(ip->dst(), ip->src(), wire::kProtocolTcp, header),
                                    wire::kProtocolTcp, segment);
    return {bytes_, 34 + header};
  }

 private:
  Bytes is_at(const wire::EthernetView& question) {
    const auto asked = wire::ArpView::parse(question.payload());
    const wire::ArpRepr reply{.operation = wire::ArpOperation::kReply,
                              .sender_mac = MacAddress::from_number(0x02aa00000001),
                              .sender_ip = asked->target_ip(),
                              .target_mac = asked->sender_mac(),
                              .target_ip = asked->sender_ip()};
    wire::EthernetRepr{question.src(), reply.sender_mac, {}, wire::kEtherTypeArp}.emit_header(bytes_);
    reply.emit({bytes_ + 14, wire::kArpBytes});
    return {bytes_, 14 + wire::kArpBytes};
  }
  std::uint8_t bytes_[128];
};

struct Holding {
  std::vector<ConnectionId> open;
  std::uint64_t connected = 0;
  std::uint64_t closed = 0;

  void on_event(const Event& event, Instant) {
    if (event.kind == EventKind::kConnected) ++connected;
    if (event.kind == EventKind::kClosed) ++closed;
  }
  void read(Cookie, std::uint64_t, MutableBytes) {}
};

double resident_bytes() {
  long total = 0;
  long resident = 0;
  if (FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%ld %ld", &total, &resident) != 2) resident = 0;
    std::fclose(file);
  }
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Connections of 100,000 hosts (or as many as there are connections) opened, held and closed in order.
void hold(benchmark::State& state) {
  const auto count = static_cast<std::uint32_t>(state.range(0));
  for (auto _ : state) {
    const std::uint32_t host_count = std::min<std::uint32_t>(count, 100'000);
    const double empty = resident_bytes();
    Side side{hosts("10.0.0.1/8", 0x024d00000001, host_count), {}};
    Reflector reflector;
    Holding holding;
    holding.open.reserve(count);
    const IpAddress to = *IpAddress::parse("10.200.0.1");
    Instant now{1'000'000'000};
    const auto turn = [&] {
      now = now + std::chrono::microseconds{100};
      side.stack().on_timers(now, holding);
      side.stack().transmit(now, holding, side.batch());
      side.deliver([&](Bytes frame) {
        if (const Bytes answer = reflector.answer(frame); !answer.empty()) {
          side.stack().on_frame(answer, now, holding, side.batch());
        }
      });
    };
    const double begun = seconds();
    for (std::uint32_t i = 0; i < count; ++i) {
      holding.open.push_back(*side.stack().connect(HostId{i % host_count}, to, kService, i, 0, now));
      if (i % 32 == 31) turn();
    }
    for (int i = 0; i < 20'000 && holding.connected < count; ++i) turn();
    const double opened = seconds();
    for (int i = 0; i < 20'000; ++i) turn();  // two seconds: what the handshakes needed is over
    const double held = resident_bytes();
    const double closing = seconds();
    for (std::uint32_t i = 0; i < count; ++i) {
      side.stack().finish(holding.open[i]);
      if (i % 32 == 31) turn();
    }
    for (int i = 0; i < 20'000 && holding.closed < count; ++i) turn();
    const double closed = seconds();
    if (holding.connected != count || holding.closed != count) state.SkipWithError("not all were opened and closed");
    state.SetIterationTime(closed - closing + opened - begun);
    state.counters["bytes_each"] = (held - empty) / count;
    state.counters["mib_held"] = held / (1 << 20);
    state.counters["ns_to_open"] = (opened - begun) * 1e9 / count;
    state.counters["ns_to_close"] = (closed - closing) * 1e9 / count;
  }
}
BENCHMARK(hold)->Arg(1000)->Arg(10'000)->Arg(100'000)->Arg(1'000'000)->Iterations(1)->UseManualTime();

}  // namespace
}  // namespace myriad::stack
