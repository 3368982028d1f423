// What a receiver makes of a frame: walks its headers, sums every checksum as it stands in the frame and compares every
// length. Knows nothing of how frames are crafted.
#pragma once

#include <string>

#include "base/bytes.h"
#include "stack/wire/arp.h"
#include "stack/wire/icmp.h"
#include "stack/wire/ip.h"
#include "stack/wire/tcp.h"
#include "stack/wire/udp.h"

namespace myriad::craft {

// The layers, as in "ethernet vlan ipv4 udp 12"; behind them the bytes of payload, or what is wrong with the frame.
class Receiver {
 public:
  explicit Receiver(Bytes frame) { read_ethernet(frame); }
  [[nodiscard]] const std::string& said() const { return said_; }

 private:
  void say(const std::string& word) { said_ += (said_.empty() ? "" : " ") + word; }
  void read_ethernet(Bytes frame) {
    say("ethernet");
    if (frame.size() < 14) return say("truncated");
    read_type(load_be16(frame.data() + 12), frame.subspan(14));
  }
  void read_type(std::uint16_t type, Bytes rest) {
    if (wire::is_vlan_ether_type(type)) {
      say("vlan");
      if (rest.size() < 4) return say("truncated");
      return read_type(load_be16(rest.data() + 2), rest.subspan(4));
    }
    if (type == wire::kEtherTypeArp) return say(wire::ArpView::parse(rest) ? "arp" : "bad arp");
    if (type == wire::kEtherTypeIpv4 || type == wire::kEtherTypeIpv6) return read_ip(rest, type);
    say(std::to_string(rest.size()));
  }
  void read_ip(Bytes packet, std::uint16_t type) {
    const bool v6 = type == wire::kEtherTypeIpv6;
    say(v6 ? "ipv6" : "ipv4");
    const auto ip = wire::IpView::parse(packet, type);
    if (!ip) return say("bad ip: " + std::string(stack::kDropNames[static_cast<std::size_t>(ip.error())]));
    if (ip->packet().size() != packet.size()) return say("bad length");
    if (ip->is_fragment()) return say("fragment");
    switch (ip->protocol()) {
      case 4:
        return read_ip(ip->payload(), wire::kEtherTypeIpv4);
      case 41:
        return read_ip(ip->payload(), wire::kEtherTypeIpv6);
      case wire::kProtocolUdp:
        return read_udp(*ip);
      case wire::kProtocolTcp:
        return read_tcp(*ip);
      case wire::kProtocolIcmp:
      case wire::kProtocolIcmpv6: {
        const auto icmp = wire::IcmpView::parse(*ip);
        say(!icmp ? "bad icmp" : icmp->is_v6() ? "icmp6" : "icmp");
        return icmp ? say(std::to_string(icmp->data().size())) : void();
      }
      default:
        return say(std::to_string(ip->payload().size()));
    }
  }
  void read_udp(const wire::IpView& ip) {
    const auto view = wire::UdpView::parse(ip.payload());
    if (!view || view->segment().size() != ip.payload().size()) return say("bad udp");
    if (load_be16(ip.payload().data() + 6) == 0) return say("udp without checksum");
    check(ip, wire::kProtocolUdp, "udp", view->payload());
  }
  void read_tcp(const wire::IpView& ip) {
    const auto view = wire::TcpView::parse(ip.payload());
    if (!view) return say("bad tcp");
    check(ip, wire::kProtocolTcp, "tcp", view->payload());
  }
  void check(const wire::IpView& ip, std::uint8_t protocol, const std::string& name, Bytes payload) {
    const auto state = wire::transport_checksum(ip.src(), ip.dst(), protocol, ip.payload(), false);
    say(state == wire::ChecksumState::kGood ? name : "bad " + name + " checksum");
    say(std::to_string(payload.size()));
  }

  std::string said_;
};

inline std::string received(Bytes frame) { return Receiver(frame).said(); }

}  // namespace myriad::craft
