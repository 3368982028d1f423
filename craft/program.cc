#include "craft/program.h"

#include <algorithm>

#include "base/checksum.h"
#include "craft/signature.h"

namespace myriad::craft {
namespace {

// Frames lie 2,048 or 4,096 bytes apart, so that their first lines share two sets of an L1 cache: no more than these
// stay there while operation after operation passes over them.
constexpr std::size_t kBlock = 16;

constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15;

// Less than 2^33, and the same modulo 65535.
constexpr std::uint64_t narrowed(std::uint64_t value) { return (value & 0xffffffffU) + (value >> 32); }

// The sum of big-endian words of `bytes`.
std::uint64_t sum_of(Bytes bytes) { return checksum_word(checksum_fold(checksum_add(0, bytes))); }

std::uint64_t upper_half(std::uint64_t a, std::uint64_t b) {
  return static_cast<std::uint64_t>((Uint128{a} * b) >> 64);
}

// The upper half of a product of 128 bits by 128 bits.
Uint128 upper_half(Uint128 a, Uint128 b) {
  const auto low = [](Uint128 x) { return static_cast<std::uint64_t>(x); };
  const auto high = [](Uint128 x) { return static_cast<std::uint64_t>(x >> 64); };
  const Uint128 cross = Uint128{high(a)} * low(b) + upper_half(low(a), low(b));
  const Uint128 other = Uint128{low(a)} * high(b) + low(cross);
  return Uint128{high(a)} * high(b) + high(cross) + high(other);
}

using Lanes [[gnu::vector_size(32)]] = std::uint64_t;

// Four independent generators side by side (xoroshiro128++).
[[gnu::always_inline]] inline void random_lanes(std::uint8_t* at, std::size_t count, std::uint64_t seed) {
  Lanes a{};
  Lanes b{};
  for (int i = 0; i < 4; ++i) {
    a[i] = mix64(seed += kGolden);
    b[i] = mix64(seed += kGolden);
  }
  while (count > 0) {
    const Lanes sum = a + b;
    const Lanes out = ((sum << 17) | (sum >> 47)) + a;
    const Lanes t = b ^ a;
    a = ((a << 49) | (a >> 15)) ^ t ^ (t << 21);
    b = (t << 28) | (t >> 36);
    if (count < sizeof out) {
      std::memcpy(at, &out, count);
      return;
    }
    std::memcpy(at, &out, sizeof out);
    at += sizeof out;
    count -= sizeof out;
  }
}

using RandomBytes = void (*)(std::uint8_t*, std::size_t, std::uint64_t);

void random_plain(std::uint8_t* at, std::size_t count, std::uint64_t seed) { random_lanes(at, count, seed); }

#if defined(__x86_64__)
[[gnu::target("avx2")]] void random_avx2(std::uint8_t* at, std::size_t count, std::uint64_t seed) {
  random_lanes(at, count, seed);
}
const RandomBytes kRandomBytes = __builtin_cpu_supports("avx2") ? random_avx2 : random_plain;
#else
constexpr RandomBytes kRandomBytes = random_plain;
#endif

void fill_behind(std::uint8_t* at, std::size_t count, std::span<const std::uint8_t> pattern) {
  if (pattern.empty()) {
    std::memset(at, 0, count);
    return;
  }
  for (std::size_t i = 0, p = 0; i < count; ++i, p = p + 1 == pattern.size() ? 0 : p + 1) at[i] = pattern[p];
}

// One batch on its way through the operations.
class Run {
 public:
  Run(const ProgramParts& parts, const Batch& batch, std::uint32_t* lengths)
      : parts_(parts), batch_(batch), lengths_(lengths) {
    for (std::size_t i = 0; i < parts.operations.size(); ++i) begin(parts.operations[i], cursors_[i]);
    flow_seed_ = parts.has_signature ? Signature::seed(batch.run, parts.flow) : 0;
  }

  void go() {
    const std::size_t count = batch_.frames.size();
    std::size_t at = 0;
    for (; at + kBlock <= count; at += kBlock) {
      const std::size_t next = std::min(at + 2 * kBlock, count);
      for (std::size_t i = at + kBlock; i < next; ++i) __builtin_prefetch(batch_.frames[i], 1);
      block<kBlock>(at);
    }
    for (; at < count; ++at) block<1>(at);
  }

