// From a received frame to its answer in the batch, with no device: what a host costs when it answers ARP, neighbour
// solicitations, pings and connection requests over both families. Each question goes to a random one of 1,000 hosts.
//
// Time is taken around bursts of 64 questions, as a shard receives them; everything else (making frames, emptying the
// batch, ending the half-open connections) happens outside. A burst that is not answered whole ends the benchmark.
#include <benchmark/benchmark.h>

#include <array>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "stack/stack.h"
#include "stack/wire/arp.h"
#include "stack/wire/ethernet.h"
#include "stack/wire/icmp.h"
#include "stack/wire/ipv4.h"
#include "stack/wire/ipv6.h"
#include "stack/wire/ndp.h"
#include "stack/wire/tcp.h"

namespace myriad::stack {
namespace {

constexpr std::uint32_t kHosts = 1000;
constexpr std::size_t kBurst = 64;
constexpr std::uint32_t kChunkBytes = 2048;
constexpr std::uint32_t kFrames = 256;
constexpr Port kService{80};
const MacAddress kPeerMac = MacAddress::from_number(0x02aa00000001);
const Ipv4Address kPeer4{0x0a00ff01};
const Ipv6Address kPeer6 = *Ipv6Address::parse("fd00::ff:1");

// Of this thread alone, so that others on the machine do not count; reading it costs some 5 ns an answer.
double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// An application that wants nothing.
struct Silent {
  void on_event(const Event&, Instant) {}
  void read(Cookie, std::uint64_t, MutableBytes) {}
};

struct Question {
  std::array<std::uint8_t, 256> bytes{};
  std::size_t length = 0;

  void ethernet(const MacAddress& to, std::uint16_t type) {
    wire::EthernetRepr{.dst = to, .src = kPeerMac, .vlan = {}, .ether_type = type}.emit_header(bytes.data());
    length = wire::kEthernetHeaderBytes;
  }
  // The header of a packet from the peer, and its payload to be written.
  MutableBytes packet(const IpAddress& to, std::uint8_t protocol, std::size_t payload, std::uint8_t hops = 64) {
    std::uint8_t* at = bytes.data() + length;
    if (to.is_v4()) {
      wire::Ipv4Repr ip;
      ip.src = kPeer4;
      ip.dst = to.v4();
      ip.protocol = protocol;
      ip.payload_length = payload;
      ip.emit_header(at);
      length += ip.emitted_size();
    } else {
      wire::Ipv6Repr ip;
      ip.src = kPeer6;
      ip.dst = to.v6();
      ip.next_header = protocol;
      ip.hop_limit = hops;
      ip.payload_length = payload;
      ip.emit_header(at);
      length += ip.emitted_size();
    }
    length += payload;
    return {bytes.data() + length - payload, payload};
  }
  [[nodiscard]] Bytes view() const { return {bytes.data(), length}; }
};

IpAddress peer_of(bool v6) { return v6 ? IpAddress{kPeer6} : IpAddress{kPeer4}; }
std::uint16_t ether_type_of(bool v6) { return v6 ? wire::kEtherTypeIpv6 : wire::kEtherTypeIpv4; }

Question who_has(const IpAddress& ip) {
  Question question;
  if (ip.is_v4()) {
    question.ethernet(MacAddress::broadcast(), wire::kEtherTypeArp);
    const wire::ArpRepr arp{.sender_mac = kPeerMac, .sender_ip = kPeer4, .target_mac = {}, .target_ip = ip.v4()};
    arp.emit(MutableBytes{question.bytes}.subspan(question.length, wire::kArpBytes));
    question.length = 60;  // as a NIC pads it
    return question;
  }
  const Ipv6Address group = ip.v6().solicited_node();
  question.ethernet(MacAddress::ipv6_multicast(group.octets), wire::kEtherTypeIpv6);
  wire::NdpRepr ndp;
  ndp.target = ip.v6();
  ndp.link_layer = kPeerMac;
  ndp.emit(question.packet(group, wire::kProtocolIcmpv6, ndp.emitted_size(), 255), kPeer6, group);
  return question;
}

Question ping(const Host& host, const IpAddress& ip) {
  static constexpr std::array<std::uint8_t, 56> kData{0x5a};
  Question question;
  question.ethernet(host.mac, ether_type_of(ip.is_v6()));
  const auto echo = wire::IcmpRepr::echo_request(ip.is_v6(), 7, 1, kData);
  const std::uint8_t protocol = ip.is_v6() ? wire::kProtocolIcmpv6 : wire::kProtocolIcmp;
  echo.emit(question.packet(ip, protocol, echo.emitted_size()), peer_of(ip.is_v6()), ip);
  return question;
}

Question segment(const Host& host, const IpAddress& ip, const wire::TcpRepr& tcp) {
  Question question;
  question.ethernet(host.mac, ether_type_of(ip.is_v6()));
  const MutableBytes out = question.packet(ip, wire::kProtocolTcp, tcp.emitted_size());
  tcp.emit(out);
  checksum_store(out.data() + 16,
                 checksum_add(wire::pseudo_header_sum(peer_of(ip.is_v6()), ip, wire::kProtocolTcp, out.size()), out));
  return question;
}

// As a Linux client opens.
wire::TcpRepr opening(std::uint16_t from_port) {
  wire::TcpRepr tcp;
  tcp.source = Port{from_port};
  tcp.dest = kService;
  tcp.seq = SeqNum{1000};
  tcp.flags = wire::kTcpSyn;
  tcp.window = 64240;
  tcp.options.mss = 1460;
  tcp.options.sack_permitted = true;
  tcp.options.has_timestamps = true;
  tcp.options.ts_value = 1;
  tcp.options.window_scale = 7;
  return tcp;
}

wire::TcpRepr taking_back(const wire::TcpRepr& syn) {
  wire::TcpRepr tcp;
  tcp.source = syn.source;
  tcp.dest = syn.dest;
  tcp.seq = syn.seq + 1;
  tcp.flags = wire::kTcpRst;
  return tcp;
}

HostTable thousand_hosts() {
  HostGroup group;
  group.name = "hosts";
  group.count = kHosts;
  group.first_mac = MacAddress::from_number(0x024d00000001);
  group.ipv4 = Ipv4Prefix::parse("10.0.1.1/16");
  group.ipv6 = Ipv6Prefix::parse("fd00::1:1/64");
  return HostTable{{group}};
}

class Bench {
 public:
  Bench()
      : table_(thousand_hosts()),
        memory_(std::size_t{kFrames} * kChunkBytes),
        area_{memory_.data(), kChunkBytes, kFrames, 1},
        pool_(area_, 0),
        batch_(area_, kBurst),
        stack_(table_, StackOptions{}) {
    stack_.listen_tcp(0, kService, 0, 0);
  }

