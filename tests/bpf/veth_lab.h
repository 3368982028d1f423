// Two anonymous network namespaces joined by a veth pair: `near` in the one, `far` in the other. They have no names:
// when the test process ends, however it ends, the kernel takes them away with everything inside.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"

namespace myriad::bpf {

struct VethOptions {
  int near_queues = 1;  // RX and TX
  int far_queues = 1;
  int far_mtu = 1500;
};

class VethLab {
 public:
  // near: 10.9.0.1/16, fd09::1/64; far: 10.9.0.2/16, fd09::2/64; both up.
  static Result<std::unique_ptr<VethLab>> make(const VethOptions& options = {});
  VethLab(const VethLab&) = delete;
  VethLab& operator=(const VethLab&) = delete;
  ~VethLab();

  // Runs `what` with this thread in the namespace; sockets made there stay there.
  void in_near(const std::function<void()>& what) const;
  void in_far(const std::function<void()>& what) const;
  // The exit code of a shell command, run in the near namespace; its output goes to the test's.
  [[nodiscard]] int shell_near(const std::string& command) const;
  [[nodiscard]] int shell_far(const std::string& command) const;
  [[nodiscard]] std::uint32_t near_index() const { return near_index_; }

 private:
  VethLab() = default;
  int home_ = -1;
  int near_ = -1;
  int far_ = -1;
  std::uint32_t near_index_ = 0;
};

}  // namespace myriad::bpf