 private:
  struct Cursor {
    std::uint64_t at;       // number of the next frame, modulo count
    std::uint64_t advance;  // stride, modulo count
  };
  template <std::size_t N>
  struct Block {
    std::size_t at = 0;  // of its first frame in the batch
    std::uint64_t low[N];
    std::uint64_t high[N];
    std::uint64_t sums[kMostChecksums][N];
  };

  static bool counts(Make make) {
    return make == Make::kCount || make == Make::kCountWide || make == Make::kTable || make == Make::kTableWide;
  }
  void begin(const Operation& op, Cursor& cursor) const {
    if (!counts(op.make) || op.count == 0) return;
    cursor = {batch_.first % op.count, batch_.stride % op.count};
  }
  [[nodiscard]] std::uint64_t number(std::size_t frame) const { return batch_.first + frame * batch_.stride; }
  [[nodiscard]] std::uint8_t* frame(std::size_t i) const { return batch_.frames[i]; }

  template <std::size_t N>
  void block(std::size_t at) {
    Block<N> b;
    b.at = at;
    for (std::size_t c = 0; c < parts_.sums.size(); ++c) std::fill_n(b.sums[c], N, parts_.sums[c]);
    begin_lengths(at, N);
    const Operation* const end = parts_.operations.data() + parts_.operations.size();
    Cursor* cursor = cursors_.data();
    for (const Operation* op = parts_.operations.data(); op != end; ++op, ++cursor) {
      make(*op, *cursor, b);
      if (op->put != Put::kNothing) put(*op, b);
      contribute(*op, b);
    }
  }

  void begin_lengths(std::size_t at, std::size_t count) {
    if (!parts_.varies_in_length) {
      std::fill_n(lengths_ + at, count, static_cast<std::uint32_t>(parts_.bytes.size()));
    } else if (parts_.grows_by_row) {
      const std::uint32_t* const begins = batch_.rows->columns[parts_.length_column].begins.data() + batch_.row + at;
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t length = parts_.payload_at + (begins[i + 1] - begins[i]);
        lengths_[at + i] = static_cast<std::uint32_t>(std::min(length, parts_.bytes.size()));
      }
    }
  }
  [[nodiscard]] const RowColumn& rows_of(const Operation& op) const { return batch_.rows->columns[op.index]; }

  // ---- values

  // What a loop needs of the operation is copied first: the compiler cannot know that a store into a frame leaves
  // the operation as it is.
  template <std::size_t N>
  void make(const Operation& op, Cursor& cursor, Block<N>& b) {
    const std::uint64_t start = op.start;
    const std::uint64_t mask = op.mask;
    switch (op.make) {
      case Make::kCount: {
        const std::uint64_t step = op.step;
        return each_count<N>(op.count, cursor,
                             [&](std::size_t i, std::uint64_t n) { b.low[i] = (start + n * step) & mask; });
      }
      case Make::kCountWide:
        return each_count<N>(op.count, cursor,
                             [&](std::size_t i, std::uint64_t n) { count_wide(op, n, b.low[i], b.high[i]); });
      case Make::kTable: {
        const std::uint64_t* const table = parts_.table.data() + op.index;
        return each_count<N>(op.count, cursor, [&](std::size_t i, std::uint64_t n) { b.low[i] = table[n]; });
      }
      case Make::kTableWide: {
        const std::uint64_t* const table = parts_.table.data() + op.index;
        return each_count<N>(op.count, cursor, [&](std::size_t i, std::uint64_t n) {
          b.high[i] = table[2 * n];
          b.low[i] = table[2 * n + 1];
        });
      }
      case Make::kRandom:
        return make_random(op, b);
      case Make::kRandomWide:
        for (std::size_t i = 0; i < N; ++i) random_wide(op, number(b.at + i), b.low[i], b.high[i]);
        return;
      case Make::kHost: {
        const std::uint32_t* const hosts = batch_.hosts.data() + b.at;
        for (std::size_t i = 0; i < N; ++i) b.low[i] = (start + hosts[i]) & mask;
        return;
      }
      case Make::kHostWide:
        for (std::size_t i = 0; i < N; ++i) {
          b.low[i] = start + batch_.hosts[b.at + i];
          b.high[i] = op.start_high + (b.low[i] < start ? 1 : 0);
        }
        return;
      case Make::kHostVlan: {
        const std::uint32_t* const hosts = batch_.hosts.data() + b.at;
        const Uint128 part = op.step;
        for (std::size_t i = 0; i < N; ++i) {
          b.low[i] = (start + static_cast<std::uint64_t>(hosts[i] * part >> 48)) & mask;
          b.high[i] = 0;  // even a field of 128 bits may be given a VLAN
        }
        return;
      }
      case Make::kColumn: {
        const std::uint64_t* const column = rows_of(op).low.data() + batch_.row + b.at;
        for (std::size_t i = 0; i < N; ++i) b.low[i] = column[i] & mask;
        return;
      }
      case Make::kColumnWide:
        for (std::size_t i = 0; i < N; ++i) {
          b.low[i] = rows_of(op).low[batch_.row + b.at + i];
          b.high[i] = rows_of(op).high[batch_.row + b.at + i];
        }
        return;
      case Make::kLength: {
        const std::uint32_t* const lengths = lengths_ + b.at;
        for (std::size_t i = 0; i < N; ++i) b.low[i] = lengths[i] - start;
        return;
      }
      case Make::kPrefix: {
        const std::uint32_t* const lengths = lengths_ + b.at;
        const std::uint16_t* const prefix = parts_.prefix.data();
        const std::size_t before = parts_.payload_at;
        for (std::size_t i = 0; i < N; ++i) b.low[i] = prefix[lengths[i] - before];
        return;
      }
      case Make::kChecksum:
        return make_checksum(op, b);
      case Make::kRandomBytes:
        for (std::size_t i = 0; i < N; ++i) b.low[i] = put_random(op, b.at + i);
        return;
      case Make::kColumnBytes:
        for (std::size_t i = 0; i < N; ++i) b.low[i] = put_row(op, b.at + i);
        return;
      case Make::kSignature:
        return put_signatures(op, b);
    }
  }

