#include "tests/bpf/steer_probe.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>

#include "bpf/libbpf_log.h"
#include "bpf/steer_abi.h"
#include "bpf/steer_tables.h"
#include "steer_probe.skel.h"

namespace myriad::bpf {

void SteerProbe::Closer::operator()(steer_probe_bpf* skeleton) const { steer_probe_bpf__destroy(skeleton); }
SteerProbe::SteerProbe(steer_probe_bpf* skeleton) : skeleton_(skeleton) {}
SteerProbe::SteerProbe(SteerProbe&&) noexcept = default;
SteerProbe::~SteerProbe() = default;

Result<SteerProbe> SteerProbe::load(std::span<const HostRange> ranges) {
  const auto tables = make_steer_tables(ranges, 1);
  if (!tables) return Failure{tables.error()};
  const LibbpfLog log;
  SteerProbe probe{steer_probe_bpf__open()};
  steer_probe_bpf* skeleton = probe.skeleton_.get();
  if (skeleton == nullptr) return fail(Fault::kMachine, "opening the probe", log.tail(), errno);
  skeleton->rodata->steer_config = tables->config;
  tables->store(skeleton->bss->steer_tables);
  auto count = static_cast<__u32>(tables->keys.size());
  bpf_map__set_max_entries(skeleton->maps.steer_slices, std::max(count, 1U));
  if (const int error = steer_probe_bpf__load(skeleton); error != 0) {
    return fail(Fault::kMachine, "loading the probe", log.tail(), -error);
  }
  if (count != 0) {
    const int map = bpf_map__fd(skeleton->maps.steer_slices);
    const int error = bpf_map_update_batch(map, tables->keys.data(), tables->slices.data(), &count, nullptr);
    if (error != 0) return fail(Fault::kMachine, "filling the hash", {}, -error);
  }
  return probe;
}

Result<oracle::Decision> SteerProbe::decide(Bytes frame) {
  bpf_test_run_opts run{};
  run.sz = sizeof run;
  run.data_in = frame.data();
  run.data_size_in = static_cast<__u32>(frame.size());
  run.repeat = 1;
  skeleton_->bss->probe_outcome = STEER_OUTCOMES;
  if (const int error = bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.probe), &run); error != 0) {
    return fail(Fault::kMachine, "BPF_PROG_TEST_RUN", {}, -error);
  }
  const std::uint32_t outcome = skeleton_->bss->probe_outcome;
  const std::uint64_t host = skeleton_->bss->probe_host;
  if (outcome == STEER_REDIRECTED) return oracle::Decision{static_cast<std::uint32_t>(host)};
  if (outcome < STEER_PASSED_TRUNCATED || outcome >= STEER_OUTCOMES) return fail(Fault::kRun, "the probe did not run");
  return oracle::Decision{std::nullopt, static_cast<Passed>(outcome - STEER_PASSED_TRUNCATED)};
}

}  // namespace myriad::bpf
