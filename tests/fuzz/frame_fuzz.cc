// Whole frames as they come in. Checksums are seldom right here: ip_fuzz, icmp_fuzz and tcp_fuzz mend them.
#include "tests/fuzz/read_everything.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  myriad::fuzz::sink = myriad::fuzz::read_frame({data, size});
  return 0;
}
