#include "engine/asked.h"

#include <algorithm>

namespace myriad::engine {

std::uint32_t Asked::note(const IpAddress& address, bool tcp, Port port, Instant now) {
  const std::uint8_t* const octets = address.octets().data();
  const Key key{load_be64(octets), load_be64(octets + 8), std::uint32_t{tcp} << 16 | port.number};
  auto place = places_.find(key);
  if (place == places_.end()) {
    if (entries_.size() >= most_) {
      ++unlisted_;
      return kNone;
    }
    place = places_.emplace(key, static_cast<std::uint32_t>(entries_.size())).first;
    Entry& entry = entries_.emplace_back();
    entry.address = address;
    entry.port = port;
    entry.tcp = tcp;
    entry.first_at = now;
  }
  ++entries_[place->second].times;
  return place->second;
}

bool Asked::listens(std::uint32_t entry, std::uint32_t who) const {
  if (entry == kNone) return false;
  const Entry& e = entries_[entry];
  return !e.heard && (e.speaker == kNone || e.speaker == who) && e.first.size() < first_bytes_;
}

void Asked::hear(std::uint32_t entry, std::uint32_t who, Bytes data) {
  if (data.empty() || !listens(entry, who)) return;
  Entry& e = entries_[entry];
  e.speaker = who;
  const std::size_t piece = std::min<std::size_t>(data.size(), first_bytes_ - e.first.size());
  e.first.append(reinterpret_cast<const char*>(data.data()), piece);
}

void Asked::leave(std::uint32_t entry, std::uint32_t who) {
  if (entry == kNone || entries_[entry].speaker != who) return;
  entries_[entry].heard = true;
}

}  // namespace myriad::engine
