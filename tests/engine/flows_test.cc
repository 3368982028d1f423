// Flows on a virtual clock: when frames are due, which shard makes which, what becomes of next hops, and what ears
// count.
#include "engine/flows.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <thread>

#include "craft/signature.h"
#include "engine/flow_ears.h"
#include "stack/wire/arp.h"
#include "stack/wire/ethernet.h"
#include "tests/craft/pieces.h"

namespace myriad::engine {
namespace {

using craft::HostField;
using craft::LayerKind;

constexpr Instant kStart{1'000'000'000};
constexpr std::uint16_t kRun = 77;
constexpr Duration kTurn = std::chrono::microseconds{50};

std::string bytes_of(Bytes frame) { return {frame.begin(), frame.end()}; }

// A plan with one port, a group of hosts and one flow.
struct Scene {
  plan::Plan plan;

  explicit Scene(std::uint32_t hosts = 10) {
    plan.ports.resize(1);
    plan::HostGroup& group = plan.groups.emplace_back();
    group.name = "clients";
    group.count = hosts;
    group.mac = MacAddress::from_number(0x024d00000001);
    group.ipv4 = Ipv4Prefix::parse("10.0.1.1/16");
  }
  plan::FlowPlan& add(const craft::Packet& packet, std::optional<std::size_t> group = std::nullopt) {
    craft::CompileOptions options;
    options.seed = 5;
    options.flow = static_cast<std::uint16_t>(plan.flows.size());
    if (group) {
      craft::HostRange range;
      range.count = plan.groups[*group].count;
      range.mac = plan.groups[*group].mac;
      range.ipv4 = plan.groups[*group].ipv4->address;
      range.vlan = plan.groups[*group].vlan.tags;
      range.hosts_per_vlan = plan.groups[*group].vlan.per;
      options.hosts = range;
    }
    auto program = craft::compile(packet, options);
    if (!program) ADD_FAILURE() << program.error().what;
    plan::FlowPlan& flow = plan.flows.emplace_back();
    flow.name = "noise";
    flow.group = group;
    flow.program = std::make_shared<craft::Program>(std::move(*program));
    return flow;
  }
};

// One shard's flows, with a stack and frames, but no port: what is sent is kept.
class Part {
 public:
  static constexpr std::uint32_t kFrames = 256;
  static constexpr std::uint32_t kChunkBytes = 2048;

  explicit Part(const plan::Plan& plan, std::uint32_t shard = 0, std::uint32_t shards = 1)
      : placement_(place(plan, 0)),
        hosts_(placement_.groups),
        memory_(std::size_t{kFrames} * kChunkBytes),
        area_{memory_.data(), kChunkBytes, kFrames, 1},
        pool_(area_, 0),
        batch_(area_, 128),
        stack_(hosts_, options(shard, shards)),
        flows_(placement_, stack_, {.shard = shard, .shards = shards, .start = kStart, .run = kRun}) {}

  // One turn: what the stack has to say, then flows; `keep` frames of room stay.
  void turn(Instant now, std::uint32_t keep = 0) {
    struct Nobody {
      void on_event(const stack::Event&, Instant) {}
      void read(stack::Cookie, std::uint64_t, MutableBytes) {}
    } nobody;
    batch_.reserve(pool_);
    stack_.on_timers(now, nobody);
    stack_.transmit(now, nobody, batch_);
    const std::uint32_t own = batch_.committed_count();
    for (const TxFrame& frame : batch_.committed()) said_.push_back(bytes_of(batch_.bytes(frame)));
    flows_.emit(now, batch_, keep);
    for (const TxFrame& frame : batch_.committed().subspan(own)) sent_.push_back(bytes_of(batch_.bytes(frame)));
    for (const TxFrame& frame : batch_.committed()) pool_.give(frame.frame);
    batch_.consume(batch_.committed_count());
  }
  // Turns until the flows have ended, at most for `time`. Returns when.
  Instant run(Duration time, std::uint32_t keep = 0) {
    Instant now = kStart;
    for (; now < kStart + time && !flows_.finished(now); now = now + kTurn) turn(now, keep);
    now_ = now;
    return now;
  }
  // The neighbour at that address answers the question that was asked last.
  void answer_arp(const MacAddress& mac, Instant now) {
    ASSERT_FALSE(said_.empty());
    const std::string question = said_.back();
    const auto frame =
        wire::EthernetView::parse({reinterpret_cast<const std::uint8_t*>(question.data()), question.size()});
    const auto asked = wire::ArpView::parse(frame->payload());
    ASSERT_TRUE(asked.has_value());
    const wire::ArpRepr reply{.operation = wire::ArpOperation::kReply,
                              .sender_mac = mac,
                              .sender_ip = asked->target_ip(),
                              .target_mac = asked->sender_mac(),
                              .target_ip = asked->sender_ip()};
    std::uint8_t bytes[64]{};
    wire::EthernetRepr{asked->sender_mac(), mac, frame->vlan(), wire::kEtherTypeArp}.emit_header(bytes);
    const std::size_t header = 14 + frame->vlan().depth() * 4U;
    reply.emit({bytes + header, wire::kArpBytes});
    struct Nobody {
      void on_event(const stack::Event&, Instant) {}
      void read(stack::Cookie, std::uint64_t, MutableBytes) {}
    } nobody;
    batch_.reserve(pool_);
    stack_.on_frame({bytes, header + wire::kArpBytes}, now, nobody, batch_);
  }
  [[nodiscard]] const std::vector<std::string>& sent() const { return sent_; }
  [[nodiscard]] const std::vector<std::string>& said() const { return said_; }
  [[nodiscard]] Flows& flows() { return flows_; }
  [[nodiscard]] FlowCounters counters() const {
    std::vector<FlowCounters> all(placement_.plan_flows);
    flows_.write_counters(now_, all);
    return all[0];
  }
  [[nodiscard]] const Placement& placement() const { return placement_; }

 private:
  static stack::StackOptions options(std::uint32_t shard, std::uint32_t shards) {
    stack::StackOptions options;
    options.shard = shard;
    options.shards = shards;
    return options;
  }

  Placement placement_;
  stack::HostTable hosts_;
  std::vector<std::uint8_t> memory_;
  FrameArea area_;
  FramePool pool_;
  TxBatch batch_;
  stack::Stack stack_;
  Flows flows_;
  Instant now_ = kStart;
  std::vector<std::string> sent_;
  std::vector<std::string> said_;
};

craft::Packet free_packet() {
  return craft::Packet{
      {craft::layer(LayerKind::kEthernet,
                    {{"dst", craft::Constant{0x020000000001}}, {"src", craft::Constant{0x020000000002}}}),
       craft::layer(LayerKind::kIpv4, {{"src", craft::Constant{0x0a000001}}, {"dst", craft::Constant{0x0a000002}}}),
       craft::layer(LayerKind::kUdp,
                    {{"src", craft::Counting{1000, 1, 5000}}, {"dst", craft::RandomBetween{1, 65535}}})},
      {}};
}
craft::Packet hosts_packet(std::uint32_t to) {
  return craft::Packet{{craft::layer(LayerKind::kEthernet, {{"dst", craft::Resolved{}}}),
                        craft::layer(LayerKind::kIpv4, {{"dst", craft::Constant{to}}}),
                        craft::layer(LayerKind::kUdp, {{"src", craft::Constant{9}}, {"dst", craft::Constant{9}}})},
                       {}};
}

TEST(Flows, SendExactlyTheirRate) {
  Scene scene;
  plan::FlowPlan& flow = scene.add(free_packet());
  flow.rate = {plan::FlowRateKind::kFrames, 33'333, 4};
  flow.seconds = std::chrono::seconds{3};
  Part part{scene.plan};
  part.run(std::chrono::seconds{10});
  EXPECT_EQ(part.sent().size(), 99'999U);
  EXPECT_EQ(part.counters().slipped, Duration::zero());
  EXPECT_EQ(part.counters().ended_ns - part.counters().begun_ns, 3'000'000'000);
  EXPECT_LT(part.counters().lateness.max(), 51'000U) << "a turn";
}

TEST(Flows, OfBitsCountWhatTheLayerCounts) {
  for (const std::uint32_t overhead : {4U, 24U}) {
    Scene scene;
    plan::FlowPlan& flow = scene.add(free_packet());
    flow.rate = {plan::FlowRateKind::kBits, 10e6, overhead};
    flow.seconds = std::chrono::seconds{1};
    Part part{scene.plan};
    part.run(std::chrono::seconds{2});
    const double bits =
        static_cast<double>(part.sent().size()) * static_cast<double>(part.sent()[0].size() + overhead) * 8;
    EXPECT_NEAR(bits, 10e6, 10e6 * 0.001);
  }
}

TEST(Flows, HaveTheSameBytesWhateverTheNumberOfShards) {
  std::multiset<std::string> expected;
  for (const std::uint32_t shards : {1U, 2U, 3U, 7U}) {
    Scene scene;
    plan::FlowPlan& flow = scene.add(free_packet());
    flow.rate = {plan::FlowRateKind::kFrames, 10'000, 4};
    flow.packets = 5'000;
    std::multiset<std::string> sent;
    for (std::uint32_t shard = 0; shard < shards; ++shard) {
      Part part{scene.plan, shard, shards};
      part.run(std::chrono::seconds{2});
      EXPECT_TRUE(part.flows().finished(kStart + std::chrono::seconds{2}));
      sent.insert(part.sent().begin(), part.sent().end());
    }
    EXPECT_EQ(sent.size(), 5'000U);
    if (expected.empty()) expected = sent;
    EXPECT_EQ(sent, expected) << shards << " shards";
  }
}

TEST(Flows, ThatThePortCannotCarrySlipAndSaySo) {
  Scene scene;
  plan::FlowPlan& flow = scene.add(free_packet());
  flow.rate = {plan::FlowRateKind::kFrames, 4e6, 4};  // 200 frames a turn, and there is room for 28
  flow.seconds = std::chrono::seconds{1};
  Part part{scene.plan};
  part.run(std::chrono::seconds{2}, 100);
  EXPECT_GE(part.sent().size(), 560'000U);
  EXPECT_LE(part.sent().size(), 566'000U) << "a little of what was due before the end";
  EXPECT_GT(part.counters().slipped, std::chrono::milliseconds{500});
}

TEST(Flows, AsFastAsPossibleFillTheRoomThatIsThere) {
  Scene scene;
  plan::FlowPlan& flow = scene.add(free_packet());
  flow.rate = {plan::FlowRateKind::kMax, 0, 4};
  flow.packets = 1'000;
  Part part{scene.plan};
  part.turn(kStart, 28);
  EXPECT_EQ(part.sent().size(), 100U);
  part.run(std::chrono::seconds{1});
  EXPECT_EQ(part.sent().size(), 1'000U);
}

TEST(Flows, AsFastAsPossibleAndWithoutEndGoFromEveryShard) {
  for (const bool timed : {false, true}) {
    for (std::uint32_t shard = 0; shard < 3; ++shard) {
      Scene scene;
      plan::FlowPlan& flow = scene.add(free_packet());
      flow.rate = {plan::FlowRateKind::kMax, 0, 4};
      if (timed) flow.seconds = std::chrono::seconds{1};
      Part part{scene.plan, shard, 3};
      part.turn(kStart);
      EXPECT_EQ(part.sent().size(), 128U) << "all the room there is, shard " << shard;
    }
  }
}

TEST(Flows, InBurstsKeepTheirGaps) {
  Scene scene;
  plan::FlowPlan& flow = scene.add(free_packet());
  flow.rate = {plan::FlowRateKind::kMax, 0, 4};
  flow.bursts = plan::Bursts{32, std::chrono::milliseconds{1}, 10};
  Part part{scene.plan};
  std::map<std::size_t, int> sizes;
  Instant last_burst{};
  for (Instant now = kStart; now < kStart + std::chrono::milliseconds{20}; now = now + kTurn) {
    const std::size_t before = part.sent().size();
    part.turn(now);
    const std::size_t sent = part.sent().size() - before;
    if (sent == 0) continue;
    ++sizes[sent];
    if (last_burst != Instant{}) {
      EXPECT_GE(now - last_burst, std::chrono::milliseconds{1});
    }
    last_burst = now;
  }
  EXPECT_EQ(sizes, (std::map<std::size_t, int>{{32, 10}}));
}

TEST(Flows, WaitForTheirNextHopAndGoThere) {
  Scene scene;
  plan::FlowPlan& flow = scene.add(hosts_packet(0x0a000909), 0);
  flow.rate = {plan::FlowRateKind::kFrames, 1'000, 4};
  flow.packets = 20;
  Part part{scene.plan};
  Instant now = kStart;
  for (int i = 0; i < 40; ++i, now = now + kTurn) part.turn(now);
  EXPECT_TRUE(part.sent().empty());
  ASSERT_EQ(part.said().size(), 1U) << "one question, however often the flow looks";
  const MacAddress hop = MacAddress::from_number(0x02aa00000001);
  part.answer_arp(hop, now);
  const Instant answered = now;
  for (; now < answered + std::chrono::milliseconds{30}; now = now + kTurn) part.turn(now);
  ASSERT_EQ(part.sent().size(), 20U);
  std::set<std::string> sources;
  for (const std::string& frame : part.sent()) {
    const auto view = wire::EthernetView::parse({reinterpret_cast<const std::uint8_t*>(frame.data()), frame.size()});
    EXPECT_EQ(view->dst(), hop);
    sources.insert(view->src().text());
  }
  EXPECT_EQ(sources.size(), 10U) << "hosts in turn";
  EXPECT_GE(part.counters().begun_ns, answered.ns) << "its time counts from when it could begin";
}

TEST(Flows, ThatNobodyAnswersSendNothingAndCountIt) {
  Scene scene;
  craft::Packet packet = hosts_packet(0);
  packet.layers[1] = craft::layer(LayerKind::kIpv4, {{"dst", craft::Counting{0x0a000901, 1, 4}}});
  plan::FlowPlan& flow = scene.add(packet, 0);
  flow.rate = {plan::FlowRateKind::kFrames, 1'000, 4};
  flow.packets = 100;
  Part part{scene.plan};
  part.run(std::chrono::seconds{2});
  EXPECT_TRUE(part.sent().empty());
  EXPECT_EQ(part.counters().unresolved, 100U);
  EXPECT_EQ(part.counters().frames_tx, 0U);
}

TEST(Flows, OfHostsThatAskForThemselvesAreSentByTheirOwners) {
  Scene scene;
  scene.plan.groups[0].resolve = plan::Resolve::kEach;
  plan::FlowPlan& flow = scene.add(hosts_packet(0x0a000909), 0);
  flow.rate = {plan::FlowRateKind::kFrames, 1'000, 4};
  flow.packets = 30;
  std::uint64_t unresolved = 0;
  for (std::uint32_t shard = 0; shard < 3; ++shard) {
    Part part{scene.plan, shard, 3};
    part.run(std::chrono::seconds{2});
    unresolved += part.counters().unresolved;
    for (const std::string& question : part.said()) {
      const auto view =
          wire::EthernetView::parse({reinterpret_cast<const std::uint8_t*>(question.data()), question.size()});
      EXPECT_EQ((view->src().number() - 0x024d00000001) % 3, shard) << "only hosts of this shard ask";
    }
  }
  EXPECT_EQ(unresolved, 30U);
}

TEST(Flows, AreMadeFromTheRowsOfAFile) {
  const std::string path = testing::TempDir() + "rows_of_a_flow_" + std::to_string(::getpid()) + ".csv";
  std::FILE* const file = std::fopen(path.c_str(), "we");
  ASSERT_NE(file, nullptr);
  std::fputs("port,unused\n", file);
  for (int i = 0; i < 5'000; ++i) std::fprintf(file, "%d,x\n", 1 + i);
  std::fputs("70000,x\n", file);  // no port number
  std::fclose(file);
  Scene scene;
  craft::Packet packet = free_packet();
  packet.layers[2] = craft::layer(LayerKind::kUdp, {{"src", craft::OfColumn{"port"}}, {"dst", craft::Constant{9}}});
  plan::FlowPlan& flow = scene.add(packet);
  flow.rate = {plan::FlowRateKind::kMax, 0, 4};
  flow.data = path;
  Part part{scene.plan};
  Instant now = kStart;
  while (!part.flows().finished(now)) {  // the file is read by another thread
    part.turn(now);
    now = now + kTurn;
    std::this_thread::yield();
  }
  std::remove(path.c_str());
  ASSERT_EQ(part.sent().size(), 5'000U);
  for (std::size_t i = 0; i < 5'000; ++i) {
    ASSERT_EQ(load_be16(reinterpret_cast<const std::uint8_t*>(part.sent()[i].data()) + 34), i + 1);
  }
  EXPECT_NE(part.counters().data_error.find(":5002:"), std::string::npos) << part.counters().data_error;
}

TEST(FlowEars, CountLossDuplicatesOrderAndTime) {
  Scene scene;
  craft::Packet packet = free_packet();
  packet.payload.kind = craft::PayloadKind::kSequence;
  plan::FlowPlan& flow = scene.add(packet);
  flow.rate = {plan::FlowRateKind::kFrames, 10'000, 4};
  flow.packets = 100;
  Part part{scene.plan};
  part.run(std::chrono::seconds{1});
  ASSERT_EQ(part.sent().size(), 100U);
  FlowEars ears{part.placement(), kRun};
  const auto hear = [&](std::size_t i) {
    const std::string& frame = part.sent()[i];
    const Bytes bytes{reinterpret_cast<const std::uint8_t*>(frame.data()), frame.size()};
    const auto sent = craft::Signature::at(bytes, flow.program->signature_at());
    EXPECT_TRUE(sent.has_value());
    EXPECT_TRUE(ears.hear(bytes, Instant{static_cast<std::int64_t>(sent->sent_ns) + 1'000'000}));
  };
  for (std::size_t i = 0; i < 100; ++i) {
    if (i == 10 || i == 20) continue;  // 10 is lost, 20 comes late
    hear(i);
    if (i == 30) hear(30);
    if (i == 40) hear(20);
  }
  std::vector<FlowCounters> own;
  std::vector<StrangerCounters> others;
  ears.write_counters(own, others);
  EXPECT_EQ(own[0].frames_rx, 100U);
  EXPECT_EQ(own[0].duplicated, 1U);
  EXPECT_EQ(own[0].reordered, 1U);
  EXPECT_NEAR(own[0].latency.percentile(50), 1e6, 1e4);
  EXPECT_TRUE(others.empty());

  FlowEars early{part.placement(), kRun};  // hears with a clock that it read before the frame was sent
  const std::string& first = part.sent()[0];
  const Bytes bytes{reinterpret_cast<const std::uint8_t*>(first.data()), first.size()};
  const auto sent = craft::Signature::at(bytes, flow.program->signature_at());
  EXPECT_TRUE(early.hear(bytes, Instant{static_cast<std::int64_t>(sent->sent_ns) - 5}));
  early.write_counters(own, others);
  EXPECT_EQ(own[0].latency.count(), 1U);

  FlowEars strangers{part.placement(), kRun + 1};
  const std::string& frame = part.sent()[3];
  EXPECT_TRUE(strangers.hear({reinterpret_cast<const std::uint8_t*>(frame.data()), frame.size()}, kStart));
  strangers.write_counters(own, others);
  ASSERT_EQ(others.size(), 1U);
  EXPECT_EQ(others[0].run, kRun);
  EXPECT_EQ(others[0].counters.highest, 4U);
}

TEST(FlowEars, LeaveUnsignedFramesToTheStack) {
  Scene scene;
  scene.add(free_packet());
  Part part{scene.plan};
  FlowEars ears{part.placement(), kRun};
  std::vector<std::uint8_t> frame(100, 0);
  EXPECT_FALSE(ears.hear(frame, kStart));
  store_be16(frame.data() + 42, craft::kSignatureMagic);  // the rest is not a signature
  EXPECT_FALSE(ears.hear(frame, kStart));
  for (std::size_t length = 0; length < 100; ++length) EXPECT_FALSE(ears.hear(Bytes{frame}.first(length), kStart));
}

}  // namespace
}  // namespace myriad::engine
