// SMB2 messages ([MS-SMB2] 2.2), as far as a client that reads, writes and lists needs them. Requests are written into
// a Frame; what comes back is checked once and then a plain value. Everything is little-endian but for the four bytes
// in front of a frame ([MS-SMB2] 2.1).
//
// Parsers take the body of one message, without its header, and refuse (nullopt) any length or offset that leaves it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace myriad::app::smb2 {

inline constexpr std::size_t kFrameHeadBytes = 4;
inline constexpr std::size_t kHeaderBytes = 64;
inline constexpr std::uint32_t kProtocol = 0x424d53fe;   // 0xfe 'S' 'M' 'B'
inline constexpr std::uint32_t kCreditBytes = 65'536;    // of payload, for one credit
inline constexpr std::uint64_t kNoMessage = UINT64_MAX;  // the message id of what nobody asked for

enum class Dialect : std::uint16_t { k202 = 0x0202, k210 = 0x0210, k300 = 0x0300, k302 = 0x0302, k311 = 0x0311 };

enum class Command : std::uint16_t {
  kNegotiate = 0,
  kSessionSetup = 1,
  kLogoff = 2,
  kTreeConnect = 3,
  kTreeDisconnect = 4,
  kCreate = 5,
  kClose = 6,
  kRead = 8,
  kWrite = 9,
  kEcho = 13,
  kQueryDirectory = 14,
  kQueryInfo = 16,
};

// What the dialogue itself acts on; the others are reasons of failure (status.h).
inline constexpr std::uint32_t kStatusSuccess = 0;
inline constexpr std::uint32_t kStatusPending = 0x00000103;
inline constexpr std::uint32_t kStatusMoreProcessing = 0xc0000016;
inline constexpr std::uint32_t kStatusNoMoreFiles = 0x80000006;
inline constexpr std::uint32_t kStatusEndOfFile = 0xc0000011;

namespace flag {
inline constexpr std::uint32_t kResponse = 1;
inline constexpr std::uint32_t kAsync = 2;
inline constexpr std::uint32_t kRelated = 4;
inline constexpr std::uint32_t kSigned = 8;
}  // namespace flag

inline constexpr std::uint16_t kSigningEnabled = 1;
inline constexpr std::uint16_t kSigningRequired = 2;
inline constexpr std::uint32_t kLargeMtu = 4;        // of capabilities
inline constexpr std::uint16_t kSessionIsGuest = 1;  // of session flags
inline constexpr std::uint16_t kSessionIsNull = 2;

using Signature = std::array<std::uint8_t, 16>;
using FileId = std::array<std::uint8_t, 16>;

struct Header {
  std::uint16_t credit_charge = 0;
  std::uint32_t status = 0;
  Command command{};
  std::uint16_t credits = 0;  // asked for, or granted
  std::uint32_t flags = 0;
  std::uint32_t next = 0;  // where the next message of the frame begins, counted from here; 0: there is none
  std::uint64_t message = 0;
  std::uint32_t tree = 0;  // with kAsync not given
  std::uint64_t session = 0;
  Signature signature{};

  // `bytes`: kHeaderBytes. Refuses what is not the header of a response, and a `next` that is no place for one.
  [[nodiscard]] static std::optional<Header> parse(Bytes bytes);
};

// A frame that is being written: its length, then one or more messages.
class Frame {
 public:
  Frame() : bytes_(kFrameHeadBytes) {}

