// The header section of an HTTP/1.x message, read byte by byte wherever it is split, without keeping any of it: the few
// fields that decide how a message is framed are recognised while they pass. One state machine for both sides, so that
// client and server agree about every odd spelling (RFC 9112 section 5; obs-fold is taken as white space).
//
// Refuses: more than kMaxBytes, a line without a colon, white space before the colon, contradicting or non-numeric
// Content-Length, any transfer coding but `chunked`, Content-Length together with Transfer-Encoding (RFC 9112 6.1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace myriad::app {

class HttpFields {
 public:
  static constexpr std::uint32_t kMaxBytes = 16 * 1024;  // what common servers take; a real header has a few hundred

  enum class Outcome : std::uint8_t { kMore, kEnd, kMalformed, kTooLarge };

  // Takes from the front of `data` what belongs to the header section, up to and with the empty line. The value of
  // Location is put into `location`, if that is given: the last one, without the blanks around it.
  Outcome take(Bytes& data, std::string* location = nullptr);
  // Counts bytes that precede the fields (start line) against the bound. False: too large.
  [[nodiscard]] bool count_start_line(std::size_t bytes) {
    size_ += static_cast<std::uint32_t>(bytes);
    return size_ <= kMaxBytes;
  }

  // Whether bytes have been taken or counted since the start.
  [[nodiscard]] bool begun() const { return size_ != 0; }
  [[nodiscard]] bool has_length() const { return has_length_; }
  [[nodiscard]] std::uint64_t length() const { return length_; }
  [[nodiscard]] bool chunked() const { return chunked_; }
  [[nodiscard]] bool close() const { return close_; }
  [[nodiscard]] bool keep_alive() const { return keep_alive_; }
  [[nodiscard]] unsigned hosts() const { return hosts_; }  // Host fields seen, 0, 1 or 2 for more

  // For the next message. `keep_size`: its bytes go on counting (interim responses).
  void restart(bool keep_size) {
    const std::uint32_t size = keep_size ? size_ : 0;
    *this = HttpFields{};
    size_ = size;
  }

 private:
  enum class At : std::uint8_t {
    kLineStart,
    kName,
    kSkip,
    kLength,
    kCoding,
    kConnection,
    kHost,
    kLocation,
    kFinalLf,
    kEnd,
    kBad
  };
  enum class Part : std::uint8_t { kLeading, kInside, kTrailing, kCr };

  void line_start(std::uint8_t c, std::string* location);
  std::size_t skip_name(Bytes line);
  void name(std::uint8_t c, std::string* location);
  void length_value(std::uint8_t c);
  void coding_value(std::uint8_t c);
  void connection_value(std::uint8_t c);
  void host_value(std::uint8_t c);
  void location_value(std::uint8_t c, std::string& location);
  bool settle();      // the field that just ended, once it is clear that no fold follows
  void end_option();  // one word of Connection
  void bad() { at_ = At::kBad; }

  std::uint64_t length_ = 0;
  std::uint64_t number_ = 0;  // Content-Length while it is read
  std::uint32_t size_ = 0;
  At at_ = At::kLineStart;
  At field_ = At::kLineStart;  // whose value the current line is; kLineStart: none yet
  Part part_ = Part::kLeading;
  std::uint8_t position_ = 0;    // in the name or word being compared
  std::uint8_t candidates_ = 0;  // names or words that still fit, one bit each
  std::uint8_t hosts_ : 2 = 0;
  bool has_length_ : 1 = false;
  bool chunked_ : 1 = false;
  bool close_ : 1 = false;
  bool keep_alive_ : 1 = false;
};

// RFC 9110 section 5.6.2.
[[nodiscard]] bool is_token(std::uint8_t c);

[[nodiscard]] constexpr std::uint8_t to_lower(std::uint8_t c) {
  return c >= 'A' && c <= 'Z' ? static_cast<std::uint8_t>(c + ('a' - 'A')) : c;
}

}  // namespace myriad::app
