// A very small HTTP/1.1 server on kernel sockets: one file, whatever the path, then the connection is closed. It stands
// in for nginx in `myriad demo` where that is not installed. One thread; bounded memory per connection.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/result.h"

namespace myriad::cli {

class KernelHttp {
 public:
  // Listens on that port of all addresses. `body` outlives the server.
  static Result<KernelHttp> listen(const std::vector<IpAddress>& addresses, Port port, Bytes body);
  KernelHttp(KernelHttp&& other) noexcept;
  KernelHttp& operator=(KernelHttp&&) = delete;
  KernelHttp(const KernelHttp&) = delete;
  KernelHttp& operator=(const KernelHttp&) = delete;
  ~KernelHttp();

  // Serves until `stop_fd` becomes readable.
  void serve_until(int stop_fd);

 private:
  struct Connection {
    std::vector<char> request;  // until its blank line, then empty
    std::size_t sent = 0;       // of the answer: head and body
    bool answering = false;
  };

  KernelHttp(int epoll, Bytes body);
  void accept_all(int listener);
  void on_ready(int socket);
  // False when the connection is over.
  bool read_request(int socket, Connection& connection);
  bool write_answer(int socket, Connection& connection);
  void watch(int socket, std::uint32_t events, int operation) const;
  void close_connection(int socket);

  int epoll_;
  Bytes body_;
  std::string head_;
  std::vector<int> listeners_;
  std::vector<Connection> connections_;  // by descriptor
};

}  // namespace myriad::cli
