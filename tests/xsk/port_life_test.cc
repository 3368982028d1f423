// A port's life: links that go down, come back and vanish, queues that are held, rights that are missing, and sleep.
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "port_fixture.h"

namespace myriad::xsk::test {
namespace {

using testing::HasSubstr;

constexpr Duration kLongSleep = kPatience;

// Turns with sleeps in between, as an idle engine does, until the port says so.
bool reaches(Crank& crank, ShardPort& plug, PortState state) {
  return eventually([&] {
    crank.turn();
    if (plug.state() == state) return true;
    plug.wait(std::chrono::milliseconds{50});
    return false;
  });
}

class LinkTest : public PortTest {
 protected:
  void submit_frames(std::uint32_t count) {
    for (std::uint32_t number = 0; number < count; ++number) {
      ASSERT_TRUE(crank->send(0, numbered_frame(host_mac(1), number)));
    }
  }
};

TEST_F(LinkTest, FramesQueuedWhileTheLinkIsDownLeaveWhenItIsBack) {
  MYRIAD_MAKE_WORLD();
  ASSERT_NO_FATAL_FAILURE(open(near_options()));
  ShardPort& plug = port->shard(0);
  ASSERT_TRUE(reaches(*crank, plug, PortState::kUp));
  ASSERT_TRUE(VethWorld::ip("link set near down"));
  ASSERT_NO_FATAL_FAILURE(submit_frames(100));
  ASSERT_TRUE(reaches(*crank, plug, PortState::kDown));
  EXPECT_EQ(crank->totals().frames_tx, 0U);
  EXPECT_TRUE(crank->conserved());
  EXPECT_FALSE(peer->receive().has_value());

  ASSERT_TRUE(VethWorld::ip("link set near up"));
  ASSERT_TRUE(reaches(*crank, plug, PortState::kUp));
  ASSERT_TRUE(all_completed(100));
  EXPECT_EQ(peer->offered() + crank->totals().ebusy_lost, 100U);
  EXPECT_TRUE(crank->conserved());

  ASSERT_EQ(peer->send(numbered_frame(host_mac(0), 5)), 0);
  EXPECT_TRUE(eventually([&] {
    crank->turn();
    return crank->totals().frames_rx == 1;
  }));
}

TEST_F(LinkTest, AKickThatFindsTheLinkDownSaysSoBeforeAnyAnnouncementIsRead) {
  MYRIAD_MAKE_WORLD();
  ASSERT_NO_FATAL_FAILURE(open(near_options()));
  ASSERT_TRUE(VethWorld::ip("link set near down"));
  ASSERT_EQ(port->shard(0).state(), PortState::kUp) << "nobody has looked yet";
  ASSERT_NO_FATAL_FAILURE(submit_frames(1));
  port->shard(0).kick();
  EXPECT_EQ(port->shard(0).state(), PortState::kDown);
  EXPECT_EQ(crank->totals().tx_down, 1U);
  port->shard(0).kick();
  EXPECT_EQ(crank->totals().tx_down, 1U) << "a link that is down is left alone";
}

TEST_F(LinkTest, CarrierThatGoesWithTheFarEndIsSeen) {
  MYRIAD_MAKE_WORLD();
  ASSERT_NO_FATAL_FAILURE(open(near_options()));
  ShardPort& plug = port->shard(0);
  world->in_far([] { VethWorld::ip("link set far down"); });
  EXPECT_TRUE(reaches(*crank, plug, PortState::kDown));
  world->in_far([] { VethWorld::ip("link set far up"); });
  EXPECT_TRUE(reaches(*crank, plug, PortState::kUp));
  ASSERT_NO_FATAL_FAILURE(submit_frames(10));
  EXPECT_TRUE(all_completed(10));
}

TEST_F(LinkTest, EveryShardOfARemovedInterfaceIsGone) {
  MYRIAD_MAKE_WORLD(2);
  ASSERT_NO_FATAL_FAILURE(open(near_options(3)));
  ASSERT_NO_FATAL_FAILURE(submit_frames(10));
  ASSERT_TRUE(VethWorld::ip("link del near"));
  for (std::uint32_t shard = 0; shard < 3; ++shard) {
    EXPECT_TRUE(reaches(*crank, port->shard(shard), PortState::kGone)) << shard;
  }
  EXPECT_FALSE(crank->send(0, numbered_frame(host_mac(1), 1))) << "nothing is taken that could never leave";
  port->shard(0).wait(std::chrono::milliseconds{1});
  crank->turn();
  EXPECT_TRUE(crank->conserved());
  close();
}

TEST_F(LinkTest, AKickFindsOutThatTheInterfaceIsGone) {
  MYRIAD_MAKE_WORLD();
  ASSERT_NO_FATAL_FAILURE(open(near_options()));
  ASSERT_TRUE(crank->send(0, numbered_frame(host_mac(1), 1)));
  ASSERT_TRUE(VethWorld::ip("link del near"));
  port->shard(0).kick();
  EXPECT_EQ(port->shard(0).state(), PortState::kGone);
}

TEST_F(LinkTest, NewsReachAShardThatSpinsWithoutSending) {
  MYRIAD_MAKE_WORLD();
  ASSERT_NO_FATAL_FAILURE(open(near_options()));
  ASSERT_TRUE(VethWorld::ip("link set near down"));
  for (std::uint32_t turn = 0; turn <= ShardPort::kLinkTurns; ++turn) crank->turn();
  EXPECT_EQ(port->shard(0).state(), PortState::kDown);
}

class LifeTest : public PortTest {};

TEST_F(LifeTest, ReopensAtOnceManyTimes) {
  MYRIAD_MAKE_WORLD(2);
  for (int round = 0; round < 10; ++round) {
    ASSERT_NO_FATAL_FAILURE(open(near_options(4))) << round;
    ASSERT_TRUE(crank->send(3, numbered_frame(host_mac(1), 1)));
    ASSERT_TRUE(all_completed(1));
    close();
  }
}

TEST_F(LifeTest, AHeldQueueIsNamedAfterTheRetries) {
  MYRIAD_MAKE_WORLD(2);
  PortOptions options = near_options();
  options.queues = 1;
  ASSERT_NO_FATAL_FAILURE(open(options));
  options.queues = 2;
  options.bind_retry = std::chrono::milliseconds{20};
  const auto second = Port::open(options);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().os_error, EBUSY);
  EXPECT_EQ(second.error().fault, Fault::kMachine);
  EXPECT_THAT(second.error().what, HasSubstr("queue 0 of near"));
  EXPECT_THAT(second.error().cure, HasSubstr("another AF_XDP socket"));
}

TEST_F(LifeTest, RefusalsNameTheirCure) {
  MYRIAD_MAKE_WORLD(2);
  PortOptions options = near_options();
  options.mode = BindRequest::kZeroCopy;
  const auto zero_copy = Port::open(options);
  ASSERT_FALSE(zero_copy);
  EXPECT_EQ(zero_copy.error().os_error, EOPNOTSUPP);
  EXPECT_THAT(zero_copy.error().cure, HasSubstr("mode copy"));

  options = near_options();
  options.queues = 3;
  const auto queues = Port::open(options);
  ASSERT_FALSE(queues);
  EXPECT_THAT(queues.error().what, HasSubstr("2 receive queues, 3"));

  options.interface = "absent";
  const auto absent = Port::open(options);
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().os_error, ENODEV);
  EXPECT_THAT(absent.error().what, HasSubstr("absent"));
}

