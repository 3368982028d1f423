// Sessions that are dialogues: every step is carried out, in every state of the session, and nothing is left of them.
#include "app/dialogue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "engine/sessions.h"
#include "tests/engine/site.h"

namespace myriad::engine {
namespace {

using app::Progress;
using app::Step;
using std::chrono::milliseconds;
using std::chrono::seconds;

// What the dialogues of one test have seen.
struct Seen {
  int alive = 0;
  int made = 0;
  int begun = 0;
  int beats = 0;
  int goodbyes = 0;
  std::uint64_t read_again = 0;  // bytes asked for although they had been acknowledged
  std::set<std::uint64_t> seeds;
  std::set<std::uint64_t> numbers;
};

// Says lines to an echo service and hears them come back: a greeting, a beat every second once it has been heard, and a
// goodbye.
class Chat : public app::Dialogue {
 public:
  using Answer = std::function<Step(Chat&, Step)>;

  Chat(Seen& seen, const Answer& greeted) : seen_(seen), greeted_(greeted) {
    ++seen_.alive;
    ++seen_.made;
  }
  ~Chat() override { --seen_.alive; }

  Step begin(Instant) override {
    ++seen_.begun;
    ++connections;
    said_.clear();
    heard_.clear();
    acknowledged_ = 0;
    return say("hello\n");
  }
  Step take(Bytes data, Instant now) override {
    for (const std::uint8_t byte : data) {
      heard_.push_back(static_cast<char>(byte));
      if (byte != '\n') continue;
      const std::string line = std::exchange(heard_, {});
      if (line == "beat\n") ++seen_.beats;
      if (line == "bye\n") {
        ++seen_.goodbyes;
        Step step;
        step.progress = Progress::kOver;
        return step;
      }
      if (line != "hello\n") continue;
      next_beat_ = now + seconds{1};
      Step step;
      step.progress = Progress::kComplete;
      step.verified = true;
      return greeted_ ? greeted_(*this, step) : step;
    }
    return {};
  }
  Step peer_closed(Instant) override { return Step::failed(Failure::kClosedEarly); }
  Step on_time(Instant now) override {
    if (now < next_beat_) return {};
    next_beat_ = now + seconds{1};
    return say("beat\n");
  }
  [[nodiscard]] Instant wake_at() const override { return next_beat_; }
  Step leave(Instant) override {
    next_beat_ = Instant::never();
    return say("bye\n");
  }
  Step acknowledged(std::uint64_t upto, Instant) override {
    acknowledged_ = std::max(acknowledged_, upto);
    return {};
  }
  void read(std::uint64_t offset, MutableBytes out) const override {
    if (offset < acknowledged_) seen_.read_again += acknowledged_ - offset;
    std::copy_n(said_.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
  }
  [[nodiscard]] Failure impatience() const override { return Failure::kExpectTimeout; }

  Step say(std::string_view line) {
    said_ += line;
    Step step;
    step.grown = line.size();
    return step;
  }
  int connections = 0;

 private:
  Seen& seen_;
  const Answer& greeted_;
  std::string said_;
  std::string heard_;
  std::uint64_t acknowledged_ = 0;
  Instant next_beat_ = Instant::never();
};

class Chats : public app::Role {
 public:
  Chats(Seen& seen, Chat::Answer greeted) : seen_(seen), greeted_(std::move(greeted)) {}
  [[nodiscard]] std::unique_ptr<app::Dialogue> make(const app::SessionFacts& facts) const override {
    seen_.seeds.insert(facts.seed);
    seen_.numbers.insert(facts.session);
    EXPECT_EQ(facts.own.v4().value & 0xffU, facts.host + 1);
    return std::make_unique<Chat>(seen_, greeted_);
  }

 private:
  Seen& seen_;
  Chat::Answer greeted_;
};

struct Scene {
  Seen seen;
  Site site;

