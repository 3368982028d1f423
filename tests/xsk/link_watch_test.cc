// Announcements of links, of every shape.
#include "xsk/link_watch.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
// After the library's headers, which these fit themselves to.
#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <vector>

#include "base/rng.h"

namespace myriad::xsk {
namespace {

constexpr unsigned kOurs = 7;

std::vector<std::uint8_t> message(std::uint16_t type, std::uint8_t family, int index, unsigned flags,
                                  std::size_t attribute_bytes = 0) {
  nlmsghdr header{};
  header.nlmsg_type = type;
  header.nlmsg_len = static_cast<std::uint32_t>(sizeof(nlmsghdr) + sizeof(ifinfomsg) + attribute_bytes);
  ifinfomsg link{};
  link.ifi_family = family;
  link.ifi_index = index;
  link.ifi_flags = flags;
  std::vector<std::uint8_t> bytes((header.nlmsg_len + 3) & ~std::size_t{3});
  std::memcpy(bytes.data(), &header, sizeof header);
  std::memcpy(bytes.data() + sizeof header, &link, sizeof link);
  return bytes;
}

constexpr unsigned kRunning = IFF_UP | static_cast<unsigned>(IFF_LOWER_UP);

TEST(LinkWatch, UpNeedsBothTheFlagAndCarrier) {
  EXPECT_EQ(LinkWatch::interpret(message(RTM_NEWLINK, AF_UNSPEC, 7, kRunning), kOurs), PortState::kUp);
  EXPECT_EQ(LinkWatch::interpret(message(RTM_NEWLINK, AF_UNSPEC, 7, IFF_UP), kOurs), PortState::kDown);
  EXPECT_EQ(LinkWatch::interpret(message(RTM_NEWLINK, AF_UNSPEC, 7, 0), kOurs), PortState::kDown);
  EXPECT_EQ(LinkWatch::interpret(message(RTM_DELLINK, AF_UNSPEC, 7, 0), kOurs), PortState::kGone);
}

TEST(LinkWatch, OtherLinksAndBridgePortsAreNoNews) {
  EXPECT_EQ(LinkWatch::interpret(message(RTM_DELLINK, AF_UNSPEC, 8, 0), kOurs), std::nullopt);
  EXPECT_EQ(LinkWatch::interpret(message(RTM_DELLINK, AF_BRIDGE, 7, 0), kOurs), std::nullopt)
      << "it left a bridge, it is not gone";
  EXPECT_EQ(LinkWatch::interpret(message(RTM_NEWADDR, AF_UNSPEC, 7, 0), kOurs), std::nullopt);
}

TEST(LinkWatch, TheLastOfSeveralMessagesCounts) {
  auto datagram = message(RTM_NEWLINK, AF_UNSPEC, 7, 0, 5);
  for (const auto& next : {message(RTM_NEWLINK, AF_UNSPEC, 7, kRunning), message(RTM_NEWLINK, AF_UNSPEC, 9, 0)}) {
    datagram.insert(datagram.end(), next.begin(), next.end());
  }
  EXPECT_EQ(LinkWatch::interpret(datagram, kOurs), PortState::kUp);
}

TEST(LinkWatch, TheHeadOfACutMessageIsEnough) {
  auto datagram = message(RTM_NEWLINK, AF_UNSPEC, 7, kRunning, 100'000);
  datagram.resize(4096);
  EXPECT_EQ(LinkWatch::interpret(datagram, kOurs), PortState::kUp);
}

TEST(LinkWatch, AnErrorSaysThatTheLinkIsGone) {
  auto datagram = message(NLMSG_ERROR, 0, 0, 0);
  const int error = -ENODEV;
  std::memcpy(datagram.data() + sizeof(nlmsghdr), &error, sizeof error);
  EXPECT_EQ(LinkWatch::interpret(datagram, kOurs), PortState::kGone);
}

TEST(LinkWatch, LyingAndCutDatagramsAreSurvived) {
  Rng rng{11};
  const auto good = message(RTM_NEWLINK, AF_UNSPEC, 7, kRunning, 40);
  for (std::size_t size = 0; size <= good.size(); ++size) {
    const auto said = LinkWatch::interpret(Bytes{good}.first(size), kOurs);
    EXPECT_EQ(said.has_value(), size >= sizeof(nlmsghdr) + sizeof(ifinfomsg)) << size;
  }
  for (const std::uint32_t length : {0U, 1U, 15U, 16U, 17U, 0x7fffffffU, 0xfffffffdU, 0xffffffffU}) {
    auto lying = good;
    std::memcpy(lying.data(), &length, sizeof length);
    const auto said = LinkWatch::interpret(lying, kOurs);
    EXPECT_EQ(said.has_value(), length >= sizeof(nlmsghdr) + sizeof(ifinfomsg)) << length;
  }
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::uint8_t> noise(rng.next() % 200);
    for (auto& byte : noise) byte = static_cast<std::uint8_t>(rng.next() % 32);
    (void)LinkWatch::interpret(noise, kOurs);  // the sanitizers watch
  }
}

TEST(LinkWatch, TheLoopbackOfThisNamespaceIsAnnouncedAtOnce) {
  auto watch = LinkWatch::open(1);
  ASSERT_TRUE(watch);
  EXPECT_TRUE(watch->read_news().has_value());
  EXPECT_FALSE(watch->read_news().has_value()) << "said once";
}

TEST(LinkWatch, AnInterfaceThatIsNotThereIsGone) {
  auto watch = LinkWatch::open(0x7ffffff0);
  ASSERT_TRUE(watch);
  EXPECT_EQ(watch->read_news(), PortState::kGone);
}

}  // namespace
}  // namespace myriad::xsk
