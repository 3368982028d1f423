// Which part of a group a shard has, and whose turn it is among those hosts.
#pragma once

#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace myriad::engine {

// Sessions of a workload are numbered over all shards; the n-th is the turn of host n % count of the group, and so of
// the shard that owns that host (host id % shards). A shard's part of any number of sessions follows by arithmetic, and
// the parts of all shards always add up to that number.
struct LoadSlice {
  std::uint32_t count = 0;   // hosts of the group
  std::uint32_t offset = 0;  // place in the group of the first host this shard owns; >= count: it owns none
  std::uint32_t shards = 1;

  // `first_host`: the id of the group's first host.
  static constexpr LoadSlice of_group(std::uint32_t first_host, std::uint32_t count, std::uint32_t shard,
                                      std::uint32_t shards) {
    return {count, (shard + shards - first_host % shards) % shards, shards};
  }
  // Hosts of the group that this shard owns.
  [[nodiscard]] constexpr std::uint32_t own() const { return static_cast<std::uint32_t>(before(count)); }
  // How many of the first `sessions` are this shard's.
  [[nodiscard]] constexpr std::uint64_t share(std::uint64_t sessions) const {
    return count == 0 ? 0 : sessions / count * own() + before(sessions % count);
  }
  // The number over all shards of this shard's k-th session (both from 0). Precondition: own() > 0.
  [[nodiscard]] constexpr std::uint64_t ordinal(std::uint64_t k) const {
    return k / own() * count + host(static_cast<std::uint32_t>(k % own()));
  }
  // Place in the group of the j-th host this shard owns.
  [[nodiscard]] constexpr std::uint32_t host(std::uint32_t j) const { return offset + j * shards; }
  [[nodiscard]] constexpr std::uint32_t index_of(std::uint32_t place) const { return (place - offset) / shards; }

 private:
  // How many of the first `hosts` places of the group are this shard's.
  [[nodiscard]] constexpr std::uint64_t before(std::uint64_t hosts) const {
    return hosts > offset ? (hosts - offset - 1) / shards + 1 : 0;
  }
};

// Hosts 0..count-1 have their turn one after the other; those that hold `per_host` sessions are passed over. Finding
// the next one looks at one word per level of a tree of bitmaps, 64 hosts to a word: three for a quarter of a million
// hosts, however many are busy. A bit and, with per_host > 1, two bytes per host.
class HostTurns {
 public:
  static constexpr std::uint32_t kMaxPerHost = 65535;  // a host has no more source ports

  // 1 <= per_host <= kMaxPerHost.
  HostTurns(std::uint32_t count, std::uint32_t per_host) : count_(count), per_host_(per_host) {
    assert(per_host >= 1 && per_host <= kMaxPerHost);
    if (per_host > 1) held_.resize(count);
    std::size_t bits = count;
    do {  // every host is free: all bits of all levels that stand for something are set
      std::vector<std::uint64_t> level((bits + 63) / 64, ~std::uint64_t{0});
      if (bits % 64 != 0) level.back() = (std::uint64_t{1} << (bits % 64)) - 1;
      bits = level.size();
      levels_.push_back(std::move(level));
    } while (bits > 1);
  }

  // The next host in turn that can hold another session; nullopt when none can.
  [[nodiscard]] std::optional<std::uint32_t> take() {
    auto host = find(next_);
    if (!host && next_ != 0) host = find(0);
    if (!host) return std::nullopt;
    next_ = *host + 1 == count_ ? 0 : *host + 1;
    if (per_host_ == 1 || ++held_[*host] == per_host_) mark_busy(*host);
    return host;
  }
  // The same, beginning with the host `luck` modulo their number.
  [[nodiscard]] std::optional<std::uint32_t> take_from(std::uint64_t luck) {
    if (count_ > 0) next_ = luck % count_;
    return take();
  }
  // A session of `host` is over.
  void give_back(std::uint32_t host) {
    if (per_host_ > 1) --held_[host];
    for (std::size_t level = 0, bit = host; level < levels_.size(); ++level, bit /= 64) {
      levels_[level][bit / 64] |= std::uint64_t{1} << (bit % 64);
    }
  }

 private:
  // The first free host from `from` on.
  [[nodiscard]] std::optional<std::uint32_t> find(std::size_t from) const {
    std::size_t level = 0;
    while (level < levels_.size()) {  // up, until a word has a set bit at or behind the place
      const std::size_t word = from / 64;
      if (word >= levels_[level].size()) return std::nullopt;
      const std::uint64_t rest = levels_[level][word] & (~std::uint64_t{0} << (from % 64));
      if (rest != 0) {
        from = word * 64 + static_cast<std::size_t>(std::countr_zero(rest));
        while (level > 0) {  // down again, to the first set bit
          --level;
          from = from * 64 + static_cast<std::size_t>(std::countr_zero(levels_[level][from]));
        }
        return static_cast<std::uint32_t>(from);
      }
      from = word + 1;
      ++level;
    }
    return std::nullopt;
  }
  void mark_busy(std::uint32_t host) {
    std::size_t bit = host;
    for (auto& level : levels_) {
      level[bit / 64] &= ~(std::uint64_t{1} << (bit % 64));
      if (level[bit / 64] != 0) return;
      bit /= 64;
    }
  }

  std::uint32_t count_;
  std::uint32_t per_host_;
  std::size_t next_ = 0;
  std::vector<std::vector<std::uint64_t>> levels_;  // [0]: free hosts; [n]: words of [n - 1] that are not zero
  std::vector<std::uint16_t> held_;                 // only when per_host > 1
};

}  // namespace myriad::engine
