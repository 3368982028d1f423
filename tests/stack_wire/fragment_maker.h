// Cuts datagrams into fragments for tests.
#pragma once

#include <cstdint>
#include <vector>

#include "stack/wire/ip.h"

namespace myriad {

struct DatagramToCut {
  IpAddress src;
  IpAddress dst;
  std::uint32_t id = 1;
  std::uint8_t protocol = wire::kProtocolUdp;
  std::vector<std::uint8_t> payload;
};

// The packet that carries payload bytes [begin, end); `more` as the header shall say.
inline std::vector<std::uint8_t> fragment_of(const DatagramToCut& datagram, std::size_t begin, std::size_t end,
                                             bool more) {
  const auto offset = static_cast<std::uint16_t>(begin);
  std::vector<std::uint8_t> packet;
  if (datagram.dst.is_v4()) {
    packet.resize(wire::kIpv4HeaderBytes);
    wire::Ipv4Repr{.src = datagram.src.v4(),
                   .dst = datagram.dst.v4(),
                   .protocol = datagram.protocol,
                   .id = static_cast<std::uint16_t>(datagram.id),
                   .more_fragments = more,
                   .fragment_offset = offset,
                   .payload_length = end - begin}
        .emit(packet);
  } else {
    packet.resize(wire::kIpv6HeaderBytes + wire::kIpv6FragmentHeaderBytes);
    wire::Ipv6Repr{.src = datagram.src.v6(),
                   .dst = datagram.dst.v6(),
                   .next_header = wire::kHeaderFragment,
                   .payload_length = wire::kIpv6FragmentHeaderBytes + end - begin}
        .emit(MutableBytes{packet}.first(wire::kIpv6HeaderBytes));
    wire::Ipv6FragmentRepr{datagram.protocol, offset, more, datagram.id}.emit(
        MutableBytes{packet}.subspan(wire::kIpv6HeaderBytes));
  }
  packet.insert(packet.end(), datagram.payload.begin() + static_cast<std::ptrdiff_t>(begin),
                datagram.payload.begin() + static_cast<std::ptrdiff_t>(end));
  return packet;
}

// All fragments in order, `step` bytes each, a multiple of 8.
inline std::vector<std::vector<std::uint8_t>> cut(const DatagramToCut& datagram, std::size_t step) {
  std::vector<std::vector<std::uint8_t>> packets;
  const std::size_t size = datagram.payload.size();
  for (std::size_t at = 0; at < size; at += step) {
    const std::size_t end = std::min(size, at + step);
    packets.push_back(fragment_of(datagram, at, end, end != size));
  }
  return packets;
}

inline wire::IpView packet_view(const std::vector<std::uint8_t>& packet) {
  return wire::IpView::parse(packet, packet.at(0) >> 4 == 4 ? wire::kEtherTypeIpv4 : wire::kEtherTypeIpv6).value();
}

}  // namespace myriad
