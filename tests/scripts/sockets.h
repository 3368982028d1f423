// The application of a script: system calls as scripts write them, mapped onto the stack. Sockets never block. What has
// been received but not read is held, so that the window closes as it does with a socket's buffer.
//
// close() is what it is for sockets: a FIN after everything written; but a reset when there is unread data, when data
// comes afterwards (RFC 9293 section 3.6.1, RFC 2525 section 2.17), or when SO_LINGER asks for it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "stack/stack.h"
#include "tests/scripts/other_side.h"
#include "tests/scripts/script.h"

namespace myriad::scripts {

class Sockets {
 public:
  Sockets(const Script& script, stack::Stack& stack, OtherSide& other)
      : script_(script), stack_(stack), other_(other) {}

  // Does what the line says. Empty when the result is the one that the script expects; else the real one as text.
  // Throws ScriptError for calls that mean nothing here.
  [[nodiscard]] std::string call(const Action& action, const CallLine& call, Instant now);

  // The stack's application.
  void on_event(const stack::Event& event, Instant now);
  void read(stack::Cookie cookie, std::uint64_t offset, MutableBytes out);

  // Empty while every received byte was the one that the peer had sent.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }

 private:
  struct Result {
    std::int64_t value = 0;
    const char* error = "";
  };
  struct Connection {
    stack::ConnectionId id = stack::kNoConnection;
    bool connected = false;
    bool gone = false;  // the stack knows it no more
    bool peer_closed = false;
    bool write_closed = false;
    bool closed = false;  // by the application
    const char* failed = "";
    std::uint64_t received = 0;
    std::uint32_t unread = 0;
  };
  enum class Kind : std::uint8_t { kFresh, kListener, kConnection };
  struct Socket {
    Kind kind = Kind::kFresh;
    std::size_t host = 0;
    std::size_t connection = 0;
    bool bound = false;
    bool linger_zero = false;
  };

  using Call = Result (Sockets::*)(const Action& action, const CallLine& call, Instant now);
  Result socket(const Action& action, const CallLine& call, Instant now);
  Result bind(const Action& action, const CallLine& call, Instant now);
  Result listen(const Action& action, const CallLine& call, Instant now);
  Result accept(const Action& action, const CallLine& call, Instant now);
  Result connect(const Action& action, const CallLine& call, Instant now);
  Result write(const Action& action, const CallLine& call, Instant now);
  Result read_bytes(const Action& action, const CallLine& call, Instant now);
  Result shutdown(const Action& action, const CallLine& call, Instant now);
  Result close(const Action& action, const CallLine& call, Instant now);
  Result fcntl(const Action& action, const CallLine& call, Instant now);
  Result setsockopt(const Action& action, const CallLine& call, Instant now);
  Result getsockopt(const Action& action, const CallLine& call, Instant now);

  // The socket that the first argument names, or nullptr.
  Socket* socket_of(const CallLine& call);
  Socket& fresh_socket(const CallLine& call);
  Connection* connection_of(const CallLine& call);
  int next_descriptor() const;

  const Script& script_;
  stack::Stack& stack_;
  OtherSide& other_;
  std::map<int, Socket> sockets_;
  std::vector<Connection> connections_;                       // by cookie
  std::map<std::size_t, std::vector<std::size_t>> accepted_;  // by host, oldest first
  std::string trouble_;
};

}  // namespace myriad::scripts
