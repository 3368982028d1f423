#include "craft/endpoints.h"

#include <utility>

namespace myriad::craft {

VlanTags MappedHost::vlan() const {
  VlanTags tags = range->vlan;
  if (range->hosts_per_vlan == 0) return tags;
  std::uint16_t& innermost = tags.inner != 0 ? tags.inner : tags.outer;
  innermost = static_cast<std::uint16_t>(innermost + place / range->hosts_per_vlan);
  return tags;
}

Endpoints::Endpoints(std::optional<HostRange> askers, std::optional<HostRange> answerers, std::uint64_t seed)
    : askers_(std::move(askers)),
      answerers_(std::move(answerers)),
      // Odd, so that the lower half of a product tells all numbers apart.
      secrets_{mix64(seed) | 1, mix64(mix64(seed))} {}

Endpoints::Entry* Endpoints::find_or_add(const IpAddress& ip, Role role) {
  if (const std::uint32_t at = find(ip); at != HashIndex::kNone) return &entries_[at];
  if (entries_.size() >= kMost) {
    full_ = true;
    return nullptr;
  }
  const auto at = static_cast<std::uint32_t>(entries_.size());
  entries_.push_back({ip, 0, role, false});
  ips_.insert(hash(ip), at, [this](std::uint32_t other) { return hash(entries_[other].ip); });
  return &entries_.back();
}

// Where all become hosts of one range, they are counted together.
std::uint32_t Endpoints::next_place(Role role) {
  const std::uint32_t number = next_[answerers_ && role == Role::kAnswers ? 1 : 0]++;
  const HostRange* const range = range_of(role);
  return range == nullptr ? 0 : number % range->count;
}

void Endpoints::meet_mac(const Speaker& from) {
  const std::uint64_t mac = from.mac.number();
  if (from.mac.is_group() || mac == 0 || find(mac) != HashIndex::kNone) return;
  if (mac_entries_.size() >= kMost) {
    full_ = true;
    return;
  }
  MacEntry made{mac, 0, Role::kAsks, true};
  if (from.ip) {
    const std::uint32_t ip = find(*from.ip);
    if (ip == HashIndex::kNone) return;
    made = {mac, entries_[ip].place, entries_[ip].role, false};
  } else {
    made.place = next_place(Role::kAsks);
    ++speakers_;
  }
  const auto at = static_cast<std::uint32_t>(mac_entries_.size());
  mac_entries_.push_back(made);
  macs_.insert(hash(mac), at, [this](std::uint32_t other) { return hash(mac_entries_[other].mac); });
}

void Endpoints::meet(const Speaker& from, const std::optional<IpAddress>& to) {
  if (from.ip) {
    Entry* const entry = find_or_add(*from.ip, from.answers ? Role::kAnswers : Role::kAsks);
    if (entry != nullptr && !entry->spoke) {
      entry->spoke = true;
      const std::uint32_t known = find(from.mac.number());
      // It spoke before without an address: as who asks.
      if (known != HashIndex::kNone && mac_entries_[known].only_mac && entry->role == Role::kAsks) {
        mac_entries_[known].only_mac = false;
        entry->place = mac_entries_[known].place;
      } else {
        entry->place = next_place(entry->role);
        ++speakers_;
      }
    }
  }
  meet_mac(from);
  if (to) find_or_add(*to, Role::kAnswers);
}

}  // namespace myriad::craft
