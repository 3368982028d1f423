#include "stack/fragments.h"

#include <algorithm>
#include <bit>
#include <cassert>

#include "base/rng.h"

namespace myriad::stack {
namespace {

using wire::IpView;

constexpr std::uint32_t kMaxPacketBytes = 0xffff;

// The most payload a datagram may have: the total length of IPv4 counts its header.
constexpr std::uint32_t max_payload(bool v6) {
  return v6 ? kMaxPacketBytes : kMaxPacketBytes - static_cast<std::uint32_t>(wire::kIpv4HeaderBytes);
}

// Why a fragment is refused for itself, or Drop::kCount.
Drop fault_of(const IpView& fragment) {
  const std::size_t length = fragment.payload().size();
  if (length == 0 || (fragment.more_fragments() && length % 8 != 0)) return Drop::kBadHeaderLength;
  if (fragment.fragment_offset() + length > max_payload(fragment.is_v6())) return Drop::kFragmentTooLarge;
  return Drop::kCount;
}

}  // namespace

Fragments::Fragments(const FragmentLimits& limits) : limits_(limits) {
  assert(limits_.datagrams > 0 && limits_.pieces > 0);
}

std::optional<IpView> Fragments::add(const IpView& fragment, VlanTags vlan, Instant now, DropCounters& drops) {
  assert(fragment.is_fragment());
  expire(now, drops);
  const Drop fault = fault_of(fragment);
  if (fault != Drop::kCount) {
    ++drops[fault];
    return std::nullopt;
  }
  const bool v6 = fragment.is_v6();
  const Key key{fragment.src(), fragment.dst(), vlan, fragment.fragment_id(),
                v6 ? std::uint8_t{0} : fragment.protocol()};
  std::uint32_t index = find(key);
  const std::size_t bytes = fragment.payload().size();
  if (bytes > limits_.bytes) {
    ++drops[Drop::kFragmentNoRoom];
    return std::nullopt;
  }
  while (bytes_held_ + bytes > limits_.bytes) {
    remove_oldest(drops);
    index = find(key);  // it may have been that one: then this fragment starts it anew, and it will never be complete
  }
  if (index == kNone) index = create(key, v6, now, drops);
  Datagram& datagram = table_[index];
  switch (insert(datagram, fragment)) {
    case Insert::kCopy:
      return std::nullopt;
    case Insert::kOverlap:
      ++drops[Drop::kFragmentOverlap];
      spoil(datagram);
      return std::nullopt;
    case Insert::kTooManyPieces:
      ++drops[Drop::kFragmentNoRoom];
      spoil(datagram);
      return std::nullopt;
    case Insert::kDone:
      break;
  }
  if (datagram.bytes.size() != datagram.length) return std::nullopt;  // without overlap, all bytes means no gap
  auto whole = assemble(datagram, drops);
  remove(index);
  return whole;
}

Fragments::Insert Fragments::insert(Datagram& datagram, const IpView& fragment) {
  if (datagram.spoilt) return Insert::kOverlap;
  const Bytes payload = fragment.payload();
  const std::uint32_t begin = fragment.fragment_offset();
  const std::uint32_t end = begin + static_cast<std::uint32_t>(payload.size());
  auto& pieces = datagram.pieces;
  const auto after = std::ranges::lower_bound(pieces, begin, {}, &Piece::begin);
  if (after != pieces.end() && after->begin == begin && after->end == end) {
    const bool says_the_same = fragment.more_fragments() == (end != datagram.length) &&
                               std::ranges::equal(payload, Bytes{datagram.bytes}.subspan(after->at, payload.size()));
    return says_the_same ? Insert::kCopy : Insert::kOverlap;
  }
  if (after != pieces.end() && after->begin < end) return Insert::kOverlap;
  if (after != pieces.begin() && std::prev(after)->end > begin) return Insert::kOverlap;
  if (fragment.more_fragments()) {
    if (datagram.length != kUnknown && end > datagram.length) return Insert::kOverlap;
  } else {
    if (datagram.length != kUnknown || after != pieces.end()) return Insert::kOverlap;  // two ends, or bytes beyond it
    datagram.length = end;
  }
  if (pieces.size() == limits_.pieces) return Insert::kTooManyPieces;
  pieces.insert(after, Piece{begin, end, static_cast<std::uint32_t>(datagram.bytes.size())});
  datagram.bytes.insert(datagram.bytes.end(), payload.begin(), payload.end());
  bytes_held_ += payload.size();
  if (begin == 0) {
    datagram.protocol = fragment.protocol();
    datagram.hop_limit = fragment.hop_limit();
    datagram.traffic_class = fragment.traffic_class();
  }
  return Insert::kDone;
}

std::optional<IpView> Fragments::assemble(const Datagram& datagram, DropCounters& drops) {
  const wire::IpRepr header{.src = datagram.key.src,
                            .dst = datagram.key.dst,
                            .protocol = datagram.protocol,
                            .hop_limit = datagram.hop_limit,
                            .traffic_class = datagram.traffic_class,
                            .id = static_cast<std::uint16_t>(datagram.key.id),
                            .payload_length = datagram.length};
  const std::size_t header_size = header.header_size();
  whole_.resize(kMaxPacketBytes + wire::kIpMaxHeaderBytes);
  header.emit_header(whole_.data());
  for (const Piece& piece : datagram.pieces) {
    std::memcpy(whole_.data() + header_size + piece.begin, datagram.bytes.data() + piece.at, piece.end - piece.begin);
  }
  const auto view =
      IpView::parse_reassembled(Bytes{whole_}.first(header_size + datagram.length), datagram.key.dst.is_v6());
  if (!view) {
    ++drops[view.error()];
    return std::nullopt;
  }
  return *view;
}

void Fragments::expire(Instant now, DropCounters& drops) {
  for (const Queue& queue : queue_) {
    while (queue.oldest != kNone && table_[queue.oldest].deadline <= now) {
      if (!table_[queue.oldest].spoilt) ++drops[Drop::kFragmentTimeout];
      remove(queue.oldest);
    }
  }
}

Instant Fragments::next_deadline() const {
  Instant earliest = Instant::never();
  for (const Queue& queue : queue_) {
    if (queue.oldest != kNone) earliest = std::min(earliest, table_[queue.oldest].deadline);
  }
  return earliest;
}

// Chains are short unless someone works at it, and never longer than the limit of datagrams.
std::uint32_t& Fragments::bucket(const Key& key) {
  if (buckets_.empty()) buckets_.assign(std::bit_ceil(std::size_t{limits_.datagrams} * 2), kNone);
  std::uint64_t hash = mix64(std::uint64_t{key.id} << 32 | std::uint32_t{key.vlan.outer} << 16 | key.vlan.inner);
  for (const IpAddress* address : {&key.src, &key.dst}) {
    hash = mix64(hash ^ load_be64(address->octets().data()));
    hash = mix64(hash ^ load_be64(address->octets().data() + 8));
  }
  return buckets_[(hash ^ key.protocol) & (buckets_.size() - 1)];
}

std::uint32_t Fragments::find(const Key& key) {
  std::uint32_t index = bucket(key);
  while (index != kNone && table_[index].key != key) index = table_[index].next_in_bucket;
  return index;
}

std::uint32_t Fragments::create(const Key& key, bool v6, Instant now, DropCounters& drops) {
  if (live_ == limits_.datagrams) remove_oldest(drops);
  std::uint32_t index;
  if (free_.empty()) {
    index = static_cast<std::uint32_t>(table_.size());
    table_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  Datagram& datagram = table_[index];
  datagram.key = key;
  datagram.deadline = now + (v6 ? limits_.ipv6_timeout : limits_.ipv4_timeout);
  std::uint32_t& head = bucket(key);
  datagram.next_in_bucket = head;
  head = index;
  Queue& queue = queue_[v6 ? 1 : 0];
  datagram.older = queue.newest;
  (queue.newest == kNone ? queue.oldest : table_[queue.newest].newer) = index;
  queue.newest = index;
  ++live_;
  return index;
}

void Fragments::remove(std::uint32_t index) {
  Datagram& datagram = table_[index];
  std::uint32_t* link = &bucket(datagram.key);
  while (*link != index) link = &table_[*link].next_in_bucket;
  *link = datagram.next_in_bucket;
  Queue& queue = queue_[datagram.key.dst.is_v6() ? 1 : 0];
  (datagram.older == kNone ? queue.oldest : table_[datagram.older].newer) = datagram.newer;
  (datagram.newer == kNone ? queue.newest : table_[datagram.newer].older) = datagram.older;
  release_bytes(datagram);
  datagram.length = kUnknown;
  datagram.next_in_bucket = datagram.older = datagram.newer = kNone;
  datagram.spoilt = false;
  free_.push_back(index);
  --live_;
}

// The one that has been waiting longest, whatever its family.
void Fragments::remove_oldest(DropCounters& drops) {
  const auto arrival = [this](int family) {
    const std::uint32_t index = queue_[family].oldest;
    if (index == kNone) return Instant::never();
    return table_[index].deadline - (family == 1 ? limits_.ipv6_timeout : limits_.ipv4_timeout);
  };
  const std::uint32_t victim = queue_[arrival(0) <= arrival(1) ? 0 : 1].oldest;
  assert(victim != kNone);
  if (!table_[victim].spoilt) ++drops[Drop::kFragmentNoRoom];
  remove(victim);
}

void Fragments::spoil(Datagram& datagram) {
  datagram.spoilt = true;
  release_bytes(datagram);
}

void Fragments::release_bytes(Datagram& datagram) {
  bytes_held_ -= datagram.bytes.size();
  datagram.bytes.clear();
  datagram.pieces.clear();
  if (datagram.bytes.capacity() > kKeptBytes) datagram.bytes = {};
}

}  // namespace myriad::stack
