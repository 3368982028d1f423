// ICMP and ICMPv6 of all hosts: answers echo requests, sends errors within the limits, hears errors about what we sent,
// and sends echo requests for the application.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/frame.h"
#include "stack/counters.h"
#include "stack/events.h"
#include "stack/host_table.h"
#include "stack/neigh/cache.h"
#include "stack/tcp/tcp.h"
#include "stack/udp_conversations.h"
#include "stack/wire/icmp.h"

namespace myriad::stack {

enum class EchoStatus : std::uint8_t {
  kSent,
  kResolving,  // a kResolved or kUnresolved event for the cookie follows
  kNoRoom,     // the batch is full: try again next turn
  kNoRoute,    // no address of that family, or no gateway
};

// The bytes of an echo request's data: they depend on identifier, sequence number and place, so that a reply can be
// verified without keeping what was sent.
void fill_echo_data(std::uint16_t id, std::uint16_t sequence, MutableBytes out);
[[nodiscard]] bool is_echo_data(std::uint16_t id, std::uint16_t sequence, Bytes data);

class Icmp {
 public:
  Icmp(const HostTable& hosts, NeighbourCache& neighbours, tcp::Tcp& tcp, UdpConversations& udp,
       std::vector<GroupCounters>& counters, std::vector<Event>& events, DropCounters& drops)
      : hosts_(hosts),
        neighbours_(neighbours),
        tcp_(tcp),
        udp_(udp),
        counters_(counters),
        events_(events),
        drops_(drops) {}

  // A message to `host`, other than neighbour discovery.
  void on_message(const Host& host, const MacAddress& from, const wire::IpView& ip, const wire::IcmpView& icmp,
                  Instant now, TxBatch& out);
  // Nobody listens there. Keeps to RFC 1122 section 3.2.2 and RFC 4443 section 2.4: no error about errors, groups and
  // fragments; and a limited rate per host.
  void port_unreachable(const Host& host, const MacAddress& to, const wire::IpView& about, Instant now, TxBatch& out);
  void protocol_unreachable(const Host& host, const MacAddress& to, const wire::IpView& about, Instant now,
                            TxBatch& out);

  EchoStatus send_echo(const Host& from, const IpAddress& to, std::uint16_t id, std::uint16_t sequence,
                       std::size_t data_bytes, Cookie cookie, Instant now, TxBatch& out);

 private:
  // RFC 4443 section 2.4 (f): a token bucket of 10 messages, 10 more a second. Hosts share the buckets by their number:
  // more hosts than buckets can only make the limit stricter.
  struct Bucket {
    std::uint32_t tokens = kBurst;
    Instant refilled;
  };
  static constexpr std::uint32_t kBurst = 10;
  static constexpr Duration kTokenEvery = std::chrono::milliseconds{100};
  static constexpr std::size_t kBuckets = 4096;

  void reply(const Host& host, const MacAddress& to, const wire::IpView& ip, const wire::IcmpView& request,
             TxBatch& out);
  void on_error(const Host& host, const wire::IpView& ip, const wire::IcmpView& icmp, Instant now);
  void on_udp_error(const Host& host, const IpAddress& remote, Bytes quoted, const wire::IcmpView& icmp);
  void send_error(const Host& host, const MacAddress& to, const wire::IpView& about, const wire::IcmpRepr& error,
                  Instant now, TxBatch& out);
  [[nodiscard]] bool may_send_error(const Host& host, Instant now);

  const HostTable& hosts_;
  NeighbourCache& neighbours_;
  tcp::Tcp& tcp_;
  UdpConversations& udp_;
  std::vector<GroupCounters>& counters_;
  std::vector<Event>& events_;
  DropCounters& drops_;
  std::vector<Bucket> buckets_ = std::vector<Bucket>(kBuckets);
  std::vector<std::uint8_t> scratch_;  // a message larger than a frame, before it is cut into fragments
  std::uint32_t datagram_id_ = 0;
};

}  // namespace myriad::stack
