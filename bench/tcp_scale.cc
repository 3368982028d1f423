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

#include "app/summed_bytes.h"
#include "bench/two_stacks.h"
#include "stack/stack.h"
#include "stack/wire/arp.h"
#include "stack/wire/ethernet.h"
#include "stack/wire/ip.h"
#include "stack/wire/tcp.h"

namespace myriad::stack {
namespace {

void complete_connections(benchmark::State& state) {
  WholeConnections connections;
  for (auto _ : state) connections.turn();
  if (connections.failed()) state.SkipWithError("connections failed");
  const auto closed = static_cast<double>(connections.closed());
  state.counters["connections_per_second"] = benchmark::Counter(closed, benchmark::Counter::kIsRate);
  state.counters["segments_per_connection"] = static_cast<double>(connections.segments()) / closed;
  // Counted at each end, as generators that have a process for either do.
  state.counters["ends_per_second"] = benchmark::Counter(2 * closed, benchmark::Counter::kIsRate);
}
BENCHMARK(complete_connections)->Unit(benchmark::kMicrosecond);

// A stream of full segments from one stack to the other; only the named side's time counts.
struct Streaming {
  Stack& stack;
  app::SummedBytes content{std::vector<std::uint8_t>(65536 + 1500, 0x5a)};
  std::uint64_t received = 0;

  void on_event(const Event& event, Instant) {
    if (event.kind == EventKind::kConnected) stack.extend(event.connection, std::uint64_t{1} << 46);
    if (event.kind == EventKind::kReceived) received += event.data.size();
  }
  std::uint64_t read(Cookie, std::uint64_t offset, MutableBytes out) { return content.copy(offset % 65536, out); }
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
