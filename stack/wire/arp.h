// ARP for IPv4 over Ethernet (RFC 826), with the probes and announcements of RFC 5227.
//
// Refused: other hardware or protocols, operations other than request and reply, and a sender that no host may be: a
// group or zero MAC address, an IPv4 address that is neither unicast nor 0.0.0.0 (a probe).
#pragma once

#include <cassert>
#include <cstdint>
#include <tl/expected.hpp>

#include "base/addr.h"
#include "base/bytes.h"
#include "stack/wire/drop.h"

namespace myriad::wire {

inline constexpr std::size_t kArpBytes = 28;

enum class ArpOperation : std::uint8_t { kRequest = 1, kReply = 2 };

class ArpView {
 public:
  // `payload` of the Ethernet frame, with or without padding; must outlive the view.
  [[nodiscard]] static tl::expected<ArpView, stack::Drop> parse(Bytes payload) {
    if (payload.size() < kArpBytes) return tl::unexpected(stack::Drop::kTruncated);
    const std::uint8_t* at = payload.data();
    if (load_be64(at) >> 16 != 0x000108000604U) return tl::unexpected(stack::Drop::kBadArp);
    const std::uint16_t operation = load_be16(at + 6);
    const ArpView view{payload.first(kArpBytes)};
    const MacAddress mac = view.sender_mac();
    const Ipv4Address ip = view.sender_ip();
    if (operation < 1 || operation > 2 || mac.is_group() || mac.is_zero() ||
        !(ip.is_unicast() || ip.is_unspecified())) {
      return tl::unexpected(stack::Drop::kBadArp);
    }
    return view;
  }

  [[nodiscard]] ArpOperation operation() const { return ArpOperation{message_[7]}; }
  [[nodiscard]] bool is_request() const { return operation() == ArpOperation::kRequest; }
  [[nodiscard]] MacAddress sender_mac() const { return MacAddress::from_bytes(message_.data() + 8); }
  [[nodiscard]] Ipv4Address sender_ip() const { return Ipv4Address::from_bytes(message_.data() + 14); }
  [[nodiscard]] MacAddress target_mac() const { return MacAddress::from_bytes(message_.data() + 18); }
  [[nodiscard]] Ipv4Address target_ip() const { return Ipv4Address::from_bytes(message_.data() + 24); }
  // RFC 5227 section 1.1: "is anybody using this address?", to be answered but never learned from.
  [[nodiscard]] bool is_probe() const { return is_request() && sender_ip().is_unspecified(); }
  // RFC 5227 section 3: the sender speaks of its own address.
  [[nodiscard]] bool is_announcement() const { return sender_ip() == target_ip(); }

 private:
  explicit ArpView(Bytes message) : message_(message) {}
  Bytes message_;
};

struct ArpRepr {
  ArpOperation operation = ArpOperation::kRequest;
  MacAddress sender_mac{};
  Ipv4Address sender_ip{};
  MacAddress target_mac{};  // zero in a request
  Ipv4Address target_ip{};

  [[nodiscard]] std::size_t emitted_size() const { return kArpBytes; }
  void emit(MutableBytes out) const {
    assert(out.size() == emitted_size());
    std::uint8_t* at = out.data();
    store_be64(at, 0x0001080006040000U | static_cast<std::uint64_t>(operation));
    sender_mac.store(at + 8);
    sender_ip.store(at + 14);
    target_mac.store(at + 18);
    target_ip.store(at + 24);
  }
};

}  // namespace myriad::wire
