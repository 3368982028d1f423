// Files that are no pcap, pcapng or gzip, by name: who has a file of another program is told which, and what makes of
// it something that can be read.
#pragma once

#include <string>

#include "base/bytes.h"

namespace myriad::capture {

struct Refusal {
  std::string what;  // "is a Solaris snoop capture"
  std::string cure;
};

// Of the first bytes of a file, a few hundred if it has them. `compressed`: they came out of gzip.
[[nodiscard]] Refusal refuse_by_name(Bytes first, bool compressed);

}  // namespace myriad::capture
