// ICMP and neighbour discovery messages with a right checksum, in a packet made around them. The first byte says the
// family, the hop limit, and the kind of addresses.
#include <vector>

#include "tests/fuzz/read_everything.h"

using namespace myriad;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 + wire::kIcmpHeaderBytes || size > 60'000) return 0;
  const bool v6 = (data[0] & 1) != 0;
  IpAddress src = v6 ? IpAddress{*Ipv6Address::parse("fd00::1")} : IpAddress{Ipv4Address{0x0a000001}};
  IpAddress dst = v6 ? IpAddress{*Ipv6Address::parse("fd00::2")} : IpAddress{Ipv4Address{0x0a000002}};
  if (v6 && (data[0] & 2) != 0) src = Ipv6Address{};
  if (v6 && (data[0] & 4) != 0) dst = dst.v6().solicited_node();
  const Bytes message{data + 1, size - 1};
  const wire::IcmpRepr repr{message[0], message[1], load_be32(message.data() + 4),
                            message.subspan(wire::kIcmpHeaderBytes)};
  const wire::IpRepr header{.src = src,
                            .dst = dst,
                            .protocol = v6 ? wire::kProtocolIcmpv6 : wire::kProtocolIcmp,
                            .hop_limit = static_cast<std::uint8_t>((data[0] & 8) != 0 ? 64 : 255),
                            .payload_length = message.size()};
  std::vector<std::uint8_t> packet(header.header_size() + message.size());
  header.emit_header(packet.data());
  repr.emit(MutableBytes{packet}.subspan(header.header_size()), src, dst);
  const auto ip = wire::IpView::parse(packet, header.ether_type());
  fuzz::require(ip.has_value());
  const auto icmp = wire::IcmpView::parse(*ip);
  fuzz::require(icmp.has_value());
  fuzz::sink = fuzz::read_icmp(*ip);
  if (icmp->kind() == wire::IcmpKind::kEchoRequest) {
    std::vector<std::uint8_t> reply(message.size());
    wire::emit_echo_reply(*icmp, reply);
    fuzz::require(wire::IcmpView::parse(reply, dst, src).has_value());
  }
  return 0;
}
