// TCP sequence numbers (RFC 9293 section 3.4): 32 bits that wrap. There is no `<` here: only distance and window.
#pragma once

#include <cstdint>

namespace myriad {

class SeqNum {
 public:
  constexpr SeqNum() = default;
  constexpr explicit SeqNum(std::uint32_t value) : value_(value) {}

  [[nodiscard]] constexpr std::uint32_t value() const { return value_; }
  // True when this comes strictly before `other`, for two numbers less than 2^31 apart.
  [[nodiscard]] constexpr bool before(SeqNum other) const {
    return static_cast<std::int32_t>(value_ - other.value_) < 0;
  }
  [[nodiscard]] constexpr bool after(SeqNum other) const { return other.before(*this); }
  // True when this lies in [from, from + length).
  [[nodiscard]] constexpr bool within(SeqNum from, std::uint32_t length) const { return value_ - from.value_ < length; }
  // How many bytes this lies behind `earlier` (modulo 2^32).
  [[nodiscard]] constexpr std::uint32_t since(SeqNum earlier) const { return value_ - earlier.value_; }

  friend constexpr SeqNum operator+(SeqNum s, std::uint32_t n) { return SeqNum{s.value_ + n}; }
  friend constexpr SeqNum operator-(SeqNum s, std::uint32_t n) { return SeqNum{s.value_ - n}; }
  constexpr SeqNum& operator+=(std::uint32_t n) {
    value_ += n;
    return *this;
  }
  friend constexpr bool operator==(SeqNum, SeqNum) = default;

 private:
  std::uint32_t value_ = 0;
};

[[nodiscard]] constexpr SeqNum later_of(SeqNum a, SeqNum b) { return a.before(b) ? b : a; }

}  // namespace myriad
