// What is emitted is read back as it was meant; what is cut or random is refused or read, never more.
#include <gtest/gtest.h>

#include <vector>

#include "stack/wire/arp.h"
#include "stack/wire/ethernet.h"
#include "stack/wire/icmp.h"
#include "stack/wire/ip.h"
#include "stack/wire/ndp.h"
#include "stack/wire/tcp.h"
#include "stack/wire/udp.h"
#include "tests/fuzz/read_everything.h"
#include "tests/property/arbitrary.h"

namespace myriad::wire {
namespace {

using property::any;
using property::below;

// Filled with rubbish: emit() must write every byte and read none.
std::vector<std::uint8_t> rubbish(std::size_t size) {
  std::vector<std::uint8_t> out(size);
  for (auto& byte : out) byte = static_cast<std::uint8_t>(property::bits());
  return out;
}

RC_GTEST_PROP(RoundTrip, Ethernet, ()) {
  const EthernetRepr repr{property::mac(), property::mac(), property::vlan(), kEtherTypeIpv4};
  auto out = rubbish(repr.emitted_size());
  repr.emit(out);
  const auto view = EthernetView::parse(out);
  RC_ASSERT(view.has_value());
  RC_ASSERT(view->dst() == repr.dst);
  RC_ASSERT(view->src() == repr.src);
  RC_ASSERT(view->vlan() == repr.vlan);
  RC_ASSERT(view->ether_type() == repr.ether_type);
  RC_ASSERT(view->header_size() == repr.header_size());
}

RC_GTEST_PROP(RoundTrip, Arp, ()) {
  const ArpRepr repr{any<bool>() ? ArpOperation::kRequest : ArpOperation::kReply, property::mac(), property::ipv4(),
                     property::mac(), property::ipv4()};
  auto out = rubbish(repr.emitted_size());
  repr.emit(out);
  const auto view = ArpView::parse(out);
  RC_ASSERT(view.has_value());
  RC_ASSERT(view->operation() == repr.operation);
  RC_ASSERT(view->sender_mac() == repr.sender_mac);
  RC_ASSERT(view->sender_ip() == repr.sender_ip);
  RC_ASSERT(view->target_mac() == repr.target_mac);
  RC_ASSERT(view->target_ip() == repr.target_ip);
}

RC_GTEST_PROP(RoundTrip, Ipv4, ()) {
  const auto payload = property::bytes(64);
  const Ipv4Repr repr{.src = property::ipv4(),
                      .dst = property::ipv4(),
                      .protocol = any<std::uint8_t>(),
                      .ttl = any<std::uint8_t>(),
                      .tos = any<std::uint8_t>(),
                      .id = any<std::uint16_t>(),
                      .dont_fragment = any<bool>(),
                      .more_fragments = any<bool>(),
                      .fragment_offset = static_cast<std::uint16_t>(8 * below(8192)),
                      .payload_length = payload.size()};
  auto out = rubbish(repr.emitted_size());
  repr.emit(out);
  out.insert(out.end(), payload.begin(), payload.end());
  const auto padding = property::bytes(8);
  out.insert(out.end(), padding.begin(), padding.end());
  const auto view = Ipv4View::parse(out);
  RC_ASSERT(view.has_value());
  RC_ASSERT(view->src() == repr.src);
  RC_ASSERT(view->dst() == repr.dst);
  RC_ASSERT(view->protocol() == repr.protocol);
  RC_ASSERT(view->ttl() == repr.ttl);
  RC_ASSERT(view->tos() == repr.tos);
  RC_ASSERT(view->id() == repr.id);
  RC_ASSERT(view->dont_fragment() == repr.dont_fragment);
  RC_ASSERT(view->more_fragments() == repr.more_fragments);
  RC_ASSERT(view->fragment_offset() == repr.fragment_offset);
  RC_ASSERT(std::ranges::equal(view->payload(), payload));
}

RC_GTEST_PROP(RoundTrip, Ipv6WithFragmentHeader, ()) {
  const auto payload = property::bytes(64);
  const Ipv6FragmentRepr fragment{kProtocolUdp, static_cast<std::uint16_t>(8 * below(8192)), any<bool>(),
                                  any<std::uint32_t>()};
  const Ipv6Repr repr{.src = property::ipv6(),
                      .dst = property::ipv6(),
                      .next_header = kHeaderFragment,
                      .hop_limit = any<std::uint8_t>(),
                      .traffic_class = any<std::uint8_t>(),
                      .flow_label = static_cast<std::uint32_t>(below(1U << 20)),
                      .payload_length = 8 + payload.size()};
  auto out = rubbish(48);
  repr.emit(MutableBytes{out}.first(40));
  fragment.emit(MutableBytes{out}.subspan(40));
  out.insert(out.end(), payload.begin(), payload.end());
  const auto view = Ipv6View::parse(out);
  RC_ASSERT(view.has_value());
  RC_ASSERT(view->src() == repr.src);
  RC_ASSERT(view->dst() == repr.dst);
  RC_ASSERT(view->hop_limit() == repr.hop_limit);
  RC_ASSERT(view->traffic_class() == repr.traffic_class);
  RC_ASSERT(view->flow_label() == repr.flow_label);
  RC_ASSERT(view->chain().fragment_offset == fragment.fragment_offset);
  RC_ASSERT(view->chain().more_fragments == fragment.more_fragments);
  RC_ASSERT(view->chain().fragment_id == fragment.id);
  RC_ASSERT(view->chain().is_fragment == (fragment.more_fragments || fragment.fragment_offset != 0));
  RC_ASSERT(view->protocol() == kProtocolUdp);
  RC_ASSERT(std::ranges::equal(view->payload(), payload));
}

std::pair<IpAddress, IpAddress> addresses() {
  if (any<bool>()) return {property::ipv4(), property::ipv4()};
  return {property::ipv6(), property::ipv6()};
}

RC_GTEST_PROP(RoundTrip, Ip, ()) {
  const auto [src, dst] = addresses();
  const auto payload = property::bytes(64);
  const IpRepr repr{.src = src,
                    .dst = dst,
                    .protocol = kProtocolTcp,
                    .hop_limit = any<std::uint8_t>(),
                    .traffic_class = any<std::uint8_t>(),
                    .id = any<std::uint16_t>(),
                    .dont_fragment = any<bool>(),
                    .payload_length = payload.size()};
  auto out = rubbish(repr.emitted_size());
  repr.emit(out);
  out.insert(out.end(), payload.begin(), payload.end());
  const auto view = IpView::parse(out, repr.ether_type());
  RC_ASSERT(view.has_value());
  RC_ASSERT(view->src() == src);
  RC_ASSERT(view->dst() == dst);
  RC_ASSERT(view->protocol() == repr.protocol);
  RC_ASSERT(view->hop_limit() == repr.hop_limit);
  RC_ASSERT(view->traffic_class() == repr.traffic_class);
  RC_ASSERT(!view->is_fragment());
  RC_ASSERT(std::ranges::equal(view->payload(), payload));
}

RC_GTEST_PROP(RoundTrip, Icmp, ()) {
  const auto [src, dst] = addresses();
  const auto data = property::bytes(100);
  const IcmpRepr repr{any<std::uint8_t>(), any<std::uint8_t>(), any<std::uint32_t>(), data};
  auto out = rubbish(repr.emitted_size());
  repr.emit(out, src, dst);
  const auto view = IcmpView::parse(out, src, dst);
  RC_ASSERT(view.has_value());
  RC_ASSERT(view->type() == repr.type);
  RC_ASSERT(view->code() == repr.code);
  RC_ASSERT(view->parameter() == repr.parameter);
  RC_ASSERT(std::ranges::equal(view->data(), data));
}

RC_GTEST_PROP(RoundTrip, EchoReplyPatchesTheChecksumRight, ()) {
  const auto [src, dst] = addresses();
  const auto data = property::bytes(100);
  const auto request = IcmpRepr::echo_request(dst.is_v6(), any<std::uint16_t>(), any<std::uint16_t>(), data);
  auto asked = rubbish(request.emitted_size());
  request.emit(asked, src, dst);
  const auto view = IcmpView::parse(asked, src, dst);
  RC_ASSERT(view.has_value());
  auto reply = rubbish(asked.size());
  emit_echo_reply(*view, reply);
  const auto answer = IcmpView::parse(reply, dst, src);
  RC_ASSERT(answer.has_value());
  RC_ASSERT(answer->kind() == IcmpKind::kEchoReply);
  RC_ASSERT(answer->parameter() == view->parameter());
  RC_ASSERT(std::ranges::equal(answer->data(), data));
}

RC_GTEST_PROP(RoundTrip, Ndp, ()) {
  NdpRepr repr{.kind = any<bool>() ? NdpKind::kSolicitation : NdpKind::kAdvertisement, .target = property::ipv6()};
  if (any<bool>()) repr.link_layer = property::mac();
  if (repr.kind == NdpKind::kAdvertisement) {
    repr.router = any<bool>();
    repr.solicited = any<bool>();
    repr.overrides = any<bool>();
  }
  const Ipv6Address src = property::ipv6();
  const Ipv6Address dst = property::ipv6();
  const IpRepr header{
      .src = src, .dst = dst, .protocol = kProtocolIcmpv6, .hop_limit = 255, .payload_length = repr.emitted_size()};
  auto out = rubbish(40 + repr.emitted_size());
  header.emit_header(out.data());
  repr.emit(MutableBytes{out}.subspan(40), src, dst);
  const auto ip = IpView::parse(out, kEtherTypeIpv6);
  RC_ASSERT(ip.has_value());
  const auto icmp = IcmpView::parse(*ip);
  RC_ASSERT(icmp.has_value());
  const auto view = NdpView::parse(*ip, *icmp);
  RC_ASSERT(view.has_value());
  RC_ASSERT(view->kind() == repr.kind);
  RC_ASSERT(view->target() == repr.target);
  RC_ASSERT(view->link_layer() == repr.link_layer);
  RC_ASSERT(view->is_router() == repr.router);
  RC_ASSERT(view->is_solicited() == repr.solicited);
  RC_ASSERT(view->overrides() == repr.overrides);
}

RC_GTEST_PROP(RoundTrip, Udp, ()) {
  const auto [src, dst] = addresses();
  const auto payload = property::bytes(100);
  const UdpRepr repr{property::port(), property::port(), payload.size()};
  auto out = rubbish(repr.emitted_size());
  repr.emit(out);
  out.insert(out.end(), payload.begin(), payload.end());
  finish_transport_checksum(pseudo_header_sum(src, dst, kProtocolUdp, out.size()), kProtocolUdp, out);
  RC_ASSERT(transport_checksum(src, dst, kProtocolUdp, out, false) == ChecksumState::kGood);
  const auto view = UdpView::parse(out);
  RC_ASSERT(view.has_value());
  RC_ASSERT(view->source_port() == repr.source);
  RC_ASSERT(view->dest_port() == repr.dest);
  RC_ASSERT(std::ranges::equal(view->payload(), payload));
}

TcpRepr tcp_repr() {
  TcpRepr repr{property::port(),
               property::port(),
               property::seq(),
               property::seq(),
               static_cast<std::uint8_t>(below(64)),
               any<std::uint16_t>(),
               {}};
  if (any<bool>()) repr.options.mss = any<std::uint16_t>();
  if (any<bool>()) repr.options.window_scale = static_cast<std::uint8_t>(below(15));
  repr.options.sack_permitted = any<bool>();
  repr.options.has_timestamps = any<bool>();
  if (repr.options.has_timestamps) {
    repr.options.ts_value = any<std::uint32_t>();
    repr.options.ts_echo = any<std::uint32_t>();
  }
  repr.options.sack_count = static_cast<std::uint8_t>(below(5));
  for (auto& block : repr.options.sack) block = {property::seq(), property::seq()};
  return repr;
}

RC_GTEST_PROP(RoundTrip, Tcp, ()) {
  const TcpRepr repr = tcp_repr();
  const auto payload = property::bytes(100);
  RC_ASSERT(repr.header_size() % 4 == 0);
  RC_ASSERT(repr.header_size() <= kTcpMaxHeaderBytes);
  auto out = rubbish(repr.emitted_size());
  repr.emit(out);
  out.insert(out.end(), payload.begin(), payload.end());
  const auto view = TcpView::parse(out);
  RC_ASSERT(view.has_value());
  RC_ASSERT(view->source_port() == repr.source);
  RC_ASSERT(view->dest_port() == repr.dest);
  RC_ASSERT(view->seq() == repr.seq);
  RC_ASSERT(view->ack() == repr.ack);
  RC_ASSERT(view->flags() == repr.flags);
  RC_ASSERT(view->window() == repr.window);
  const TcpOptions& options = view->options();
  RC_ASSERT(options.mss == repr.options.mss);
  RC_ASSERT(options.window_scale == repr.options.window_scale);
  RC_ASSERT(options.sack_permitted == repr.options.sack_permitted);
  RC_ASSERT(options.has_timestamps == repr.options.has_timestamps);
  RC_ASSERT(options.ts_value == repr.options.ts_value);
  RC_ASSERT(options.ts_echo == repr.options.ts_echo);
  RC_ASSERT(options.sack_count == repr.sack_blocks_emitted());
  for (std::size_t i = 0; i < options.sack_count; ++i) RC_ASSERT(options.sack[i] == repr.options.sack[i]);
  RC_ASSERT(std::ranges::equal(view->payload(), payload));
}

// The sum word by word in 32 bits, as RFC 1071 section 4.1 describes it.
std::uint16_t plain_checksum(const std::vector<std::uint8_t>& data) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < data.size(); i += 2) {
    sum += static_cast<std::uint32_t>(data[i] << 8 | (i + 1 < data.size() ? data[i + 1] : 0));
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<std::uint16_t>(sum);
}

std::vector<std::uint8_t> segment_without_checksum() {
  auto segment = rubbish(20 + below(below(2) == 0 ? 48 : 300));  // odd sizes, and both sides of what is summed in line
  segment[16] = segment[17] = 0;
  return segment;
}

RC_GTEST_PROP(Checksum, TransportAgreesWithThePlainSum, ()) {
  const auto [src, dst] = addresses();
  auto segment = segment_without_checksum();
  std::vector<std::uint8_t> all;  // the pseudo-header as the RFCs draw it, and the segment
  if (src.is_v4()) {
    all.resize(12);
    src.v4().store(all.data());
    dst.v4().store(all.data() + 4);
    all[9] = kProtocolTcp;
    store_be16(all.data() + 10, static_cast<std::uint16_t>(segment.size()));
  } else {
    all.resize(40);
    src.v6().store(all.data());
    dst.v6().store(all.data() + 16);
    store_be32(all.data() + 32, static_cast<std::uint32_t>(segment.size()));
    all[39] = kProtocolTcp;
  }
  const std::uint16_t pseudo = plain_checksum(all);
  all.insert(all.end(), segment.begin(), segment.end());
  const auto expected = static_cast<std::uint16_t>(~plain_checksum(all));
  const std::uint64_t sum = pseudo_header_sum(src, dst, kProtocolTcp, segment.size());
  finish_transport_checksum(sum, kProtocolTcp, segment);
  RC_ASSERT(load_be16(segment.data() + 16) == expected);
  RC_ASSERT(transport_checksum(src, dst, kProtocolTcp, segment, false) == ChecksumState::kGood);
  store_be16(segment.data() + 16, pseudo);
  RC_ASSERT(transport_checksum(src, dst, kProtocolTcp, segment, true) == ChecksumState::kPending);
}

RC_GTEST_PROP(Checksum, SeesEveryFlippedBit, ()) {
  const auto [src, dst] = addresses();
  auto segment = segment_without_checksum();
  finish_transport_checksum(pseudo_header_sum(src, dst, kProtocolTcp, segment.size()), kProtocolTcp, segment);
  segment[below(segment.size())] ^= static_cast<std::uint8_t>(1U << below(8));
  RC_ASSERT(transport_checksum(src, dst, kProtocolTcp, segment, false) == ChecksumState::kBad);
}

// A frame of everything that the stack says, to be cut.
std::vector<std::uint8_t> some_frame() {
  const auto [src, dst] = addresses();
  std::vector<std::uint8_t> payload;
  std::uint8_t protocol = kProtocolTcp;
  switch (below(3)) {
    case 0: {
      const TcpRepr repr = tcp_repr();
      payload.resize(repr.emitted_size());
      repr.emit(payload);
      break;
    }
    case 1: {
      protocol = kProtocolUdp;
      payload.resize(12);
      UdpRepr{{1}, {2}, 4}.emit(MutableBytes{payload}.first(8));
      break;
    }
    default: {
      protocol = dst.is_v6() ? kProtocolIcmpv6 : kProtocolIcmp;
      const auto data = property::bytes(40);
      const auto repr = IcmpRepr::echo_request(dst.is_v6(), 1, 2, data);
      payload.resize(repr.emitted_size());
      repr.emit(payload, src, dst);
      break;
    }
  }
  const IpRepr ip{.src = src, .dst = dst, .protocol = protocol, .payload_length = payload.size()};
  const EthernetRepr ethernet{property::mac(), property::mac(), property::vlan(), ip.ether_type()};
  std::vector<std::uint8_t> frame(ethernet.header_size() + ip.header_size());
  ethernet.emit_header(frame.data());
  ip.emit_header(frame.data() + ethernet.header_size());
  frame.insert(frame.end(), payload.begin(), payload.end());
  return frame;
}

// The whole is longer than every part of it: no prefix may be taken for the packet.
RC_GTEST_PROP(Hostile, EveryPrefixIsRefused, ()) {
  const auto frame = some_frame();
  for (std::size_t length = 0; length < frame.size(); ++length) {
    const std::vector<std::uint8_t> prefix(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(length));
    const auto ethernet = EthernetView::parse(prefix);
    if (!ethernet) continue;
    RC_ASSERT(IpView::parse(ethernet->payload(), ethernet->ether_type()).error() == stack::Drop::kTruncated);
  }
  const auto ethernet = EthernetView::parse(frame);
  RC_ASSERT(IpView::parse(ethernet->payload(), ethernet->ether_type()).has_value());
}

RC_GTEST_PROP(Hostile, PrefixesOfTransportAreReadWithinBounds, ()) {
  const auto frame = some_frame();
  for (std::size_t length = 0; length <= frame.size(); ++length) {
    const std::vector<std::uint8_t> prefix(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(length));
    const std::size_t skipped = std::min<std::size_t>(length, 54);
    const Bytes tail = Bytes{prefix}.subspan(skipped);
    fuzz::sink = fuzz::read_tcp(tail) + fuzz::read_udp(tail) + fuzz::read_quoted(prefix, any<bool>());
  }
}

RC_GTEST_PROP(Hostile, RandomBytesAreReadWithinBounds, ()) {
  const auto noise = property::bytes(400);
  fuzz::sink = fuzz::read_frame(noise) + fuzz::read_ip(noise, kEtherTypeIpv4) + fuzz::read_ip(noise, kEtherTypeIpv6) +
               fuzz::read_arp(noise) + fuzz::read_tcp(noise) + fuzz::read_udp(noise);
}

RC_GTEST_PROP(Hostile, AFrameWithWrongBytesIsReadWithinBounds, ()) {
  auto frame = some_frame();
  for (auto changes = below(6); changes > 0; --changes) frame[below(frame.size())] = any<std::uint8_t>();
  fuzz::sink = fuzz::read_frame(frame);
}

}  // namespace
}  // namespace myriad::wire
