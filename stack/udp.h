// UDP of all hosts (RFC 768): datagrams of conversations and to listening ports become events, others are answered by
// port unreachable.
#pragma once

#include <cstdint>
#include <vector>

#include "base/frame.h"
#include "stack/events.h"
#include "stack/host_table.h"
#include "stack/icmp.h"
#include "stack/neigh/cache.h"
#include "stack/udp_conversations.h"
#include "stack/wire/udp.h"

namespace myriad::stack {

enum class DatagramStatus : std::uint8_t {
  kSent,
  kResolving,  // a kResolved or kUnresolved event for the conversation's cookie follows
  kNoRoom,     // the batch is full: try again next turn
};

class Udp {
 public:
  Udp(const HostTable& hosts, NeighbourCache& neighbours, UdpConversations& conversations, Icmp& icmp,
      std::vector<Event>& events, DropCounters& drops)
      : hosts_(hosts),
        neighbours_(neighbours),
        conversations_(conversations),
        icmp_(icmp),
        events_(events),
        drops_(drops) {}

  // `refuses`: what comes is told, and answered by port unreachable.
  void listen(GroupIndex group, Port port, Cookie cookie, bool refuses) {
    listeners_.push_back({group, port, cookie, refuses});
  }
  void on_datagram(const Host& host, const MacAddress& from, const wire::IpView& ip, Instant now, bool accept_pending,
                   TxBatch& out);
  // An answer to the datagram that is being handled goes back the way it came; others ask the neighbour cache.
  bool send(const Host& from, const IpAddress& to, Port from_port, Port to_port, Bytes data, Instant now, TxBatch& out);
  tl::expected<ConversationId, FailReason> open(const Host& from, const IpAddress& to, Port port, Cookie cookie,
                                                std::uint64_t luck);
  DatagramStatus say(ConversationId id, Bytes data, Instant now, TxBatch& out);

 private:
  struct Listener {
    GroupIndex group;
    Port port;
    Cookie cookie;
    bool refuses;
  };
  [[nodiscard]] const Listener* listener_on(GroupIndex group, Port port) const;
  // The same, or else the one on every port.
  [[nodiscard]] const Listener* listener(GroupIndex group, Port port) const {
    const Listener* const own = listener_on(group, port);
    return own != nullptr ? own : listener_on(group, kEveryPort);
  }
  // Precondition: `own` is an address of the host. False: the batch has no room.
  bool write(const Host& from, const MacAddress& mac, const IpAddress& own, const IpAddress& to, Port from_port,
             Port to_port, Bytes data, TxBatch& out);

  const HostTable& hosts_;
  NeighbourCache& neighbours_;
  UdpConversations& conversations_;
  Icmp& icmp_;
  std::vector<Event>& events_;
  DropCounters& drops_;
  std::vector<Listener> listeners_;  // a handful: services of the scenario
  struct {
    HostId host = kNoHost;
    IpAddress remote;
    MacAddress mac;
  } last_heard_;
  std::vector<std::uint8_t> scratch_;
  std::uint32_t datagram_id_ = 0;
};

}  // namespace myriad::stack
