#include "app/dns_server.h"

#include <algorithm>
#include <array>

namespace myriad::app {

DnsServer::Step DnsServer::take(Bytes data, const DnsZone& zone, std::uint32_t limit) {
  if (!backlog_.append(data, limit)) return {0, true};
  return answer(zone);
}

DnsServer::Step DnsServer::acknowledged(std::uint64_t upto, const DnsZone& zone) {
  if (upto > first_) {
    const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(upto - first_, kept_.size()));
    kept_.drop(count);
    first_ += count;
  }
  return answer(zone);
}

DnsServer::Step DnsServer::answer(const DnsZone& zone) {
  Step step;
  while (backlog_.size() >= 2 && kept_.size() < kMostKept) {
    std::array<std::uint8_t, 2> length_bytes;
    backlog_.copy(0, length_bytes);
    const std::uint32_t length = load_be16(length_bytes.data());
    if (length > kLongestQuery) return {step.grown, true};
    if (backlog_.size() < 2 + length) break;
    std::array<std::uint8_t, kLongestQuery> query;
    backlog_.copy(2, MutableBytes{query}.first(length));
    backlog_.drop(2 + length);
    std::array<std::uint8_t, 2 + kDnsMaxBytes> answer;
    const std::size_t size = zone.answer(Bytes{query}.first(length), true, MutableBytes{answer}.subspan(2));
    if (size == 0) continue;
    store_be16(answer.data(), static_cast<std::uint16_t>(size));
    [[maybe_unused]] const bool kept = kept_.append(Bytes{answer}.first(2 + size), kMostKept + 2 + kDnsMaxBytes);
    assert(kept);
    step.grown += 2 + size;
  }
  return step;
}

}  // namespace myriad::app