// Rights belong to a thread: runs `action` in one of its own that has lost these.
template <class Action>
void without(std::initializer_list<unsigned> capabilities, Action&& action) {
  std::thread{[&] {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct sets[2]{};
    ASSERT_EQ(::syscall(SYS_capget, &header, sets), 0);
    for (const unsigned capability : capabilities) {
      const unsigned word = capability / 32;
      sets[word].effective &= ~(1U << (capability % 32));
      sets[word].permitted &= ~(1U << (capability % 32));
    }
    ASSERT_EQ(::syscall(SYS_capset, &header, sets), 0);
    action();
  }}.join();
}

TEST_F(LifeTest, WithoutTheRightToRawSocketsTheCureIsTheCapability) {
  MYRIAD_MAKE_WORLD();
  without({CAP_NET_RAW}, [&] {
    const auto opened = Port::open(near_options());
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().os_error, EPERM);
    EXPECT_THAT(opened.error().cure, HasSubstr("cap_net_raw"));
  });
}

class MemoryLimit {
 public:
  explicit MemoryLimit(rlim_t soft) {
    ::getrlimit(RLIMIT_MEMLOCK, &before_);
    const rlimit lower{std::min(soft, before_.rlim_max), before_.rlim_max};
    ::setrlimit(RLIMIT_MEMLOCK, &lower);
  }
  ~MemoryLimit() { ::setrlimit(RLIMIT_MEMLOCK, &before_); }
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;
  [[nodiscard]] rlim_t hard() const { return before_.rlim_max; }

 private:
  rlimit before_{};
};

