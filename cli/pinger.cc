#include "cli/pinger.h"

#include <netinet/icmp6.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <vector>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/rng.h"
#include "cli/socket_address.h"

namespace myriad::cli {
namespace {

constexpr std::size_t kIcmpHeaderBytes = 8;
constexpr std::size_t kDataBytes = 56;
constexpr std::size_t kMessageBytes = kIcmpHeaderBytes + kDataBytes;
constexpr int kSocketBufferBytes = 8 << 20;
// How many requests go out before replies are looked for: a raw socket holds some thousands of them.
constexpr std::uint32_t kBurst = 64;

using Message = std::array<std::uint8_t, kMessageBytes>;

class Pinger {
 public:
  Pinger(const PingTargets& targets, int socket)
      : targets_(targets), socket_(socket), id_(static_cast<std::uint16_t>(::getpid())), answered_(targets.count) {}
  Pinger(const Pinger&) = delete;
  Pinger& operator=(const Pinger&) = delete;
  ~Pinger() { ::close(socket_); }

  void round(Duration patience) {
    const auto end = std::chrono::steady_clock::now() + patience;
    std::uint32_t in_burst = 0;
    for (std::uint32_t i = 0; i < targets_.count; ++i) {
      if (answered_[i]) continue;
      send_request(i);
      if (++in_burst % kBurst == 0) hear_replies(end, false);
    }
    while (outcome_.answered < targets_.count && hear_replies(end, true)) {}
  }
  [[nodiscard]] PingOutcome outcome() const { return outcome_; }

 private:
  [[nodiscard]] bool v6() const { return targets_.first.is_v6(); }
  [[nodiscard]] IpAddress target(std::uint32_t i) const {
    return v6() ? IpAddress{targets_.first.v6().plus(i)} : IpAddress{targets_.first.v4() + i};
  }
  // Data that only the right reply can have.
  [[nodiscard]] Message message_for(std::uint32_t i, std::uint8_t type) const {
    Message message{};
    message[0] = type;
    store_be16(message.data() + 4, id_);
    store_be16(message.data() + 6, static_cast<std::uint16_t>(i));
    Rng rng{(std::uint64_t{id_} << 32) | i};
    for (std::size_t at = kIcmpHeaderBytes; at < kMessageBytes; at += 8) store_be64(message.data() + at, rng.next());
    return message;
  }

  void send_request(std::uint32_t i) {
    Message message = message_for(i, v6() ? ICMP6_ECHO_REQUEST : 8);
    // The kernel fills in the checksum of ICMPv6, since it covers the source address.
    if (!v6()) checksum_store(message.data() + 2, checksum_add(0, message));
    const SocketAddress to{target(i), Port{}};
    if (::sendto(socket_, message.data(), message.size(), 0, to.get(), to.size()) > 0) ++outcome_.requests;
  }

  // Takes all replies that are there, or waits for the first until `end`; false when the time is over.
  bool hear_replies(std::chrono::steady_clock::time_point end, bool wait) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (wait && left.count() <= 0) return false;
    pollfd ready{socket_, POLLIN, 0};
    if (wait) ::poll(&ready, 1, static_cast<int>(left.count()));
    std::array<std::uint8_t, 2048> packet{};
    sockaddr_storage from{};
    for (;;) {
      socklen_t size = sizeof from;
      const ssize_t got =
          ::recvfrom(socket_, packet.data(), packet.size(), MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&from), &size);
      if (got < 0) return true;
      const auto source = address_in(from);
      if (source) hear(Bytes{packet}.first(static_cast<std::size_t>(got)), *source);
    }
  }

  void hear(Bytes packet, const IpAddress& from) {
    // A raw socket of IPv4 hands over the IP header as well.
    if (!v6()) {
      if (packet.empty() || packet.size() < std::size_t{packet[0] & 0xfU} * 4) return;
      packet = packet.subspan(std::size_t{packet[0] & 0xfU} * 4);
    }
    if (packet.size() != kMessageBytes) return;
    // Counts beyond 65,536 wrap in the sequence number: the address tells which one it was.
    const std::uint32_t low = load_be16(packet.data() + 6);
    for (std::uint32_t i = low; i < targets_.count; i += 65536) {
      if (target(i) != from || answered_[i]) continue;
      const Message expected = message_for(i, v6() ? ICMP6_ECHO_REPLY : 0);
      const bool same = packet[0] == expected[0] && packet[1] == 0 &&
                        std::equal(expected.begin() + 4, expected.end(), packet.begin() + 4);
      if (!same) continue;
      answered_[i] = true;
      ++outcome_.answered;
    }
  }

  PingTargets targets_;
  int socket_;
  std::uint16_t id_;
  std::vector<bool> answered_;
  PingOutcome outcome_;
};

}  // namespace

Result<PingOutcome> ping_all(const PingTargets& targets, std::uint32_t rounds, Duration patience) {
  const bool v6 = targets.first.is_v6();
  const int socket = v6 ? ::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6)
                        : ::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
  if (socket < 0) return fail(Fault::kMachine, "opening a raw ICMP socket", "run it with sudo", errno);
  for (const int which : {SO_SNDBUFFORCE, SO_RCVBUFFORCE}) {
    ::setsockopt(socket, SOL_SOCKET, which, &kSocketBufferBytes, sizeof kSocketBufferBytes);
  }
  if (v6) {
    icmp6_filter filter{};
    ICMP6_FILTER_SETBLOCKALL(&filter);
    ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
    ::setsockopt(socket, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter);
  }
  Pinger pinger{targets, socket};
  for (std::uint32_t round = 0; round < rounds && pinger.outcome().answered < targets.count; ++round) {
    pinger.round(patience);
  }
  return pinger.outcome();
}

}  // namespace myriad::cli
