#include "app/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cassert>
#include <utility>

#include "base/addr.h"

namespace myriad::app {
namespace {

// RFC 7301: one protocol, with its length.
constexpr unsigned char kProtocols[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};

int version_number(TlsVersion version) { return version == TlsVersion::k12 ? TLS1_2_VERSION : TLS1_3_VERSION; }

std::string why() {
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return reason == nullptr ? "" : std::string(": ") + reason;
}

// How many certificates of the text are trusted from now on.
int trust(SSL_CTX* context, const std::string& pem) {
  const std::unique_ptr<BIO, FreeBio> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  int count = 0;
  while (true) {
    const std::unique_ptr<X509, FreeCertificate> certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (certificate == nullptr) break;
    count += X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate.get());
  }
  const unsigned long error = ERR_peek_last_error();
  const bool at_end = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  return at_end ? count : 0;
}

bool name_server(SSL_CTX* context, const TlsOptions& options) {
  X509_VERIFY_PARAM* const parameters = SSL_CTX_get0_param(context);
  if (IpAddress::parse(options.name)) return X509_VERIFY_PARAM_set1_ip_asc(parameters, options.name.c_str()) == 1;
  X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return X509_VERIFY_PARAM_set1_host(parameters, options.name.data(), options.name.size()) == 1;
}

}  // namespace

void TlsClient::FreeContext::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

void TlsClient::FreeSession::operator()(ssl_session_st* session) const { SSL_SESSION_free(session); }

// Connections end as their servers end them; OpenSSL would forbid to take up again what was not closed by its rules.
void TlsClient::FreeConnection::operator()(ssl_st* connection) const {
  SSL_set_shutdown(connection, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(connection);
}

TlsClient::TlsClient(std::unique_ptr<ssl_ctx_st, FreeContext> context, const TlsOptions& options)
    : context_(std::move(context)),
      sni_(IpAddress::parse(options.name) ? std::string{} : options.name),
      resume_(options.resume),
      tickets_(options.resume ? options.hosts : 0) {}

Result<std::shared_ptr<const TlsClient>> TlsClient::make(const TlsOptions& options, OnSession on_session) {
  const auto wrong = [](std::string what) { return fail(Fault::kUsage, std::move(what) + why()); };
  ERR_clear_error();
  std::unique_ptr<ssl_ctx_st, FreeContext> context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr) return wrong("OpenSSL makes no TLS client");
  SSL_CTX* const ctx = context.get();
  if (SSL_CTX_set_min_proto_version(ctx, version_number(options.least)) != 1 ||
      SSL_CTX_set_max_proto_version(ctx, version_number(options.most)) != 1) {
    return wrong("OpenSSL does not speak these versions of TLS");
  }
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
  if (SSL_CTX_set_alpn_protos(ctx, kProtocols, sizeof kProtocols) != 0) return wrong("OpenSSL offers no ALPN");
  if (options.verify) {
    if (!options.trusts_system && trust(ctx, options.authorities) == 0) {
      return wrong("what is to be trusted is not a list of certificates in PEM");
    }
    if (options.trusts_system && SSL_CTX_set_default_verify_paths(ctx) != 1) {
      return wrong("the certificates that the system trusts cannot be read");
    }
    if (!name_server(ctx, options)) return wrong("no certificate can be for the name '" + options.name + "'");
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
  }
  if (options.resume) {
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, on_session);
  } else {
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  }
  ERR_clear_error();
  return std::shared_ptr<const TlsClient>(new TlsClient(std::move(context), options));
}

TlsClient::Connection TlsClient::connect(std::uint32_t host) const {
  Connection connection(SSL_new(context_.get()));
  if (connection == nullptr) throw std::bad_alloc();
  SSL_set_connect_state(connection.get());
  if (!sni_.empty()) SSL_set_tlsext_host_name(connection.get(), sni_.c_str());
  if (resume_ && tickets_[host] != nullptr) {
    SSL_set_session(connection.get(), tickets_[host].get());
    // RFC 8446 appendix C.4: a ticket is used once. A session of TLS 1.2 may be taken up again and again.
    if (SSL_SESSION_get_protocol_version(tickets_[host].get()) == TLS1_3_VERSION) tickets_[host].reset();
  }
  return connection;
}

void TlsClient::keep(std::uint32_t host, Session session) const {
  assert(host < tickets_.size());
  tickets_[host] = std::move(session);
}

}  // namespace myriad::app
