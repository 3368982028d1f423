#include "app/dns_name.h"

#include <algorithm>
#include <cassert>

namespace myriad::app {
namespace {

constexpr std::uint8_t kPointer = 0xc0;  // RFC 1035 section 4.1.4: both bits; one alone is no label

std::uint8_t lower(std::uint8_t c) { return c >= 'A' && c <= 'Z' ? static_cast<std::uint8_t>(c + 32) : c; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// What `\` at text[at - 1] begins; `at` becomes the place behind it.
std::optional<std::uint8_t> unescape(std::string_view text, std::size_t& at) {
  if (at >= text.size()) return std::nullopt;
  if (!is_digit(text[at])) return static_cast<std::uint8_t>(text[at++]);
  if (text.size() - at < 3 || !is_digit(text[at + 1]) || !is_digit(text[at + 2])) return std::nullopt;
  const int value = (text[at] - '0') * 100 + (text[at + 1] - '0') * 10 + (text[at + 2] - '0');
  if (value > 255) return std::nullopt;
  at += 3;
  return static_cast<std::uint8_t>(value);
}

}  // namespace

bool DnsName::append(Bytes label) {
  if (label.empty() || label.size() > kMaxLabel || length_ + label.size() + 1 > kMaxBytes) return false;
  std::uint8_t* const at = octets_.data() + length_ - 1;
  at[0] = static_cast<std::uint8_t>(label.size());
  std::copy(label.begin(), label.end(), at + 1);
  at[label.size() + 1] = 0;
  length_ = static_cast<std::uint8_t>(length_ + label.size() + 1);
  return true;
}

std::optional<DnsName> DnsName::parse(std::string_view text) {
  DnsName name;
  if (text == ".") return name;
  if (text.empty()) return std::nullopt;
  std::array<std::uint8_t, kMaxLabel> label;
  std::size_t length = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at++];
    if (c == '.') {
      if (!name.append({label.data(), length})) return std::nullopt;
      length = 0;
      continue;
    }
    const auto octet = c == '\\' ? unescape(text, at) : std::optional{static_cast<std::uint8_t>(c)};
    if (!octet || length == label.size()) return std::nullopt;
    label[length++] = *octet;
  }
  if (length > 0 && !name.append({label.data(), length})) return std::nullopt;
  return name;
}

std::optional<DnsName> DnsName::read(Bytes message, std::size_t& at) {
  DnsName name;
  std::size_t here = at;
  std::size_t run = at;  // where the labels that are being read began: pointers lead before it
  bool jumped = false;
  for (;;) {
    if (here >= message.size()) return std::nullopt;
    const std::uint8_t length = message[here];
    if (length == 0) {
      if (!jumped) at = here + 1;
      return name;
    }
    if ((length & kPointer) == kPointer) {
      if (message.size() - here < 2) return std::nullopt;
      const std::size_t target = load_be16(message.data() + here) & 0x3fffU;
      if (target >= run) return std::nullopt;
      if (!jumped) at = here + 2;
      jumped = true;
      here = run = target;
      continue;
    }
    if ((length & kPointer) != 0 || message.size() - here <= length) return std::nullopt;
    if (!name.append(message.subspan(here + 1, length))) return std::nullopt;
    here += std::size_t{1} + length;
  }
}

std::optional<DnsName> DnsName::under(const DnsName& origin) const {
  if (length_ - 1U + origin.length_ > kMaxBytes) return std::nullopt;
  DnsName name = *this;
  std::copy_n(origin.octets_.begin(), origin.length_, name.octets_.begin() + length_ - 1);
  name.length_ = static_cast<std::uint8_t>(length_ - 1 + origin.length_);
  return name;
}

std::string DnsName::text() const {
  if (is_root()) return ".";
  std::string out;
  for (std::size_t at = 0; octets_[at] != 0; at += std::size_t{1} + octets_[at]) {
    for (std::size_t i = 1; i <= octets_[at]; ++i) {
      const std::uint8_t c = octets_[at + i];
      if (c == '.' || c == '\\') {
        out += '\\';
        out += static_cast<char>(c);
      } else if (c > 0x20 && c < 0x7f) {
        out += static_cast<char>(c);
      } else {
        out += '\\';
        out += static_cast<char>('0' + c / 100);
        out += static_cast<char>('0' + c / 10 % 10);
        out += static_cast<char>('0' + c % 10);
      }
    }
    out += '.';
  }
  return out;
}

DnsName DnsName::lowered() const {
  DnsName name = *this;
  // Lengths are below 'A'.
  std::transform(name.octets_.begin(), name.octets_.begin() + length_, name.octets_.begin(), lower);
  return name;
}

DnsName DnsName::parent() const {
  assert(!is_root());
  DnsName name;
  const std::size_t skipped = std::size_t{1} + octets_[0];
  std::copy(octets_.begin() + static_cast<std::ptrdiff_t>(skipped), octets_.begin() + length_, name.octets_.begin());
  name.length_ = static_cast<std::uint8_t>(length_ - skipped);
  return name;
}

bool DnsName::is_within(const DnsName& origin) const {
  for (std::size_t at = 0; length_ - at >= origin.length_; at += std::size_t{1} + octets_[at]) {
    if (length_ - at == origin.length_) {
      return std::equal(octets_.begin() + static_cast<std::ptrdiff_t>(at), octets_.begin() + length_,
                        origin.octets_.begin(), [](std::uint8_t a, std::uint8_t b) { return lower(a) == lower(b); });
    }
    if (octets_[at] == 0) break;
  }
  return false;
}

bool operator==(const DnsName& a, const DnsName& b) {
  return a.length_ == b.length_ && std::equal(a.octets_.begin(), a.octets_.begin() + a.length_, b.octets_.begin(),
                                              [](std::uint8_t x, std::uint8_t y) { return lower(x) == lower(y); });
}

}  // namespace myriad::app
