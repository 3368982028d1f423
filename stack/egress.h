// How a host's packet becomes a frame: Ethernet (with its VLAN tags), IP of either family, room for the payload.
#pragma once

#include <cassert>
#include <cstdint>

#include "base/frame.h"
#include "stack/host_table.h"
#include "stack/wire/ethernet.h"
#include "stack/wire/ip.h"

namespace myriad::stack {

inline constexpr std::size_t kMinimumFrameBytes = 60;  // without FCS; shorter frames are padded (IEEE 802.3)

// A frame that is being written in the batch's open slot.
class Packet {
 public:
  // Writes the headers. `ip.payload_length` must be set; the payload's bytes are the caller's to write.
  // Precondition: out.room() > 0 and the packet fits in a frame.
  Packet(TxBatch& out, const Host& host, const MacAddress& to, const wire::IpRepr& ip) : out_(out), frame_(out.open()) {
    const wire::EthernetRepr ethernet{to, host.mac, host.vlan, ip.ether_type()};
    ethernet.emit_header(frame_.data());
    const std::size_t network = ethernet.header_size();
    ip.emit_header(frame_.data() + network);
    transport_ = network + ip.header_size();
    length_ = transport_ + ip.payload_length;
    assert(length_ <= frame_.size() && "the MTU of a host fits in a frame");
  }
  [[nodiscard]] MutableBytes payload() const { return frame_.subspan(transport_, length_ - transport_); }
  void send() {
    if (length_ < kMinimumFrameBytes) {
      std::memset(frame_.data() + length_, 0, kMinimumFrameBytes - length_);  // no stale bytes leave (CVE-2003-0001)
      length_ = kMinimumFrameBytes;
    }
    out_.commit(length_);
  }

 private:
  TxBatch& out_;
  MutableBytes frame_;
  std::size_t transport_ = 0;
  std::size_t length_ = 0;
};

// Sends `payload` behind `ip` (whose payload_length is ignored), cut into fragments where the MTU asks for it (RFC 791
// section 3.2, RFC 8200 section 4.5); `id` names the datagram then. False, and nothing sent, when the batch has no
// room.
[[nodiscard]] bool send_datagram(TxBatch& out, const Host& host, const MacAddress& to, wire::IpRepr ip, Bytes payload,
                                 std::uint16_t mtu, std::uint32_t id);

}  // namespace myriad::stack
