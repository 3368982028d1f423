// What a good client on kernel sockets reaches: one thread, epoll, connections from many source addresses in turn. The
// figure that Myriad's is divided by; run by bench/http_connections and bench/idle_connections.
//
// Two modes. Rate: `concurrent` connections at a time, each one request with `Connection: close`, read to the end, then
// the next, for some seconds. Idle (--hold N): opens N connections with one answered request each, says so, and keeps
// them until its standard input is closed.
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <string>
#include <system_error>
#include <vector>

#include "base/addr.h"

namespace myriad {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  Ipv4Address from;
  std::uint32_t addresses = 1000;
  Ipv4Address to;
  std::uint16_t port = 80;
  std::string path = "/s";
  std::uint32_t concurrent = 256;
  double seconds = 3;
  std::uint32_t hold = 0;
};

struct Counts {
  std::uint64_t answered = 0;
  std::uint64_t failed = 0;
};

sockaddr_in address_of(Ipv4Address ip, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  store_be16(reinterpret_cast<std::uint8_t*>(&address.sin_port), port);
  ip.store(reinterpret_cast<std::uint8_t*>(&address.sin_addr));
  return address;
}

class Client {
 public:
  explicit Client(const Options& options)
      : options_(options),
        epoll_(epoll_create1(EPOLL_CLOEXEC)),
        target_(address_of(options.to, options.port)),
        request_(fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nConnection: {}\r\n\r\n", options.path, options.to.text(),
                             options.hold != 0 ? "keep-alive" : "close")) {}

  // Rate: keeps `concurrent` connections going until the time is over.
  Counts run() {
    const auto end =
        Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options_.seconds));
    while (Clock::now() < end) {
      while (open_ < options_.concurrent && start()) continue;
      turn();
    }
    return counts_;
  }

  // Idle: opens `hold` connections, at most `concurrent` of them unanswered at a time; true when all were answered.
  bool hold() {
    const auto give_up = Clock::now() + std::chrono::seconds{60};
    while (counts_.answered < options_.hold && counts_.failed == 0 && Clock::now() < give_up) {
      while (open_ < options_.hold && open_ - counts_.answered < options_.concurrent && start()) continue;
      turn();
    }
    return counts_.answered == options_.hold;
  }

 private:
  enum class Stage : std::uint8_t { kConnecting, kAsked, kAnswered };

  bool start() {
    const int socket_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket_fd < 0) return give_up();
    // The port is chosen at connect(), when the whole four-tuple is known: 28,000 ports for each pair, not for all.
    const int yes = 1;
    setsockopt(socket_fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    const sockaddr_in source = address_of(options_.from + next_++ % options_.addresses, 0);
    if (bind(socket_fd, reinterpret_cast<const sockaddr*>(&source), sizeof source) != 0 ||
        (connect(socket_fd, reinterpret_cast<const sockaddr*>(&target_), sizeof target_) != 0 &&
         errno != EINPROGRESS)) {
      close(socket_fd);
      return give_up();
    }
    epoll_event event{.events = EPOLLOUT, .data = {.fd = socket_fd}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, socket_fd, &event);
    const auto index = static_cast<std::size_t>(socket_fd);
    if (stages_.size() <= index) stages_.resize(index + 1);
    stages_[index] = Stage::kConnecting;
    ++open_;
    return true;
  }
  bool give_up() {
    if (++counts_.failed == 1) fmt::print(stderr, "kernel_client: {}\n", std::generic_category().message(errno));
    return false;
  }

  void turn() {
    std::array<epoll_event, 512> events;
    const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 100);
    for (int i = 0; i < count; ++i) on_ready(events[static_cast<std::size_t>(i)].data.fd);
  }

  void on_ready(int socket_fd) {
    Stage& stage = stages_[static_cast<std::size_t>(socket_fd)];
    if (stage == Stage::kConnecting) {
      if (send(socket_fd, request_.data(), request_.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request_.size())) {
        return finish(socket_fd, false);
      }
      stage = Stage::kAsked;
      epoll_event event{.events = EPOLLIN, .data = {.fd = socket_fd}};
      epoll_ctl(epoll_, EPOLL_CTL_MOD, socket_fd, &event);
      return;
    }
    const ssize_t received = recv(socket_fd, buffer_.data(), buffer_.size(), 0);
    if (received > 0) {
      if (options_.hold != 0 && stage == Stage::kAsked) ++counts_.answered;
      stage = Stage::kAnswered;
    } else if (received == 0 || errno != EAGAIN) {
      finish(socket_fd, received == 0 && stage == Stage::kAnswered && options_.hold == 0);
    }
  }

  void finish(int socket_fd, bool good) {
    close(socket_fd);
    --open_;
    ++(good ? counts_.answered : counts_.failed);
  }

  Options options_;
  int epoll_;
  sockaddr_in target_;
  std::string request_;
  std::vector<Stage> stages_;  // by file descriptor
  std::array<char, 65536> buffer_;
  std::uint32_t next_ = 0;
  std::uint32_t open_ = 0;
  Counts counts_;
};

void raise_descriptor_limit() {
  rlimit limit{1'000'000, 1'000'000};
  if (setrlimit(RLIMIT_NOFILE, &limit) == 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int run(const Options& options) {
  raise_descriptor_limit();
  Client client{options};
  if (options.hold != 0) {
    const bool held = client.hold();
    fmt::print("{{\"held\": {}}}\n", held ? options.hold : 0);
    std::fflush(stdout);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0) continue;
    return held ? 0 : 1;
  }
  const auto started = Clock::now();
  const Counts counts = client.run();
  const double seconds = std::chrono::duration<double>(Clock::now() - started).count();
  fmt::print("{{\"answered\": {}, \"failed\": {}, \"seconds\": {:.6f}}}\n", counts.answered, counts.failed, seconds);
  return 0;
}

}  // namespace
}  // namespace myriad

int main(int argc, char** argv) {
  myriad::Options options;
  std::string from = "10.78.1.1";
  std::string to = "10.78.0.2";
  CLI::App app{"HTTP client on kernel sockets, for comparison"};
  app.add_option("--from", from, "first source address");
  app.add_option("--addresses", options.addresses, "how many source addresses, used in turn")
      ->check(CLI::PositiveNumber);
  app.add_option("--to", to, "server");
  app.add_option("--port", options.port, "server's port");
  app.add_option("--path", options.path, "what to GET");
  app.add_option("--concurrent", options.concurrent, "connections at a time")->check(CLI::PositiveNumber);
  app.add_option("--seconds", options.seconds, "how long");
  app.add_option("--hold", options.hold, "open this many, keep them until standard input is closed");
  CLI11_PARSE(app, argc, argv);
  const auto first = myriad::Ipv4Address::parse(from);
  const auto server = myriad::Ipv4Address::parse(to);
  if (!first || !server) {
    fmt::print(stderr, "kernel_client: --from and --to are IPv4 addresses\n");
    return 2;
  }
  options.from = *first;
  options.to = *server;
  return myriad::run(options);
}
