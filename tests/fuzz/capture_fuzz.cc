// Captures of either format, as they are and in gzip.
#include "tests/fuzz/capture_rig.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  myriad::fuzz::read_capture({data, size});
  return 0;
}
