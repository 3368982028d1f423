// DNS in the Plan: what clients ask, and the zone that a service answers from. Both are ready to be used.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "app/dns_client.h"
#include "app/dns_zone.h"

namespace myriad::plan {

struct DnsWorkload {
  app::DnsQuestions questions;
};

struct DnsService {
  std::string origin;
  std::size_t records = 0;
  std::shared_ptr<const app::DnsZone> zone;
};

}  // namespace myriad::plan
