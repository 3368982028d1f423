#include "tests/bpf/veth_lab.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <net/if.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace myriad::bpf {
namespace {

int current_namespace() { return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC); }

void enter(int where) {
  if (setns(where, CLONE_NEWNET) != 0) std::abort();  // the test would go on in the wrong network
}

int run(const std::string& command) {
  const int status = std::system(command.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

Result<std::unique_ptr<VethLab>> VethLab::make(const VethOptions& options) {
  std::unique_ptr<VethLab> lab{new VethLab};
  lab->home_ = current_namespace();
  if (unshare(CLONE_NEWNET) != 0) return fail(Fault::kMachine, "making a network namespace", {}, errno);
  lab->far_ = current_namespace();
  if (unshare(CLONE_NEWNET) != 0) {
    const int error = errno;
    enter(lab->home_);
    return fail(Fault::kMachine, "making a network namespace", {}, error);
  }
  lab->near_ = current_namespace();
  enter(lab->home_);

  const int made = lab->shell_near(
      fmt::format("ip link set lo up && ip link add near numtxqueues {0} numrxqueues {0} type veth "
                  "peer name far numtxqueues {1} numrxqueues {1} netns /proc/{2}/fd/{3} && "
                  "ip addr add 10.9.0.1/16 dev near && ip addr add fd09::1/64 dev near nodad && ip link set near up",
                  options.near_queues, options.far_queues, getpid(), lab->far_));
  if (made != 0) return fail(Fault::kMachine, "making a veth pair");
  const int joined = lab->shell_far(fmt::format(
      "ip addr add 10.9.0.2/16 dev far && ip addr add fd09::2/64 dev far nodad && ip link set far mtu {} up",
      options.far_mtu));
  if (joined != 0) return fail(Fault::kMachine, "setting the far end up");
  lab->in_near([&] { lab->near_index_ = if_nametoindex("near"); });
  return lab;
}

VethLab::~VethLab() {
  for (const int fd : {near_, far_, home_}) {
    if (fd >= 0) close(fd);
  }
}

void VethLab::in_near(const std::function<void()>& what) const {
  enter(near_);
  what();
  enter(home_);
}
void VethLab::in_far(const std::function<void()>& what) const {
  enter(far_);
  what();
  enter(home_);
}
int VethLab::shell_near(const std::string& command) const {
  int code = -1;
  in_near([&] { code = run(command); });
  return code;
}
int VethLab::shell_far(const std::string& command) const {
  int code = -1;
  in_far([&] { code = run(command); });
  return code;
}

}  // namespace myriad::bpf
