// Segments, orders, errors and time, in every state of a connection, against a peer that stops at nothing: see
// connection_program.h for what an input means and connection_rig.h for the rules that must hold.
#include "tests/fuzz/connection_rig.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  myriad::fuzz::Rig{{data, size}}.play();
  return 0;
}