  template <std::size_t N, class Use>
  static void each_count(std::uint64_t count, Cursor& cursor, const Use& use) {
    std::uint64_t n = cursor.at;
    const std::uint64_t advance = cursor.advance;
    for (std::size_t i = 0; i < N; ++i) {
      use(i, n);
      n += advance;
      n -= n >= count ? count : 0;
    }
    cursor.at = n;
  }
  static void count_wide(const Operation& op, std::uint64_t n, std::uint64_t& low, std::uint64_t& high) {
    const Uint128 start = Uint128{op.start_high} << 64 | op.start;
    const Uint128 value = start + n * (Uint128{op.step_high} << 64 | op.step);
    low = static_cast<std::uint64_t>(value);
    high = static_cast<std::uint64_t>(value >> 64);
  }
  template <std::size_t N>
  void make_random(const Operation& op, Block<N>& b) const {
    const std::uint64_t start = op.start;
    const std::uint64_t count = op.count;
    const std::uint64_t advance = batch_.stride * kGolden;
    std::uint64_t state = op.seed + number(b.at) * kGolden;
    for (std::size_t i = 0; i < N; ++i, state += advance) {
      const std::uint64_t draw = mix64(state);
      b.low[i] = start + (count == 0 ? draw : upper_half(draw, count));
    }
  }
  static void random_wide(const Operation& op, std::uint64_t n, std::uint64_t& low, std::uint64_t& high) {
    const std::uint64_t draw = mix64(op.seed + n * kGolden);
    Uint128 value = Uint128{draw} << 64 | mix64(draw ^ op.seed);
    const Uint128 count = Uint128{op.count_high} << 64 | op.count;
    if (count != 0) value = upper_half(value, count);
    value += Uint128{op.start_high} << 64 | op.start;
    low = static_cast<std::uint64_t>(value);
    high = static_cast<std::uint64_t>(value >> 64);
  }
  // UDP sends a sum of zero as all ones. A wrong one is neither right nor zero, which over UDP would be none at all;
  // and 0 and 0xffff, which are equal as sums, are two apart from what this makes of them.
  template <std::size_t N>
  static void make_checksum(const Operation& op, Block<N>& b) {
    const std::uint64_t* const sums = b.sums[op.index];
    const std::uint64_t of_zero = op.never_zero ? 0xffff : 0;
    for (std::size_t i = 0; i < N; ++i) {
      const std::uint64_t value = static_cast<std::uint16_t>(~checksum_fold(sums[i]));
      b.low[i] = value == 0 ? of_zero : value;
    }
    if (!op.wrong) return;
    for (std::size_t i = 0; i < N; ++i) b.low[i] = (b.low[i] ^ 1) != 0 ? b.low[i] ^ 1 : b.low[i] ^ 2;
  }

