// A capture from anybody, read in several ways: whatever the bytes are, the reader ends, says the same each time, and
// gives nothing that the file does not have. Inputs: a byte that says how it is read (see Way), then the file.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace myriad::fuzz {

// Aborts where something does not hold.
void read_capture(Bytes input);

}  // namespace myriad::fuzz
