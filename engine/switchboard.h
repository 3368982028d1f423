// What a switch would do with a frame of ours. A switch does not send a frame back where it came from, so frames from
// one of our hosts to another on the same port are delivered inside; questions to a group go to the wire and inside as
// well.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "stack/host_table.h"

namespace myriad::engine {

struct Delivery {
  bool wire = true;
  std::optional<stack::HostId> inside;  // the host that hears it inside
};

// `frame` is one that our stack wrote.
[[nodiscard]] Delivery deliver(const stack::HostTable& hosts, Bytes frame);

}  // namespace myriad::engine
