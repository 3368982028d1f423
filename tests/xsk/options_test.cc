// What a port chooses by itself and what it refuses, without a device.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "xsk/setup_error.h"
#include "xsk/xsk_port.h"

namespace myriad::xsk {
namespace {

using testing::HasSubstr;

Device device_with(std::uint32_t queues, std::uint32_t mtu_bytes) {
  Device device;
  device.name = "eth7";
  device.index = 7;
  device.queues = queues;
  device.mtu_bytes = mtu_bytes;
  return device;
}

TEST(PortOptions, TakesAllQueuesAndTheSmallChunk) {
  const auto chosen = complete({}, device_with(4, 1500));
  ASSERT_TRUE(chosen);
  EXPECT_EQ(chosen->queues, 4U);
  EXPECT_EQ(chosen->chunk_bytes, 2048U);
  EXPECT_EQ(chosen->interface, "eth7");
}

TEST(PortOptions, FramesFillAllRingsOfAShardAtOnce) {
  PortOptions options;
  options.fill_entries = 1024;
  options.shards = 2;
  const auto chosen = complete(options, device_with(3, 1500));  // shard 0 owns queues 0 and 2
  ASSERT_TRUE(chosen);
  EXPECT_EQ(chosen->frames_per_shard, 2 * 1024 + 2048 + 2048 + ShardPort::kSendReserve);
}

TEST(PortOptions, ChunkFollowsTheMtu) {
  // 256 bytes of headroom, 14 of Ethernet, 8 of two VLAN tags.
  EXPECT_EQ(complete({}, device_with(1, 1770))->chunk_bytes, 2048U);
  EXPECT_EQ(complete({}, device_with(1, 1771))->chunk_bytes, 4096U);
  EXPECT_EQ(complete({}, device_with(1, 3818))->chunk_bytes, 4096U);
  const auto jumbo = complete({}, device_with(1, 3819));
  ASSERT_FALSE(jumbo);
  EXPECT_EQ(jumbo.error().fault, Fault::kMachine);
  EXPECT_THAT(jumbo.error().cure, HasSubstr("ip link set dev eth7 mtu 3818"));
}

TEST(PortOptions, TheGivenMtuGoesBeforeTheDevices) {
  PortOptions options;
  options.mtu_bytes = 1500;
  const auto chosen = complete(options, device_with(1, 9000));
  ASSERT_TRUE(chosen);
  EXPECT_EQ(chosen->chunk_bytes, 2048U);
}

struct Refusal {
  const char* what;
  void (*spoil)(PortOptions&);
};

class RefusedOptions : public testing::TestWithParam<Refusal> {};

TEST_P(RefusedOptions, AreTheUsersFaultAndHaveACure) {
  PortOptions options;
  GetParam().spoil(options);
  const auto chosen = complete(options, device_with(2, 1500));
  ASSERT_FALSE(chosen);
  EXPECT_EQ(chosen.error().fault, Fault::kUsage);
  EXPECT_THAT(chosen.error().what, HasSubstr(GetParam().what));
  EXPECT_FALSE(chosen.error().cure.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Each, RefusedOptions,
    testing::Values(Refusal{"FILL ring of 100", [](PortOptions& o) { o.fill_entries = 100; }},
                    Refusal{"RX ring of 0", [](PortOptions& o) { o.rx_entries = 0; }},
                    Refusal{"TX ring of 65536", [](PortOptions& o) { o.tx_entries = 65536; }},
                    Refusal{"COMPLETION ring of 32", [](PortOptions& o) { o.completion_entries = 32; }},
                    Refusal{"2 receive queues, 3", [](PortOptions& o) { o.queues = 3; }},
                    Refusal{"0 shards", [](PortOptions& o) { o.shards = 0; }},
                    Refusal{"257 shards", [](PortOptions& o) { o.shards = 257; }},
                    Refusal{"chunk of 3000", [](PortOptions& o) { o.chunk_bytes = 3000; }},
                    Refusal{"63 frames", [](PortOptions& o) { o.frames_per_shard = 63; }},
                    Refusal{"4294967295 frames", [](PortOptions& o) { o.frames_per_shard = UINT32_MAX; }},
                    Refusal{"negative", [](PortOptions& o) { o.bind_retry = Duration{-1}; }},
                    Refusal{"generic", [](PortOptions& o) {
                              o.generic = true;
                              o.mode = BindRequest::kZeroCopy;
                            }}));

TEST(SetupError, NamesTheCure) {
  EXPECT_THAT(setup_error("x", EPERM).cure, HasSubstr("cap_net_raw"));
  EXPECT_THAT(setup_error("x", EBUSY).cure, HasSubstr("ss --xdp"));
  EXPECT_THAT(setup_error("x", ENOBUFS).cure, HasSubstr("ulimit -l"));
  EXPECT_THAT(setup_error("x", EOPNOTSUPP).cure, HasSubstr("mode copy"));
  EXPECT_EQ(setup_error("opening it", EPERM).message(), "opening it: Operation not permitted");
}

TEST(Device, NamesThatNoInterfaceCanHave) {
  for (const char* name : {"", "sixteen-letters!", "a-name-that-is-far-too-long-for-the-kernel"}) {
    const auto device = find_device(name);
    ASSERT_FALSE(device) << name;
    EXPECT_EQ(device.error().fault, Fault::kUsage) << name;
  }
  const auto absent = find_device("no-such-if");
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().os_error, ENODEV);
  EXPECT_EQ(absent.error().fault, Fault::kMachine);
}

}  // namespace
}  // namespace myriad::xsk
