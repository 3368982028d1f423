#include "cli/kernel_http.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include "cli/socket_address.h"

namespace myriad::cli {
namespace {

constexpr std::size_t kMaxRequestBytes = 8192;
constexpr int kBacklog = 4096;

Result<int> open_listener(const IpAddress& address, Port port) {
  const SocketAddress name{address, port};
  const int socket = ::socket(name.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket < 0) return fail(Fault::kMachine, "opening a socket for " + address.text(), {}, errno);
  const int one = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (name.family() == AF_INET6) ::setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
  if (::bind(socket, name.get(), name.size()) != 0 || ::listen(socket, kBacklog) != 0) {
    const int error = errno;
    ::close(socket);
    return fail(Fault::kMachine, fmt::format("listening on {} port {}", address.text(), port.number), {}, error);
  }
  return socket;
}

}  // namespace

KernelHttp::KernelHttp(int epoll, Bytes body)
    : epoll_(epoll),
      body_(body),
      head_(fmt::format("HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {}\r\n"
                        "Connection: close\r\n\r\n",
                        body.size())) {}

KernelHttp::KernelHttp(KernelHttp&& other) noexcept
    : epoll_(std::exchange(other.epoll_, -1)),
      body_(other.body_),
      head_(std::move(other.head_)),
      listeners_(std::move(other.listeners_)),
      connections_(std::move(other.connections_)) {
  other.listeners_.clear();
}

KernelHttp::~KernelHttp() {
  for (const int listener : listeners_) ::close(listener);
  if (epoll_ >= 0) ::close(epoll_);
}

Result<KernelHttp> KernelHttp::listen(const std::vector<IpAddress>& addresses, Port port, Bytes body) {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) return fail(Fault::kMachine, "opening an epoll descriptor", {}, errno);
  KernelHttp server{epoll, body};
  for (const IpAddress& address : addresses) {
    const auto listener = open_listener(address, port);
    if (!listener) return tl::unexpected(listener.error());
    server.listeners_.push_back(*listener);
    server.watch(*listener, EPOLLIN, EPOLL_CTL_ADD);
  }
  return server;
}

void KernelHttp::watch(int socket, std::uint32_t events, int operation) const {
  epoll_event event{};
  event.events = events;
  event.data.fd = socket;
  ::epoll_ctl(epoll_, operation, socket, &event);
}

void KernelHttp::serve_until(int stop_fd) {
  watch(stop_fd, EPOLLIN, EPOLL_CTL_ADD);
  std::array<epoll_event, 256> events{};
  for (;;) {
    const int ready = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
    if (ready < 0 && errno != EINTR) break;
    for (int i = 0; i < ready; ++i) {
      const int socket = events[static_cast<std::size_t>(i)].data.fd;
      if (socket == stop_fd) {
        ::epoll_ctl(epoll_, EPOLL_CTL_DEL, stop_fd, nullptr);
        return;
      }
      if (std::find(listeners_.begin(), listeners_.end(), socket) != listeners_.end()) {
        accept_all(socket);
      } else {
        on_ready(socket);
      }
    }
  }
}

void KernelHttp::accept_all(int listener) {
  for (;;) {
    const int socket = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) return;
    const auto index = static_cast<std::size_t>(socket);
    if (connections_.size() <= index) connections_.resize(index + 1);
    connections_[index] = Connection{};
    watch(socket, EPOLLIN, EPOLL_CTL_ADD);
  }
}

void KernelHttp::on_ready(int socket) {
  Connection& connection = connections_[static_cast<std::size_t>(socket)];
  const bool goes_on = connection.answering ? write_answer(socket, connection) : read_request(socket, connection);
  if (!goes_on) close_connection(socket);
}

bool KernelHttp::read_request(int socket, Connection& connection) {
  std::array<char, 2048> chunk{};
  const ssize_t got = ::recv(socket, chunk.data(), chunk.size(), 0);
  if (got <= 0) return got < 0 && (errno == EAGAIN || errno == EINTR);
  connection.request.insert(connection.request.end(), chunk.begin(), chunk.begin() + got);
  const std::string_view request{connection.request.data(), connection.request.size()};
  if (request.find("\r\n\r\n") == std::string_view::npos) return request.size() <= kMaxRequestBytes;
  if (!request.starts_with("GET ")) return false;
  connection.request = {};
  connection.answering = true;
  watch(socket, EPOLLOUT, EPOLL_CTL_MOD);
  return write_answer(socket, connection);
}

bool KernelHttp::write_answer(int socket, Connection& connection) {
  while (connection.sent < head_.size() + body_.size()) {
    std::array<iovec, 2> parts{};
    const std::size_t head_left = head_.size() - std::min(connection.sent, head_.size());
    const std::size_t body_at = connection.sent + head_left - head_.size();
    parts[0] = {head_.data() + (head_.size() - head_left), head_left};
    parts[1] = {const_cast<std::uint8_t*>(body_.data()) + body_at, body_.size() - body_at};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    const ssize_t sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    connection.sent += static_cast<std::size_t>(sent);
  }
  return false;
}

void KernelHttp::close_connection(int socket) {
  connections_[static_cast<std::size_t>(socket)] = Connection{};
  ::shutdown(socket, SHUT_WR);
  ::close(socket);
}

}  // namespace myriad::cli
