// Any frames on hosts of ours: a checksum that was right is right, a wrong one wrong and none none, wherever it stands;
// nobody who speaks keeps an address; and what ends anywhere is rewritten as far as it goes.
#include <gtest/gtest.h>

#include <memory>

#include "craft/rewrite.h"
#include "tests/craft/frame_maker.h"
#include "tests/craft/sums_seen.h"

namespace myriad::craft {
namespace {

class RandomFrames {
 public:
  explicit RandomFrames(std::uint64_t seed) : rng_(seed) {}

  Octets frame() {
    const MacAddress src = mac(), dst = mac();
    std::vector<std::uint16_t> vlans;
    for (auto depth = rng_.below(3); depth > 0; --depth)
      vlans.push_back(static_cast<std::uint16_t>(rng_.below(0x10000)));
    switch (rng_.below(8)) {
      case 0:
        return ethernet(dst, src, vlans, 0x0806,
                        arp(static_cast<std::uint16_t>(1 + rng_.below(2)), src, v4(), dst, v4()));
      case 1:
      case 2:
      case 3:
        return ethernet(dst, src, vlans, 0x86dd, packet6(0));
      default:
        return ethernet(dst, src, vlans, 0x0800, packet4(0));
    }
  }

 private:
  Octets payload() {
    Octets out(rng_.below(60));
    for (std::uint8_t& byte : out)
      byte = static_cast<std::uint8_t>(rng_.below(3) == 0 ? 0xff * rng_.below(2) : rng_.next());
    return out;
  }
  // Few, so that most of whom is spoken to speaks as well.
  Ipv4Address v4() { return {0xc0a8e700 + static_cast<std::uint32_t>(rng_.below(12))}; }
  Ipv6Address v6() { return Ipv6Address::parse("2001:db8::")->plus(rng_.below(12)); }
  MacAddress mac() { return MacAddress::from_number(0x00aabbcc0000 + rng_.below(12)); }
  Sum sum() { return rng_.below(4) == 0 ? Sum::kBad : Sum::kGood; }

  Octets packet4(int depth) {
    const Ipv4Address src = v4(), dst = v4();
    const Ipv4Shape shape{rng_.below(11), 0, sum()};
    switch (rng_.below(depth == 0 ? 6 : 4)) {
      case 0:
        return ipv4(src, dst, 6, tcp(src, dst, payload(), sum()), shape);
      case 1:
        return ipv4(src, dst, 17, udp(src, dst, payload(), rng_.below(3) == 0 ? Sum::kNone : sum()), shape);
      case 2:
        return ipv4(src, dst, 1, icmp(src, dst, 8, Octets(4 + rng_.below(30)), sum()), shape);
      case 3: {
        const Octets whole = udp(src, dst, payload(), sum());
        return ipv4(src, dst, 17, whole, {0, static_cast<std::uint16_t>(rng_.below(2) == 0 ? 0x2000 : 0x0123), sum()});
      }
      default: {
        constexpr std::uint8_t kErrors[] = {3, 5, 11, 12};
        const std::uint8_t type = kErrors[rng_.below(4)];
        Octets body(4, 0);
        if (type == 5) v4().store(body.data());
        Octets quoted = packet4(depth + 1);
        if (rng_.below(2) == 0) quoted.resize(std::min<std::size_t>(quoted.size(), 28 + rng_.below(20)));
        append(body, quoted);
        return ipv4(src, dst, 1, icmp(src, dst, type, body, sum()), shape);
      }
    }
  }
  Octets packet6(int depth) {
    const Ipv6Address src = v6(), dst = v6();
    std::vector<std::uint8_t> chain;
    constexpr std::uint8_t kHeaders[] = {0, 43, 44, 60, 51};
    for (auto count = rng_.below(4); count > 0; --count) chain.push_back(kHeaders[rng_.below(5)]);
    switch (rng_.below(depth == 0 ? 5 : 3)) {
      case 0:
        return ipv6(src, dst, 6, tcp(src, dst, payload(), sum()), chain);
      case 1:
        return ipv6(src, dst, 17, udp(src, dst, payload(), sum()), chain);
      case 2:
        return ipv6(src, dst, 58, icmp(src, dst, 128, Octets(4 + rng_.below(30)), sum()), chain);
      case 3: {
        const auto type = static_cast<std::uint8_t>(133 + rng_.below(5));
        constexpr std::size_t kFixed[] = {4, 12, 20, 20, 36};
        Octets body(kFixed[type - 133], 0);
        if (type >= 135) v6().store(body.data() + 4);
        if (type == 137) v6().store(body.data() + 20);
        for (auto count = rng_.below(3); count > 0; --count) {
          body.push_back(static_cast<std::uint8_t>(1 + rng_.below(2)));
          body.push_back(1);
          append(body, mac().octets);
        }
        return ipv6(src, dst, 58, icmp(src, dst, type, body, sum()), chain);
      }
      default: {
        Octets body(4, 0);
        Octets quoted = packet6(depth + 1);
        if (rng_.below(2) == 0) quoted.resize(std::min<std::size_t>(quoted.size(), 48 + rng_.below(20)));
        append(body, quoted);
        return ipv6(src, dst, 58, icmp(src, dst, static_cast<std::uint8_t>(1 + rng_.below(4)), body, sum()), chain);
      }
    }
  }

