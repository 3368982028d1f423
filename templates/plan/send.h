// A plan of one flow that has no scenario: what `myriad send` says on the command line.
#pragma once

#include <optional>
#include <string>

#include "base/addr.h"
#include "base/result.h"
#include "templates/plan/plan.h"

namespace myriad::plan {

struct SendOptions {
  std::string interface;
  std::string packet;               // as flows.NAME.packet; the brackets around the list may be left out
  std::optional<std::string> size;  // each as the key of that name of flows.NAME
  std::optional<std::string> rate;
  std::optional<std::string> data;
  std::optional<std::string> mutate;
  std::optional<std::string> count;     // frames
  std::optional<std::string> duration;  // with its unit
  std::optional<std::string> seed;
  PortMode mode = PortMode::kAuto;
  // What a packet is sent from when it does not say, as nobody's frames have no host to take it from.
  std::optional<MacAddress> mac;
  std::optional<Ipv4Address> ipv4;
  std::optional<Ipv6Address> ipv6;
};

// One port, `send`, and one flow, `send`. Error::what shows every mistake with its option, line, column and a caret.
[[nodiscard]] Result<Plan> plan_of_send(const SendOptions& options);

}  // namespace myriad::plan