  std::uint64_t put_random(const Operation& op, std::size_t i) const {
    const MutableBytes payload{frame(i) + op.at, lengths_[i] - op.at};
    kRandomBytes(payload.data(), payload.size(), op.seed ^ mix64(number(i)));
    return op.contributions == 0 ? 0 : sum_of(payload);
  }
  std::uint64_t put_row(const Operation& op, std::size_t i) const {
    const MutableBytes payload{frame(i) + op.at, lengths_[i] - op.at};
    const Bytes row = batch_.rows->bytes(op.index, batch_.row + i);
    const std::size_t count = std::min(row.size(), payload.size());
    if (count != 0) std::memcpy(payload.data(), row.data(), count);
    fill_behind(payload.data() + count, payload.size() - count, parts_.fill);
    return op.contributions == 0 ? 0 : sum_of(payload);
  }
  template <std::size_t N>
  void put_signatures(const Operation& op, Block<N>& b) const {
    const std::uint16_t run = batch_.run;
    const std::uint64_t stride = batch_.stride;
    const std::uint64_t now = static_cast<std::uint64_t>(batch_.now_ns) & Signature::kTimeMask;
    const std::uint64_t of_batch = run + narrowed(now);
    const std::uint64_t of_flow = flow_seed_;
    const std::size_t offset = op.at;
    std::uint8_t* const* const frames = batch_.frames.data() + b.at;
    std::uint64_t sequence = number(b.at);
    for (std::size_t i = 0; i < N; ++i, sequence += stride) {
      std::uint8_t* const at = frames[i] + offset;
      const auto low = static_cast<std::uint32_t>(sequence);
      const std::uint16_t check = Signature::check(of_flow, low, now);
      store_be16(at + 4, run);
      store_be32(at + 6, low);
      store_be16(at + 10, static_cast<std::uint16_t>(now >> 32));
      store_be32(at + 12, static_cast<std::uint32_t>(now));
      store_be16(at + 16, check);
      b.low[i] = of_batch + narrowed(low) + check;
    }
  }

  // ---- where values go

  template <class Word, class Load, class Store, std::size_t N>
  void put_bits(const Operation& op, const Block<N>& b, const Load& load, const Store& store) {
    const unsigned shift = op.shift;
    const std::size_t offset = op.at;
    const auto mask = static_cast<Word>(op.mask << shift);
    std::uint8_t* const* const frames = batch_.frames.data() + b.at;
    for (std::size_t i = 0; i < N; ++i) {
      std::uint8_t* const at = frames[i] + offset;
      const auto others = static_cast<Word>(load(at) & static_cast<Word>(~mask));
      store(at, static_cast<Word>(others | (static_cast<Word>(b.low[i] << shift) & mask)));
    }
  }
  template <std::size_t N>
  void put(const Operation& op, const Block<N>& b) {
    const std::size_t offset = op.at;
    std::uint8_t* const* const frames = batch_.frames.data() + b.at;
    const auto each = [&](const auto& store) {
      for (std::size_t i = 0; i < N; ++i) store(frames[i] + offset, b.low[i]);
    };
    switch (op.put) {
      case Put::kNothing:
        return;
      case Put::kLength:
        for (std::size_t i = 0; i < N; ++i) lengths_[b.at + i] = static_cast<std::uint32_t>(b.low[i]);
        return;
      case Put::k8:
        return each([](std::uint8_t* at, std::uint64_t v) { *at = static_cast<std::uint8_t>(v); });
      case Put::k16:
        return each([](std::uint8_t* at, std::uint64_t v) { store_be16(at, static_cast<std::uint16_t>(v)); });
      case Put::k32:
        return each([](std::uint8_t* at, std::uint64_t v) { store_be32(at, static_cast<std::uint32_t>(v)); });
      case Put::k48:
        return each([](std::uint8_t* at, std::uint64_t v) {
          store_be32(at, static_cast<std::uint32_t>(v >> 16));
          store_be16(at + 4, static_cast<std::uint16_t>(v));
        });
      case Put::k64:
        return each([](std::uint8_t* at, std::uint64_t v) { store_be64(at, v); });
      case Put::k128:
        for (std::size_t i = 0; i < N; ++i) {
          store_be64(frames[i] + offset, b.high[i]);
          store_be64(frames[i] + offset + 8, b.low[i]);
        }
        return;
      case Put::kBits8:
        return put_bits<std::uint8_t>(
            op, b, [](const std::uint8_t* at) { return *at; }, [](std::uint8_t* at, std::uint8_t v) { *at = v; });
      case Put::kBits16:
        return put_bits<std::uint16_t>(op, b, load_be16, store_be16);
      case Put::kBits32:
        return put_bits<std::uint32_t>(op, b, load_be32, store_be32);
      case Put::kBits64:
        return put_bits<std::uint64_t>(op, b, load_be64, store_be64);
    }
  }
  template <std::size_t N>
  static void contribute(const Operation& op, Block<N>& b) {
    const bool wide = op.put == Put::k128;
    for (std::size_t c = 0; c < op.contributions; ++c) {
      std::uint64_t* const sums = b.sums[op.contributes[c].checksum];
      const unsigned rotate = op.contributes[c].rotate;
      if (op.narrow && rotate == 0) {
        for (std::size_t i = 0; i < N; ++i) sums[i] += b.low[i];
      } else if (wide) {
        for (std::size_t i = 0; i < N; ++i) sums[i] += (narrowed(b.low[i]) + narrowed(b.high[i])) << rotate;
      } else {
        for (std::size_t i = 0; i < N; ++i) sums[i] += narrowed(b.low[i]) << rotate;
      }
    }
  }

