// Two stations, left and right, with as many hosts each: clients on the left, servers on port 80 on the right.
#pragma once

#include <gtest/gtest.h>

#include "tests/sim/groups.h"
#include "tests/sim/network.h"
#include "tests/sim/transfer.h"

namespace myriad::sim {

struct Pair {
  Pair(std::uint64_t seed, const WireOptions& wire, std::uint32_t hosts = 1, stack::StackOptions options = {},
       const tcp::Personality& tcp = {})
      : network(seed, wire),
        left(network.add({group("left", 1, hosts, tcp)}, with_seed(options, seed))),
        right(network.add({group("right", 2, hosts, tcp)}, with_seed(options, seed + 1))),
        client(left.stack()),
        server(right.stack()) {
    left.attach(client);
    right.attach(server);
    right.stack().listen_tcp(0, Port{80}, 0, 0);
  }
  static stack::StackOptions with_seed(stack::StackOptions options, std::uint64_t seed) {
    options.seed = seed;
    return options;
  }
  stack::Cookie open(std::uint32_t host, std::uint64_t send, std::uint64_t receive, bool v6 = false) {
    server.serve_send = receive;
    server.serve_receive = send;
    return client.open(stack::HostId{host}, address(right.hosts(), host, v6), Port{80}, send, receive, network.now());
  }
  // What must hold when everything has ended.
  void expect_nothing_left() {
    for (Station* station : {&left, &right}) {
      EXPECT_EQ(station->stack().connections(), 0U);
      EXPECT_EQ(station->stack().timers_armed(), 0U);
      EXPECT_EQ(station->stack().reassembly_blocks_in_use(), 0U);
      EXPECT_EQ(station->frames_missing(), 0U);
    }
  }
  static void expect_complete(const Transfer& side) {
    for (const End& end : side.ends) {
      EXPECT_EQ(end.failed, stack::FailReason::kNone) << static_cast<int>(end.failed);
      EXPECT_EQ(end.received, end.to_receive);
      EXPECT_EQ(end.wrong, 0U);
      EXPECT_TRUE(end.closed);
      EXPECT_TRUE(end.peer_closed);
    }
  }

  Network network;
  Station& left;
  Station& right;
  Transfer client;
  Transfer server;
};

}  // namespace myriad::sim
