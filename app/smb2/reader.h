// Messages out of a stream of bytes that comes in any pieces. What a message says is collected until it is whole; the
// data of a read is handed on as it comes, so that nobody ever holds a whole answer.
//
//   length ─▶ header ─▶ body                                          kMessage
//                   └─▶ the 16 fixed bytes of a successful read ─▶ …  kReadBegins, kReadBytes …, kReadEnds
//
// Refuses (kMalformed, for ever): frames that hold less than a header, headers that are none, messages that leave their
// frame, bodies over kMostBody, read data that leaves its message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "app/smb2/wire.h"
#include "base/bytes.h"

namespace myriad::app::smb2 {

class Reader {
 public:
  // Of a message other than a successful read: the longest is a list of names as long as we ask for.
  static constexpr std::size_t kMostBody = 65'536 + 1024;

  enum class Kind : std::uint8_t { kNothing, kMessage, kReadBegins, kReadBytes, kReadEnds, kMalformed };
  struct Piece {
    Kind kind = Kind::kNothing;
    Bytes bytes;  // kMessage: the body; kReadBegins: its fixed part; kReadBytes: what came. Valid until the next call
    bool data = false;  // kReadBytes: of the file; otherwise what lies around it
  };

  // Takes bytes off `data`, as many as the next piece needs. kNothing: all are taken.
  [[nodiscard]] Piece next(Bytes& data);

  // Of the message that the piece belongs to.
  [[nodiscard]] const Header& header() const { return header_; }
  [[nodiscard]] Bytes header_bytes() const { return head_; }
  [[nodiscard]] const ReadReply& read() const { return read_; }
  // Between two frames: nothing is half received.
  [[nodiscard]] bool idle() const { return at_ == At::kLength && have_ == 0; }

 private:
  enum class At : std::uint8_t { kLength, kHeader, kBody, kReadFixed, kReadRest, kMalformed };

  [[nodiscard]] Piece take_length(Bytes& data);
  [[nodiscard]] Piece take_header(Bytes& data);
  [[nodiscard]] Piece take_body(Bytes& data);
  [[nodiscard]] Piece take_read_fixed(Bytes& data);
  [[nodiscard]] Piece take_read_rest(Bytes& data);
  // Moves bytes into `into`, of which `have_` are filled; true when it is full.
  [[nodiscard]] bool fill(MutableBytes into, Bytes& data);
  void message_over();
  [[nodiscard]] Piece malformed() {
    at_ = At::kMalformed;
    return {Kind::kMalformed, {}, false};
  }

  At at_ = At::kLength;
  bool has_next_ = false;         // another message follows in the frame
  std::uint32_t have_ = 0;        // bytes of what is being collected
  std::uint32_t frame_left_ = 0;  // of the frame, behind this message
  std::uint32_t body_ = 0;        // of this message, in bytes
  std::uint32_t position_ = 0;    // within the message, while a read is streamed
  ReadReply read_;
  Header header_;
  std::array<std::uint8_t, kHeaderBytes> head_{};
  std::vector<std::uint8_t> collected_;  // of a body that came in pieces
};

}  // namespace myriad::app::smb2
