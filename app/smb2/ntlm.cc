#include "app/smb2/ntlm.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "app/smb2/md4.h"

namespace myriad::app::smb2 {
namespace {

using Octets = std::vector<std::uint8_t>;

constexpr std::uint8_t kSignature[] = {'N', 'T', 'L', 'M', 'S', 'S', 'P', 0};

// [MS-NLMP] 2.2.2.5.
constexpr std::uint32_t kUnicode = 0x00000001;
constexpr std::uint32_t kRequestTarget = 0x00000004;
constexpr std::uint32_t kSign = 0x00000010;
constexpr std::uint32_t kNtlm = 0x00000200;
constexpr std::uint32_t kAnonymous = 0x00000800;
constexpr std::uint32_t kAlwaysSign = 0x00008000;
constexpr std::uint32_t kExtendedSecurity = 0x00080000;
constexpr std::uint32_t kTargetInfo = 0x00800000;
constexpr std::uint32_t k128 = 0x20000000;
constexpr std::uint32_t kKeyExchange = 0x40000000;
constexpr std::uint32_t kOffered =
    kUnicode | kRequestTarget | kSign | kNtlm | kAlwaysSign | kExtendedSecurity | kTargetInfo | k128 | kKeyExchange;

// What a server says about itself: a few names. It comes back in our answer, which must fit into a token.
constexpr std::size_t kMostTargetInfo = 8192;
constexpr std::uint16_t kPairEnd = 0;
constexpr std::uint16_t kPairTimestamp = 7;

void append(Octets& out, Bytes bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

// --- DER, as much of it as SPNEGO is made of -------------------------------------------------------------------------

constexpr std::uint8_t kSequence = 0x30;
constexpr std::uint8_t kOctetString = 0x04;
constexpr std::uint8_t kApplication = 0x60;
constexpr std::uint8_t field(unsigned number) { return static_cast<std::uint8_t>(0xa0 + number); }

constexpr std::uint8_t kSpnegoOid[] = {0x06, 0x06, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x02};
constexpr std::uint8_t kNtlmOid[] = {0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0a};

Octets wrapped(std::uint8_t tag, Bytes content) {
  assert(content.size() <= 0xffff);
  const std::size_t digits = content.size() < 0x80 ? 0 : content.size() < 0x100 ? 1 : 2;
  Octets out(2 + digits + content.size());
  out[0] = tag;
  out[1] = static_cast<std::uint8_t>(digits == 0 ? content.size() : 0x80 + digits);
  for (std::size_t i = 0; i < digits; ++i) {
    out[2 + i] = static_cast<std::uint8_t>(content.size() >> (8 * (digits - 1 - i)));
  }
  std::copy(content.begin(), content.end(), out.end() - static_cast<std::ptrdiff_t>(content.size()));
  return out;
}

struct Element {
  std::uint8_t tag = 0;
  Bytes content;
};

// Takes the first element off `bytes`. Definite lengths of at most three bytes, which is what a token can hold.
std::optional<Element> take_element(Bytes& bytes) {
  if (bytes.size() < 2) return std::nullopt;
  const std::uint8_t tag = bytes[0];
  std::size_t length = bytes[1];
  std::size_t head = 2;
  if (length >= 0x80) {
    const std::size_t digits = length & 0x7f;
    if (digits == 0 || digits > 3 || bytes.size() < 2 + digits) return std::nullopt;
    length = 0;
    for (std::size_t i = 0; i < digits; ++i) length = length << 8 | bytes[2 + i];
    head += digits;
  }
  if (bytes.size() - head < length) return std::nullopt;
  const Element element{tag, bytes.subspan(head, length)};
  bytes = bytes.subspan(head + length);
  return element;
}

// The only element of `bytes`, if it bears that tag.
std::optional<Bytes> unwrapped(std::uint8_t tag, Bytes bytes) {
  const auto element = take_element(bytes);
  if (!element || element->tag != tag) return std::nullopt;
  return element->content;
}

// The mechanism's token in a negTokenResp.
std::optional<Bytes> response_token(Bytes token) {
  const auto response = unwrapped(field(1), token);
  if (!response) return std::nullopt;
  auto fields = unwrapped(kSequence, *response);
  while (fields && !fields->empty()) {
    const auto element = take_element(*fields);
    if (!element) return std::nullopt;
    if (element->tag == field(2)) return unwrapped(kOctetString, element->content);
  }
  return std::nullopt;
}

// --- NTLM ------------------------------------------------------------------------------------------------------------

bool is_ntlm(Bytes message) {
  return message.size() >= sizeof kSignature && std::memcmp(message.data(), kSignature, sizeof kSignature) == 0;
}

// What a field descriptor (length, room, offset) at `at` points to.
std::optional<Bytes> pointed_to(Bytes message, std::size_t at) {
  const std::size_t length = load_le16(message.data() + at);
  const std::size_t offset = load_le32(message.data() + at + 4);
  if (length == 0) return Bytes{};
  if (offset > message.size() || length > message.size() - offset) return std::nullopt;
  return message.subspan(offset, length);
}

// The time among the pairs; nullopt when they are not pairs.
std::optional<std::uint64_t> time_of(Bytes pairs) {
  std::uint64_t time = 0;
  while (!pairs.empty()) {
    if (pairs.size() < 4) return std::nullopt;
    const std::uint16_t id = load_le16(pairs.data());
    const std::size_t length = load_le16(pairs.data() + 2);
    if (id == kPairEnd) return time;
    if (pairs.size() - 4 < length) return std::nullopt;
    if (id == kPairTimestamp && length == 8) time = load_le64(pairs.data() + 4);
    pairs = pairs.subspan(4 + length);
  }
  return time;
}

// The last message: fixed fields that point to what follows them.
class Authenticate {
 public:
  static constexpr std::size_t kFixed = 64;

  Authenticate() : bytes_(kFixed) {
    std::memcpy(bytes_.data(), kSignature, sizeof kSignature);
    store_le32(bytes_.data() + 8, 3);
  }
  void add(std::size_t descriptor, Bytes content) {
    store_le16(bytes_.data() + descriptor, static_cast<std::uint16_t>(content.size()));
    store_le16(bytes_.data() + descriptor + 2, static_cast<std::uint16_t>(content.size()));
    store_le32(bytes_.data() + descriptor + 4, static_cast<std::uint32_t>(bytes_.size()));
    append(bytes_, content);
  }
  Octets finish(std::uint32_t flags) {
    store_le32(bytes_.data() + 60, flags);
    return std::move(bytes_);
  }

 private:
  Octets bytes_;
};

constexpr std::size_t kLmResponse = 12;
constexpr std::size_t kNtResponse = 20;
constexpr std::size_t kDomain = 28;
constexpr std::size_t kUser = 36;
constexpr std::size_t kWorkstation = 44;
constexpr std::size_t kSessionKey = 52;

// [MS-NLMP] 3.3.2: the proof, and what it was made from.
Octets nt_response(const Key& response_key, const Challenge& challenge, std::uint64_t time, const Luck& luck) {
  Octets temp(28);
  temp[0] = temp[1] = 1;
  store_le64(temp.data() + 8, time);
  std::copy(luck.client_challenge.begin(), luck.client_challenge.end(), temp.begin() + 16);
  append(temp, challenge.target_info);
  temp.resize(temp.size() + 4);
  Octets said(challenge.challenge.begin(), challenge.challenge.end());
  append(said, temp);
  const Key proof = hmac_md5(response_key, said);
  Octets out(proof.begin(), proof.end());
  append(out, temp);
  return out;
}

Octets second_token(Bytes message) {
  return wrapped(field(1), wrapped(kSequence, wrapped(field(2), wrapped(kOctetString, message))));
}

}  // namespace

Credentials Credentials::of(std::string_view user, std::string_view password, std::string_view domain) {
  Credentials out;
  out.anonymous = false;
  out.user = utf16(user).value_or(Octets{});
  out.domain = utf16(domain).value_or(Octets{});
  std::string upper{user};
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  Octets name = utf16(upper).value_or(Octets{});
  append(name, out.domain);
  out.response_key = hmac_md5(md4(utf16(password).value_or(Octets{})), name);
  return out;
}

std::vector<std::uint8_t> first_token() {
  Octets message(32);
  std::memcpy(message.data(), kSignature, sizeof kSignature);
  store_le32(message.data() + 8, 1);
  store_le32(message.data() + 12, kOffered);
  Octets fields = wrapped(field(0), wrapped(kSequence, kNtlmOid));
  append(fields, wrapped(field(2), wrapped(kOctetString, message)));
  Octets token{std::begin(kSpnegoOid), std::end(kSpnegoOid)};
  append(token, wrapped(field(0), wrapped(kSequence, fields)));
  return wrapped(kApplication, token);
}

std::optional<Challenge> parse_challenge(Bytes token) {
  Bytes message = token;
  if (!is_ntlm(message)) {
    const auto inside = response_token(token);
    if (!inside || !is_ntlm(*inside)) return std::nullopt;
    message = *inside;
  }
  if (message.size() < 48 || load_le32(message.data() + 8) != 2) return std::nullopt;
  Challenge out;
  out.flags = load_le32(message.data() + 20);
  std::memcpy(out.challenge.data(), message.data() + 24, out.challenge.size());
  const auto info = pointed_to(message, 40);
  if (!info || info->size() > kMostTargetInfo) return std::nullopt;
  const auto time = time_of(*info);
  if (!time) return std::nullopt;
  out.target_info = *info;
  out.server_time = *time;
  return out;
}

Answer answer(const Credentials& credentials, const Challenge& challenge, std::uint64_t now, const Luck& luck) {
  Answer out;
  const std::uint32_t agreed = kOffered & challenge.flags;
  Authenticate message;
  if (credentials.anonymous) {
    constexpr std::uint8_t kNothing[] = {0};
    message.add(kLmResponse, kNothing);
    for (const std::size_t field_at : {kNtResponse, kDomain, kUser, kWorkstation, kSessionKey})
      message.add(field_at, {});
    out.token = second_token(message.finish((agreed | kAnonymous) & ~kKeyExchange));
    return out;
  }
  const std::uint64_t time = challenge.server_time != 0 ? challenge.server_time : now;
  const Octets response = nt_response(credentials.response_key, challenge, time, luck);
  const Key base = hmac_md5(credentials.response_key, Bytes{response}.first(sizeof(Key)));
  const std::array<std::uint8_t, 24> no_lm{};
  message.add(kLmResponse, no_lm);
  message.add(kNtResponse, response);
  message.add(kDomain, credentials.domain);
  message.add(kUser, credentials.user);
  message.add(kWorkstation, {});
  if ((agreed & kKeyExchange) != 0) {
    out.session_key = luck.session_key;
    Key sealed = luck.session_key;
    rc4(base, sealed);
    message.add(kSessionKey, sealed);
  } else {
    out.session_key = base;
    message.add(kSessionKey, {});
  }
  out.token = second_token(message.finish(agreed));
  return out;
}

}  // namespace myriad::app::smb2
