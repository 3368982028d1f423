#include "stack/wire/ndp.h"

namespace myriad::wire {
namespace {

using stack::Drop;

constexpr std::size_t kTargetEnd = 24;  // type, code, checksum, flags, target
constexpr std::uint8_t kSourceLinkLayer = 1;
constexpr std::uint8_t kTargetLinkLayer = 2;

// Looks for the link-layer address option of type `wanted`. False when an option is illegal.
bool read_options(Bytes options, std::uint8_t wanted, std::optional<MacAddress>& link_layer) {
  std::size_t at = 0;
  while (at < options.size()) {
    if (options.size() - at < 2) return false;
    const std::size_t length = std::size_t{options[at + 1]} * 8;
    if (length == 0 || length > options.size() - at) return false;
    if (options[at] == wanted) {
      if (length != 8) return false;
      const MacAddress mac = MacAddress::from_bytes(options.data() + at + 2);
      if (mac.is_group() || mac.is_zero()) return false;
      if (!link_layer) link_layer = mac;
    }
    at += length;
  }
  return true;
}

bool is_solicited_node(const Ipv6Address& address) {
  return load_be64(address.octets.data()) == 0xff02000000000000ULL && load_be32(address.octets.data() + 8) == 1 &&
         address.octets[12] == 0xff;
}

}  // namespace

tl::expected<NdpView, Drop> NdpView::parse(const IpView& ip, const IcmpView& icmp) {
  const Bytes message = icmp.message();
  if (ip.hop_limit() != 255 || ip.was_fragmented() || icmp.code() != 0 || message.size() < kTargetEnd)
    return tl::unexpected(Drop::kBadNdp);
  NdpView view;
  view.kind_ = icmp.kind() == IcmpKind::kNeighbourAdvertisement ? NdpKind::kAdvertisement : NdpKind::kSolicitation;
  view.target_ = Ipv6Address::from_bytes(message.data() + 8);
  if (view.target_.is_multicast()) return tl::unexpected(Drop::kBadNdp);
  const bool advertises = view.kind_ == NdpKind::kAdvertisement;
  if (!read_options(message.subspan(kTargetEnd), advertises ? kTargetLinkLayer : kSourceLinkLayer, view.link_layer_)) {
    return tl::unexpected(Drop::kBadNdp);
  }
  if (advertises) {
    view.flags_ = message[4];
    if (ip.dst().is_multicast() && view.is_solicited()) return tl::unexpected(Drop::kBadNdp);
  } else if (ip.src().is_unspecified() && (view.link_layer_ || !is_solicited_node(ip.dst().v6()))) {
    return tl::unexpected(Drop::kBadNdp);
  }
  return view;
}

}  // namespace myriad::wire
