#include "xsk/device.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "xsk/file_descriptor.h"
#include "xsk/setup_error.h"

namespace myriad::xsk {
namespace {

ifreq request_for(const std::string& name) {
  ifreq request{};
  std::memcpy(request.ifr_name, name.c_str(), name.size() + 1);  // find_device() has checked the size
  return request;
}

// True when the driver answered the ethtool question in `answer`, whose first member is the command.
template <class Answer>
bool ask_ethtool(int control, const std::string& name, Answer& answer) {
  ifreq request = request_for(name);
  request.ifr_data = reinterpret_cast<char*>(&answer);
  return ::ioctl(control, SIOCETHTOOL, &request) == 0;
}

void ask_queues(int control, Device& device) {
  ethtool_channels channels{};
  channels.cmd = ETHTOOL_GCHANNELS;
  if (!ask_ethtool(control, device.name, channels)) return;  // a driver that cannot say has one of each
  device.queues = std::max(1U, channels.combined_count + channels.rx_count);
  device.tx_queues = std::max(1U, channels.combined_count + channels.tx_count);
}

void ask_driver(int control, Device& device) {
  ethtool_drvinfo info{};
  info.cmd = ETHTOOL_GDRVINFO;
  if (!ask_ethtool(control, device.name, info)) return;
  device.driver.assign(info.driver, ::strnlen(info.driver, sizeof info.driver));
}

}  // namespace

Result<Device> find_device(const std::string& name) {
  if (name.empty() || name.size() >= IFNAMSIZ) {
    return fail(Fault::kUsage, "no interface can be called \"" + name + "\"", "a name has 1 to 15 characters: ip link");
  }
  const FileDescriptor control{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!control.is_open()) return setup_failure("opening a socket to ask about interfaces", errno);

  Device device;
  device.name = name;
  ifreq request = request_for(name);
  if (::ioctl(control.get(), SIOCGIFINDEX, &request) != 0) return setup_failure("looking for interface " + name, errno);
  device.index = static_cast<unsigned>(request.ifr_ifindex);

  request = request_for(name);
  if (::ioctl(control.get(), SIOCGIFMTU, &request) != 0) return setup_failure("asking for the MTU of " + name, errno);
  device.mtu_bytes = static_cast<std::uint32_t>(std::max(0, request.ifr_mtu));

  request = request_for(name);
  if (::ioctl(control.get(), SIOCGIFHWADDR, &request) != 0)
    return setup_failure("asking for the MAC of " + name, errno);
  device.mac = MacAddress::from_bytes(reinterpret_cast<const std::uint8_t*>(request.ifr_hwaddr.sa_data));

  ask_queues(control.get(), device);
  ask_driver(control.get(), device);
  return device;
}

}  // namespace myriad::xsk
