// What a service that answers on every port was asked for: which addresses, protocols and ports, how often, and the
// first bytes that somebody said to each.
//
// Strangers decide what comes, so memory is bounded: the first `most` pairs of address and port are listed, each with
// the first `first_bytes` bytes of the first conversation in which anything was said; of all others only the number is
// kept. Found by an ordered index, which nobody can make slow.
//
// Used by the shard's thread; read by the control thread when that thread has ended.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/time.h"

namespace myriad::engine {

class Asked {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  struct Entry {
    IpAddress address;
    Port port;
    bool tcp = false;
    std::uint64_t times = 0;  // connections, or datagrams
    Instant first_at;
    std::string first;  // bytes
   private:
    friend class Asked;
    std::uint32_t speaker = kNone;  // whose bytes these are
    bool heard = false;             // the speaker has gone
  };

  Asked(std::uint32_t most, std::uint32_t first_bytes) : most_(most), first_bytes_(first_bytes) {}

  // Somebody has asked. The place of what was asked for; kNone: it is not listed.
  std::uint32_t note(const IpAddress& address, bool tcp, Port port, Instant now);
  // In the conversation `who` that was said, after what hear() has been told of it before.
  void hear(std::uint32_t entry, std::uint32_t who, Bytes data);
  // hear() would remember something.
  [[nodiscard]] bool listens(std::uint32_t entry, std::uint32_t who) const;
  // The conversation `who` is over; another one may have that number.
  void leave(std::uint32_t entry, std::uint32_t who);

  // In the order in which they came.
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  // Connections and datagrams to what is not listed.
  [[nodiscard]] std::uint64_t unlisted() const { return unlisted_; }

 private:
  using Key = std::tuple<std::uint64_t, std::uint64_t, std::uint32_t>;  // address, protocol and port

  std::uint32_t most_;
  std::uint32_t first_bytes_;
  std::vector<Entry> entries_;
  std::map<Key, std::uint32_t> places_;
  std::uint64_t unlisted_ = 0;
};

}  // namespace myriad::engine
