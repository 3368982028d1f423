// Who speaks in a capture, and which host each of them becomes. The capture is read twice: first everybody is met, in
// the order of the file, then the frames are rewritten by what is known; so the first frame to somebody who answers
// later is rewritten as the last one is.
//
// A speaker is known by its IP address; where a frame has none, by its MAC address, which then is that of the first
// speaker with it. The n-th speaker is the n-th host of its range, from the beginning again when the range has fewer.
// Who was spoken to before it spoke, or whose first word is a SYN-ACK, answers; all others ask.
//
// Bounded: beyond kMost addresses nobody new is known.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/addr.h"
#include "base/hash_index.h"
#include "base/rng.h"
#include "craft/language.h"

namespace myriad::craft {

// A host of a range, by its place.
struct MappedHost {
  const HostRange* range = nullptr;  // nullptr: nobody
  std::uint32_t place = 0;

  explicit operator bool() const { return range != nullptr; }
  [[nodiscard]] MacAddress mac() const { return MacAddress::from_number(range->mac.number() + place); }
  // The same in six bytes at `at`, in two words that can be read again at once.
  void store_mac(std::uint8_t* at) const {
    const std::uint64_t number = range->mac.number() + place;
    store_be32(at, static_cast<std::uint32_t>(number >> 16));
    store_be16(at + 4, static_cast<std::uint16_t>(number));
  }
  [[nodiscard]] std::optional<Ipv4Address> ipv4() const {
    return range->ipv4 ? std::optional{*range->ipv4 + place} : std::nullopt;
  }
  [[nodiscard]] std::optional<Ipv6Address> ipv6() const {
    return range->ipv6 ? std::optional{range->ipv6->plus(place)} : std::nullopt;
  }
  [[nodiscard]] VlanTags vlan() const;
};

enum class Role : std::uint8_t { kAsks, kAnswers };

// Somebody in a capture, as one of its frames shows it.
struct Speaker {
  std::optional<IpAddress> ip;  // nullopt: the frame has none that stands for one host
  MacAddress mac;
  bool answers = false;  // by what it says: a SYN-ACK
};

class Endpoints {
 public:
  static constexpr std::uint32_t kMost = 1U << 20;

  // Without `answerers` those who answer become hosts of `askers` as well; without `askers` they alone are mapped.
  // `seed`: chance for the hash, so that no capture can be made to fall on one line of the table.
  Endpoints(std::optional<HostRange> askers, std::optional<HostRange> answerers, std::uint64_t seed);
  Endpoints(const Endpoints&) = delete;
  Endpoints& operator=(const Endpoints&) = delete;

  // `to`: whom the frame is for, when that is one host.
  void meet(const Speaker& from, const std::optional<IpAddress>& to);

  // Whose address that is; nobody's, when it never spoke or is not mapped. Who was never met asks.
  struct Known {
    MappedHost host;
    Role role = Role::kAsks;
  };
  [[nodiscard]] Known by_ip(const IpAddress& ip) const {
    const std::uint32_t at = find(ip);
    if (at == HashIndex::kNone) return {};
    const Entry& entry = entries_[at];
    return {{entry.spoke ? range_of(entry.role) : nullptr, entry.place}, entry.role};
  }
  [[nodiscard]] MappedHost by_mac(const MacAddress& mac) const {
    const std::uint32_t at = find(mac.number());
    if (at == HashIndex::kNone) return {};
    return {range_of(mac_entries_[at].role), mac_entries_[at].place};
  }
  [[nodiscard]] bool maps() const { return askers_ || answerers_; }
  // Distinct ones that spoke.
  [[nodiscard]] std::uint64_t speakers() const { return speakers_; }
  // Somebody could not be remembered.
  [[nodiscard]] bool full() const { return full_; }

 private:
  // One that speaks under this address, or was spoken to.
  struct Entry {
    IpAddress ip;
    std::uint32_t place = 0;  // of its host
    Role role = Role::kAsks;
    bool spoke = false;
  };
  struct MacEntry {
    std::uint64_t mac = 0;
    std::uint32_t place = 0;
    Role role = Role::kAsks;
    bool only_mac = false;  // no IP address has taken its place yet
  };

  // The halves of a product of two numbers of which nobody knows either: a quarter of the time that mix64 takes twice.
  [[nodiscard]] std::uint64_t hash(std::uint64_t high, std::uint64_t low) const {
    const Uint128 product = Uint128{high ^ secrets_[0]} * (low ^ secrets_[1]);
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }
  [[nodiscard]] std::uint64_t hash(const IpAddress& ip) const {
    return hash(load_be64(ip.octets().data()), load_be64(ip.octets().data() + 8));
  }
  [[nodiscard]] std::uint64_t hash(std::uint64_t mac) const { return hash(0, mac); }
  [[nodiscard]] std::uint32_t find(const IpAddress& ip) const {
    return ips_.find(hash(ip), [&](std::uint32_t at) { return entries_[at].ip == ip; });
  }
  [[nodiscard]] std::uint32_t find(std::uint64_t mac) const {
    return macs_.find(hash(mac), [&](std::uint32_t at) { return mac_entries_[at].mac == mac; });
  }
  Entry* find_or_add(const IpAddress& ip, Role role);
  void meet_mac(const Speaker& from);
  // nullptr: they are not mapped.
  [[nodiscard]] const HostRange* range_of(Role role) const {
    if (role == Role::kAnswers && answerers_) return &*answerers_;
    return askers_ ? &*askers_ : nullptr;
  }
  std::uint32_t next_place(Role role);

  std::optional<HostRange> askers_;
  std::optional<HostRange> answerers_;
  std::uint64_t secrets_[2];
  HashIndex ips_;
  HashIndex macs_;
  std::vector<Entry> entries_;
  std::vector<MacEntry> mac_entries_;
  std::uint32_t next_[2] = {0, 0};  // by role
  std::uint64_t speakers_ = 0;
  bool full_ = false;
};

}  // namespace myriad::craft
