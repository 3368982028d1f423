// Who of our hosts is talking to whom by UDP: conversations that hosts have opened, each from a port of its own to
// exactly one remote address and port. What comes from there belongs to it, and so do the ICMP errors about what was
// sent.
//
// A conversation is 40 bytes, found by hash; nothing is allocated for a datagram.
#pragma once

#include <cstdint>
#include <optional>
#include <tl/expected.hpp>
#include <vector>

#include "base/hash_index.h"
#include "base/rng.h"
#include "stack/events.h"
#include "stack/host_table.h"

namespace myriad::stack {

class UdpConversations {
 public:
  // RFC 6056 section 3.2: as wide as possible; below lie the services of most targets.
  static constexpr std::uint16_t kFirstPort = 16384;

  struct Conversation {
    IpAddress remote;
    HostId host = kNoHost;  // kNoHost: free
    Port local;
    Port remote_port;
    Cookie cookie = 0;
    std::uint32_t next_free = HashIndex::kNone;
    std::uint16_t last_length = 0;  // of the UDP datagram sent last, with its header; 0: none yet
    bool unreachable_seen = false;  // a passing ICMP error
  };

  // `secret` keys the hash. At most `limit` at a time.
  UdpConversations(std::uint64_t secret, std::uint32_t limit)
      : secret_(secret), limit_(std::min(limit, HashIndex::kLimit)) {}

  // The port is drawn by `luck` among those that are free towards this remote and for which `taken(port)` is false.
  template <class Taken>
  tl::expected<ConversationId, FailReason> open(HostId host, const IpAddress& remote, Port remote_port, Cookie cookie,
                                                std::uint64_t luck, Taken&& taken) {
    if (index_.size() >= limit_) return tl::unexpected(FailReason::kNoRoom);
    const auto offset = static_cast<std::uint32_t>(mix64(luck) >> 32);
    for (std::uint32_t tried = 0; tried < kPorts; ++tried) {
      const Port local{static_cast<std::uint16_t>(kFirstPort + (offset + tried) % kPorts)};
      if (find(host, local, remote, remote_port) != kNoConversation || taken(local)) continue;
      return add({.remote = remote, .host = host, .local = local, .remote_port = remote_port, .cookie = cookie});
    }
    return tl::unexpected(FailReason::kNoPort);
  }
  // Precondition: it is open.
  void close(ConversationId id);
  [[nodiscard]] ConversationId find(HostId host, Port local, const IpAddress& remote, Port remote_port) const;
  [[nodiscard]] Conversation& operator[](ConversationId id) { return all_[static_cast<std::uint32_t>(id)]; }
  [[nodiscard]] const Conversation& operator[](ConversationId id) const { return all_[static_cast<std::uint32_t>(id)]; }
  [[nodiscard]] std::uint32_t size() const { return index_.size(); }

  // An ICMP error quotes a datagram of that host, `quoted` from its UDP header on. Whose conversation it is about, if
  // it can be about one: its ports and the length of what was sent last are right (after RFC 5927 section 4.1).
  [[nodiscard]] ConversationId quoted(HostId host, const IpAddress& remote, Bytes quoted) const;

 private:
  static constexpr std::uint32_t kPorts = 65536 - kFirstPort;

  [[nodiscard]] std::uint64_t hash_of(HostId host, Port local, const IpAddress& remote, Port remote_port) const {
    const std::uint64_t high = load_be64(remote.octets().data());
    const std::uint64_t low = load_be64(remote.octets().data() + 8);
    const std::uint64_t rest = (std::uint64_t{static_cast<std::uint32_t>(host)} << 32) |
                               (std::uint32_t{local.number} << 16) | remote_port.number;
    return mix64(rest ^ mix64(secret_ ^ high ^ (low * 0x9e3779b97f4a7c15ULL)));
  }
  [[nodiscard]] std::uint64_t hash_of(const Conversation& c) const {
    return hash_of(c.host, c.local, c.remote, c.remote_port);
  }
  ConversationId add(const Conversation& conversation);

  std::vector<Conversation> all_;
  HashIndex index_;
  std::uint32_t free_ = HashIndex::kNone;
  std::uint64_t secret_;
  std::uint32_t limit_;
};

}  // namespace myriad::stack
