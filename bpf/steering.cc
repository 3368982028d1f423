#include "bpf/steering.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <numeric>

#include "bpf/libbpf_log.h"
#include "bpf/steer_abi.h"
#include "bpf/steer_tables.h"
#include "steer.skel.h"  // generated; needs steer_abi.h before it

namespace myriad::bpf {
namespace {

struct SkeletonCloser {
  void operator()(steer_bpf* skeleton) const { steer_bpf__destroy(skeleton); }
};

bool has_capability(unsigned number) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  if (syscall(SYS_capget, &header, data.data()) != 0) return false;
  return ((data[number / 32].effective >> (number % 32)) & 1) != 0;
}

// EPERM from a BPF system call: which of the two capabilities is it?
std::string permission_cure() {
  const bool administrator = has_capability(CAP_SYS_ADMIN);
  const bool bpf = administrator || has_capability(CAP_BPF);
  const bool net = has_capability(CAP_NET_ADMIN);
  if (!bpf || !net) {
    return fmt::format("needs {}: run it with sudo, or give the binary cap_net_admin,cap_bpf,cap_net_raw+ep by setcap",
                       bpf   ? "CAP_NET_ADMIN"
                       : net ? "CAP_BPF"
                             : "CAP_BPF and CAP_NET_ADMIN");
  }
  return "CAP_BPF and CAP_NET_ADMIN are there, so something else refuses: a container's seccomp profile or user "
         "namespace, kernel lockdown, or RLIMIT_MEMLOCK on a kernel before 5.11 (ulimit -l unlimited)";
}

Failure load_failure(int error, const LibbpfLog& log) {
  if (error == EPERM || error == EACCES) {
    // The verifier says EACCES too, and then it has said why.
    const std::string said = error == EACCES ? log.tail() : std::string{};
    if (said.empty()) return fail(Fault::kMachine, "loading the steering program", permission_cure(), error);
  }
  std::string what = "loading the steering program";
  if (const std::string said = log.tail(); !said.empty()) what += fmt::format(" (the kernel says: {})", said);
  return fail(Fault::kMachine, std::move(what), "needs Linux 5.15 or newer with BPF, its JIT and AF_XDP", error);
}

// Why a driver does not take the program, and what mends it.
struct Refusal {
  std::string why;
  std::string cure;
};
Refusal native_refusal_of(int error, const std::string& interface) {
  switch (error) {
    case ENOSPC:
      return {
          fmt::format("{} has too few queues for native XDP: fewer RX queues than its peer has TX queues", interface),
          "create the veth pair with the same numtxqueues and numrxqueues on both ends"};
    case ERANGE:
      return {fmt::format("the MTU of the peer of {} is too large for native XDP", interface),
              "set the peer's MTU to at most 3498"};
    case EOPNOTSUPP:
      return {fmt::format("the driver of {} has no native XDP", interface), "use mode skb"};
    case EINVAL:
      return {fmt::format("the driver of {} refuses native XDP as it is set up (MTU, LRO and queue count matter)",
                          interface),
              fmt::format("see dmesg; an MTU of 1500 and ethtool -K {} lro off often do", interface)};
    default:
      return {fmt::format("native XDP was refused on {}: {}", interface, std::generic_category().message(error)),
              "see dmesg, or use mode skb"};
  }
}

// Another program is there, or became there while we tried.
Failure occupied(const std::string& interface, std::uint32_t ifindex, int error) {
  const auto programs = attached_programs(ifindex);
  if (!programs || programs->empty()) {
    return fail(Fault::kMachine, fmt::format("attaching to {}: it is busy with another XDP program", interface),
                fmt::format("ip link show dev {} says which", interface), error);
  }
  const AttachedProgram& other = programs->front();
  return fail(Fault::kMachine, fmt::format("{} has {} already", interface, other.description()),
              "if it may go: " + other.removal(interface), error);
}

// Two seconds in all, as long as the sockets of such a run are waited for.
constexpr int kLeavingTries = 100;
constexpr useconds_t kLeavingPauseMicroseconds = 20'000;

// The program on the port is a steering program, or we may not know: perhaps that of a run which is just ending.
bool ours_is_there(std::uint32_t ifindex) {
  const auto programs = attached_programs(ifindex);
  return programs && !programs->empty() && (programs->front().name == "steer" || programs->front().name.empty());
}

struct Attachment {
  int link = -1;
  XdpMode mode = XdpMode::kNative;
  std::string native_refusal;
};

Result<Attachment> attach_program(int program, const std::string& interface, std::uint32_t ifindex, AttachMode asked) {
  const auto create = [&](std::uint32_t flags) {
    bpf_link_create_opts options{};
    options.sz = sizeof options;
    options.flags = flags;
    int link = bpf_link_create(program, static_cast<int>(ifindex), BPF_XDP, &options);
    // The kernel takes a moment to give back the port of a run that was killed.
    for (int tries = 0; (link == -EBUSY || link == -EEXIST) && tries < kLeavingTries && ours_is_there(ifindex);
         ++tries) {
      usleep(kLeavingPauseMicroseconds);
      link = bpf_link_create(program, static_cast<int>(ifindex), BPF_XDP, &options);
    }
    return link;
  };
  const auto final_failure = [&](int error) -> Failure {
    if (error == EBUSY || error == EEXIST) return occupied(interface, ifindex, error);
    const std::string cure = error == EPERM ? permission_cure() : std::string{};
    return fail(Fault::kMachine, fmt::format("attaching the steering program to {}", interface), cure, error);
  };

  Attachment attachment;
  if (asked != AttachMode::kSkb) {
    attachment.link = create(XDP_FLAGS_DRV_MODE);
    if (attachment.link >= 0) return attachment;
    const int error = -attachment.link;
    if (error == EBUSY || error == EEXIST || error == EPERM || error == ENODEV) return final_failure(error);
    Refusal refusal = native_refusal_of(error, interface);
    if (asked == AttachMode::kNative) {
      return fail(Fault::kMachine, std::move(refusal.why), std::move(refusal.cure), error);
    }
    attachment.native_refusal = std::move(refusal.why);
  }
  attachment.mode = XdpMode::kSkb;
  attachment.link = create(XDP_FLAGS_SKB_MODE);
  if (attachment.link < 0) return final_failure(-attachment.link);
  return attachment;
}

Result<void> fill_hash(int map, const SteerTables& tables) {
  if (tables.keys.empty()) return {};
  auto count = static_cast<__u32>(tables.keys.size());
  if (const int error = bpf_map_update_batch(map, tables.keys.data(), tables.slices.data(), &count, nullptr);
      error != 0) {
    return fail(Fault::kMachine, fmt::format("writing {} slices of hosts for steering", tables.keys.size()),
                "fewer VLANs and groups of hosts need less kernel memory", -error);
  }
  return {};
}

}  // namespace

