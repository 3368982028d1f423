// ARP (RFC 826, RFC 5227) and neighbour discovery (RFC 4861) of all hosts: answers for each of them, asks on their
// behalf, notices when somebody else claims an address of theirs, and announces them at the start.
#pragma once

#include <cstdint>
#include <vector>

#include "base/frame.h"
#include "stack/counters.h"
#include "stack/host_table.h"
#include "stack/neigh/cache.h"
#include "stack/wire/arp.h"
#include "stack/wire/drop.h"
#include "stack/wire/ethernet.h"
#include "stack/wire/ndp.h"

namespace myriad::stack {

class Neighbourhood {
 public:
  // Speaks for the hosts whose id is `shard` modulo `shards`. Everything passed by reference outlives this.
  Neighbourhood(const HostTable& hosts, NeighbourCache& cache, std::uint32_t shard, std::uint32_t shards,
                std::vector<GroupCounters>& counters, DropCounters& drops)
      : hosts_(hosts), cache_(cache), shards_(shards), announce_next_(shard), counters_(counters), drops_(drops) {}

  void on_arp(const wire::EthernetView& frame, Instant now, TxBatch& out);
  void on_ndp(const wire::EthernetView& frame, const wire::IpView& ip, const wire::IcmpView& icmp, Instant now,
              TxBatch& out);

  // Questions that are due, then announcements, as far as the batch has room.
  void transmit(Instant now, TxBatch& out);
  [[nodiscard]] bool has_output() const { return cache_.has_question() || announce_next_ < hosts_.size(); }

 private:
  void ask(const NeighbourCache::Question& question, TxBatch& out);
  void announce(const Host& host, TxBatch& out);
  void send_arp(const Host& host, const MacAddress& to, const wire::ArpRepr& arp, TxBatch& out);
  void send_ndp(const Host& host, const MacAddress& to, const Ipv6Address& src, const Ipv6Address& dst,
                const wire::NdpRepr& ndp, TxBatch& out);
  // Whether `mac` speaks for an address that is ours; counts the claim.
  bool is_claim(const IpAddress& ip, VlanTags vlan, const MacAddress& mac);

  const HostTable& hosts_;
  NeighbourCache& cache_;
  std::uint32_t shards_;
  std::uint32_t announce_next_;  // the next host to announce; size() when all are done
  std::vector<GroupCounters>& counters_;
  DropCounters& drops_;
};

}  // namespace myriad::stack
