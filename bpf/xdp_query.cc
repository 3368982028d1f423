#include "bpf/xdp_query.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/bpf.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <unistd.h>

#include <memory>

// linux/netdev.h, which the headers of Debian 12 do not have yet.
#ifndef NETDEV_FAMILY_NAME
#define NETDEV_FAMILY_NAME "netdev"
#endif
#ifndef NETDEV_FAMILY_VERSION
#define NETDEV_FAMILY_VERSION 1
#endif

namespace myriad::bpf {
namespace {

constexpr std::uint8_t kNetdevCommandDeviceGet = 1;  // NETDEV_CMD_DEV_GET
constexpr int kNetdevAttributeIfindex = 1;           // NETDEV_A_DEV_IFINDEX
constexpr int kNetdevAttributeXdpFeatures = 3;       // NETDEV_A_DEV_XDP_FEATURES, 64 bits
constexpr int kNetdevAttributeZeroCopySegments = 4;  // NETDEV_A_DEV_XDP_ZC_MAX_SEGS, 32 bits
constexpr int kNetdevAttributeLast = kNetdevAttributeZeroCopySegments;

// NETDEV_XDP_ACT_*
constexpr std::uint64_t kXdpBasic = 1;
constexpr std::uint64_t kXdpRedirect = 2;
constexpr std::uint64_t kXdpNdoXmit = 4;
constexpr std::uint64_t kXdpXskZerocopy = 8;
constexpr std::uint64_t kXdpHwOffload = 16;
constexpr std::uint64_t kXdpRxSg = 32;
constexpr std::uint64_t kXdpNdoXmitSg = 64;

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }

 private:
  int fd_;
};

std::string program_name(std::uint32_t id) {
  const FileDescriptor program{bpf_prog_get_fd_by_id(id)};
  if (!program.valid()) return {};
  bpf_prog_info info{};
  __u32 size = sizeof info;
  if (bpf_obj_get_info_by_fd(program.get(), &info, &size) != 0) return {};
  return info.name;
}

std::optional<std::uint32_t> link_of(std::uint32_t program, std::uint32_t ifindex) {
  __u32 id = 0;
  while (bpf_link_get_next_id(id, &id) == 0) {
    const FileDescriptor link{bpf_link_get_fd_by_id(id)};
    if (!link.valid()) continue;  // went away meanwhile, or not for us to see
    bpf_link_info info{};
    __u32 size = sizeof info;
    if (bpf_obj_get_info_by_fd(link.get(), &info, &size) != 0) continue;
    if (info.type == BPF_LINK_TYPE_XDP && info.prog_id == program && info.xdp.ifindex == ifindex) return id;
  }
  return std::nullopt;
}

struct SocketCloser {
  void operator()(nl_sock* socket) const { nl_socket_free(socket); }
};
struct MessageCloser {
  void operator()(nl_msg* message) const { nlmsg_free(message); }
};

struct Answer {
  XdpFeatures features;
  bool complete = false;
};

int read_answer(nl_msg* message, void* argument) {
  auto& answer = *static_cast<Answer*>(argument);
  nlattr* attributes[kNetdevAttributeLast + 1] = {};
  if (genlmsg_parse(nlmsg_hdr(message), 0, attributes, kNetdevAttributeLast, nullptr) != 0) return NL_SKIP;
  nlattr* bits_attribute = attributes[kNetdevAttributeXdpFeatures];
  if (bits_attribute == nullptr || nla_len(bits_attribute) != sizeof(std::uint64_t)) return NL_SKIP;
  const std::uint64_t bits = nla_get_u64(bits_attribute);
  answer.features.basic = (bits & kXdpBasic) != 0;
  answer.features.redirect = (bits & kXdpRedirect) != 0;
  answer.features.ndo_xmit = (bits & kXdpNdoXmit) != 0;
  answer.features.xsk_zerocopy = (bits & kXdpXskZerocopy) != 0;
  answer.features.hw_offload = (bits & kXdpHwOffload) != 0;
  answer.features.rx_sg = (bits & kXdpRxSg) != 0;
  answer.features.ndo_xmit_sg = (bits & kXdpNdoXmitSg) != 0;
  nlattr* segments = attributes[kNetdevAttributeZeroCopySegments];
  if (segments != nullptr && nla_len(segments) == sizeof(std::uint32_t)) {
    answer.features.xdp_zc_max_segs = nla_get_u32(segments);
  }
  answer.complete = true;
  return NL_OK;
}

