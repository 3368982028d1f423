#include "xsk/setup_error.h"

namespace myriad::xsk {
namespace {

const char* cure_of(int os_error) {
  switch (os_error) {
    case EPERM:
    case EACCES:
      return "run as root, or give the program what it needs: "
             "setcap cap_net_raw,cap_net_admin,cap_bpf,cap_ipc_lock+ep PROGRAM";
    case EBUSY:
      return "another AF_XDP socket holds this queue; find it with `ss --xdp -p` and end it, or choose another "
             "interface";
    case ENOBUFS:
      return "the memory for frames is above the limit of locked memory: raise it (ulimit -l unlimited) or give the "
             "program cap_ipc_lock, or use fewer shards or frames";
    case ENOMEM:
      return "the machine has not enough free memory for the frames: use fewer shards, queues or frames";
    case EOPNOTSUPP:
    case 524:  // ENOTSUPP, which the kernel keeps to itself but drivers let escape
      return "the driver cannot do this: use mode copy, or auto";
    case EINVAL:
      return "the kernel or driver refuses this combination: see that the interface has this queue (ethtool -l), or "
             "use "
             "mode copy";
    case EAFNOSUPPORT:
      return "this kernel has no AF_XDP: one with CONFIG_XDP_SOCKETS is needed";
    case ENODEV:
    case ENXIO:
      return "see that the interface exists in this network namespace: ip link";
    case ENETDOWN:
      return "bring the interface up: ip link set dev INTERFACE up";
    case EMFILE:
    case ENFILE:
      return "too many open files: raise the limit (ulimit -n) or use fewer shards or queues";
    default:
      return "";
  }
}

}  // namespace

Error setup_error(std::string doing, int os_error) {
  return Error{std::move(doing), cure_of(os_error), Fault::kMachine, os_error};
}

}  // namespace myriad::xsk
