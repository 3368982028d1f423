// The application of a script: system calls as scripts write them, mapped onto the stack. What has been received but
// not read is held, so that the window closes as it does with a socket's buffer. Buffers for sending have no end here.
//
// close() is what it is for sockets: a FIN after everything written; but a reset when there is unread data, when data
// comes afterwards (RFC 9293 section 3.6.1, RFC 2525 section 2.17), or when SO_LINGER asks for it.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "stack/stack.h"
#include "tests/scripts/other_side.h"
#include "tests/scripts/script.h"

namespace myriad::scripts {

class Sockets {
 public:
  // What a call has come to.
  struct Answer {
    bool waits = false;  // a socket that blocks would not have returned yet
    std::string real;    // empty when the result is the one that the script expects; else what it is
  };

  Sockets(const Script& script, stack::Stack& stack, OtherSide& other)
      : script_(script), stack_(stack), other_(other) {}

  // Does what the line says. Throws ScriptError for calls that mean nothing here, ScriptSkip for what is not to be had.
  [[nodiscard]] Answer call(const Action& action, const CallLine& call, Instant now);
  // The same call, which has not returned yet.
  [[nodiscard]] Answer again(const Action& action, const CallLine& call, Instant now);

  // An ICMP error is about to arrive: sockets report which.
  void expect_icmp(const IcmpLine& line) { last_icmp_ = line.code; }

  // The stack's application.
  void on_event(const stack::Event& event, Instant now);
  void read(stack::Cookie cookie, std::uint64_t offset, MutableBytes out);

  // Empty while every received byte was the one that the peer had sent.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }
  // What was taken as the script says without being looked at.
  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }

 private:
  struct Result {
    std::int64_t value = 0;
    std::string error = {};
    bool waits = false;
  };
  struct Connection {
    stack::ConnectionId id = stack::kNoConnection;
    bool connected = false;
    bool gone = false;  // the stack knows it no more
    bool peer_closed = false;
    bool write_closed = false;
    bool read_closed = false;
    bool closed = false;  // by the application
    bool told = false;    // connect() has reported success
    std::string failed;   // the error that the socket has still to report
    std::uint64_t received = 0;
    std::uint64_t written = 0;
    std::uint32_t unread = 0;
  };
  enum class Kind : std::uint8_t { kFresh, kListener, kConnection };
  struct Socket {
    Kind kind = Kind::kFresh;
    std::size_t host = 0;
    std::size_t connection = 0;
    bool bound = false;
    bool linger_zero = false;
    bool blocks = true;
    bool no_delay = false;
    std::map<std::string, std::string> options;  // as set
  };

  using Call = Result (Sockets::*)(const Action& action, const CallLine& call, Instant now);
  Result perform(const Action& action, const CallLine& call, Instant now);
  Result socket(const Action& action, const CallLine& call, Instant now);
  Result bind(const Action& action, const CallLine& call, Instant now);
  Result listen(const Action& action, const CallLine& call, Instant now);
  Result accept(const Action& action, const CallLine& call, Instant now);
  Result connect(const Action& action, const CallLine& call, Instant now);
  Result connect_again(const Socket& socket);
  Result write(const Action& action, const CallLine& call, Instant now);
  Result read_bytes(const Action& action, const CallLine& call, Instant now);
  Result shutdown(const Action& action, const CallLine& call, Instant now);
  Result close(const Action& action, const CallLine& call, Instant now);
  Result fcntl(const Action& action, const CallLine& call, Instant now);
  Result ioctl(const Action& action, const CallLine& call, Instant now);
  Result poll(const Action& action, const CallLine& call, Instant now);
  Result setsockopt(const Action& action, const CallLine& call, Instant now);
  Result getsockopt(const Action& action, const CallLine& call, Instant now);

  // The socket that the first argument names, or nullptr.
  Socket* socket_of(const CallLine& call);
  Connection* connection_of(const Socket& socket) {
    return socket.kind == Kind::kConnection ? &connections_[socket.connection] : nullptr;
  }
  // The number that the script has for a new socket, when it is free.
  int new_descriptor(const CallLine& call) const;
  [[nodiscard]] std::string ready(int descriptor, const std::string& events);
  void close_listener(std::size_t host);
  void on_received(Connection& c, Bytes data);
  [[nodiscard]] std::string error_of(stack::FailReason reason, bool connected) const;

  const Script& script_;
  stack::Stack& stack_;
  OtherSide& other_;
  std::map<int, Socket> sockets_;
  std::vector<Connection> connections_;                       // by cookie
  std::map<std::size_t, std::vector<std::size_t>> accepted_;  // by host, oldest first
  std::set<std::size_t> served_;                              // hosts that have listened before
  Instant poll_ends_ = Instant::never();
  std::string last_icmp_;
  std::string trouble_;
  std::vector<std::string> notes_;
};

}  // namespace myriad::scripts
