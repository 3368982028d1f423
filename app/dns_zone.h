// An authoritative server for one zone (RFC 1034 section 4.3.2, RFC 4592 for `*`): what a question is answered with.
// Made once, then only read; shared by all hosts and shards.
//
// Outside the zone: REFUSED. Inside, a name that is not there: NXDOMAIN, one without the type: no records; both with
// the zone's SOA record, which is made up. Aliases are followed as long as they stay in the zone. What does not fit is
// left out as a whole and the answer marked as truncated. Never answers what is no query, so that two servers cannot
// keep each other busy.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "app/dns_message.h"

namespace myriad::app {

struct DnsZoneRecord {
  DnsName owner;
  DnsType type = DnsType::kA;
  std::uint32_t ttl = 0;  // seconds
  std::string data;       // as dns_data() makes it
};

class DnsZone {
 public:
  // By UDP never more than this, whatever the asker offers: what fits in a packet everywhere.
  static constexpr std::size_t kMostByUdp = 1232;

  // Precondition: owners lie within `origin`. `ttl`: how long "no" may be remembered, seconds.
  DnsZone(const DnsName& origin, std::uint32_t ttl, std::vector<DnsZoneRecord> records);

  // Writes the answer into `out` and returns its length; 0: none is due. Over TCP answers may be as long as `out`.
  [[nodiscard]] std::size_t answer(Bytes query, bool over_tcp, MutableBytes out) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  struct Node {
    std::vector<DnsZoneRecord> records;
  };
  class Writer;

  [[nodiscard]] const Node* node(std::string_view key) const;  // of a name in lower case, as on the wire
  // What there is for that name: itself, or the wildcard next above it.
  [[nodiscard]] const Node* closest(const DnsName& name) const;
  // False: the answer does not fit.
  bool resolve(const DnsQuestion& question, DnsHeader& header, Writer& writer) const;

  DnsName origin_;
  DnsZoneRecord soa_;
  std::unordered_map<std::string, Node, Hash, std::equal_to<>> nodes_;  // by name in lower case, as on the wire
};

}  // namespace myriad::app