struct Steering::State {
  std::unique_ptr<steer_bpf, SkeletonCloser> skeleton;
  int link = -1;
  XdpMode mode = XdpMode::kNative;
  std::string native_refusal;
  std::uint32_t queues = 0;
  std::uint32_t shards = 0;
  std::uint32_t program_id = 0;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (link >= 0) close(link);
  }
};

Steering::Steering(std::unique_ptr<State> state) : state_(std::move(state)) {}
Steering::Steering(Steering&&) noexcept = default;
Steering& Steering::operator=(Steering&&) noexcept = default;
Steering::~Steering() = default;

Result<Steering> Steering::attach(const SteeringOptions& options) {
  const std::uint64_t sockets = std::uint64_t{options.queues} * options.shards;
  if (sockets == 0 || sockets > STEER_SOCKETS_MAX) {
    return fail(Fault::kUsage, fmt::format("{} queues with {} shards each", options.queues, options.shards),
                fmt::format("take 1 to {} sockets in all", STEER_SOCKETS_MAX));
  }
  const auto tables = make_steer_tables(options.hosts, options.shards);
  if (!tables) return Failure{tables.error()};
  const std::uint32_t ifindex = if_nametoindex(options.interface.c_str());
  if (ifindex == 0) {
    return fail(Fault::kMachine, fmt::format("interface {}", options.interface), "ip link shows those that are there",
                errno);
  }

  const LibbpfLog log;
  auto state = std::make_unique<State>();
  state->skeleton.reset(steer_bpf__open());
  if (!state->skeleton) return load_failure(errno, log);
  steer_bpf& skeleton = *state->skeleton;
  skeleton.rodata->steer_config = tables->config;
  tables->store(skeleton.bss->steer_tables);
  const auto slices = std::max(std::size_t{1}, tables->keys.size());
  bpf_map__set_max_entries(skeleton.maps.steer_slices, static_cast<__u32>(slices));
  bpf_map__set_max_entries(skeleton.maps.steer_sockets, static_cast<__u32>(sockets));
  if (const int error = steer_bpf__load(&skeleton); error != 0) return load_failure(-error, log);
  if (auto filled = fill_hash(bpf_map__fd(skeleton.maps.steer_slices), *tables); !filled) {
    return Failure{filled.error()};
  }

  const int program = bpf_program__fd(skeleton.progs.steer);
  bpf_prog_info info{};
  __u32 info_size = sizeof info;
  if (const int error = bpf_obj_get_info_by_fd(program, &info, &info_size); error != 0)
    return load_failure(-error, log);
  state->program_id = info.id;

  auto attachment = attach_program(program, options.interface, ifindex, options.mode);
  if (!attachment) return Failure{attachment.error()};
  state->link = attachment->link;
  state->mode = attachment->mode;
  state->native_refusal = std::move(attachment->native_refusal);
  state->queues = options.queues;
  state->shards = options.shards;
  return Steering{std::move(state)};
}

