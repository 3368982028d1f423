// Runs the decision of the steering program in the kernel, frame by frame, by BPF_PROG_TEST_RUN.
#pragma once

#include <memory>
#include <span>

#include "base/result.h"
#include "bpf/host_range.h"
#include "tests/bpf/oracle/steer_oracle.h"

struct steer_probe_bpf;

namespace myriad::bpf {

class SteerProbe {
 public:
  // Fails with EPERM where BPF may not be used.
  static Result<SteerProbe> load(std::span<const HostRange> ranges);
  SteerProbe(SteerProbe&&) noexcept;
  ~SteerProbe();

  // The kernel takes frames of at least 14 bytes for this.
  Result<oracle::Decision> decide(Bytes frame);

 private:
  struct Closer {
    void operator()(steer_probe_bpf* skeleton) const;
  };
  explicit SteerProbe(steer_probe_bpf* skeleton);
  std::unique_ptr<steer_probe_bpf, Closer> skeleton_;
};

}  // namespace myriad::bpf
