// The table of layers and fields. Offsets and widths are those of the RFCs named beside each layer.
#include <algorithm>
#include <array>

#include "craft/language.h"

namespace myriad::craft {
namespace {

using F = Fallback;
using T = FieldType;

// IEEE 802.3, 802.1Q
constexpr FieldDefinition kEthernet[] = {
    {"dst", "", T::kMac, 0, 48, F::kDestination, 0, "destination; `resolve`: the next hop's, by ARP or NDP"},
    {"src", "", T::kMac, 48, 48, F::kHostMac, 0, "source"},
    {"ethertype", "type", T::kNumber, 96, 16, F::kNext, 0, "what follows"},
};
constexpr FieldDefinition kVlan[] = {
    {"priority", "pcp", T::kNumber, 0, 3, F::kConstant, 0, "class of service"},
    {"dei", "cfi", T::kNumber, 3, 1, F::kConstant, 0, "may be dropped first"},
    {"id", "", T::kNumber, 4, 12, F::kHostVlan, 1, "identifier of the VLAN"},
    {"ethertype", "protocol", T::kNumber, 16, 16, F::kNext, 0, "what follows"},
};
// RFC 826
constexpr Word kArpOperations[] = {{"request", 1}, {"reply", 2}};
constexpr FieldDefinition kArp[] = {
    {"hardware_type", "", T::kNumber, 0, 16, F::kConstant, 1, "1: Ethernet"},
    {"protocol_type", "", T::kNumber, 16, 16, F::kConstant, 0x0800, "0x0800: IPv4"},
    {"hardware_length", "", T::kNumber, 32, 8, F::kConstant, 6, "bytes of a hardware address"},
    {"protocol_length", "", T::kNumber, 40, 8, F::kConstant, 4, "bytes of a protocol address"},
    {"operation", "", T::kNumber, 48, 16, F::kConstant, 1, "request or reply", kArpOperations},
    {"sender_hardware_addr", "sender_mac", T::kMac, 64, 48, F::kHostMac, 0, "who asks, or answers"},
    {"sender_protocol_addr", "sender_ip", T::kIpv4, 112, 32, F::kHostIpv4, 0, "who asks, or answers"},
    {"target_hardware_addr", "target_mac", T::kMac, 144, 48, F::kConstant, 0, "zero in a request"},
    {"target_protocol_addr", "target_ip", T::kIpv4, 192, 32, F::kRequired, 0, "who is asked for"},
};
// RFC 791, 2474, 3168
constexpr Word kIpv4Flags[] = {{"mf", 1}, {"df", 2}, {"reserved", 4}};
constexpr FieldDefinition kIpv4[] = {
    {"version", "", T::kNumber, 0, 4, F::kConstant, 4, "4"},
    {"header_length", "ihl", T::kNumber, 4, 4, F::kHeaderWords, 0, "of the header, in words of 4 bytes"},
    {"dscp", "", T::kNumber, 8, 6, F::kConstant, 0, "differentiated services"},
    {"ecn", "", T::kNumber, 14, 2, F::kConstant, 0, "explicit congestion notification"},
    {"total_length", "length", T::kNumber, 16, 16, F::kLength, 0, "header and all behind it, in bytes"},
    {"identification", "id", T::kNumber, 32, 16, F::kConstant, 0, "of the datagram that fragments belong to"},
    {"flags", "", T::kFlags, 48, 3, F::kConstant, 0, "any of `reserved`, `df`, `mf`", kIpv4Flags},
    {"fragment_offset", "", T::kNumber, 51, 13, F::kConstant, 0, "in units of 8 bytes"},
    {"ttl", "time_to_live", T::kNumber, 64, 8, F::kConstant, 64, "routers that may pass it on"},
    {"protocol", "", T::kNumber, 72, 8, F::kNext, 0, "what follows"},
    {"checksum", "header_checksum", T::kNumber, 80, 16, F::kChecksum, 0, "of the header; `bad`: a wrong one"},
    {"src", "", T::kIpv4, 96, 32, F::kHostIpv4, 0, "source"},
    {"dst", "", T::kIpv4, 128, 32, F::kRequired, 0, "destination"},
};
// RFC 8200
constexpr FieldDefinition kIpv6[] = {
    {"version", "", T::kNumber, 0, 4, F::kConstant, 6, "6"},
    {"traffic_class", "", T::kNumber, 4, 8, F::kConstant, 0, "dscp and ecn in one"},
    {"dscp", "", T::kNumber, 4, 6, F::kPart, 0, "differentiated services: the upper bits of `traffic_class`"},
    {"ecn", "", T::kNumber, 10, 2, F::kPart, 0, "explicit congestion notification: the lower bits"},
    {"flow_label", "", T::kNumber, 12, 20, F::kConstant, 0, "marks the packets of one flow"},
    {"payload_length", "length", T::kNumber, 32, 16, F::kLength, 0, "all behind the header, in bytes"},
    {"next_header", "protocol", T::kNumber, 48, 8, F::kNext, 0, "what follows"},
    {"hop_limit", "ttl", T::kNumber, 56, 8, F::kConstant, 64, "routers that may pass it on"},
    {"src", "", T::kIpv6, 64, 128, F::kHostIpv6, 0, "source"},
    {"dst", "", T::kIpv6, 192, 128, F::kRequired, 0, "destination"},
};
constexpr FieldDefinition kOptionsHeader[] = {
    {"next_header", "", T::kNumber, 0, 8, F::kNext, 0, "what follows"},
    {"length", "", T::kNumber, 8, 8, F::kHeaderWords, 0, "of the header, in units of 8 bytes behind the first 8"},
};
constexpr FieldDefinition kRouting[] = {
    {"next_header", "", T::kNumber, 0, 8, F::kNext, 0, "what follows"},
    {"length", "", T::kNumber, 8, 8, F::kHeaderWords, 0, "of the header, in units of 8 bytes behind the first 8"},
    {"type", "routing_type", T::kNumber, 16, 8, F::kConstant, 0, "of routing"},
    {"segments_left", "", T::kNumber, 24, 8, F::kConstant, 0, "addresses still to be visited"},
};
constexpr FieldDefinition kFragment[] = {
    {"next_header", "", T::kNumber, 0, 8, F::kNext, 0, "what follows"},
    {"reserved", "", T::kNumber, 8, 8, F::kConstant, 0, "zero"},
    {"fragment_offset", "", T::kNumber, 16, 13, F::kConstant, 0, "in units of 8 bytes"},
    {"reserved2", "", T::kNumber, 29, 2, F::kConstant, 0, "zero"},
    {"more_fragments", "mf", T::kNumber, 31, 1, F::kConstant, 0, "1: not the last fragment"},
    {"identification", "id", T::kNumber, 32, 32, F::kConstant, 0, "of the datagram that fragments belong to"},
};
// RFC 792
constexpr Word kIcmpTypes[] = {{"echo_reply", 0},   {"unreachable", 3},    {"redirect", 5},
                               {"echo_request", 8}, {"time_exceeded", 11}, {"parameter_problem", 12}};
constexpr FieldDefinition kIcmp[] = {
    {"type", "", T::kNumber, 0, 8, F::kConstant, 8, "8 or `echo_request`: a ping", kIcmpTypes},
    {"code", "", T::kNumber, 8, 8, F::kConstant, 0, "of the type"},
    {"checksum", "", T::kNumber, 16, 16, F::kChecksum, 0, "of the message; `bad`: a wrong one"},
    {"identifier", "id", T::kNumber, 32, 16, F::kConstant, 0, "of an echo"},
    {"sequence_number", "sequence", T::kNumber, 48, 16, F::kConstant, 0, "of an echo"},
    {"parameter", "", T::kNumber, 32, 32, F::kPart, 0, "the same four bytes of other types: gateway, MTU, pointer"},
};
// RFC 4443, 4861
constexpr Word kIcmp6Types[] = {{"unreachable", 1},
                                {"packet_too_big", 2},
                                {"time_exceeded", 3},
                                {"parameter_problem", 4},
                                {"echo_request", 128},
                                {"echo_reply", 129},
                                {"router_solicitation", 133},
                                {"router_advertisement", 134},
                                {"neighbour_solicitation", 135},
                                {"neighbour_advertisement", 136}};
constexpr FieldDefinition kIcmp6[] = {
    {"type", "", T::kNumber, 0, 8, F::kConstant, 128, "128 or `echo_request`: a ping", kIcmp6Types},
    {"code", "", T::kNumber, 8, 8, F::kConstant, 0, "of the type"},
    {"checksum", "", T::kNumber, 16, 16, F::kChecksum, 0, "of the message and a pseudo-header; `bad`: a wrong one"},
    {"identifier", "id", T::kNumber, 32, 16, F::kConstant, 0, "of an echo"},
    {"sequence_number", "sequence", T::kNumber, 48, 16, F::kConstant, 0, "of an echo"},
    {"parameter", "", T::kNumber, 32, 32, F::kPart, 0, "the same four bytes of other types: MTU, pointer, flags"},
};
// RFC 768
constexpr FieldDefinition kUdp[] = {
    {"src", "src_port", T::kNumber, 0, 16, F::kConstant, 49152, "source port"},
    {"dst", "dst_port", T::kNumber, 16, 16, F::kRequired, 0, "destination port"},
    {"length", "", T::kNumber, 32, 16, F::kLength, 0, "header and all behind it, in bytes"},
    {"checksum", "", T::kNumber, 48, 16, F::kChecksum, 0, "of datagram and pseudo-header; `bad`: a wrong one; 0: none"},
};
// RFC 9293; RFC 9768 for ae
constexpr Word kTcpFlags[] = {{"fin", 1},  {"syn", 2},  {"rst", 4},   {"psh", 8}, {"ack", 16},
                              {"urg", 32}, {"ece", 64}, {"cwr", 128}, {"ae", 256}};
constexpr FieldDefinition kTcp[] = {
    {"src", "src_port", T::kNumber, 0, 16, F::kConstant, 49152, "source port"},
    {"dst", "dst_port", T::kNumber, 16, 16, F::kRequired, 0, "destination port"},
    {"seq_num", "seq", T::kNumber, 32, 32, F::kConstant, 0, "sequence number"},
    {"ack_num", "ack", T::kNumber, 64, 32, F::kConstant, 0, "acknowledgement number"},
    {"data_offset", "", T::kNumber, 96, 4, F::kHeaderWords, 0, "of the header, in words of 4 bytes"},
    {"reserved", "", T::kNumber, 100, 3, F::kConstant, 0, "zero"},
    {"flags", "", T::kFlags, 103, 9, F::kConstant, 2,
     "any of `fin`, `syn`, `rst`, `psh`, `ack`, `urg`, `ece`, `cwr`, `ae`", kTcpFlags},
    {"window", "", T::kNumber, 112, 16, F::kConstant, 65535, "bytes that may be sent to us"},
    {"checksum", "", T::kNumber, 128, 16, F::kChecksum, 0, "of segment and pseudo-header; `bad`: a wrong one"},
    {"urgent_pointer", "", T::kNumber, 144, 16, F::kConstant, 0, "where urgent data ends"},
};

using K = LayerKind;
using N = NextSpace;
constexpr std::uint16_t kMostRaw = 4096;
// In the order of LayerKind.
constexpr LayerDefinition kLayers[] = {
    {K::kEthernet, "ethernet", 14, kEthernet, N::kEtherType, 0, -1, "", 1, 0, "Ethernet II"},
    {K::kVlan, "vlan", 4, kVlan, N::kEtherType, 0x8100, -1, "", 1, 0, "IEEE 802.1Q tag; any number of them"},
    {K::kArp, "arp", 28, kArp, N::kNone, 0x0806, -1, "", 1, 0, "RFC 826"},
    {K::kIpv4, "ipv4", 20, kIpv4, N::kProtocol, 0x0800, 4, "options", 4, 40, "RFC 791"},
    {K::kIpv6, "ipv6", 40, kIpv6, N::kProtocol, 0x86dd, 41, "", 1, 0, "RFC 8200"},
    {K::kHopByHop, "hop_by_hop", 2, kOptionsHeader, N::kProtocol, 0, 0, "options", 8, 2046, "IPv6 hop-by-hop options"},
    {K::kDestination, "destination", 2, kOptionsHeader, N::kProtocol, 0, 60, "options", 8, 2046,
     "IPv6 destination options"},
    {K::kRouting, "routing", 4, kRouting, N::kProtocol, 0, 43, "data", 8, 2044, "IPv6 routing header"},
    {K::kFragment, "fragment", 8, kFragment, N::kProtocol, 0, 44, "", 1, 0, "IPv6 fragment header"},
    {K::kIcmp, "icmp", 8, kIcmp, N::kAnything, 0, 1, "", 1, 0, "ICMP for IPv4, RFC 792"},
    {K::kIcmp6, "icmp6", 8, kIcmp6, N::kAnything, 0, 58, "", 1, 0, "ICMP for IPv6, RFC 4443"},
    {K::kUdp, "udp", 8, kUdp, N::kAnything, 0, 17, "", 1, 0, "RFC 768"},
    {K::kTcp, "tcp", 20, kTcp, N::kAnything, 0, 6, "options", 4, 40, "RFC 9293"},
    {K::kRaw, "raw", 0, {}, N::kAnything, 0, -1, "hex", 1, kMostRaw, "bytes as they are"},
};
static_assert(std::ranges::is_sorted(kLayers, {}, &LayerDefinition::kind));

}  // namespace

std::span<const LayerDefinition> layer_definitions() { return kLayers; }

const LayerDefinition& definition_of(LayerKind kind) { return kLayers[static_cast<std::size_t>(kind)]; }

const FieldDefinition* find_field(const LayerDefinition& layer, std::string_view name) {
  const auto found = std::ranges::find_if(
      layer.fields, [&](const FieldDefinition& f) { return f.name == name || (!f.alias.empty() && f.alias == name); });
  return found == layer.fields.end() ? nullptr : &*found;
}

}  // namespace myriad::craft
