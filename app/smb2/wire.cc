#include "app/smb2/wire.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "base/utf8.h"

namespace myriad::app::smb2 {
namespace {

// Of negotiate contexts ([MS-SMB2] 2.2.3.1).
constexpr std::uint16_t kPreauthIntegrity = 1;
constexpr std::uint16_t kSha512 = 1;

// The body has that many bytes at least and says that it is of that structure.
bool is_structure(Bytes body, std::uint16_t structure, std::size_t fixed) {
  return body.size() >= fixed && load_le16(body.data()) == structure;
}

// `length` bytes at `offset`, which counts from the beginning of the header. Nothing may lie before the body's end of
// fixed fields.
std::optional<Bytes> within(Bytes body, std::size_t fixed, std::size_t offset, std::size_t length) {
  if (length == 0) return Bytes{};
  if (offset < kHeaderBytes + fixed || offset - kHeaderBytes > body.size()) return std::nullopt;
  const Bytes rest = body.subspan(offset - kHeaderBytes);
  if (length > rest.size()) return std::nullopt;
  return rest.first(length);
}

// Exactly one context speaks of the hash, and it names SHA-512.
bool agrees_on_hash(Bytes body, std::size_t fixed, std::uint32_t offset, std::uint16_t count) {
  bool agreed = false;
  if (offset < kHeaderBytes + fixed || offset - kHeaderBytes > body.size()) return false;
  Bytes rest = body.subspan(offset - kHeaderBytes);
  for (std::uint16_t i = 0; i < count; ++i) {
    if (rest.size() < 8) return false;
    const std::size_t length = load_le16(rest.data() + 2);
    if (rest.size() - 8 < length) return false;
    const Bytes data = rest.subspan(8, length);
    if (load_le16(rest.data()) == kPreauthIntegrity) {
      if (agreed || data.size() < 6 || load_le16(data.data()) != 1 || load_le16(data.data() + 4) != kSha512)
        return false;
      agreed = true;
    }
    rest = rest.subspan(std::min(rest.size(), (8 + length + 7) / 8 * 8));
  }
  return agreed;
}

}  // namespace

std::optional<Header> Header::parse(Bytes bytes) {
  assert(bytes.size() >= kHeaderBytes);
  const std::uint8_t* const at = bytes.data();
  if (load_le32(at) != kProtocol || load_le16(at + 4) != kHeaderBytes) return std::nullopt;
  Header header;
  header.credit_charge = load_le16(at + 6);
  header.status = load_le32(at + 8);
  header.command = static_cast<Command>(load_le16(at + 12));
  header.credits = load_le16(at + 14);
  header.flags = load_le32(at + 16);
  header.next = load_le32(at + 20);
  header.message = load_le64(at + 24);
  if ((header.flags & flag::kAsync) == 0) header.tree = load_le32(at + 36);
  header.session = load_le64(at + 40);
  std::memcpy(header.signature.data(), at + 48, header.signature.size());
  if ((header.flags & flag::kResponse) == 0) return std::nullopt;
  if (header.next != 0 && (header.next < kHeaderBytes || header.next % 8 != 0)) return std::nullopt;
  return header;
}

// --- writing ---------------------------------------------------------------------------------------------------------

void Frame::begin(const Header& header) {
  if (message_ != 0) {
    pad();
    store_le32(bytes_.data() + message_ + 20, static_cast<std::uint32_t>(length()));
  }
  message_ = bytes_.size();
  u32(kProtocol);
  u16(kHeaderBytes);
  u16(header.credit_charge);
  u32(header.status);
  u16(static_cast<std::uint16_t>(header.command));
  u16(header.credits);
  u32(header.flags);
  u32(0);
  u64(header.message);
  u32(0);
  u32(header.tree);
  u64(header.session);
  put(header.signature);
}

void Frame::u16(std::uint16_t value) { store_le16(room(2).data(), value); }
void Frame::u32(std::uint32_t value) { store_le32(room(4).data(), value); }
void Frame::u64(std::uint64_t value) { store_le64(room(8).data(), value); }

MutableBytes Frame::room(std::size_t count) {
  zeros(count);
  return MutableBytes{bytes_}.last(count);
}

void Frame::pad() { zeros((8 - length() % 8) % 8); }

void Frame::end() { store_be32(bytes_.data(), static_cast<std::uint32_t>(bytes_.size() - kFrameHeadBytes)); }

void write(Frame& frame, const NegotiateRequest& request) {
  const bool contexts = request.dialects.back() >= Dialect::k311;
  const bool large = request.dialects.back() > Dialect::k202;
  const std::size_t fixed = kHeaderBytes + 36 + 2 * request.dialects.size();
  frame.u16(36);
  frame.u16(static_cast<std::uint16_t>(request.dialects.size()));
  frame.u16(request.security_mode);
  frame.u16(0);
  frame.u32(large ? kLargeMtu : 0);
  frame.put(request.client);
  frame.u32(contexts ? static_cast<std::uint32_t>((fixed + 7) / 8 * 8) : 0);
  frame.u16(contexts ? 1 : 0);
  frame.u16(0);
  for (const Dialect dialect : request.dialects) frame.u16(static_cast<std::uint16_t>(dialect));
  if (!contexts) return;
  frame.pad();
  frame.u16(kPreauthIntegrity);
  frame.u16(static_cast<std::uint16_t>(6 + request.salt.size()));
  frame.u32(0);
  frame.u16(1);
  frame.u16(static_cast<std::uint16_t>(request.salt.size()));
  frame.u16(kSha512);
  frame.put(request.salt);
}

void write(Frame& frame, const SessionSetupRequest& request) {
  frame.u16(25);
  frame.u8(0);
  frame.u8(static_cast<std::uint8_t>(request.security_mode));
  frame.u32(0);
  frame.u32(0);
  frame.u16(kHeaderBytes + 24);
  frame.u16(static_cast<std::uint16_t>(request.token.size()));
  frame.u64(0);
  frame.put(request.token);
}

void write(Frame& frame, const TreeConnectRequest& request) {
  frame.u16(9);
  frame.u16(0);
  frame.u16(kHeaderBytes + 8);
  frame.u16(static_cast<std::uint16_t>(request.path.size()));
  frame.put(request.path);
}

void write(Frame& frame, const CreateRequest& request) {
  constexpr std::uint32_t kImpersonation = 2;
  frame.u16(57);
  frame.u8(0);
  frame.u8(0);  // no oplock: nobody is to call back
  frame.u32(kImpersonation);
  frame.u64(0);
  frame.u64(0);
  frame.u32(request.access);
  frame.u32(0);
  frame.u32(request.share);
  frame.u32(request.disposition);
  frame.u32(request.options);
  frame.u16(kHeaderBytes + 56);
  frame.u16(static_cast<std::uint16_t>(request.name.size()));
  frame.u32(0);
  frame.u32(0);
  frame.put(request.name);
  if (request.name.empty()) frame.u8(0);  // there is one byte at least
}

void write_query_standard_info(Frame& frame, const FileId& file) {
  constexpr std::uint8_t kFile = 1;
  constexpr std::uint8_t kStandard = 5;
  frame.u16(41);
  frame.u8(kFile);
  frame.u8(kStandard);
  frame.u32(24);
  frame.zeros(16);
  frame.put(file);
}

void write_read(Frame& frame, const FileId& file, std::uint64_t offset, std::uint32_t length) {
  frame.u16(49);
  frame.u8(kHeaderBytes + ReadReply::kBytes);  // where the data is wanted
  frame.u8(0);
  frame.u32(length);
  frame.u64(offset);
  frame.put(file);
  frame.zeros(16);
  frame.u8(0);  // of the channel information there is one byte at least
}

void write_write(Frame& frame, const FileId& file, std::uint64_t offset, std::uint32_t length) {
  frame.u16(49);
  frame.u16(kHeaderBytes + 48);
  frame.u32(length);
  frame.u64(offset);
  frame.put(file);
  frame.zeros(16);
}

void write_query_directory(Frame& frame, const FileId& file, std::uint32_t most_bytes) {
  constexpr std::uint8_t kDirectoryInformation = 1;
  frame.u16(33);
  frame.u8(kDirectoryInformation);
  frame.u8(0);
  frame.u32(0);
  frame.put(file);
  frame.u16(kHeaderBytes + 32);
  frame.u16(2);
  frame.u32(most_bytes);
  frame.u16(u'*');
}

void write_close(Frame& frame, const FileId& file) {
  frame.u16(24);
  frame.u16(0);
  frame.u32(0);
  frame.put(file);
}

void write_empty(Frame& frame) {
  frame.u16(4);
  frame.u16(0);
}

// --- reading ---------------------------------------------------------------------------------------------------------

std::optional<NegotiateReply> parse_negotiate(Bytes body) {
  constexpr std::size_t kFixed = 64;
  if (!is_structure(body, 65, kFixed)) return std::nullopt;
  const std::uint8_t* const at = body.data();
  NegotiateReply reply;
  reply.security_mode = load_le16(at + 2);
  reply.dialect = static_cast<Dialect>(load_le16(at + 4));
  reply.capabilities = load_le32(at + 24);
  reply.max_transact = load_le32(at + 28);
  reply.max_read = load_le32(at + 32);
  reply.max_write = load_le32(at + 36);
  reply.system_time = load_le64(at + 40);
  if (!within(body, kFixed, load_le16(at + 56), load_le16(at + 58))) return std::nullopt;
  if (reply.dialect == Dialect::k311 && !agrees_on_hash(body, kFixed, load_le32(at + 60), load_le16(at + 6))) {
    return std::nullopt;
  }
  return reply;
}

std::optional<SessionSetupReply> parse_session_setup(Bytes body) {
  constexpr std::size_t kFixed = 8;
  if (!is_structure(body, 9, kFixed)) return std::nullopt;
  const auto token = within(body, kFixed, load_le16(body.data() + 4), load_le16(body.data() + 6));
  if (!token) return std::nullopt;
  return SessionSetupReply{load_le16(body.data() + 2), *token};
}

std::optional<CreateReply> parse_create(Bytes body) {
  if (!is_structure(body, 89, 88)) return std::nullopt;
  CreateReply reply;
  reply.end_of_file = load_le64(body.data() + 48);
  std::memcpy(reply.file.data(), body.data() + 64, reply.file.size());
  return reply;
}

std::optional<StandardInfo> parse_standard_info(Bytes body) {
  if (!is_structure(body, 9, 8)) return std::nullopt;
  const auto info = within(body, 8, load_le16(body.data() + 2), load_le32(body.data() + 4));
  if (!info || info->size() < 22) return std::nullopt;
  return StandardInfo{load_le64(info->data() + 8), (*info)[21] != 0};
}

std::optional<ReadReply> parse_read(Bytes body) {
  if (!is_structure(body, 17, ReadReply::kBytes)) return std::nullopt;
  const ReadReply reply{body[2], load_le32(body.data() + 4)};
  if (reply.data_length != 0 && reply.data_offset < kHeaderBytes + ReadReply::kBytes) return std::nullopt;
  return reply;
}

std::optional<std::uint32_t> parse_write(Bytes body) {
  if (!is_structure(body, 17, 16)) return std::nullopt;
  return load_le32(body.data() + 4);
}

std::optional<std::uint32_t> parse_query_directory(Bytes body) {
  constexpr std::size_t kEntry = 64;  // of FileDirectoryInformation, before the name
  if (!is_structure(body, 9, 8)) return std::nullopt;
  const auto entries = within(body, 8, load_le16(body.data() + 2), load_le32(body.data() + 4));
  if (!entries) return std::nullopt;
  std::uint32_t count = 0;
  for (Bytes rest = *entries; !rest.empty();) {
    if (rest.size() < kEntry) return std::nullopt;
    const std::uint32_t next = load_le32(rest.data());
    const std::uint32_t name = load_le32(rest.data() + 60);
    const std::size_t room = next == 0 ? rest.size() : std::min<std::size_t>(next, rest.size());
    if (room < kEntry || name > room - kEntry || name % 2 != 0) return std::nullopt;
    ++count;
    if (next == 0) break;
    rest = rest.subspan(room);
    if (rest.empty()) return std::nullopt;  // the next one lies outside
  }
  return count;
}

bool is_tree_connect(Bytes body) { return is_structure(body, 16, 16); }
bool is_close(Bytes body) { return is_structure(body, 60, 60); }
bool is_empty(Bytes body) { return is_structure(body, 4, 4); }

// --- text ------------------------------------------------------------------------------------------------------------

std::optional<std::vector<std::uint8_t>> utf16(std::string_view text) {
  std::vector<std::uint8_t> out;
  const auto unit = [&out](std::uint32_t value) {
    out.push_back(static_cast<std::uint8_t>(value));
    out.push_back(static_cast<std::uint8_t>(value >> 8));
  };
  while (!text.empty()) {
    const std::size_t length = utf8_bytes(text);
    if (length == 0) return std::nullopt;
    const auto first = static_cast<std::uint8_t>(text[0]);
    std::uint32_t code = length == 1 ? first : first & (0xffU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) code = code << 6 | (static_cast<std::uint8_t>(text[i]) & 0x3f);
    if (code < 0x10000) {
      unit(code);
    } else {
      unit(0xd800 + ((code - 0x10000) >> 10));
      unit(0xdc00 + ((code - 0x10000) & 0x3ff));
    }
    text.remove_prefix(length);
  }
  return out;
}

}  // namespace myriad::app::smb2
