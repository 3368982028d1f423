// Random packets: whatever compiles makes frames that a receiver reads without complaint; patching what a frame held
// before gives what a fresh frame would; and numbers alone decide, not batches.
#include <gtest/gtest.h>

#include "craft/signature.h"
#include "tests/craft/pieces.h"
#include "tests/craft/receiver.h"

namespace myriad::craft {
namespace {

using K = LayerKind;

class Maker {
 public:
  explicit Maker(std::uint64_t seed) : rng_(seed) {}

  Packet packet() {
    Packet packet{{ethernet()}, {}};
    for (std::uint64_t vlans = rng_.below(4); vlans > 0; --vlans)
      packet.layers.push_back(with(K::kVlan, {"priority", "dei", "id"}));
    for (std::uint64_t tunnels = rng_.below(3); tunnels > 0; --tunnels) add_ip(packet);
    const bool six = add_ip(packet);
    switch (rng_.below(4)) {
      case 0:
        packet.layers.push_back(with(K::kUdp, {"src"}));
        packet.layers.back().fields.push_back(given(K::kUdp, "dst", value(16)));
        break;
      case 1:
        packet.layers.push_back(
            with(K::kTcp, {"src", "seq_num", "ack_num", "reserved", "flags", "window", "urgent_pointer"}));
        packet.layers.back().fields.push_back(given(K::kTcp, "dst", value(16)));
        packet.layers.back().body = Frame(rng_.below(41), 1);
        break;
      default: {
        // Neither is neighbour discovery, nor an error that quotes a packet.
        const K kind = six ? K::kIcmp6 : K::kIcmp;
        packet.layers.push_back(with(kind, {"code", "identifier", "sequence_number"}));
        break;
      }
    }
    add_payload(packet);
    return packet;
  }
  CompileOptions options(bool fixed) {
    CompileOptions options;
    options.seed = rng_.next();
    if (fixed) return options;
    switch (rng_.below(4)) {
      case 0:
        options.size = Constant{700 + rng_.below(300)};
        break;
      case 1:
        options.size = RandomBetween{600, 600 + rng_.below(900)};
        break;
      case 2:
        options.size = Values{{1500, 700, 701, 999}};
        break;
      default:
        options.size = Counting{600, rng_.below(9), 1 + rng_.below(90), false};
        break;
    }
    return options;
  }
  std::uint64_t below(std::uint64_t bound) { return rng_.below(bound); }

