// The language of connection_fuzz: an input is a header that says how our host and its peer behave, and then steps,
// one after the other, until the bytes end. Every byte string is a program.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "base/bytes.h"

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

inline constexpr std::size_t kProgramHeader = 12;
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
  explicit ProgramWriter(std::initializer_list<std::uint8_t> header) : bytes_(header) { bytes_.resize(kProgramHeader); }
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
