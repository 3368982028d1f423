// A zone with some of everything, and questions about it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/dns_message.h"
#include "app/dns_zone.h"

namespace myriad::app {

inline DnsZoneRecord zone_record(std::string_view owner, DnsType type, std::string_view data) {
  const DnsName origin = DnsName::parse("example.test").value();
  return {owner == "@" ? origin : DnsName::parse(owner)->under(origin).value(), type, 60,
          dns_data(type, data, origin).value()};
}

inline const DnsZone& example_zone() {
  static const DnsZone zone = [] {
    std::vector<DnsZoneRecord> records = {
        zone_record("www", DnsType::kA, "10.0.255.1"),
        zone_record("www", DnsType::kA, "10.0.255.2"),
        zone_record("www", DnsType::kAaaa, "fd00::1"),
        zone_record("@", DnsType::kMx, "10 mail"),
        zone_record("mail", DnsType::kA, "10.0.255.3"),
        zone_record("ftp", DnsType::kCname, "www"),
        zone_record("away", DnsType::kCname, "www.example.org."),
        zone_record("round", DnsType::kCname, "and"),
        zone_record("and", DnsType::kCname, "round"),
        zone_record("broken", DnsType::kCname, "nowhere"),
        zone_record("_sip._udp", DnsType::kSrv, "0 5 5060 sip"),
        zone_record("1.255.0.10", DnsType::kPtr, "www"),
        zone_record("*.any", DnsType::kA, "10.0.255.9"),
        zone_record("known.any", DnsType::kTxt, "hides the wildcard"),
    };
    for (int i = 0; i < 12; ++i) {
      records.push_back(zone_record("huge", DnsType::kTxt, std::string(200, static_cast<char>('a' + i))));
      if (i < 4) records.push_back(zone_record("big", DnsType::kTxt, std::string(200, static_cast<char>('a' + i))));
    }
    return DnsZone{DnsName::parse("example.test").value(), 60, std::move(records)};
  }();
  return zone;
}

inline std::string query_for(std::string_view name, std::uint16_t type, std::uint16_t payload_bytes = 0) {
  std::string out(kDnsMaxQuery, '\0');
  out.resize(write_dns_query(0x1234, DnsName::parse(name).value(), type, payload_bytes,
                             {reinterpret_cast<std::uint8_t*>(out.data()), out.size()}));
  return out;
}

}  // namespace myriad::app
