// What the tests of an open port share: a world, a port on it, a peer, and the question whether it can all be had here.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "veth_world.h"

namespace myriad::xsk::test {

class PortTest : public testing::Test {
 protected:
  // Makes the world; skips the test where that cannot be.
  void make_world(std::uint32_t queues = 1, std::uint32_t mtu_bytes = 1500) {
    world = std::make_unique<VethWorld>(queues, mtu_bytes);
    if (!world->missing().empty()) GTEST_SKIP() << world->missing();
  }
  static PortOptions near_options(std::uint32_t shards = 1) {
    PortOptions options;
    options.interface = "near";
    options.shards = shards;
    return options;
  }
  // In the order of xsk_port.h: program, port, FILL, map.
  void open(const PortOptions& options) {
    const auto device = find_device("near");
    ASSERT_TRUE(device) << device.error().message();
    const std::uint32_t queues = options.queues == 0 ? device->queues : options.queues;
    steering = std::make_unique<Steering>(device->index, queues, options.shards, options.generic);
    ASSERT_EQ(steering->os_error(), 0) << "steering program";
    auto opened = Port::open(options);
    ASSERT_TRUE(opened) << opened.error().message();
    port = std::move(*opened);
    crank = std::make_unique<Crank>(*port);
    crank->turn();
    steering->point_to(*port);
    ASSERT_EQ(steering->os_error(), 0) << "steering map";
    peer = std::make_unique<FarPeer>(*world);
  }
  void close() {
    steering.reset();
    crank.reset();
    port.reset();
  }
  // Turns until everything sent is back.
  [[nodiscard]] bool all_completed(std::uint64_t frames) {
    return eventually([&] {
      crank->turn();
      return crank->totals().frames_tx >= frames;
    });
  }

  std::unique_ptr<VethWorld> world;  // outlives everything that stands in it
  std::unique_ptr<FarPeer> peer;
  std::unique_ptr<Steering> steering;
  std::unique_ptr<Port> port;
  std::unique_ptr<Crank> crank;
};

#define MYRIAD_MAKE_WORLD(...)              \
  do {                                      \
    make_world(__VA_ARGS__);                \
    if (testing::Test::IsSkipped()) return; \
  } while (false)

}  // namespace myriad::xsk::test
