// A TLS server in memory, by OpenSSL alone: what the client says goes in, what the server says comes out. Its
// certificates are made here, signed by an authority that is made here too.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>

namespace myriad::app {

// A self-signed certificate that is its own authority, for a name and an address.
struct TlsIdentity {
  std::string certificate;  // PEM
  std::string key;          // PEM

  static TlsIdentity make(const std::string& name, const std::string& address);
};

class TlsPeer {
 public:
  struct Options {
    int least = TLS1_2_VERSION;
    int most = TLS1_3_VERSION;
    bool tickets = true;
    std::string_view protocol = "http/1.1";  // chosen by ALPN; empty: the server knows nothing of it
  };

  // What all connections to one server share: its tickets, above all.
  class Server {
   public:
    Server(const TlsIdentity& identity, const Options& options);
    ~Server() { SSL_CTX_free(context_); }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

   private:
    friend class TlsPeer;
    SSL_CTX* context_;
    Options options_;
  };

  explicit TlsPeer(Server& server);
  ~TlsPeer() { SSL_free(ssl_); }
  TlsPeer(const TlsPeer&) = delete;
  TlsPeer& operator=(const TlsPeer&) = delete;

  // Bytes of the client; what they say is added to `heard`. Returns what the server says to them.
  std::string hear(std::string_view bytes);
  // Returns the records that say it.
  std::string say(std::string_view text);
  std::string close();       // close_notify
  std::string update_key();  // TLS 1.3, and asks the client to do so too
  [[nodiscard]] bool shaken() const { return SSL_is_init_finished(ssl_) == 1; }
  [[nodiscard]] bool resumed() const { return SSL_session_reused(ssl_) == 1; }
  [[nodiscard]] bool client_closed() const { return (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0; }
  // What the client asked for by SNI; empty when it did not.
  [[nodiscard]] std::string name() const;

  std::string heard;

 private:
  std::string said();

  SSL* ssl_;
  BIO* in_;
  BIO* out_;
};

}  // namespace myriad::app