  const ProgramParts& parts_;
  const Batch& batch_;
  std::uint32_t* lengths_;
  std::uint64_t flow_seed_ = 0;
  std::array<Cursor, kMostOperations> cursors_;
};

bool is_of_host(const Operation& op) {
  return op.make == Make::kHost || op.make == Make::kHostWide || op.make == Make::kHostVlan;
}

}  // namespace

Program::Program(ProgramParts parts, std::vector<ColumnUse> columns, std::uint32_t hosts, HostOrder order,
                 std::uint64_t seed, std::optional<Mutation> mutation)
    : parts_(std::move(parts)),
      columns_(std::move(columns)),
      host_count_(hosts),
      order_(order),
      host_seed_(mix64(seed ^ 0x686f737473)) {  // any constant that no field has
  if (mutation) mutation_.emplace(mutation->bits, mutation->seed);
  needs_hosts_ = std::ranges::any_of(parts_.operations, is_of_host);
}

void Program::patch(const Batch& batch, std::span<std::uint32_t> lengths) const {
  assert(lengths.size() >= batch.frames.size());
  assert(!needs_hosts_ || batch.hosts.size() >= batch.frames.size());
  assert(!needs_rows() || (batch.rows != nullptr && batch.row + batch.frames.size() <= batch.rows->count));
  if (parts_.operations.empty() && !parts_.varies_in_length) {
    std::fill_n(lengths.data(), batch.frames.size(), static_cast<std::uint32_t>(parts_.bytes.size()));
    return;
  }
  Run(parts_, batch, lengths.data()).go();
}

void Program::hosts(std::uint64_t first, std::uint64_t stride, std::span<std::uint32_t> hosts) const {
  assert(host_count_ != 0);
  if (order_ == HostOrder::kRandom) {
    for (std::uint32_t& host : hosts) {
      host = static_cast<std::uint32_t>(upper_half(mix64(host_seed_ + first * kGolden), host_count_));
      first += stride;
    }
    return;
  }
  std::uint64_t at = first % host_count_;
  const std::uint64_t advance = stride % host_count_;
  for (std::uint32_t& host : hosts) {
    host = static_cast<std::uint32_t>(at);
    at += advance;
    at -= at >= host_count_ ? host_count_ : 0;
  }
}

void Program::mutate(const Batch& batch, std::span<const std::uint32_t> lengths) const {
  if (!mutation_) return;
  for (std::size_t i = 0; i < batch.frames.size(); ++i) {
    mutation_->flip({batch.frames[i], lengths[i]}, batch.first + i * batch.stride);
  }
}

}  // namespace myriad::craft
