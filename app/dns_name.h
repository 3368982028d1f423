// Names of the domain system (RFC 1035 section 3.1): labels with their lengths, as on the wire, in a value of fixed
// size.
//
// Reading follows compression pointers only backwards, each before the run of labels in which it stands, so no message
// can make it go round; a name ends at 255 bytes. Refuses the label types that RFC 6891 section 5 has retired.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace myriad::app {

class DnsName {
 public:
  static constexpr std::size_t kMaxBytes = 255;
  static constexpr std::size_t kMaxLabel = 63;

  DnsName() = default;  // the root

  // As people write it: with or without the last dot; `\.` and `\DDD` as in zone files. nullopt: no name.
  [[nodiscard]] static std::optional<DnsName> parse(std::string_view text);
  // The name at `at` of the message, which becomes the place behind it. nullopt: there is none.
  [[nodiscard]] static std::optional<DnsName> read(Bytes message, std::size_t& at);
  // This name with the labels of `origin` behind it. nullopt: too long.
  [[nodiscard]] std::optional<DnsName> under(const DnsName& origin) const;

  // As on the wire, without compression, with the empty label at the end.
  [[nodiscard]] Bytes wire() const { return {octets_.data(), length_}; }
  [[nodiscard]] std::string text() const;  // with the last dot
  // The same in lower case (RFC 4343), to be compared and looked up.
  [[nodiscard]] DnsName lowered() const;
  [[nodiscard]] bool is_root() const { return length_ == 1; }
  // Without the first label. Precondition: not the root.
  [[nodiscard]] DnsName parent() const;
  // It is `origin` or lies below.
  [[nodiscard]] bool is_within(const DnsName& origin) const;

  // Whatever the case.
  friend bool operator==(const DnsName& a, const DnsName& b);

 private:
  bool append(Bytes label);  // before the end
  std::array<std::uint8_t, kMaxBytes> octets_{};
  std::uint8_t length_ = 1;
};

}  // namespace myriad::app