 private:
  FieldValue value(std::size_t width) {
    const Number most = width == 128 ? ~Number{0} : (Number{1} << width) - 1;
    const auto any = [&] { return (Number{rng_.next()} << 64 | rng_.next()) & most; };
    switch (rng_.below(5)) {
      case 0:
        return Constant{any()};
      case 1: {
        Values values;
        for (std::uint64_t i = 1 + rng_.below(9); i > 0; --i) values.list.push_back(any());
        return values;
      }
      case 2:
        return Counting{any(), any() & 0xff & most,
                        rng_.below(2) == 0 ? std::optional{1 + rng_.below(100)} : std::nullopt, rng_.below(2) == 0};
      default: {
        Number least = any();
        Number last = any();
        if (least > last) std::swap(least, last);
        return RandomBetween{least, last};
      }
    }
  }
  Layer with(K kind, std::vector<std::string_view> names) {
    Layer made = layer(kind);
    for (const std::string_view name : names) {
      if (rng_.below(2) == 0)
        made.fields.push_back(given(kind, name, value(find_field(definition_of(kind), name)->width)));
    }
    return made;
  }
  // Addresses that a receiver accepts as sources.
  FieldValue address(bool six) {
    const Number first = six ? v6("fd00::") : Number{0x0a000000};
    const Number last = first + (six ? (Number{1} << 100) : Number{0xffffff});
    if (rng_.below(3) == 0) return Constant{first + 1 + rng_.below(1000)};
    if (rng_.below(2) == 0) return Counting{first + 1, 1, 1000, false};
    return RandomBetween{first, last};
  }
  bool add_ip(Packet& packet) {
    const bool six = rng_.below(2) == 0;
    const K kind = six ? K::kIpv6 : K::kIpv4;
    Layer ip = six ? with(kind, {rng_.below(2) == 0 ? "traffic_class" : "ecn", "flow_label", "hop_limit"})
                   : with(kind, {"dscp", "ecn", "identification", "ttl"});
    ip.fields.push_back(given(kind, "src", address(six)));
    ip.fields.push_back(given(kind, "dst", address(six)));
    if (!six) ip.body = Frame(rng_.below(41), 1);
    packet.layers.push_back(std::move(ip));
    if (six && rng_.below(3) == 0) packet.layers.push_back(layer(K::kHopByHop, {}, Frame(rng_.below(30), 0)));
    if (six && rng_.below(3) == 0) packet.layers.push_back(layer(K::kDestination));
    if (six && rng_.below(4) == 0) packet.layers.push_back(with(K::kFragment, {"identification"}));
    return six;
  }
  void add_payload(Packet& packet) {
    Payload& payload = packet.payload;
    payload.kind = std::array{PayloadKind::kNone, PayloadKind::kBytes, PayloadKind::kRandom,
                              PayloadKind::kSequence}[rng_.below(4)];
    if (payload.kind == PayloadKind::kBytes) payload.bytes = bytes();
    if (payload.kind == PayloadKind::kRandom) payload.random_bytes = rng_.below(40);
    if (rng_.below(2) == 0) payload.fill = bytes();
  }
  Frame bytes() {
    Frame made(rng_.below(40));
    for (std::uint8_t& byte : made) byte = static_cast<std::uint8_t>(rng_.next());
    return made;
  }

  Rng rng_;
};

class RandomPackets : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(RandomPackets, AreReadByAReceiverAndPatchedLikeFreshOnes) {
  std::size_t made_frames = 0;
  for (std::uint64_t seed = GetParam(); seed < GetParam() + 250; ++seed) {
    Maker maker(seed);
    const Packet packet = maker.packet();
    const CompileOptions options = maker.options(seed % 3 == 0);
    const auto program = compile(packet, options);
    ASSERT_TRUE(program) << seed << ": " << program.error().what;
    Batch batch;
    batch.first = maker.below(1 << 20);
    batch.stride = 1 + maker.below(5);
    batch.now_ns = static_cast<std::int64_t>(maker.below(1ULL << 60));
    batch.run = static_cast<std::uint16_t>(seed * 0x1235);
    constexpr std::size_t kCount = 37;
    const Made fresh = make(*program, kCount, batch);
    for (const Frame& frame : fresh.frames) {
      const std::string said = received(frame);
      ASSERT_EQ(said.find("bad"), said.npos) << seed << ": " << said;
      ASSERT_EQ(said.find("truncated"), said.npos) << seed << ": " << said;
      if (program->has_sequence()) {
        ASSERT_TRUE(Signature::at(frame, program->signature_at())) << seed;
      }
    }
    // The same numbers, in frames that held others, in batches of other sizes.
    Chunks chunks(*program, kCount);
    for (std::uint8_t* const frame : chunks.frames()) program->fill(frame);
    Batch before = batch;
    before.first = maker.below(1 << 20);
    make(*program, kCount, before, &chunks);
    std::size_t at = 0;
    while (at < kCount) {
      const std::size_t some = std::min<std::size_t>(1 + maker.below(20), kCount - at);
      Batch part = batch;
      part.first = batch.first + at * batch.stride;
      const Made patched = make(*program, some, part, &chunks);
      for (std::size_t i = 0; i < some; ++i) ASSERT_EQ(patched.frames[i], fresh.frames[at + i]) << seed;
      at += some;
    }
    made_frames += kCount;
  }
  EXPECT_EQ(made_frames, 250U * 37U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomPackets, ::testing::Range<std::uint64_t>(0, 4000, 250));

}  // namespace
}  // namespace myriad::craft
