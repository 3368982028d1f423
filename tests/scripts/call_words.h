// The words of a call: its arguments as numbers, byte counts and errors. Each throws ScriptError when the script has
// something else there.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/scripts/script.h"

namespace myriad::scripts {

[[nodiscard]] std::uint32_t number_argument(const CallLine& call, std::size_t which);
[[nodiscard]] const std::string& word_argument(const CallLine& call, std::size_t which);
// Bytes that the call hands over or has room for; vectors are summed up.
[[nodiscard]] std::uint32_t bytes_to_send(const CallLine& call);
[[nodiscard]] std::uint32_t bytes_to_receive(const CallLine& call);

// poll(): one {fd=4, events=POLLIN, revents=0} of its first argument.
struct Polled {
  int descriptor = -1;
  std::string events;
  std::string happened;  // as the script expects it
};
[[nodiscard]] std::vector<Polled> polled(const CallLine& call);

// What connect() reports after an ICMP error of this code.
[[nodiscard]] std::string error_of_icmp(const std::string& code, System system);

}  // namespace myriad::scripts
