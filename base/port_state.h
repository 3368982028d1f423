// What a port can say about its link. Both the concept of a port (engine) and the ports that model it speak of it.
#pragma once

#include <cstdint>

namespace myriad {

// kDown: the link may come back. kGone: the interface is no longer there and will not come back to this port.
enum class PortState : std::uint8_t { kUp, kDown, kGone };

}  // namespace myriad
