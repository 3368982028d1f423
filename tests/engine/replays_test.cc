// Replays on a virtual clock: when each frame of a capture is due, where loops, limits and durations end it, what
// lateness is, and how two sides that leave by two ports stay together. The reader is a thread: where tests wait for
// it, time stands still for what they assert.
#include "engine/replays.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "engine/replay_start.h"

namespace myriad::engine {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Instant kStart{1'000'000'000};
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kMilli = 1'000'000;

// A classic capture with nanoseconds, gone with the object.
class CaptureFile {
 public:
  struct Packet {
    std::int64_t ns = 0;
    std::vector<std::uint8_t> bytes;
  };

  explicit CaptureFile(const std::vector<Packet>& packets, std::size_t cut_off = 0) {
    std::vector<std::uint8_t> file;
    const auto put32 = [&](std::uint32_t value) {
      const auto* const at = reinterpret_cast<const std::uint8_t*>(&value);
      file.insert(file.end(), at, at + sizeof value);
    };
    for (const std::uint32_t word : {0xa1b23c4dU, 0x00040002U, 0U, 0U, 262144U, 1U}) put32(word);
    for (const Packet& packet : packets) {
      put32(static_cast<std::uint32_t>(packet.ns / kSecond));
      put32(static_cast<std::uint32_t>(packet.ns % kSecond));
      put32(static_cast<std::uint32_t>(packet.bytes.size()));
      put32(static_cast<std::uint32_t>(packet.bytes.size()));
      file.insert(file.end(), packet.bytes.begin(), packet.bytes.end());
    }
    file.resize(file.size() - cut_off);
    static int number = 0;
    path_ =
        testing::TempDir() + "replays_test_" + std::to_string(::getpid()) + "_" + std::to_string(number++) + ".pcap";
    std::FILE* const out = std::fopen(path_.c_str(), "wbe");
    EXPECT_EQ(std::fwrite(file.data(), 1, file.size(), out), file.size());
    std::fclose(out);
  }
  CaptureFile(const CaptureFile&) = delete;
  CaptureFile& operator=(const CaptureFile&) = delete;
  ~CaptureFile() { std::remove(path_.c_str()); }

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// An IPv4 packet between two hosts of a network, with `number` in the frame's last byte.
CaptureFile::Packet packet(std::int64_t ns, std::uint8_t from = 1, std::uint8_t to = 2, std::uint8_t number = 0,
                           std::size_t bytes = 60) {
  std::vector<std::uint8_t> frame(bytes, 0);
  MacAddress::from_number(0x020000000000U + to).store(frame.data());
  MacAddress::from_number(0x020000000000U + from).store(frame.data() + 6);
  store_be16(frame.data() + 12, 0x0800);
  frame[14] = 0x45;
  store_be16(frame.data() + 16, static_cast<std::uint16_t>(bytes - 14));
  frame[23] = 253;  // for experiments
  store_be32(frame.data() + 26, 0x0a000000U + from);
  store_be32(frame.data() + 30, 0x0a000000U + to);
  frame.back() = number;
  return {ns, std::move(frame)};
}

std::vector<CaptureFile::Packet> packets_at(const std::vector<std::int64_t>& times) {
  std::vector<CaptureFile::Packet> packets;
  for (std::size_t i = 0; i < times.size(); ++i)
    packets.push_back(packet(times[i], 1, 2, static_cast<std::uint8_t>(i + 1)));
  return packets;
}

ReplayPlace place_of(const CaptureFile& file, plan::ReplaySpeedKind kind = plan::ReplaySpeedKind::kCaptured,
                     double per_second = 0) {
  ReplayPlace place;
  place.plan.pcap = file.path();
  place.plan.speed.kind = kind;
  place.plan.speed.per_second = per_second;
  return place;
}

// All that the reader makes of a capture.
struct Made {
  std::vector<std::int64_t> due;
  std::vector<std::uint32_t> numbers;  // the last byte of each frame
  std::uint64_t records = 0, loops = 0, skipped = 0, blocks = 0;
  std::string trouble;
};
Made read_all(const ReplayPlace& place) {
  ReplaySource source(place);
  ReplayBlock block;
  Made made;
  do {
    source.fill(block, [] { return false; });
    ++made.blocks;
    for (const ReplayBlock::Frame& frame : block.frames) {
      made.due.push_back(frame.due_ns);
      made.numbers.push_back(block.bytes[frame.at + frame.length - 1]);
    }
    made.records += block.records;
    made.loops += block.loops;
    for (const std::uint64_t skipped : block.skipped) made.skipped += skipped;
    made.trouble = block.trouble;
  } while (!block.last);
  return made;
}

// --- when frames are due ---

TEST(ReplaySchedule, AsCapturedKeepsEveryGap) {
  const CaptureFile file(packets_at({5 * kSecond, 5 * kSecond + 1, 5 * kSecond + 700, 9 * kSecond}));
  EXPECT_THAT(read_all(place_of(file)).due, ElementsAre(0, 1, 700, 4 * kSecond));
}

TEST(ReplaySchedule, AMultiplierDividesTheGaps) {
  const CaptureFile file(packets_at({0, 1000, 4000, 10 * kSecond}));
  ReplayPlace place = place_of(file);
  place.plan.speed.multiplier = 4;
  EXPECT_THAT(read_all(place).due, ElementsAre(0, 250, 1000, 10 * kSecond / 4));
  place.plan.speed.multiplier = 0.5;
  EXPECT_THAT(read_all(place).due, ElementsAre(0, 2000, 8000, 20 * kSecond));
}

TEST(ReplaySchedule, FramesPerSecondAreExactAfterMillionsOfThem) {
  ReplaySchedule schedule({plan::ReplaySpeedKind::kFrames, 1, 33'333, 4});
  std::int64_t due = 0;
  for (int i = 0; i <= 3'333'300; ++i) {
    schedule.captured(std::int64_t{i} * 12345);
    due = schedule.next(static_cast<std::uint32_t>(60 + i % 1000));
  }
  EXPECT_EQ(due, 100 * kSecond);
}

TEST(ReplaySchedule, BitsPerSecondCountWhatTheLayerCounts) {
  for (const std::uint32_t overhead : {4U, 24U}) {
    ReplaySchedule schedule({plan::ReplaySpeedKind::kBits, 1, 8e6, overhead});  // a byte each microsecond
    EXPECT_EQ(schedule.next(60), 0);
    EXPECT_EQ(schedule.next(1514), (60 + overhead) * 1000);
    EXPECT_EQ(schedule.next(60), (60 + 1514 + 2 * overhead) * 1000);
  }
}

TEST(ReplaySchedule, AsFastAsPossibleKnowsNoTime) {
  const CaptureFile file(packets_at({0, kSecond, 7 * kSecond}));
  EXPECT_THAT(read_all(place_of(file, plan::ReplaySpeedKind::kMax)).due, ElementsAre(0, 0, 0));
}

TEST(ReplaySchedule, AClockThatWentBackMakesNoGap) {
  const CaptureFile file(packets_at({10 * kSecond, 20 * kSecond, 5 * kSecond, 8 * kSecond}));
  EXPECT_THAT(read_all(place_of(file)).due, ElementsAre(0, 10 * kSecond, 10 * kSecond, 13 * kSecond));
}

TEST(ReplaySchedule, WhatHasNoTimeGoesWithTheOneBefore) {
  ReplaySchedule schedule({});
  const auto due = [&](std::optional<std::int64_t> captured) {
    schedule.captured(captured);
    return schedule.next(60);
  };
  EXPECT_EQ(due(std::nullopt), 0);
  EXPECT_EQ(due(500), 0);
  EXPECT_EQ(due(700), 200);
  EXPECT_EQ(due(std::nullopt), 200);
  EXPECT_EQ(due(900), 400);
}

TEST(ReplaySchedule, TimesThatNoClockHasDoNotOverflow) {
  for (const double multiplier : {1.0, 0.001, 1000.0}) {
    ReplaySchedule schedule({plan::ReplaySpeedKind::kCaptured, multiplier, 0, 4});
    std::int64_t before = 0;
    for (int i = 0; i < 5; ++i) {
      schedule.captured(INT64_MIN);
      schedule.captured(INT64_MAX);
      const std::int64_t due = schedule.next(60);
      EXPECT_GE(due, before);
      EXPECT_LT(due, Instant::never().ns - kStart.ns);
      before = due;
    }
  }
}

TEST(ReplaySchedule, LoopsFollowAtOnce) {
  const CaptureFile file(packets_at({kSecond, kSecond + 100}));
  ReplayPlace place = place_of(file);
  place.plan.loops = 3;
  const Made made = read_all(place);
  EXPECT_THAT(made.due, ElementsAre(0, 100, 100, 200, 200, 300));
  EXPECT_EQ(made.loops, 3U);
  EXPECT_EQ(made.records, 6U);
  place = place_of(file, plan::ReplaySpeedKind::kFrames, 1000);
  place.plan.loops = 2;
  EXPECT_THAT(read_all(place).due, ElementsAre(0, kMilli, 2 * kMilli, 3 * kMilli));
}

// --- what ends it ---

TEST(ReplaySource, ALimitCountsFramesOverAllLoops) {
  const CaptureFile file(packets_at({0, 1, 2}));
  ReplayPlace place = place_of(file);
  place.plan.loops.reset();
  place.plan.limit = 7;
  const Made made = read_all(place);
  EXPECT_THAT(made.numbers, ElementsAre(1, 2, 3, 1, 2, 3, 1));
  EXPECT_EQ(made.loops, 2U);
}

TEST(ReplaySource, WhatIsLeftOutCountsForNoLimitButForTime) {
  auto packets = packets_at({0, 100, 300, 600});
  packets[1].bytes.resize(5);  // a runt
  const CaptureFile file(packets);
  ReplayPlace place = place_of(file);
  place.plan.limit = 3;
  const Made made = read_all(place);
  EXPECT_THAT(made.due, ElementsAre(0, 300, 600));
  EXPECT_EQ(made.skipped, 1U);
  EXPECT_EQ(made.records, 4U);
}

TEST(ReplaySource, ACaptureOfWhichNothingCanBeSentEndsThoughItLoopsForEver) {
  auto packets = packets_at({0, 1});
  for (auto& p : packets) p.bytes.resize(13);
  const CaptureFile file(packets);
  ReplayPlace place = place_of(file, plan::ReplaySpeedKind::kMax);
  place.plan.loops.reset();
  const Made made = read_all(place);
  EXPECT_THAT(made.due, IsEmpty());
  EXPECT_EQ(made.loops, 1U);
  EXPECT_EQ(made.skipped, 2U);
}

TEST(ReplaySource, WhatComesBeforeTheDamageIsMade) {
  const CaptureFile file(packets_at({0, 1, 2}), 30);
  ReplayPlace place = place_of(file);
  place.plan.loops = 9;
  const Made made = read_all(place);
  EXPECT_THAT(made.numbers, ElementsAre(1, 2));
  EXPECT_EQ(made.loops, 0U);
  EXPECT_THAT(made.trouble, HasSubstr("at byte " + std::to_string(24 + 2 * (16 + 60))));
}

TEST(ReplaySource, AFileThatIsGoneIsTold) {
  ReplayPlace place;
  place.plan.pcap = testing::TempDir() + "is_not_there.pcap";
  EXPECT_THAT(read_all(place).trouble, HasSubstr("is_not_there.pcap"));
}

TEST(ReplaySource, ManyBlocksAreOneSequence) {
  std::vector<CaptureFile::Packet> packets;
  for (int i = 0; i < 3000; ++i)
    packets.push_back(packet(i * 1000, 1, 2, static_cast<std::uint8_t>(i), i % 7 == 0 ? 1514 : 60));
  const CaptureFile file(packets);
  ReplayPlace place = place_of(file);
  place.plan.loops = 2;
  const Made made = read_all(place);
  EXPECT_GT(made.blocks, 6000 / ReplayBlock::kFrames);
  ASSERT_EQ(made.due.size(), 6000U);
  for (std::size_t i = 0; i < 6000; ++i) {
    ASSERT_EQ(made.due[i], static_cast<std::int64_t>(i < 3000 ? i : i - 1) * 1000);
    ASSERT_EQ(made.numbers[i], (i % 3000) & 0xff);
  }
}

// --- a shard's replays ---

// A shard's replays with frames to send, but no port: what is sent is kept, with its time.
class Part {
 public:
  static constexpr std::uint32_t kFrames = 256;
  static constexpr std::uint32_t kRoom = 128;

  explicit Part(std::vector<ReplayPlace> places)
      : places_(numbered(std::move(places))),
        memory_(std::size_t{kFrames} * 2048),
        area_{memory_.data(), 2048, kFrames, 1},
        pool_(area_, 0),
        batch_(area_, kRoom),
        replays_(places_, 0, 1) {}
  explicit Part(const ReplayPlace& place) : Part(std::vector{place}) {}

  struct Sent {
    Instant at;
    std::uint32_t number;  // the frame's last byte
    friend bool operator==(const Sent&, const Sent&) = default;
  };

  void turn(Instant now, std::uint32_t keep = 0) {
    batch_.reserve(pool_);
    replays_.emit(now, batch_, keep);
    for (const TxFrame& frame : batch_.committed()) {
      sent_.push_back({now, batch_.bytes(frame).back()});
      pool_.give(frame.frame);
    }
    batch_.consume(batch_.committed_count());
  }
  // Turns until the reader has something to begin with; returns when that was.
  Instant begin(Instant now = kStart, std::size_t replay = 0, std::uint32_t keep = 0) {
    while (counters(replay).begun_ns == INT64_MAX) {
      turn(now, keep);
      std::this_thread::yield();
      if (counters(replay).begun_ns == INT64_MAX) now = now + Replays::kLookAgain;
    }
    return now;
  }
  // A turn whenever something is due, until all is over.
  void run() {
    while (!replays_.finished()) {
      turn(replays_.next_deadline());
      std::this_thread::yield();
    }
  }
  [[nodiscard]] ReplayCounters counters(std::size_t replay = 0) const {
    std::vector<ReplayCounters> all;
    replays_.write_counters(all);
    return all[replay];
  }
  [[nodiscard]] std::vector<std::uint32_t> numbers() const {
    std::vector<std::uint32_t> numbers;
    for (const Sent& sent : sent_) numbers.push_back(sent.number);
    return numbers;
  }
  [[nodiscard]] const std::vector<Sent>& sent() const { return sent_; }
  [[nodiscard]] Replays& replays() { return replays_; }

 private:
  static std::vector<ReplayPlace> numbered(std::vector<ReplayPlace> places) {
    for (std::size_t i = 0; i < places.size(); ++i) places[i].index = i;
    return places;
  }

  std::vector<ReplayPlace> places_;
  std::vector<std::uint8_t> memory_;
  FrameArea area_;
  FramePool pool_;
  TxBatch batch_;
  Replays replays_;
  std::vector<Sent> sent_;
};

TEST(Replays, SendWhatIsDueAndNothingBefore) {
  const CaptureFile file(packets_at({0, kMilli, kMilli, 3 * kMilli}));
  Part part(place_of(file));
  const Instant begun = part.begin();
  EXPECT_THAT(part.numbers(), ElementsAre(1));
  EXPECT_EQ(part.replays().next_deadline(), begun + milliseconds{1});
  part.turn(begun + Duration{kMilli - 1});
  EXPECT_THAT(part.numbers(), ElementsAre(1));
  part.turn(begun + milliseconds{1});
  EXPECT_THAT(part.numbers(), ElementsAre(1, 2, 3));
  EXPECT_FALSE(part.replays().finished());
  part.turn(begun + milliseconds{3});
  EXPECT_THAT(part.numbers(), ElementsAre(1, 2, 3, 4));
  EXPECT_TRUE(part.replays().finished());
  const ReplayCounters counters = part.counters();
  EXPECT_EQ(counters.frames_tx, 4U);
  EXPECT_EQ(counters.bytes_tx, 240U);
  EXPECT_EQ(counters.frames_read, 4U);
  EXPECT_EQ(counters.begun_ns, begun.ns);
  EXPECT_EQ(counters.ended_ns, (begun + milliseconds{3}).ns);
  EXPECT_LE(counters.lateness.max(), 1U);
  EXPECT_EQ(counters.lateness.count(), 4U);
}

TEST(Replays, SayHowLateFramesWere) {
  const CaptureFile file(packets_at({0, kMilli, 2 * kMilli, 40 * kMilli}));
  Part part(place_of(file));
  const Instant begun = part.begin();
  part.turn(begun + milliseconds{21});  // by 20 and by 19 ms
  part.turn(begun + milliseconds{40} + Replays::kLate);
  const ReplayCounters counters = part.counters();
  EXPECT_EQ(counters.frames_tx, 4U);
  EXPECT_EQ(counters.frames_late, 2U) << "as late as that is not too late";
  EXPECT_GE(counters.lateness.max(), 20'000'000U);
  EXPECT_LE(counters.lateness.max(), 20'200'000U);
}

TEST(Replays, CatchUpAfterTheyWereLate) {
  const CaptureFile file(packets_at({0, kMilli, 2 * kMilli, 3 * kMilli, 50 * kMilli}));
  Part part(place_of(file));
  const Instant begun = part.begin();
  part.turn(begun + milliseconds{30});
  EXPECT_THAT(part.numbers(), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(part.replays().next_deadline(), begun + milliseconds{50}) << "the schedule has not moved";
}

TEST(Replays, EndWithTheirDuration) {
  const CaptureFile file(packets_at({0, kMilli, 2 * kMilli}));
  ReplayPlace place = place_of(file);
  place.plan.loops.reset();
  place.plan.duration = microseconds{4500};
  Part part(place);
  part.run();
  EXPECT_THAT(part.numbers(), ElementsAre(1, 2, 3, 1, 2, 3, 1)) << "at 0, 1, 2, 2, 3, 4 and 4 ms";
}

TEST(Replays, EndWithTheirDurationWhenTheyGoAsFastAsTheyCan) {
  const CaptureFile file(packets_at({0, kMilli, 2 * kMilli}));
  ReplayPlace place = place_of(file, plan::ReplaySpeedKind::kMax);
  place.plan.loops.reset();
  place.plan.duration = milliseconds{1};
  Part part(place);
  const Instant begun = part.begin();
  EXPECT_EQ(part.sent().size(), Part::kRoom);
  part.turn(begun + Duration{kMilli - 1});
  EXPECT_EQ(part.sent().size(), 2 * Part::kRoom);
  part.turn(begun + milliseconds{1} + Replays::kLookAgain);
  EXPECT_EQ(part.sent().size(), 2 * Part::kRoom);
  EXPECT_TRUE(part.replays().finished());
}

TEST(Replays, LeaveTheRoomThatAnswersNeed) {
  const CaptureFile file(packets_at(std::vector<std::int64_t>(300, 0)));
  Part part(place_of(file));
  const Instant begun = part.begin(kStart, 0, 28);
  EXPECT_EQ(part.sent().size(), 100U);
  part.turn(begun, 28);
  EXPECT_EQ(part.sent().size(), 100U) << "looks again a little later";
  part.turn(begun + Replays::kLookAgain, 28);
  EXPECT_EQ(part.sent().size(), 200U);
}

TEST(Replays, TakeTurnsWhenAllGoAsFastAsTheyCan) {
  const CaptureFile one(packets_at({0})), two(packets_at({0, 0}));
  ReplayPlace a = place_of(one, plan::ReplaySpeedKind::kMax), b = place_of(two, plan::ReplaySpeedKind::kMax);
  a.plan.loops.reset();
  b.plan.loops.reset();
  Part part({a, b});
  Instant now = part.begin(part.begin(), 1);
  for (int turn = 0; turn < 10; ++turn) {
    now = now + Replays::kLookAgain;
    part.turn(now);
  }
  EXPECT_GE(part.counters(0).frames_tx, Part::kRoom);
  EXPECT_GE(part.counters(1).frames_tx, Part::kRoom);
}

TEST(Replays, AreOverOnceTheyWereStopped) {
  const CaptureFile file(packets_at({0, kMilli}));
  Part part(place_of(file));
  const Instant begun = part.begin();
  part.replays().stop();
  EXPECT_TRUE(part.replays().finished());
  EXPECT_TRUE(part.replays().next_deadline().is_never());
  part.turn(begun + seconds{1});
  EXPECT_THAT(part.numbers(), ElementsAre(1));
  EXPECT_EQ(part.counters().ended_ns, begun.ns);
}

TEST(Replays, BelongToOneShardEach) {
  const CaptureFile file(packets_at({0}));
  std::vector<ReplayPlace> places(5, place_of(file));
  for (std::size_t i = 0; i < places.size(); ++i) places[i].index = i;
  const auto count = [&](std::uint32_t shard) {
    std::vector<ReplayCounters> counters;
    const Replays replays(places, shard, 2);
    replays.write_counters(counters);
    return counters.size();
  };
  EXPECT_EQ(count(0), 5U) << "the last one is number 4";
  EXPECT_EQ(count(1), 4U);
}

// --- two sides ---

// Client 1 and server 2, in turn.
std::vector<CaptureFile::Packet> dialogue(std::size_t count) {
  std::vector<CaptureFile::Packet> packets;
  for (std::size_t i = 0; i < count; ++i) {
    const bool asks = i % 2 == 0;
    packets.push_back(
        packet(static_cast<std::int64_t>(i) * 777'777, asks ? 1 : 2, asks ? 2 : 1, static_cast<std::uint8_t>(i)));
  }
  return packets;
}

ReplayPlace side(const CaptureFile& file, craft::Role role, ReplayStart& start) {
  ReplayPlace place = place_of(file);
  place.rewriting.tell_roles = true;
  place.only = role;
  place.together = &start;
  return place;
}

TEST(ReplaySides, BeginTogetherHoweverLongEitherTakes) {
  const CaptureFile file(dialogue(2));
  for (const bool client_first : {true, false}) {
    ReplayStart start;
    Part client(side(file, craft::Role::kAsks, start)), server(side(file, craft::Role::kAnswers, start));
    Part& early = client_first ? client : server;
    Part& late = client_first ? server : client;
    Instant now = kStart;
    // However often one side looks, it does not begin alone.
    for (int i = 0; i < 1000; ++i, now = now + Replays::kLookAgain) {
      early.turn(now);
      std::this_thread::yield();
    }
    EXPECT_THAT(early.sent(), IsEmpty());
    EXPECT_FALSE(start.begun().has_value());
    // In the end both are ready, whichever reader was slower.
    while (!start.begun()) {
      early.turn(now);
      late.turn(now);
      std::this_thread::yield();
      now = now + Replays::kLookAgain;
    }
    const Instant begun = *start.begun();
    EXPECT_GT(begun, now - Replays::kLookAgain) << "time for the other side to hear of it";
    for (Part* const part : {&client, &server}) {
      part->turn(begun - Duration{1});
      EXPECT_THAT(part->sent(), IsEmpty());
      part->run();
    }
    EXPECT_THAT(client.sent(), ElementsAre(Part::Sent{begun, 0}));
    EXPECT_THAT(server.sent(), ElementsAre(Part::Sent{begun + Duration{777'777}, 1}));
    EXPECT_EQ(client.counters().begun_ns, server.counters().begun_ns);
  }
}

TEST(ReplaySides, NeverDriftApart) {
  // Enough for many blocks of either side, and three loops.
  constexpr std::size_t kCount = 4000;
  const CaptureFile file(dialogue(kCount));
  ReplayStart start;
  ReplayPlace places[2] = {side(file, craft::Role::kAsks, start), side(file, craft::Role::kAnswers, start)};
  std::vector<std::int64_t> due[2];
  for (int role = 0; role < 2; ++role) {
    places[role].plan.loops = 3;
    places[role].plan.speed.multiplier = 3;
    due[role] = read_all(places[role]).due;
  }
  ReplayPlace whole = place_of(file);
  whole.plan.loops = 3;
  whole.plan.speed.multiplier = 3;
  const std::vector<std::int64_t> all = read_all(whole).due;
  std::vector<std::int64_t> merged;
  for (std::size_t i = 0; i < due[0].size() && i < due[1].size(); ++i) {
    merged.push_back(due[0][i]);
    merged.push_back(due[1][i]);
  }
  EXPECT_EQ(all.size(), 3 * kCount);
  EXPECT_THAT(merged, ElementsAreArray(all));
}

TEST(ReplaySides, WhatIsReadIsCountedOnce) {
  const CaptureFile file(dialogue(9));
  ReplayStart start;
  Part client(side(file, craft::Role::kAsks, start)), server(side(file, craft::Role::kAnswers, start));
  Instant now = kStart;
  while (!client.replays().finished() || !server.replays().finished()) {
    client.turn(now);
    server.turn(now);
    std::this_thread::yield();
    now = now + Replays::kLookAgain;
  }
  ReplayCounters both = client.counters();
  both.merge(server.counters());
  EXPECT_EQ(both.frames_read, 9U);
  EXPECT_EQ(both.frames_tx, 9U);
  EXPECT_EQ(both.loops, 1U);
  EXPECT_THAT(client.numbers(), ElementsAre(0, 2, 4, 6, 8));
  EXPECT_THAT(server.numbers(), ElementsAre(1, 3, 5, 7));
}

}  // namespace
}  // namespace myriad::engine
