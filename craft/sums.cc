// Checksums: what they cover, what of it is constant, and what each operation adds to them (see operations.h).
#include <fmt/format.h>

#include <algorithm>

#include "base/checksum.h"
#include "craft/compiler.h"
#include "craft/signature.h"

namespace myriad::craft {
namespace {

// Sums as numbers in host order, see program.cc.
std::uint64_t sum_of(Bytes bytes) { return checksum_word(checksum_fold(checksum_add(0, bytes))); }

std::uint16_t final_checksum(std::uint64_t sum, bool never_zero, bool wrong) {
  auto value = static_cast<std::uint16_t>(~checksum_fold(sum));
  if (never_zero && value == 0) value = 0xffff;
  if (wrong) value = static_cast<std::uint16_t>((value ^ 1) != 0 ? value ^ 1 : value ^ 2);
  return value;
}

constexpr std::uint8_t kUdp = 17;

}  // namespace

bool Compiler::add_checksum(const Placed& placed, const FieldDefinition& field, bool wrong) {
  if (sums_.size() == kMostChecksums) {
    return refuse(fmt::format("more than {} checksums in one frame", kMostChecksums), "give some of them as numbers");
  }
  Sum sum;
  sum.field_at = placed.at + field.bit / 8;
  sum.start = placed.at;
  sum.wrong = wrong;
  const LayerKind kind = placed.layer.kind;
  if (kind == LayerKind::kIpv4) sum.end = placed.at + placed.bytes;
  if (kind == LayerKind::kUdp || kind == LayerKind::kTcp || kind == LayerKind::kIcmp6) {
    sum.protocol = static_cast<std::uint8_t>(placed.definition().protocol);
    for (const Placed& before : layers_) {
      const bool is_ip = before.layer.kind == LayerKind::kIpv4 || before.layer.kind == LayerKind::kIpv6;
      if (is_ip && before.at < placed.at) sum.pseudo = &before;
    }
    if (sum.pseudo == nullptr) {
      return refuse(fmt::format("{} has no ipv4 or ipv6 before it, whose addresses its checksum covers",
                                placed.definition().name),
                    "put one before it, or give checksum as a number");
    }
  }
  sums_.push_back(sum);
  return true;
}

// Inner ones first: outer ones cover them. Those of later layers are the inner ones.
bool Compiler::finish_checksums() {
  end_bits_.resize(parts_.operations.size());
  std::ranges::sort(sums_, std::ranges::greater{}, &Sum::field_at);
  return std::ranges::all_of(sums_, [&](Sum& sum) { return finish_checksum(sum); });
}

bool Compiler::finish_checksum(Sum& sum) {
  const auto index = static_cast<std::uint8_t>(parts_.sums.size());
  const std::size_t until_bit = sum.end ? *sum.end * 8 : SIZE_MAX;
  bool varies = false;
  for (std::size_t i = 0; i < parts_.operations.size(); ++i) {
    Operation& op = parts_.operations[i];
    std::size_t end_bit = end_bits_[i];
    if (op.make == Make::kRandomBytes || op.make == Make::kColumnBytes || op.make == Make::kSignature) {
      if (sum.end) continue;
      end_bit = std::size_t{op.at} * 8;  // an even number of bytes is summed from there
    } else if (op.put == Put::kNothing || op.put == Put::kLength || end_bit <= sum.start * 8 || end_bit > until_bit) {
      continue;
    }
    if (!contributes(op, index, end_bit, sum.start * 8)) return false;
    varies = true;
  }
  std::uint64_t constant = constant_sum(sum);
  if (sum.pseudo != nullptr) {
    const auto varies_there = contribute_pseudo(sum, index);
    if (!varies_there) return false;
    varies = varies || *varies_there;
  }
  if (!sum.end && parts_.varies_in_length && parts_.copied > parts_.payload_at) {
    make_prefix();
    Operation op;
    op.make = Make::kPrefix;
    op.narrow = true;
    if (!contributes(op, index, parts_.payload_at * 8, sum.start * 8) || !add(op)) return false;
    varies = true;
  }
  end_bits_.resize(parts_.operations.size());
  if (!varies) {
    store_be16(parts_.bytes.data() + sum.field_at, final_checksum(constant, sum.protocol == kUdp, sum.wrong));
    return true;
  }
  parts_.sums.push_back(constant);
  Operation op;
  op.make = Make::kChecksum;
  op.put = Put::k16;
  op.at = static_cast<std::uint16_t>(sum.field_at);
  op.index = index;
  op.wrong = sum.wrong;
  op.never_zero = sum.protocol == kUdp;
  op.narrow = true;
  end_bits_.push_back((sum.field_at + 2) * 8);
  return add(op);
}

// A field that ends `n` bits before the end of a 16-bit word is worth its value times 2^n there.
bool Compiler::contributes(Operation& op, std::uint8_t index, std::size_t end_bit, std::size_t start) {
  if (op.contributions == op.contributes.size())
    return refuse("too many checksums cover one field", "nest fewer layers");
  op.contributes[op.contributions++] = {index, static_cast<std::uint8_t>((16 - (end_bit - start) % 16) % 16)};
  return true;
}

// Bytes that are the same in all frames, or zero where something varies.
std::uint64_t Compiler::constant_sum(const Sum& sum) const {
  const bool varies_behind = parts_.varies_in_length || parts_.copied == parts_.payload_at;
  const std::size_t end = sum.end.value_or(varies_behind ? parts_.payload_at : parts_.bytes.size());
  std::uint64_t total = sum_of(Bytes{parts_.bytes}.subspan(sum.start, end - sum.start));
  if (sum.pseudo == nullptr) return total;
  total += sum.protocol;
  if (!parts_.varies_in_length) total += parts_.bytes.size() - sum.start;
  const bool v6 = sum.pseudo->layer.kind == LayerKind::kIpv6;
  const std::size_t source = sum.pseudo->at + (v6 ? 8 : 12);
  const std::size_t address = v6 ? 16 : 4;
  total += sum_of(Bytes{parts_.bytes}.subspan(source, address));
  for (const Placed& placed : layers_) {
    if (placed.at > sum.pseudo->at && placed.at < sum.start && placed.layer.final_destination) {
      return total + sum_of(Bytes{placed.layer.final_destination->octets});
    }
  }
  return total + sum_of(Bytes{parts_.bytes}.subspan(source + address, address));
}

// Whether anything in the pseudo-header varies; nullopt after an error.
std::optional<bool> Compiler::contribute_pseudo(const Sum& sum, std::uint8_t index) {
  bool varies = false;
  const bool v6 = sum.pseudo->layer.kind == LayerKind::kIpv6;
  const std::size_t source = sum.pseudo->at + (v6 ? 8 : 12);
  const std::size_t end = source + (v6 ? 32 : 8);
  const bool routed = std::ranges::any_of(
      layers_, [&](const Placed& p) { return p.at > sum.pseudo->at && p.at < sum.start && p.layer.final_destination; });
  const std::size_t counted_end = routed ? source + (v6 ? 16 : 4) : end;
  for (std::size_t i = 0; i < parts_.operations.size(); ++i) {
    Operation& op = parts_.operations[i];
    if (op.put == Put::kNothing || op.put == Put::kLength || end_bits_[i] <= source * 8 ||
        end_bits_[i] > counted_end * 8)
      continue;
    if (!contributes(op, index, end_bits_[i], source * 8)) return std::nullopt;
    varies = true;
  }
  if (!parts_.varies_in_length) return varies;
  Operation length;
  length.make = Make::kLength;
  length.narrow = true;
  length.start = sum.start;
  if (!contributes(length, index, 16, 0) || !add(length)) return std::nullopt;
  return true;
}

void Compiler::make_prefix() {
  if (!parts_.prefix.empty()) return;
  const Bytes payload = Bytes{parts_.bytes}.subspan(parts_.payload_at);
  std::uint64_t sum = 0;
  parts_.prefix.reserve(payload.size() + 1);
  parts_.prefix.push_back(0);
  for (std::size_t i = 0; i < payload.size(); ++i) {
    sum += i % 2 == 0 ? std::uint64_t{payload[i]} << 8 : payload[i];
    parts_.prefix.push_back(checksum_fold(sum));
  }
}

}  // namespace myriad::craft