  // Begins a message; the one before is padded and points to it.
  void begin(const Header& header);
  void u8(std::uint8_t value) { bytes_.push_back(value); }
  void u16(std::uint16_t value);
  void u32(std::uint32_t value);
  void u64(std::uint64_t value);
  void put(Bytes bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  void zeros(std::size_t count) { bytes_.resize(bytes_.size() + count); }
  // Room for `count` bytes, to be filled at once.
  [[nodiscard]] MutableBytes room(std::size_t count);
  // Zeros until the message is a multiple of eight bytes long.
  void pad();
  // How long the message has become.
  [[nodiscard]] std::size_t length() const { return bytes_.size() - message_; }
  // Writes the length of the frame. Nothing is added later.
  void end();

  // The message begun last.
  [[nodiscard]] Bytes message() const { return Bytes{bytes_}.subspan(message_); }
  // After end(): visit(message) for each one that says it is signed, padding included.
  template <class Visit>
  void for_each_signed(Visit&& visit) {
    for (MutableBytes rest = MutableBytes{bytes_}.subspan(kFrameHeadBytes); !rest.empty();) {
      const std::uint32_t next = load_le32(rest.data() + 20);
      const MutableBytes message = rest.first(next == 0 ? rest.size() : next);
      if ((load_le32(rest.data() + 16) & flag::kSigned) != 0) visit(message);
      rest = rest.subspan(message.size());
    }
  }
  [[nodiscard]] Bytes bytes() const { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;
  std::size_t message_ = 0;  // where the one begun last is; 0: none yet
};

// --- requests: the body behind a header that begin() has written -----------------------------------------------------

struct NegotiateRequest {
  std::span<const Dialect> dialects;
  std::uint16_t security_mode = kSigningEnabled;
  std::array<std::uint8_t, 16> client{};
  std::array<std::uint8_t, 32> salt{};  // of the preauthentication hash; 3.1.1 only
};
void write(Frame& frame, const NegotiateRequest& request);

struct SessionSetupRequest {
  std::uint16_t security_mode = kSigningEnabled;
  Bytes token;
};
void write(Frame& frame, const SessionSetupRequest& request);

struct TreeConnectRequest {
  Bytes path;  // \\server\share in UTF-16
};
void write(Frame& frame, const TreeConnectRequest& request);

struct CreateRequest {
  std::uint32_t access = 0;
  std::uint32_t share = 0;
  std::uint32_t disposition = 0;
  std::uint32_t options = 0;
  Bytes name;  // in UTF-16, relative to the share; empty: its root
};
void write(Frame& frame, const CreateRequest& request);
inline constexpr std::uint32_t kReadAccess = 0x00120089;   // FILE_GENERIC_READ
inline constexpr std::uint32_t kWriteAccess = 0x00120116;  // FILE_GENERIC_WRITE
inline constexpr std::uint32_t kShareAll = 7;              // others may read, write and delete meanwhile
inline constexpr std::uint32_t kOpenExisting = 1;
inline constexpr std::uint32_t kOverwriteOrCreate = 5;
inline constexpr std::uint32_t kDirectoryOnly = 0x01;
inline constexpr std::uint32_t kFileOnly = 0x40;

// Of a file opened by the request before it in the same frame.
inline constexpr FileId kRelatedFile = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

void write_query_standard_info(Frame& frame, const FileId& file);
void write_read(Frame& frame, const FileId& file, std::uint64_t offset, std::uint32_t length);
// The data is written into room() behind it.
void write_write(Frame& frame, const FileId& file, std::uint64_t offset, std::uint32_t length);
void write_query_directory(Frame& frame, const FileId& file, std::uint32_t most_bytes);
void write_close(Frame& frame, const FileId& file);
// Tree disconnect, logoff, echo.
void write_empty(Frame& frame);

// --- responses -------------------------------------------------------------------------------------------------------

struct NegotiateReply {
  std::uint16_t security_mode = 0;
  Dialect dialect{};
  std::uint32_t capabilities = 0;
  std::uint32_t max_transact = 0;
  std::uint32_t max_read = 0;
  std::uint32_t max_write = 0;
  std::uint64_t system_time = 0;  // in units of 100 ns since 1601
};
// Of 3.1.1, also that the preauthentication hash is the one asked for.
[[nodiscard]] std::optional<NegotiateReply> parse_negotiate(Bytes body);

struct SessionSetupReply {
  std::uint16_t flags = 0;
  Bytes token;  // within the body
};
[[nodiscard]] std::optional<SessionSetupReply> parse_session_setup(Bytes body);

struct CreateReply {
  FileId file{};
  std::uint64_t end_of_file = 0;
};
[[nodiscard]] std::optional<CreateReply> parse_create(Bytes body);

struct StandardInfo {
  std::uint64_t end_of_file = 0;
  bool directory = false;
};
[[nodiscard]] std::optional<StandardInfo> parse_standard_info(Bytes body);

// The fixed part of the answer to a read; the data is streamed (reader.h).
struct ReadReply {
  static constexpr std::size_t kBytes = 16;
  std::uint8_t data_offset = 0;  // from the beginning of the header
  std::uint32_t data_length = 0;
};
[[nodiscard]] std::optional<ReadReply> parse_read(Bytes body);

[[nodiscard]] std::optional<std::uint32_t> parse_write(Bytes body);  // how many bytes were written
// How many names were listed.
[[nodiscard]] std::optional<std::uint32_t> parse_query_directory(Bytes body);
// Whether it is the answer to a request of that kind, which says nothing else of interest.
[[nodiscard]] bool is_tree_connect(Bytes body);
[[nodiscard]] bool is_close(Bytes body);
[[nodiscard]] bool is_empty(Bytes body);

// UTF-8 to UTF-16LE; nullopt when it is not UTF-8.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> utf16(std::string_view text);

}  // namespace myriad::app::smb2