TEST_F(LifeTest, ASmallLimitOfLockedMemoryIsRaisedAndTheUserIsTold) {
  MYRIAD_MAKE_WORLD();
  const MemoryLimit limit{1 << 20};
  without({CAP_IPC_LOCK, CAP_SYS_RESOURCE}, [&] {
    PortOptions options = near_options();
    options.frames_per_shard = 1024;  // 2 MiB
    const auto opened = Port::open(options);
    ASSERT_TRUE(opened) << opened.error().message();
    EXPECT_THAT((*opened)->notes(),
                testing::ElementsAre(HasSubstr("locked memory of this process from 1 MiB to 3 MiB")));
  });
}

TEST_F(LifeTest, AHardLimitOfLockedMemoryIsAnErrorWithACure) {
  MYRIAD_MAKE_WORLD();
  const MemoryLimit limit{1 << 20};
  if (limit.hard() > (rlim_t{512} << 20)) GTEST_SKIP() << "no hard limit of locked memory to run into";
  without({CAP_IPC_LOCK, CAP_SYS_RESOURCE}, [&] {
    PortOptions options = near_options();
    options.frames_per_shard = static_cast<std::uint32_t>(limit.hard() / 2048 + 1024);
    const auto opened = Port::open(options);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().os_error, ENOBUFS);
    EXPECT_THAT(opened.error().cure, HasSubstr("ulimit -l"));
  });
}

class SleepTest : public PortTest {};

TEST_F(SleepTest, AFrameEndsTheSleep) {
  MYRIAD_MAKE_WORLD(2);
  ASSERT_NO_FATAL_FAILURE(open(near_options(2)));
  for (std::uint32_t number = 0; number < 50; ++number) {
    ShardPort& plug = port->shard(number % 2);
    std::atomic<bool> awake{false};
    std::thread sleeper{[&] {
      while (plug.receive({}) == 0 && !awake.load()) {
        plug.wait(kLongSleep);
        std::vector<RxFrame> one(1);
        if (plug.receive(one) == 1) {
          crank->pool(port->area().home(one[0].frame)).give(one[0].frame);
          awake.store(true);
        }
      }
    }};
    ASSERT_EQ(peer->send(numbered_frame(host_mac(static_cast<std::uint8_t>(number)), number)), 0);
    sleeper.join();
    EXPECT_TRUE(awake.load());
  }
  EXPECT_TRUE(crank->conserved());
}

TEST_F(SleepTest, AnInterruptEndsTheSleepAlsoWhenItComesFirst) {
  MYRIAD_MAKE_WORLD();
  ASSERT_NO_FATAL_FAILURE(open(near_options()));
  ShardPort& plug = port->shard(0);
  const auto before = std::chrono::steady_clock::now();
  plug.interrupt();
  plug.wait(std::chrono::hours{1});
  for (int round = 0; round < 100; ++round) {
    std::thread sleeper{[&] { plug.wait(std::chrono::hours{1}); }};
    plug.interrupt();
    sleeper.join();
  }
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::hours{1});
}

TEST_F(SleepTest, FramesOnTheirWayOutAreNotSleptOver) {
  MYRIAD_MAKE_WORLD();
  PortOptions options = near_options();
  options.tx_budget = 0;
  ASSERT_NO_FATAL_FAILURE(open(options));
  for (std::uint32_t number = 0; number < 300; ++number) {
    ASSERT_TRUE(crank->send(0, numbered_frame(host_mac(1), number)));
  }
  // ctest's limit of time ends a test that sleeps for an hour.
  while (crank->totals().frames_tx < 300) {
    port->shard(0).wait(std::chrono::hours{1});
    crank->turn();
  }
  EXPECT_TRUE(crank->conserved());
}

TEST_F(SleepTest, ASleepingOwnerIsWokenForFramesThatOthersSentOnItsQueue) {
  MYRIAD_MAKE_WORLD();
  PortOptions options = near_options(2);  // shard 1 sends on queue 0, which shard 0 reaps
  options.frames_per_shard = 256;
  ASSERT_NO_FATAL_FAILURE(open(options));
  ShardPort& owner = port->shard(0);
  ShardPort& sender = port->shard(1);
  constexpr std::uint32_t kFrames = 100;
  std::atomic<std::uint32_t> back{0};
  std::thread sleeper{[&] {
    while (back.load() < kFrames) {
      owner.reap([&](FrameIndex frame) {
        ASSERT_EQ(port->area().home(frame), 1U);
        back.fetch_add(1);
      });
      if (back.load() < kFrames) owner.wait(std::chrono::hours{1});
    }
  }};
  for (std::uint32_t number = 0; number < kFrames; ++number) {
    ASSERT_TRUE(crank->send(1, numbered_frame(host_mac(1), number)));
    sender.kick();
  }
  while (back.load() < kFrames) sender.wait(std::chrono::milliseconds{1});
  sleeper.join();
  EXPECT_EQ(back.load(), kFrames);
}

}  // namespace
}  // namespace myriad::xsk::test
