// Neighbour solicitations and advertisements (RFC 4861 sections 4.3, 4.4), validated as sections 7.1.1 and 7.1.2 ask.
//
// Also refused: messages that came in fragments (RFC 6980), and link-layer address options of another length than
// Ethernet's or with an address that no station has. Other options are skipped by their length. Router discovery is
// left to the kernel.
#pragma once

#include <cassert>
#include <cstdint>
#include <optional>
#include <tl/expected.hpp>

#include "base/addr.h"
#include "base/bytes.h"
#include "stack/wire/drop.h"
#include "stack/wire/icmp.h"
#include "stack/wire/ip.h"

namespace myriad::wire {

enum class NdpKind : std::uint8_t { kSolicitation, kAdvertisement };

class NdpView {
 public:
  // `icmp` is of kind kNeighbourSolicitation or kNeighbourAdvertisement and was read from `ip`.
  [[nodiscard]] static tl::expected<NdpView, stack::Drop> parse(const IpView& ip, const IcmpView& icmp);

  [[nodiscard]] NdpKind kind() const { return kind_; }
  [[nodiscard]] const Ipv6Address& target() const { return target_; }
  // Of the source in a solicitation, of the target in an advertisement.
  [[nodiscard]] const std::optional<MacAddress>& link_layer() const { return link_layer_; }
  // Of an advertisement.
  [[nodiscard]] bool is_router() const { return (flags_ & 0x80) != 0; }
  [[nodiscard]] bool is_solicited() const { return (flags_ & 0x40) != 0; }
  [[nodiscard]] bool overrides() const { return (flags_ & 0x20) != 0; }

 private:
  NdpView() = default;
  Ipv6Address target_;
  std::optional<MacAddress> link_layer_;
  NdpKind kind_ = NdpKind::kSolicitation;
  std::uint8_t flags_ = 0;
};

struct NdpRepr {
  NdpKind kind = NdpKind::kSolicitation;
  Ipv6Address target{};
  std::optional<MacAddress> link_layer{};  // none in a solicitation from the unspecified address
  bool router = false;                     // flags: of an advertisement
  bool solicited = false;
  bool overrides = false;

  [[nodiscard]] std::size_t emitted_size() const { return link_layer ? 32 : 24; }
  // Writes the ICMPv6 message, with its checksum. Its packet needs hop limit 255.
  void emit(MutableBytes out, const Ipv6Address& src, const Ipv6Address& dst) const {
    assert(out.size() == emitted_size());
    const bool advertises = kind == NdpKind::kAdvertisement;
    std::uint8_t* at = out.data();
    store_be32(at, std::uint32_t{advertises ? kIcmpv6NeighbourAdvertisement : kIcmpv6NeighbourSolicitation} << 24);
    const std::uint32_t flags =
        (router ? 0x80000000U : 0U) | (solicited ? 0x40000000U : 0U) | (overrides ? 0x20000000U : 0U);
    store_be32(at + 4, advertises ? flags : 0);
    target.store(at + 8);
    if (link_layer) {
      store_be64(at + 24, (advertises ? 0x0201ULL : 0x0101ULL) << 48 | link_layer->number());
    }
    checksum_store(at + 2, checksum_add_segment(IcmpView::pseudo_sum(src, dst, out.size()), out));
  }
};

}  // namespace myriad::wire