  // A random host and its address of the family.
  std::pair<Host, IpAddress> any_host(bool v6) {
    const Host host = table_.at(HostId{static_cast<std::uint32_t>(rng_.next() % kHosts)});
    return {host, *table_.address(host, v6)};
  }

  // Gives the questions to the stack in one turn; how long that took, and how many answers stand in the batch.
  std::pair<double, std::uint32_t> turn(const std::vector<Question>& questions) {
    batch_.reserve(pool_);
    now_ = now_ + std::chrono::microseconds{100};
    const double begun = thread_seconds();
    for (const Question& question : questions) stack_.on_frame(question.view(), now_, silent_, batch_);
    stack_.transmit(now_, silent_, batch_);
    const double seconds = thread_seconds() - begun;
    const std::uint32_t answers = batch_.committed_count();
    batch_.release(pool_);
    return {seconds, answers};
  }
  void settle() {
    batch_.reserve(pool_);
    stack_.on_timers(now_, silent_);
    stack_.transmit(now_, silent_, batch_);
    batch_.release(pool_);
  }
  // What the stack could not use, by its reasons.
  [[nodiscard]] std::string drops() const {
    std::string text;
    for (std::size_t i = 0; i < kDropNames.size(); ++i) {
      const std::uint64_t count = stack_.drops()[static_cast<Drop>(i)];
      if (count != 0) text += std::string{kDropNames[i]} + " " + std::to_string(count) + " ";
    }
    return text;
  }
  [[nodiscard]] std::uint16_t next_port() {
    return port_ = static_cast<std::uint16_t>(port_ == 65535 ? 1024 : port_ + 1);
  }

 private:
  HostTable table_;
  std::vector<std::uint8_t> memory_;
  FrameArea area_;
  FramePool pool_;
  TxBatch batch_;
  Stack stack_;
  Silent silent_;
  Rng rng_{1};
  Instant now_{1'000'000'000};
  std::uint16_t port_ = 1024;
};

// Runs bursts that `make` fills; `undo` says afterwards what ends what a burst has begun.
template <class Make, class Undo>
void answer(benchmark::State& state, Make make, Undo undo) {
  Bench bench;
  double total = 0;
  for (auto _ : state) {
    std::vector<Question> questions;
    questions.reserve(kBurst);
    for (std::size_t i = 0; i < kBurst; ++i) questions.push_back(make(bench));
    const auto [seconds, answers] = bench.turn(questions);
    if (answers != kBurst) {
      const std::string what = std::to_string(answers) + " answers; " + bench.drops();
      state.SkipWithError(what.c_str());
      return;
    }
    state.SetIterationTime(seconds);
    total += seconds;
    undo(bench);
    bench.settle();
  }
  state.counters["ns_per_answer"] = total * 1e9 / (static_cast<double>(state.iterations()) * kBurst);
}

void resolution(benchmark::State& state) {
  const bool v6 = state.range(0) == 6;
  answer(
      state, [v6](Bench& bench) { return who_has(bench.any_host(v6).second); }, [](Bench&) {});
}

void echo(benchmark::State& state) {
  const bool v6 = state.range(0) == 6;
  answer(
      state,
      [v6](Bench& bench) {
        const auto [host, ip] = bench.any_host(v6);
        return ping(host, ip);
      },
      [](Bench&) {});
}

void syn_to_syn_ack(benchmark::State& state) {
  const bool v6 = state.range(0) == 6;
  std::vector<Question> resets;
  answer(
      state,
      [&](Bench& bench) {
        const auto [host, ip] = bench.any_host(v6);
        const wire::TcpRepr syn = opening(bench.next_port());
        resets.push_back(segment(host, ip, taking_back(syn)));
        return segment(host, ip, syn);
      },
      [&](Bench& bench) {
        bench.turn(resets);
        resets.clear();
      });
}

BENCHMARK(resolution)->ArgName("ip")->Arg(4)->Arg(6)->UseManualTime();
BENCHMARK(echo)->ArgName("ip")->Arg(4)->Arg(6)->UseManualTime();
BENCHMARK(syn_to_syn_ack)->ArgName("ip")->Arg(4)->Arg(6)->UseManualTime();

}  // namespace
}  // namespace myriad::stack
