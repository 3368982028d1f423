// Conversations by UDP: who hears what, which ports are used, and which errors are believed.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/checksum.h"
#include "tests/sim/groups.h"
#include "tests/sim/network.h"

namespace myriad::sim {
namespace {

using namespace std::chrono_literals;
using stack::ConversationId;
using stack::DatagramStatus;
using stack::EventKind;
using stack::FailReason;
using stack::HostId;

Bytes bytes(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

// Remembers what it is told.
struct Ears {
  struct Heard {
    stack::Event event;
    std::string data;
  };
  std::vector<Heard> heard;

  void on_event(const stack::Event& event, Instant) {
    heard.push_back({event, {event.data.begin(), event.data.end()}});
  }
  void read(stack::Cookie, std::uint64_t, MutableBytes) {}
};

class Udp : public testing::TestWithParam<bool> {
 protected:
  Udp() : left_(network_.add({group("left", 1, 100)})), right_(network_.add({group("right", 2, 10)})) {
    left_.attach(ears_);
    right_.attach(peer_);
    network_.filter = [this](Bytes frame, Instant) {
      carried_.emplace_back(frame.begin(), frame.end());
      return true;
    };
  }
  [[nodiscard]] bool v6() const { return GetParam(); }
  [[nodiscard]] IpAddress right(std::uint32_t host = 0) const { return address(right_.hosts(), host, v6()); }
  ConversationId open(std::uint32_t host, std::uint64_t luck, stack::Cookie cookie = 7, Port port = Port{53}) {
    return left_.stack().open_datagrams(HostId{host}, right(), port, cookie, luck).value();
  }
  DatagramStatus say(ConversationId id, std::string_view text) {
    return left_.stack().say(id, bytes(text), network_.now(), left_.batch());
  }
  // Also when the next hop has to be asked for first.
  void say_at_last(ConversationId id, std::string_view text) {
    if (say(id, text) == DatagramStatus::kResolving) {
      network_.run(10ms);
      ASSERT_EQ(ears_.heard.back().event.kind, EventKind::kResolved);
      ears_.heard.clear();
      ASSERT_EQ(say(id, text), DatagramStatus::kSent);
    }
    network_.run(10ms);
  }
  // The peer answers what it heard last.
  void answer(std::string_view text, Port from = Port{53}) {
    const stack::Event event = peer_.heard.back().event;
    ASSERT_TRUE(right_.stack().send_datagram(event.host, event.remote, from, event.remote_port, bytes(text),
                                             network_.now(), right_.batch()));
    network_.run(10ms);
  }

  Network network_{1, WireOptions{}};
  Station& left_;
  Station& right_;
  Ears ears_;
  Ears peer_;
  std::vector<std::vector<std::uint8_t>> carried_;
};

INSTANTIATE_TEST_SUITE_P(Families, Udp, testing::Bool(), [](const auto& p) { return p.param ? "IPv6" : "IPv4"; });

TEST_P(Udp, AnswersComeBackToWhoAsked) {
  right_.stack().listen_udp(0, Port{53}, 1);
  const ConversationId id = open(3, 99);
  EXPECT_EQ(say(id, "question"), DatagramStatus::kResolving);
  network_.run(10ms);
  ASSERT_EQ(ears_.heard.size(), 1U);
  EXPECT_EQ(ears_.heard[0].event.kind, EventKind::kResolved);
  EXPECT_EQ(ears_.heard[0].event.cookie, 7U);
  EXPECT_EQ(say(id, "question"), DatagramStatus::kSent);
  network_.run(10ms);
  ASSERT_EQ(peer_.heard.size(), 1U);
  EXPECT_EQ(peer_.heard[0].data, "question");
  EXPECT_EQ(peer_.heard[0].event.remote, address(left_.hosts(), 3, v6()));
  answer("answer");
  ASSERT_EQ(ears_.heard.size(), 2U);
  const auto& [event, data] = ears_.heard[1];
  EXPECT_EQ(event.kind, EventKind::kDatagram);
  EXPECT_EQ(event.conversation, id);
  EXPECT_EQ(event.cookie, 7U);
  EXPECT_EQ(event.host, HostId{3});
  EXPECT_EQ(data, "answer");
}

TEST_P(Udp, OnlyTheRemoteAddressAndPortAreHeard) {
  right_.stack().listen_udp(0, Port{53}, 1);
  const ConversationId id = open(3, 99);
  say_at_last(id, "question");
  answer("from another port", Port{54});
  EXPECT_TRUE(ears_.heard.empty());
  EXPECT_EQ(left_.stack().drops()[stack::Drop::kUdpNoPort], 1U);
  const stack::Event asked = peer_.heard.back().event;
  right_.stack().send_datagram(HostId{1}, asked.remote, Port{53}, asked.remote_port, bytes("from another host"),
                               network_.now(), right_.batch());
  network_.run(10ms);
  right_.stack().send_datagram(HostId{1}, asked.remote, Port{53}, asked.remote_port, bytes("from another host"),
                               network_.now(), right_.batch());
  network_.run(10ms);
  EXPECT_TRUE(ears_.heard.empty());
  left_.stack().close(id);
  answer("too late");
  EXPECT_TRUE(ears_.heard.empty());
  EXPECT_EQ(left_.stack().conversations(), 0U);
}

TEST_P(Udp, PortsAreDrawnByLuckAndNeverTwice) {
  std::set<std::uint16_t> ports;
  right_.stack().listen_udp(0, Port{53}, 1);
  for (std::uint64_t luck = 0; luck < 50; ++luck) {
    say_at_last(open(5, luck), "x");
    ports.insert(peer_.heard.back().event.remote_port.number);
  }
  EXPECT_EQ(ports.size(), 50U);
  EXPECT_GT(*ports.rbegin() - *ports.begin(), 30'000) << "from all over the range";
  EXPECT_GE(*ports.begin(), 16'384);
  // The same luck again: the next free one; of another host the very same.
  say_at_last(open(5, 3), "x");
  const std::uint16_t next = peer_.heard.back().event.remote_port.number;
  EXPECT_FALSE(ports.contains(next));
  EXPECT_TRUE(ports.contains(static_cast<std::uint16_t>(next - 1)));
  say_at_last(open(6, 3), "x");
  EXPECT_EQ(peer_.heard.back().event.remote_port.number, next - 1);
}

TEST_P(Udp, WhatCannotBeFailsAtOnce) {
  stack::StackOptions options;
  options.tcp.connections = 2;
  auto lone = group("lone", 3, 1);
  lone.ipv6.reset();
  Station& few = network_.add({lone}, options);
  const IpAddress v4 = address(right_.hosts(), 0, false);
  const auto open_to = [&](const IpAddress& to) { return few.stack().open_datagrams(HostId{0}, to, Port{53}, 0, 1); };
  EXPECT_EQ(open_to(address(right_.hosts(), 0, true)).error(), FailReason::kUnreachable);
  EXPECT_EQ(open_to(*IpAddress::parse("10.9.9.9")).has_value(), false) << "no gateway";
  EXPECT_EQ(open_to(*IpAddress::parse("224.0.0.1")).error(), FailReason::kUnreachable);
  EXPECT_EQ(open_to(*IpAddress::parse("10.0.255.255")).error(), FailReason::kUnreachable);
  const auto first = open_to(v4);
  EXPECT_TRUE(first && open_to(v4));
  EXPECT_EQ(open_to(v4).error(), FailReason::kNoRoom);
  few.stack().close(*first);
  EXPECT_TRUE(open_to(v4));
}

TEST_P(Udp, PortsOfServicesAreNotDrawn) {
  right_.stack().listen_udp(0, Port{53}, 1);
  const ConversationId first = open(5, 3);
  say_at_last(first, "x");
  const Port drawn = peer_.heard.back().event.remote_port;
  left_.stack().close(first);
  left_.stack().listen_udp(0, drawn, 9);
  say_at_last(open(5, 3), "x");
  EXPECT_EQ(peer_.heard.back().event.remote_port.number, drawn.number + 1);
}

TEST_P(Udp, ARefusalIsHeard) {
  const ConversationId id = open(3, 99);
  say_at_last(id, "nobody listens");
  ASSERT_EQ(ears_.heard.size(), 1U);
  const stack::Event& event = ears_.heard[0].event;
  EXPECT_EQ(event.kind, EventKind::kDatagramRefused);
  EXPECT_EQ(event.reason, FailReason::kRefused);
  EXPECT_EQ(event.conversation, id);
  EXPECT_EQ(event.cookie, 7U);
  EXPECT_EQ(left_.stack().conversations(), 1U) << "it stays open until it is closed";
}

TEST_P(Udp, ErrorsAreBelievedOnlyIfTheyQuoteWhatWasSent) {
  const ConversationId id = open(3, 99);
  say_at_last(id, "nobody listens");
  const std::vector<std::uint8_t> refusal = carried_.back();
  ASSERT_EQ(ears_.heard.size(), 1U);
  const std::size_t icmp = 14 + (v6() ? 40 : 20);
  const std::size_t quoted = icmp + 8 + (v6() ? 40 : 20);                               // the UDP header
  for (const std::size_t changed : {std::size_t{1}, std::size_t{3}, std::size_t{5}}) {  // source, destination, length
    ears_.heard.clear();
    std::vector<std::uint8_t> forged = refusal;
    std::uint8_t* const word = forged.data() + quoted + changed - 1;
    const std::uint16_t before = load_be16(word);
    store_be16(word, before ^ 1);
    checksum_patch(forged.data() + icmp + 2, before, before ^ 1);
    network_.inject(forged);
    network_.run(10ms);
    EXPECT_TRUE(ears_.heard.empty()) << changed;
  }
  network_.inject(refusal);
  network_.run(10ms);
  EXPECT_EQ(ears_.heard.size(), 1U);
  ears_.heard.clear();
  left_.stack().close(id);
  network_.inject(refusal);
  network_.run(10ms);
  EXPECT_TRUE(ears_.heard.empty()) << "nobody is talking there";
}

TEST_P(Udp, APassingErrorIsRemembered) {
  const ConversationId id = open(3, 99);
  say_at_last(id, "nobody listens");
  std::vector<std::uint8_t> error = carried_.back();
  ears_.heard.clear();
  EXPECT_FALSE(left_.stack().unreachable_seen(id));
  // Host unreachable instead of port unreachable: code 1 (RFC 792), 3 (RFC 4443).
  const std::size_t icmp = 14 + (v6() ? 40 : 20);
  const std::uint16_t before = load_be16(error.data() + icmp);
  error[icmp + 1] = v6() ? 3 : 1;
  checksum_patch(error.data() + icmp + 2, before, load_be16(error.data() + icmp));
  network_.inject(error);
  network_.run(10ms);
  EXPECT_TRUE(ears_.heard.empty());
  EXPECT_TRUE(left_.stack().unreachable_seen(id));
}

TEST_P(Udp, NobodyThereIsToldToWhoWaits) {
  const ConversationId id =
      left_.stack()
          .open_datagrams(HostId{1}, *IpAddress::parse(v6() ? "fd00::77" : "10.0.77.77"), Port{53}, 5, 1)
          .value();
  EXPECT_EQ(say(id, "x"), DatagramStatus::kResolving);
  network_.run(10s);
  ASSERT_EQ(ears_.heard.size(), 1U);
  EXPECT_EQ(ears_.heard[0].event.kind, EventKind::kUnresolved);
  EXPECT_EQ(ears_.heard[0].event.cookie, 5U);
}

TEST_P(Udp, ADatagramLargerThanAFrameGoesInFragments) {
  right_.stack().listen_udp(0, Port{53}, 1);
  const std::string large(5000, 'x');
  say_at_last(open(3, 99), large);
  ASSERT_EQ(peer_.heard.size(), 1U);
  EXPECT_EQ(peer_.heard[0].data, large);
}

TEST_P(Udp, ManyAreOpenedAndClosedAndFound) {
  right_.stack().listen_udp(0, Port{53}, 1);
  std::vector<ConversationId> open_ones;
  Rng rng{5};
  say_at_last(open(0, 0), "resolve");
  peer_.heard.clear();
  for (std::uint64_t i = 0; i < 3000; ++i) {
    open_ones.push_back(open(static_cast<std::uint32_t>(i % 100), i, static_cast<stack::Cookie>(i)));
    if (i % 3 == 0) {
      const auto victim = static_cast<std::size_t>(rng.below(open_ones.size()));
      left_.stack().close(open_ones[victim]);
      open_ones.erase(open_ones.begin() + static_cast<std::ptrdiff_t>(victim));
    }
  }
  EXPECT_EQ(left_.stack().conversations(), open_ones.size() + 1);
  for (std::size_t i = 0; i < open_ones.size(); i += 40) {
    ears_.heard.clear();
    say_at_last(open_ones[i], "x");
    answer("y");
    ASSERT_EQ(ears_.heard.size(), 1U);
    EXPECT_EQ(ears_.heard[0].event.conversation, open_ones[i]);
  }
}

}  // namespace
}  // namespace myriad::sim
