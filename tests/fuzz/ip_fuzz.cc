// IP packets of the version that the first byte says, with a header checksum that is right; and the same as a
// quotation.
#include <vector>

#include "tests/fuzz/read_everything.h"

using namespace myriad;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> packet(data, data + size);
  packet.shrink_to_fit();
  if (packet.empty()) return 0;
  const bool v6 = packet[0] >> 4 == 6;
  fuzz::sink = fuzz::read_quoted(packet, v6);
  const std::size_t header = (packet[0] & 0xfU) * 4;
  if (!v6 && header >= wire::kIpv4HeaderBytes && header <= packet.size()) {
    store_be16(packet.data() + 10, 0);
    checksum_store(packet.data() + 10, checksum_add(0, Bytes{packet}.first(header)));
  }
  fuzz::sink = fuzz::sink + fuzz::read_ip(packet, v6 ? wire::kEtherTypeIpv6 : wire::kEtherTypeIpv4);
  return 0;
}
