// One flow from the command line.
#include "templates/plan/send.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/craft/pieces.h"
#include "tests/craft/receiver.h"

namespace myriad::plan {
namespace {

using namespace std::chrono_literals;
using craft::bits;
using ::testing::HasSubstr;

SendOptions options_of(std::string packet) {
  SendOptions options;
  options.interface = "eth1";
  options.packet = std::move(packet);
  options.mac = MacAddress::from_number(0x020000000007);
  options.ipv4 = Ipv4Address{0x0a000007};
  return options;
}

TEST(Send, MakesAPlanOfOneFlow) {
  SendOptions options =
      options_of("[ethernet: {dst: 02:00:00:00:00:01}, ipv4: {dst: 10.0.0.1}, udp: {dst: 53}, payload: {text: hi}]");
  options.rate = "2kpps";
  options.count = "100";
  options.size = "128B";
  options.seed = "9";
  options.duration = "3s";
  const auto plan = plan_of_send(options);
  ASSERT_TRUE(plan) << plan.error().what;
  ASSERT_EQ(plan->ports.size(), 1U);
  EXPECT_EQ(plan->ports[0].interface, "eth1");
  EXPECT_EQ(plan->seed, 9U);
  EXPECT_EQ(plan->flows[0].seconds, 3s);
  EXPECT_FALSE(plan->duration);
  ASSERT_EQ(plan->flows.size(), 1U);
  const FlowPlan& flow = plan->flows[0];
  EXPECT_FALSE(flow.group);
  EXPECT_EQ(flow.packets, 100U);
  EXPECT_EQ(flow.rate.per_second, 2000);
  const craft::Frame frame = craft::make(*flow.program, 1).frames[0];
  EXPECT_EQ(craft::received(frame), "ethernet ipv4 udp 82");
  EXPECT_EQ(bits(frame, 48, 48), 0x020000000007U);
  EXPECT_EQ(bits(frame, 26 * 8, 32), 0x0a000007U);
}

TEST(Send, BracketsMayBeLeftOut) {
  EXPECT_TRUE(plan_of_send(options_of("ethernet: {dst: 02:00:00:00:00:01}, arp: {target_ip: 10.0.0.1}")));
  EXPECT_TRUE(plan_of_send(options_of("- ethernet\n- arp: {target_ip: 10.0.0.1}")));
}

TEST(Send, MistakesAreShownWhereTheyAre) {
  const auto refused = [](const SendOptions& options) {
    const auto plan = plan_of_send(options);
    EXPECT_FALSE(plan);
    return plan ? std::string{} : plan.error().what;
  };
  EXPECT_EQ(refused(options_of("[ethernet: {dst: 02:00:00:00:00:01}, ipv4: {dst: 10.0.0.1}, udp: {dts: 53}]")),
            "--packet:1:67: udp has no field 'dts'\n"
            "  [ethernet: {dst: 02:00:00:00:00:01}, ipv4: {dst: 10.0.0.1}, udp: {dts: 53}]\n"
            "                                                                    ^\n"
            "  did you mean 'dst'?");
  EXPECT_THAT(refused(options_of("ethernet: {dst: resolve}, ipv4: {dst: 10.0.0.1}")), HasSubstr("ethernet needs dst"));
  EXPECT_THAT(refused(options_of("")), HasSubstr("--packet"));
  EXPECT_THAT(refused(options_of("[")), HasSubstr("--packet"));
  SendOptions rate = options_of("ethernet, arp: {target_ip: 10.0.0.1}");
  rate.rate = "10";
  EXPECT_THAT(refused(rate), HasSubstr("--rate:1:1: a rate of frames needs a unit"));
  SendOptions nobody = options_of("ethernet, arp: {target_ip: 10.0.0.1}");
  nobody.mac.reset();
  EXPECT_THAT(refused(nobody), HasSubstr("ethernet needs src"));
}

}  // namespace
}  // namespace myriad::plan
