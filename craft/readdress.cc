#include "craft/readdress.h"

#include <algorithm>
#include <cstring>

#include "base/checksum.h"
#include "craft/framing.h"
#include "stack/wire/checksum.h"
#include "stack/wire/ethernet.h"
#include "stack/wire/ipv4.h"
#include "stack/wire/ipv6.h"

namespace myriad::craft {
namespace {

// An error quotes the packet that it is about, and that is no error itself (RFC 1122 section 3.2.2, RFC 4443 2.4 e);
// where somebody wrote one nevertheless, it is not looked into.
constexpr int kMostQuotes = 1;

// What a checksum has to make good: new words minus old ones, in one's complement, in memory order. All that changes
// lies at even offsets of what a checksum covers.
class Change {
 public:
  // Writes `kBytes` new bytes, an even number, over old ones.
  template <std::size_t kBytes>
  void write(std::uint8_t* at, const std::uint8_t* now) {
    static_assert(kBytes % 2 == 0);
    std::size_t done = 0;
    for (; done + 4 <= kBytes; done += 4) exchange<std::uint32_t>(at + done, now + done);
    if (done < kBytes) exchange<std::uint16_t>(at + done, now + done);
    std::memcpy(at, now, kBytes);
  }
  void add(const Change& other) { sum_ += other.sum_; }
  [[nodiscard]] bool none() const { return sum_ == 0; }
  // The checksum as it has to be now (RFC 1624 equation 3).
  [[nodiscard]] std::uint16_t applied_to(std::uint16_t checksum) const {
    return static_cast<std::uint16_t>(~checksum_fold(sum_ + static_cast<std::uint16_t>(~checksum)));
  }

 private:
  // Words of any length do: 2^16 is 1 in one's complement.
  template <class Word>
  void exchange(const std::uint8_t* before, const std::uint8_t* now) {
    Word old_word, new_word;
    std::memcpy(&old_word, before, sizeof old_word);
    std::memcpy(&new_word, now, sizeof new_word);
    sum_ += std::uint64_t{static_cast<Word>(~old_word)} + new_word;
  }

  std::uint64_t sum_ = 0;
};

// Corrects the checksum at `field` by `change`; what that changes is added to `around`, which covers the field.
void follow(std::uint8_t* field, const Change& change, Change& around, bool zero_means_none = false) {
  if (change.none()) return;
  std::uint16_t checksum;
  std::memcpy(&checksum, field, sizeof checksum);
  checksum = change.applied_to(checksum);
  if (zero_means_none && checksum == 0) checksum = 0xffff;  // RFC 768
  std::uint8_t bytes[2];
  std::memcpy(bytes, &checksum, sizeof bytes);
  around.write<2>(field, bytes);
}

// Other protocols whose checksum covers the addresses, and where it lies (RFC 3828, RFC 4340, RFC 7761 4.9, RFC 5340).
struct Covered {
  std::uint8_t protocol;
  std::uint8_t checksum_at;
  bool only_ipv6;
};
constexpr Covered kCovered[] = {
    {wire::kProtocolTcp, 16, false}, {136, 6, false}, {33, 6, false}, {103, 2, true}, {89, 12, true},
};

class Readdressing {
 public:
  Readdressing(const MappedEnds& ends, const Endpoints& endpoints) : ends_(ends), endpoints_(endpoints) {}

  // `around` covers the packet. The packet may end anywhere.
  void ipv4(MutableBytes packet, Change& around, int quotes);
  void ipv6(MutableBytes packet, Change& around, int quotes);
  void arp(MutableBytes packet);

 private:
  void transport(std::uint8_t protocol, bool v6, MutableBytes segment, const Change& addresses, Change& around,
                 int quotes);
  void icmp4(MutableBytes message, Change& around, int quotes);
  void icmp6(MutableBytes message, Change& change, int quotes);
  void neighbour_discovery(MutableBytes message, Change& change);
  void nd_options(MutableBytes options, const MappedHost& target, Change& change);

  // Most addresses of a frame are those of its ends.
  [[nodiscard]] MappedHost host_of(const IpAddress& ip) const {
    if (ends_.ips.source && *ends_.ips.source == ip) return ends_.from;
    if (ends_.ips.destination && *ends_.ips.destination == ip) return ends_.to;
    return endpoints_.by_ip(ip).host;
  }
  // Of the frame's own packet both ends are known, if they have addresses; a quoted one is of anybody.
  [[nodiscard]] MappedHost source_of(const auto& ip, int quotes) const {
    if (quotes != 0) return host_of(ip);
    return ends_.ips.source ? ends_.from : MappedHost{};
  }
  [[nodiscard]] MappedHost destination_of(const auto& ip, int quotes) const {
    return quotes != 0 ? host_of(ip) : ends_.to;
  }
  // The address at `at`, which lies in the packet, becomes that of the host, if there is one.
  static void put_ipv4(const MappedHost& host, std::uint8_t* at, Change& change);
  static void put_ipv6(const MappedHost& host, std::uint8_t* at, Change& change);
  // The same, of whoever has it.
  MappedHost write_ipv4(std::uint8_t* at, Change& change) const;
  MappedHost write_ipv6(std::uint8_t* at, Change& change) const;
  void write_mac(std::uint8_t* at, const MappedHost& whose, Change& change);

