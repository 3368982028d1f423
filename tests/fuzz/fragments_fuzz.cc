// Fragments in any order and shape against bounds so small that they are always in the way. The input is a script of
// fragments: datagram and family, offset, length, end or not, time that passes. A packet that comes out whole must be
// what went in: every byte of a datagram is a function of its place.
#include <vector>

#include "stack/fragments.h"
#include "tests/fuzz/read_everything.h"
#include "tests/stack_wire/fragment_maker.h"

using namespace myriad;

namespace {

constexpr std::size_t kStep = 5;
constexpr stack::FragmentLimits kLimits{.datagrams = 6, .bytes = 8000, .pieces = 12};

std::uint8_t byte_at(std::uint32_t id, std::size_t at) {
  return static_cast<std::uint8_t>(id * 31 + at * 7 + at / 256);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  stack::Fragments fragments{kLimits};
  stack::DropCounters drops;
  Instant now{1};
  for (std::size_t at = 0; at + kStep <= size; at += kStep) {
    const std::uint8_t* op = data + at;
    const bool v6 = (op[0] & 0x80) != 0;
    DatagramToCut datagram{
        IpAddress{Ipv4Address{0x0a000001}}, IpAddress{Ipv4Address{0x0a000002}}, op[0] & 0x0fU, wire::kProtocolUdp, {}};
    if (v6) {
      datagram.src = *Ipv6Address::parse("fd00::1");
      datagram.dst = *Ipv6Address::parse("fd00::2");
    }
    const bool far = (op[0] & 0x40) != 0;
    const std::size_t begin = std::size_t{op[1]} * (far ? 256 : 8);
    const std::size_t length = (std::size_t{op[2]} * 256 + op[3]) % 2048;
    const bool more = (op[0] & 0x20) != 0;
    now = now + std::chrono::seconds{op[4] % 16};
    datagram.payload.resize(begin + length);
    for (std::size_t i = begin; i < datagram.payload.size(); ++i) datagram.payload[i] = byte_at(datagram.id, i);
    const auto packet = fragment_of(datagram, begin, begin + length, more);
    const auto view = packet_view(packet);
    if (!view.is_fragment()) continue;
    const auto whole = fragments.add(view, {}, now, drops);
    fuzz::require(fragments.datagrams() <= kLimits.datagrams && fragments.bytes_held() <= kLimits.bytes);
    fuzz::require(fragments.datagrams() != 0 || fragments.bytes_held() == 0);
    fuzz::require(fragments.next_deadline() > now);
    if (!whole) continue;
    const Bytes payload = whole->payload();
    for (std::size_t i = 0; i < payload.size(); ++i) fuzz::require(payload[i] == byte_at(datagram.id, i));
  }
  fragments.expire(Instant{INT64_MAX - 1}, drops);
  fuzz::require(fragments.datagrams() == 0 && fragments.bytes_held() == 0);
  return 0;
}
