// What the TLS connections of a workload have in common: the versions, whom they trust, and the tickets by which each
// host takes up its sessions again. OpenSSL's SSL_CTX, made once and shared by all shards.
//
// Here purity ends: the key shares and randoms of a handshake come from OpenSSL's own generator, and the validity of
// certificates and the age of tickets are judged by its own clock. A run with TLS has the same dialogue every time, not
// the same bytes. All else is as everywhere in this room: no system calls, no descriptors; bytes go in and out.
//
// A host's ticket is touched only by the shard that has the host, so none of them needs a lock.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

struct ssl_ctx_st;
struct ssl_session_st;
struct ssl_st;

namespace myriad::app {

enum class TlsVersion : std::uint8_t { k12, k13 };

struct TlsOptions {
  std::string name;    // of the server: for SNI, and what its certificate must be for; an address is not sent as SNI
  bool verify = true;  // its certificate
  bool trusts_system = true;  // the authorities that the system trusts; else those of `authorities`
  std::string authorities;    // PEM
  bool resume = true;         // take up earlier sessions of the same host
  TlsVersion least = TlsVersion::k12;
  TlsVersion most = TlsVersion::k13;
  std::uint32_t hosts = 1;  // SessionFacts::host is below
};

class TlsClient {
 public:
  struct FreeContext {
    void operator()(ssl_ctx_st* context) const;
  };
  struct FreeSession {
    void operator()(ssl_session_st* session) const;
  };
  struct FreeConnection {
    void operator()(ssl_st* connection) const;
  };
  using Session = std::unique_ptr<ssl_session_st, FreeSession>;
  using Connection = std::unique_ptr<ssl_st, FreeConnection>;
  // Called with what a connection could be taken up by: returns 1 if it owns that from now on, otherwise 0.
  using OnSession = int (*)(ssl_st* connection, ssl_session_st* session);

  // Fails when `authorities` has no certificate in it, or the library cannot do what is asked for.
  static Result<std::shared_ptr<const TlsClient>> make(const TlsOptions& options, OnSession on_session);

  // A client's connection of that host that has not begun its handshake and has no BIO.
  [[nodiscard]] Connection connect(std::uint32_t host) const;
  // What a later connection of that host may take up again; the last one counts.
  void keep(std::uint32_t host, Session session) const;

 private:
  TlsClient(std::unique_ptr<ssl_ctx_st, FreeContext> context, const TlsOptions& options);

  std::unique_ptr<ssl_ctx_st, FreeContext> context_;
  std::string sni_;  // empty: none
  bool resume_;
  // By host. Not constant although the client is: each is its host's, and used by one thread.
  mutable std::vector<Session> tickets_;
};

}  // namespace myriad::app
