// Ethernet II frames with up to two VLAN tags (IEEE 802.1Q; 802.1ad for the outer of two), without FCS.
//
// Identifier 0 is a priority tag: such a frame counts as untagged. A frame with more tags is refused. Whether anybody
// speaks the EtherType is the caller's question; values below 0x0600 are IEEE 802.3 lengths, which no host speaks.
#pragma once

#include <cassert>
#include <cstdint>
#include <tl/expected.hpp>

#include "base/addr.h"
#include "base/bytes.h"
#include "stack/wire/drop.h"

namespace myriad::wire {

inline constexpr std::uint16_t kEtherTypeIpv4 = 0x0800;
inline constexpr std::uint16_t kEtherTypeArp = 0x0806;
inline constexpr std::uint16_t kEtherTypeIpv6 = 0x86dd;
inline constexpr std::uint16_t kEtherTypeVlan = 0x8100;
inline constexpr std::uint16_t kEtherTypeServiceVlan = 0x88a8;

inline constexpr std::size_t kEthernetHeaderBytes = 14;
inline constexpr std::size_t kVlanTagBytes = 4;
inline constexpr std::size_t kEthernetMaxHeaderBytes = kEthernetHeaderBytes + 2 * kVlanTagBytes;

[[nodiscard]] constexpr bool is_vlan_ether_type(std::uint16_t type) {
  return type == kEtherTypeVlan || type == kEtherTypeServiceVlan;
}

class EthernetView {
 public:
  // `frame` must outlive the view.
  [[nodiscard]] static tl::expected<EthernetView, stack::Drop> parse(Bytes frame) {
    if (frame.size() < kEthernetHeaderBytes) return tl::unexpected(stack::Drop::kTruncated);
    EthernetView view{frame};
    while (is_vlan_ether_type(view.ether_type_)) {
      if (view.header_ == kEthernetMaxHeaderBytes) return tl::unexpected(stack::Drop::kTooManyVlanTags);
      if (frame.size() < view.header_ + kVlanTagBytes) return tl::unexpected(stack::Drop::kTruncated);
      const std::uint8_t* tag = frame.data() + view.header_;
      const auto id = static_cast<std::uint16_t>(load_be16(tag) & 0x0fffU);
      (view.vlan_.outer == 0 ? view.vlan_.outer : view.vlan_.inner) = id;
      view.ether_type_ = load_be16(tag + 2);
      view.header_ += kVlanTagBytes;
    }
    return view;
  }

  [[nodiscard]] MacAddress dst() const { return MacAddress::from_bytes(frame_.data()); }
  [[nodiscard]] MacAddress src() const { return MacAddress::from_bytes(frame_.data() + 6); }
  [[nodiscard]] VlanTags vlan() const { return vlan_; }
  [[nodiscard]] std::uint16_t ether_type() const { return ether_type_; }
  // With whatever padding the sender added: the network header knows its length.
  [[nodiscard]] Bytes payload() const { return frame_.subspan(header_); }
  [[nodiscard]] std::size_t header_size() const { return header_; }
  [[nodiscard]] Bytes frame() const { return frame_; }

 private:
  explicit EthernetView(Bytes frame) : frame_(frame), ether_type_(load_be16(frame.data() + 12)) {}
  Bytes frame_;
  std::size_t header_ = kEthernetHeaderBytes;
  VlanTags vlan_;
  std::uint16_t ether_type_;
};

// One tag goes out as 802.1Q; of two the outer as 802.1ad and the inner as 802.1Q.
struct EthernetRepr {
  MacAddress dst{};
  MacAddress src{};
  VlanTags vlan{};
  std::uint16_t ether_type = 0;

  [[nodiscard]] std::size_t header_size() const {
    return kEthernetHeaderBytes + kVlanTagBytes * static_cast<std::size_t>(vlan.depth());
  }
  [[nodiscard]] std::size_t emitted_size() const { return header_size(); }
  // Writes header_size() bytes.
  void emit_header(std::uint8_t* out) const {
    dst.store(out);
    src.store(out + 6);
    out += 12;
    if (vlan.depth() == 2) out = emit_tag(out, kEtherTypeServiceVlan, vlan.outer);
    if (vlan.depth() != 0) out = emit_tag(out, kEtherTypeVlan, vlan.inner != 0 ? vlan.inner : vlan.outer);
    store_be16(out, ether_type);
  }
  void emit(MutableBytes out) const {
    assert(out.size() == emitted_size());
    emit_header(out.data());
  }

 private:
  static std::uint8_t* emit_tag(std::uint8_t* out, std::uint16_t type, std::uint16_t id) {
    store_be16(out, type);
    store_be16(out + 2, id);
    return out + kVlanTagBytes;
  }
};

}  // namespace myriad::wire
