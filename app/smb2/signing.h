// What SMB2 computes with secrets: signatures, the keys they are made with, and the hash that 3.1.1 binds them to.
// OpenSSL is known to signing.cc alone. Everything here can only fail when OpenSSL has been configured away: it throws.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "app/smb2/wire.h"
#include "base/bytes.h"

struct evp_mac_ctx_st;

namespace myriad::app::smb2 {

using Key = std::array<std::uint8_t, 16>;

[[nodiscard]] Key hmac_md5(Bytes key, Bytes message);
[[nodiscard]] std::array<std::uint8_t, 32> hmac_sha256(Bytes key, Bytes message);

// SHA-512 of everything that was said before the session stood ([MS-SMB2] 3.2.5.2): each message is added to the hash
// of those before it.
using Preauth = std::array<std::uint8_t, 64>;
void add(Preauth& hash, Bytes head, Bytes body);

// SP 800-108 in counter mode with HMAC-SHA256, 128 bits ([MS-SMB2] 3.1.4.2). Label and context include their zero
// bytes.
[[nodiscard]] Key derive(const Key& key, Bytes label, Bytes context);
// The key that messages are signed with. `preauth` counts for 3.1.1.
[[nodiscard]] Key signing_key(const Key& session_key, Dialect dialect, const Preauth& preauth);

// RC4, in place; one key, one message. For the session key in NTLM's last message only.
void rc4(const Key& key, MutableBytes data);

// The signature of one message, which may come in pieces: its header with zeros where the signature is, then the rest.
class Signer {
 public:
  Signer(const Key& key, Dialect dialect);

  void add(Bytes bytes);
  // `head`: kHeaderBytes, whatever signature is in it.
  void add_header(Bytes head);
  [[nodiscard]] Signature finish();

 private:
  struct Free {
    void operator()(evp_mac_ctx_st* context) const;
  };
  std::unique_ptr<evp_mac_ctx_st, Free> context_;
};

// Puts the signature into `message`: one message, with its padding if another one follows in the frame.
void sign(const Key& key, Dialect dialect, MutableBytes message);
// In constant time.
[[nodiscard]] bool same(const Signature& a, const Signature& b);

}  // namespace myriad::app::smb2
