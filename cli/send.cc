#include "cli/send.h"

#include "cli/netdev.h"
#include "templates/plan/send.h"

namespace myriad::cli {

Result<plan::Plan> send_plan(const SendCommand& command) {
  const auto network = read_network_state();
  if (!network) return tl::unexpected(network.error());
  plan::SendOptions options = command.flow;
  // An interface that is not there is told of later, with what there is to do.
  if (const Interface* const interface = network->find(options.interface)) {
    options.mac = interface->mac;
    for (const InterfaceAddress& own : interface->addresses) {
      if (own.address.is_v4()) {
        if (!options.ipv4) options.ipv4 = own.address.v4();
      } else if (!options.ipv6 || options.ipv6->is_link_local()) {
        options.ipv6 = own.address.v6();
      }
    }
  }
  return plan::plan_of_send(options);
}

}  // namespace myriad::cli
