#include "tests/app/tls_peer.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <stdexcept>

namespace myriad::app {
namespace {

void require(bool good) {
  if (!good) throw std::runtime_error("OpenSSL does not make a server");
}

template <class Write>
std::string pem_of(Write&& write) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), &BIO_free);
  require(bio != nullptr && write(bio.get()) == 1);
  char* text = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(length)};
}

void extend(X509* certificate, int what, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
  require(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

int choose(SSL*, const unsigned char** out, unsigned char* length, const unsigned char* in, unsigned in_length,
           void* arg) {
  const auto& wanted = *static_cast<const std::string_view*>(arg);
  if (wanted.empty()) return SSL_TLSEXT_ERR_NOACK;
  for (unsigned at = 0; at < in_length; at += 1 + in[at]) {
    const std::string_view offered{reinterpret_cast<const char*>(in) + at + 1, in[at]};
    if (offered != wanted) continue;
    *out = in + at + 1;
    *length = in[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

TlsIdentity TlsIdentity::make(const std::string& name, const std::string& address) {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = X509_new();
  require(key != nullptr && certificate != nullptr);
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600L * 24 * 365);
  X509_NAME* const subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(certificate, subject);
  X509_set_pubkey(certificate, key);
  extend(certificate, NID_subject_alt_name, "DNS:" + name + ",IP:" + address);
  require(X509_sign(certificate, key, EVP_sha256()) > 0);
  TlsIdentity made;
  made.certificate = pem_of([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
  made.key =
      pem_of([&](BIO* bio) { return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr); });
  X509_free(certificate);
  EVP_PKEY_free(key);
  return made;
}

TlsPeer::Server::Server(const TlsIdentity& identity, const Options& options)
    : context_(SSL_CTX_new(TLS_server_method())), options_(options) {
  BIO* const certificate_text =
      BIO_new_mem_buf(identity.certificate.data(), static_cast<int>(identity.certificate.size()));
  BIO* const key_text = BIO_new_mem_buf(identity.key.data(), static_cast<int>(identity.key.size()));
  X509* const certificate = PEM_read_bio_X509(certificate_text, nullptr, nullptr, nullptr);
  EVP_PKEY* const key = PEM_read_bio_PrivateKey(key_text, nullptr, nullptr, nullptr);
  require(SSL_CTX_use_certificate(context_, certificate) == 1 && SSL_CTX_use_PrivateKey(context_, key) == 1);
  X509_free(certificate);
  EVP_PKEY_free(key);
  BIO_free(certificate_text);
  BIO_free(key_text);
  SSL_CTX_set_min_proto_version(context_, options.least);
  SSL_CTX_set_max_proto_version(context_, options.most);
  if (!options.tickets) {
    SSL_CTX_set_options(context_, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context_, 0);
    SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);
  }
  SSL_CTX_set_session_id_context(context_, reinterpret_cast<const unsigned char*>("peer"), 4);
  SSL_CTX_set_alpn_select_cb(context_, &choose, &options_.protocol);
}

TlsPeer::TlsPeer(Server& server)
    : ssl_(SSL_new(server.context_)), in_(BIO_new(BIO_s_mem())), out_(BIO_new(BIO_s_mem())) {
  SSL_set_bio(ssl_, in_, out_);
  SSL_set_accept_state(ssl_);
}

std::string TlsPeer::said() {
  char* text = nullptr;
  const long length = BIO_get_mem_data(out_, &text);
  std::string bytes{text, static_cast<std::size_t>(length)};
  BIO_reset(out_);
  return bytes;
}

std::string TlsPeer::hear(std::string_view bytes) {
  ERR_clear_error();
  if (!bytes.empty()) BIO_write(in_, bytes.data(), static_cast<int>(bytes.size()));
  char text[4096];
  for (int length = 0; (length = SSL_read(ssl_, text, sizeof text)) > 0;)
    heard.append(text, static_cast<std::size_t>(length));
  ERR_clear_error();
  return said();
}

std::string TlsPeer::say(std::string_view text) {
  ERR_clear_error();
  if (!text.empty())
    require(SSL_write(ssl_, text.data(), static_cast<int>(text.size())) == static_cast<int>(text.size()));
  return said();
}

std::string TlsPeer::close() {
  SSL_shutdown(ssl_);
  ERR_clear_error();
  return said();
}

std::string TlsPeer::update_key() {
  require(SSL_key_update(ssl_, SSL_KEY_UPDATE_REQUESTED) == 1);
  SSL_do_handshake(ssl_);
  return said();
}

std::string TlsPeer::name() const {
  const char* const name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name);
  return name == nullptr ? "" : name;
}

}  // namespace myriad::app
