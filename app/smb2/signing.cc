#include "app/smb2/signing.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace myriad::app::smb2 {
namespace {

void require(int result) {
  if (result != 1) throw std::runtime_error("OpenSSL cannot compute what SMB2 signs with");
}

struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
struct FreeMac {
  void operator()(EVP_MAC* mac) const { EVP_MAC_free(mac); }
};

// Fetched once: an implicit fetch at every message costs more than signing a short one does.
EVP_MAC* hmac() {
  static const std::unique_ptr<EVP_MAC, FreeMac> kFetched{EVP_MAC_fetch(nullptr, "HMAC", nullptr)};
  return kFetched.get();
}
EVP_MAC* cmac() {
  static const std::unique_ptr<EVP_MAC, FreeMac> kFetched{EVP_MAC_fetch(nullptr, "CMAC", nullptr)};
  return kFetched.get();
}

// A computation of `mac` with a key begun; `parameter` says which digest or cipher it uses.
EVP_MAC_CTX* begin(EVP_MAC* mac, const char* parameter, const char* algorithm, Bytes key) {
  require(mac != nullptr ? 1 : 0);
  EVP_MAC_CTX* const context = EVP_MAC_CTX_new(mac);
  if (context == nullptr) throw std::bad_alloc();
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(parameter, const_cast<char*>(algorithm), 0),
                                   OSSL_PARAM_construct_end()};
  if (EVP_MAC_init(context, key.data(), key.size(), parameters) != 1) {
    EVP_MAC_CTX_free(context);
    require(0);
  }
  return context;
}

void mac_of(const char* digest, Bytes key, Bytes message, MutableBytes out) {
  EVP_MAC_CTX* const context = begin(hmac(), OSSL_MAC_PARAM_DIGEST, digest, key);
  std::size_t length = 0;
  const bool done = EVP_MAC_update(context, message.data(), message.size()) == 1 &&
                    EVP_MAC_final(context, out.data(), &length, out.size()) == 1 && length == out.size();
  EVP_MAC_CTX_free(context);
  require(done ? 1 : 0);
}

template <std::size_t N>
Bytes with_zero(const char (&text)[N]) {
  return {reinterpret_cast<const std::uint8_t*>(text), N};
}

}  // namespace

Key hmac_md5(Bytes key, Bytes message) {
  Key out;
  mac_of("MD5", key, message, out);
  return out;
}

std::array<std::uint8_t, 32> hmac_sha256(Bytes key, Bytes message) {
  std::array<std::uint8_t, 32> out;
  mac_of("SHA256", key, message, out);
  return out;
}

void add(Preauth& hash, Bytes head, Bytes body) {
  const std::unique_ptr<EVP_MD_CTX, FreeDigest> context{EVP_MD_CTX_new()};
  if (!context) throw std::bad_alloc();
  require(EVP_DigestInit_ex(context.get(), EVP_sha512(), nullptr));
  require(EVP_DigestUpdate(context.get(), hash.data(), hash.size()));
  require(EVP_DigestUpdate(context.get(), head.data(), head.size()));
  require(EVP_DigestUpdate(context.get(), body.data(), body.size()));
  require(EVP_DigestFinal_ex(context.get(), hash.data(), nullptr));
}

Key derive(const Key& key, Bytes label, Bytes context) {
  std::vector<std::uint8_t> input = {0, 0, 0, 1};
  input.insert(input.end(), label.begin(), label.end());
  input.push_back(0);
  input.insert(input.end(), context.begin(), context.end());
  input.insert(input.end(), {0, 0, 0, 128});
  const auto whole = hmac_sha256(key, input);
  Key out;
  std::copy_n(whole.begin(), out.size(), out.begin());
  return out;
}

Key signing_key(const Key& session_key, Dialect dialect, const Preauth& preauth) {
  if (dialect < Dialect::k300) return session_key;
  if (dialect < Dialect::k311) return derive(session_key, with_zero("SMB2AESCMAC"), with_zero("SmbSign"));
  return derive(session_key, with_zero("SMBSigningKey"), preauth);
}

void rc4(const Key& key, MutableBytes data) {
  std::array<std::uint8_t, 256> box;
  std::iota(box.begin(), box.end(), std::uint8_t{0});
  for (std::size_t i = 0, j = 0; i < box.size(); ++i) {
    j = (j + box[i] + key[i % key.size()]) & 255;
    std::swap(box[i], box[j]);
  }
  std::size_t i = 0;
  std::size_t j = 0;
  for (std::uint8_t& byte : data) {
    i = (i + 1) & 255;
    j = (j + box[i]) & 255;
    std::swap(box[i], box[j]);
    byte ^= box[(box[i] + box[j]) & 255];
  }
}

void Signer::Free::operator()(evp_mac_ctx_st* context) const { EVP_MAC_CTX_free(context); }

Signer::Signer(const Key& key, Dialect dialect)
    : context_(dialect < Dialect::k300 ? begin(hmac(), OSSL_MAC_PARAM_DIGEST, "SHA256", key)
                                       : begin(cmac(), OSSL_MAC_PARAM_CIPHER, "AES-128-CBC", key)) {}

void Signer::add(Bytes bytes) { require(EVP_MAC_update(context_.get(), bytes.data(), bytes.size())); }

void Signer::add_header(Bytes head) {
  std::array<std::uint8_t, kHeaderBytes> unsigned_head{};
  std::memcpy(unsigned_head.data(), head.data(), kHeaderBytes - sizeof(Signature));
  add(unsigned_head);
}

Signature Signer::finish() {
  std::array<std::uint8_t, 32> whole;  // HMAC-SHA256 has twice what is sent
  std::size_t length = 0;
  require(EVP_MAC_final(context_.get(), whole.data(), &length, whole.size()));
  Signature out;
  std::copy_n(whole.begin(), out.size(), out.begin());
  return out;
}

void sign(const Key& key, Dialect dialect, MutableBytes message) {
  Signer signer{key, dialect};
  signer.add_header(message.first(kHeaderBytes));
  signer.add(message.subspan(kHeaderBytes));
  const Signature signature = signer.finish();
  std::memcpy(message.data() + kHeaderBytes - signature.size(), signature.data(), signature.size());
}

bool same(const Signature& a, const Signature& b) { return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0; }

}  // namespace myriad::app::smb2