  Rng rng_;
};

capture::Record record_of(Bytes bytes) {
  capture::Record record;
  record.bytes = bytes;
  record.original_length = static_cast<std::uint32_t>(bytes.size());
  return record;
}

RewriterOptions on_hosts() {
  RewriterOptions options;
  HostRange range;
  range.count = 1000;
  range.mac = MacAddress::from_number(0x024d00000001);
  range.ipv4 = Ipv4Address{0x0a000001};
  range.ipv6 = Ipv6Address::parse("fd00::1");
  options.askers = range;
  return options;
}

// The frame in memory of just that size, so that a sanitizer sees each step beyond it.
Octets rewritten(Rewriter& rewriter, Bytes frame) {
  const auto exact = std::make_unique<std::uint8_t[]>(frame.size());
  std::copy(frame.begin(), frame.end(), exact.get());
  Octets out(kMostFrameBytes + Rewriter::kSlackBytes);
  const auto made = rewriter.make(record_of({exact.get(), frame.size()}), out.data());
  out.resize(made.length);
  return out;
}

TEST(RandomRewrites, ChecksumsAreAsGoodAsTheyWere) {
  RandomFrames frames{1};
  std::vector<Octets> capture;
  for (int i = 0; i < 20'000; ++i) capture.push_back(frames.frame());
  Rewriter rewriter{on_hosts()};
  for (const Octets& frame : capture) rewriter.meet(record_of(frame));
  std::size_t good = 0, bad = 0;
  for (std::size_t i = 0; i < capture.size(); ++i) {
    const Octets out = rewritten(rewriter, capture[i]);
    ASSERT_FALSE(out.empty());
    const std::string before = sums_seen(capture[i]);
    ASSERT_EQ(sums_seen(out), before) << "frame " << i;
    good += before.find(":good") != std::string::npos;
    bad += before.find(":bad") != std::string::npos;
  }
  EXPECT_GT(good, 10'000U);
  EXPECT_GT(bad, 3'000U);
}

bool holds(Bytes frame, Bytes what) {
  return std::search(frame.begin(), frame.end(), what.begin(), what.end()) != frame.end();
}

TEST(RandomRewrites, NobodyWhoSpeaksKeepsAnAddress) {
  RandomFrames frames{2};
  std::vector<Octets> capture;
  for (int i = 0; i < 3'000; ++i) capture.push_back(frames.frame());
  Rewriter rewriter{on_hosts()};
  for (const Octets& frame : capture) rewriter.meet(record_of(frame));
  EXPECT_EQ(rewriter.endpoints().speakers(), 24U);  // 12 addresses of each family
  for (std::size_t i = 0; i < capture.size(); ++i) {
    const Octets out = rewritten(rewriter, capture[i]);
    // Behind the MAC addresses of a frame the prefixes of the capture stand nowhere but in random payload.
    const std::uint8_t v4[] = {0xc0, 0xa8, 0xe7}, v6[] = {0x20, 0x01, 0x0d, 0xb8};
    EXPECT_FALSE(holds(out, v4)) << "frame " << i;
    EXPECT_FALSE(holds(out, v6)) << "frame " << i;
    const std::uint8_t vendor[] = {0x00, 0xaa, 0xbb, 0xcc};
    EXPECT_FALSE(holds(out, vendor)) << "frame " << i;
  }
}

TEST(RandomRewrites, FramesMayEndAnywhere) {
  RandomFrames frames{3};
  std::vector<Octets> capture;
  for (int i = 0; i < 1'500; ++i) capture.push_back(frames.frame());
  Rewriter rewriter{on_hosts()};
  for (const Octets& frame : capture) rewriter.meet(record_of(frame));
  for (const Octets& frame : capture) {
    for (std::size_t size = 14; size < frame.size(); ++size) {
      const std::size_t tags = frame[12] == 0x81 || frame[12] == 0x88 ? 8 : 0;
      const Octets out = rewritten(rewriter, Bytes{frame}.first(size));
      ASSERT_LE(out.size(), size);
      ASSERT_GE(out.size() + tags, size);
    }
  }
}

TEST(RandomRewrites, AnyBytesAreRewritten) {
  RandomFrames frames{4};
  Rng rng{5};
  Rewriter rewriter{on_hosts()};
  for (int i = 0; i < 30'000; ++i) {
    Octets frame = frames.frame();
    for (auto flips = 1 + rng.below(8); flips > 0; --flips)
      frame[rng.below(std::min<std::size_t>(frame.size(), 80))] = static_cast<std::uint8_t>(rng.next());
    rewriter.meet(record_of(frame));
    const Octets out = rewritten(rewriter, frame);
    ASSERT_FALSE(out.empty());
    ASSERT_LE(out.size(), frame.size());
  }
}

}  // namespace
}  // namespace myriad::craft
