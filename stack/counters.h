// What happened to the hosts of a group, whatever the conversation: the report's `hosts` block.
#pragma once

#include <cstdint>

namespace myriad::stack {

struct GroupCounters {
  std::uint64_t arp_requests_tx = 0;
  std::uint64_t arp_replies_tx = 0;
  std::uint64_t neighbour_solicitations_tx = 0;
  std::uint64_t neighbour_advertisements_tx = 0;
  std::uint64_t announcements_tx = 0;
  std::uint64_t echo_requests_tx = 0;
  std::uint64_t echo_replies_tx = 0;
  std::uint64_t icmp_errors_tx = 0;
  std::uint64_t icmp_errors_limited = 0;  // not sent, by the limits of RFC 1122 section 3.2.2 and RFC 4443 section 2.4
  std::uint64_t resolved = 0;             // next hops that answered ARP or NDP
  std::uint64_t unresolved = 0;           // next hops that did not
  std::uint64_t duplicate_address = 0;    // somebody else claimed an address of ours

  void add(const GroupCounters& o) {
    arp_requests_tx += o.arp_requests_tx;
    arp_replies_tx += o.arp_replies_tx;
    neighbour_solicitations_tx += o.neighbour_solicitations_tx;
    neighbour_advertisements_tx += o.neighbour_advertisements_tx;
    announcements_tx += o.announcements_tx;
    echo_requests_tx += o.echo_requests_tx;
    echo_replies_tx += o.echo_replies_tx;
    icmp_errors_tx += o.icmp_errors_tx;
    icmp_errors_limited += o.icmp_errors_limited;
    resolved += o.resolved;
    unresolved += o.unresolved;
    duplicate_address += o.duplicate_address;
  }
};

}  // namespace myriad::stack
