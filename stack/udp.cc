#include "stack/udp.h"

#include <algorithm>
#include <cassert>

#include "stack/egress.h"

namespace myriad::stack {

const Udp::Listener* Udp::listener_on(GroupIndex group, Port port) const {
  for (const Listener& l : listeners_) {
    if (l.group == group && l.port == port) return &l;
  }
  return nullptr;
}

void Udp::on_datagram(const Host& host, const MacAddress& from, const wire::IpView& ip, Instant now,
                      bool accept_pending, TxBatch& out) {
  const auto udp = wire::UdpView::parse(ip.payload());
  if (!udp) {
    ++drops_[udp.error()];
    return;
  }
  if (wire::transport_checksum(ip.src(), ip.dst(), wire::kProtocolUdp, udp->segment(), accept_pending) ==
      wire::ChecksumState::kBad) {
    ++drops_[Drop::kBadUdpChecksum];
    return;
  }
  const ConversationId conversation =
      conversations_.size() == 0 ? kNoConversation
                                 : conversations_.find(host.id, udp->dest_port(), ip.src(), udp->source_port());
  const Listener* const service = conversation == kNoConversation ? listener(host.group, udp->dest_port()) : nullptr;
  if (conversation == kNoConversation && service == nullptr) {
    ++drops_[Drop::kUdpNoPort];
    icmp_.port_unreachable(host, from, ip, now, out);
    return;
  }
  if (ip.src().is_unspecified() || udp->source_port().number == 0) {  // nowhere to answer to
    ++drops_[Drop::kBadSource];
    return;
  }
  if (service != nullptr && service->refuses) icmp_.port_unreachable(host, from, ip, now, out);
  last_heard_ = {host.id, ip.src(), from};
  Event event;
  event.kind = EventKind::kDatagram;
  event.conversation = conversation;
  event.cookie = service != nullptr ? service->cookie : conversations_[conversation].cookie;
  event.data = udp->payload();
  event.host = host.id;
  event.remote = ip.src();
  event.remote_port = udp->source_port();
  event.local_port = udp->dest_port();
  events_.push_back(event);
}

bool Udp::send(const Host& from, const IpAddress& to, Port from_port, Port to_port, Bytes data, Instant now,
               TxBatch& out) {
  const auto own = hosts_.address(from, to.is_v6());
  const auto hop = hosts_.next_hop(from, to);
  if (!own || !hop || out.room() == 0) return false;
  std::optional<MacAddress> mac;
  if (last_heard_.host == from.id && last_heard_.remote == to) {
    mac = last_heard_.mac;
  } else {
    mac = neighbours_.find(from, *hop, {NeighbourWaiter::Kind::kNobody, 0, 0}, now);
  }
  return mac && write(from, *mac, *own, to, from_port, to_port, data, out);
}

tl::expected<ConversationId, FailReason> Udp::open(const Host& from, const IpAddress& to, Port port, Cookie cookie,
                                                   std::uint64_t luck) {
  const bool nobody = to.is_multicast() || hosts_.is_broadcast(from, to);
  if (nobody || !hosts_.address(from, to.is_v6()) || !hosts_.next_hop(from, to)) {
    return tl::unexpected(FailReason::kUnreachable);
  }
  return conversations_.open(from.id, to, port, cookie, luck,
                             [&](Port local) { return listener_on(from.group, local) != nullptr; });
}

DatagramStatus Udp::say(ConversationId id, Bytes data, Instant now, TxBatch& out) {
  UdpConversations::Conversation& conversation = conversations_[id];
  if (out.room() == 0) return DatagramStatus::kNoRoom;
  const Host from = hosts_.at(conversation.host);
  const auto own = hosts_.address(from, conversation.remote.is_v6());
  const auto hop = hosts_.next_hop(from, conversation.remote);
  assert(own && hop && "open() has asked");
  const auto mac = neighbours_.find(from, *hop, {NeighbourWaiter::Kind::kCookie, conversation.cookie, 0}, now);
  if (!mac) return DatagramStatus::kResolving;
  if (!write(from, *mac, *own, conversation.remote, conversation.local, conversation.remote_port, data, out)) {
    return DatagramStatus::kNoRoom;
  }
  conversation.last_length = static_cast<std::uint16_t>(wire::kUdpHeaderBytes + data.size());
  return DatagramStatus::kSent;
}

bool Udp::write(const Host& from, const MacAddress& mac, const IpAddress& own, const IpAddress& to, Port from_port,
                Port to_port, Bytes data, TxBatch& out) {
  const wire::UdpRepr udp{from_port, to_port, data.size()};
  scratch_.resize(wire::kUdpHeaderBytes + data.size());
  udp.emit_header(scratch_.data());
  std::copy(data.begin(), data.end(), scratch_.begin() + wire::kUdpHeaderBytes);
  wire::finish_transport_checksum(wire::pseudo_header_sum(own, to, wire::kProtocolUdp, scratch_.size()),
                                  wire::kProtocolUdp, scratch_);
  const wire::IpRepr header{.src = own, .dst = to, .protocol = wire::kProtocolUdp};
  return ::myriad::stack::send_datagram(out, from, mac, header, scratch_, hosts_.group(from.group).mtu, ++datagram_id_);
}

}  // namespace myriad::stack
