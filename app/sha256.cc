#include "app/sha256.h"

#include <openssl/evp.h>

#include <new>
#include <stdexcept>

namespace myriad::app {
namespace {

// Fetched once: an implicit fetch at every start costs more than hashing a small body does.
const EVP_MD* algorithm() {
  static const EVP_MD* const kFetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return kFetched != nullptr ? kFetched : EVP_sha256();
}

// These fail only when memory is short or the library's providers have been configured away.
void require(int result) {
  if (result != 1) throw std::runtime_error("OpenSSL cannot compute SHA-256");
}

}  // namespace

void Sha256::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  if (!context_) throw std::bad_alloc();
  restart();
}

void Sha256::restart() { require(EVP_DigestInit_ex(context_.get(), algorithm(), nullptr)); }

void Sha256::add(Bytes bytes) { require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size())); }

Sha256::Digest Sha256::finish() {
  Digest digest;
  require(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr));
  restart();
  return digest;
}

}  // namespace myriad::app
