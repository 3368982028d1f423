#include "app/smb2/md4.h"

#include <bit>
#include <cstring>
#include <utility>

namespace myriad::app::smb2 {
namespace {

using State = std::array<std::uint32_t, 4>;
using Block = std::array<std::uint8_t, 64>;

// RFC 1320 section 3.4: one round is 16 steps, each with one word of the block, a constant and a rotation.
struct Round {
  std::uint32_t (*mix)(std::uint32_t x, std::uint32_t y, std::uint32_t z);
  std::uint32_t constant;
  std::array<std::uint8_t, 16> word;
  std::array<std::uint8_t, 4> rotation;
};

constexpr Round kRounds[] = {
    {[](std::uint32_t x, std::uint32_t y, std::uint32_t z) { return (x & y) | (~x & z); },
     0,
     {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
     {3, 7, 11, 19}},
    {[](std::uint32_t x, std::uint32_t y, std::uint32_t z) { return (x & y) | (x & z) | (y & z); },
     0x5a827999,
     {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15},
     {3, 5, 9, 13}},
    {[](std::uint32_t x, std::uint32_t y, std::uint32_t z) { return x ^ y ^ z; },
     0x6ed9eba1,
     {0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15},
     {3, 9, 11, 15}},
};

void add(State& state, const std::uint8_t* block) {
  auto [a, b, c, d] = state;
  for (const Round& round : kRounds) {
    for (std::size_t i = 0; i < 16; ++i) {
      const std::uint32_t word = load_le32(block + std::size_t{4} * round.word[i]);
      const std::uint32_t sum = a + round.mix(b, c, d) + word + round.constant;
      a = std::exchange(d, std::exchange(c, std::exchange(b, std::rotl(sum, round.rotation[i % 4]))));
    }
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
}

}  // namespace

std::array<std::uint8_t, 16> md4(Bytes message) {
  State state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  const std::uint64_t bits = std::uint64_t{8} * message.size();
  for (; message.size() >= sizeof(Block); message = message.subspan(sizeof(Block))) add(state, message.data());
  // A one, zeros, and the length in the last eight bytes: of this block, or of one more.
  std::array<std::uint8_t, 2 * sizeof(Block)> rest{};
  if (!message.empty()) std::memcpy(rest.data(), message.data(), message.size());
  rest[message.size()] = 0x80;
  const std::size_t end = message.size() < sizeof(Block) - 8 ? sizeof(Block) : 2 * sizeof(Block);
  store_le64(rest.data() + end - 8, bits);
  for (std::size_t at = 0; at < end; at += sizeof(Block)) add(state, rest.data() + at);
  std::array<std::uint8_t, 16> digest;
  for (std::size_t i = 0; i < 4; ++i) store_le32(digest.data() + 4 * i, state[i]);
  return digest;
}

}  // namespace myriad::app::smb2