  const MappedEnds& ends_;
  const Endpoints& endpoints_;
};

void Readdressing::put_ipv4(const MappedHost& host, std::uint8_t* at, Change& change) {
  const auto ip = host ? host.ipv4() : std::nullopt;
  if (!ip) return;
  std::uint8_t bytes[4];
  ip->store(bytes);
  change.write<4>(at, bytes);
}

MappedHost Readdressing::write_ipv4(std::uint8_t* at, Change& change) const {
  const MappedHost host = host_of(Ipv4Address::from_bytes(at));
  put_ipv4(host, at, change);
  return host;
}

// The group that asks for one address changes with that address (RFC 4291 section 2.7.1): see neighbour_discovery().
void Readdressing::put_ipv6(const MappedHost& host, std::uint8_t* at, Change& change) {
  if (const auto ip = host ? host.ipv6() : std::nullopt) change.write<16>(at, ip->octets.data());
}

MappedHost Readdressing::write_ipv6(std::uint8_t* at, Change& change) const {
  const MappedHost host = host_of(Ipv6Address::from_bytes(at));
  put_ipv6(host, at, change);
  return host;
}

// The host's own where it is known, else that of whoever had the address in the capture.
void Readdressing::write_mac(std::uint8_t* at, const MappedHost& whose, Change& change) {
  const MacAddress old = MacAddress::from_bytes(at);
  if (old.is_group() || old.is_zero()) return;
  const MappedHost host = whose ? whose : endpoints_.by_mac(old);
  if (host) change.write<6>(at, host.mac().octets.data());
}

void Readdressing::ipv4(MutableBytes packet, Change& around, int quotes) {
  if (packet.size() < wire::kIpv4HeaderBytes || packet[0] >> 4 != 4) return;
  const std::size_t header = std::size_t{packet[0] & 0x0fU} * 4;
  if (header < wire::kIpv4HeaderBytes) return;
  Change addresses;
  std::uint8_t* const from = packet.data() + 12;
  std::uint8_t* const to = packet.data() + 16;
  put_ipv4(source_of(Ipv4Address::from_bytes(from), quotes), from, addresses);
  put_ipv4(destination_of(Ipv4Address::from_bytes(to), quotes), to, addresses);
  around.add(addresses);
  follow(packet.data() + 10, addresses, around);

  // Where segmentation was left to a device there is no length.
  const std::size_t total = load_be16(packet.data() + 2);
  const std::size_t end = total == 0 ? packet.size() : std::min(total, packet.size());
  const bool later_fragment = (load_be16(packet.data() + 6) & 0x1fff) != 0;
  if (later_fragment || end <= header) return;
  transport(packet[9], false, packet.first(end).subspan(header), addresses, around, quotes);
}

void Readdressing::ipv6(MutableBytes packet, Change& around, int quotes) {
  if (packet.size() < wire::kIpv6HeaderBytes || packet[0] >> 4 != 6) return;
  Change source, destination;
  std::uint8_t* const from = packet.data() + 8;
  put_ipv6(source_of(Ipv6Address::from_bytes(from), quotes), from, source);
  // Who is asked for by neighbour discovery is asked for in the group of the new address.
  std::uint8_t* const to = packet.data() + 24;
  const MappedHost receiver = destination_of(Ipv6Address::from_bytes(to), quotes);
  put_ipv6(receiver, to, destination);
  if (!receiver && packet[6] == wire::kProtocolIcmpv6 && packet.size() >= 64 && packet[40] == 135) {
    const Ipv6Address target = Ipv6Address::from_bytes(packet.data() + 48);
    const MappedHost asked = host_of(target);
    if (asked && asked.ipv6() && Ipv6Address::from_bytes(to) == target.solicited_node())
      destination.write<16>(to, asked.ipv6()->solicited_node().octets.data());
  }
  Change addresses = source;
  around.add(source);
  around.add(destination);

  const std::size_t length = load_be16(packet.data() + 4);
  const std::size_t end = length == 0 ? packet.size() : std::min(wire::kIpv6HeaderBytes + length, packet.size());
  bool final_destination = true;
  std::uint8_t next = packet[6];
  std::size_t at = wire::kIpv6HeaderBytes;
  for (;;) {
    std::size_t bytes = 0;
    if (end < at + 8) break;
    switch (next) {
      case 0:    // hop-by-hop options
      case 43:   // routing
      case 60:   // destination options
      case 135:  // mobility
      case 139:  // host identity
      case 140:  // shim6
        bytes = (std::size_t{packet[at + 1]} + 1) * 8;
        // With segments left, checksums cover the last address of the list (RFC 8200 section 8.1).
        if (next == 43 && packet[at + 3] != 0) final_destination = false;
        break;
      case 44:  // fragment
        if ((load_be16(packet.data() + at + 2) & 0xfff8) != 0) return;
        bytes = 8;
        break;
      case 51:  // authentication
        bytes = (std::size_t{packet[at + 1]} + 2) * 4;
        break;
      default:
        break;
    }
    if (bytes == 0) break;
    next = packet[at];
    at += bytes;
    if (at >= end) return;
  }
  if (final_destination) addresses.add(destination);
  transport(next, true, packet.first(end).subspan(at), addresses, around, quotes);
}

void Readdressing::transport(std::uint8_t protocol, bool v6, MutableBytes segment, const Change& addresses,
                             Change& around, int quotes) {
  if (protocol == wire::kProtocolUdp) {
    if (segment.size() >= 8 && load_be16(segment.data() + 6) != 0) follow(segment.data() + 6, addresses, around, true);
    return;
  }
  if (protocol == wire::kProtocolIcmp && !v6) return icmp4(segment, around, quotes);
  if (protocol == wire::kProtocolIcmpv6 && v6) {
    Change change = addresses;
    Change inside;
    icmp6(segment, inside, quotes);
    change.add(inside);
    around.add(inside);
    if (segment.size() >= 4) follow(segment.data() + 2, change, around);
    return;
  }
  for (const Covered& covered : kCovered) {
    if (covered.protocol != protocol || (covered.only_ipv6 && !v6)) continue;
    if (segment.size() >= covered.checksum_at + 2U) follow(segment.data() + covered.checksum_at, addresses, around);
  }
}

void Readdressing::icmp4(MutableBytes message, Change& around, int quotes) {
  if (message.size() < 8 || quotes >= kMostQuotes) return;
  const std::uint8_t type = message[0];
  // Unreachable, source quench, redirect, time exceeded, parameter problem: the packet they are about follows.
  if (type != 3 && type != 4 && type != 5 && type != 11 && type != 12) return;
  Change inside;
  if (type == 5) write_ipv4(message.data() + 4, inside);
  ipv4(message.subspan(8), inside, quotes + 1);
  around.add(inside);
  follow(message.data() + 2, inside, around);
}

// All but the checksum.
void Readdressing::icmp6(MutableBytes message, Change& change, int quotes) {
  if (message.size() < 8) return;
  const std::uint8_t type = message[0];
  if (type >= 1 && type <= 4) {
    if (quotes < kMostQuotes) ipv6(message.subspan(8), change, quotes + 1);
  } else if (type >= 133 && type <= 137) {
    neighbour_discovery(message, change);
  }
}

// RFC 4861 section 4: solicitations and advertisements of routers, of neighbours, and redirects.
void Readdressing::neighbour_discovery(MutableBytes message, Change& change) {
  constexpr std::size_t kOptionsAt[] = {8, 16, 24, 24, 40};
  const std::size_t options = kOptionsAt[message[0] - 133];
  if (message.size() < options) return;
  MappedHost target;
  if (message[0] >= 135) target = write_ipv6(message.data() + 8, change);
  if (message[0] == 137) write_ipv6(message.data() + 24, change);
  nd_options(message.subspan(options), target, change);
}

void Readdressing::nd_options(MutableBytes options, const MappedHost& target, Change& change) {
  constexpr std::uint8_t kSourceMac = 1, kTargetMac = 2, kRedirected = 4;
  while (options.size() >= 8) {
    const std::size_t bytes = std::size_t{options[1]} * 8;
    if (bytes == 0 || bytes > options.size()) return;
    if (options[0] == kSourceMac && bytes == 8) write_mac(options.data() + 2, ends_.from, change);
    if (options[0] == kTargetMac && bytes == 8) write_mac(options.data() + 2, target, change);
    if (options[0] == kRedirected) ipv6(options.first(bytes).subspan(8), change, kMostQuotes);
    options = options.subspan(bytes);
  }
}

void Readdressing::arp(MutableBytes packet) {
  Change nothing;  // has no checksum
  write_mac(packet.data() + 8, ends_.from, nothing);
  write_ipv4(packet.data() + 14, nothing);
  const MappedHost target = write_ipv4(packet.data() + 24, nothing);
  write_mac(packet.data() + 18, target, nothing);
}

}  // namespace

void readdress(std::uint16_t ether_type, MutableBytes packet, const MappedEnds& ends, const Endpoints& endpoints) {
  Readdressing readdressing{ends, endpoints};
  Change nobody_covers;
  if (ether_type == wire::kEtherTypeIpv4) {
    readdressing.ipv4(packet, nobody_covers, 0);
  } else if (ether_type == wire::kEtherTypeIpv6) {
    readdressing.ipv6(packet, nobody_covers, 0);
  } else if (is_arp_of_ipv4(ether_type, packet)) {
    readdressing.arp(packet);
  }
}

}  // namespace myriad::craft
