#include "stack/wire/ipv6.h"

namespace myriad::wire {
namespace {

using stack::Drop;

// RFC 8200 section 4.2: the two high bits of an option's type say what to do when it is not known; 00 = skip it.
// No option is known here: Pad1 and PadN say "skip" as well. Nothing but Pad1 has no length.
bool options_may_be_skipped(Bytes options) {
  std::size_t at = 0;
  while (at < options.size()) {
    const std::uint8_t type = options[at];
    if (type == 0) {
      ++at;
      continue;
    }
    if ((type & 0xc0) != 0 || at + 1 >= options.size()) return false;
    at += 2 + std::size_t{options[at + 1]};
  }
  return at == options.size();
}

// One header of `length` bytes that is not a fragment header.
bool may_be_passed(std::uint8_t type, Bytes header) {
  if (type == kHeaderRouting) return header[3] == 0;  // segments left
  return options_may_be_skipped(header.subspan(2));
}

}  // namespace

tl::expected<HeaderChain, Drop> walk_headers(std::uint8_t first, Bytes bytes) {
  HeaderChain chain{.protocol = first};
  for (int count = 0; is_extension_header(chain.protocol); ++count) {
    if (count == kMaxExtensionHeaders) return tl::unexpected(Drop::kBadExtension);
    const std::uint8_t type = chain.protocol;
    if (type == kHeaderHopByHop && count != 0) return tl::unexpected(Drop::kBadExtension);
    const Bytes left = bytes.subspan(chain.offset);
    if (left.size() < 8) return tl::unexpected(Drop::kTruncated);
    chain.protocol = left[0];
    if (type == kHeaderFragment) {
      if (chain.has_fragment_header) return tl::unexpected(Drop::kBadExtension);
      chain.has_fragment_header = true;
      const std::uint16_t field = load_be16(left.data() + 2);
      chain.fragment_offset = field & 0xfff8;
      chain.more_fragments = (field & 1) != 0;
      chain.fragment_id = load_be32(left.data() + 4);
      chain.offset += kIpv6FragmentHeaderBytes;
      if (chain.fragment_offset != 0 || chain.more_fragments) {
        chain.is_fragment = true;
        return chain;
      }
      continue;
    }
    const std::size_t length = (std::size_t{left[1]} + 1) * 8;
    if (length > left.size()) return tl::unexpected(Drop::kTruncated);
    if (!may_be_passed(type, left.first(length))) return tl::unexpected(Drop::kBadExtension);
    chain.offset += length;
  }
  return chain;
}

}  // namespace myriad::wire
