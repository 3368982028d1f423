#include "stack/tcp/reassembly.h"

#include <algorithm>

namespace myriad::tcp {

std::uint32_t ReassemblyPool::take() { return blocks_.live() < limit_ ? blocks_.take() : kNone; }

namespace {

// Of what has come again, the first piece that hangs together (RFC 2883 section 4).
void add_again(Reassembly::Range& again, SeqNum left, SeqNum right) {
  if (left == right) return;
  if (again.left == again.right) again = {left, right};
  if (again.right == left) again.right = right;
}

}  // namespace

bool Reassembly::store(ReassemblyPool& pool, std::uint32_t& after, SeqNum seq, Bytes data) {
  while (!data.empty()) {
    const std::uint32_t index = blocks_ < ReassemblyPool::kMostBlocks ? pool.take() : ReassemblyPool::kNone;
    if (index == ReassemblyPool::kNone) return false;
    auto& block = pool[index];
    const std::size_t part = std::min<std::size_t>(data.size(), ReassemblyPool::kBlockBytes);
    block.seq = seq;
    block.length = static_cast<std::uint32_t>(part);
    std::copy_n(data.begin(), part, block.data.begin());
    block.previous = after;
    block.next = after == ReassemblyPool::kNone ? head_ : pool[after].next;
    (block.previous == ReassemblyPool::kNone ? head_ : pool[block.previous].next) = index;
    (block.next == ReassemblyPool::kNone ? tail_ : pool[block.next].previous) = index;
    after = index;
    ++blocks_;
    seq += block.length;
    data = data.subspan(part);
  }
  return true;
}

Reassembly::Insert Reassembly::insert(ReassemblyPool& pool, SeqNum seq, Bytes data, Range& again) {
  // Most data arrives behind what is there: look from the end for the last block that starts at or before `seq`.
  std::uint32_t after = tail_;
  while (after != ReassemblyPool::kNone && pool[after].seq.after(seq)) after = pool[after].previous;

  const Range arrived{seq, seq + static_cast<std::uint32_t>(data.size())};
  bool stored = false;
  std::uint32_t holds = after;  // the last block that holds something of it
  while (!data.empty()) {
    if (after != ReassemblyPool::kNone && pool[after].end().after(seq)) {  // skip what the block before holds
      const std::uint32_t held =
          std::min<std::uint32_t>(pool[after].end().since(seq), static_cast<std::uint32_t>(data.size()));
      add_again(again, seq, seq + held);
      seq += held;
      data = data.subspan(held);
      if (data.empty()) break;
    }
    const std::uint32_t next = after == ReassemblyPool::kNone ? head_ : pool[after].next;
    std::size_t gap = data.size();
    if (next != ReassemblyPool::kNone) gap = std::min<std::size_t>(gap, pool[next].seq.since(seq));
    if (gap > 0) {
      if (!store(pool, after, seq, data.first(gap))) return Insert::kNoRoom;
      stored = true;
      holds = after;
      seq += static_cast<std::uint32_t>(gap);
      data = data.subspan(gap);
    }
    if (data.empty()) break;
    holds = after = next;
  }
  note_arrival(pool, holds, arrived);  // also of what was there: RFC 2018 section 4 wants that told first
  return stored ? Insert::kStored : Insert::kDuplicate;
}

bool Reassembly::pop(ReassemblyPool& pool, SeqNum next, Bytes& data, Range& again) {
  while (head_ != ReassemblyPool::kNone && !pool[head_].seq.after(next)) {
    const std::uint32_t index = head_;
    const auto& block = pool[index];
    head_ = block.next;
    (head_ == ReassemblyPool::kNone ? tail_ : pool[head_].previous) = ReassemblyPool::kNone;
    pool.release(index);
    --blocks_;
    const std::uint32_t known = next.since(block.seq);
    add_again(again, block.seq, block.seq + std::min(known, block.length));
    for (std::uint32_t i = 0; i < range_count_; ++i) {
      if (!ranges_[i].right.after(block.end())) forget_range(i--);
    }
    if (known >= block.length) continue;  // all of it came another way
    data = Bytes{block.data}.subspan(known, block.length - known);
    return true;
  }
  return false;
}

void Reassembly::clear(ReassemblyPool& pool) {
  for (std::uint32_t at = head_; at != ReassemblyPool::kNone; at = pool[at].next) pool.release(at);
  *this = {};
}

void Reassembly::forget_range(std::uint32_t index) {
  std::copy(ranges_.begin() + index + 1, ranges_.begin() + range_count_, ranges_.begin() + index);
  --range_count_;
}

// Puts the range around what has arrived first, in the place of what has become a part of it. `block` holds its end.
void Reassembly::note_arrival(ReassemblyPool& pool, std::uint32_t block, Range run) {
  if (ranges_lost_) {  // neighbours may be in no range that is kept: look at the blocks themselves
    run = {pool[block].seq, pool[block].end()};
    for (std::uint32_t at = pool[block].previous; at != ReassemblyPool::kNone && pool[at].end() == run.left;
         at = pool[at].previous) {
      run.left = pool[at].seq;
    }
    for (std::uint32_t at = pool[block].next; at != ReassemblyPool::kNone && pool[at].seq == run.right;
         at = pool[at].next) {
      run.right = pool[at].end();
    }
  }
  for (std::uint32_t i = 0; i < range_count_; ++i) {
    const Range& other = ranges_[i];
    if (other.right.before(run.left) || other.left.after(run.right)) continue;
    if (other.left.before(run.left)) run.left = other.left;
    run.right = later_of(run.right, other.right);
    forget_range(i--);
  }
  if (range_count_ == kRanges) {
    ranges_lost_ = true;
    --range_count_;
  }
  std::copy_backward(ranges_.begin(), ranges_.begin() + range_count_, ranges_.begin() + range_count_ + 1);
  ranges_[0] = run;
  ++range_count_;
}

}  // namespace myriad::tcp
