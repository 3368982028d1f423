#include "tests/fuzz/connection_seeds.h"

#include <initializer_list>
#include <utility>

namespace myriad::fuzz {
namespace {

using tcp::State;

// Conversations: 0 and 1 are opened by the peer, 2 and 3 by us.
constexpr int kTheirs = 0;
constexpr int kOurs = 2;

// Flags of any segment.
constexpr std::uint8_t kFin = 0x01;
constexpr std::uint8_t kSyn = 0x02;
constexpr std::uint8_t kRst = 0x04;
constexpr std::uint8_t kAck = 0x10;

constexpr std::uint8_t kAckedBase = 1 << 3;  // the acknowledgement that the peer gave last

// Whatever comes after the connection is open.
using Tail = std::vector<std::pair<Step, std::vector<std::uint8_t>>>;

struct Story {
  const char* name;
  bool active;
  bool opens;  // through the handshake first
  Tail tail;
  State reaches;
};

// kSegment with all its operands: no offsets unless given, no data.
std::vector<std::uint8_t> segment(std::uint8_t flags, std::uint8_t bases, std::uint8_t options = 0,
                                  std::initializer_list<std::uint8_t> more = {}) {
  std::vector<std::uint8_t> operands{flags, bases, 0, 0, 0, 0, 0x40, 0, 0, 0, options};
  for (const std::uint8_t byte : more) operands.push_back(byte);
  return operands;
}
std::vector<std::uint8_t> segment_with_data(std::uint8_t flags, std::uint8_t bases, std::uint8_t bytes) {
  return {flags, bases, 0, 0, 0, 0, 0x40, 0, 0, bytes, 0};
}

std::vector<Story> opening() {
  return {
      {"syn_sent", true, false, {{Step::kConnect, {}}, {Step::kToDeadline, {}}}, State::kSynSent},
      {"syn_sent_times_out",
       true,
       false,
       {{Step::kConnect, {}}, {Step::kPassLongTime, {17}}, {Step::kPassLongTime, {17}}},
       State::kSynSent},
      {"refused", true, false, {{Step::kConnect, {}}, {Step::kPeerReset, {}}}, State::kSynSent},
      {"unreachable", true, false, {{Step::kConnect, {}}, {Step::kIcmpError, {0x30, 0, 0}}}, State::kSynSent},
      {"neighbour_is_silent",
       true,
       false,
       {{Step::kNeighbour, {1}}, {Step::kConnect, {}}, {Step::kPassLongTime, {13}}, {Step::kPassLongTime, {13}}},
       State::kSynSent},
      {"simultaneous",
       true,
       false,
       {{Step::kConnect, {}}, {Step::kPeerSyn, {}}, {Step::kPeerSynAck, {}}},
       State::kSynReceived},
      {"syn_again",
       false,
       false,
       {{Step::kPeerSyn, {}}, {Step::kPeerSyn, {}}, {Step::kPeerAck, {}}},
       State::kEstablished},
      {"syn_ack_again",
       false,
       false,
       {{Step::kPeerSyn, {}}, {Step::kToDeadline, {}}, {Step::kPeerAck, {}}},
       State::kEstablished},
      {"opens_with_data", false, false, {{Step::kPeerSyn, {}}, {Step::kPeerData, {20}}}, State::kEstablished},
      {"established_active", true, true, {}, State::kEstablished},
      {"established_passive", false, true, {}, State::kEstablished},
  };
}

std::vector<Story> closing() {
  return {
      {"fin_wait_1", true, true, {{Step::kFinish, {}}, {Step::kToDeadline, {}}}, State::kFinWait1},
      {"fin_wait_2", true, true, {{Step::kFinish, {}}, {Step::kPeerAck, {}}, {Step::kPeerData, {9}}}, State::kFinWait2},
      {"fin_wait_2_ends",
       true,
       true,
       {{Step::kFinish, {}}, {Step::kPeerAck, {}}, {Step::kPassLongTime, {19}}},
       State::kFinWait2},
      {"closing",
       true,
       true,
       {{Step::kFinish, {}}, {Step::kSegment, segment(kFin | kAck, kAckedBase)}, {Step::kPeerAck, {}}},
       State::kClosing},
      {"time_wait",
       true,
       true,
       {{Step::kFinish, {}}, {Step::kPeerFin, {}}, {Step::kPeerAgain, {1}}, {Step::kPassLongTime, {17}}},
       State::kTimeWait},
      {"time_wait_new_syn",
       false,
       true,
       {{Step::kFinish, {}}, {Step::kPeerFin, {}}, {Step::kForget, {}}, {Step::kPeerSyn, {}}, {Step::kPeerAck, {}}},
       State::kTimeWait},
      {"close_wait",
       false,
       true,
       {{Step::kPeerFin, {}}, {Step::kExtend, {4, 0}}, {Step::kPeerAck, {}}},
       State::kCloseWait},
      {"last_ack", false, true, {{Step::kPeerFin, {}}, {Step::kFinish, {}}, {Step::kPeerAck, {}}}, State::kLastAck},
      {"closed",
       false,
       true,
       {{Step::kPeerFin, {}}, {Step::kFinish, {}}, {Step::kPeerAck, {}}, {Step::kPeerAck, {}}},
       State::kFree},
      {"aborting", false, true, {{Step::kExtend, {8, 0}}, {Step::kAbort, {}}, {Step::kPeerAck, {}}}, State::kAborting},
      {"aborting_behind_a_full_batch",
       false,
       true,
       {{Step::kStall, {1}}, {Step::kExtend, {60, 0}}, {Step::kAbort, {}}},
       State::kAborting},
      {"reset", false, true, {{Step::kPeerData, {20}}, {Step::kPeerReset, {}}}, State::kFree},
  };
}

std::vector<Story> sending() {
  const std::vector<std::uint8_t> k8000{0x1f, 0x40};
  return {
      {"sends",
       true,
       true,
       {{Step::kExtend, k8000}, {Step::kPeerAckPart, {128}}, {Step::kPeerAck, {}}},
       State::kEstablished},
      {"duplicates",
       true,
       true,
       {{Step::kExtend, k8000},
        {Step::kPeerAckPart, {0}},
        {Step::kPeerAckPart, {0}},
        {Step::kPeerAckPart, {0}},
        {Step::kPeerAckPart, {100}},
        {Step::kPeerAck, {}}},
       State::kEstablished},
      {"sack",
       true,
       true,
       {{Step::kExtend, k8000},
        {Step::kPeerSack, {60, 60}},
        {Step::kPeerSack, {60, 120}},
        {Step::kPassTime, {30}},
        {Step::kPeerSack, {60, 190}},
        {Step::kPeerAckPart, {60}},
        {Step::kPeerAck, {}}},
       State::kEstablished},
      {"timeouts",
       true,
       true,
       {{Step::kExtend, k8000},
        {Step::kToDeadline, {}},
        {Step::kToDeadline, {}},
        {Step::kPassLongTime, {10}},
        {Step::kPeerAckPart, {40}},
        {Step::kPeerAck, {}}},
       State::kEstablished},
      {"transmit_timeout",
       true,
       true,
       {{Step::kExtend, k8000},
        {Step::kPassLongTime, {18}},
        {Step::kPassLongTime, {18}},
        {Step::kPassLongTime, {18}},
        {Step::kPassLongTime, {18}},
        {Step::kPassLongTime, {18}}},
       State::kEstablished},
      {"zero_window",
       true,
       true,
       {{Step::kPeerWindow, {0, 0}},
        {Step::kExtend, {0, 200}},
        {Step::kToDeadline, {}},
        {Step::kToDeadline, {}},
        {Step::kPeerAck, {}},
        {Step::kToDeadline, {}},
        {Step::kPeerWindow, {0x20, 0}},
        {Step::kPeerAck, {}}},
       State::kEstablished},
      {"window_shrinks",
       true,
       true,
       {{Step::kExtend, k8000}, {Step::kPeerWindow, {0, 10}}, {Step::kToDeadline, {}}, {Step::kPeerWindow, {0x20, 0}}},
       State::kEstablished},
      {"nagle",
       true,
       true,
       {{Step::kExtend, {0, 10}}, {Step::kExtend, {0, 10}}, {Step::kNodelay, {1}}, {Step::kExtend, {0, 10}}},
       State::kEstablished},
      {"too_big",
       true,
       true,
       {{Step::kExtend, k8000}, {Step::kTooBig, {2, 88, 0, 0}}, {Step::kTooBig, {0, 1, 0, 0}}, {Step::kPeerAck, {}}},
       State::kEstablished},
      {"errors",
       true,
       true,
       {{Step::kExtend, k8000},
        {Step::kIcmpError, {0x10, 0, 0}},
        {Step::kIcmpError, {0x31, 0, 1}},
        {Step::kIcmpError, {0x02, 0x7f, 0xff}}},
       State::kEstablished},
  };
}

std::vector<Story> receiving() {
  return {
      {"receives",
       false,
       true,
       {{Step::kPeerData, {100}}, {Step::kPeerData, {100}}, {Step::kPassTime, {50}}},
       State::kEstablished},
      {"hole",
       false,
       true,
       {{Step::kPeerAhead, {40, 40}},
        {Step::kPeerAhead, {100, 20}},
        {Step::kPeerAhead, {60, 50}},
        {Step::kPeerData, {60}},
        {Step::kPeerFills, {}},
        {Step::kPeerFills, {}}},
       State::kEstablished},
      {"again",
       false,
       true,
       {{Step::kPeerData, {100}}, {Step::kPeerAgain, {100}}, {Step::kPeerAgain, {255}}},
       State::kEstablished},
      {"held",
       false,
       true,
       {{Step::kHoldReceive, {255}}, {Step::kPeerData, {170}}, {Step::kPeerData, {170}}, {Step::kHoldReceive, {0}}},
       State::kEstablished},
      {"fin_ahead",
       false,
       true,
       {{Step::kSegment, {kFin | kAck, 0, 0, 80, 0, 0, 0x40, 0, 0, 20, 0}},
        {Step::kPeerData, {10}},
        {Step::kPeerFills, {}}},
       State::kCloseWait},
      {"fragments",
       false,
       true,
       {{Step::kFragmented, {0x05, kAck, 0, 0, 0, 0, 0, 0x40, 0, 0, 200, 0}},
        {Step::kFragmented, {0x08, kAck, 0, 0, 200, 0, 0, 0x40, 0, 0, 200, 0}}},
       State::kEstablished},
      {"bad_checksum", false, true, {{Step::kBadChecksum, segment_with_data(kAck, 0, 100)}}, State::kEstablished},
  };
}

std::vector<Story> attacks() {
  return {
      {"syn_in_window", false, true, {{Step::kSegment, segment(kSyn, 0)}, {Step::kPeerAck, {}}}, State::kEstablished},
      {"reset_in_window",
       false,
       true,
       {{Step::kSegment, {kRst, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0}}, {Step::kSegment, segment(kRst, 3)}},
       State::kEstablished},
      {"ack_of_unsent",
       false,
       true,
       {{Step::kSegment, {kAck, 0, 0, 0, 0x10, 0, 0x40, 0, 0, 0, 0}}, {Step::kSegment, segment(kAck, 3 << 3)}},
       State::kEstablished},
      {"old_timestamp",
       false,
       true,
       {{Step::kPassLongTime, {14}}, {Step::kPeerData, {9}}, {Step::kSegment, segment(kAck, 0, 0x02, {0x80})}},
       State::kEstablished},
      {"absurd_sack",
       true,
       true,
       {{Step::kExtend, {0x1f, 0x40}},
        {Step::kSegment,
         segment(kAck, kAckedBase, 0x20, {3, 0, 100, 0x7f, 0xff, 0xff, 0, 0x80, 0, 0, 50, 0xff, 0x9c})}},
       State::kEstablished},
      {"raw_options",
       false,
       true,
       {{Step::kSegment, segment(kAck, 0, 0x40, {3, 5, 200, 1, 2, 3, 4, 8, 0, 254, 1, 1, 1})}},
       State::kEstablished},
      {"peer_forgets",
       false,
       true,
       {{Step::kForget, {}}, {Step::kPeerSyn, {}}, {Step::kPeerReset, {}}, {Step::kPeerSyn, {}}, {Step::kPeerAck, {}}},
       State::kEstablished},
      {"beyond_the_window",
       false,
       true,
       {{Step::kSegment, segment_with_data(kAck, 2, 100)}, {Step::kSegment, segment_with_data(kAck, 6, 100)}},
       State::kEstablished},
      {"flood",
       false,
       false,
       {{Step::kPeerSyn, {}},
        {Step::kForget, {}},
        {Step::kPeerSyn, {}},
        {Step::kForget, {}},
        {Step::kPeerSyn, {}},
        {Step::kToDeadline, {}},
        {Step::kToDeadline, {}},
        {Step::kToDeadline, {}},
        {Step::kToDeadline, {}},
        {Step::kToDeadline, {}},
        {Step::kToDeadline, {}},
        {Step::kToDeadline, {}},
        {Step::kToDeadline, {}},
        {Step::kToDeadline, {}},
        {Step::kToDeadline, {}},
        {Step::kToDeadline, {}},
        {Step::kToDeadline, {}},
        {Step::kPeerSyn, {}},
        {Step::kPeerAck, {}}},
       State::kEstablished},
  };
}

struct Variant {
  const char* name;
  std::initializer_list<std::uint8_t> header;  // see Rig::read_header()
};

Seed write(const Story& story, const Variant& variant) {
  const int conversation = story.active ? kOurs : kTheirs;
  ProgramWriter writer{Bytes{variant.header.begin(), variant.header.size()}};
  if (story.opens && story.active) {
    writer.step(Step::kConnect, conversation).step(Step::kPeerSynAck, conversation);
  } else if (story.opens) {
    writer.step(Step::kPeerSyn, conversation).step(Step::kPeerAck, conversation);
  }
  for (const auto& [step, operands] : story.tail) writer.step(step, conversation, operands);
  return {std::string{story.name} + variant.name, writer.bytes(), story.reaches};
}

}  // namespace

std::vector<Seed> connection_seeds() {
  const Variant variants[] = {
      {"", {0, 3, 0, 0, 0, 0x0f, 2, 0, 0, 0, 0, 3}},
      {"_plain", {0x6e, 0, 1, 0, 0, 0x01, 0, 4, 1, 1, 3, 3}},
      {"_v6", {0x11, 7, 2, 0, 0x10, 0x0f, 9, 5, 1, 0, 2, 3}},
  };
  std::vector<Seed> seeds;
  for (const auto& stories : {opening(), closing(), sending(), receiving(), attacks()}) {
    for (const Story& story : stories) {
      for (const Variant& variant : variants) seeds.push_back(write(story, variant));
    }
  }
  return seeds;
}

}  // namespace myriad::fuzz