Result<void> Steering::set_socket(std::uint32_t queue, std::uint32_t shard, int socket) {
  if (queue >= state_->queues || shard >= state_->shards) {
    return fail(Fault::kRun, fmt::format("no place for the socket of queue {}, shard {}", queue, shard));
  }
  const __u32 index = queue * state_->shards + shard;
  const __u32 value = static_cast<__u32>(socket);
  const int map = bpf_map__fd(state_->skeleton->maps.steer_sockets);
  if (const int error = bpf_map_update_elem(map, &index, &value, BPF_ANY); error != 0) {
    return fail(Fault::kMachine, fmt::format("steering queue {}, shard {} to its socket", queue, shard), {}, -error);
  }
  return {};
}

Result<SteeringCounters> Steering::counters() const {
  const int cpus = libbpf_num_possible_cpus();
  if (cpus <= 0) return fail(Fault::kMachine, "counting the CPUs", {}, -cpus);
  std::vector<std::uint64_t> per_cpu(static_cast<std::size_t>(cpus));
  std::array<std::uint64_t, STEER_OUTCOMES> frames{};
  const int map = bpf_map__fd(state_->skeleton->maps.steer_counters);
  for (__u32 outcome = 0; outcome < STEER_OUTCOMES; ++outcome) {
    if (const int error = bpf_map_lookup_elem(map, &outcome, per_cpu.data()); error != 0) {
      return fail(Fault::kMachine, "reading the counters of steering", {}, -error);
    }
    frames[outcome] = std::accumulate(per_cpu.begin(), per_cpu.end(), std::uint64_t{0});
  }
  SteeringCounters counters;
  counters.redirected = frames[STEER_REDIRECTED];
  counters.no_socket = frames[STEER_NO_SOCKET];
  std::copy(frames.begin() + STEER_PASSED_TRUNCATED, frames.end(), counters.passed_by_reason.begin());
  return counters;
}

static_assert(STEER_OUTCOMES - STEER_PASSED_TRUNCATED == static_cast<int>(Passed::kCount));
static_assert(STEER_PASSED_GROUP - STEER_PASSED_TRUNCATED == static_cast<int>(Passed::kGroup));
static_assert(STEER_PASSED_OTHER_ARP - STEER_PASSED_TRUNCATED == static_cast<int>(Passed::kOtherArp));

XdpMode Steering::mode() const { return state_->mode; }
const std::string& Steering::native_refusal() const { return state_->native_refusal; }
std::uint32_t Steering::program_id() const { return state_->program_id; }

}  // namespace myriad::bpf