Failure netlink_failure(std::uint32_t ifindex, int error) {
  return fail(Fault::kMachine,
              fmt::format("asking the kernel for the XDP features of interface {}: {}", ifindex, nl_geterror(error)));
}

}  // namespace

std::string AttachedProgram::description() const {
  if (name.empty()) return fmt::format("XDP program {} ({})", id, xdp_mode_name(mode));
  return fmt::format("XDP program {} ({}, {})", id, name, xdp_mode_name(mode));
}

std::string AttachedProgram::removal(std::string_view interface) const {
  // libxdp's dispatcher is taken off by libxdp, which also has its pins to remove.
  if (name == "xdp_dispatcher") return fmt::format("xdp-loader unload {} --all", interface);
  if (link) {
    return fmt::format(
        "end the program that holds it (bpftool link show id {0} names it), or bpftool link detach id {0}", *link);
  }
  switch (mode) {
    case XdpMode::kNative:
      return fmt::format("ip link set dev {} xdpdrv off", interface);
    case XdpMode::kSkb:
      return fmt::format("ip link set dev {} xdpgeneric off", interface);
    case XdpMode::kHardware:
      return fmt::format("ip link set dev {} xdpoffload off", interface);
  }
  return {};
}

Result<std::vector<AttachedProgram>> attached_programs(std::uint32_t ifindex) {
  bpf_xdp_query_opts found{};
  found.sz = sizeof found;
  if (const int error = bpf_xdp_query(static_cast<int>(ifindex), 0, &found); error != 0) {
    return fail(Fault::kMachine, fmt::format("asking which XDP program is on interface {}", ifindex), {}, -error);
  }
  std::vector<AttachedProgram> programs;
  const auto add = [&](std::uint32_t id, XdpMode mode) {
    if (id != 0) programs.push_back({id, program_name(id), mode, link_of(id, ifindex)});
  };
  add(found.drv_prog_id, XdpMode::kNative);
  add(found.skb_prog_id, XdpMode::kSkb);
  add(found.hw_prog_id, XdpMode::kHardware);
  return programs;
}

Result<XdpFeatures> xdp_features(std::uint32_t ifindex) {
  const std::unique_ptr<nl_sock, SocketCloser> socket{nl_socket_alloc()};
  const std::unique_ptr<nl_msg, MessageCloser> message{nlmsg_alloc()};
  if (!socket || !message) return netlink_failure(ifindex, -NLE_NOMEM);
  if (const int error = genl_connect(socket.get()); error < 0) return netlink_failure(ifindex, error);
  const int family = genl_ctrl_resolve(socket.get(), NETDEV_FAMILY_NAME);
  if (family < 0) {
    return fail(Fault::kMachine, "this kernel does not tell what XDP features a driver has", "use kernel 6.3 or newer");
  }
  if (genlmsg_put(message.get(), NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, 0, kNetdevCommandDeviceGet,
                  NETDEV_FAMILY_VERSION) == nullptr ||
      nla_put_u32(message.get(), kNetdevAttributeIfindex, ifindex) < 0) {
    return netlink_failure(ifindex, -NLE_NOMEM);
  }
  Answer answer;
  nl_socket_modify_cb(socket.get(), NL_CB_VALID, NL_CB_CUSTOM, read_answer, &answer);
  if (const int error = nl_send_auto(socket.get(), message.get()); error < 0) return netlink_failure(ifindex, error);
  // The answer, then its acknowledgement; an error message ends it as well.
  if (const int error = nl_recvmsgs_default(socket.get()); error < 0) return netlink_failure(ifindex, error);
  if (!answer.complete) return netlink_failure(ifindex, -NLE_MSG_TOOSHORT);
  return answer.features;
}

}  // namespace myriad::bpf