  explicit Scene(std::uint32_t hosts = 10, Chat::Answer greeted = {}, std::uint16_t port = 7) : site{hosts} {
    site.add("chat", plan::TcpWorkload{}, port);
    site.role = std::make_shared<Chats>(seen, std::move(greeted));
  }
  plan::LoadPlan& load() { return site.plan.workloads[0].load; }
};

TEST(Dialogues, SayGoodbyeWhenAllHasCome) {
  Scene scene{10};
  scene.site.shards = 3;
  ASSERT_TRUE(scene.site.run());
  const WorkloadCounters c = scene.site.workload();
  EXPECT_EQ(c.sessions_succeeded, 10U);
  EXPECT_EQ(c.sessions_verified, 10U);
  EXPECT_EQ(c.connect.count(), 10U);
  EXPECT_EQ(c.first_byte.count(), 10U);
  EXPECT_EQ(c.bytes_tx, 100U) << "hello and bye";
  EXPECT_EQ(c.bytes_rx, 100U);
  EXPECT_EQ(scene.seen.goodbyes, 10);
  EXPECT_EQ(scene.seen.beats, 0);
  EXPECT_EQ(scene.seen.alive, 0);
  EXPECT_EQ(scene.seen.seeds.size(), 10U);
  EXPECT_EQ(scene.seen.numbers, (std::set<std::uint64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST(Dialogues, SpeakUnaskedWhileHeldAlsoWhenFramesAreLost) {
  Scene scene{20};
  scene.site.wire.loss = 0.05;
  scene.site.wire.duplicate = 0.02;
  scene.load().hold = milliseconds{5500};
  scene.load().timeout = seconds{100};
  ASSERT_TRUE(scene.site.run());
  EXPECT_EQ(scene.site.workload().sessions_succeeded, 20U);
  EXPECT_GE(scene.seen.beats, 20 * 4);
  EXPECT_GE(scene.seen.goodbyes, 15) << "the patience with a goodbye is short";
  EXPECT_EQ(scene.seen.read_again, 0U);
  EXPECT_EQ(scene.seen.alive, 0);
  EXPECT_EQ(scene.site.clients().station().frames_missing(), 0U);
}

TEST(Dialogues, FailForTheirOwnReasonAndAreTriedAgainWithOtherLuck) {
  Scene scene{5, [](Chat&, Step) { return Step::failed(Failure::kVerifyMismatch); }};
  scene.load().retries = 2;
  ASSERT_TRUE(scene.site.run());
  const WorkloadCounters c = scene.site.workload();
  EXPECT_EQ(failures(c, Failure::kVerifyMismatch), 5U);
  EXPECT_EQ(c.retries, 10U);
  EXPECT_EQ(scene.seen.made, 15);
  EXPECT_EQ(scene.seen.seeds.size(), 15U);
  EXPECT_EQ(scene.seen.alive, 0);
}

TEST(Dialogues, SayWhyTheyTakeSoLong) {
  Scene scene{5, {}, 9};  // discard never answers
  scene.load().timeout = seconds{2};
  ASSERT_TRUE(scene.site.run());
  EXPECT_EQ(failures(scene.site.workload(), Failure::kExpectTimeout), 5U);
  EXPECT_EQ(scene.seen.alive, 0);
}

TEST(Dialogues, GoOnOverAnotherConnection) {
  Scene scene{5, [](Chat& chat, Step step) {
                if (chat.connections < 3) step.progress = Progress::kReconnect;
                return step;
              }};
  ASSERT_TRUE(scene.site.run());
  EXPECT_EQ(scene.site.workload().sessions_succeeded, 5U);
  EXPECT_EQ(scene.site.workload().connect.count(), 5U) << "of the first connection of a session";
  EXPECT_EQ(scene.site.counters().services[1].sessions, 15U);
  EXPECT_EQ(scene.seen.begun, 15);
  EXPECT_EQ(scene.seen.made, 5);
  scene.site.run_for(seconds{120});
  EXPECT_EQ(scene.site.clients().stack().connections(), 0U);
}

TEST(Dialogues, HaveOnePatienceForAllTheirConnections) {
  Scene scene{5, [](Chat&, Step step) {
                step.progress = Progress::kReconnect;
                return step;
              }};
  scene.load().timeout = milliseconds{500};
  ASSERT_TRUE(scene.site.run(seconds{2}));
  EXPECT_EQ(failures(scene.site.workload(), Failure::kExpectTimeout) +
                failures(scene.site.workload(), Failure::kConnectTimeout),
            5U);
}

TEST(Dialogues, EndWithoutAWordOrByReset) {
  for (const bool reset : {false, true}) {
    Scene scene{5, [reset](Chat&, Step step) {
                  step.progress = Progress::kOver;
                  step.reset = reset;
                  return step;
                }};
    ASSERT_TRUE(scene.site.run());
    EXPECT_EQ(scene.site.workload().sessions_verified, 5U);
    EXPECT_EQ(scene.site.workload().tcp.resets_tx, reset ? 5U : 0U);
    EXPECT_EQ(scene.seen.goodbyes, 0);
    EXPECT_EQ(scene.seen.alive, 0);
  }
}

TEST(Dialogues, AreNotHeldOnceTheyHaveClosedTheirSide) {
  Scene scene{5, [](Chat&, Step step) {
                step.finish = true;
                return step;
              }};
  scene.load().hold = seconds{100};
  ASSERT_TRUE(scene.site.run(seconds{20}));
  EXPECT_EQ(scene.site.workload().sessions_succeeded, 5U);
}

TEST(Dialogues, HearThatThePeerHasClosed) {
  Scene scene{5, {}, 80};  // a web server, to which this is no request
  ASSERT_TRUE(scene.site.run());
  EXPECT_EQ(failures(scene.site.workload(), Failure::kClosedEarly), 5U);
  EXPECT_EQ(scene.seen.alive, 0);
}

TEST(Dialogues, AreGoneWhenEverythingIsAborted) {
  Scene scene{5};
  scene.load().hold = seconds{100};
  scene.site.run_for(seconds{10});
  EXPECT_EQ(scene.seen.alive, 5);
  scene.site.clients().sessions().abort_all();
  EXPECT_EQ(scene.seen.alive, 0);
  EXPECT_EQ(scene.site.workload().sessions_succeeded, 5U);
}

}  // namespace
}  // namespace myriad::engine
