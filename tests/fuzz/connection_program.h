// The language of connection_fuzz: an input is a header that says how our host and its peer behave, and then steps,
// one after the other, until the bytes end. Every byte string is a program.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"

namespace myriad::fuzz {

// A step's first byte: the kind in the low five bits; bit 5 and 6 choose one of four conversations.
enum class Step : std::uint8_t {
  kPassTime,      // u8: milliseconds
  kPassLongTime,  // u8: 2^(n % 26) ms, up to nine hours
  kToDeadline,    // to whatever our stack waits for
  kConnect,       // we open (conversations 2 and 3)
  kPeerSyn,       // the peer's SYN, as it was agreed in the header
  kPeerSynAck,    // likewise, with an acknowledgement of all we sent
  kPeerAck,       // acknowledges all we sent
  kPeerData,      // u8 * 8 bytes in order
  kPeerFin,       // in order
  kPeerReset,     // in order
  kPeerAgain,     // u8: data that came before, from that many bytes back
  kPeerAhead,     // u8 gap, u8 length, each * 8: data beyond a hole
  kPeerFills,     // all that was sent ahead and has not been acknowledged
  kPeerAckPart,   // u8: acknowledges n / 256 of what is out
  kPeerSack,      // u8 from, u8 length in 1 / 256 of what is out: a duplicate acknowledgement with a SACK block
  kPeerWindow,    // u16: acknowledges all, with that window
  kSegment,       // anything: see Rig::any_segment()
  kFragmented,    // as kSegment, in two fragments; first a byte that says where it is cut and in which order
  kBadChecksum,   // as kSegment, with a checksum that is wrong
  kExtend,        // u16: we have that many more bytes to send
  kFinish,        // we close
  kAbort,         // we reset
  kHoldReceive,   // u8 * 1024 bytes stay unread
  kNodelay,       // u8: Nagle off or on
  kIcmpError,     // u8 type and code, u16 sequence number from our first unacknowledged byte
  kTooBig,        // u16 MTU, u16 sequence number likewise
  kStall,         // u8: odd: the wire takes no frames, so that the batch fills up; even: it does again
  kNeighbour,     // u8: whether the peer answers questions for its MAC address
  kForget,        // the peer forgets the conversation and takes another initial sequence number
  kCount,
};

// The header's twelve bytes are: switches (1 IPv6, 2 no timestamps, 4 no SACK, 8 no RACK-TLP, 16 CUBIC, 32 no Nagle,
// 64 no window scaling, 128 a silent neighbour); window scale; receive window and << 4 MSS; initial window, 0 = 10;
// delayed ACK and 16 keep-alive; what the peer's SYN offers (1 MSS, 2 window scale, 4 SACK, 8 timestamps); its scale;
// its MSS; its window; manners of the application (1 extends, 2 finishes, 4 aborts); the peer's initial sequence
// number; bounds of half-open connections and << 4 of reassembly. What names a choice is an index into these.
inline constexpr std::size_t kProgramHeader = 12;
inline constexpr std::uint32_t kReceiveWindows[] = {256 * 1024, 65535, 8192, 3000, 536, 1, 1U << 20};
inline constexpr std::uint16_t kSegmentSizes[] = {0, 88, 536, 1000};
inline constexpr Duration kDelays[] = {std::chrono::milliseconds{40}, Duration{}, std::chrono::milliseconds{200}};
inline constexpr std::uint16_t kPeerSegmentSizes[] = {1460, 0, 1, 88, 536, 1000, 9000, 65535};
inline constexpr std::uint16_t kPeerWindows[] = {65535, 8192, 1000, 100, 1, 0};
inline constexpr std::uint32_t kPeerIsns[] = {1000, 0, 0x7fffff00, 0xffffff00};
inline constexpr std::uint32_t kBlocks[] = {64, 1, 4};

inline constexpr int kConversations = 4;

// Reads a program. Behind its end there are zeros.
class ProgramReader {
 public:
  explicit ProgramReader(Bytes program) : program_(program) {}
  [[nodiscard]] bool at_end() const { return at_ >= program_.size(); }
  std::uint8_t u8() { return at_end() ? 0 : program_[at_++]; }
  std::uint16_t u16() {
    const unsigned high = u8();
    return static_cast<std::uint16_t>(high << 8 | u8());
  }
  std::uint32_t u32() {
    const std::uint32_t high = u16();
    return high << 16 | u16();
  }

 private:
  Bytes program_;
  std::size_t at_ = 0;
};

// Writes one, for seeds.
class ProgramWriter {
 public:
  explicit ProgramWriter(Bytes header) : bytes_(header.begin(), header.end()) { bytes_.resize(kProgramHeader); }
  ProgramWriter& step(Step step, int conversation, const std::vector<std::uint8_t>& operands = {}) {
    bytes_.push_back(static_cast<std::uint8_t>(static_cast<unsigned>(step) | static_cast<unsigned>(conversation) << 5));
    bytes_.insert(bytes_.end(), operands.begin(), operands.end());
    return *this;
  }
  [[nodiscard]] const std::vector<std::uint8_t>& bytes() const { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;
};

}  // namespace myriad::fuzz
