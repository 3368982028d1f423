#include "stack/egress.h"

#include <algorithm>

namespace myriad::stack {
namespace {

// One fragment: Ethernet, the fixed header, for IPv6 the fragment header, and a part of the datagram.
void send_fragment(TxBatch& out, const Host& host, const MacAddress& to, const wire::IpRepr& ip, Bytes part,
                   std::uint16_t offset, bool more, std::uint32_t id) {
  const MutableBytes frame = out.open();
  const wire::EthernetRepr ethernet{to, host.mac, host.vlan, ip.ether_type()};
  ethernet.emit_header(frame.data());
  std::size_t at = ethernet.header_size();
  if (ip.dst.is_v4()) {
    const wire::Ipv4Repr header{.src = ip.src.v4(),
                                .dst = ip.dst.v4(),
                                .protocol = ip.protocol,
                                .ttl = ip.hop_limit,
                                .tos = ip.traffic_class,
                                .id = static_cast<std::uint16_t>(id),
                                .more_fragments = more,
                                .fragment_offset = offset,
                                .payload_length = part.size()};
    header.emit_header(frame.data() + at);
    at += header.emitted_size();
  } else {
    const wire::Ipv6FragmentRepr fragment{ip.protocol, offset, more, id};
    const wire::Ipv6Repr header{.src = ip.src.v6(),
                                .dst = ip.dst.v6(),
                                .next_header = wire::kHeaderFragment,
                                .hop_limit = ip.hop_limit,
                                .traffic_class = ip.traffic_class,
                                .payload_length = fragment.emitted_size() + part.size()};
    header.emit_header(frame.data() + at);
    at += header.emitted_size();
    fragment.emit(frame.subspan(at, fragment.emitted_size()));
    at += fragment.emitted_size();
  }
  std::copy(part.begin(), part.end(), frame.begin() + static_cast<std::ptrdiff_t>(at));
  const std::size_t length = at + part.size();
  if (length < kMinimumFrameBytes) std::memset(frame.data() + length, 0, kMinimumFrameBytes - length);
  out.commit(std::max(length, kMinimumFrameBytes));
}

}  // namespace

bool send_datagram(TxBatch& out, const Host& host, const MacAddress& to, wire::IpRepr ip, Bytes payload,
                   std::uint16_t mtu, std::uint32_t id) {
  if (ip.header_size() + payload.size() <= mtu) {
    if (out.room() == 0) return false;
    ip.payload_length = payload.size();
    Packet packet{out, host, to, ip};
    std::copy(payload.begin(), payload.end(), packet.payload().begin());
    packet.send();
    return true;
  }
  const std::size_t headers = ip.header_size() + (ip.dst.is_v6() ? wire::kIpv6FragmentHeaderBytes : 0);
  const std::size_t most = (mtu - headers) & ~std::size_t{7};
  if (out.room() < (payload.size() + most - 1) / most) return false;
  for (std::size_t offset = 0; offset < payload.size(); offset += most) {
    const std::size_t length = std::min(most, payload.size() - offset);
    send_fragment(out, host, to, ip, payload.subspan(offset, length), static_cast<std::uint16_t>(offset),
                  offset + length < payload.size(), id);
  }
  return true;
}

}  // namespace myriad::stack
